"""A gateway on which everything happened that scenarios tell of, in the order in which they tell it.

The files of all scenarios are sent, each at its own time, by an organisation of the class that the
scenario names, over mutual TLS; each consumer then collects its feed into an inbox. What belongs to a
scenario is what its submissions brought.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs import development
from gateway.client.api import Client
from gateway.client.events import Event
from gateway.client.profile import load
from gateway.consumers.collecting import collect, take_up
from gateway.consumers.inbox import Inbox
from gateway.wiring import Annex
from tests.cli.conftest import profile_of
from tests.conftest import House, house_in
from tests.consumers.scenario import Clock, Scenario, Sends
from tests.party import enrol

CONSUMERS = ("tracing", "calculation", "enforcement")
PURPOSES = {
    "tracing": ["IDENTIFY_TRACE"],
    "calculation": ["DETERMINE_APPLICATION"],
    "enforcement": ["COLLECT_ENFORCE"],
}
# Before the first scenario, so that everybody is there.
BEGINS = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
FOREVER_DAYS = 36_500
KEY = bytes(range(32))
RECORDS = "application/vnd.cms-gateway.records+csv"


# By scenario and consumer: which step of the scenario sent it, and the event.
World = dict[tuple[str, str], list[tuple[int, Event]]]


@dataclass(frozen=True)
class Sent:
    """One file of a scenario, the how manieth of its steps that is, and when it goes."""

    at: dt.datetime
    scenario: str
    step: int
    what: Sends


def in_order(scenarios: dict[str, Scenario]) -> list[Sent]:
    """Every file of every scenario, in the order in which they go."""
    found = []
    for name, scenario in scenarios.items():
        at = BEGINS + dt.timedelta(days=1)
        for number, step in enumerate(scenario.steps):
            if isinstance(step, Clock):
                at = step.at
            elif isinstance(step, Sends):
                found.append(Sent(at, name, number, step))
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
) -> AsyncIterator[World]:
    """What each consumer has of each scenario; the judge has seen it all."""
    pki = long_lived(directory / "pki", monkeypatch)
    time = [BEGINS]
    annex = Annex(clock=lambda: time[0])
    files = in_order(scenarios)
    by: dict[str, Sent] = {}
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
            by[await _send(house, sent, time[0])] = sent
        yield await _collected(house, directory, by)


async def _send(house: House, sent: Sent, now: dt.datetime) -> str:
    party = house.parties[sent.what.provider_class]
    headers = {}
    if sent.what.consumer is not None:
        due = (now.date() + dt.timedelta(days=70)).isoformat()
        types = _askable(house, sent.what, now.date())
        asked = await house.ask(sent.what.consumer, party.id, *types, due=due)
        headers["Request_Id"] = asked
    status, answer, _ = await party.submit(_named(sent.what), RECORDS, **headers)
    assert status == 201, (sent.scenario, answer)
    assert answer["rows"]["refused"] == 0, (sent.scenario, answer["errors"])
    return str(answer["id"])


def _askable(house: House, what: Sends, day: dt.date) -> tuple[str, ...]:
    """What is asked for: what comes back, or whatever there is where nothing does."""
    purposes = PURPOSES[what.consumer or ""]
    may = house.gateway.law.may_be_asked([what.provider_class], purposes, day)
    return (what.record_type,) if what.record_type in may else tuple(sorted(may))


def _named(what: Sends) -> bytes:
    """The CSV with its record type in each row: some columns fit several."""
    header, *rows = what.csv.splitlines()
    if "record_type" not in header.split(","):
        header, rows = f"record_type,{header}", [f"{what.record_type},{row}" for row in rows]
    return "\n".join((header, *rows, "")).encode()


async def _collected(house: House, directory: Path, by: dict[str, Sent]) -> World:
    found: World = {}
    for name in CONSUMERS:
        profile = load(profile_of(house, name, directory))
        with Inbox(directory / f"{name}.sqlite", name, KEY, os.urandom) as inbox:
            async with Client(profile) as client:
                await collect(client, inbox)
                await take_up(client, inbox)
                stands = await client.feed_standing(name)
            assert (stands.waiting, stands.unused) == (0, 0)
            for event in inbox.events():
                sent = by[event.submission]
                found.setdefault((sent.scenario, name), []).append((sent.step, event))
    return found
