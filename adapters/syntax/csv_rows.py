"""Rows to CSV, as any spreadsheet opens it: UTF-8 with its mark, quoted where needed."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence

MARK = codecs.BOM_UTF8


def csv_rows(rows: Iterable[Sequence[str]], separator: str) -> Iterator[bytes]:
    """Each row as a line; the first has the mark in front, without which accents are lost."""
    held = io.StringIO()
    writer = csv.writer(held, delimiter=separator, lineterminator="\r\n")
    mark = MARK
    for row in rows:
        writer.writerow(row)
        yield mark + held.getvalue().encode("utf-8", "replace")
        mark = b""
        held.seek(0)
        held.truncate()


def named(cells: Sequence[str], place: int | None, name: str, width: int) -> list[str]:
    """A row with its name: in the column it has for that, else in a new one in front.

    A row with too few cells gets empty ones, up to `width`.
    """
    found = [*cells, *[""] * (width - len(cells))]
    if place is None:
        return [name, *found]
    found[place] = name
    return found
