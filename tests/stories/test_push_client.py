"""A consumer that takes its feed out of a stream: each page verified, and acknowledged once it is kept."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.client.problem import EvidenceError
from gateway.client.stream import stream_pages
from gateway.consumers.inbox import Inbox
from gateway.edge import keyring
from gateway.edge.jetstream import stream_name
from tests.brokers import Broker, broker_in
from tests.pushing import FEED, pushed_in

STREAM = stream_name("cms", FEED, FEED)


@pytest.fixture
async def broker(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Broker]:
    async with broker_in(tmp_path, pki) as found:
        yield found


async def test_a_consumer_takes_verified_pages_out_of_a_stream(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.submit(300)
        await pushed.subscribe()
        while await pushed.step():
            pass
        vkey = pushed.house.gateway.ring.evidence.vkey
        with Inbox(tmp_path / "inbox", FEED, bytes(32), os.urandom) as inbox:
            async with broker.client() as client:
                pages = await client.jetstream().pull_subscribe_bind(FEED, STREAM)
                async for page in stream_pages(pages, vkey, follow=False, wait_seconds=1):
                    inbox.take(page)
            assert (inbox.reach, inbox.upto) == (300, 300)
            assert {event.type for event in inbox.events()} == {"deduction"}


async def test_a_page_of_a_stream_that_was_altered_is_not_acknowledged(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.submit(3)
        await pushed.subscribe()
        await pushed.step()
        keyring.create(tmp_path / "other")
        wrong = keyring.open_ring(tmp_path / "other", origin="gateway.test/ledger").evidence.vkey
        async with broker.client() as client:
            pages = await client.jetstream().pull_subscribe_bind(FEED, STREAM)
            with pytest.raises(EvidenceError, match="signature"):
                await anext(stream_pages(pages, wrong))
            info = await client.jetstream().consumer_info(STREAM, FEED)
            assert info.ack_floor is not None
            assert info.ack_floor.stream_seq == 0
