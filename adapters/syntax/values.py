"""Cells to values: pence, dates and texts, each by a function that says what it is not."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from adapters.syntax.one_line import NOT_TEXT

TEXT_CHARS: Final = 140
_POUND_DIGITS: Final = 9  # up to 999,999,999.99 pounds for a row
_TOTAL_DIGITS: Final = 13  # and ten thousand times as much for a file; still exact in JSON
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def pence_of(text: str, pound_digits: int = _POUND_DIGITS) -> int | None:
    """Integer pence of pounds with none or two digits of pence, such as `1234.50`."""
    # Tests rather than a pattern, because two or three amounts are read for every row.
    if text[-3:-2] == ".":
        digits = text.replace(".", "", 1)
        if 3 <= len(digits) <= pound_digits + 2 and digits.isascii() and digits.isdigit():
            return int(digits)
    elif 1 <= len(text) <= pound_digits and text.isascii() and text.isdigit():
        return int(text) * 100
    return None


def total_pence_of(text: str) -> int | None:
    """As `pence_of`, for the sum of a whole file."""
    return pence_of(text, _TOTAL_DIGITS)


def day_of(text: str) -> dt.date | None:
    """A date written YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def are_texts(*texts: str) -> bool:
    """Whether each is a text on one line; they are trimmed."""
    return all(len(text) <= TEXT_CHARS and not NOT_TEXT.search(text) for text in texts)


def is_text(text: str, most_chars: int) -> bool:
    """Whether a trimmed text stands on one line and is not too long."""
    return len(text) <= most_chars and (text.isprintable() or not NOT_TEXT.search(text))
