"""`submission`: what was sent, what became of it, and its errors and refused rows to mend."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import ANY_PATH, Command, Group, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.answers import Outcome, RejectedRow, RowError, Sent
from gateway.client.returned import Returned

_NONE: Final = "-"
Asked = Callable[[Returned, str], Coroutine[Any, Any, bytes]]


@click.group(cls=Group, example="cms-gateway submission refused sub_... --output refused.csv")
def submission() -> None:
    """See what became of what was sent, and get it back to mend."""


@submission.command(
    "list", cls=Command, example="cms-gateway submission list --limit 10", speaks=True
)
@click.option("--before", help="Id of the last one seen, to go on from there.")
@click.option(
    "--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many."
)
@profile_option
@as_json
def show_all(before: str | None, limit: int, profile: Path, *, as_json: bool) -> None:
    """List what was sent, the newest first."""

    async def work() -> tuple[Sent, ...]:
        async with opened(profile) as client:
            return await client.submissions(before=before, limit=limit)

    found = run(work())
    if as_json:
        screen.emit({"submissions": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("id", "state", "accepted", "refused", "format", "request", "recorded"),
        [
            (
                each.id,
                each.state,
                each.accepted,
                each.refused,
                each.format or _NONE,
                each.request or _NONE,
                each.recorded_at,
            )
            for each in found
        ],
    )


@submission.command(cls=Command, example="cms-gateway submission show sub_...", speaks=True)
@click.argument("identity", metavar="ID")
@click.option(
    "--wait", type=click.IntRange(0, 60), default=0, help="Seconds to wait for the outcome."
)
@profile_option
@as_json
def show(identity: str, wait: int, profile: Path, *, as_json: bool) -> None:
    """Show what became of a submission, and how many of its rows are still open."""

    async def work() -> Outcome:
        async with opened(profile) as client:
            return await client.outcome(identity, wait_seconds=wait)

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    screen.facts(
        [
            ("id", found.id),
            ("state", found.state),
            ("recorded", found.recorded_at),
            ("accepted", found.rows.accepted),
            ("refused", found.rows.refused),
            ("open", found.open),
        ]
    )
    for note in found.notes:
        screen.say(f"  note: {note.message} [{note.code}]")
    screen.rules(found.rules)
    screen.row_errors(found.errors, found.rows.refused)
    screen.mending(found)


@submission.command(
    cls=Command,
    example="""
        cms-gateway submission errors sub_... > errors.csv
        cms-gateway submission errors sub_... --output marked.xlsx
    """,
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "xlsx"]),
    help="A table, or the workbook that was sent with its errors marked; else as the output is named.",
)
@click.option("--output", type=ANY_PATH, help="File to write; a table goes to stdout without it.")
@profile_option
@as_json
def errors(
    identity: str, kind: str | None, output: Path | None, profile: Path, *, as_json: bool
) -> None:
    """Get every row error of a submission: where, which rule, and how to mend it."""
    named = output is not None and output.suffix.lower() == ".xlsx"
    chosen = kind or ("xlsx" if named else "csv")
    if chosen == "xlsx" and output is None:
        raise Stop("A workbook goes into a file. Name it with --output.", Exit.USAGE)
    _check_new(output)
    if as_json and output is None:
        screen.emit({"errors": msgspec.to_builtins(run(_listed(profile, identity)))})
        return
    ask: Asked = Returned.marked if chosen == "xlsx" else Returned.errors_csv
    data = run(_got(profile, identity, ask))
    if output is None:
        click.echo(data, nl=False)
    else:
        _write(data, output, as_json=as_json)


@submission.command(
    cls=Command,
    example="cms-gateway submission refused sub_... --output refused.csv",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.option("--output", type=ANY_PATH, required=True, help="File to write.")
@profile_option
@as_json
def refused(identity: str, output: Path, profile: Path, *, as_json: bool) -> None:
    """Get the refused rows that are still open, in the format that was sent.

    Each has its row_key. Mend them, then send the file with 'submit --completes ID'.
    """
    _check_new(output)
    _write(run(_got(profile, identity, Returned.refused_rows)), output, as_json=as_json)
    screen.say(f"Mend these rows, then: cms-gateway submit {output} --completes {identity}")


async def _got(profile: Path, identity: str, ask: Asked) -> bytes:
    async with opened(profile) as client:
        return await ask(client.returned, identity)


async def _listed(profile: Path, identity: str) -> tuple[RowError, ...]:
    async with opened(profile) as client:
        return await client.errors(identity)


def _check_new(output: Path | None) -> None:
    """Before anything is asked for: nothing is ever written over."""
    if output is not None and output.exists():
        raise Stop(f"{output} exists already; name another with --output.", Exit.USAGE)


def _write(data: bytes, output: Path, *, as_json: bool) -> None:
    try:
        with output.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Stop(f"{output} cannot be written: {error.strerror}.", Exit.USAGE) from error
    if as_json:
        screen.emit({"file": str(output), "bytes": len(data)})
    else:
        click.echo(output)


@submission.command(
    "rejections", cls=Command, example="cms-gateway submission rejections sub_...", speaks=True
)
@click.argument("identity", metavar="SUBMISSION")
@profile_option
@as_json
def show_rejections(identity: str, profile: Path, *, as_json: bool) -> None:
    """Show rows of SUBMISSION that were accepted and could not be used, and what to do."""

    async def work() -> tuple[RejectedRow, ...]:
        async with opened(profile) as client:
            return await client.rejections(identity)

    found = run(work())
    if as_json:
        screen.emit({"rejections": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("row", "record", "code", "field", "why", "what to do"),
        [
            (each.row, each.record_type, each.code, each.field or _NONE, each.message, each.fix)
            for each in found
        ],
    )
