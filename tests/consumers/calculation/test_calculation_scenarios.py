"""Every scenario of calculation is true of what the consumer says of its events."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from gateway.consumers.calculation.book import read_book
from gateway.consumers.calculation.proposals import proposals
from gateway.consumers.proposal import explained
from gateway.consumers.rates import Rates
from tests.consumers.offline import ROOT, events_of
from tests.consumers.scenario import Knows, Says, Sends, read_scenario

FILES = sorted((ROOT / "tests" / "scenarios" / "calculation").glob("*.txt"))
TABLE = (ROOT / "schemas" / "rates" / "calculation.toml").read_text(encoding="utf-8")


def people(path: Path) -> set[str]:
    told = [step.toml for step in read_scenario(path).steps if isinstance(step, Knows)]
    cases = [case for text in told for case in read_book(text).case]
    return {case.paying_parent.nino or case.paying_parent.surname for case in cases}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_is_true(path: Path) -> None:
    scenario = read_scenario(path)
    book = read_book("")
    said = 0
    for place, step in enumerate(scenario.steps):
        if isinstance(step, Knows):
            book = read_book(step.toml)
        if isinstance(step, Sends):
            assert step.consumer in {None, "calculation"}
        if isinstance(step, Says):
            said += 1
            events = events_of(scenario.steps[:place], "calculation")
            found = proposals(events, book, Rates([TABLE]), step.on)
            assert sorted(proposal.line() for proposal in found) == sorted(step.lines), "\n".join(
                explained(proposal) for proposal in found
            )
    assert said


def test_there_are_scenarios_and_each_is_of_its_own_people_and_cases() -> None:
    assert len(FILES) >= 45
    everybody = [person for path in FILES for person in people(path)]
    assert len(everybody) == len(set(everybody))
    cases = [
        case.reference
        for path in FILES
        for step in read_scenario(path).steps
        if isinstance(step, Knows)
        for case in read_book(step.toml).case
    ]
    assert len(set(cases)) >= len(FILES)
    assert all(dt.date(2010, 1, 1) <= step.on for path in FILES for step in read_scenario(path).steps
               if isinstance(step, Says))  # fmt: skip
