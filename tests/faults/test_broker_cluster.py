"""Three real NATS servers, streams on all three: the leader is killed, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import nats.errors

from certs.development import DevelopmentPki
from gateway.edge.jetstream import stream_name
from tests.brokers import cluster_in, everything_in
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
