"""`correspondent`: whom notices go to, and how each is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from gateway.administration.orders import (
    ListCorrespondents,
    PutCorrespondent,
    ShowCorrespondent,
)
from gateway.cli import screen
from gateway.cli.command import EXISTING, Command, Group, as_json, config_option
from gateway.cli.exits import Exit
from gateway.cli.office import give
from gateway.core.correspondent import Kind, Language
from gateway.core.deadlines import Nation

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)


@click.group(cls=Group, example="cms-gateway correspondent list --config gateway/config.toml")
def correspondent() -> None:
    """Whom notices go to. Works beside a running gateway, and without one."""


@correspondent.command(
    cls=Command,
    example="cms-gateway correspondent put example-bank --address 'Legal Orders Team' \\\n"
    "    --address 'Example Bank plc' --address '1 Made Up Street' --address 'SW1A 2AA' \\\n"
    "    --email orders@bank.example --webhook https://bank.example/cms",
    exits=_EXITS,
)
@click.argument("identity", metavar="ID")
@click.option(
    "--kind",
    type=click.Choice(get_args(Kind)),
    default="organisation",
    show_default=True,
    help="Which; a parent's ID begins with par_.",
)
@click.option(
    "--nation",
    type=click.Choice(get_args(Nation)),
    default="england_wales",
    show_default=True,
    help="Whose rules on service hold.",
)
@click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    default="en",
    show_default=True,
    help="Of the notices.",
)
@click.option(
    "--address",
    multiple=True,
    metavar="LINE",
    help="A line of the postal address; give 3 to 7, the last a UK postcode or a country.",
)
@click.option("--email", help="E-mail address.")
@click.option("--webhook", metavar="URL", help="Where to say by HTTPS that something waits.")
@click.option(
    "--secret-file",
    type=EXISTING,
    help="File with the secret that signs what the webhook gets; without it one is made.",
)
@config_option
@as_json
def put(
    identity: str,
    kind: Kind,
    nation: Nation,
    language: Language,
    address: tuple[str, ...],
    email: str | None,
    webhook: str | None,
    secret_file: Path | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Say how ID is reached. It takes the place of what was known: what is left out is forgotten.

    An agreement is to one address: after a change it covers the old one alone, and notices go by
    post until there is a new agreement. A secret that is made is shown now, and never again.
    """
    secret = None if secret_file is None else secret_file.read_text(encoding="utf-8").strip()
    wanted = PutCorrespondent(
        id=identity,
        kind=kind,
        nation=nation,
        language=language,
        address=address,
        email=email,
        webhook=webhook,
        secret=secret,
    )
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
        return
    screen.say(f"It is known how {identity} is reached.")
    if told["no_longer_covered"]:
        gone = ", ".join(told["no_longer_covered"])
        screen.say(
            f"To another address, and so without effect now: {gone}. Ask for new agreements."
        )
    if told["secret"] is not None:
        screen.say("Hand this secret over now; it is kept sealed.")
        screen.facts([("secret", told["secret"])])


@correspondent.command(
    cls=Command, example="cms-gateway correspondent show example-bank", exits=_EXITS
)
@click.argument("identity", metavar="ID")
@config_option
@as_json
def show(identity: str, config: Path, *, as_json: bool) -> None:
    """Show how ID is reached, what it agreed to and prefers, and what was sent to it."""
    told = give(config, ShowCorrespondent(id=identity))
    if as_json:
        screen.emit(told)
        return
    contact = told["contact"]
    screen.facts(
        [
            *((name, told[name]) for name in ("id", "kind", "nation", "language")),
            ("address", ", ".join(contact["address"]) or "-"),
            ("email", contact["email"] or "-"),
            ("webhook", contact["webhook"] or "-"),
            ("preferences", _preferences(told["preferences"])),
            ("sent", _counted(told["sent"])),
            ("notices", _counted(told["notices"])),
        ]
    )
    screen.rows(
        ("agreement", "purpose", "form", "since", "until", "standing", "evidence"),
        [
            (
                each["id"],
                each["purpose"],
                each["form"],
                each["since"],
                each["until"] or "",
                _standing(each),
                each["evidence"],
            )
            for each in told["agreements"]
        ],
    )


def _preferences(history: list[dict[str, Any]]) -> str:
    said = [f"{'post' if each['post'] else 'not post'} since {each['since']}" for each in history]
    return ", ".join(said) or "-"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


def _standing(agreed: dict[str, Any]) -> str:
    """In a word: an agreement to an address that is not known any more has no effect."""
    if not agreed["live"]:
        return "not live"
    return "live" if agreed["covers"] else "another address"


@correspondent.command(
    "list", cls=Command, example="cms-gateway correspondent list --json", exits=_EXITS
)
@click.option("--after", default="", metavar="ID", help="Only those that come after this one.")
@config_option
@as_json
def show_all(after: str, config: Path, *, as_json: bool) -> None:
    """List correspondents by ID, a thousand at a time."""
    told = give(config, ListCorrespondents(after=after))
    if as_json:
        screen.emit(told)
        return
    screen.rows(
        ("id", "kind", "nation", "language", "agreed", "prefers post"),
        [
            (
                each["id"],
                each["kind"],
                each["nation"],
                each["language"],
                " ".join(each["agreed"]),
                "yes" if each["prefers_post"] else "",
            )
            for each in told["correspondents"]
        ],
    )
