"""Any record as an XLSX workbook: one sheet for each record type, named by the type.

A sheet that is hidden, or has another name, is not read and a note says so; hidden rows are read,
since a filter hides rows that are meant. Rows of the first sheet that is read are numbered as the
spreadsheet numbers them. Those of the next have 10,000,000 added, of the third 20,000,000, and so
on: a record's number is its own within the submission. An error names `sheet!column`, and its
message the row within the sheet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec import structs

from adapters.syntax.workbook import Sheet, Workbook, is_workbook
from adapters.tables.choosing import checked
from adapters.tables.records_csv import judged
from adapters.tables.row import RowReader
from adapters.tables.shape import Kind, Leaf
from adapters.tables.template import RECORD_TYPE, Template, header_names, template
from gateway.core import rules
from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.limits import CELL_CHARS, MIB, SHEET_ROWS
from gateway.core.record import Item, Note, RowError
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule

# Digits that a spreadsheet's number holds exactly.
_EXACT: Final = 10**15
# Sheets of a workbook that say they are for reading, not for being read; a template has one.
READ_ME: Final = "Read me"
# Texts that hold digits with a nought in front, of which a number has lost it.
_NUMBERED_TEXTS: Final = ("phones",)


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Read a workbook; raises Refused for what spoils the whole file."""
    book = Workbook(body)
    found = 0
    for sheet in book.sheets:
        name = "_".join(sheet.name.strip().lower().replace("-", " ").split())
        if name not in RECORD_TYPES or not sheet.visible:
            if sheet.name != READ_ME:
                yield _ignored(name)
            continue
        yield from _sheet(book, sheet, template(name), found * SHEET_ROWS)
        found += 1
    if not found:
        raise Refused(
            Reason.WORKBOOK_NOT_VALID, "The workbook: none of its sheets is named by a record type."
        )


def _ignored(name: str) -> Note:
    """That a sheet was not read; its name is told only if it is one of ours."""
    if name in RECORD_TYPES:
        words = f"The sheet {name} is hidden and was not read."
    else:
        words = "A sheet that is not named by a record type was not read."
    return Note(code="SHEET_IGNORED", message=words)


def _sheet(book: Workbook, sheet: Sheet, one: Template, offset: int) -> Iterator[Item]:
    first = next(book.rows(sheet), [])
    header = header_names(first)
    if len(set(header)) != len(header):
        raise Refused(
            Reason.WORKBOOK_NOT_VALID, f"Sheet {one.name}, row 1: the header names a column twice."
        )
    try:
        # The sheet's name says what the column record_type would say.
        checked(one, (*header, *({RECORD_TYPE} - set(header))), f"Sheet {one.name}, row 1")
    except Refused as refused:
        raise Refused(Reason.WORKBOOK_NOT_VALID, refused.detail) from None
    texts = _Texts(book, sheet, one, header)
    reader = RowReader(one, header, texts.plain)
    for number, cells, wrong in texts.numbered(reader):
        items = wrong or judged(reader, iter(((number, cells),)))
        for item in items:
            yield _placed(item, one.name, offset)
    for note in reader.notes():
        yield _placed(note, one.name, offset)


def _placed(item: Item, sheet: str, offset: int) -> Item:
    """An item of a sheet as it stands in the whole workbook."""
    if isinstance(item, RowError):
        return RowError(
            row=item.row + offset,
            key=item.key,
            field=f"{sheet}!{item.field}",
            code=item.code,
            message=f"Row {item.row} of sheet {sheet}: {item.message}" if offset else item.message,
            fix=item.fix,
        )
    if isinstance(item, Note):
        return Note(code=item.code, message=f"Sheet {sheet}: {item.message}")
    return structs.replace(item, row=item.row + offset) if offset else item


class _Texts:
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
        for row in self._rows():
            yield [value if isinstance(value, str) else "" for value in row]

    def numbered(self, reader: RowReader) -> Iterator[tuple[int, list[str], list[RowError]]]:
        """Each row with its number, its cells as texts, and what is wrong with those that are none."""
        errors = self._sheet.errors
        width = len(self._header)
        failed = {row for row, _ in errors}
        for number, row in enumerate(self._rows(), start=2):
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

    def _rows(self) -> Iterator[list[Any]]:
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


RECORDS_XLSX: Final = Adapter(
    name="records.xlsx.v1",
    title="Any record, as a workbook with a sheet for each record type",
    media_types=("application/vnd.cms-gateway.records+xlsx",),
    general_media_types=("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    provider_classes=EVERY_CLASS,
    record_types=frozenset(RECORD_TYPES),
    partial=True,
    limit_bytes=64 * MIB,
    read=read,
    recognises=is_workbook,
)
