"""Dates and amounts of a payment schedule as people write them, made what `schedule` reads.

A cell is asked about only after it was turned down; a file of plain cells never comes here. What has
two readings is read by the other cells of its column, or not at all (`adapters.syntax.conventions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from adapters.syntax.conventions import Conventions, Rows, Spelt
from adapters.syntax.spelling import AmbiguousError, NotReadError
from adapters.syntax.values import day_of, pence_of
from gateway.core import rules
from gateway.core.record import Note
from gateway.core.rules import Rule

_SPELT: Final = {
    **dict.fromkeys(
        ("period_start", "period_end", "pay_date", "left_date", "payment_date"), Spelt.DATE
    ),
    **dict.fromkeys(("ndr_due", "amount_deducted", "net_earnings", "admin_charge"), Spelt.MONEY),
}
_AMBIGUOUS: Final = {
    rules.DATE_NOT_VALID: rules.DATE_AMBIGUOUS,
    rules.MONEY_NOT_VALID: rules.MONEY_AMBIGUOUS,
}


class Spelled:
    """How the columns of one file are written; without a header everything is as it stands."""

    def __init__(self, header: Sequence[str] = (), rows: Rows = tuple) -> None:
        self._places = {name: place for place, name in enumerate(header) if name in _SPELT}
        kinds = {place: (name, _SPELT[name]) for name, place in self._places.items()}
        self._conventions = Conventions(rows, kinds)

    def canonical(self, texts: Iterable[str], columns: Iterable[str]) -> tuple[str, ...]:
        """Trimmed cells with dates as 2026-10-31 and amounts as 1234.50; others are as they were."""
        return tuple(map(self._canonical, texts, columns))

    def _canonical(self, text: str, column: str) -> str:
        try:
            return self._read(text, column)
        except (NotReadError, AmbiguousError):
            return text

    def _read(self, text: str, column: str) -> str:
        place = self._places.get(column)
        if place is None or not text:
            return text
        if _SPELT[column] is Spelt.DATE:
            return text if day_of(text) else self._conventions.day(text, place).isoformat()
        if pence_of(text) is not None:
            return text
        pence = self._conventions.pence(text, place)
        if pence < 0:
            raise NotReadError  # what is deducted is never below nought
        return f"{pence // 100}.{pence % 100:02d}"

    def total(self, text: str) -> str:
        """The sum of a file, written as its amounts are."""
        return self._canonical(text, "amount_deducted")

    def rule(self, rule: Rule, text: str, column: str) -> Rule:
        """The rule that a cell breaks, now that it is known whether it has two readings."""
        if rule in _AMBIGUOUS:
            try:
                self._read(text, column)
            except AmbiguousError:
                return _AMBIGUOUS[rule]
            except NotReadError:
                pass
        return rule

    def notes(self) -> Iterator[Note]:
        """What was assumed of the columns, once all rows are read."""
        return self._conventions.notes()
