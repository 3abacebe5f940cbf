"""Shared jobs: at their times, once, whatever the clock does and whoever stops."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from gateway.edge import logs
from gateway.edge.jobs import Jobs, Ran, SharedJobs
from gateway.edge.lease import FENCE
from gateway.edge.timetable import Daily, Every, Times

LONDON = ZoneInfo("Europe/London")
NAME = "reminders"
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass
class Work:
    """A job that notes when it was begun, and under which lease."""

    begun: list[dt.datetime] = field(default_factory=list)
    fences: list[int] = field(default_factory=list)
    then: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, now: dt.datetime) -> None:
        self.begun.append(now)
        self.fences.append(FENCE.get())
        if self.then is not None:
            await self.then()


@asynccontextmanager
async def shared(
    directory: Path, work: Work, times: Times, holder: str = "one", **more: Any
) -> AsyncIterator[SharedJobs]:
    jobs = SharedJobs(
        f"sqlite:///{directory / 'jobs.sqlite'}",
        {NAME: (work, times)},
        clock=more.pop("clock", clock),
        holder=holder,
        lease_seconds=1,
        look_seconds=more.pop("look_seconds", 0.02),
    )
    jobs.start()
    try:
        yield jobs
    finally:
        await jobs.stop()


async def looked() -> None:
    """Wait until whatever is due has been seen and done."""
    await asyncio.sleep(0.12)


def stored(directory: Path) -> dict[str, Any]:
    with sqlite3.connect(directory / "jobs.sqlite") as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM job WHERE name = ?", [NAME]).fetchone())
    database.close()
    return row


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-10-24T12:35", ["25 01:30", "26 01:30"]),
        ("2026-03-28T12:35", ["29 02:30", "30 01:30"]),
    ],
)
async def test_a_daily_job_runs_once_on_the_days_on_which_clocks_change(
    tmp_path: Path, start: str, expected: list[str]
) -> None:
    begin = dt.datetime.fromisoformat(start).replace(tzinfo=LONDON).astimezone(dt.UTC)
    work = Work()
    with time_machine.travel(begin, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(1, 30)):
            for half_hours in (*range(22, 32), *range(70, 80)):
                traveller.move_to(begin + half_hours * dt.timedelta(minutes=30))
                await asyncio.sleep(0.04)
    hours = [each.astimezone(LONDON).replace(minute=30) for each in work.begun]
    assert [f"{each:%d %H:%M}" for each in hours] == expected


async def test_what_was_missed_runs_once_when_a_process_starts_again(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(6, 30)):
            await looked()
            assert work.begun == [], "a new job waits for its first time"
        traveller.shift(5 * DAY)
        async with shared(tmp_path, work, Daily(6, 30), "two"):
            await looked()
            assert work.begun == [NOON + 5 * DAY]
        async with shared(tmp_path, work, Daily(6, 30), "three"):
            await looked()
    assert len(work.begun) == 1
    assert stored(tmp_path)["next_run"] == "2026-11-28T06:30:00.000000Z"


async def test_a_clock_that_jumps_ahead_makes_one_run_of_many(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Every(60)):
            for far in (DAY, 3_650 * DAY):
                traveller.shift(far)
                await looked()
    assert len(work.begun) == 2


async def test_a_clock_set_back_runs_nothing_again(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(12, 30)):
            traveller.shift(3_600)
            await looked()
            traveller.shift(-3_600)  # before its time again
            async with shared(tmp_path, work, Daily(12, 30), "two"):
                await looked()
            traveller.shift(3_600)
            await looked()
            assert len(work.begun) == 1
            traveller.shift(DAY)
            await looked()
            assert len(work.begun) == 2


async def test_a_clock_set_back_by_a_day_stalls_nothing(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Every(1)):
            traveller.shift(2)
            await looked()
            traveller.shift(-DAY)
            await looked()
            traveller.shift(5)
            await looked()
            assert len(work.begun) == 1, "it may be that another process's clock is right"
            await asyncio.sleep(1)  # but its time has stood still for a whole period
            traveller.shift(5)
            await looked()
            assert len(work.begun) == 2


async def test_a_time_that_is_too_far_away_is_set_back_at_the_start(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON + 400 * DAY, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(6, 30)):
            await looked()
        traveller.move_to(NOON)
        async with shared(tmp_path, work, Daily(6, 30)):
            await looked()
            assert stored(tmp_path)["next_run"] == "2026-11-23T06:30:00.000000Z"
            traveller.shift(DAY)
            await looked()
    assert work.begun == [NOON + DAY]


async def test_time_is_what_the_clock_given_says(tmp_path: Path) -> None:
    """A sandbox moves its clock, and the scheduler's own stays."""
    work, moved = Work(), [DAY]
    async with shared(tmp_path, work, Daily(6, 30), clock=lambda: clock() + moved[0]):
        moved[0] += 30 * DAY
        await looked()
    assert len(work.begun) == 1
    assert abs(work.begun[0] - clock() - 31 * DAY) < dt.timedelta(minutes=1)


async def test_a_job_runs_again_and_again_by_itself(tmp_path: Path) -> None:
    work = Work()
    async with shared(tmp_path, work, Every(1), look_seconds=3_600):
        await asyncio.sleep(2.1)
    assert 1 < len(work.begun) < 4
    assert work.fences == list(range(1, len(work.begun) + 1))
    assert stored(tmp_path)["holder"] is None


async def test_what_another_has_run_in_the_meantime_is_not_run_again(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with (
            shared(tmp_path, work, Daily(12, 30)),
            shared(tmp_path, work, Daily(12, 30), "two", look_seconds=3_600) as two,
        ):
            traveller.shift(3_600)
            await looked()
            two._scheduler.wakeup()  # it still thinks that the job is due
            await looked()
    assert len(work.begun) == 1


async def test_a_job_that_fails_is_logged_and_runs_at_its_next_time(tmp_path: Path) -> None:
    async def fail() -> None:
        raise RuntimeError("Zoe Example, AA000001A")

    work, told = Work(then=fail), io.StringIO()
    logs.configure(told)
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Every(60)) as jobs:
            traveller.shift(60)
            await looked()
            await looked()
            assert len(work.begun) == 1, "not before its next time"
            assert stored(tmp_path)["holder"] is None
            traveller.shift(60)
            await looked()
            assert len(work.begun) == 2
            assert await jobs.run_now(NAME) == Ran.FAILED
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    failed = [line for line in lines if line["event"] == "job_failed"]
    assert [(line["jobs"], line["error"]) for line in failed] == [(NAME, "RuntimeError")] * 3
    assert "Zoe" not in told.getvalue()


async def test_run_now_takes_the_lease_and_leaves_the_next_time_alone(tmp_path: Path) -> None:
    going = asyncio.Event()
    work = Work(then=going.wait)
    with time_machine.travel(NOON, tick=False):
        async with (
            shared(tmp_path, work, Daily(6, 30)) as one,
            shared(tmp_path, Work(), Daily(6, 30), "two") as two,
        ):
            before = stored(tmp_path)["next_run"]
            running = asyncio.create_task(one.run_now(NAME))
            await looked()
            assert await one.run_now(NAME) == Ran.ELSEWHERE
            assert await two.run_now(NAME) == Ran.ELSEWHERE
            going.set()
            assert await running == Ran.DONE
            assert stored(tmp_path)["next_run"] == before
            assert await two.run_now(NAME) == Ran.DONE
            with pytest.raises(LookupError):
                await one.run_now("another")


async def test_what_is_stopped_in_the_middle_is_run_by_the_next(tmp_path: Path) -> None:
    work, after = Work(then=asyncio.Event().wait), Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(12, 30)):
            traveller.shift(3_600)
            await looked()
            assert stored(tmp_path)["holder"] == "one"
        assert stored(tmp_path)["holder"] is None
        async with shared(tmp_path, after, Daily(12, 30), "two"):
            await looked()
    assert (len(work.begun), after.fences) == (1, [2])


async def test_a_job_whose_lease_is_lost_is_cancelled(tmp_path: Path) -> None:
    work = Work(then=asyncio.Event().wait)
    async with shared(tmp_path, work, Daily(6, 30)) as jobs:
        running = asyncio.create_task(jobs.run_now(NAME))
        await looked()
        with sqlite3.connect(tmp_path / "jobs.sqlite") as database:
            database.execute("UPDATE job SET holder = 'another', fence = fence + 1")
        database.close()
        assert await asyncio.wait_for(running, 2) == Ran.LOST
    assert stored(tmp_path)["holder"] == "another"


async def test_a_holder_that_cannot_reach_the_store_stops_in_time(tmp_path: Path) -> None:
    stopped = asyncio.Event()

    async def go() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with shared(tmp_path, Work(then=go), Daily(6, 30)) as jobs:
        running = asyncio.create_task(jobs.run_now(NAME))
        await looked()
        locked = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
        locked.execute("BEGIN EXCLUSIVE")
        await asyncio.wait_for(stopped.wait(), 1)  # before anybody may take the lease
        locked.execute("ROLLBACK")
        locked.close()
        assert await asyncio.wait_for(running, 6) == Ran.LOST


async def test_the_table_in_code_says_which_jobs_there_are(tmp_path: Path) -> None:
    old, new = Work(), Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, old, Every(60)):
            await looked()
        traveller.shift(-30)
        other = SharedJobs(
            f"sqlite:///{tmp_path / 'jobs.sqlite'}",
            {"another": (new, Every(60))},
            clock=clock,
            holder="two",
            look_seconds=0.02,
        )
        other.start()
        traveller.shift(120)
        await looked()
        await other.stop()
    assert (old.begun, len(new.begun)) == ([], 1)


async def test_other_times_take_effect_when_a_process_starts(tmp_path: Path) -> None:
    work = Work()
    with time_machine.travel(NOON, tick=False) as traveller:
        async with shared(tmp_path, work, Daily(6, 30)):
            await looked()
        async with shared(tmp_path, work, Every(60)):
            traveller.shift(60)
            await looked()
            assert len(work.begun) == 1
        traveller.shift(120)  # missed under the old times: run once under the new
        async with shared(tmp_path, work, Daily(6, 30)):
            await looked()
    assert len(work.begun) == 2
    assert stored(tmp_path)["times"] == "daily 06:30 Europe/London"
    assert stored(tmp_path)["next_run"] == "2026-11-23T06:30:00.000000Z"


async def test_the_store_holds_nothing_that_could_be_run(tmp_path: Path) -> None:
    async with shared(tmp_path, Work(), Daily(6, 30)):
        await looked()
    assert all(value is None or isinstance(value, str | int) for value in stored(tmp_path).values())
    assert (tmp_path / "jobs.sqlite").stat().st_mode & 0o777 == 0o600


async def test_local_jobs_run_in_every_process() -> None:
    runs: list[int] = []

    async def job() -> None:
        runs.append(1)

    tables = [Jobs({"job": (job, 1)}) for _ in range(2)]
    for each in tables:
        each.start()
    await asyncio.sleep(1.2)
    for each in tables:
        each.stop()
    await asyncio.sleep(0)
    assert len(runs) == 2
