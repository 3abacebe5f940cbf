"""How fast each adapter reads, beside the bare parser of its syntax: `python -m bench --only adapters`.

One list: an adapter, what makes a sample of so many records, and what reads it bare. Each bare reader
makes checked Structs of the same members and does nothing else.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import python_calamine

from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from adapters.tables.records_xlsx import RECORDS_XLSX
from adapters.tables.write_jsonl import write_jsonl
from adapters.tables.write_xlsx import write_xlsx
from gateway.core.adapter import Adapter, ReadContext
from gateway.core.groups.person import Who
from gateway.core.groups.work import Pay, Work
from gateway.core.record import Record
from gateway.core.stages import MemoryBody

CONTEXT: Final = ReadContext(dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
HEADER: Final = (
    "row_key,surname,forenames,date_of_birth,nino,payroll_number,frequency,pay_period_start,"
    "pay_period_end,pay_date,net,taxable,tax,national_insurance,employer_name,paye_reference\r\n"
)
ROW: Final = (
    "k{n},Surname{k},Forename{j},19{y:02d}-03-14,AA{n:06d}A,P{n:07d},monthly,2026-10-01,2026-10-31,"
    "2026-10-30,{net}.40,{gross}.10,{tax}.00,74.60,Example Bakery Ltd,123/AB456\r\n"
)


@dataclass(frozen=True)
class Reading:
    """An adapter with a sample of so many records, and the bare reading of it; both in records a second."""

    adapter: Adapter
    against: str
    make: Callable[[int], bytes]
    bare: Callable[[bytes], int]
    records: int
    goal: str


def csv_sample(count: int) -> bytes:
    """So many payments of one employer, as CSV."""
    rows = (
        ROW.format(
            n=n % 1_000_000, k=n % 5_000, j=n % 700, y=50 + n % 50, net=900 + n % 900,
            gross=1_200 + n % 900, tax=n % 300,
        )
        for n in range(count)
    )  # fmt: skip
    return (HEADER + "".join(rows)).encode()


def _records(count: int) -> list[Record]:
    items = RECORDS_CSV.read(MemoryBody(csv_sample(count)), CONTEXT)
    return [item for item in items if isinstance(item, Record)]


def jsonl_sample(count: int) -> bytes:
    """The same as JSON lines."""
    return write_jsonl(_records(count))


def xlsx_sample(count: int) -> bytes:
    """The same as a workbook."""
    return write_xlsx(_records(count))


Nino = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}[0-9]{6}[A-D]$")]


class Row(msgspec.Struct):
    """What the bare readers of tables make of a row: as many checked fields as ours."""

    row_key: str
    surname: str
    forenames: str
    date_of_birth: dt.date
    nino: Nino
    payroll_number: str
    frequency: str
    pay_period_start: dt.date
    pay_period_end: dt.date
    pay_date: dt.date
    net: float
    taxable: float
    tax: float
    national_insurance: float
    employer_name: str
    paye_reference: str


def bare_csv(data: bytes) -> int:
    """csv.reader into checked Structs."""
    rows = csv.reader(io.StringIO(data.decode(), newline=""))
    header = next(rows)
    count = 0
    for cells in rows:
        msgspec.convert(dict(zip(header, cells, strict=True)), Row, strict=False)
        count += 1
    return count


class Line(msgspec.Struct):
    """A record as a line, its groups as the types have them."""

    type: str
    key: str
    who: Who
    pay: Pay
    work: Work


def bare_jsonl(data: bytes) -> int:
    """msgspec decoding each line into its groups."""
    decode = msgspec.json.Decoder(Line).decode
    return sum(decode(line) is not None for line in data.splitlines())


def bare_xlsx(data: bytes) -> int:
    """python-calamine into rows of values."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return sum(1 for _ in book.get_sheet_by_index(0).iter_rows()) - 1


READINGS: Final = [
    Reading(RECORDS_CSV, "csv.reader into checked Structs", csv_sample, bare_csv, 100_000, "0.15"),
    Reading(RECORDS_JSONL, "msgspec decoding each line", jsonl_sample, bare_jsonl, 50_000, ""),
    Reading(RECORDS_XLSX, "calamine into rows", xlsx_sample, bare_xlsx, 10_000, ""),
]


def measured(one: Reading) -> tuple[float, float]:
    """Records a second of the adapter and of the bare reader, each the best of three."""
    data = one.make(one.records)

    def ours(content: bytes) -> int:
        items = one.adapter.read(MemoryBody(content), CONTEXT)
        return sum(isinstance(item, Record) for item in items)

    best = [0.0, 0.0]
    for _ in range(3):
        for place, read in enumerate((ours, one.bare)):
            began = time.perf_counter()
            count = read(data)
            assert count == one.records, count
            best[place] = max(best[place], count / (time.perf_counter() - began))
    return best[0], best[1]
