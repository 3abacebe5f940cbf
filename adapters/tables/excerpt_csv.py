"""The refused rows of a table alone, under its own header.

Dates and amounts stand as the whole table lets them be read, since what is left of it may no longer
say which comes first, the day or the month. A cell that a spreadsheet would take for a formula gets
an apostrophe in front, which readers take off again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.syntax.csv_rows import csv_rows, named
from adapters.syntax.csv_table import Table
from adapters.tables.cells import FORMULA
from adapters.tables.choosing import chosen
from adapters.tables.row import RowReader
from adapters.tables.template import RECORD_TYPE, ROW_KEY, header_names
from adapters.tables.write_csv import as_text
from gateway.core.adapter import Body, Wrong
from gateway.core.mending import name_of


def excerpt(body: Body, wrong: Wrong) -> Iterator[bytes]:
    """The rows with these numbers; raises Refused."""
    table = Table(body)
    yield from csv_rows(_rows(table, wrong), table.separator)


def _rows(table: Table, wrong: Wrong) -> Iterator[list[str]]:
    header = header_names(table.header)
    reader = RowReader(chosen(header, told(table, header)), header, table.rows)
    place = reader.key_place
    yield list(header) if place is not None else [ROW_KEY, *header]
    for number, cells in enumerate(table.rows(), start=2):
        if number in wrong:
            plain = [plain_cell(reader, at, cell.strip()) for at, cell in enumerate(cells)]
            yield named(plain, place, neutral(name_of(wrong[number][0])), reader.width)


def plain_cell(reader: RowReader, place: int, cell: str) -> str:
    """A cell as it can be read without the others of its column."""
    value = reader.settled(place, cell)
    if value is None:
        return neutral(cell)
    return as_text(value, reader.template.by_name[reader.header[place]].leaf.kind)


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, and that is read back as it was."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def told(table: Table, header: Sequence[str]) -> str | None:
    """What the first row that is not blank has under record_type."""
    if RECORD_TYPE not in header:
        return None
    place = header.index(RECORD_TYPE)
    for cells in table.rows():
        if any(map(str.strip, cells)):
            return cells[place] if place < len(cells) else None
    return None
