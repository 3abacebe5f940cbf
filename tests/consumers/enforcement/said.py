"""What enforcement says in a scenario, without a gateway."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from gateway.consumers.enforcement.book import Book, read_book
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.proposal import Proposal
from tests.conftest import ROOT
from tests.consumers.enforcement.making import RATES
from tests.consumers.offline import events_of
from tests.consumers.scenario import Knows, Says, read_scenario

FOLDER = ROOT / "tests" / "scenarios" / "enforcement"


@dataclass(frozen=True)
class Said:
    """A day, what was expected then, and what was said."""

    day: dt.date
    expected: list[str]
    lines: list[str]
    explained: list[Proposal]


def run(path: Path) -> list[Said]:
    """Every word of a scenario, in order."""
    steps, book = read_scenario(path).steps, Book()
    found = []
    for number, step in enumerate(steps):
        if isinstance(step, Knows):
            book = read_book(step.toml)
        elif isinstance(step, Says):
            made = proposals(events_of(steps[:number], "enforcement"), book, RATES, step.on)
            lines = sorted(one.line() for one in made)
            found.append(Said(step.on, sorted(step.lines), lines, made))
    assert found, "nothing is expected"
    return found
