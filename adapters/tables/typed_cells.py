"""The sheets of a workbook of records, and their cells as the texts that say the same in a CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

from adapters.syntax.workbook import Sheet, Workbook
from adapters.tables.row import RowReader
from adapters.tables.shape import Kind, Leaf
from adapters.tables.template import Template, template
from gateway.core import rules
from gateway.core.limits import CELL_CHARS, SHEET_ROWS
from gateway.core.record import RowError
from gateway.core.records import RECORD_TYPES
from gateway.core.rules import Rule

# Digits that a spreadsheet's number holds exactly.
_EXACT: Final = 10**15
# Texts that hold digits with a nought in front, of which a number has lost it.
_NUMBERED_TEXTS: Final = ("phones",)


class Read(NamedTuple):
    """A sheet that is read: as what, and what is added to the numbers of its rows."""

    sheet: Sheet
    template: Template
    offset: int


def type_named(sheet: Sheet) -> str:
    """The name of a sheet as a record type would be written; it may be none."""
    return "_".join(sheet.name.strip().lower().replace("-", " ").split())


def sheets_read(book: Workbook) -> Iterator[Read]:
    """Those sheets that are named by a record type and can be seen."""
    found = 0
    for sheet in book.sheets:
        name = type_named(sheet)
        if name in RECORD_TYPES and sheet.visible:
            yield Read(sheet, template(name), found * SHEET_ROWS)
            found += 1


class Texts:
    """The rows of a sheet as texts, each cell as its column's kind would have it written."""

    def __init__(
        self, book: Workbook, sheet: Sheet, one: Template, header: tuple[str, ...]
    ) -> None:
        self._book, self._sheet = book, sheet
        self._header = header
        self._columns = [one.by_name[name] for name in header]
        self._leaves = [column.leaf for column in self._columns]
        self._bare = [bool(set(column.path) & set(_NUMBERED_TEXTS)) for column in self._columns]

    def plain(self) -> Iterator[list[str]]:
        """Every row as texts, for what a whole column says; cells that cannot be are empty."""
        for row in self.raw():
            yield [value if isinstance(value, str) else "" for value in row]

    def numbered(self, reader: RowReader) -> Iterator[tuple[int, list[str], list[RowError]]]:
        """Each row with its number, its cells as texts, and what is wrong with those that are none."""
        errors = self._sheet.errors
        width = len(self._header)
        failed = {row for row, _ in errors}
        for number, row in enumerate(self.raw(), start=2):
            faults: list[tuple[Rule, str]] = []
            if number - 1 in failed:
                faults += [
                    (rules.FORMULA_ERROR, self._header[place])
                    for place in range(width)
                    if (number - 1, place) in errors
                ]
            cells: list[str] = []
            for place, value in enumerate(row[:width]):
                if isinstance(value, str):
                    cells.append(value)
                    if len(value) > CELL_CHARS:
                        faults.append((rules.TEXT_NOT_VALID, self._header[place]))
                    continue
                try:
                    cells.append(_text_of(value, self._leaves[place], bare=self._bare[place]))
                except _UnreadableError as error:
                    faults.append((error.rule, self._header[place]))
                    cells.append("")
            cells += [""] * (width - len(cells))
            if any(value != "" for value in row[width:]):
                faults.append((rules.RAGGED_ROW, "row"))
            key = reader.key_of(cells) if faults else None
            yield number, cells, [rule.broken(number, field, key) for rule, field in faults]

    def cell(self, place: int, value: Any) -> str | None:
        """A cell as text, or nothing where its column cannot hold what it is."""
        if isinstance(value, str):
            return value
        if place >= len(self._leaves):
            return None
        try:
            return _text_of(value, self._leaves[place], bare=self._bare[place])
        except _UnreadableError:
            return None

    def raw(self) -> Iterator[list[Any]]:
        """Every row after the header, as it is."""
        rows = self._book.rows(self._sheet)
        next(rows, None)
        return rows


class _UnreadableError(ValueError):
    """A typed cell that its column cannot hold."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.code)
        self.rule = rule


def _text_of(value: Any, leaf: Leaf, *, bare: bool) -> str:
    """A typed cell as the text that says the same in a CSV; raises _UnreadableError."""
    kind = leaf.kind
    if isinstance(value, bool):
        if kind is Kind.YES_NO:
            return "yes" if value else "no"
        raise _UnreadableError(_wrong_for(leaf))
    if isinstance(value, dt.datetime):
        if kind is Kind.DATE and value.time() == dt.time():
            return value.date().isoformat()
        raise _UnreadableError(_wrong_for(leaf))
    if isinstance(value, dt.date):
        if kind is Kind.DATE:
            return value.isoformat()
        raise _UnreadableError(_wrong_for(leaf))
    if isinstance(value, int | float):
        return _number_text(value, leaf, bare=bare)
    raise _UnreadableError(_wrong_for(leaf))


def _number_text(value: float, leaf: Leaf, *, bare: bool) -> str:
    """A number; the shortest decimal that is this number is what the spreadsheet shows and saved."""
    number = Decimal(repr(value))
    if not number.is_finite() or abs(number) >= _EXACT:
        raise _UnreadableError(_wrong_for(leaf))
    whole = number == number.to_integral_value()
    if leaf.kind is Kind.MONEY:
        places = -int(number.normalize().as_tuple().exponent)
        if places <= 2:
            return f"{number:.2f}"
    elif leaf.kind is Kind.IDENTIFIER:
        digits = None if leaf.identifier is None else leaf.identifier.digits
        if whole and digits is not None and number >= 0 and len(f"{number:.0f}") <= digits:
            if len(f"{number:.0f}") < digits:
                raise _UnreadableError(rules.LEADING_ZEROS_LOST)
            return f"{number:.0f}"
    elif leaf.kind is Kind.TEXT:
        if bare:
            raise _UnreadableError(rules.LEADING_ZEROS_LOST)
        return f"{number:.0f}" if whole else format(number.normalize(), "f")
    elif whole and leaf.kind in {Kind.COUNT, Kind.YES_NO, Kind.DATE}:
        return f"{number:.0f}"
    raise _UnreadableError(_wrong_for(leaf))


def _wrong_for(leaf: Leaf) -> Rule:
    """What to say of a cell whose type is not one of its column's."""
    if leaf.kind is Kind.MONEY:
        return rules.SIGNED_MONEY_NOT_VALID if leaf.low < 0 else rules.MONEY_NOT_VALID
    return _WRONG[leaf.kind]


_WRONG: Final = {
    Kind.TEXT: rules.TYPED_CELL,
    Kind.CODE: rules.CODE_NOT_KNOWN,
    Kind.DATE: rules.DATE_NOT_VALID,
    Kind.COUNT: rules.NUMBER_NOT_VALID,
    Kind.YES_NO: rules.YES_NO_NOT_VALID,
    Kind.IDENTIFIER: rules.TYPED_CELL,
}
