"""Templates to fill in: an empty table of a record type, with one worked example that is not read.

The example is the first row of `schemas/samples/records`, and its row key is EXAMPLE.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import structs
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from adapters.tables.flat import values_of
from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_xlsx import READ_ME
from adapters.tables.shape import Kind
from adapters.tables.template import EXAMPLE, RECORD_TYPE, Column, Template, template
from adapters.tables.write_csv import header_line, row_line
from adapters.tables.write_jsonl import write_jsonl
from adapters.tables.write_xlsx import FORMATS, empty_book, packed, put, put_row
from gateway.core.adapter import ReadContext
from gateway.core.record import Record
from gateway.core.records import RECORD_TYPES
from gateway.core.stages import MemoryBody

# A list that a spreadsheet holds in the cell itself has at most so many characters.
_LIST_CHARS: Final = 255
_LIST_ROWS: Final = 100_000
_AUTHOR: Final = "CMS gateway"
_MEDIA_TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "jsonl": "application/jsonl",
}
# The reader of a sample asks nothing of the time.
_ANY_TIME: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

_WORDS: Final = (
    "How to use this workbook",
    "",
    "Each sheet holds records of one type, one to a row. Keep the names of the sheets and columns.",
    "Columns may stand in any order. Leave out those you do not need; those in bold are needed.",
    "A note on each column's name says what belongs in it.",
    "The row marked EXAMPLE shows how a row is filled in. It is not read, and may be deleted.",
    "row_key is your own name for a row. If a row is refused, the error names it.",
    "Write dates as 2026-10-31 and amounts as 1234.50. Columns of numbers that begin with noughts are",
    "formatted as text; leave them so.",
    "A sheet that is hidden is not read; a row that is hidden is.",
    "When you are done: cms-gateway check FILE says what is wrong, and sends nothing.",
)


def blank_csv(names: Sequence[str]) -> bytes:
    """An empty CSV of one record type; raises KeyError, and ValueError for several."""
    if len(names) != 1:
        raise ValueError("A CSV holds records of one type; name one, or choose xlsx or jsonl.")
    one = template(names[0])
    columns = _shown(one, named=RECORD_TYPE in one.required)
    lines = [
        header_line([column.name for column in columns]),
        row_line(columns, values_of(example(names[0]))),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def blank_jsonl(names: Sequence[str]) -> bytes:
    """A line for each record type, each an example that is not read."""
    return write_jsonl(example(name) for name in names)


def blank_xlsx(names: Sequence[str]) -> bytes:
    """An empty workbook with a sheet for each record type, and one that says how to use it."""
    book = empty_book()
    told = book.create_sheet(READ_ME)
    told.column_dimensions["A"].width = 100
    for number, words in enumerate(_WORDS, start=1):
        put(told, number, 1, words, Kind.TEXT)
    told.cell(1, 1).font = Font(bold=True)
    for name in names:
        _sheet(book.create_sheet(name), template(name))
    book.active = 1
    return packed(book)


BLANKS: Final[dict[str, Callable[[Sequence[str]], bytes]]] = {
    "xlsx": blank_xlsx,
    "csv": blank_csv,
    "jsonl": blank_jsonl,
}


def served_blank(name: str) -> tuple[bytes, str] | None:
    """An empty table by its file name, such as employment.xlsx, and its media type, if there is one."""
    kind, _, ending = name.partition(".")
    if kind not in RECORD_TYPES or ending not in BLANKS:
        return None
    return _made(kind, ending), _MEDIA_TYPES[ending]


@cache  # as many as there are record types and formats
def _made(name: str, ending: str) -> bytes:
    return BLANKS[ending]((name,))


def example(name: str) -> Record:
    """The worked example of a record type, from its sample, marked so that it is not read."""
    sample = files("schemas") / "samples" / "records" / f"{name}.csv"
    items = RECORDS_CSV.read(MemoryBody(sample.read_bytes()), ReadContext(_ANY_TIME))
    record = next(item for item in items if isinstance(item, Record))
    return structs.replace(record, key=EXAMPLE)


def _shown(one: Template, *, named: bool) -> list[Column]:
    """The columns of a template; record_type only where nothing else says what a row is."""
    return [column for column in one.columns if named or column.name != RECORD_TYPE]


def _sheet(sheet: Worksheet, one: Template) -> None:
    columns = _shown(one, named=False)
    for place, column in enumerate(columns, start=1):
        letter = get_column_letter(place)
        held = sheet.column_dimensions[letter]
        held.number_format = FORMATS[column.leaf.kind]
        held.width = max(12, len(column.name) + 2)
        put(sheet, 1, place, column.name, Kind.TEXT)
        head = sheet.cell(1, place)
        head.font = Font(bold=column.name in one.required)
        head.comment = Comment(note_of(column), _AUTHOR, height=120, width=260)
        choices = ",".join(choices_of(column))
        if choices and len(choices) <= _LIST_CHARS - 2:
            listed = DataValidation("list", formula1=f'"{choices}"', allow_blank=True)
            listed.add(f"{letter}2:{letter}{_LIST_ROWS}")
            sheet.add_data_validation(listed)
    sheet.freeze_panes = "A2"
    put_row(sheet, 2, columns, values_of(example(one.name)))


def choices_of(column: Column) -> tuple[str, ...]:
    """What a drop-down list of a column offers."""
    return ("yes", "no") if column.leaf.kind is Kind.YES_NO else column.leaf.codes


def note_of(column: Column) -> str:
    """What is said of a column: its meaning, its kind, and its codes."""
    needed = " Needed." if column.required else ""
    codes = f": {', '.join(column.leaf.codes)}" if column.leaf.codes else ""
    return f"{column.words}.\n\n{column.leaf.kind.value.capitalize()}{codes}.{needed}"
