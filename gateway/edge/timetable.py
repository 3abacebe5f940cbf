"""When a shared job is to run: every so many seconds, or daily by the clock on a wall.

Both are functions of the instant alone, so that every process comes to the same occurrences without
asking another. APScheduler's own triggers are not used: its cron trigger runs a job of 01:30 twice
on the day on which summer time ends in London, and walks through each missed occurrence, one by one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.base import BaseTrigger

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds, counted from 1970; raises ValueError for less than one."""

    seconds: int

    def __post_init__(self) -> None:
        if self.seconds < 1:
            raise ValueError("a job runs every second at most")

    def __str__(self) -> str:
        return f"every {self.seconds} s"

    def after(self, instant: dt.datetime) -> dt.datetime:
        """The first occurrence after an instant, in UTC."""
        whole = (instant - _EPOCH) // dt.timedelta(seconds=self.seconds)
        return _EPOCH + dt.timedelta(seconds=self.seconds) * (whole + 1)


@dataclass(frozen=True, slots=True)
class Daily:
    """Once on each calendar day of a zone, summer time or not.

    A time that comes twice, when clocks go back, is meant the first time. One that does not come,
    when they go forward, is as long after midnight as on any other day: 01:30 becomes 02:30 BST.
    Raises ValueError for what is no time of day, or no zone that this machine knows.
    """

    hour: int
    minute: int
    zone: str = "Europe/London"

    def __post_init__(self) -> None:
        dt.time(self.hour, self.minute)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"{self.zone}: there is no such time zone here") from error

    def __str__(self) -> str:
        return f"daily {self.hour:02d}:{self.minute:02d} {self.zone}"

    def after(self, instant: dt.datetime) -> dt.datetime:
        """The first occurrence after an instant, in UTC."""
        # The day before too: a time that does not come may fall behind midnight.
        day = instant.astimezone(ZoneInfo(self.zone)).date() - _DAY
        while (found := self._on(day)) <= instant:
            day += _DAY
        return found

    def _on(self, day: dt.date) -> dt.datetime:
        at = dt.time(self.hour, self.minute, tzinfo=ZoneInfo(self.zone))
        return dt.datetime.combine(day, at).astimezone(dt.UTC)


Times = Every | Daily
"""When a job runs."""


class Timetable(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """`Times` as APScheduler asks for them; whatever was missed counts as one."""

    def __init__(self, times: Times) -> None:
        self.times = times

    def get_next_fire_time(
        self, previous_fire_time: dt.datetime | None, now: dt.datetime
    ) -> dt.datetime:
        """The first occurrence after both."""
        return self.times.after(now if previous_fire_time is None else max(previous_fire_time, now))

    def __str__(self) -> str:
        return str(self.times)
