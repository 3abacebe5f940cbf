"""A house whose feeds are pushed: with a clock that is moved, and the way out taken by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from certs import development
from gateway import delivery, wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import (
    AddSubscription,
    ReplaySubscription,
    RewindSubscription,
    ShowSubscription,
    SteerSubscription,
)
from gateway.config import Notices
from gateway.core.instant import written
from gateway.wiring import Annex, clock
from tests.conftest import House, house_in
from tests.schedules import schedule

PATIENCE = 30.0
FEED = "enforcement"


@dataclass
class Moved:
    """The time, and by how much the test has moved it."""

    by: dt.timedelta = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return clock() + self.by


@dataclass
class Pushed:
    """A house, its way out, and what an operator does."""

    house: House
    clock: Moved
    way: delivery.Way
    sent: int = 0
    secrets: dict[str, str] = field(default_factory=dict)

    async def order(self, order: Any) -> dict[str, Any]:
        gateway = self.house.gateway
        office = wiring.office(
            self.house.settings, gateway.store, gateway.law, gateway.ring, self.clock
        )
        return await carry_out(order, office)

    async def subscribe(self, url: str | None = None, **more: Any) -> str:
        kind: Any = "jetstream" if url is None else "webhook"
        order = AddSubscription(consumer=FEED, feed=FEED, kind=kind, url=url, **more)
        told = await self.order(order)
        self.secrets[told["id"]] = told["secret"]
        return str(told["id"])

    async def show(self, identity: str) -> dict[str, Any]:
        return await self.order(ShowSubscription(id=identity))

    async def steer(self, identity: str, act: Any) -> dict[str, Any]:
        return await self.order(SteerSubscription(id=identity, act=act))

    async def rewind(self, identity: str, after: int) -> None:
        await self.order(RewindSubscription(id=identity, after=after))

    async def replay(self, identity: str, push: str | None = None) -> dict[str, Any]:
        return await self.order(ReplaySubscription(id=identity, push=push))

    async def submit(self, rows: int = 1) -> None:
        """Records, as many as there are rows, which come to the feed."""
        first = self.sent
        self.sent += rows
        text = schedule(*(row(first + n) for n in range(rows)))
        status, body, _ = await self.house.employer.submit(text, "text/csv")
        assert status == 201, body

    async def step(self, **changes: Any) -> int:
        """Take the way out once, with what is due now."""
        return await delivery.deliver_due(replace(self.way, **changes))

    def move(self, **by: float) -> None:
        self.clock.by += dt.timedelta(**by)

    def now(self) -> str:
        return written(self.clock())

    @property
    def end(self) -> int:
        return self.house.gateway.store.pushes.end(FEED)


def row(number: int) -> str:
    """A deduction of an employee who does not exist."""
    return f"E1,M,2026-10-01,2026-10-31,2026-10-30,{number:012d},Marsh,150.00,150.00,"


async def until(true: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def pushed_in(
    directory: Path,
    pki: development.DevelopmentPki,
    *,
    by_hand: bool = True,
    judged: bool = True,
    names: tuple[str, ...] = ("employer", FEED),
    **changes: Any,
) -> AsyncIterator[Pushed]:
    """A house with an employer and the enforcement team; `by_hand` nothing goes out by itself."""
    moved = Moved()
    values: dict[str, Any] = {
        "notices": Notices(webhook_ca=pki.server_ca, webhook_networks=("127.0.0.1/32",))
    }
    async with house_in(
        directory, pki, names=names, judged=judged, annex=Annex(clock=moved), **(values | changes)
    ) as house:
        pushing = house.gateway.asking.pushing
        if by_hand:
            await pushing.stop()
        yield Pushed(house, moved, pushing.way)
        if by_hand and pushing.streams is not None:
            await pushing.streams.close()
