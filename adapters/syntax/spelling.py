"""Dates and amounts as people and programs write them, where only one reading is possible.

    2026-01-31  2026/01/31  20260131  31/01/2026  31.01.2026  31-Jan-2026  31 January 2026
    1234.50  £1,234.50  1.234,50  1 234,50  GBP 12.00  (1,234.50)  -5

A cell that has two readings, such as 01/02/2026 or 1,234, is read only by what the rest of its
column says: `day_evidence` and `marks_evidence` tell what one cell says of the others. A date may
have midnight behind it, as spreadsheets write it. Nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from typing import Final

from adapters.syntax.values import day_of, pence_of

# A date without separators is told from any other eight digits by its year.
_YEARS: Final = range(1850, 2151)
_MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:\.0{1,6})?)?)?"
_YEAR_FIRST: Final = re.compile(
    r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})" + _MIDNIGHT, re.ASCII
)
_COMPACT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})" + _MIDNIGHT, re.ASCII)
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})" + _MIDNIGHT, re.ASCII)
_WORDED: Final = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -]([0-9]{4})" + _MIDNIGHT, re.ASCII
)
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august",
                  "september", "october", "november", "december")  # fmt: skip
_MONTH: Final = {
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, start=1)},
    "sept": 9,
}

POUND_DIGITS: Final = 11  # ten billion pounds, beyond which a record holds none
_SPACES: Final = str.maketrans("\u00a0\u2009\u202f", "   ")
_SIGNED: Final = re.compile(
    r"(?P<open>\()?(?P<sign>[-+\u2212])?(?P<unit>£|GBP)? ?(?P<inner>[-+\u2212])?"
    r"(?P<amount>[0-9][0-9., ]{0,30}?)(?: ?(?P<after>£|GBP))?(?P<close>\))?",
    re.IGNORECASE,
)
_POINT: Final = re.compile(
    r"([1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)(?:\.([0-9]{1,2}))?",
    re.ASCII,
)
_COMMA: Final = re.compile(
    r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)(?:,([0-9]{1,2}))?",
    re.ASCII,
)
# One mark and three digits behind it: thousands to one reader, thousandths to another.
_TWOFOLD: Final = re.compile(r"[0-9]{1,3}[.,][0-9]{3}", re.ASCII)


class Order(enum.IntFlag):
    """Which comes first in a date with the year last; both, where a column contradicts itself."""

    DAY = 1
    MONTH = 2


class Marks(enum.IntFlag):
    """Which mark stands before the pence; both, where a column contradicts itself."""

    POINT = 1
    COMMA = 2


class NotReadError(ValueError):
    """The text is not a date, or not an amount."""


class AmbiguousError(ValueError):
    """The text has two readings, and nothing says which."""


def day(text: str, order: Order) -> dt.date:
    """A date; `order` is what the column says. Raises NotReadError and AmbiguousError."""
    plain = day_of(text)
    if plain is not None:
        return plain
    match = _YEAR_LAST.fullmatch(text)
    if match is None:
        return _told_day(text)
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    if first <= 12 and second <= 12 and first != second:
        if order == Order.DAY:
            return _date(year, second, first)
        if order == Order.MONTH:
            return _date(year, first, second)
        raise AmbiguousError
    if first > 12:
        return _date(year, second, first)
    return _date(year, first, second)


def day_evidence(text: str) -> Order:
    """What one cell says about the others of its column; neither flag where it says nothing."""
    match = _YEAR_LAST.fullmatch(text.strip())
    if match is None:
        return Order(0)
    first, second = int(match[1]), int(match[3])
    if 12 < first <= 31 and second <= 12:
        return Order.DAY
    if 12 < second <= 31 and first <= 12:
        return Order.MONTH
    return Order(0)


def _told_day(text: str) -> dt.date:
    """A date that says itself which part is which."""
    match = _YEAR_FIRST.fullmatch(text)
    if match is not None:
        return _date(int(match[1]), int(match[3]), int(match[4]))
    match = _COMPACT.fullmatch(text)
    if match is not None and int(match[1]) in _YEARS:
        return _date(int(match[1]), int(match[2]), int(match[3]))
    match = _WORDED.fullmatch(text)
    month = None if match is None else _MONTH.get(match[2].lower())
    if match is None or month is None:
        raise NotReadError
    return _date(int(match[3]), month, int(match[1]))


def _date(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise NotReadError from None


def pence(text: str, marks: Marks) -> int:
    """Integer pence, below nought where it is signed so; `marks` is what the column says.

    Raises NotReadError and AmbiguousError.
    """
    plain = pence_of(text, POUND_DIGITS)
    if plain is not None:
        return plain
    negative, amount = _unsigned(text)
    if _TWOFOLD.fullmatch(amount):
        if marks not in {Marks.POINT, Marks.COMMA}:
            raise AmbiguousError
        found = _amount(_POINT if marks == Marks.POINT else _COMMA, amount)
    else:
        found = _amount(_POINT, amount)
        if found is None:
            found = _amount(_COMMA, amount)
    if found is None:
        raise NotReadError
    return -found if negative else found


def marks_evidence(text: str) -> Marks:
    """What one cell says about the others of its column; neither flag where it says nothing."""
    try:
        _, amount = _unsigned(text)
    except NotReadError:
        return Marks(0)
    if _TWOFOLD.fullmatch(amount):
        return Marks(0)
    by_point, by_comma = _amount(_POINT, amount), _amount(_COMMA, amount)
    if by_point is None:
        return Marks(0) if by_comma is None else Marks.COMMA
    return Marks.POINT if by_comma is None else Marks(0)


def _unsigned(text: str) -> tuple[bool, str]:
    """Whether an amount is below nought, and its digits and marks."""
    match = _SIGNED.fullmatch(text.translate(_SPACES).strip())
    if match is None:
        raise NotReadError
    opened, closed = match["open"] is not None, match["close"] is not None
    signs = [sign for sign in (match["sign"], match["inner"]) if sign]
    units = [unit for unit in (match["unit"], match["after"]) if unit]
    if opened != closed or len(signs) + opened > 1 or len(units) > 1:
        raise NotReadError
    return opened or bool(signs and signs[0] != "+"), match["amount"]


def _amount(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.fullmatch(text)
    if match is None:
        return None
    pounds = "".join(filter(str.isdigit, match[1]))
    if len(pounds) > POUND_DIGITS:
        return None
    return int(pounds) * 100 + int((match[2] or "").ljust(2, "0"))
