"""Records as a workbook with a sheet for each type, so that reading it gives them back.

Whatever begins as a formula is written as a text. The same records give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from adapters.syntax.save_workbook import saved
from adapters.tables.flat import values_of
from adapters.tables.shape import Kind
from adapters.tables.template import RECORD_TYPE, Column, template
from adapters.tables.write_csv import kept
from gateway.core.record import Record

FORMATS: Final = {
    Kind.TEXT: "@",
    Kind.IDENTIFIER: "@",
    Kind.CODE: "@",
    Kind.YES_NO: "@",
    Kind.DATE: "yyyy-mm-dd",
    Kind.MONEY: "0.00",
    Kind.COUNT: "0",
}
# Spreadsheets think that 1900 had a 29 February; a day before their March is written as a text.
_FIRST_DAY: Final = dt.date(1900, 3, 1)
# The beginning of time in a ZIP, and of nothing else.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_CORE: Final = "docProps/core.xml"
_NO_CORE: Final = b'<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'


def write_xlsx(records: Sequence[Record]) -> bytes:
    """Records as a workbook, sheets in the order in which their types first come.

    Raises ValueError for what a row cannot say, and for none at all.
    """
    if not records:
        raise ValueError("a workbook holds at least one record")
    by_type: dict[str, list[Record]] = {}
    for record in records:
        by_type.setdefault(record.type_name, []).append(record)
    book = empty_book()
    for name, of_type in by_type.items():
        rows = [values_of(record) for record in of_type]
        used = {key for row in rows for key in row} - {RECORD_TYPE}
        columns = [column for column in template(name).columns if column.name in used]
        sheet = book.create_sheet(name)
        for place, column in enumerate(columns, start=1):
            put(sheet, 1, place, column.name, Kind.TEXT)
        for number, row in enumerate(rows, start=2):
            put_row(sheet, number, columns, row)
    return packed(book)


def empty_book() -> Workbook:
    """A workbook without a sheet."""
    book = Workbook()
    assert isinstance(book.active, Worksheet)
    book.remove(book.active)
    return book


def put_row(sheet: Worksheet, number: int, columns: Sequence[Column], row: dict[str, Any]) -> None:
    """Write the values of one row; numbers count from 1."""
    for place, column in enumerate(columns, start=1):
        if column.name in row:
            put(sheet, number, place, row[column.name], column.leaf.kind)


def put(sheet: Worksheet, number: int, place: int, value: Any, kind: Kind) -> None:
    """Write one cell in the format of its kind; a text is a text, whatever it begins with."""
    cell = sheet.cell(number, place)
    cell.number_format = FORMATS[kind]
    if kind is Kind.MONEY:
        cell.value = Decimal(value).scaleb(-2)
    elif kind is Kind.COUNT or (isinstance(value, dt.date) and value >= _FIRST_DAY):
        cell.value = value
    else:
        cell.value = _text(value)
        cell.data_type = "s"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, dt.date) else kept(str(value))


def packed(book: Workbook) -> bytes:
    """A workbook as bytes that do not depend on when it was made."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(saved(book))) as before,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            data = _NO_CORE if name == _CORE else before.read(name)
            part = zipfile.ZipInfo(name, _NO_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(part, data)
    return out.getvalue()
