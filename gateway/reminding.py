"""THE CLOCK: what time alone does to requests: reminders, overdue, escalation.

Each is asked by the day, and does what that day calls for and has not been done: run twice it does
nothing more, run late it catches up, with one reminder for all that were missed. While a question to
the officer is open the clock of a request stands still. Days are those of the United Kingdom.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.core.deadlines import Deadlines, uk_day
from gateway.core.limits import REQUESTS_AT_A_TIME
from gateway.core.notice_item import Draft
from gateway.core.request_item import Stored
from gateway.core.request_life import Event

_BY: Final = "gateway"
# More reminders than there can be lines.
_EVERY: Final = 1_000


class Requests(Protocol):
    """Finds requests by their day, and leads many a step further in one commit.

    `without_pack` finds escalated ones whose evidence is not kept yet. `many` passes over those to
    which the event can no longer happen, and counts the others.
    """

    def to_remind(self, day: dt.date, days: int, reminded: int, limit: int) -> list[Stored]: ...
    def past_due(self, day: dt.date, limit: int) -> list[Stored]: ...
    def overdue(self, due: dt.date, reminded: int, limit: int) -> list[Stored]: ...
    def without_pack(self, limit: int) -> list[Stored]: ...
    async def many(
        self,
        steps: Iterable[tuple[str, Event, Draft | None]],
        by: str,
        day: dt.date,
        reminded: int | None = None,
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class Clockwork:
    """What time is made to work on; built once by `gateway.wiring`.

    `word` makes a notice of a kind and a purpose for a request, and `pack` keeps the evidence of one
    that is escalated.
    """

    requests: Requests
    deadlines: Deadlines
    word: Callable[[Stored, str, str], Draft]
    pack: Callable[[str], Awaitable[None]]


async def remind(work: Clockwork, now: dt.datetime) -> int:
    """Remind of what is due soon, once for each line of the table; how many were reminded."""
    day = uk_day(now)
    before = sorted(work.deadlines.days("REMIND_BEFORE", day), reverse=True)
    count = 0
    # The nearest day first: who was to be reminded twice by now is reminded once.
    for line, days in reversed(list(enumerate(before, start=1))):
        while found := work.requests.to_remind(day, days, line, REQUESTS_AT_A_TIME):
            done = await _each(work, found, Event.REMINDED, "reminder", day, line)
            count += done
            if not done:
                break  # what is left moved on meanwhile, or cannot
    return count


async def lapse(work: Clockwork, now: dt.datetime) -> int:
    """Find what was not answered by its day, and say so once; how many requests that were."""
    day = uk_day(now)
    first = len(work.deadlines.days("REMIND_BEFORE", day)) + 1
    count = 0
    # The longest overdue first, under the last line they have come to: it is said once for all.
    for line, days in _after(work, day, first):
        while found := work.requests.past_due(_due(day, days, first, line), REQUESTS_AT_A_TIME):
            done = await _each(work, found, Event.LAPSED, "overdue", day, line)
            count += done
            if not done:
                break  # what is left moved on meanwhile, or cannot
    return count


async def chase(work: Clockwork, now: dt.datetime) -> int:
    """Say again that an answer is overdue, for each further line of the table; how often."""
    day = uk_day(now)
    first = len(work.deadlines.days("REMIND_BEFORE", day)) + 1
    count = 0
    for line, days in _after(work, day, first)[:-1]:
        due = day - dt.timedelta(days=days)
        while found := work.requests.overdue(due, line, REQUESTS_AT_A_TIME):
            done = await _each(work, found, Event.REMINDED, "overdue", day, line)
            count += done
            if not done:
                break  # what is left moved on meanwhile, or cannot
    return count


def _after(work: Clockwork, day: dt.date, first: int) -> list[tuple[int, int]]:
    """The lines after the due day, with their days, the last line first."""
    return list(enumerate(sorted(work.deadlines.days("REMIND_AFTER", day)), start=first))[::-1]


def _due(day: dt.date, days: int, first: int, line: int) -> dt.date:
    """The day before which a request was due that has come to a line; to the first, at once."""
    return day if line == first else day - dt.timedelta(days=days - 1)


async def escalate(work: Clockwork, now: dt.datetime) -> int:
    """Hand to an officer what has been overdue too long, with its evidence; how many that were."""
    day = uk_day(now)
    (days,) = work.deadlines.days("ESCALATE_AFTER", day)
    due = day - dt.timedelta(days=days)
    count = 0
    while found := work.requests.overdue(due, _EVERY, REQUESTS_AT_A_TIME):
        done = await _each(work, found, Event.ESCALATED, "escalation", day, None)
        count += done
        if not done:
            break  # what is left moved on meanwhile, or cannot
    # Also of those whose process was killed before it came to them.
    faults: list[Exception] = []
    for each in work.requests.without_pack(REQUESTS_AT_A_TIME):
        try:
            await work.pack(each.id)
        except Exception as fault:  # noqa: BLE001 - one must not keep the others from theirs
            faults.append(fault)
    if faults:
        raise faults[0]
    return count


async def _each(
    work: Clockwork,
    found: list[Stored],
    event: Event,
    kind: str,
    day: dt.date,
    line: int | None,
) -> int:
    """One step of each, with its notice; `line` is that of the reminders that are then sent."""
    steps = [(each.id, event, work.word(each, kind, "reminders")) for each in found]
    return await work.requests.many(steps, _BY, day, line)
