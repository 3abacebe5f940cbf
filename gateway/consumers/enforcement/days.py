"""Days: months later, the day of the month after, and working days of the three parts of the UK.

How many, and by which law, stands in `schemas/rates/enforcement.toml`; this counts. A working day is
none of Saturday, Sunday, Christmas Day, Good Friday or a bank holiday of the part concerned (SI
1992/1989 reg 25A).
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final

import holidays

from gateway.consumers.enforcement.book import Nation

ONE: Final = dt.timedelta(days=1)
# England's calendar is Wales's.
_CALENDARS: Final[dict[Nation, str]] = {
    "england_wales": "ENG",
    "scotland": "SCT",
    "northern_ireland": "NIR",
}


def days_after(day: dt.date, count: int) -> dt.date:
    """So many days later (earlier if below nought); the day itself is not counted.

    What is past the calendar is its last day, or its first.

    A day that was told may be any day: a slip of the pen must not stop the rest from being read.
    """
    try:
        return day + dt.timedelta(days=count)
    except OverflowError:
        return dt.date.max if count > 0 else dt.date.min


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later (earlier if below nought), or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year < dt.MINYEAR:
        return dt.date.min
    if (year, month) >= (dt.MAXYEAR, 11):
        return dt.date.max
    last = (dt.date(year + month // 11, (month + 1) % 12 + 1, 1) - ONE).day
    return dt.date(year, month + 1, min(day.day, last))


def in_month_after(day: dt.date, number: int) -> dt.date:
    """The day with that number in the month after the month of a day."""
    return months_after(day.replace(day=1), 1).replace(day=number)


def month_of(day: dt.date) -> str:
    """The month of a day, as in 2026-10."""
    return f"{day.year:04d}-{day.month:02d}"


@lru_cache(maxsize=512)
def _closed(nation: Nation, year: int) -> frozenset[dt.date]:
    known = holidays.country_holidays("GB", subdiv=_CALENDARS[nation], years=year, expand=False)
    return frozenset(known) | {dt.date(year, 12, 25)}


def is_working_day(day: dt.date, nation: Nation) -> bool:
    """Whether a day is a working day in a part of the UK."""
    return day.isoweekday() <= 5 and day not in _closed(nation, day.year)


def working_day_on_or_after(day: dt.date, nation: Nation) -> dt.date:
    """The day itself where it is a working day, else the next one."""
    while not is_working_day(day, nation):
        day += ONE
    return day
