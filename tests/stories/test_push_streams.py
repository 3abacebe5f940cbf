"""Feeds pushed into the real NATS JetStream: in order, without a gap, whatever becomes of the broker."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from gateway.core.carriage import NotTakenError
from gateway.core.push import PAGE, Message
from gateway.edge import tls
from gateway.edge.jetstream import JetStream, Terms, stream_name, subject_of, unfit_for
from tests.brokers import Broker, broker_in, everything_in
from tests.conftest import House
from tests.pushing import FEED, Pushed, pushed_in, until

STREAM = stream_name("cms", FEED, FEED)
Messages = list[tuple[dict[str, str], bytes]]


@pytest.fixture
async def broker(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Broker]:
    async with broker_in(tmp_path, pki) as found:
        yield found


async def messages(broker: Broker, stream: str = STREAM) -> Messages:
    async with broker.client() as client:
        return await everything_in(client.jetstream(), stream)


def stretches(found: Messages) -> list[tuple[int, int]]:
    return [(int(headers["ce-first"]), int(headers["ce-last"])) for headers, _ in found]


def whole(found: Messages, upto: int) -> bool:
    """In order and without a gap, from 1 to a record, with nothing twice."""
    at = 0
    for first, last in stretches(found):
        if first != at + 1:
            return False
        at = last
    return at == upto


def delivered(house: House) -> list[dict[str, Any]]:
    store = house.gateway.store
    entries = [json.loads(store.evidence.entry(n)) for n in range(store.evidence.size)]
    return [each for each in entries if each["kind"] == "feed.delivered"]


# --- as it should be ------------------------------------------------------------------------------


async def test_a_page_is_in_the_stream_soon_after_the_commit(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, by_hand=False, jetstream=broker.settings()) as pushed:
        await pushed.submit(3)
        identity = await pushed.subscribe()
        await until(lambda: _upto(pushed, identity) == 3)
        await pushed.submit(2)
        await until(lambda: _upto(pushed, identity) == 5)
        found = await messages(broker)
        assert stretches(found) == [(1, 3), (4, 5)]
        headers, body = found[0]
        assert headers["ce-type"] == PAGE
        assert headers["ce-source"] == f"{pushed.house.settings.issuer}/v1/feeds/enforcement"
        assert headers["ce-id"] == headers["Nats-Msg-Id"] == f"{FEED}:1-3"
        assert headers["Content-Type"] == "application/x-ndjson"
        read = await pushed.house.enforcement.feed(FEED, limit=3)
        assert len(body.splitlines()) == len(read)
        (entry,) = [each for each in delivered(pushed.house) if each["last"] == 5]
        assert (entry["consumer"], entry["client"]) == (FEED, "jetstream")
        async with broker.client() as client:
            made = await client.jetstream().consumer_info(STREAM, FEED)
            config = (await client.jetstream().stream_info(STREAM)).config
        assert made.config.ack_policy == "explicit"
        assert (made.config.max_deliver, made.config.max_ack_pending) == (-1, 1)
        assert (config.storage, config.num_replicas, config.retention) == ("file", 1, "limits")


async def test_a_page_is_handed_out_until_it_is_acknowledged_and_nothing_comes_before_it(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.subscribe()
        for _ in range(2):
            await pushed.submit(2)
            assert await pushed.step() == 1
        async with broker.client() as client:
            pages = await client.jetstream().pull_subscribe_bind(FEED, STREAM)
            for time in range(1, 13):
                (page,) = await pages.fetch(1, timeout=10)
                assert (page.metadata.sequence.stream, page.metadata.num_delivered) == (1, time)
                await page.nak()
            (page,) = await pages.fetch(1, timeout=10)
            await page.ack_sync()
            (page,) = await pages.fetch(1, timeout=10)
            assert (page.metadata.sequence.stream, page.metadata.num_delivered) == (2, 1)
            await page.ack_sync()


def _upto(pushed: Pushed, identity: str) -> int:
    found = pushed.house.gateway.store.pushes.subscription(identity)
    assert found is not None
    return found.upto


async def test_nothing_of_a_person_lies_open_in_the_brokers_files(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.submit()
        await pushed.subscribe()
        assert await pushed.step() == 1
        ((_, body),) = await messages(broker)
        assert b"Marsh" in body
        for path in broker.directory.rglob("*"):
            assert not path.is_file() or b"Marsh" not in path.read_bytes(), path


# --- repeats --------------------------------------------------------------------------------------


TERMS = Terms("cms", 1, dt.timedelta(days=1), dt.timedelta(hours=1))


async def test_the_server_passes_over_what_it_has_and_refuses_who_comes_late(
    pki: DevelopmentPki, broker: Broker
) -> None:
    streams = JetStream((broker.url,), TERMS, tls=tls.client_context(pki.server_ca))
    held = await streams.look(FEED, FEED)
    assert (held.sequence, held.message, held.last, held.wiped) == (0, None, None, True)
    one = Message({"ce-last": "7"}, b"one")
    await streams.publish(FEED, FEED, one, identity="a", after=0)
    await streams.publish(FEED, FEED, one, identity="a", after=1)  # the same again
    with pytest.raises(NotTakenError) as late:
        await streams.publish(FEED, FEED, one, identity="b", after=0)
    assert (late.value.code, late.value.temporary) == ("MOVED_ON", True)
    held = await streams.look(FEED, FEED)
    assert (held.sequence, held.message, held.last) == (1, "a", 7)
    await streams.publish(FEED, FEED, one, identity="b", after=1)
    await streams.close()
    assert len(await messages(broker)) == 2


@dataclass
class Deaf:
    """Streams whose acknowledgements are lost on the way back, as often as it is told."""

    inner: Any
    lost: int

    async def look(self, consumer: str, feed: str) -> Any:
        return await self.inner.look(consumer, feed)

    async def publish(self, *args: Any, **more: Any) -> None:
        await self.inner.publish(*args, **more)
        if self.lost:
            self.lost -= 1
            raise NotTakenError("NOT_ACKNOWLEDGED", temporary=True)


async def test_a_lost_acknowledgement_makes_no_second_message(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    settings = broker.settings(duplicate_seconds=1)  # too short to help
    async with pushed_in(tmp_path, pki, jetstream=settings) as pushed:
        identity = await pushed.subscribe()
        await pushed.submit(2)
        deaf = Deaf(pushed.way.streams, 1)
        assert await pushed.step(streams=deaf) == 0
        (waiting,) = (await pushed.show(identity))["pushes"]
        assert (waiting["state"], waiting["reason"]) == ("waiting", "NOT_ACKNOWLEDGED")
        await pushed.submit(1)
        pushed.move(seconds=2)
        assert await pushed.step(streams=deaf) == 2
        found = await messages(broker)
        assert stretches(found) == [(1, 2), (3, 3)]
        assert (await pushed.show(identity))["pushes"] == []


# --- a broker in trouble --------------------------------------------------------------------------


async def test_a_broker_that_is_killed_and_comes_back_gets_what_it_missed(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, by_hand=False, jetstream=broker.settings()) as pushed:
        identity = await pushed.subscribe()
        await pushed.submit(2)
        await until(lambda: _upto(pushed, identity) == 2)
        broker.kill()
        await pushed.submit(2)
        await pushed.submit(2)

        async def failed() -> bool:
            found = (await pushed.show(identity))["pushes"]
            return bool(found) and found[0]["reason"] == "NOT_REACHED"

        await until(failed)
        broker.start()
        await until(lambda: _upto(pushed, identity) == 6)
        assert whole(await messages(broker), 6)


@pytest.mark.parametrize("how", ["deleted", "purged", "lost"])
async def test_a_stream_that_was_wiped_is_filled_anew(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker, how: str
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.subscribe()
        for _ in range(3):
            await pushed.submit(2)
            assert await pushed.step() == 1
        if how == "lost":
            broker.kill()
            broker.forget()
            broker.start()
            await broker.up()
        else:
            async with broker.client() as client:
                js = client.jetstream()
                await (js.delete_stream(STREAM) if how == "deleted" else js.purge_stream(STREAM))
        await pushed.submit(1)
        for _ in range(3):
            await pushed.step()
            pushed.move(seconds=70)
        found = await messages(broker)
        assert whole(found, 7), stretches(found)
        (after,) = pushed.house.gateway.store.pushes.subscriptions()
        assert (after.upto, after.rewinds) == (7, 1)


async def test_a_stream_that_is_behind_gets_what_it_lacks_alone(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    """An older copy was put in its place."""
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        await pushed.subscribe()
        for _ in range(4):
            await pushed.submit(2)
            assert await pushed.step() == 1
        async with broker.client() as client:
            js = client.jetstream()
            kept = (await everything_in(js, STREAM))[:2]
            await js.delete_stream(STREAM)
            await js.add_stream(name=STREAM, subjects=[subject_of("cms", FEED, FEED)])
            for headers, body in kept:
                told = {k: v for k, v in headers.items() if not k.startswith("Nats-Expected")}
                await js.publish(subject_of("cms", FEED, FEED), body, headers=told)
        await pushed.submit(1)
        for _ in range(3):
            await pushed.step()
            pushed.move(seconds=70)
        found = await messages(broker)
        assert stretches(found)[:2] == [(1, 2), (3, 4)]
        assert whole(found, 9), stretches(found)


def test_what_grew_old_in_a_stream_is_not_published_again() -> None:
    """Empty by age, as the server tells it: nothing was taken away."""
    streams = JetStream(("nats://localhost:1",), TERMS)
    state = {"messages": 0, "last_seq": 4, "last_ts": "2026-11-01T10:00:00.123Z"}
    assert streams._aged(state | {"now": "2026-11-02T10:00:01.5Z"})
    assert not streams._aged(state | {"now": "2026-11-02T09:00:00.5Z"})
    assert not streams._aged(state | {"last_seq": 0, "now": "2026-11-02T10:00:01.5Z"})


# --- sizes ----------------------------------------------------------------------------------------


async def test_a_page_too_large_for_a_message_goes_as_several(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with (
        broker_in(tmp_path, pki, payload=12_000) as small,
        pushed_in(tmp_path, pki, jetstream=small.settings()) as pushed,
    ):
        identity = await pushed.subscribe()
        await pushed.submit(40)
        assert await pushed.step() > 1
        found = await messages(small)
        assert whole(found, 40), stretches(found)
        shown = await pushed.show(identity)
        assert (shown["upto"], shown["pushes"]) == (40, [])


async def test_a_record_that_fits_nowhere_stops_its_stream_until_it_does(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with (
        broker_in(tmp_path, pki, payload=1_100) as small,
        pushed_in(tmp_path, pki, jetstream=small.settings()) as pushed,
    ):
        identity = await pushed.subscribe()
        await pushed.submit(2)
        await pushed.step()
        shown = await pushed.show(identity)
        assert (shown["state"], shown["upto"]) == ("disabled", 0)
        (dead,) = shown["pushes"]
        assert (dead["state"], dead["reason"], dead["first"]) == ("dead", "TOO_LARGE", 1)
        assert "max_payload" in dead["mend"]
        small.kill()
        small.payload = 1_048_576
        small.start()
        await small.up()
        assert (await pushed.steer(identity, "resume"))["replayed"] == 1
        pushed.move(seconds=70)
        await pushed.step()
        found = await messages(small)
        assert whole(found, 2), stretches(found)


# --- steering -------------------------------------------------------------------------------------


async def test_pause_resume_and_rewind(tmp_path: Path, pki: DevelopmentPki, broker: Broker) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed:
        identity = await pushed.subscribe()
        await pushed.submit(2)
        assert await pushed.step() == 1
        await pushed.steer(identity, "pause")
        await pushed.submit(2)
        assert await pushed.step() == 0
        assert (await pushed.show(identity))["behind"] == 2
        await pushed.steer(identity, "resume")
        assert await pushed.step() == 1
        await pushed.rewind(identity, 2)
        assert await pushed.step() == 1
        assert stretches(await messages(broker)) == [(1, 2), (3, 4), (3, 4)]
        await pushed.steer(identity, "remove")
        await pushed.submit(1)
        assert await pushed.step() == 0
        again = await pushed.subscribe(after=4)
        assert again != identity
        assert await pushed.step() == 1
        assert stretches(await messages(broker))[-1] == (5, 5)


# --- servers that cannot be used ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"version": "2.9.10", "jetstream": True}, "SERVER_TOO_OLD"),
        ({"version": "2.10.0", "jetstream": True}, None),
        ({"version": "2.15.1"}, "JETSTREAM_DISABLED"),
        ({"version": "none", "jetstream": True}, "SERVER_TOO_OLD"),
        ({}, "SERVER_TOO_OLD"),
    ],
)
def test_what_a_server_says_of_itself_is_looked_at(info: dict[str, Any], why: str | None) -> None:
    assert unfit_for(info) == why


async def test_what_is_to_be_mended_is_said_in_words(
    tmp_path: Path, pki: DevelopmentPki, broker: Broker
) -> None:
    async with pushed_in(tmp_path, pki, jetstream=broker.settings(replicas=3)) as pushed:
        identity = await pushed.subscribe()
        await pushed.submit()
        assert await pushed.step() == 0
        (waiting,) = (await pushed.show(identity))["pushes"]
        assert waiting["reason"] == "REPLICAS_NOT_TO_BE_HAD"
        assert "fewer servers" in waiting["mend"]


async def test_who_may_not_is_told_so(tmp_path: Path, pki: DevelopmentPki) -> None:
    extra = "authorization { token: secret }"
    place = tmp_path / "barred"
    async with broker_in(tmp_path / "open", pki) as broker:
        barred = replace(broker, directory=place, port=broker.port + 1, extra=extra)
        barred.start()
        try:
            async with pushed_in(tmp_path, pki, jetstream=barred.settings()) as pushed:
                identity = await pushed.subscribe()
                await pushed.submit()
                await until((place / "log").exists)

                async def refused() -> bool:
                    await pushed.step()
                    pushed.move(seconds=70)
                    (waiting,) = (await pushed.show(identity))["pushes"]
                    return bool(waiting["reason"] == "NOT_PERMITTED")

                await until(refused)
        finally:
            barred.kill()
