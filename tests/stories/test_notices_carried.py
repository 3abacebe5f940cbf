"""Carriers that fail, and a gateway that stops in the middle: never two letters, and never none."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs.development import DevelopmentPki
from gateway.notice import _seal, dispatch
from gateway.notify_stand_in.serving import StandIn
from gateway.planning import plan
from tests.asking import ADDRESS, EMAIL, Clock, Story, stand_in, story_in
from tests.edge.test_courier import OK, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOON = dt.timedelta(seconds=20)
LATER = dt.timedelta(minutes=6)


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as opened:
        await opened.reached("bank", address=ADDRESS, email=EMAIL)
        yield opened


async def wait(story: Story, span: dt.timedelta) -> None:
    """Let time pass, and send what then waits."""
    story.to(story.time() + span)
    await story.sent()


def standing(story: Story, request: str) -> list[tuple[str | None, str]]:
    """The notices of a request, by form and state; what was sent may have arrived by now."""
    arrived = {"delivered": "sent"}
    return [(each.form, arrived.get(each.state, each.state)) for each in story.notices(request)]


@pytest.mark.parametrize("fault", ["broken", "dropped", "rate_limited", "day_limited"])
@pytest.mark.parametrize("form", ["post", "email"])
async def test_what_was_not_taken_is_tried_again(story: Story, form: str, fault: str) -> None:
    if form == "email":
        await story.agrees("bank", "email", EMAIL)
    assert story.post is not None
    story.post.fail_next(fault)  # type: ignore[arg-type]
    request = await story.ask("tracing", "bank", "identity")
    assert (story.posted, standing(story, request)) == ([], [(form, "waiting")])
    assert story.entries("notice.sent") == []
    await wait(story, SOON)
    assert (len(story.posted), standing(story, request)) == (1, [(form, "sent")])


@pytest.mark.parametrize("fault", ["broken_after", "dropped_after"])
@pytest.mark.parametrize("form", ["post", "email"])
async def test_what_was_taken_is_not_sent_again(story: Story, form: str, fault: str) -> None:
    if form == "email":
        await story.agrees("bank", "email", EMAIL)
    assert story.post is not None
    story.post.fail_next(fault)  # type: ignore[arg-type]
    request = await story.ask("tracing", "bank", "identity")
    for _ in range(3):
        await wait(story, SOON)
    assert (len(story.posted), standing(story, request)) == (1, [(form, "sent")])


async def test_a_carrier_that_stays_down_is_tried_for_days(story: Story) -> None:
    await story.agrees("bank", "email", EMAIL)
    assert story.post is not None
    story.post.fail_next("broken", 9)
    request = await story.ask("tracing", "bank", "identity")
    for hours in (1, 1, 4, 8, 12, 18, 24, 28):
        await wait(story, dt.timedelta(hours=hours))
        assert standing(story, request) == [("email", "waiting")]
    await wait(story, dt.timedelta(hours=28))  # the tenth e-mail, and the last
    assert standing(story, request) == [("email", "sent")]


async def test_an_email_that_is_never_taken_becomes_a_letter(story: Story) -> None:
    await story.agrees("bank", "email", EMAIL)
    assert story.post is not None
    story.post.fail_next("broken", 10)
    request = await story.ask("tracing", "bank", "identity")
    for _ in range(10):
        await wait(story, dt.timedelta(hours=28))
    assert standing(story, request) == [("post", "sent")]
    assert [message.type for message in story.posted] == ["letter"]


async def test_a_key_that_is_not_accepted_keeps_letters_waiting(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    time = Clock()
    post = stand_in(time)
    key = post._keys[0]
    async with story_in(tmp_path, pki, time=time, post=post) as story:
        await story.reached("bank", address=ADDRESS)
        post._keys = (type(key)(key.service, key.secret, key.type, revoked=True),)
        request = await story.ask("tracing", "bank", "identity")
        assert standing(story, request) == [("post", "waiting")]
        post._keys = (key,)
        await wait(story, SOON)
        assert standing(story, request) == [("post", "sent")]


async def test_without_a_carrier_of_post_letters_are_stuck_and_go_when_there_is_one(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with story_in(tmp_path, pki) as story:
        await story.reached("bank", address=ADDRESS)
        request = await story.ask("tracing", "bank", "identity")
        assert story.store.notices.stuck() == 1
    time = Clock()
    async with story_in(tmp_path, pki, names=(), time=time, post=stand_in(time)) as story:
        await story.sent()
        assert (len(story.posted), standing(story, request)) == (1, [("post", "sent")])


# --- the gateway stops ----------------------------------------------------------------------------


async def claimed(tmp_path: Path, pki: DevelopmentPki, post: StandIn) -> str:
    """A gateway that stops after a notice was claimed, before anything was handed over."""
    async with story_in(tmp_path, pki, time=Clock(), post=post) as story:
        await story.reached("bank")
        request = await story.ask("tracing", "bank", "identity")
        await story.reached("bank", address=ADDRESS)
        (notice,) = story.store.notices.to_send("9999", 10)
        planned = plan(notice, story.asking.outbox)
        until = f"{(story.time() + dt.timedelta(minutes=5)):%Y-%m-%dT%H:%M:%S.%fZ}"
        sealed = _seal(planned, story.asking.outbox)
        claim = story.store.notices.claim
        assert await claim(notice.id, notice.tries, "post", sealed, until, planned.code)
        assert not await claim(notice.id, notice.tries, "post", sealed, until, planned.code)
        assert standing(story, request) == [("post", "sending")]
    return request


async def test_after_a_stop_between_claim_and_letter_one_letter_goes(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    time = Clock()
    post = stand_in(time)
    request = await claimed(tmp_path, pki, post)
    assert post.messages.newest() == []
    async with story_in(tmp_path, pki, names=(), time=time, post=post) as story:
        await story.sent()
        assert story.posted == []  # whoever has it may still be at it
        await wait(story, LATER)
        assert (len(story.posted), standing(story, request)) == (1, [("post", "sent")])
        assert len(story.entries("notice.sent")) == 1


async def test_after_a_stop_between_letter_and_entry_no_second_letter_goes(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    time = Clock()
    post = stand_in(time)
    async with story_in(tmp_path, pki, time=time, post=post, judged=False) as story:
        await story.reached("bank", address=ADDRESS)
        post.fail_next("late")
        request = await story.house.ask("tracing", "bank", "identity")
        async with asyncio.timeout(5):
            while standing(story, request) != [("post", "sending")]:
                await asyncio.sleep(0.005)
        # As the process would, if it died here: what it was doing is never finished.
        await story.asking.stop()
        async with asyncio.timeout(5):
            while not post.messages.newest():
                await asyncio.sleep(0.02)
        assert standing(story, request) == [("post", "sending")]
    async with story_in(tmp_path, pki, names=(), time=time, post=post) as story:
        await wait(story, LATER)
        assert (len(story.posted), standing(story, request)) == (1, [("post", "sent")])
        assert len(story.entries("notice.sent")) == 1


# --- webhooks -------------------------------------------------------------------------------------


async def test_a_webhook_that_fails_is_called_again_under_the_same_id(
    story: Story, pki: DevelopmentPki
) -> None:
    async with receiving(pki, b"HTTP/1.1 503 Busy\r\n\r\n") as receiver:
        url = f"https://127.0.0.1:{receiver.port}/in"
        await story.reached("bank", address=ADDRESS, webhook=url, secret=SECRET)
        await story.agrees("bank", "webhook", url)
        request = await story.ask("tracing", "bank", "identity")
        assert standing(story, request) == [("webhook", "waiting")]
        port = receiver.port
    async with receiving(pki, OK, port=port) as again:
        await wait(story, SOON)
        assert standing(story, request) == [("webhook", "sent")]
    ids = {sent["webhook-id"] for _, sent, _ in (*receiver.asked, *again.asked)}
    assert ids == {story.notices(request)[0].id}


async def test_a_webhook_that_is_gone_is_given_up_for_post(
    story: Story, pki: DevelopmentPki
) -> None:
    async with receiving(pki, b"HTTP/1.1 410 Gone\r\n\r\n") as receiver:
        url = f"https://127.0.0.1:{receiver.port}/in"
        await story.reached("bank", address=ADDRESS, webhook=url, secret=SECRET)
        await story.agrees("bank", "webhook", url)
        request = await story.ask("tracing", "bank", "identity")
        await wait(story, SOON)
        assert standing(story, request) == [("post", "sent")]
    assert len(receiver.asked) == 1
    letters = [m for m in story.posted if m.subject.startswith("Answer an information request")]
    assert len(letters) == 1


# --- who keeps nobody waiting ---------------------------------------------------------------------


async def test_one_notice_that_cannot_be_made_holds_nobody_up(story: Story) -> None:
    await story.connected("employer")
    await story.reached("bank")
    broken = await story.ask("tracing", "bank", "identity")
    db = story.store._db
    db.execute("UPDATE correspondent SET contact = zeroblob(40) WHERE id = 'bank'")
    db.execute("UPDATE notice SET state = 'waiting'")
    request = await story.ask("tracing", "employer", "identity")
    assert standing(story, request) == [("api", "sent")]
    assert standing(story, broken) == [(None, "waiting")]
    await story.reached("bank", address=ADDRESS)
    await wait(story, LATER)
    assert standing(story, broken) == [("post", "sent")]


async def test_two_dispatchers_send_one_letter(story: Story) -> None:
    request = await story.house.ask("tracing", "bank", "identity")
    await asyncio.gather(story.quiet(), *(dispatch(story.asking.outbox) for _ in range(4)))
    assert (len(story.posted), standing(story, request)) == (1, [("post", "sent")])


async def test_what_is_no_longer_asked_is_not_sent(story: Story) -> None:
    await story.reached("bank")
    withdrawn = await story.ask("tracing", "bank", "identity")
    await story.do("tracing", withdrawn, "withdraw")
    answered = await story.ask("tracing", "bank", "identity")
    assert (await story.do("bank", answered, "nil"))[0] == 201
    await story.reached("bank", address=ADDRESS)
    await story.sent()
    assert [notice.state for notice in story.notices(withdrawn)] == ["dropped", "sent"]
    assert [notice.state for notice in story.notices(answered)] == ["dropped"]
    assert len(story.posted) == 1
