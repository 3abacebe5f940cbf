"""`request nil`, `refuse` and `look-up`: answers without a file of facts, and whom one is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import EXISTING, FOLDER, Command, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run, told
from gateway.cli.keeping import keep_receipt, opened
from gateway.client import media
from gateway.client.answers import Outcome
from gateway.client.source import guessed
from gateway.core.limits import BULK_BODY_BYTES, MIB

_ID = "req_00000000000000000000000000"

_records = click.option(
    "--record", "types", multiple=True, help="Of this record type alone; else of all still to come."
)
_receipts = click.option(
    "--receipts", type=FOLDER, default=".", show_default=True, help="For the receipt."
)


@click.command(cls=Command, example=f"cms-gateway request nil {_ID} --record account", speaks=True)
@click.argument("identity", metavar="ID")
@_records
@click.option(
    "--code",
    type=click.Choice(["NOT_HELD", "NO_MATCH"]),
    default="NOT_HELD",
    show_default=True,
    help="Nothing of it is held, or the person is not known to us.",
)
@_receipts
@profile_option
@as_json
def nil(
    identity: str,
    types: tuple[str, ...],
    code: str,
    receipts: Path,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Answer that nothing is held, and keep the receipt."""

    async def work() -> Outcome:
        async with opened(profile) as client:
            return await client.nil(identity, record_types=types, code=code)

    kept(run(work()), receipts, as_json=as_json)


@click.command(
    cls=Command,
    example=f"cms-gateway request refuse {_ID} --code LEGAL_PRIVILEGE",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.option(
    "--code",
    required=True,
    help="Why, as a code; docs/requests.md lists them, and so does an answer to one that is none.",
)
@click.option("--detail", help="In words, where the code does not say it all.")
@_records
@_receipts
@profile_option
@as_json
def refuse(
    identity: str,
    code: str,
    detail: str | None,
    types: tuple[str, ...],
    receipts: Path,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Say that there will be no answer, and why, and keep the receipt."""

    async def work() -> Outcome:
        async with opened(profile) as client:
            return await client.refuse(identity, code, detail=detail, record_types=types)

    kept(run(work()), receipts, as_json=as_json)


def kept(outcome: Outcome, receipts: Path, *, as_json: bool) -> None:
    """Keep the receipt of an answer, and say where it is."""
    path = keep_receipt(outcome.receipt, outcome.id, receipts)
    if as_json:
        screen.emit(msgspec.to_builtins(outcome) | {"receipt": str(path)})
        return
    screen.say(f"Answered at {outcome.recorded_at}.")
    click.echo(path)


def read(file: Path) -> bytes:
    """A file whole; raises Stop for one that cannot be read or that no gateway would take."""
    with told():
        if file.stat().st_size > BULK_BODY_BYTES:
            message = (
                f"{file} has more than {BULK_BODY_BYTES // MIB} MiB. Split it, and send the parts."
            )
            raise Stop(message, Exit.USAGE)
        return file.read_bytes()


@click.command(
    "look-up",
    cls=Command,
    example="cms-gateway request look-up customers.csv --profile example-bank/profile.toml",
    speaks=True,
)
@click.argument("file", type=EXISTING)
@click.option("--type", "media_type", help="Media type of the file, if it cannot be guessed.")
@profile_option
@as_json
def look_up(file: Path, media_type: str | None, profile: Path, *, as_json: bool) -> None:
    """Find which open requests the people in FILE may be about. Nothing of it is kept."""
    data = read(file)

    async def work() -> list[dict[str, Any]]:
        async with opened(profile) as client:
            known = media_type or media.known(guessed(file), await client.formats())
            return await client.look_up(data, known)

    found = run(work())
    if as_json:
        screen.emit({"matches": found})
        return
    screen.rows(
        ("row", "request", "verdict", "score", "explanation"),
        [(m["row"], m["request"], m["verdict"], m["score"], m["explanation"]) for m in found],
    )
