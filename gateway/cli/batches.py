"""`request bulk` and `batch`: many requests from one file, and the lists that they are."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.answering import kept, read
from gateway.cli.command import EXISTING, FOLDER, Command, Group, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.answers import Closed, Listed, Raised

_ID = "bat_00000000000000000000000000"
_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@click.command(
    cls=Command,
    example="cms-gateway request bulk requests.csv --profile tracing/profile.toml",
    exits=(Exit.PARTIAL,),
    speaks=True,
)
@click.argument("file", type=EXISTING)
@click.option(
    "--type", "kind", type=click.Choice(list(_TYPES)), help="Of the file; else as it is named."
)
@profile_option
@as_json
@click.pass_context
def bulk(
    context: click.Context, file: Path, kind: str | None, profile: Path, *, as_json: bool
) -> None:
    """Raise a request for each row of FILE, CSV or JSON lines; writes their ids.

    A row that the law does not allow is named with the reason, and the others go. What one
    organisation is asked in one file is a list, which it can fetch and answer as one. The same file
    sent again raises nothing.
    """
    known = kind or _ENDINGS.get(file.suffix.lower())
    if known is None:
        raise Stop(f"{file.name}: say what it is with --type csv or --type jsonl.", Exit.USAGE)
    data = read(file)

    async def work() -> Raised:
        async with opened(profile) as client:
            return await client.raise_many(data, _TYPES[known])

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
    else:
        _tell(found)
    if found.refused:
        context.exit(int(Exit.PARTIAL if found.requests else Exit.REFUSED))


def _tell(found: Raised) -> None:
    for row in found.refused:
        screen.say(f"  row {row.row}: {row.message} [{row.code}]")
    again = "It had been sent before; nothing was raised anew. " if found.repeat else ""
    raised = screen.counted(len(found.requests), "request")
    screen.say(f"{again}Raised: {raised}; refused: {screen.counted(len(found.refused), 'row')}.")
    for identity, organisation in sorted(found.batches.items(), key=lambda pair: pair[::-1]):
        screen.say(f"  {organisation}: {identity}")
    for each in found.requests:
        click.echo(each.id)


@click.group(cls=Group, example=f"cms-gateway batch show {_ID} --csv")
def batch() -> None:
    """Lists: what one organisation is asked in one file."""


@batch.command(cls=Command, example=f"cms-gateway batch show {_ID} --csv > list.csv", speaks=True)
@click.argument("identity", metavar="ID")
@click.option("--csv", "as_csv", is_flag=True, help="A table of the identifiers, as CSV.")
@profile_option
@as_json
def show(identity: str, profile: Path, *, as_csv: bool, as_json: bool) -> None:
    """Show a list: each request, and what we need to find the person."""
    if as_csv and as_json:
        raise Stop("Choose one of --csv and --json.", Exit.USAGE)

    async def table() -> bytes:
        async with opened(profile) as client:
            return await client.batch_csv(identity)

    async def work() -> tuple[Listed, ...]:
        async with opened(profile) as client:
            return await client.batch(identity)

    if as_csv:
        click.echo(run(table()), nl=False)
        return
    found = run(work())
    if as_json:
        screen.emit({"batch": identity, "requests": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("request", "state", "due", "records", "subject"),
        [
            (
                each.request,
                each.state,
                each.due,
                ",".join(each.record_types),
                " ".join(f"{name}={value}" for name, value in (each.subject or {}).items()),
            )
            for each in found
        ],
    )


@batch.command(cls=Command, example=f"cms-gateway batch close {_ID}", speaks=True)
@click.argument("identity", metavar="ID")
@click.option("--receipts", type=FOLDER, default=".", show_default=True, help="For the receipt.")
@profile_option
@as_json
def close(identity: str, receipts: Path, profile: Path, *, as_json: bool) -> None:
    """Say that whoever is left of a list is not known to us, and keep the receipt.

    Send the file with the hits first: 'submit hits.csv --request ID'. Nobody else is named.
    """

    async def work() -> Closed:
        async with opened(profile) as client:
            return await client.close_batch(identity)

    found = run(work())
    if not as_json:
        screen.say(f"Not known to us: {screen.counted(found.closed, 'request')}.")
    kept(found.outcome, receipts, as_json=as_json)
