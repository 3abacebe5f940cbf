"""`submit`: send a file and keep the receipt."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import EXISTING, FOLDER, Command, as_json, profile_option
from gateway.cli.exits import Exit, code_of, run, said
from gateway.cli.keeping import keep_receipt, opened
from gateway.client.answers import Outcome
from gateway.client.api import Client
from gateway.client.problem import Problem


@click.command(
    cls=Command,
    example="cms-gateway submit schedule-2026-10.csv --profile example-employer/profile.toml",
    exits=(Exit.PARTIAL,),
    speaks=True,
)
@click.argument("file", type=EXISTING)
@click.option("--request", help="Id of the information request that this answers.")
@click.option("--completes", help="Id of an earlier submission whose refused rows this brings.")
@click.option("--type", "media_type", help="Media type of the file, if it cannot be guessed.")
@click.option("--idempotency-key", help="A key of your own; otherwise made from the content.")
@click.option(
    "--receipts",
    type=FOLDER,
    default=".",
    show_default=True,
    help="Where to keep the receipt.",
)
@profile_option
@as_json
@click.pass_context
def submit(
    context: click.Context,
    file: Path,
    request: str | None,
    completes: str | None,
    media_type: str | None,
    idempotency_key: str | None,
    receipts: Path,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Send FILE, wait for its outcome, and keep the receipt.

    Run it again after whatever interrupted it: a large file continues where the gateway has got
    to, and a file that had arrived gets the same receipt.
    """

    async def work() -> Outcome:
        async with opened(profile) as client:
            return await _send(client)

    async def _send(client: Client) -> Outcome:
        with screen.progress(file.name) as progress:
            return await client.submit(
                file,
                media_type,
                request=request,
                completes=completes,
                idempotency_key=idempotency_key,
                progress=progress,
            )

    async def kept() -> Exit:
        try:
            outcome = await work()
        except Problem as problem:
            if problem.receipt is None or problem.submission is None:
                raise
            path = keep_receipt(problem.receipt, problem.submission, receipts)
            _tell_refused(problem, path, as_json=as_json)
            return code_of(problem.status)
        path = keep_receipt(outcome.receipt, outcome.id, receipts)
        _tell(outcome, path, as_json=as_json)
        return Exit.PARTIAL if outcome.rows.refused else Exit.OK

    context.exit(int(run(kept())))


def _tell(outcome: Outcome, path: Path, *, as_json: bool) -> None:
    if as_json:
        screen.emit(msgspec.to_builtins(outcome) | {"receipt": str(path)})
        return
    rows = outcome.rows
    again = "It had been sent before; this is the same receipt. " if outcome.repeat else ""
    screen.say(
        f"{again}Accepted: {screen.counted(rows.accepted, 'record')}; refused: "
        f"{screen.counted(rows.refused, 'row')}. "
        f"Recorded at {outcome.recorded_at}.",
    )
    for note in outcome.notes:
        screen.say(f"  note: {note.message} [{note.code}]")
    screen.rules(outcome.rules)
    screen.row_errors(outcome.errors, rows.refused)
    if outcome.open:
        screen.say(
            f"Mend these {screen.counted(outcome.open, 'row')} and send them again with "
            f"--completes {outcome.id}; the others are kept and never counted twice."
        )
    click.echo(path)


def _tell_refused(problem: Problem, path: Path, *, as_json: bool) -> None:
    if as_json:
        told = {
            "id": problem.submission,
            "state": "refused",
            "reason": problem.slug,
            "detail": problem.detail,
            "fix": problem.fix,
            "errors": msgspec.to_builtins(problem.errors),
            "error_count": problem.error_count,
            "receipt": str(path),
        }
        screen.emit(told)
        return
    screen.say(f"Refused: {said(problem.title, problem.detail)}")
    screen.rules(problem.rules)
    screen.row_errors(problem.errors, problem.error_count)
    screen.say(f"{said('', '', problem.fix)} The receipt of the refusal is kept in:")
    click.echo(path)
