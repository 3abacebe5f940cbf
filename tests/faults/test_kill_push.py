"""kill -9 between handing over and settling: nothing is lost, and a stream has nothing twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.edge.jetstream import stream_name
from tests.brokers import broker_in, everything_in
from tests.conftest import ROOT
from tests.pushing import FEED, Pushed, pushed_in, until
from tests.receivers import receiving

STREAM = stream_name("cms", FEED, FEED)


async def killed(directory: Path, server: str, after: int) -> None:
    """A gateway that hands over what waits, and is killed before it settles the last of it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.pushing_process", str(directory), server, str(after)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        code = await asyncio.to_thread(process.wait, 60)
        assert code == -9
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def settle(pushed: Pushed, identity: str, upto: int) -> None:
    async def there() -> bool:
        await pushed.step()
        pushed.move(seconds=70)
        return bool((await pushed.show(identity))["upto"] == upto)

    await until(there)


@pytest.mark.parametrize("after", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_page_that_was_published_and_not_settled_is_not_published_again(
    tmp_path: Path, pki: DevelopmentPki, after: int
) -> None:
    async with broker_in(tmp_path, pki) as broker:
        settings = {"jetstream": broker.settings(duplicate_seconds=1)}
        async with pushed_in(tmp_path, pki, **settings) as pushed:
            identity = await pushed.subscribe()
            for _ in range(2):  # pages of what one commit brought each
                await pushed.submit(200)
        await killed(tmp_path, broker.url, after)
        async with broker.client() as client:
            assert len(await everything_in(client.jetstream(), STREAM)) == after
        async with pushed_in(tmp_path, pki, names=(), **settings) as pushed:
            await settle(pushed, identity, 400)
        async with broker.client() as client:
            found = await everything_in(client.jetstream(), STREAM)
    assert [(h["ce-first"], h["ce-last"]) for h, _ in found] == [("1", "256"), ("257", "400")]


async def test_a_webhook_that_said_yes_may_be_called_again_with_the_same_id(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with receiving(pki) as receiver:
        async with pushed_in(tmp_path, pki) as pushed:
            identity = await pushed.subscribe(receiver.url)
            await pushed.submit(2)
        await killed(tmp_path, "tls://localhost:1", 1)
        assert len(receiver.asked) == 1
        async with pushed_in(tmp_path, pki, names=()) as pushed:
            await settle(pushed, identity, 2)
        assert receiver.ids == [receiver.ids[0]] * 2
        assert receiver.asked[0][1] == receiver.asked[1][1]
