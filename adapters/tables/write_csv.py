"""Records as CSV, so that reading it gives them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from adapters.tables.cells import FORMULA
from adapters.tables.flat import values_of
from adapters.tables.shape import Kind
from adapters.tables.template import RECORD_TYPE, Column, template
from gateway.core.neutral import csv_line
from gateway.core.record import Record

_LINE_END = "\r\n"


def write_csv(records: Sequence[Record], columns: Sequence[str] | None = None) -> str:
    """Records of one type as CSV with a header; `columns` are those to write, else those that are used.

    Rows are written in order; the `row` of a record is not. Raises ValueError for records of several
    types, and for what a row cannot say.
    """
    if len({record.type_name for record in records}) != 1:
        raise ValueError("a CSV holds records of one type")
    one = template(records[0].type_name)
    rows = [values_of(record) for record in records]
    if columns is None:
        used = {name for row in rows for name in row}
        columns = [column.name for column in one.columns if column.name in used]
    shown = [one.by_name[name] for name in columns]
    if RECORD_TYPE not in columns and RECORD_TYPE in one.required:
        raise ValueError(f"a table of {one.name} needs the column {RECORD_TYPE}")
    lines = [header_line(columns), *(row_line(shown, row) for row in rows)]
    return "".join(line + _LINE_END for line in lines)


def header_line(columns: Iterable[str]) -> str:
    """The header of a table."""
    return ",".join(columns)


def row_line(columns: Sequence[Column], row: dict[str, Any]) -> str:
    """One row, without its line end."""
    cells = [
        as_text(row[column.name], column.leaf.kind) if column.name in row else ""
        for column in columns
    ]
    # An amount below nought begins as a formula does and is none.
    return ",".join(
        cell if column.leaf.kind is Kind.MONEY else csv_line([cell])
        for column, cell in zip(columns, cells, strict=True)
    )


def as_text(value: Any, kind: Kind) -> str:
    """A value as a cell; a text that begins as a neutralised formula does gets its own apostrophe."""
    if kind is Kind.MONEY:
        return amount(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.date):
        return value.isoformat()
    return kept(str(value))


def kept(text: str) -> str:
    """A text as readers give it back: they take one apostrophe from before a formula's first mark."""
    if text[:1] == "'" and text.lstrip("'")[:1] in FORMULA:
        return f"'{text}"
    return text


def amount(pence: int) -> str:
    """Integer pence as pounds and pence."""
    sign = "-" if pence < 0 else ""
    pounds, rest = divmod(abs(pence), 100)
    return f"{sign}{pounds}.{rest:02d}"
