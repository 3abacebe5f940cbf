"""What we send by GOV.UK Notify, against its stand-in over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from gateway.core.notices import KINDS, LANGUAGES, NoticeError
from gateway.edge.notify import Accepted, Notify
from gateway.edge.notify_trouble import (
    TOLD,
    NotifyError,
    PermanentError,
    TemporaryError,
    Trouble,
)
from gateway.notify_stand_in.keys import new_key
from gateway.notify_stand_in.serving import FAULTS, Fault
from tests.edge.notify_place import (
    ADDRESS,
    IDS,
    NOWHERE,
    SOMEBODY,
    TEMPLATES,
    VALUES,
    WITHDRAWN_LETTER,
    Place,
    notify_at,
)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with Place().serving() as found:
        yield found


@pytest.fixture
async def notify(place: Place) -> AsyncIterator[Notify]:
    async with notify_at(place) as found:
        yield found


async def a_letter(notify: Notify, reference: str = "n-1", *, again: bool = False) -> Accepted:
    return await notify.send_letter(ADDRESS, "withdrawn", "en", VALUES, reference, again=again)


async def an_email(notify: Notify, to: str = SOMEBODY, *, again: bool = False) -> Accepted:
    return await notify.send_email(to, "withdrawn", "en", VALUES, "n-1", again=again)


async def test_ours_sends_and_says_what_became_of_it(place: Place, notify: Notify) -> None:
    email, letter = await an_email(notify), await a_letter(notify)
    assert (await notify.status(email.id)).state == "on_its_way"
    before = dt.datetime.now(dt.UTC)
    place.moved = dt.timedelta(seconds=70)
    assert (await notify.status(email.id)).state == "delivered"
    posted = await notify.status(letter.id)
    assert posted.state == "posted"
    assert abs(posted.at - before - dt.timedelta(seconds=60)) < dt.timedelta(seconds=10)
    assert [each.reference for each in place.stand_in.messages.newest()] == ["n-1", "n-1"]


@pytest.mark.parametrize(("to", "state"), [("perm", "address_failed"), ("temp", "failed")])
async def test_ours_says_that_it_failed(place: Place, notify: Notify, to: str, state: str) -> None:
    sent = await an_email(notify, f"{to}-fail@simulator.notify")
    place.moved = dt.timedelta(minutes=1)
    assert (await notify.status(sent.id)).state == state


async def test_values_reach_notify_as_text_alone(place: Place, notify: Notify) -> None:
    hostile = VALUES | {"contact": "[us](https://evil.example)\n# ((reference))"}
    await notify.send_email(SOMEBODY, "withdrawn", "en", hostile, "n-1")
    (held,) = place.stand_in.messages.newest()
    assert held.body == TEMPLATES.render("withdrawn", "en", hostile).body
    assert "https://" not in held.body


async def test_every_notice_can_be_sent_both_ways(place: Place, notify: Notify) -> None:
    names = {name for kind in KINDS for name in TEMPLATES.get(kind, "en").placeholders}
    values = {name: "https://gateway.example/" if name.endswith("_link") else "x" for name in names}
    await asyncio.gather(
        *(notify.send_email(SOMEBODY, kind, "en", values, kind) for kind in KINDS),
        *(notify.send_letter(ADDRESS, kind, "cy", values, kind) for kind in KINDS),
    )
    sent = place.stand_in.messages.newest()
    assert sorted(each.reference or "" for each in sent) == sorted(KINDS * 2)


@pytest.mark.parametrize("fault", ["dropped_after", "broken_after", "slow"])
async def test_no_letter_is_posted_twice(place: Place, fault: Fault) -> None:
    """It was taken, and we were not told: it is found under its reference, and not sent again."""
    notify = Notify(place.url, place.keys["live"].text, IDS, timeout_seconds=0.4)
    place.stand_in.fail_next(fault)
    first = await a_letter(notify)
    second = await a_letter(notify, again=True)
    (held,) = place.stand_in.messages.newest()
    assert first == second == Accepted(held.id)
    notify.close()


async def test_a_letter_that_is_taken_after_we_looked_is_not_posted_twice(place: Place) -> None:
    """So that it was not found says nothing yet, and it is not sent again in the same call."""
    notify = Notify(place.url, place.keys["live"].text, IDS, timeout_seconds=0.4)
    place.stand_in.fail_next("late")
    with pytest.raises(TemporaryError) as error:
        await a_letter(notify)
    assert (error.value.trouble, error.value.perhaps_sent) == (Trouble.NO_ANSWER, True)
    assert place.stand_in.messages.newest() == []
    await asyncio.sleep(0.8)
    found = await a_letter(notify, again=True)
    assert [found] == [Accepted(each.id) for each in place.stand_in.messages.newest()]
    notify.close()


@pytest.mark.parametrize("fault", ["dropped", "broken"])
async def test_what_was_not_taken_is_told_and_can_be_sent_again(
    place: Place, notify: Notify, fault: Fault
) -> None:
    place.stand_in.fail_next(fault)
    with pytest.raises(TemporaryError) as error:
        await a_letter(notify)
    assert error.value.perhaps_sent
    assert place.stand_in.messages.newest() == []
    await a_letter(notify, again=True)
    await a_letter(notify, again=True)
    assert len(place.stand_in.messages.newest()) == 1


async def test_a_reference_is_looked_up_for_its_own_way_alone(place: Place, notify: Notify) -> None:
    """An e-mail that failed does not stop the letter that goes in its stead."""
    await an_email(notify)
    assert await notify.find("n-1", "letter") is None
    await a_letter(notify, again=True)
    assert {each.type for each in place.stand_in.messages.newest()} == {"email", "letter"}


@pytest.mark.parametrize(
    ("fault", "trouble", "wait"),
    [("rate_limited", Trouble.BUSY, 60), ("day_limited", Trouble.DAY_LIMIT, 3_600)],
)
async def test_limits_are_temporary_and_nothing_was_sent(
    place: Place, notify: Notify, fault: Fault, trouble: Trouble, wait: int
) -> None:
    place.stand_in.fail_next(fault)
    with pytest.raises(TemporaryError) as error:
        await an_email(notify)
    assert (error.value.trouble, error.value.retry_after) == (trouble, wait)
    assert not error.value.perhaps_sent


async def test_a_notify_that_is_not_there_was_sent_nothing() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{probe.getsockname()[1]}"
        notify = Notify(gone, new_key().text, IDS, timeout_seconds=1)
        for again in (False, True):
            with pytest.raises(TemporaryError) as error:
                await an_email(notify, again=again)
            assert error.value.trouble is Trouble.UNREACHABLE
            # What was not known before the call is not known after it.
            assert error.value.perhaps_sent == again
    notify.close()


async def test_a_notify_that_hangs_is_not_waited_for() -> None:
    done = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.transport.abort()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    notify = Notify(url, new_key().text, IDS, timeout_seconds=0.2)
    begun = time.perf_counter()
    with pytest.raises(TemporaryError) as error:
        await an_email(notify)
    assert (error.value.trouble, error.value.perhaps_sent) == (Trouble.NO_ANSWER, True)
    assert time.perf_counter() - begun < 3
    notify.close()
    done.set()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0)


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "{}"), (201, "not json"), (201, '{"id": 7}'), (302, ""), (503, "<html>"), (500, "")],
)
async def test_an_answer_that_is_none_leaves_it_unknown(status: int, text: str) -> None:
    calls: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        calls.append(f"{request.method} {request.path}")
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    notify = Notify(f"http://127.0.0.1:{runner.addresses[0][1]}", new_key().text, IDS)
    with pytest.raises(TemporaryError) as error:
        await a_letter(notify)
    assert error.value.trouble is Trouble.BROKEN
    assert error.value.perhaps_sent
    # Sent once, looked up once; no redirection was followed.
    assert calls == ["POST /v2/notifications/letter", "GET /v2/notifications"]
    notify.close()
    await runner.cleanup()


async def send(notify: Notify, **changes: Any) -> Accepted:
    told: dict[str, Any] = {
        "address": SOMEBODY, "kind": "withdrawn", "language": "en", "personalisation": VALUES,
        "reference": "n-1",
    }  # fmt: skip
    return await notify.send_email(**(told | changes))


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"address": "nobody at home"}, Trouble.ADDRESS),
        ({"personalisation": {"reference": "r"}}, Trouble.PERSONALISATION),
    ],
)
async def test_what_notify_will_never_take_is_permanent(
    notify: Notify, changes: dict[str, Any], trouble: Trouble
) -> None:
    with pytest.raises(PermanentError) as error:
        await send(notify, **changes)
    assert error.value.trouble is trouble
    assert error.value.is_the_address == (trouble is Trouble.ADDRESS)


async def test_templates_that_are_not_there_are_told(place: Place) -> None:
    for ids in ({}, dict.fromkeys(IDS, NOWHERE), dict.fromkeys(IDS, WITHDRAWN_LETTER)):
        notify = Notify(place.url, place.keys["live"].text, ids)
        with pytest.raises(PermanentError) as error:
            await an_email(notify)
        assert error.value.trouble is Trouble.TEMPLATE
        notify.close()


async def test_keys_that_may_not_are_told(place: Place) -> None:
    async with notify_at(place, "team") as notify:
        for sending in (an_email(notify, "stranger@bank.example"), a_letter(notify)):
            with pytest.raises(PermanentError) as error:
                await sending
            assert error.value.trouble is Trouble.NOT_ALLOWED
    place.keys["live"] = new_key("live", place.keys["live"].service)
    async with notify_at(place) as notify:
        with pytest.raises(PermanentError) as error:
            await an_email(notify)
        assert error.value.trouble is Trouble.KEY


async def test_a_wrong_clock_is_told_as_such(place: Place, notify: Notify) -> None:
    place.wrong = dt.timedelta(minutes=5)
    with pytest.raises(PermanentError) as error:
        await an_email(notify)
    assert error.value.trouble is Trouble.CLOCK


@pytest.mark.parametrize(
    "lines",
    [
        ("A", "SW1A 2AA"),
        ("A", "  ", "", "SW1A 2AA"),
        ("A", "B", "C", "D", "E", "F", "G", "SW1A 2AA"),
        ("A", "B", "SW1A 2A"),
        ("A", "B", "12345"),
        ("A" * 201, "B", "SW1A 2AA"),
    ],
)
async def test_an_address_that_no_letter_reaches_is_refused_here(
    place: Place, notify: Notify, lines: tuple[str, ...]
) -> None:
    with pytest.raises(PermanentError) as error:
        await notify.send_letter(lines, "withdrawn", "en", VALUES, "n-1")
    assert error.value.trouble is Trouble.ADDRESS
    assert place.stand_in.messages.newest() == []


async def test_a_letter_may_go_abroad(place: Place, notify: Notify) -> None:
    await notify.send_letter(("A", "", " B  C ", "France"), "withdrawn", "en", VALUES, "n-1")
    (held,) = place.stand_in.messages.newest()
    assert list(held.to.values()) == ["A", "B C", "France"]


async def test_what_is_forgotten_is_not_found(notify: Notify) -> None:
    with pytest.raises(PermanentError) as error:
        await notify.status(NOWHERE)
    assert error.value.trouble is Trouble.NOT_FOUND


async def test_our_own_mistakes_are_refused_before_anything_is_sent(
    place: Place, notify: Notify
) -> None:
    with pytest.raises(NoticeError):
        await send(notify, personalisation=VALUES | {"answer_link": "http://evil.example"})
    for reference in ("", "x" * 101):
        with pytest.raises(ValueError, match="reference"):
            await send(notify, reference=reference)
    assert place.stand_in.messages.newest() == []


@pytest.mark.parametrize(
    ("url", "key"),
    [("http://notify.example", new_key().text), ("https://notify.example", "short")],
    ids=["not-https", "short-key"],
)
def test_a_setting_that_cannot_be_meant_is_refused(url: str, key: str) -> None:
    with pytest.raises(ValueError, match="Notify"):
        Notify(url, key, IDS)


async def test_errors_and_logs_hold_nothing_about_anybody(
    place: Place, notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Quillfeather"
    address = f"{secret}@bank.example"
    values = VALUES | {"contact": secret}
    lines = (secret, "1 Made Up Street", "SW1A 2AA")
    told: list[str] = []

    async def note(work: Awaitable[Accepted]) -> None:
        with pytest.raises(NotifyError) as error:
            await work
        told.append("".join(traceback.format_exception(error.value)))
        told.append(repr(error.value.__context__) + repr(error.value.__cause__))

    for fault in ("broken", "dropped", "rate_limited"):
        place.stand_in.fail_next(fault)  # type: ignore[arg-type]
        await note(send(notify, address=address, personalisation=values))
        place.stand_in.fail_next(fault)  # type: ignore[arg-type]
        await note(notify.send_letter(lines, "withdrawn", "en", values, "n-1"))
    await note(send(notify, address=f"{address} {secret}", personalisation=values))
    async with notify_at(place, "team") as team:
        await note(send(team, address=address, personalisation=values))
    assert secret not in "".join(told)
    assert secret not in caplog.text


def test_each_trouble_has_its_sentence() -> None:
    assert set(TOLD) == set(Trouble)
    assert set(FAULTS) >= {"slow", "dropped_after"}
    assert len(set(IDS.values())) == len(KINDS) * len(LANGUAGES) * 2
