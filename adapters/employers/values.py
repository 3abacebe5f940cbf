"""Cells to values: dates, pence and texts; what is wrong is told by rule and column."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from gateway.core import rules
from gateway.core.records import RowError
from gateway.core.rules import Rule

# Up to 999,999,999.99 pounds.
_MONEY: Final = re.compile(r"([0-9]{1,9})(?:\.([0-9]{2}))?", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TEXT_CHARS: Final = 140


class Faults:
    """What is wrong with one row; the first is told, since the others often follow from it."""

    __slots__ = ("_row", "found")

    def __init__(self, row: int) -> None:
        self._row = row
        self.found: list[tuple[Rule, str]] = []

    def add(self, rule: Rule, field: str) -> None:
        """Note that a column breaks a rule."""
        self.found.append((rule, field))

    def first(self) -> RowError:
        """The row's error."""
        rule, field = self.found[0]
        return rule.broken(self._row, field)


def pence_of(text: str, field: str, faults: Faults | None) -> int | None:
    """Integer pence of pounds with none or two digits of pence, such as `1234.50`."""
    match = _MONEY.fullmatch(text) or _MONEY.fullmatch(text.strip())
    if match is None:
        if faults is not None:
            faults.add(rules.MONEY_NOT_VALID, field)
        return None
    return int(match[1]) * 100 + int(match[2] or 0)


def date_of(text: str, field: str, faults: Faults) -> dt.date | None:
    """A date written YYYY-MM-DD."""
    trimmed = text.strip()
    if not trimmed:
        faults.add(rules.VALUE_MISSING, field)
        return None
    try:
        if _DATE.fullmatch(trimmed):
            return dt.date.fromisoformat(trimmed)
    except ValueError:
        pass
    faults.add(rules.DATE_NOT_VALID, field)
    return None


def text_of(text: str, field: str, faults: Faults, *, needed: bool = False) -> str | None:
    """A text on one line, trimmed."""
    trimmed = text.strip()
    if not trimmed:
        if needed:
            faults.add(rules.VALUE_MISSING, field)
        return None
    if len(trimmed) > _TEXT_CHARS or not trimmed.isprintable():
        faults.add(rules.TEXT_NOT_VALID, field)
    return trimmed
