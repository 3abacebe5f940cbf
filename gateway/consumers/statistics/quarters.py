"""Quarters of the calendar year, by which the department publishes."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

_ONE: Final = dt.timedelta(days=1)
QUARTERS_A_YEAR: Final = 4
MONTHS_A_QUARTER: Final = 3


class Span(msgspec.Struct, frozen=True):
    """Days from a first to a last, both in it."""

    first: dt.date
    last: dt.date

    def holds(self, day: dt.date | None) -> bool:
        """Whether a day is in it."""
        return day is not None and self.first <= day <= self.last


class Quarter(msgspec.Struct, frozen=True, order=True):
    """A quarter of a year; `number` is 1 for January to March."""

    year: int
    number: int

    @property
    def first(self) -> dt.date:
        """Its first day."""
        return dt.date(self.year, MONTHS_A_QUARTER * (self.number - 1) + 1, 1)

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.after(1).first - _ONE

    def days(self) -> Span:
        """Its days."""
        return Span(self.first, self.last)

    def twelve_months(self) -> Span:
        """The twelve months that end with it."""
        return Span(self.after(1 - QUARTERS_A_YEAR).first, self.last)

    def holds(self, day: dt.date | None) -> bool:
        """Whether a day is in it."""
        return self.days().holds(day)

    def after(self, count: int) -> Quarter:
        """The quarter so many later; earlier if below nought."""
        year, number = divmod(
            QUARTERS_A_YEAR * self.year + self.number - 1 + count, QUARTERS_A_YEAR
        )
        return Quarter(year, number + 1)

    def label(self) -> str:
        """Its name in a table, as in 2026-Q2."""
        return f"{self.year:04d}-Q{self.number}"


def quarter_of(day: dt.date) -> Quarter:
    """The quarter of a day."""
    return Quarter(day.year, (day.month - 1) // MONTHS_A_QUARTER + 1)


def last_year_to(today: dt.date) -> tuple[Quarter, ...]:
    """The four quarters that are over by a day, the oldest first: the last twelve whole months."""
    running = quarter_of(today)
    newest = running if running.last <= today else running.after(-1)
    return tuple(newest.after(back) for back in range(1 - QUARTERS_A_YEAR, 1))
