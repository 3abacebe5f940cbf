"""Scenarios of tests/scenarios on a real gateway: given these submissions, then these proposals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from gateway.consumers.calculation import book as calculation_book
from gateway.consumers.calculation import proposals as calculation
from gateway.consumers.enforcement import book as enforcement_book
from gateway.consumers.enforcement import proposals as enforcement
from gateway.consumers.rates import installed
from gateway.consumers.tracing import book as tracing_book
from gateway.consumers.tracing import proposals as tracing
from gateway.consumers.tracing.page import person_page
from tests.conftest import ROOT
from tests.consumers.scenario import Knows, Says, read_scenario
from tests.consumers.world import World, lived

SCENARIOS = {
    f"{path.parent.name}/{path.stem}": read_scenario(path)
    for path in sorted((ROOT / "tests" / "scenarios").glob("*/*.txt"))
}
READ: dict[str, Callable[[str], Any]] = {
    "tracing": tracing_book.read_book,
    "calculation": calculation_book.read_book,
    "enforcement": enforcement_book.read_book,
}
PROPOSE: dict[str, Callable[..., Any]] = {
    "tracing": tracing.proposals,
    "calculation": calculation.proposals,
    "enforcement": enforcement.proposals,
}
RATES = installed()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """All that happened, as each consumer collected it; one gateway for all scenarios."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        async with lived(SCENARIOS, tmp_path_factory.mktemp("world"), monkeypatch) as found:
            yield found


@pytest.mark.parametrize("name", SCENARIOS)
async def test_what_is_told_is_what_the_consumer_says(name: str, world: World) -> None:
    scenario = SCENARIOS[name]
    books: dict[str, str] = {}
    said = 0
    for number, step in enumerate(scenario.steps):
        if isinstance(step, Knows):
            books[step.consumer] = step.toml
        elif isinstance(step, Says):
            book = READ[step.consumer](books.get(step.consumer, ""))
            sent = world.get((name, step.consumer), [])
            events = [event for at, event in sent if at < number]
            made = PROPOSE[step.consumer](events, book, RATES, step.on)
            assert sorted(each.line() for each in made) == sorted(step.lines), scenario.title
            assert all(each.steps for each in made), "a proposal without a reason"
            said += 1
    assert said, "a scenario in which nothing is said shows nothing"


async def test_there_are_scenarios_of_every_consumer() -> None:
    consumers = {name.partition("/")[0] for name in SCENARIOS}
    assert consumers == {"tracing", "calculation", "enforcement"}
    assert len(SCENARIOS) >= 60


async def test_the_page_about_tracing_shows_what_is_printed() -> None:
    from tests.consumers.offline import events_of  # noqa: PLC0415

    scenario = SCENARIOS["tracing/two_sources_agree"]
    (book,) = [tracing_book.read_book(s.toml) for s in scenario.steps if isinstance(s, Knows)]
    (says,) = [step for step in scenario.steps if isinstance(step, Says)]
    events = events_of(scenario.steps, "tracing")
    page = person_page(book.subject[0], events, RATES, says.on)
    shown = "".join(f"    {line}\n" if line else "\n" for line in page.splitlines())
    assert shown in (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
