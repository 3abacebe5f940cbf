"""`request raise`, `list` and `show`: the asking side, and what an organisation is asked."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import Command, Day, Group, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.answers import Request


@click.group(cls=Group, example="cms-gateway request list --profile example-bank/profile.toml")
def request() -> None:
    """Information requests: raised by consumers, answered by organisations."""


@request.command(
    "raise",
    cls=Command,
    example="cms-gateway request raise example-bank --purpose IDENTIFY_TRACE \\\n"
    "    --record account --citation 'SI 2008/2551 reg 4(1)(c)' --due 2027-01-31 \\\n"
    "    --surname Example --nino AA000001A --profile tracing/profile.toml",
    speaks=True,
)
@click.argument("organisation")
@click.option("--purpose", "purposes", multiple=True, required=True, help="Purpose in law.")
@click.option("--record", "types", multiple=True, required=True, help="Record type asked for.")
@click.option("--citation", required=True, help="The law that obliges the answer.")
@click.option(
    "--due", type=Day(), required=True, help="Day by which it is to be answered, YYYY-MM-DD."
)
@click.option("--reference", help="A reference of your own; it names nobody.")
@click.option("--surname", help="Of the person asked about.")
@click.option("--forenames", help="Of the person asked about.")
@click.option("--nino", help="National Insurance number of the person asked about.")
@click.option("--date-of-birth", type=Day(), help="YYYY-MM-DD.")
@click.option("--subject", help="What is known of the person, as JSON, instead of the options.")
@profile_option
@as_json
def raise_request(
    organisation: str,
    purposes: tuple[str, ...],
    types: tuple[str, ...],
    citation: str,
    due: dt.date,
    date_of_birth: dt.date | None,
    reference: str | None,
    subject: str | None,
    profile: Path,
    *,
    as_json: bool,
    **person: str | None,
) -> None:
    """Ask ORGANISATION about a person; writes the id of the request."""
    born = None if date_of_birth is None else date_of_birth.isoformat()
    known = _subject(subject, person | {"date_of_birth": born})

    async def work() -> str:
        async with opened(profile) as client:
            return await client.raise_request(
                organisation=organisation,
                purposes=purposes,
                citation=citation,
                record_types=types,
                subject=known,
                due=due.isoformat(),
                reference=reference,
            )

    identity = run(work())
    if as_json:
        screen.emit({"id": identity})
        return
    screen.say(f"Asked {organisation}; the answer is due on {due}.")
    click.echo(identity)


def _subject(text: str | None, person: dict[str, str | None]) -> dict[str, Any]:
    if text is None:
        known: Any = {name: value for name, value in person.items() if value}
    else:
        try:
            known = json.loads(text)
        except json.JSONDecodeError as error:
            message = f"--subject is not JSON, at character {error.pos}. Write an object."
            raise Stop(message, Exit.USAGE) from error
    if not isinstance(known, dict) or not known:
        message = "Say who is asked about: --nino, --surname, ... or --subject with an object."
        raise Stop(message, Exit.USAGE)
    return known


@request.command(
    "list",
    cls=Command,
    example="cms-gateway request list --profile example-bank/profile.toml",
    speaks=True,
)
@profile_option
@as_json
def show_all(profile: Path, *, as_json: bool) -> None:
    """List the requests we raised, or that were sent to us; the newest first."""

    async def work() -> tuple[Request, ...]:
        async with opened(profile) as client:
            return await client.requests()

    found = run(work())
    if as_json:
        screen.emit({"requests": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("id", "organisation", "consumer", "purposes", "records", "due"),
        [
            (
                r.id,
                r.organisation,
                r.consumer,
                ",".join(r.purposes),
                ",".join(r.record_types),
                r.due,
            )
            for r in found
        ],
    )


@request.command(
    cls=Command,
    example="cms-gateway request show req_00000000000000000000000000 --json",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@profile_option
@as_json
def show(identity: str, profile: Path, *, as_json: bool) -> None:
    """Show one request, with what is known of the person asked about."""

    async def work() -> Request:
        async with opened(profile) as client:
            return await client.request(identity)

    found = msgspec.to_builtins(run(work()))
    if as_json:
        screen.emit(found)
        return
    person = " ".join(f"{name}={value}" for name, value in found.pop("subject").items())
    screen.facts([*((name, _flat(value)) for name, value in found.items()), ("subject", person)])


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
