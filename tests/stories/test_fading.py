"""What fades, and what stays: keys are gone from the disk, and every proof still holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509

from certs.development import DevelopmentPki
from gateway.core.deadlines import months_after
from gateway.core.instant import read
from gateway.store.sqlite.connection import fetch
from tests.asking import (
    ADDRESS,
    LONDON,
    MARSH,
    Clock,
    Story,
    at,
    identity,
    lines,
    stand_in,
    story_in,
)


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    time = Clock()
    async with story_in(tmp_path, pki, time=time, post=stand_in(time)) as opened:
        yield opened


def on_disk(story: Story) -> bytes:
    """Every byte of the database, with its log."""
    data = story.house.settings.data
    return b"".join(path.read_bytes() for path in sorted(data.glob("gateway.sqlite*")))


def ended_on(story: Story, request: str) -> dt.date:
    return read(story.stored(request).ended).astimezone(LONDON).date()


async def a_full_life(story: Story) -> str:
    """A request with all that hangs on one: questions, notices, an access code, evidence, its answer."""
    await story.reached("bank", address=ADDRESS)
    request = await story.ask("tracing", "bank", "identity", reference="MARKED-REFERENCE")
    await story.do("bank", request, "clarifications", text="Is it Tamsin Marsh?")
    await story.do("tracing", request, "clarifications/answer", text="It is Tamsin.")
    story.on(1)
    await story.run("fates")
    story.on(60)
    await story.run("reminders", "notices")
    assert story.state(request) == "escalated"
    await story.send("bank", lines(identity()), Request_Id=request)
    return request


async def test_after_two_years_the_person_is_gone_and_the_proofs_stay(story: Story) -> None:
    request = await a_full_life(story)
    await story.quiet()
    stored = story.stored(request)
    notices = story.notices(request)
    _, pack = story.store.requests.pack(request)
    questions = story.store.requests.clarifications(request)
    marked = [
        stored.wrapped_key,
        stored.subject,
        pack,
        b"MARKED-REFERENCE",
        *(each.question for each in questions),
        *(each.answer for each in questions),
        *(notice.wrapped_key for notice in notices),
        *(notice.sealed for notice in notices),
    ]
    feed = await story.house.tracing.feed("tracing")
    before = on_disk(story)
    # What is longer than a page lies in pieces; its beginning does not.
    assert all(value[:64] in before for value in marked if value)
    history, size = story.store.requests.history(request), story.store.evidence.size
    entries = story.store.evidence.entries(0, size)

    end = months_after(ended_on(story, request), 24)
    story.time.to(at(end - dt.timedelta(days=1), 23, 50))
    await story.run("retention")
    assert story.stored(request).erased is None
    story.time.to(at(end, 3, 30))
    await story.run("retention")

    gone = story.stored(request)
    assert gone.erased is not None
    assert (gone.wrapped_key, gone.subject, gone.reference) == (b"", b"", None)
    assert {n.wrapped_key for n in story.notices(request)} == {None}
    assert story.store.requests.pack(request) is None
    after = on_disk(story)
    assert not [value for value in marked if value and value[:64] in after]
    assert story.entries("request.erased")[0]["id"] == request
    assert story.store.requests.history(request) == history
    assert story.store.evidence.entries(0, size) == entries
    # The feed is as it was: what was answered is another's to erase.
    rows = fetch(story.store._reader, "SELECT sum(count) FROM feed_item WHERE feed = 'tracing'")
    assert rows[0][0] == sum("record" in line for line in feed)
    await story.run("retention")
    assert len(story.entries("request.erased")) == 1, "what is gone is not erased again"


async def test_nothing_of_the_person_was_ever_in_the_clear(story: Story) -> None:
    request = await a_full_life(story)
    await story.quiet()
    data = on_disk(story)
    for value in (*MARSH.values(), "Is it Tamsin", *ADDRESS[:3]):
        assert value.encode() not in data, value
    assert request.encode() in data


async def test_what_is_still_open_is_kept_and_an_unsent_notice_goes_with_its_request(
    story: Story,
) -> None:
    await story.reached("bank")
    waiting = await story.ask("tracing", "bank", "identity")
    ended = await story.ask("tracing", "bank", "identity")
    await story.do("tracing", ended, "withdraw")
    assert story.store.notices.stuck() >= 2
    day = ended_on(story, ended)
    story.time.to(at(months_after(day, 25), 4))
    await story.run("retention")
    assert (story.stored(waiting).erased, story.stored(ended).erased is None) == (None, False)
    # Once an address is known, what waits goes, and what was erased holds nobody up.
    await story.reached("bank", address=ADDRESS)
    await story.sent()
    assert [notice.state for notice in story.notices(waiting)] == ["sent"]
    assert not [notice for notice in story.notices(ended) if notice.state == "sent"]


async def test_who_ended_an_hour_after_midnight_is_kept_for_that_day(story: Story) -> None:
    today = story.time.day
    july = dt.date(today.year + (today.month >= 7), 7, 10)  # within a year, as a due day has to be
    request = await story.ask("tracing", "bank", "identity", due=july.isoformat())
    story.to(at(july, 0, 30))  # in UTC, the day before
    await story.do("tracing", request, "withdraw")
    end = months_after(july, 24)
    story.time.to(at(end - dt.timedelta(days=1), 12))
    await story.run("retention")
    assert story.stored(request).erased is None
    story.time.to(at(end, 3, 30))
    await story.run("retention")
    assert story.stored(request).erased is not None


async def test_a_notice_of_no_request_keeps_its_words_for_its_own_time(story: Story) -> None:
    await story.reached("bank", address=ADDRESS)
    ends = certificate_ends(story)
    story.time.to(at(ends - dt.timedelta(days=20)))
    await story.run("certificates", "notices")
    (warning,) = warnings(story)
    sent = read(warning[2]).astimezone(LONDON).date()
    story.time.to(at(months_after(sent, 14) - dt.timedelta(days=1)))
    await story.run("retention")
    assert warnings(story)[0][1] is not None
    story.time.to(at(months_after(sent, 14), 4))
    await story.run("retention")
    assert warnings(story)[0][1] is None


# --- certificates ---------------------------------------------------------------------------------


def certificate_ends(story: Story) -> dt.date:
    pem = story.house.bank.issued.certificate.read_bytes()
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc.date()


def warnings(story: Story) -> list[tuple[str, bytes | None, str]]:
    """What the bank was told of its certificate: what it is for, its key, and when it was sent."""
    return fetch(
        story.store._reader,
        "SELECT purpose, wrapped_key, sent FROM notice WHERE kind = 'certificate_expires' "
        "AND correspondent = 'bank' ORDER BY id",
    )


async def test_a_certificate_that_ends_is_warned_of_once_at_each_line(story: Story) -> None:
    await story.reached("bank", address=ADDRESS)
    ends = certificate_ends(story)
    counts = []
    for days in (61, 60, 59, 31, 30, 8, 7, 1, 0, -1):
        story.time.to(at(ends - dt.timedelta(days=days)))
        await story.run("certificates")
        await story.run("certificates")
        counts.append(len(warnings(story)))
    assert counts == [0, 1, 1, 1, 2, 2, 3, 3, 3, 3]
    await story.sent()
    letters = [m for m in story.posted if m.subject.startswith("Your certificate ends on")]
    assert len(letters) == 3
    assert "bank" in letters[0].body


async def test_after_downtime_the_nearest_line_is_enough(story: Story) -> None:
    await story.reached("bank", address=ADDRESS)
    for _ in range(2):
        story.time.to(at(certificate_ends(story) - dt.timedelta(days=3)))
        await story.run("certificates")
    assert len(warnings(story)) == 1
