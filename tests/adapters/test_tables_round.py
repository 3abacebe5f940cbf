"""What is written is read back as it was: every record type, in each of the three formats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from adapters.tables.records_xlsx import RECORDS_XLSX
from adapters.tables.write_csv import write_csv
from adapters.tables.write_jsonl import write_jsonl
from adapters.tables.write_xlsx import write_xlsx
from gateway.core.adapter import Adapter
from gateway.core.groups.person import Answer, Where, Who
from gateway.core.limits import SHEET_ROWS
from gateway.core.record import Item, Record
from gateway.core.records import RECORD_TYPES, Address, RefusalRecord
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT, records

NAMES = sorted(RECORD_TYPES)


def read(adapter: Adapter, data: bytes) -> list[Item]:
    return list(adapter.read(MemoryBody(data), CONTEXT))


def numbered(made: list[Record], first: int) -> list[Item]:
    return [structs.replace(record, row=row) for row, record in enumerate(made, start=first)]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_csv_reads_back_as_it_was_written(name: str, data: st.DataObject) -> None:
    made = data.draw(st.lists(records(name), min_size=1, max_size=3))
    assert read(RECORDS_CSV, write_csv(made).encode()) == numbered(made, 2)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_json_lines_read_back_as_they_were_written(name: str, data: st.DataObject) -> None:
    made = data.draw(st.lists(records(name), min_size=1, max_size=3))
    assert read(RECORDS_JSONL, write_jsonl(made)) == numbered(made, 1)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_a_workbook_reads_back_as_it_was_written(name: str, data: st.DataObject) -> None:
    made = data.draw(st.lists(records(name), min_size=1, max_size=3))
    assert read(RECORDS_XLSX, write_xlsx(made)) == numbered(made, 2)


def test_rows_of_a_second_sheet_have_numbers_of_their_own() -> None:
    who = Who(surname="Marsh")
    made: list[Record] = [
        Address(row=0, who=who, where=Where(town="Exampleton")),
        RefusalRecord(row=0, answer=Answer(code="OTHER")),
    ]
    assert [item.row for item in read(RECORDS_XLSX, write_xlsx(made))] == [2, SHEET_ROWS + 2]  # type: ignore[union-attr]


def test_what_a_row_cannot_say_is_not_written() -> None:
    who = Who(surname="Marsh")
    for where in (Where(), Where(lines=("a", "b", "c", "d"))):
        for write in (write_csv, write_xlsx):
            with pytest.raises(ValueError, match=r"group|list"):
                write([Address(row=0, who=who, where=where)])


def test_a_workbook_is_the_same_bytes_whenever_it_is_made() -> None:
    made = [RefusalRecord(row=0, answer=Answer(code="OTHER"))]
    assert write_xlsx(made) == write_xlsx(made)


def test_no_formula_is_written_into_a_csv_or_a_workbook() -> None:
    made = [RefusalRecord(row=0, key="=1", answer=Answer(code="@x", detail="=cmd|' /C calc'!A0"))]
    assert all(cell[0] not in "=+-@" for cell in write_csv(made).splitlines()[1].split(","))
    assert b"<f>" not in b"".join(part for part in parts(write_xlsx(made)).values())


def parts(data: bytes) -> dict[str, bytes]:
    import io  # noqa: PLC0415
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
