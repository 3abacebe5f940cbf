"""A table of statistics: each row one figure, of one kind, in one quarter."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from gateway.consumers.proposal import pounds

Unit = Literal["pence", "count"]
HEADER: Final = ("measure", "quarter", "kind", "value", "unit")
# What a spreadsheet would take for the beginning of a formula (OWASP).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure; money in pence, everything else counted."""

    measure: str
    quarter: str
    kind: str
    value: int
    unit: Unit


def as_csv(rows: Iterable[Row]) -> str:
    """The rows as CSV, amounts in pounds with two decimals, in the order given.

    A text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for row in rows:
        told = ("pounds", pounds(row.value)) if row.unit == "pence" else ("count", str(row.value))
        texts = (plain(row.measure), plain(row.quarter), plain(row.kind))
        writer.writerow((*texts, told[1], told[0]))
    return out.getvalue()


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
