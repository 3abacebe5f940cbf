"""Payment schedules as CSV: a header, a row for each employee, and a last row with the totals.

    employer_ref,pay_frequency,period_start,period_end,pay_date,employee_cm_ref,surname,ndr_due,…
    E1234567,M,2026-10-01,2026-10-31,2026-10-31,100000000017,Example,150.00,…
    TOTAL,1,150.00

Columns may stand in any order; those that are not needed may be left out. Rows are counted as a
spreadsheet counts them: the header is row 1, and a blank row counts. A cell is data, whatever it
begins with: nothing is ever calculated. Dates and amounts are read as people write them, too, where
their column leaves one reading (`adapters.employers.spelled`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from msgspec.structs import replace

from adapters.employers.columns import COLUMNS, HEAD, RARE, REQUIRED, ROW_KEY, USUAL
from adapters.employers.schedule import Schedule
from adapters.employers.schedule_excerpt import TOTAL, excerpt
from adapters.employers.spelled import Spelled
from adapters.syntax.csv_table import Table, header_line
from gateway.core import rules
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.limits import MIB, ROW_KEY_CHARS
from gateway.core.record import Item
from gateway.core.refusal import Reason, Refused

# A row with one of these in front may be the totals; other spellings are seen where nothing else is.
_TOTALS: Final = frozenset({"TOTAL", "Total", "total"})


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Read a schedule; raises Refused for what spoils the whole file."""
    table = Table(body, REQUIRED, (*COLUMNS, ROW_KEY))
    yield from table.notes
    header = table.header
    width = len(header)
    head, usual, rare = _picks(header)
    reference = header.index("employee_cm_ref")
    spelled = Spelled(header, lambda: (row for row in table.rows() if not _is_totals(row)))
    schedule = Schedule(context, spelled)
    judge = schedule.row
    keyed = header.index(ROW_KEY) if ROW_KEY in header else None
    totals: list[str] | None = None
    for number, cells in enumerate(table.rows(), start=2):
        if len(cells) != width or not cells[reference] or cells[0] in _TOTALS or totals is not None:
            # Not plainly a row of data: blank, the totals, or with cells too many or too few.
            if not any(cells[width:]):
                del cells[width:]
            if not any(map(str.strip, cells)):
                continue
            if totals is not None:
                raise Refused(Reason.FILE_RULE, f"Row {number} stands after the totals.")
            if _is_totals(cells):
                totals = cells
                continue
            if len(cells) != width:
                schedule.unreadable_row()
                yield rules.RAGGED_ROW.broken(number, "row")
                continue
        cells.append("")
        found = judge(number, head(cells), usual(cells), rare(cells))
        key = None if keyed is None else cells[keyed].strip()[:ROW_KEY_CHARS] or None
        if isinstance(found, list):
            yield from found if key is None else (replace(error, key=key) for error in found)
        else:
            yield found if key is None else replace(found, key=key)
    rows, total = (None, None) if totals is None else (*totals[1:3], "", "")[:2]
    yield from schedule.end(rows, total)
    yield from spelled.notes()


def _is_totals(cells: list[str]) -> bool:
    return cells[0].strip().upper() == TOTAL and not any(map(str.strip, cells[3:]))


@lru_cache(256)
def _picks(header: tuple[str, ...]) -> tuple[itemgetter[Any], itemgetter[Any], itemgetter[Any]]:
    """What takes a row's cells apart, for a header.

    A column that the file does not have is read from an empty cell put behind its last one.
    """
    place = {name: header.index(name) if name in header else len(header) for name in COLUMNS}
    head, usual, rare = (itemgetter(*(place[n] for n in part)) for part in (HEAD, USUAL, RARE))
    return head, usual, rare


def _recognises(head: bytes) -> bool:
    return "employee_cm_ref" in header_line(head).lower()


SCHEDULE_CSV: Final = Adapter(
    name="deduction-schedule.csv.v1",
    title="Payment schedule for deductions from earnings, as CSV",
    media_types=("application/vnd.cms-gateway.deduction-schedule+csv",),
    general_media_types=("text/csv", "application/csv"),
    provider_classes=frozenset({"employer", "occupational_pension"}),
    record_types=frozenset({"deduction", "nil_return"}),
    partial=True,
    limit_bytes=5 * 1024 * MIB,
    read=read,
    recognises=_recognises,
    excerpt=excerpt,
)
