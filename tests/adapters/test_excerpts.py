"""Whatever was wrong with a row is wrong in the same way with it alone, under its name."""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.employers.schedule_csv import SCHEDULE_CSV
from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from adapters.tables.records_xlsx import RECORDS_XLSX
from gateway.core.adapter import Adapter
from gateway.core.excerpt import refused_rows
from gateway.core.mending import OpenRows, RefusedRows, name_of
from gateway.core.record import Record, RowError
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT, anything
from tests.schedules import HEADER, total

KEY = bytes(32)
HEAD = ("row_key", "surname", "nino", "employer_name", "start_date", "leave_date", "reference")
names = st.sampled_from(["K-1", "K-2", "", "", "", "'k", "=k", "x" * 70])
days = st.sampled_from(
    ["2021-04-06", "03/04/2026", "13/01/2026", "2026-13-01", "", "-1", "1 May 2026", "01/02/26"]
)
ninos = st.sampled_from(["AA000017A", "AA 00 00 17 A", "QQ1", "", "=1+1", "-"])
rows = st.tuples(names, anything, ninos, anything, days, days, anything | st.just(""))
tables = st.lists(rows, min_size=1, max_size=12)


def wrong_in(adapter: Adapter, data: bytes) -> dict[str, set[tuple[str, str]]]:
    """What is wrong, by the name of the row."""
    found: dict[str, set[tuple[str, str]]] = {}
    for item in adapter.read(MemoryBody(data), CONTEXT):
        if isinstance(item, RowError):
            found.setdefault(name_of(item), set()).add((item.field, item.code))
    return found


def excerpt_of(adapter: Adapter, data: bytes) -> bytes:
    named = RefusedRows(KEY)
    for item in adapter.read(MemoryBody(data), CONTEXT):
        if isinstance(item, RowError):
            named.add(item)
    return refused_rows(MemoryBody(data), adapter, CONTEXT, OpenRows(KEY, named.tags()))


def check_excerpt(adapter: Adapter, data: bytes) -> None:
    """An excerpt holds the wrong rows alone, as wrong as they were, but for what names them."""
    before = wrong_in(adapter, data)
    if not before:
        with pytest.raises(Refused) as refused:
            excerpt_of(adapter, data)
        assert refused.value.reason is Reason.NOT_OPEN
        return
    made = excerpt_of(adapter, data)
    # A line that was no JSON is an object now, with the line in it.
    for told in before.values():
        if ("line", "LINE_NOT_VALID") in told:
            told.clear()
            told.add(("type", "RECORD_TYPE_NOT_KNOWN"))
    unnamed = {"row_key", "key", "employment!row_key"}
    before = {
        name: kept
        for name, told in before.items()
        if (kept := {(field, code) for field, code in told if field not in unnamed})
    }
    assert wrong_in(adapter, made) == before
    records = [item for item in adapter.read(MemoryBody(made), CONTEXT) if isinstance(item, Record)]
    # What was wrong with its name alone is right once it has another.
    assert all((record.key or "").startswith("row:") for record in records)


def csv_of(table: Sequence[Sequence[str]], separator: str = ",") -> bytes:
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells] for cells in table]
    return "\n".join(separator.join(cells) for cells in [HEAD, *quoted]).encode()


@settings(deadline=None)
@given(tables, st.sampled_from(",;\t"))
def test_rows_of_a_table_are_as_wrong_alone(table: list[Sequence[str]], separator: str) -> None:
    check_excerpt(RECORDS_CSV, csv_of(table, separator))


@settings(deadline=None)
@given(tables)
def test_rows_of_a_workbook_are_as_wrong_alone(table: list[Sequence[str]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("employment", 0)
    for number, cells in enumerate([HEAD, *table], start=1):
        for place, text in enumerate(cells, start=1):
            cell = sheet.cell(number, place)
            cell.value = text
            cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    check_excerpt(RECORDS_XLSX, out.getvalue())


@settings(deadline=None)
@given(tables)
def test_lines_are_as_wrong_alone(table: list[Sequence[str]]) -> None:
    lines = []
    for key, surname, nino, employer, start, leave, spare in table:
        told = {
            "type": "employment",
            "who": {"surname": surname, "nino": nino},
            "work": {"employer_name": employer, "start_date": start, "leave_date": leave},
        }
        line = msgspec.json.encode(told | ({"key": key} if key else {}))
        lines.append(line[:-3] if spare == "" else line)
    check_excerpt(RECORDS_JSONL, b"\n".join(lines))


@settings(deadline=None)
@given(st.lists(st.tuples(anything, ninos, st.sampled_from(["150.00", "1", "x", ""])), max_size=9))
def test_rows_of_a_schedule_are_as_wrong_alone(table: list[tuple[str, str, str]]) -> None:
    body, pence = HEADER, 0
    for number, (surname, reference, amount) in enumerate(table):
        one = reference if number % 2 else f"{number:012d}"
        quoted = f'"{surname.replace(chr(34), chr(34) * 2)}"'
        cells = f"E1,M,2026-10-01,2026-10-31,2026-10-30,{one},{quoted},{amount},{amount},\n"
        body += cells.encode()
        pence += {"150.00": 15_000, "1": 100}.get(amount, 0)
    check_excerpt(SCHEDULE_CSV, body + total(len(table), pence))
