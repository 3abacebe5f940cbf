"""Brokers that cannot be used as they are: the reason is said, and once it is mended things go on."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certs import development
from certs.development import DevelopmentPki
from gateway.core.carriage import NotTakenError
from gateway.core.push import WORDS, Message
from gateway.edge import jetstream, logs, tls
from gateway.edge.jetstream import JetStream, denied_in, stream_name, subject_of
from gateway.wiring import clock
from tests.brokers import Broker, broker_in
from tests.pushing import FEED, until
from tests.stories.test_push_streams import TERMS

STREAM = stream_name("cms", FEED, FEED)
SUBJECT = subject_of("cms", FEED, FEED)
API = ("INFO", "STREAM.INFO.*", "STREAM.CREATE.*", "STREAM.UPDATE.*", "STREAM.MSG.GET.*",
       "CONSUMER.CREATE.>", "CONSUMER.DURABLE.CREATE.>")  # fmt: skip
PUBLISHED = (*(f"$JS.API.{each}" for each in API), "cms.feeds.>")


def streams(broker: Broker, pki: DevelopmentPki) -> JetStream:
    return JetStream((broker.url,), TERMS, tls=tls.client_context(pki.server_ca))


async def refused(call: Callable[[], Awaitable[object]]) -> str:
    """The reason why something is not taken, which is said soon."""
    async with asyncio.timeout(10):
        with pytest.raises(NotTakenError) as found:
            await call()
    assert found.value.temporary
    assert found.value.code in WORDS
    return found.value.code


async def test_a_stranger_s_certificate_is_told_at_once_and_mended_without_a_restart(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    stranger = development.create(tmp_path / "stranger", now=clock())
    async with broker_in(tmp_path / "strange", stranger) as strange:  # of another authority
        ours = streams(strange, pki)
        for _ in range(2):
            assert await refused(ours.check) == "CERTIFICATE_NOT_VALID"
        assert await refused(lambda: ours.look(FEED, FEED)) == "CERTIFICATE_NOT_VALID"
    mended = replace(strange, directory=tmp_path / "mended", pki=pki)
    mended.start()
    try:
        await mended.up()
        told = io.StringIO()
        logs.configure(told)
        await ours.check()
        lines = [json.loads(line) for line in told.getvalue().splitlines()]
        (connected,) = [line for line in lines if line["event"] == "jetstream_connected"]
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", connected["version"]), connected
        assert (await ours.look(FEED, FEED)).sequence == 0
    finally:
        await ours.close()
        mended.kill()


# --- what a user may not do -----------------------------------------------------------------------


def permitting(publish: tuple[str, ...], subscribe: str) -> str:
    """A server's users: the gateway, which comes without a name here, and one of the test's own."""
    allowed = ", ".join(f'"{each}"' for each in publish)
    return (
        'no_auth_user: gateway\nauthorization { users: [\n{ user: "gateway", password: "none", '
        f'permissions: {{ publish: [{allowed}], subscribe: ["{subscribe}"] }} }}\n'
        '{ user: "tests", password: "none" }\n] }'
    )


@pytest.mark.parametrize(
    ("publish", "subscribe"),
    [
        (("other.>",), "_INBOX.>"),
        (tuple(each for each in PUBLISHED if "INFO" not in each), "_INBOX.>"),
        (tuple(each for each in PUBLISHED if "STREAM.CREATE" not in each), "_INBOX.>"),
        (PUBLISHED[:-1], "_INBOX.>"),
        (PUBLISHED, "_INBOX_other.>"),
    ],
    ids=["nothing", "not to look", "not to make", "not to publish", "not to hear"],
)
async def test_too_few_permissions_are_told_and_mended_without_a_restart(
    tmp_path: Path,
    pki: DevelopmentPki,
    monkeypatch: pytest.MonkeyPatch,
    publish: tuple[str, ...],
    subscribe: str,
) -> None:
    monkeypatch.setattr(jetstream, "_ANSWER_SECONDS", 1.0)
    who = ("tests", "none")
    extra = permitting(publish, subscribe)
    async with broker_in(tmp_path, pki, extra=extra, open_to=who) as broker:
        ours = streams(broker, pki)

        async def hand_over() -> None:
            held = await ours.look(FEED, FEED)
            await ours.publish(FEED, FEED, Message({}, b"x"), identity="a", after=held.sequence)

        for _ in range(2):
            assert await refused(hand_over) == "NOT_PERMITTED"
        broker.kill()
        broker.extra = permitting(PUBLISHED, "_INBOX.>")
        broker.start()
        await broker.up()

        codes: set[str] = set()

        async def taken() -> bool:
            try:
                await hand_over()
            except NotTakenError as error:
                codes.add(error.code)  # of the connection of before
                return False
            return True

        await until(taken)
        assert codes <= {"NOT_REACHED"}
        assert (await ours.look(FEED, FEED)).message == "a"
        await ours.close()


async def test_who_may_not_push_one_feed_pushes_another(
    tmp_path: Path, pki: DevelopmentPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream, "_ANSWER_SECONDS", 1.0)
    extra = permitting((*PUBLISHED[:-1], SUBJECT), "_INBOX.>")
    async with broker_in(tmp_path, pki, extra=extra, open_to=("tests", "none")) as broker:
        ours = streams(broker, pki)
        for feed in (FEED, "tracing"):
            await ours.look(FEED, feed)

        async def hand_over(feed: str) -> None:
            await ours.publish(FEED, feed, Message({}, b"x"), identity=feed, after=0)

        barred, taken = await asyncio.gather(
            hand_over("tracing"), hand_over(FEED), return_exceptions=True
        )
        assert isinstance(barred, NotTakenError)
        assert barred.code == "NOT_PERMITTED"
        assert taken is None
        await ours.close()


def test_a_complaint_counts_for_what_it_is_about() -> None:
    about = f'nats: permissions violation for publish to "$js.api.stream.info.{STREAM}"'
    heard = 'nats: permissions violation for subscription to "_inbox.abc.*"'
    assert denied_in({about: 5.0}, 5.0, STREAM) == f"$js.api.stream.info.{STREAM}"
    assert denied_in({about: 4.0}, 5.0, STREAM) is None  # of an earlier request
    assert denied_in({about: 5.0}, 5.0, STREAM[:-1]) is None
    assert denied_in({about: 5.0}, 5.0, "$JS.API.INFO") is None
    assert denied_in({heard: 1.0}, 5.0, STREAM) == "_inbox.abc.*"
    assert denied_in({"nats: stale connection": 5.0}, 5.0, STREAM) is None
