"""`consumer`: the teams' own side, from the feed to proposals for an officer."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from certs import private_files
from gateway.cli import screen
from gateway.cli.command import EXISTING, FOLDER, Command, Day, Group, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run
from gateway.cli.keeping import opened
from gateway.client.events import Event
from gateway.consumers.calculation import book as calculation_book
from gateway.consumers.calculation import proposals as calculation
from gateway.consumers.collecting import collect
from gateway.consumers.collecting import take_up as upto_here
from gateway.consumers.enforcement import book as enforcement_book
from gateway.consumers.enforcement import proposals as enforcement
from gateway.consumers.inbox import KEY_BYTES, Inbox, InboxError
from gateway.consumers.proposal import Proposal, explained
from gateway.consumers.rates import NoRateError, Rates, installed
from gateway.consumers.standing import known_by, standing
from gateway.consumers.statistics.chart import as_svg
from gateway.consumers.statistics.figures import MEASURES, of_measure, statistics
from gateway.consumers.statistics.rows import as_csv
from gateway.consumers.tracing import book as tracing_book
from gateway.consumers.tracing import proposals as tracing
from gateway.consumers.tracing.page import person_page
from gateway.consumers.tracing.sighting import sightings


class Team(NamedTuple):
    """A consumer: how it reads what its own systems know, and what it proposes."""

    read: Callable[[str], Any]
    propose: Callable[[Sequence[Event], Any, Rates, dt.date], list[Proposal]]


TEAMS: Final = {
    "tracing": Team(tracing_book.read_book, tracing.proposals),
    "calculation": Team(calculation_book.read_book, calculation.proposals),
    "enforcement": Team(enforcement_book.read_book, enforcement.proposals),
}
_NAMES: Final = click.Choice(tuple(TEAMS))
_INBOX: Final = "inbox.sqlite"
_KEY: Final = "inbox.key"
_COLLECT: Final = "cms-gateway consumer collect"

directory_option = click.option(
    "--directory",
    type=FOLDER,
    required=True,
    help="Where the inbox is, and the key that seals it; made if it is not there.",
)
book_option = click.option(
    "--book", type=EXISTING, required=True, help="What the department's own systems know, as TOML."
)
day_option = click.option("--on", type=Day(), help="As of the end of this day; else today (UTC).")


@click.group(cls=Group, example="cms-gateway consumer collect tracing --directory tracing")
def consumer() -> None:
    """Collect a feed, and lay before an officer what it shows; nothing here acts by itself."""


@consumer.command(
    "collect",
    cls=Command,
    example="cms-gateway consumer collect calculation --directory calculation --follow",
    speaks=True,
)
@click.argument("name", type=_NAMES)
@directory_option
@click.option("--follow", is_flag=True, help="Wait at the end for more, until interrupted.")
@profile_option
@as_json
def collect_feed(name: str, directory: Path, profile: Path, *, follow: bool, as_json: bool) -> None:
    """Bring the inbox of the consumer NAME up to the end of its feed.

    Each page is verified, kept, and acknowledged as delivered. What cannot be right goes back to its
    sender. Killed at any moment, it goes on where it was.
    """

    def told(new: int, reach: int) -> None:
        screen.say(f"{screen.counted(new, 'new record')}; all up to {reach} are here.")

    async def work() -> tuple[int, int]:
        async with opened(profile) as client:
            with inbox_of(directory, name, make=True) as inbox:
                return await collect(client, inbox, follow=follow, told=told), inbox.reach

    new, reach = run(work())
    if as_json:
        screen.emit({"new": new, "reach": reach})
        return
    if not new:
        screen.say(f"Nothing new; all up to {reach} are here.")


@consumer.command(
    "proposals",
    cls=Command,
    example="cms-gateway consumer proposals enforcement --directory enforcement --book book.toml",
    speaks=True,
)
@click.argument("name", type=_NAMES)
@directory_option
@book_option
@day_option
@click.option("--explain", is_flag=True, help="With every step, its source, and how sure that is.")
@click.option("--take-up", is_flag=True, help="Tell the gateway that all of it is in use now.")
@profile_option
@as_json
def show_proposals(
    name: str,
    directory: Path,
    book: Path,
    on: dt.date | None,
    profile: Path,
    *,
    explain: bool,
    take_up: bool,
    as_json: bool,
) -> None:
    """Say what the consumer NAME makes of its inbox: proposals with reasons, for an officer."""
    team = TEAMS[name]
    known = _read(name, book)
    day = on or _today()
    with inbox_of(directory, name) as inbox:
        upto, cursor = inbox.upto, inbox.cursor
        told = known_by(inbox.events(), day)
        made = _made(lambda: team.propose(told, known, installed(), day))
        if as_json:
            screen.emit({"proposals": msgspec.to_builtins(made)})
        else:
            for each in made:
                click.echo(explained(each) if explain else each.line())
        if take_up:
            if cursor is not None:
                run(_in_use(profile, inbox, cursor))
            screen.say(f"In use up to record {upto}.")


async def _in_use(profile: Path, inbox: Inbox, cursor: str) -> None:
    async with opened(profile) as client:
        await upto_here(client, inbox, cursor)


@consumer.command(
    "person",
    cls=Command,
    example="cms-gateway consumer person trace-17 --directory tracing --book tracing.toml",
    exits=(Exit.REFUSED,),
)
@click.argument("reference")
@directory_option
@book_option
@day_option
@as_json
def show_person(
    reference: str, directory: Path, book: Path, on: dt.date | None, *, as_json: bool
) -> None:
    """Show all that tracing knows of the person REFERENCE of the book, side by side."""
    known = _read("tracing", book)
    subject = next((each for each in known.subject if each.reference == reference), None)
    if subject is None:
        raise Stop(f"{book} has no subject {reference}. Name one that it has.", Exit.USAGE)
    day = on or _today()
    with inbox_of(directory, "tracing") as inbox:
        events = known_by(inbox.events(), day)
    if as_json:
        found = sightings(subject, standing(events))
        made = _made(
            lambda: tracing.proposals(events, tracing_book.Book((subject,)), installed(), day)
        )
        screen.emit(msgspec.to_builtins({"sightings": found, "proposals": made}))
        return
    click.echo(_made(lambda: person_page(subject, events, installed(), day)), nl=False)


@consumer.command(
    "statistics",
    cls=Command,
    example="cms-gateway consumer statistics --directory enforcement --book book.toml "
    "--chart paying.svg --measure paying_parents",
    exits=(Exit.REFUSED,),
)
@directory_option
@book_option
@day_option
@click.option("--measure", help="This one alone; needed for a chart.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="An SVG to write.")
@as_json
def show_statistics(
    directory: Path,
    book: Path,
    on: dt.date | None,
    measure: str | None,
    chart: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print figures of the last four quarters as CSV, from the enforcement inbox and the book."""
    if measure is not None and measure not in MEASURES:
        words = f"There is no measure {measure}. Choose of {', '.join(MEASURES)}."
        raise Stop(words, Exit.USAGE)
    if chart is not None and measure is None:
        raise Stop("A chart is of one measure: name it with --measure.", Exit.USAGE)
    known = _read("enforcement", book)
    day = on or _today()
    with inbox_of(directory, "enforcement") as inbox:
        told = known_by(inbox.events(), day)
        rows = _made(lambda: statistics(told, known, installed(), day))
    if measure is not None:
        rows = of_measure(rows, measure)
    if chart is not None and measure is not None:
        if rows:
            title = measure.replace("_", " ").capitalize()
            chart.write_text(as_svg(rows, title, MEASURES[measure]), encoding="utf-8")
            screen.say(f"Chart written to {chart}.")
        else:
            screen.say("There is nothing to draw of it in these quarters.")
    if as_json:
        screen.emit({"rows": msgspec.to_builtins(rows)})
        return
    click.echo(as_csv(rows), nl=False)


@contextmanager
def inbox_of(directory: Path, name: str, *, make: bool = False) -> Iterator[Inbox]:
    """The inbox in a directory, with its key; both are made only where `make` says so. Raises Stop."""
    if not make and not (directory / _INBOX).exists():
        told = f"There is no inbox in {directory}. Collect one there: {_COLLECT} {name}"
        raise Stop(told, Exit.USAGE)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = directory / _KEY
    if not key.exists():
        if (directory / _INBOX).exists():
            raise Stop(f"{key} is missing; without it the inbox cannot be opened.", Exit.USAGE)
        private_files.write_new(key, os.urandom(KEY_BYTES))
    try:
        with Inbox(directory / _INBOX, name, key.read_bytes(), os.urandom) as inbox:
            yield inbox
    except InboxError as error:
        raise Stop(str(error), Exit.REFUSED) from error


def _read(name: str, book: Path) -> Any:
    try:
        return TEAMS[name].read(book.read_text("utf-8"))
    except ValueError as error:
        told = f"{book} is no book of {name}: {error}. docs/{name}.md has its tables."
        raise Stop(told, Exit.USAGE) from error


def _made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NoRateError as error:
        raise Stop(f"{error}. Enter it in schemas/rates.", Exit.REFUSED) from error


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
