"""Real NATS servers killed under load: the leader of three, and one alone again and again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats.errors
import pytest

from certs.development import DevelopmentPki
from gateway.edge.jetstream import stream_name
from tests.brokers import broker_in, cluster_in, everything_in
from tests.pushing import FEED, PATIENCE, pushed_in, until

STREAM = stream_name("cms", FEED, FEED)


async def test_the_leader_of_three_is_killed_and_nothing_is_lost(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with cluster_in(tmp_path, pki) as brokers:
        settings = brokers[0].settings(servers=tuple(each.url for each in brokers), replicas=3)
        async with pushed_in(tmp_path, pki, by_hand=False, jetstream=settings) as pushed:
            identity = await pushed.subscribe()

            def upto() -> int:
                found = pushed.house.gateway.store.pushes.subscription(identity)
                return 0 if found is None else found.upto

            await pushed.submit(2)
            await until(lambda: upto() == 2)
            async with brokers[0].client() as client:
                info = await client.jetstream().stream_info(STREAM)
            assert info.config.num_replicas == 3
            assert info.cluster is not None
            (leader,) = [each for each in brokers if each.name == info.cluster.leader]
            sending = asyncio.create_task(send(pushed, 12))
            await until(lambda: upto() > 4)
            leader.kill()
            await sending
            await until(lambda: upto() == 14)
            (other, *_) = [each for each in brokers if each is not leader]
            found = await read(other)
        ends = [(int(h["ce-first"]), int(h["ce-last"])) for h, _ in found]
        assert [first for first, _ in ends] == [1, *(last + 1 for _, last in ends[:-1])]
        assert ends[-1][1] == 14


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
async def test_a_broker_killed_under_load_has_everything_once_and_in_order(
    tmp_path: Path, pki: DevelopmentPki, kills: int
) -> None:
    async with (
        broker_in(tmp_path, pki) as broker,
        pushed_in(tmp_path, pki, by_hand=False, jetstream=broker.settings()) as pushed,
    ):
        identity = await pushed.subscribe()

        def upto() -> int:
            found = pushed.house.gateway.store.pushes.subscription(identity)
            return 0 if found is None else found.upto

        for _ in range(kills):
            before = upto()
            sending = asyncio.create_task(send(pushed, 8))
            await until(lambda before=before: upto() > before)
            broker.kill()
            await sending
            broker.start()
            await broker.up()
        await until(lambda: upto() == 8 * kills)
        found = await read(broker)
    ends = [(int(h["ce-first"]), int(h["ce-last"])) for h, _ in found]
    assert [first for first, _ in ends] == [1, *(last + 1 for _, last in ends[:-1])]
    assert ends[-1][1] == 8 * kills


async def send(pushed, count: int) -> None:
    for _ in range(count):
        await pushed.submit()
        await asyncio.sleep(0.05)


async def read(broker) -> list[tuple[dict[str, str], bytes]]:
    """Everything in the stream, once there is a leader again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with broker.client() as client:
                    return await everything_in(client.jetstream(), STREAM)
            except (nats.errors.Error, TimeoutError):
                await asyncio.sleep(0.1)
