"""How a file writes its dates and amounts, told from whole columns, and only when a cell asks.

A file of plain dates and amounts never pays for this. When a reader meets the first cell with two
readings, the file is gone through once more for what all its cells say.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from adapters.syntax import spelling
from adapters.syntax.spelling import AmbiguousError, Marks, Order, day_evidence, marks_evidence
from gateway.core.record import Note

Rows = Callable[[], Iterable[Sequence[str]]]


class Spelt(enum.Enum):
    """What is spelt in more than one way."""

    DATE = "date"
    MONEY = "amount"


_DATES: Final = {
    Order.DAY: "dates such as 01/02/2026 were read with the day first, as 1 February 2026",
    Order.MONTH: "dates such as 01/02/2026 were read with the month first, as 2 January 2026",
}
_MONEY: Final = {
    Marks.POINT: "amounts such as 1,234 were read as one thousand two hundred and thirty-four pounds",
    Marks.COMMA: "amounts such as 1.234 were read as one thousand two hundred and thirty-four pounds",
}


class Conventions:
    """What the columns of one file say; `kinds` are names and kinds of such columns, by place."""

    def __init__(self, rows: Rows, kinds: Mapping[int, tuple[str, Spelt]]) -> None:
        self._rows = rows
        self._kinds = dict(kinds)
        self._found: dict[int, int] | None = None
        self._used: set[int] = set()

    def day(self, text: str, place: int) -> dt.date:
        """A date in a column; the others of the column are asked where it has two readings.

        Raises NotReadError and AmbiguousError (`adapters.syntax.spelling`).
        """
        try:
            return spelling.day(text, Order(0))
        except AmbiguousError:
            found = spelling.day(text, self._order(place))
        self._used.add(place)
        return found

    def pence(self, text: str, place: int) -> int:
        """Integer pence of an amount in a column, likewise."""
        try:
            return spelling.pence(text, Marks(0))
        except AmbiguousError:
            found = spelling.pence(text, self._marks(place))
        self._used.add(place)
        return found

    def _order(self, place: int) -> Order:
        """Which comes first in the dates of a column; neither, or both, where that is not known."""
        return Order(self._evidence().get(place, 0))

    def _marks(self, place: int) -> Marks:
        """Which mark stands before the pence of a column; neither, or both, likewise."""
        return Marks(self._evidence().get(place, 0))

    def notes(self) -> Iterator[Note]:
        """What was assumed: a note for each column, with an example that is not from the file."""
        for place in sorted(self._used):
            name, kind = self._kinds[place]
            if kind is Spelt.DATE:
                words = _DATES[self._order(place)]
                yield Note(code="DATES_READ_AS", message=f"Column {name}: {words}.")
            else:
                words = _MONEY[self._marks(place)]
                yield Note(code="MONEY_READ_AS", message=f"Column {name}: {words}.")

    def _evidence(self) -> dict[int, int]:
        if self._found is None:
            found = dict.fromkeys(self._kinds, 0)
            asks = [
                (place, day_evidence if kind is Spelt.DATE else marks_evidence)
                for place, (_, kind) in self._kinds.items()
            ]
            for cells in self._rows():
                width = len(cells)
                for place, ask in asks:
                    if place < width and cells[place]:
                        found[place] |= ask(cells[place])
            self._found = found
        return self._found
