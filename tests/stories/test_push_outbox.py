"""The outbox lived through by chance: receivers that fail, an operator who interferes, and the judge."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from certs import development
from gateway import delivery, installed, wiring
from gateway.core.carriage import NotTakenError
from gateway.core.identity import Caller
from gateway.core.limits import PUSH_PAGE_RECORDS
from gateway.core.push import Held, Message, Push, Subscription, Target
from gateway.edge import keyring
from gateway.judge.store import verify_store
from tests.conftest import settings_in
from tests.pushing import FEED, Moved, pushed_in

RECORDS = 9
CALLER = Caller(FEED, "consumer", frozenset({FEED}), "jetstream", frozenset({"feeds"}), "")
FAILURES: dict[str, dict[str, Any]] = {
    "down": {"code": "NOT_REACHED", "temporary": True},
    "busy": {"code": "REFUSED", "temporary": True, "retry_after": 30},
    "gone": {"code": "GONE", "temporary": False},
    "moved": {"code": "REDIRECTED", "temporary": False},
}
WAITS = st.sampled_from([0, 1, 100, 100, 90_000])
Act = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Nobody interferes."""


class Stream:
    """A stream in memory, as the real one is: ids and places are looked at."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, int, int]] = []
        self.sequence = 0
        self.fate = "taken"
        self.meanwhile: Act = nothing

    async def look(self, consumer: str, feed: str) -> Held:
        del consumer, feed
        if self.fate == "down":
            raise NotTakenError("NOT_REACHED", temporary=True)
        message, _, last = self.kept[-1] if self.kept else (None, 0, None)
        return Held(self.sequence, message, last, not self.kept, 1_000_000)

    async def publish(
        self, consumer: str, feed: str, message: Message, *, identity: str, after: int
    ) -> None:
        del consumer, feed
        await self.meanwhile()
        if after != self.sequence:
            raise NotTakenError("MOVED_ON", temporary=True)
        if self.fate != "failed":
            first, last = (int(message.headers[name]) for name in ("ce-first", "ce-last"))
            self.kept.append((identity, first, last))
            self.sequence += 1
        if self.fate != "taken":
            raise NotTakenError("NOT_ACKNOWLEDGED", temporary=True)

    def wipe(self, left: int) -> None:
        self.kept = self.kept[:left]
        self.sequence = len(self.kept)


class Hook:
    """A webhook in memory."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.fate = "taken"
        self.meanwhile: Act = nothing

    async def call(self, url: str, secret: str, message: str, payload: bytes, now: Any, *,
                   media_type: str = "") -> None:  # fmt: skip
        del url, secret, now, media_type
        await self.meanwhile()
        if self.fate in FAILURES:
            raise NotTakenError(**FAILURES[self.fate])
        self.taken.append((message, payload))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a house with so many records in a feed."""
    directory = tmp_path_factory.mktemp("prepared")
    pki = development.create(directory / "pki", now=wiring.clock())

    async def fill() -> None:
        async with pushed_in(directory, pki) as pushed:
            for _ in range(RECORDS):
                await pushed.submit()

    asyncio.run(fill())
    return directory


class Outbox(RuleBasedStateMachine):
    """A stream and a webhook of one feed, whose records come to be one after the other."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory / "now"
        shutil.copytree(directory / "data", self.directory / "data")
        pki = development.open_existing(directory / "pki")
        found = settings_in(self.directory, pki, keys=directory / "keys")
        self.ring = keyring.open_ring(found.keys, origin=found.origin)
        self.clock, self.end = Moved(), 5
        self.runner = asyncio.Runner()
        self.store = wiring.open_store(found, self.ring, installed.law(), self.clock)
        self.run(self.store.start())
        self.stream, self.hook = Stream(), Hook()
        self.way = delivery.Way(
            outbox=self.store.pushes,
            end=lambda _: self.end,
            page=self.page,
            entitled=lambda _: None,
            hooks=self.hook,
            streams=self.stream,
            open=lambda _: Target("https://example.org", ("whsec_x",)),
            issuer="https://gateway.test",
            clock=self.clock,
            chance=lambda: 0.5,
            new_id=wiring.new_id,
        )
        self.one = {kind: self.add(kind) for kind in ("jetstream", "webhook")}

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def add(self, kind: Any) -> str:
        new = Subscription(
            id=f"sub_{kind}", consumer=FEED, feed=FEED, kind=kind, state="active",
            wrapped_key=None, target=b"sealed" if kind == "webhook" else None, since=0, upto=0,
            rewinds=0, page=3 if kind == "jetstream" else PUSH_PAGE_RECORDS, rests="", added="",
        )  # fmt: skip
        self.run(self.store.subscriptions.add(new))
        return new.id

    async def page(self, subscription: Subscription, push: Push) -> Message:
        await self.store.shelf.delivered(FEED, CALLER, push.first, push.last)
        return Message({}, b"")

    @rule(count=st.integers(1, 3))
    def records_come(self, count: int) -> None:
        self.end = min(self.end + count, RECORDS + 1)

    @rule(left=st.integers(0, 2))
    def somebody_wipes_the_stream(self, left: int) -> None:
        self.stream.wipe(left)

    @rule()
    def the_streams_are_looked_at(self) -> None:
        self.run(delivery.compare(self.way))

    @rule(fate=st.sampled_from(["taken", "taken", "down", "failed", "unheard"]), wait=WAITS)
    def a_page_goes(self, fate: str, wait: int) -> None:
        self.clock.by += dt.timedelta(seconds=wait)
        self.stream.fate = fate
        self.run(delivery.deliver(self.one["jetstream"], self.way))

    @rule(fate=st.sampled_from(["taken", "taken", *FAILURES]), wait=WAITS)
    def an_event_goes(self, fate: str, wait: int) -> None:
        self.clock.by += dt.timedelta(seconds=wait)
        self.hook.fate = fate
        self.run(delivery.deliver(self.one["webhook"], self.way))

    @rule(
        kind=st.sampled_from(["jetstream", "webhook"]),
        act=st.sampled_from(["paused", "active", "rewind", "replay"]),
        after=st.integers(0, RECORDS),
    )
    def an_operator_acts(self, kind: str, act: str, after: int) -> None:
        self.run(self.acted(kind, act, after))

    @rule(
        kind=st.sampled_from(["jetstream", "webhook"]),
        act=st.sampled_from(["paused", "rewind"]),
        after=st.integers(0, RECORDS),
    )
    def an_operator_acts_in_the_middle(self, kind: str, act: str, after: int) -> None:
        self.clock.by += dt.timedelta(seconds=100)
        place = self.stream if kind == "jetstream" else self.hook
        place.fate = "taken"
        place.meanwhile = lambda: self.acted(kind, act, after)
        self.run(delivery.deliver(self.one[kind], self.way))
        place.meanwhile = nothing

    async def acted(self, kind: str, act: str, after: int) -> None:
        """What the office does with the same words."""
        office, identity = self.store.subscriptions, self.one[kind]
        found = office.one(identity)
        assert found is not None
        dead = [each for each in office.pushes(identity) if each.state == "dead"]
        if act == "rewind":
            await office.rewind(identity, min(after, found.upto))
        elif act == "replay":
            for push in dead:
                await office.replay(push)
            if dead and found.state == "disabled":
                await office.set_state(identity, "active")
        elif act != found.state and (act, found.state) != ("paused", "disabled"):
            await office.set_state(identity, act)

    def teardown(self) -> None:
        """All is well again: then everything arrives, and the ledger agrees with the tables."""
        try:
            self.stream.fate = self.hook.fate = "taken"
            self.end = RECORDS + 1
            for kind, identity in self.one.items():
                self.run(self.acted(kind, "replay", 0))
                self.run(self.acted(kind, "active", 0))
                for _ in range(15):
                    self.run(delivery.compare(self.way))
                    self.clock.by += dt.timedelta(days=1)
                    while self.run(delivery.deliver(identity, self.way)):
                        pass
                found = self.store.pushes.subscription(identity)
                assert found is not None
                assert found.upto == RECORDS
                assert self.store.pushes.pushes(identity) == []
            self.check_stream()
            self.check_webhook()
            verdict = verify_store(self.directory / "data", self.ring.evidence.vkey)
            assert verdict.ok, verdict.findings
        finally:
            self.run(self.store.stop())
            self.runner.close()
            shutil.rmtree(self.directory)

    def check_stream(self) -> None:
        at = 0
        for _, first, last in self.stream.kept:
            assert first <= at + 1, self.stream.kept  # no gap, whatever was rewound
            at = last
        assert at == RECORDS
        ids = [identity for identity, _, _ in self.stream.kept]
        assert len(set(ids)) == len(ids), ids

    def check_webhook(self) -> None:
        told: set[int] = set()
        bodies: dict[str, bytes] = {}
        for identity, payload in self.hook.taken:
            assert bodies.setdefault(identity, payload) == payload
            data = json.loads(payload)["data"]
            told |= set(range(data["first"], data["last"] + 1))
        assert told == set(range(1, RECORDS + 1))


@pytest.mark.parametrize(
    ("examples", "steps"), [(25, 30), pytest.param(200, 40, marks=pytest.mark.slow)]
)
def test_whatever_happens_everything_arrives(prepared: Path, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Outbox(prepared),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize="CI" in os.environ,
        ),
    )
