"""The part of the story in which each team makes of its feed what the law makes of it."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path
from typing import Final

from gateway.cli.consuming import TEAMS, inbox_of
from gateway.cli.demo.stage import Stage, expect
from gateway.cli.demo.voice import Voice
from gateway.client.events import Rejection
from gateway.consumers.collecting import collect, take_up
from gateway.consumers.proposal import Proposal, explained
from gateway.consumers.rates import installed

# The samples are of the autumn of 2026; what is said of them is said as of then.
_ON: Final = dt.date(2026, 11, 23)
_LINES_MOST: Final = 6


async def proposing(stage: Stage, voice: Voice) -> None:
    """Each team collects into an inbox of its own, and lays proposals before an officer."""
    rates = installed()
    voice.step("Each team collected its feed into an inbox of its own, and made its proposals.")
    made: dict[str, list[Proposal]] = {}
    for name, team in TEAMS.items():
        book = copy_book(stage.directory, name)
        with inbox_of(stage.directory / "teams" / name, name, make=True) as inbox:
            await collect(stage.clients[name], inbox)
            made[name] = team.propose(list(inbox.events()), team.read(book.read_text()), rates, _ON)
            await take_up(stage.clients[name], inbox)
        voice.line(f"{name}:")
        for each in made[name][:_LINES_MOST]:
            voice.copy(each.line())
    found = [each for each in made["calculation"] if each.code == "MAINTENANCE"]
    expect(len(found) == 1, "calculation worked out no maintenance")
    doubted = [each for each in made["calculation"] if each.code == "IDENTITY_UNCERTAIN"]
    expect(len(doubted) == 1, "calculation did not see that the records disagree")
    voice.line(
        "The samples disagree on purpose: under one number HMRC and an employer tell two dates of birth. "
        "The sum is given all the same, and the officer is told what to compare."
    )
    voice.line("And how that sum came about, each step with where it stands, and how sure that is:")
    for line in explained(found[0]).splitlines():
        voice.copy(line)
    voice.shows(
        "the teams use the public feed and nothing else of ours. What they say is a proposal with "
        "reasons and citations; an officer decides."
    )


async def answering_for(stage: Stage, voice: Voice) -> None:
    """A record that cannot be used goes back to whoever sent it."""
    tracing = stage.clients["tracing"]
    with inbox_of(stage.directory / "teams" / "tracing", "tracing") as inbox:
        event = next(inbox.events())
    wrong = Rejection(event.seq, "IMPLAUSIBLE", "who.date_of_birth")
    stands = await tracing.acknowledge("tracing", errors=[wrong])
    expect((stands.unused, stands.rejected) == (0, 1), "tracing did not take up what it collected")
    told = await stage.clients[event.organisation].rejections(event.submission)
    expect([each.row for each in told] == [event.row], "the organisation was not told")
    voice.step(f"Tracing could not use row {event.row} of a file, and said why.")
    voice.line(f"{event.organisation} is told: {told[0].message} {told[0].fix}")
    voice.shows(
        "delivered and taken into use are two acknowledgements; what cannot be used reaches the "
        "organisation that can put it right, without saying which team it was."
    )


def copy_book(directory: Path, name: str) -> Path:
    """What a team's own systems know, as a file beside its inbox."""
    path = directory / "teams" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((files("schemas") / "books" / f"{name}.toml").read_bytes())
    return path
