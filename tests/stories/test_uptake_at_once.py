"""What several say of a feed at once, each over a connection of its own, follows in one order."""

from __future__ import annotations

import asyncio
import datetime as dt
import random

from gateway import uptake
from gateway.core.identity import Caller
from gateway.core.rejection import Rejection, Uptake
from gateway.wiring import clock
from tests.conftest import House
from tests.stories.test_uptake import ack, cursor, kinds, sent

IMPLAUSIBLE = "IMPLAUSIBLE"


async def test_using_rejecting_and_going_back_at_once(house: House) -> None:
    await sent(house, 40)
    chance = random.Random(1)
    for seq in range(1, 31):
        await ack(house, delivered=cursor(40))
        calls = [
            ack(house, delivered=cursor(0)),
            ack(house, used=cursor(seq)),
            ack(house, errors=[{"seq": seq, "code": IMPLAUSIBLE}]),
        ]
        chance.shuffle(calls)
        for status, _ in await asyncio.gather(*calls):
            assert status in {200, 400}


async def test_two_who_reject_one_record_reject_it_once(house: House) -> None:
    await sent(house, 40)
    await ack(house, delivered=cursor(40))
    for seq in range(1, 31):
        errors = [{"seq": seq, "code": IMPLAUSIBLE}]
        found = await asyncio.gather(*(ack(house, errors=errors) for _ in range(4)))
        assert {status for status, _ in found} == {200}
    assert kinds(house, 0).count("feed.rejected") == 30
    ((notices,),) = house.gateway.store._reader.execute(
        "SELECT count(*) FROM notice WHERE kind = 'rows_rejected'"
    ).fetchall()
    assert notices == 30


async def test_what_is_collected_while_it_is_looked_for_is_not_late(house: House) -> None:
    await sent(house, 6)
    taking = house.gateway.asking.shelves.taking
    consumers = frozenset({"tracing"})
    caller = Caller("tracing", "consumer", consumers, "x", frozenset({"feeds"}), "x")
    late = clock() + dt.timedelta(days=400)
    said = Uptake(delivered=cursor(6), errors=(Rejection(1, IMPLAUSIBLE),))
    _, found = await asyncio.gather(
        uptake.take(caller, "tracing", said, taking), uptake.watch(taking, late)
    )
    assert "tracing" not in {standing.feed for standing in found}
