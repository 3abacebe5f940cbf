"""Any record as CSV: one file, one record type, told by the header (`adapters.tables.template`).

    row_key,surname,forenames,nino,employer_name,start_date,leave_date
    0017,Marsh,Tamsin,AA000017A,Example Bakery Ltd,2021-04-06,

Columns may stand in any order, and those that are not needed may be left out. Rows are counted as a
spreadsheet counts them: the header is row 1, and a blank row counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.syntax.csv_table import Table, header_line, header_of
from adapters.tables.choosing import chosen, fitting
from adapters.tables.excerpt_csv import excerpt, told
from adapters.tables.row import RowReader
from adapters.tables.template import EXAMPLE, RECORD_TYPE, header_names
from gateway.core import rules
from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.limits import MIB
from gateway.core.record import Item, Note
from gateway.core.records import RECORD_TYPES


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Read a table; raises Refused for what spoils the whole file."""
    table = Table(body)
    yield from table.notes
    header = header_names(table.header)
    reader = RowReader(chosen(header, told(table, header)), header, table.rows)
    yield from judged(reader, enumerate(table.rows(), start=2))
    yield from reader.notes()


def judged(reader: RowReader, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Item]:
    """The records, errors and notes of numbered rows; blank rows and examples are passed over."""
    width, key_place, judge = reader.width, reader.key_place, reader.read
    for number, cells in rows:
        if len(cells) != width:
            if not any(map(str.strip, cells)):
                continue
            if len(cells) < width or any(cells[width:]):
                yield rules.RAGGED_ROW.broken(number, "row", reader.key_of(cells))
                continue
            del cells[width:]
        if key_place is not None and cells[key_place].strip() == EXAMPLE:
            yield example_note(number)
            continue
        found = judge(number, cells)
        if not isinstance(found, list):
            yield found
        elif any(map(str.strip, cells)):
            yield from found


def example_note(number: int) -> Note:
    """That a row was not read because it says that it is an example."""
    return Note(
        code="EXAMPLE_SKIPPED",
        message=f"Row {number} is marked {EXAMPLE} and was not read.",
    )


def _recognises(head: bytes) -> bool:
    header = header_names(header_of(header_line(head)))
    return bool(header) and (RECORD_TYPE in header or bool(fitting(header)))


RECORDS_CSV: Final = Adapter(
    name="records.csv.v1",
    title="Any record, as CSV with the columns of its template",
    media_types=("application/vnd.cms-gateway.records+csv",),
    general_media_types=("text/csv",),
    provider_classes=EVERY_CLASS,
    record_types=frozenset(RECORD_TYPES),
    partial=True,
    limit_bytes=5 * 1024 * MIB,
    read=read,
    recognises=_recognises,
    excerpt=excerpt,
)
