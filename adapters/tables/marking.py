"""Showing in a sheet what is wrong: the cell in a warning colour, with a comment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from gateway.core.limits import MARK_CHARS
from gateway.core.record import RowError

WARNING: Final = PatternFill("solid", fgColor="FFC7CE")
_AUTHOR: Final = "Child Maintenance Service"


def mark_row(
    sheet: Worksheet, number: int, header: Sequence[str], errors: Sequence[RowError]
) -> None:
    """Mark the wrong cells of a row; one that is wrong as a whole is marked in its first cell."""
    by_place: dict[int, list[RowError]] = {}
    for error in errors:
        column = error.field.rpartition("!")[2]
        place = header.index(column) + 1 if column in header else 1
        by_place.setdefault(place, []).append(error)
    for place, told in by_place.items():
        cell = sheet.cell(number, place)
        if isinstance(cell, Cell):  # what is merged into another cell has no place of its own
            _mark(cell, told)


def _mark(cell: Cell, errors: Sequence[RowError]) -> None:
    words = "\n".join(f"{e.message} {e.fix} [{e.code}]" for e in errors)
    cell.fill = WARNING
    cell.comment = Comment(words[:MARK_CHARS], _AUTHOR, height=120, width=320)
