"""`request`: the asking side, what an organisation is asked, and how it is answered."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import Command, Day, Group, Lazy, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.answers import Request
from gateway.core.order_terms import KINDS
from gateway.core.request_life import State


@click.group(
    cls=Group,
    example="cms-gateway request list --profile example-bank/profile.toml",
    sections={
        "Who asks": {
            "raise": Lazy("asking:raise_request", "Ask an organisation about somebody."),
            "bulk": Lazy("batches:bulk", "Raise many from a file."),
            "issue": Lazy("steps:issue", "Send a draft on its way."),
            "withdraw": Lazy("steps:withdraw", "Take a request back."),
            "answer-question": Lazy("steps:answer_question", "Answer what an organisation asked."),
            "matches": Lazy("judging:matches", "What may be an answer, with score and reasons."),
            "confirm": Lazy("judging:confirm", "Say that a match is right."),
            "reject": Lazy("judging:reject", "Say that a match is wrong."),
        },
        "Who answers": {
            "acknowledge": Lazy("steps:acknowledge", "Say that a request has arrived."),
            "ask": Lazy("steps:ask", "Ask a question; the clock stands meanwhile."),
            "nil": Lazy("answering:nil", "Say that nothing is held."),
            "refuse": Lazy("answering:refuse", "Say why it will not be answered."),
            "look-up": Lazy(
                "answering:look_up", "Which requests the people in a file may be about."
            ),
        },
        "Both": {
            "list": Lazy("asking:show_all", "Requests, the newest first."),
            "show": Lazy("asking:show", "One request, and what happened to it."),
            "evidence": Lazy("judging:evidence", "Fetch the evidence pack."),
            "stats": Lazy("owing:stats", "Asked, answered, median days, overdue."),
        },
    },
)
def request() -> None:
    """Information requests: raised by consumers, answered by organisations."""


@click.command(
    "raise",
    cls=Command,
    example="cms-gateway request raise example-bank --purpose IDENTIFY_TRACE \\\n"
    "    --record account --citation 'SI 2008/2551 reg 4(1)(c)' --due 2027-01-31 \\\n"
    "    --surname Example --nino AA000001A --profile tracing/profile.toml",
    speaks=True,
)
@click.argument("organisation")
@click.option("--purpose", "purposes", multiple=True, required=True, help="Purpose in law.")
@click.option(
    "--record", "types", multiple=True, help="Record type asked for; an order names none."
)
@click.option("--citation", required=True, help="The law that obliges the answer.")
@click.option(
    "--due", type=Day(), help="Day by which it is to be answered, YYYY-MM-DD; not of an order."
)
@click.option("--reference", help="A reference of your own; it names nobody.")
@click.option("--surname", help="Of the person asked about.")
@click.option("--forenames", help="Of the person asked about.")
@click.option("--nino", help="National Insurance number of the person asked about.")
@click.option("--date-of-birth", type=Day(), help="YYYY-MM-DD.")
@click.option("--subject", help="What is known of the person, as JSON, instead of the options.")
@click.option(
    "--address",
    multiple=True,
    metavar="LINE",
    help="A line of the person's address; the last is the postcode.",
)
@click.option("--kind", type=click.Choice(KINDS), help="An order of this kind, with --terms.")
@click.option("--terms", help="Terms of the order, as JSON.")
@click.option("--draft", is_flag=True, help="Keep it; it reaches nobody until 'request issue'.")
@profile_option
@as_json
def raise_request(
    organisation: str,
    purposes: tuple[str, ...],
    types: tuple[str, ...],
    due: dt.date | None,
    date_of_birth: dt.date | None,
    subject: str | None,
    address: tuple[str, ...],
    terms: str | None,
    profile: Path,
    *,
    citation: str,
    reference: str | None,
    kind: str | None,
    draft: bool,
    as_json: bool,
    **person: str | None,
) -> None:
    """Ask ORGANISATION about a person; writes the id of the request.

    The day by which an order is to be answered follows from its service, and so does what answers it.
    """
    born = None if date_of_birth is None else date_of_birth.isoformat()
    known = _subject(subject, person | {"date_of_birth": born})
    places = [{"lines": address[:-1], "postcode": address[-1]}] if address else []
    ordered = None if terms is None else _object("--terms", terms)

    async def work() -> str:
        async with opened(profile) as client:
            return await client.raise_request(
                organisation=organisation,
                purposes=purposes,
                citation=citation,
                record_types=types,
                subject=known,
                due=None if due is None else due.isoformat(),
                reference=reference,
                kind=kind,
                terms=ordered,
                addresses=places,
                draft=draft,
            )

    identity = run(work())
    if as_json:
        screen.emit({"id": identity})
        return
    until = "" if due is None else f"; the answer is due on {due}"
    said = f"Drafted, for {organisation}; issue it with 'request issue {identity}'"
    screen.say(f"{said if draft else f'Asked {organisation}'}{until}.")
    click.echo(identity)


def _subject(text: str | None, person: dict[str, str | None]) -> dict[str, Any]:
    if text is None:
        known = {name: value for name, value in person.items() if value}
    else:
        known = _object("--subject", text)
    if not known:
        message = "Say who is asked about: --nino, --surname, ... or --subject with an object."
        raise Stop(message, Exit.USAGE)
    return known


def _object(option: str, text: str) -> dict[str, Any]:
    """The JSON object of an option; raises Stop."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{option} is not JSON, at character {error.pos}. Write an object."
        raise Stop(message, Exit.USAGE) from error
    if not isinstance(found, dict):
        raise Stop(f"{option} is not an object. Write one, as in {{...}}.", Exit.USAGE)
    return found


@click.command(
    "list",
    cls=Command,
    example="cms-gateway request list --state overdue --profile example-bank/profile.toml",
    speaks=True,
)
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in State]),
    multiple=True,
    help="Only these; may be given more than once.",
)
@click.option("--batch", metavar="ID", help="Only those of one list.")
@click.option("--before", metavar="ID", help="Only those that are older than this one.")
@profile_option
@as_json
def show_all(
    states: tuple[str, ...],
    batch: str | None,
    before: str | None,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """List the requests we raised, or that were sent to us; the newest thousand first."""

    async def work() -> tuple[Request, ...]:
        async with opened(profile) as client:
            return await client.requests(states=states, batch=batch, before=before)

    found = run(work())
    if as_json:
        screen.emit({"requests": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("id", "state", "organisation", "consumer", "purposes", "records", "due"),
        [
            (
                r.id,
                r.state,
                r.organisation,
                r.consumer,
                ",".join(r.purposes),
                ",".join(r.record_types),
                r.due,
            )
            for r in found
        ],
    )


@click.command(
    cls=Command,
    example="cms-gateway request show req_00000000000000000000000000 --json\n"
    "cms-gateway request show req_00000000000000000000000000 --format auth.001 > question.xml",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["words", "auth.001"]),
    default="words",
    show_default=True,
    help="In words, or as the ISO 20022 message that banks know.",
)
@profile_option
@as_json
def show(identity: str, kind: str, profile: Path, *, as_json: bool) -> None:
    """Show one request: of whom, why, by when, what happened to it, and what was asked about it."""

    async def message() -> bytes:
        async with opened(profile) as client:
            return await client.question_message(identity)

    async def work() -> Request:
        async with opened(profile) as client:
            return await client.request(identity)

    if kind == "auth.001":
        if as_json:
            raise Stop("auth.001 is XML; leave out --json or --format.", Exit.USAGE)
        click.echo(run(message()), nl=False)
        return
    found = run(work())
    told = msgspec.to_builtins(found)
    if as_json:
        screen.emit(told)
        return
    history, clarifications = told.pop("history"), told.pop("clarifications")
    for name in ("subject", "terms"):
        told[name] = " ".join(f"{k}={v}" for k, v in (told[name] or {}).items())
    screen.facts(
        (name, _flat(value)) for name, value in told.items() if value not in (None, "", [])
    )
    for each in clarifications:
        screen.facts([("question", f"{each['asked']}  {each['question']}")])
        answer = each["answer"]
        screen.facts([("answer", "-" if answer is None else f"{each['answered']}  {answer}")])
    screen.rows(
        ("event", "state", "at", "entry"),
        [(each["event"], each["state"], each["at"], each["entry"]) for each in history],
    )


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
