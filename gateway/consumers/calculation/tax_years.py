"""Tax years, which end on 5 April, and how long a period of pay is."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

MONTHS: Final = 12
_YEARS: Final = re.compile(r"([1-9]\d{3})-(\d\d)", re.ASCII)
_WEEKS: Final = {"weekly": 1, "fortnightly": 2, "four_weekly": 4}
_MONTHS: Final = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "annual": 12}


def is_tax_year(text: str) -> bool:
    """Whether a text is a tax year such as 2025-26, of which the calendar has the last day.

    What is not cannot be counted to any.
    """
    years = _YEARS.fullmatch(text)
    if years is None or int(years[1]) >= dt.MAXYEAR:
        return False
    return (int(years[1]) + 1) % 100 == int(years[2])


def last_day(tax_year: str) -> dt.date:
    """The last day of a tax year such as 2025-26."""
    return dt.date(int(tax_year[:4]) + 1, 4, 5)


def first_day(tax_year: str) -> dt.date:
    """The first day of a tax year such as 2025-26."""
    return dt.date(int(tax_year[:4]), 4, 6)


def tax_year_of(day: dt.date) -> str:
    """The tax year in which a day is, such as 2025-26."""
    start = day.year if day >= dt.date(day.year, 4, 6) else day.year - 1
    return f"{start}-{(start + 1) % 100:02d}"


def ended_before(tax_year: str, day: dt.date, most: int) -> bool:
    """Whether a tax year is one of the `most` that ended before a day."""
    return dt.date(day.year - most, day.month, min(day.day, 28)) <= last_day(tax_year) < day


def twelfths_of_days(frequency: str | None, times: int, year: int, week: int) -> int | None:
    """How long `times` periods are, in twelfths of a day; None where the frequency does not say.

    A month is a twelfth of a year, so that twelve of them make one.
    """
    if frequency in _WEEKS:
        return _WEEKS[frequency] * week * MONTHS * times
    if frequency in _MONTHS:
        return _MONTHS[frequency] * year * times
    return None
