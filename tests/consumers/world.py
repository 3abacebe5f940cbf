"""A gateway on which everything happened that scenarios tell of, in the order in which they tell it.

The files of all scenarios are sent, each at its own time, by an organisation of the class that the
scenario names, over mutual TLS; each consumer then collects its feed into an inbox. What belongs to a
scenario is what its submissions brought.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs import development
from gateway.client.api import Client
from gateway.client.events import Event
from gateway.consumers.collecting import collect, take_up
from gateway.consumers.inbox import Inbox
from gateway.wiring import Annex
from tests.cli.conftest import profile_of
from tests.conftest import House, house_in
from tests.consumers.scenario import Clock, Scenario, Sends
from tests.party import enrol

CONSUMERS = ("tracing", "calculation", "enforcement")
# Before the first scenario, so that everybody is there.
BEGINS = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
FOREVER_DAYS = 36_500
KEY = bytes(range(32))


@dataclass(frozen=True)
class Sent:
    """One file of a scenario, and when it goes."""

    at: dt.datetime
    scenario: str
    what: Sends


def in_order(scenarios: dict[str, Scenario]) -> list[Sent]:
    """Every file of every scenario, in the order in which they go."""
    found = []
    for name, scenario in scenarios.items():
        at = BEGINS + dt.timedelta(days=1)
        for step in scenario.steps:
            if isinstance(step, Clock):
                at = step.at
            elif isinstance(step, Sends):
                found.append(Sent(at, name, step))
    return sorted(found, key=lambda sent: sent.at)


def long_lived(directory: Path, monkeypatch: pytest.MonkeyPatch) -> development.DevelopmentPki:
    """A PKI that holds at the time of every scenario, and whenever the tests are run.

    TLS goes by the clock on the wall and the gateway by that of the scenario; a certificate of a
    year could not serve both. Only how long things last is changed.
    """
    for name in ("ROOT", "ISSUING", "SERVER", "CLIENT", "CRL"):
        monkeypatch.setattr(development, f"{name}_DAYS", FOREVER_DAYS - (name != "ROOT"))
    return development.create(directory, now=BEGINS)


@asynccontextmanager
async def lived(
    scenarios: dict[str, Scenario], directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[tuple[str, str], list[Event]]]:
    """What each consumer has of each scenario, by both names; the judge has seen it all."""
    pki = long_lived(directory / "pki", monkeypatch)
    time = [BEGINS]
    annex = Annex(clock=lambda: time[0])
    files = in_order(scenarios)
    by: dict[str, str] = {}
    async with house_in(directory, pki, names=(), annex=annex) as house:
        for name in CONSUMERS:
            house.parties[name] = await enrol(
                house.gateway, pki, "consumer", name, [name], house.url, BEGINS
            )
        for name in sorted({sent.what.provider_class for sent in files}):
            house.parties[name] = await enrol(
                house.gateway, pki, "organisation", name.replace("_", "-"), [name], house.url, BEGINS
            )  # fmt: skip
        for sent in files:
            time[0] = max(time[0] + dt.timedelta(milliseconds=1), sent.at)
            by[await _send(house, sent, time[0])] = sent.scenario
        yield await _collected(house, directory, by)


async def _send(house: House, sent: Sent, now: dt.datetime) -> str:
    party = house.parties[sent.what.provider_class]
    headers = {}
    if sent.what.consumer is not None:
        due = (now.date() + dt.timedelta(days=70)).isoformat()
        asked = await house.ask(sent.what.consumer, party.id, sent.what.record_type, due=due)
        headers["Request_Id"] = asked
    media_type = f"text/csv; record={sent.what.record_type}"
    status, answer, _ = await party.submit(sent.what.csv.encode(), media_type, **headers)
    assert status == 201, (sent.scenario, answer)
    assert answer["rows"]["refused"] == 0, (sent.scenario, answer["errors"])
    return str(answer["id"])


async def _collected(
    house: House, directory: Path, by: dict[str, str]
) -> dict[tuple[str, str], list[Event]]:
    found: dict[tuple[str, str], list[Event]] = {}
    for name in CONSUMERS:
        profile = profile_of(house, name, directory)
        with Inbox(directory / f"{name}.sqlite", name, KEY, os.urandom) as inbox:
            async with Client(profile) as client:
                await collect(client, inbox)
                await take_up(client, inbox)
                stands = await client.feed_standing(name)
            assert (stands.waiting, stands.unused) == (0, 0)
            for event in inbox.events():
                found.setdefault((by[event.submission], name), []).append(event)
    return found


def names_of(scenarios: Sequence[Path]) -> list[str]:
    """Names of scenario files, as tests are named."""
    return [f"{path.parent.name}/{path.stem}" for path in scenarios]
