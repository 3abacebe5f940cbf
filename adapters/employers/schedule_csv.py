"""Payment schedules as CSV: a header, a row for each employee, and a last row with the totals.

    employer_ref,pay_frequency,period_start,period_end,pay_date,employee_cm_ref,surname,ndr_due,…
    E1234567,M,2026-10-01,2026-10-31,2026-10-31,100000000017,Example,150.00,…
    TOTAL,1,150.00

Columns may stand in any order; those that are not needed may be left out. Rows are counted as a
spreadsheet counts them: the header is row 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from adapters.employers.schedule import COLUMNS, REQUIRED, Schedule
from adapters.syntax.csv_table import Table
from gateway.core import rules
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.limits import MIB
from gateway.core.records import Item
from gateway.core.refusal import Reason, Refused

_TOTAL: Final = "TOTAL"


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Read a schedule; raises Refused for what spoils the whole file."""
    table = Table(body, REQUIRED, COLUMNS)
    yield from table.notes
    header = table.header
    width = len(header)
    # A column that the file does not have is read from an empty cell put behind its last one.
    pick = itemgetter(*(header.index(c) if c in header else width for c in COLUMNS))
    schedule = Schedule(context)
    rows: str | None = None
    total: str | None = None
    for number, cells in enumerate(table.rows(), start=2):
        if len(cells) == width and cells[0] != _TOTAL and rows is None:
            cells.append("")
            yield from schedule.row(number, pick(cells))
        elif not any(cells):
            continue
        elif rows is not None:
            raise Refused(Reason.FILE_RULE, f"Row {number} stands after the totals.")
        elif cells[0] == _TOTAL and not any(cells[3:]):
            rows, total = (*cells[1:3], "", "")[:2]
        else:
            schedule.unreadable_row()
            yield rules.RAGGED_ROW.broken(number, "row")
    yield from schedule.end(rows, total)


def _recognises(head: bytes) -> bool:
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].lower()
    return b"employee_cm_ref" in line


SCHEDULE_CSV: Final = Adapter(
    name="deduction-schedule.csv.v1",
    title="Payment schedule for deductions from earnings, as CSV",
    media_types=("application/vnd.cms-gateway.deduction-schedule+csv",),
    general_media_types=("text/csv", "application/csv"),
    provider_classes=frozenset({"employer"}),
    record_types=frozenset({"deduction", "nil_return"}),
    partial=True,
    limit_bytes=1024 * MIB,
    read=read,
    recognises=_recognises,
)
