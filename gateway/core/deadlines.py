"""When something is due, and when a notice counts as given: all arithmetic of days, in one place.

How many days, from what, and by which law stands in `schemas/deadlines.toml`, each line dated and
cited; this module counts. Days are days in the United Kingdom: a notice sent at 23:30 UTC in July is
sent the next day in London. The day of an event is not counted. A working day is none of Saturday,
Sunday, Christmas Day, Good Friday or a bank holiday of the part of the UK concerned (SI 1992/1989
reg 25A).
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

import holidays
import msgspec

from gateway.core.duty_table import read_table

Nation = Literal["england_wales", "scotland", "northern_ireland"]
Form = Literal["post", "electronic"]
# R: recalled, not found in a public source; to be confirmed before go-live.
Confidence = Literal["V", "S", "R", "P"]

# Read once, when the module is: the offsets of UK time are as constant as the table of bank holidays.
LONDON: Final = ZoneInfo("Europe/London")

# England's calendar is Wales's.
_CALENDARS: Final[dict[Nation, str]] = {
    "england_wales": "ENG",
    "scotland": "SCT",
    "northern_ireland": "NIR",
}
# The years for which bank holidays are known, as proclaimed or by rule.
FIRST_YEAR: Final = 1993
LAST_YEAR: Final = 2100
# A count beyond this is a slip of the pen; it also bounds the walk over working days.
MOST_DAYS: Final = 3_660
# A hundred years: longer than anything about a child is kept.
MOST_MONTHS: Final = 1_200
_ONE: Final = dt.timedelta(days=1)


class DeadlineError(ValueError):
    """What was asked for cannot be counted; the message names the code or the day, and why."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="runs"):
    """A line of the table: where it stands, how sure we are, and from when until before when."""

    code: str
    title: str
    citation: str
    confidence: Confidence
    in_force: dt.date
    until: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether the line is in force on a day."""
        return self.in_force <= day and (self.until is None or day < self.until)

    def counts(self) -> tuple[int, ...]:
        """The numbers of days it names, in the order of the table; none where it names no number."""
        return ()

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:
        """The day it gives for an event on `start`."""
        raise NotImplementedError


class _Counted(Rule, frozen=True):
    """A line that counts days. `days` has several numbers where something happens several times."""

    days: tuple[int, ...]

    def counts(self) -> tuple[int, ...]:
        """The numbers of days."""
        return self.days

    def _one(self) -> int:
        if len(self.days) != 1:
            raise DeadlineError(
                f"{self.code} names {len(self.days)} days; ask for them with days()"
            )
        return self.days[0]


class CalendarDays(_Counted, frozen=True, tag="calendar_days"):
    """So many days after the event, of whatever kind."""

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:  # noqa: ARG002 - the same everywhere
        """The day; the nation does not matter."""
        return start + dt.timedelta(days=self._one())


class WorkingDays(_Counted, frozen=True, tag="working_days"):
    """So many working days after the event."""

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:
        """The day; it is a working day of the nation."""
        return add_working_days(start, self._one(), nation)


class DayOfMonth(Rule, frozen=True, tag="day_of_month"):
    """A day of the month that is so many months after the month of the event."""

    day: int
    months: int

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:  # noqa: ARG002 - the same everywhere
        """The day; the nation does not matter."""
        months = start.year * 12 + start.month - 1 + self.months
        return dt.date(months // 12, months % 12 + 1, self.day)


class Months(Rule, frozen=True, tag="months"):
    """So many months after the event, on the same day or the last that the month has."""

    months: int

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:  # noqa: ARG002 - the same everywhere
        """The day; the nation does not matter."""
        return months_after(start, self.months)

    def latest(self, day: dt.date) -> dt.date:
        """The last day of an event whose months have run out by a day."""
        found = months_after(day, -self.months)
        # A short month is reached from the last days of a longer one too.
        while months_after(found + _ONE, self.months) <= day:
            found += _ONE
        return found


class OnWorkingDay(Rule, frozen=True, tag="on_working_day"):
    """The day itself where it is a working day, else the next one."""

    def day_from(self, start: dt.date, nation: Nation) -> dt.date:
        """The day; it is a working day of the nation."""
        return working_day_on_or_after(start, nation)


class DeadlineTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file deadlines.toml."""

    version: str
    deadline: tuple[CalendarDays | WorkingDays | DayOfMonth | Months | OnWorkingDay, ...]


class Due(msgspec.Struct, frozen=True):
    """The day by which something is due, and the law or policy that says so."""

    day: dt.date
    code: str
    citation: str
    confidence: Confidence


class Served(msgspec.Struct, frozen=True):
    """When a notice counts as given: a UK day, and its last microsecond as an instant in UTC."""

    on: dt.date
    at: dt.datetime
    citation: str
    confidence: Confidence


class Deadlines:
    """The table of deadlines, checked; immutable.

    `text` is the content of deadlines.toml. Raises ValueError, naming the line, for a table that
    does not hold together: two lines of one code in force at once, or a count out of bounds.
    """

    def __init__(self, text: bytes) -> None:
        table = read_table("deadlines.toml", text, DeadlineTable)
        self.version: Final = table.version
        self._rules: dict[str, tuple[Rule, ...]] = {}
        for rule in table.deadline:
            _check(rule)
            before = self._rules.get(rule.code, ())
            if before and (before[-1].until is None or before[-1].until > rule.in_force):
                raise ValueError(f"deadlines.toml: two lines of {rule.code} are in force at once")
            self._rules[rule.code] = (*before, rule)

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the table."""
        return tuple(self._rules)

    def rule(self, code: str, on: dt.date) -> Rule:
        """The line of a code that is in force on a day; raises DeadlineError where there is none."""
        for rule in self._rules.get(code, ()):
            if rule.holds(on):
                return rule
        raise DeadlineError(f"{code} has no line in force on {on.isoformat()}")

    def due(self, code: str, start: dt.date, nation: Nation, on: dt.date | None = None) -> Due:
        """By when, for an event on `start`, by the law of the day `on`, else of the event.

        Raises DeadlineError: no such line, or one that names several days.
        """
        rule = self.rule(code, start if on is None else on)
        return Due(rule.day_from(start, nation), code, rule.citation, rule.confidence)

    def days(self, code: str, on: dt.date) -> tuple[int, ...]:
        """The numbers of days that a line names; raises DeadlineError where it names none."""
        found = self.rule(code, on).counts()
        if not found:
            raise DeadlineError(f"{code} names no number of days; ask for the day with due()")
        return found

    def run_out(self, code: str, on: dt.date) -> dt.date:
        """The last day of an event whose time has run out by a day; for lines that count months.

        Raises DeadlineError: no such line, or one that counts something else.
        """
        rule = self.rule(code, on)
        if not isinstance(rule, Months):
            raise DeadlineError(f"{code} does not count months")
        return rule.latest(on)

    def deemed(self, form: Form, sent: dt.datetime, *, order: bool, nation: Nation) -> Served:
        """When a notice sent at an instant counts as given; `order` for a copy of a deduction order.

        For a letter, `sent` is when it went into the post, not when it was asked for. Raises
        DeadlineError for an instant without a time zone, and before the first line in force.
        """
        start = uk_day(sent)
        code = f"SERVED_{'ORDER_' if order else ''}{form.upper()}"
        due = self.due(code, start, nation)
        return Served(due.day, end_of_uk_day(due.day), due.citation, due.confidence)


def _check(rule: Rule) -> None:
    counts = rule.counts()
    if isinstance(rule, _Counted) and not counts:
        raise ValueError(f"deadlines.toml: {rule.code} names no days")
    if not all(0 <= count <= MOST_DAYS for count in counts):
        raise ValueError(f"deadlines.toml: {rule.code} needs counts from 0 to {MOST_DAYS} days")
    # The 28th is the last day that every month has.
    if isinstance(rule, DayOfMonth) and not (1 <= rule.day <= 28 and 0 <= rule.months <= 120):
        raise ValueError(f"deadlines.toml: {rule.code} names no day that every month has")
    if isinstance(rule, Months) and not 1 <= rule.months <= MOST_MONTHS:
        raise ValueError(f"deadlines.toml: {rule.code} needs 1 to {MOST_MONTHS} months")
    if rule.until is not None and rule.until <= rule.in_force:
        raise ValueError(f"deadlines.toml: {rule.code} ends before it begins")


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (dt.date(year + month // 11, (month + 1) % 12 + 1, 1) - _ONE).day
    return dt.date(year, month + 1, min(day.day, last))


def uk_day(instant: dt.datetime) -> dt.date:
    """The day it is in the United Kingdom at an aware instant; else raises DeadlineError."""
    if instant.tzinfo is None:
        raise DeadlineError("an instant needs its time zone")
    return instant.astimezone(LONDON).date()


def end_of_uk_day(day: dt.date) -> dt.datetime:
    """The last microsecond of a day in the United Kingdom, as an instant in UTC."""
    midnight = dt.datetime.combine(day + _ONE, dt.time(), LONDON)
    return midnight.astimezone(dt.UTC) - dt.timedelta(microseconds=1)


@lru_cache(maxsize=512)
def _holidays(nation: Nation, year: int) -> frozenset[dt.date]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DeadlineError(f"working days are known from {FIRST_YEAR} to {LAST_YEAR}")
    known = holidays.country_holidays("GB", subdiv=_CALENDARS[nation], years=year, expand=False)
    return frozenset(known) | {dt.date(year, 12, 25)}


def is_working_day(day: dt.date, nation: Nation) -> bool:
    """Whether a day is a working day in a part of the UK (SI 1992/1989 reg 25A).

    Raises DeadlineError for a year whose bank holidays are not known.
    """
    closed = _holidays(nation, day.year)
    return day.isoweekday() <= 5 and day not in closed


def working_day_on_or_after(day: dt.date, nation: Nation) -> dt.date:
    """The day itself where it is a working day, else the next one."""
    while not is_working_day(day, nation):
        day += _ONE
    return day


def next_working_day(day: dt.date, nation: Nation) -> dt.date:
    """The first working day strictly after a day."""
    return working_day_on_or_after(day + _ONE, nation)


def add_working_days(day: dt.date, count: int, nation: Nation) -> dt.date:
    """The day `count` working days after a day; for 0, the day on or after.

    Raises DeadlineError for a count below 0 or above MOST_DAYS.
    """
    if not 0 <= count <= MOST_DAYS:
        raise DeadlineError(f"working days are counted from 0 to {MOST_DAYS}")
    if count == 0:
        return working_day_on_or_after(day, nation)
    for _ in range(count):
        day = next_working_day(day, nation)
    return day
