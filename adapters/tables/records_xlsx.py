"""Any record as an XLSX workbook: one sheet for each record type, named by the type.

A sheet that is hidden, or has another name, is not read and a note says so; hidden rows are read,
since a filter hides rows that are meant. Rows of the first sheet that is read are numbered as the
spreadsheet numbers them. Those of the next have 10,000,000 added, of the third 20,000,000, and so
on: a record's number is its own within the submission. An error names `sheet!column`, and its
message the row within the sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from adapters.syntax.workbook import Sheet, Workbook, is_workbook
from adapters.tables.choosing import checked
from adapters.tables.excerpt_xlsx import excerpt
from adapters.tables.mark_xlsx import ERRORS, mark
from adapters.tables.records_csv import judged
from adapters.tables.row import RowReader
from adapters.tables.template import RECORD_TYPE, Template, header_names
from adapters.tables.typed_cells import Texts, sheets_read, type_named
from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.limits import MIB
from gateway.core.record import Item, Note, RowError
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused

# Sheets of a workbook that say they are for reading, not for being read: a template has the one, and
# a workbook that was given back with its errors the other.
READ_ME: Final = "Read me"
NOT_READ: Final = (READ_ME, ERRORS)


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Read a workbook; raises Refused for what spoils the whole file."""
    book = Workbook(body)
    read_as = {each.sheet.name: each for each in sheets_read(book)}
    for sheet in book.sheets:
        if sheet.name in read_as:
            yield from _sheet(book, *read_as[sheet.name])
        elif sheet.name not in NOT_READ:
            yield _ignored(type_named(sheet))
    if not read_as:
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
    texts = Texts(book, sheet, one, header)
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
    excerpt=excerpt,
    mark=mark,
)
