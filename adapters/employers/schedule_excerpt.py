"""The refused rows of a payment schedule alone, with a row of totals that is theirs.

Cells stand as they came: a schedule takes a cell for what it is, whatever it begins with. The totals
are of the amounts that can be read; whoever mends an amount mends the totals with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from adapters.employers.columns import COLUMNS, REQUIRED, ROW_KEY
from adapters.syntax.csv_rows import csv_rows, named
from adapters.syntax.csv_table import Table
from adapters.syntax.values import pence_of
from gateway.core.adapter import Body, Wrong
from gateway.core.mending import name_of

TOTAL: Final = "TOTAL"


def excerpt(body: Body, wrong: Wrong) -> Iterator[bytes]:
    """The rows with these numbers, under the header of the file; raises Refused."""
    table = Table(body, REQUIRED, (*COLUMNS, ROW_KEY))
    yield from csv_rows(_rows(table, wrong), table.separator)


def _rows(table: Table, wrong: Wrong) -> Iterator[list[str]]:
    header = list(table.header)
    width = len(header)
    place = header.index(ROW_KEY) if ROW_KEY in header else None
    amount = header.index("amount_deducted")
    yield header if place is not None else [ROW_KEY, *header]
    rows = pence = 0
    for number, cells in enumerate(table.rows(), start=2):
        if number not in wrong:
            continue
        rows += 1
        # What has cells too many or too few says nothing that could be added up.
        if len(cells) == width:
            pence += pence_of(cells[amount].strip()) or 0
        yield named(cells, place, name_of(wrong[number][0]), width)
    yield [TOTAL, str(rows), f"{pence // 100}.{pence % 100:02d}"]
