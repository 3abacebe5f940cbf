"""What time does to requests: reminders, lateness, escalation, and what a restart changes (nothing)."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from gateway.core.request_life import Event
from gateway.evidence import bound
from gateway.judge.pack import verify_pack
from tests.asking import LONDON, Clock, Story, at, identity, lines, story_in


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki, names=("bank", "tracing")) as opened:
        await opened.connected("bank")
        yield opened


async def asked(story: Story, days: int, **more: object) -> tuple[str, dt.date]:
    """A request that is due in so many days, and that day."""
    due = story.time.day + dt.timedelta(days=days)
    return await story.ask("tracing", "bank", "identity", due=due.isoformat(), **more), due


def happened(story: Story, request: str, due: dt.date) -> list[tuple[str, int]]:
    """What happened after service, each with its day counted from the due day, in London."""
    return [
        (
            each.event.value,
            (dt.datetime.fromisoformat(each.at).astimezone(LONDON).date() - due).days,
        )
        for each in story.store.requests.history(request)[3:]
    ]


def kinds(story: Story, request: str) -> list[str]:
    return [notice.kind for notice in story.notices(request)]


# --- day by day -----------------------------------------------------------------------------------


async def test_each_line_of_the_table_comes_once_however_often_the_job_runs(story: Story) -> None:
    request, due = await asked(story, 10)
    for _ in range(27):
        for hour in (0, 8, 23):
            story.on(0, hour=hour, minute=31)
            await story.run("reminders", "notices")
        story.on(1, hour=0, minute=1)
    assert happened(story, request, due) == [
        ("reminded", -7),
        ("reminded", -1),
        ("lapsed", 1),
        ("reminded", 7),
        ("escalated", 14),
    ]
    assert kinds(story, request)[1:] == ["reminder", "reminder", "overdue", "overdue", "escalation"]
    assert story.stored(request).lapsed_on == (due + dt.timedelta(days=1)).isoformat()
    assert all(notice.state == "sent" for notice in story.notices(request))


async def test_whoever_is_asked_late_is_reminded_only_of_what_is_to_come(story: Story) -> None:
    request, due = await asked(story, 3)
    for _ in range(4):
        await story.run("reminders")
        story.on(1)
    assert happened(story, request, due) == [("reminded", -1)]


async def test_after_the_answer_nothing_more_is_said(story: Story) -> None:
    request, due = await asked(story, 10)
    story.on(4)
    await story.run("reminders")
    await story.send("bank", lines(identity()), Request_Id=request)
    for _ in range(15):
        story.on(2)
        await story.run("reminders")
    assert happened(story, request, due) == [("reminded", -6), ("answered", -6)]


# --- after downtime -------------------------------------------------------------------------------


async def test_after_downtime_over_two_lines_before_the_day_there_is_one_reminder(
    story: Story,
) -> None:
    request, due = await asked(story, 10)
    story.on(9)
    await story.run("reminders")
    assert happened(story, request, due) == [("reminded", -1)]


async def test_after_downtime_over_two_lines_after_the_day_it_is_said_once(story: Story) -> None:
    request, due = await asked(story, 10)
    story.on(18)
    for _ in range(3):
        await story.run("reminders")
    assert happened(story, request, due) == [("lapsed", 8)]
    assert kinds(story, request)[1:] == ["overdue"]
    story.on(7)
    await story.run("reminders")
    assert happened(story, request, due)[1:] == [("escalated", 15)]


async def test_a_restart_in_the_middle_repeats_nothing_and_forgets_nothing(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    time = Clock()
    async with story_in(tmp_path, pki, names=("bank", "tracing"), time=time) as story:
        await story.connected("bank")
        request, due = await asked(story, 10)
        for _ in range(14):
            story.on(1)
            await story.run("reminders")
        before = happened(story, request, due)
    async with story_in(tmp_path, pki, names=(), time=time) as story:
        await story.run("reminders")
        assert happened(story, request, due) == before
        for _ in range(12):
            story.on(1)
            await story.run("reminders")
        assert happened(story, request, due)[-2:] == [("reminded", 7), ("escalated", 14)]


async def test_evidence_that_a_crash_left_out_is_kept_the_next_time(story: Story) -> None:
    request, _ = await asked(story, 1)
    story.on(20)
    await story.run("reminders")
    assert story.store.requests.pack(request) is not None
    other, _ = await asked(story, 1)
    story.on(2)
    await story.run("reminders")
    # Killed after the commit and before the pack.
    assert await story.store.requests.many(
        [(other, Event.ESCALATED, None)], "gateway", story.time.day
    )
    assert story.store.requests.pack(other) is None
    await story.run("reminders")
    assert story.store.requests.pack(other) is not None


# --- the clock stands still -----------------------------------------------------------------------


async def test_while_a_question_is_open_nothing_is_said_and_nothing_is_late(story: Story) -> None:
    request, due = await asked(story, 10)
    story.on(1)
    await story.do("bank", request, "clarifications", text="Which Marsh?")
    for _ in range(10):
        story.on(4)
        await story.run("reminders")
    assert happened(story, request, due)[1:] == []
    await story.do("tracing", request, "clarifications/answer", text="Tamsin")
    moved = due + dt.timedelta(days=40)
    assert story.stored(request).due == moved.isoformat()
    for _ in range(10):
        story.on(1)
        await story.run("reminders")
    assert happened(story, request, moved)[2:] == [
        ("reminded", -7),
        ("reminded", -1),
        ("lapsed", 1),
    ]


# --- days of the United Kingdom -------------------------------------------------------------------


def last_sunday(after: dt.date, month: int) -> dt.date:
    """The next last Sunday of a month, on which the clocks change in March and October."""
    year = after.year if after.month < month else after.year + 1
    end = dt.date(year, month + 1, 1) - dt.timedelta(days=1)
    return end - dt.timedelta(days=(end.weekday() + 1) % 7)


@pytest.mark.parametrize("change", [3, 10, None])
@pytest.mark.parametrize("before", [0, 1])
async def test_it_is_late_from_midnight_in_london_and_not_before(
    story: Story, change: int | None, before: int
) -> None:
    today = story.time.day
    due = today + dt.timedelta(days=40) if change is None else last_sunday(today, change)
    due -= dt.timedelta(days=before)
    request = await story.ask("tracing", "bank", "identity", due=due.isoformat())
    story.to(at(due, 23, 58))
    await story.run("reminders")
    assert story.state(request) == "served"
    story.to(at(due + dt.timedelta(days=1), 0, 1))
    await story.run("reminders")
    assert story.state(request) == "overdue"
    assert story.stored(request).lapsed_on == (due + dt.timedelta(days=1)).isoformat()


async def test_an_answer_just_after_midnight_in_summer_is_late(story: Story) -> None:
    due = last_sunday(story.time.day, 3) + dt.timedelta(days=60)
    requests = [
        await story.ask("tracing", "bank", name, due=due.isoformat())
        for name in ("identity", "address")
    ]
    story.to(at(due, 23, 58))
    told = await story.send("bank", lines(identity()), Request_Id=requests[0])
    assert told["notes"] == []
    story.to(at(due + dt.timedelta(days=1), 0, 1))  # in UTC, the due day still
    _, told = await story.do("bank", requests[1], "nil")
    assert [note["code"] for note in told["notes"]] == ["ANSWERED_LATE"]


# --- escalated ------------------------------------------------------------------------------------


async def test_what_is_escalated_has_a_pack_that_proves_itself(story: Story) -> None:
    request, due = await asked(story, 10)
    for days in (4, 5, 3, 6, 7):
        story.on(days)
        await story.run("reminders", "notices")
    assert story.state(request) == "escalated"
    path = f"/v1/requests/{request}/evidence"
    status, kept, _ = await story.house.tracing.call("GET", path)
    assert status == 200
    verdict = verify_pack(kept, story.vkey, request=request)
    assert verdict.ok, verdict.findings
    facts = dict(verdict.facts)
    assert (facts["state"], facts["due"]) == ("escalated", due.isoformat())
    assert facts["counts as served on"] == story.stored(request).served_on
    assert story.entries("request.escalated")[0]["by"] == "gateway"
    # What was kept stays as it was; a fresh one also has the escalation's own notice, and the answer.
    await story.send("bank", lines(identity()), Request_Id=request)
    assert (await story.house.tracing.call("GET", path))[1] == kept
    _, fresh, _ = await story.house.tracing.call("GET", f"{path}?fresh=1")
    verdict = verify_pack(fresh, story.vkey, request=request)
    assert verdict.ok, verdict.findings
    assert dict(verdict.facts)["state"] == "answered"
    assert int(dict(verdict.facts)["notices"]) > int(facts["notices"])
    assert not verify_pack(kept[:-1], story.vkey).ok
    assert not verify_pack(kept, story.vkey, request="req_another").ok


@dataclass
class Behind:
    """The ledger as it is shown while its newest commits are on their way back from the disk."""

    inner: Any
    upto: int

    def checkpoint(self) -> tuple[int, str]:
        return self.inner.checkpoint_over(self.upto)

    def entry(self, index: int) -> bytes:
        return self.inner.entry(index)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return self.inner.inclusion(index, size)


async def test_a_pack_is_whole_as_of_its_checkpoint_whatever_is_committed_since(
    story: Story,
) -> None:
    request, _ = await asked(story, 10)
    for days in (4, 5, 3, 6, 7):
        story.on(days)
        await story.run("reminders", "notices")
    states = []
    for event in story.store.requests.history(request):
        ledger = Behind(story.store.evidence, event.entry)
        data = bound(story.stored(request), replace(story.asking.binder, ledger=ledger))
        verdict = verify_pack(data, story.vkey, request=request)
        assert verdict.ok, verdict.findings
        states.append(dict(verdict.facts)["state"])
    assert states[0] != states[-1] == "escalated"
