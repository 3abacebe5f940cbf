"""Payment schedules to start from, as rows of texts; ways to write them; and what reading gives."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Sequence
from xml.sax.saxutils import escape

from msgspec.structs import replace

from adapters.employers.columns import COLUMNS, HEAD
from adapters.employers.schedule_csv import SCHEDULE_CSV
from adapters.employers.schedule_xml import ELEMENTS, NAMESPACE, SCHEDULE_XML
from adapters.syntax.values import pence_of
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Note, Record, RowError
from gateway.core.refusal import Refused
from gateway.core.stages import MemoryBody

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
MARK = "MARKED7431"

Row = dict[str, str]

# The order in which the schema has the elements.
ORDER = (
    *HEAD[1:], "employee_cm_ref", "nino", "surname", "forename", "payroll_no", "ndr_due",
    "net_earnings", "amount_deducted", "admin_charge", *COLUMNS[14:],
)  # fmt: skip


def row(**changes: str) -> Row:
    """A good row, changed."""
    return {
        "employer_ref": "E1234567",
        "pay_frequency": "M",
        "period_start": "2026-10-01",
        "period_end": "2026-10-31",
        "pay_date": "2026-10-30",
        "employee_cm_ref": "100000000017",
        "surname": "Marsh",
        "ndr_due": "150.00",
        "amount_deducted": "150.00",
    } | changes


def rows(count: int, **changes: str) -> list[Row]:
    """Good rows, each of another employee."""
    return [row(employee_cm_ref=f"{number:012d}", **changes) for number in range(1, count + 1)]


def total_of(given: Iterable[Row]) -> str:
    pence = sum(round(float(one["amount_deducted"]) * 100) for one in given)
    return f"{pence // 100}.{pence % 100:02d}"


def csv_of(
    given: Sequence[Row],
    *,
    columns: Sequence[str] | None = None,
    total: str | None = None,
    separator: str = ",",
    quoting: int = csv.QUOTE_MINIMAL,
    end: str = "\r\n",
) -> str:
    """A schedule as CSV; the columns that its rows have, unless named."""
    if columns is None:
        used = {name for one in given for name in one} or set(row())
        columns = [name for name in COLUMNS if name in used]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow(columns)
    writer.writerows([one.get(name, "") for name in columns] for one in given)
    writer.writerow(["TOTAL", len(given), total_of(given) if total is None else total])
    return out.getvalue()


def xml_of(given: Sequence[Row], *, total: str | None = None, prefix: str = "") -> str:
    """The same as XML; the employer is that of the first row."""
    p, colon = (f"{prefix}:", f":{prefix}") if prefix else ("", "")
    parts = [f'<{p}Schedule xmlns{colon}="{NAMESPACE}"><{p}Header>']
    employer = given[0]["employer_ref"] if given else "E1234567"
    for name, text in (
        ("Employer", employer),
        ("Rows", str(len(given))),
        ("Total", total_of(given) if total is None else total),
    ):
        parts.append(f"<{p}{name}>{escape(text)}</{p}{name}>")
    parts.append(f"</{p}Header>")
    for one in given:
        parts.append(f"<{p}Deduction>")
        for column in ORDER:
            if column in one:
                name = ELEMENTS[column]
                parts.append(f"<{p}{name}>{escape(one[column])}</{p}{name}>")
        parts.append(f"</{p}Deduction>\n")
    return "".join([*parts, f"</{p}Schedule>"])


def read_csv(content: str | bytes, now: dt.datetime = NOW) -> list[Item]:
    data = content.encode() if isinstance(content, str) else content
    return list(SCHEDULE_CSV.read(MemoryBody(data), ReadContext(now)))


def read_xml(content: str | bytes, now: dt.datetime = NOW) -> list[Item]:
    data = content.encode() if isinstance(content, str) else content
    return list(SCHEDULE_XML.read(MemoryBody(data), ReadContext(now)))


def records(items: Iterable[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def notes(items: Iterable[Item]) -> list[Note]:
    return [item for item in items if isinstance(item, Note)]


def errors(items: Iterable[Item]) -> list[RowError]:
    return [item for item in items if isinstance(item, RowError)]


def told(items: Iterable[Item]) -> list[tuple[int, str, str]]:
    """Row, field and code of each error."""
    return [(error.row, error.field, error.code) for error in errors(items)]


def faults(**changes: str) -> list[tuple[str, str]]:
    """Field and code of each error of a good row that was changed so; of CSV and XML alike."""
    given = [row(**changes)]
    amount = given[0]["amount_deducted"]
    # An amount that is none may have been anything, so any total will do.
    total = "0.00" if pence_of(amount) is None else amount
    found = [
        told(read_csv(csv_of(given, total=total))),
        told(read_xml(xml_of(given, total=total))),
    ]
    from_csv, from_xml = ([(field, code) for _, field, code in items] for items in found)
    assert [(ELEMENTS.get(field, "Employer"), code) for field, code in from_csv] == from_xml
    return from_csv


def unnumbered(items: Iterable[Item]) -> list[Record]:
    """The records, without their places in the file."""
    return [replace(item, row=1) for item in records(items)]


def code_of(refused: Refused) -> str:
    """The code of the file rule that a refusal names."""
    (error,) = refused.errors
    assert isinstance(error, RowError)
    assert (error.row, error.field) == (0, "file")
    return error.code


def survives(read: Callable[[bytes], list[Item]], data: bytes) -> None:
    """Whatever the bytes, they are read into what we know or refused."""
    try:
        items = read(data)
    except Refused:
        return
    assert all(isinstance(item, Record | RowError | Note) for item in items)
