"""The pay-days of an earnings order: when a deduction is expected, of how much, and which one a row is.

The employer selects the normal deduction rate that fits the pay period (SI 1992/1989 regs 8(1) and
10); a row of another frequency than the order's is measured by the rate of its own.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from gateway.consumers.enforcement.book import EarningsOrder, Frequency
from gateway.consumers.enforcement.days import ONE, days_after, months_after
from gateway.consumers.enforcement.told import DeductionRow

_DAYS: Final[dict[Frequency, int]] = {"weekly": 7, "fortnightly": 14, "four_weekly": 28}
_KNOWN: Final[tuple[Frequency, ...]] = (*_DAYS, "monthly")
# What is longer is no period of pay, and answers no more than the one pay-day that it names.
_PERIOD_MOST: Final = dt.timedelta(days=366)


class Place(msgspec.Struct, frozen=True):
    """Where a row belongs: the pay-days of the order that it answers, and by which rate."""

    numbers: tuple[int, ...]
    frequency: Frequency
    day: dt.date


def pay_day(order: EarningsOrder, number: int) -> dt.date:
    """The pay-day of an order with a number; the first is 0."""
    if order.frequency == "monthly":
        return months_after(order.first_pay_day, number)
    return days_after(order.first_pay_day, number * _DAYS[order.frequency])


def number_of(order: EarningsOrder, day: dt.date) -> int:
    """The number of the pay-day that a day belongs to: of the same month, or else the nearest."""
    first = order.first_pay_day
    if order.frequency == "monthly":
        return (day.year - first.year) * 12 + day.month - first.month
    every = _DAYS[order.frequency]
    return ((day - first).days + every // 2) // every


def first_from(order: EarningsOrder, since: dt.date | None) -> int:
    """The number of the first pay-day of an order that is not before a day."""
    if since is None or since <= order.first_pay_day:
        return 0
    number = number_of(order, since)
    return number if pay_day(order, number) >= since else number + 1


def rate_on(order: EarningsOrder, frequency: Frequency, day: dt.date) -> int:
    """The normal deduction rate of a frequency on a day, in pence."""
    held = [normal for normal in order.normal if normal.since <= day]
    return (held or list(order.normal[:1]))[-1].rate(frequency)


def shown_day(row: DeductionRow) -> dt.date | None:
    """The pay-day that a row shows, or the day that stands for it; None where it shows none."""
    of_pay = None if row.pay is None else row.pay.pay_date
    of_period = None if row.pay is None else row.pay.period_end
    return of_pay or row.deduction.deducted_on or of_period or row.case.period_end


def place_of(row: DeductionRow, order: EarningsOrder) -> Place | None:
    """Where a row belongs by the pay-day or period that it shows; None where it shows neither."""
    shown = row.pay
    start = (shown.period_start if shown else None) or row.case.period_start
    end = (shown.period_end if shown else None) or row.case.period_end
    day = shown_day(row)
    if day is None:
        return None
    frequency = _frequency(shown.frequency if shown else None, start, end, order.frequency)
    number = number_of(order, day)
    if (
        frequency != order.frequency
        and start is not None
        and end is not None
        and end - start < _PERIOD_MOST
    ):
        around = range(number_of(order, start) - 1, number_of(order, end) + 2)
        covered = tuple(n for n in around if start <= pay_day(order, n) <= end)
        return Place(covered or (number,), frequency, day)
    return Place((number,), frequency, day)


def _frequency(
    said: str | None, start: dt.date | None, end: dt.date | None, usual: Frequency
) -> Frequency:
    """How often is paid: as the row says, or as long as its period is, or as the order has it."""
    for known in _KNOWN:
        if said == known:
            return known
    if start is None or end is None:
        return usual
    length = (end - start).days + 1
    if length == _DAYS["four_weekly"] and months_after(start, 1) - ONE == end:
        # Four weeks that are also a February.
        return usual if usual == "four_weekly" else "monthly"
    for name, days in _DAYS.items():
        if length == days:
            return name
    return "monthly" if length > _DAYS["four_weekly"] else usual
