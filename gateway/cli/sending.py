"""`submit`: send a file and keep the receipt."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import EXISTING, FOLDER, Command, as_json, profile_option
from gateway.cli.exits import Exit, Stop, code_of, run, said
from gateway.cli.keeping import keep_receipt, opened
from gateway.client.answers import ArchiveFile, Outcome, RowError
from gateway.client.api import Client
from gateway.client.media import is_archive
from gateway.client.packing import Encoding
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
@click.option("--compress", type=click.Choice(["gzip", "zstd"]), help="Send the file compressed.")
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
    compress: Encoding | None,
    idempotency_key: str | None,
    receipts: Path,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Send FILE, wait for its outcome, and keep the receipt.

    Run it again after whatever interrupted it: a large file continues where the gateway has got
    to, and a file that had arrived gets the same receipt. A FILE that ends in .zip is an archive with
    a manifest.json; the outcome of each file in it is told.
    """
    if is_archive(file):
        if request is not None or media_type is not None or compress is not None:
            message = "An archive says in its manifest what --request and --type would say."
            raise Stop(message, Exit.USAGE)
        archived = run(_send_archive(file, idempotency_key, profile))
        context.exit(int(_tell_files(archived, receipts, as_json=as_json)))

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
                encoding=compress,
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


async def _send_archive(
    file: Path, idempotency_key: str | None, profile: Path
) -> tuple[ArchiveFile, ...]:
    async with opened(profile) as client:
        with screen.progress(file.name) as progress:
            return await client.submit_archive(
                file, idempotency_key=idempotency_key, progress=progress
            )


def _tell_files(files: tuple[ArchiveFile, ...], receipts: Path, *, as_json: bool) -> Exit:
    """What became of each file; the worst of them is the exit code."""
    told, codes = [], {Exit.OK}
    for file in files:
        outcome, problem = file.outcome, file.problem or {}
        state = "refused" if outcome is None else outcome.state
        refused = 0 if outcome is None else outcome.rows.refused
        identity = problem.get("submission") if outcome is None else outcome.id
        receipt = problem.get("receipt") if outcome is None else outcome.receipt
        if state == "refused":
            codes.add(code_of(file.status) if outcome is None else Exit.REFUSED)
        elif refused:
            codes.add(Exit.PARTIAL)
        kept = None
        if receipt is not None and identity is not None:
            kept = str(keep_receipt(receipt, identity, receipts))
        line = {"name": file.name, "status": file.status, "state": state, "id": identity}
        errors = problem.get("errors", ()) if outcome is None else outcome.errors
        told.append(line | {"errors": msgspec.to_builtins(errors), "receipt": kept})
        if as_json:
            continue
        if outcome is None:
            why = said(problem.get("title", ""), problem.get("detail", ""), problem.get("fix", ""))
            screen.say(f"{file.name}: refused. {why}")
        else:
            rows = outcome.rows
            screen.say(
                f"{file.name}: {state}; {screen.counted(rows.accepted, 'record')} accepted, "
                f"{screen.counted(rows.refused, 'row')} refused."
            )
        count = problem.get("error_count", 0) if outcome is None else rows.refused
        screen.row_errors(msgspec.convert(told[-1]["errors"], tuple[RowError, ...]), count)
        click.echo(kept or "-")
    if as_json:
        screen.emit({"files": told})
    worst = (Exit.UNAVAILABLE, Exit.NOT_PERMITTED, Exit.REFUSED, Exit.PARTIAL, Exit.OK)
    return next(code for code in worst if code in codes)


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
    screen.mending(outcome)
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
