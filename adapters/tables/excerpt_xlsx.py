"""The refused rows of a workbook alone: a sheet for each that has any, its wrong cells marked.

Values stand as typed cells where they can be read, dates and amounts as the whole sheet lets them be
read; whatever cannot stands as it was. A text is a text, whatever it begins with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet.worksheet import Worksheet

from adapters.syntax.workbook import Workbook
from adapters.tables.marking import mark_row
from adapters.tables.row import RowReader
from adapters.tables.shape import Kind
from adapters.tables.template import ROW_KEY, header_names
from adapters.tables.typed_cells import Read, Texts, sheets_read
from adapters.tables.write_xlsx import FORMATS, empty_book, packed, put
from gateway.core.adapter import Body, Wrong
from gateway.core.limits import SHEET_ROWS
from gateway.core.mending import name_of


def excerpt(body: Body, wrong: Wrong) -> Iterator[bytes]:
    """The rows with these numbers; raises Refused."""
    book = Workbook(body)
    made = empty_book()
    having = {number // SHEET_ROWS for number in wrong}
    for read in sheets_read(book):
        if read.offset // SHEET_ROWS in having:
            _fill(made.create_sheet(read.sheet.name), book, read, wrong)
    yield packed(made)


def _fill(sheet: Worksheet, book: Workbook, read: Read, wrong: Wrong) -> None:
    header = header_names(next(book.rows(read.sheet), []))
    texts = Texts(book, read.sheet, read.template, header)
    reader = RowReader(read.template, header, texts.plain)
    shown = header if reader.key_place is not None else (ROW_KEY, *header)
    place = shown.index(ROW_KEY)
    shift = len(shown) - len(header)
    for at, name in enumerate(shown, start=1):
        _put_text(sheet, 1, at, name)
    number = 1
    for row, cells in enumerate(texts.raw(), start=2):
        errors = wrong.get(row + read.offset)
        if errors is None:
            continue
        number += 1
        _put_row(sheet, number, shift, cells, texts, reader)
        _put_text(sheet, number, place + 1, name_of(errors[0]))
        mark_row(sheet, number, shown, errors)


def _put_row(
    sheet: Worksheet,
    number: int,
    shift: int,
    cells: Sequence[Any],
    texts: Texts,
    reader: RowReader,
) -> None:
    for at, value in enumerate(cells):
        if value == "":
            continue
        text = texts.cell(at, value)
        settled = None if text is None else reader.settled(at, text)
        if settled is not None:
            kind = reader.template.by_name[reader.header[at]].leaf.kind
            put(sheet, number, at + 1 + shift, settled, kind)
        elif text is not None:
            _put_text(sheet, number, at + 1 + shift, text)
        else:
            sheet.cell(number, at + 1 + shift).value = value


def _put_text(sheet: Worksheet, number: int, place: int, text: str) -> None:
    """A text as it is; a character that no workbook can hold becomes a question mark."""
    cell = sheet.cell(number, place)
    cell.number_format = FORMATS[Kind.TEXT]
    cell.value = ILLEGAL_CHARACTERS_RE.sub("?", text)
    cell.data_type = "s"
