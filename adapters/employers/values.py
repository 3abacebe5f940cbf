"""Cells to values: pence, dates and texts, each by a function that gives None for what it is not."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Final, TypeVar

V = TypeVar("V")

TEXT_CHARS: Final = 140
_POUND_DIGITS: Final = 9  # up to 999,999,999.99 pounds for a row
_TOTAL_DIGITS: Final = 13  # and ten thousand times as much for a file; still exact in JSON
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Controls, line and paragraph separators, marks that turn the direction of what follows, and halves
# of characters. Other unprintable characters, such as a space that does not break, are let pass.
_NOT_TEXT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Enough for the names and reasons of a large file; few enough to cost less than a megabyte.
_MEMO_TEXTS: Final = 4_096


class Memo(dict[str, V]):
    """Values of texts that come again and again, each read once; keeps a bounded number."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str], V]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> V:
        value = self._read(text)
        if len(self) < _MEMO_TEXTS:
            self[text] = value
        return value


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


def text_of(text: str) -> str | None:
    """A text on one line, trimmed; empty where there is nothing but space."""
    trimmed = text.strip()
    if len(trimmed) <= TEXT_CHARS and (trimmed.isprintable() or not _NOT_TEXT.search(trimmed)):
        return trimmed
    return None
