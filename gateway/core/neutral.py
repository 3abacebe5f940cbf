"""Writing CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

# A cell that begins with one of these is run by spreadsheets (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(text: str) -> str:
    """One cell, quoted where needed; a would-be formula gets an apostrophe in front."""
    if text.startswith(_FORMULA):
        text = "'" + text
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_line(cells: Sequence[str]) -> str:
    """One line, without its line end."""
    return ",".join(csv_cell(cell) for cell in cells)


class RowFault(Protocol):
    """A row error, ours or the client's."""

    @property
    def row(self) -> int:
        """Its number in the file."""

    @property
    def key(self) -> str | None:
        """Its sender's own name for it."""

    @property
    def field(self) -> str:
        """The column."""

    @property
    def code(self) -> str:
        """The rule."""

    @property
    def message(self) -> str:
        """What is wrong."""

    @property
    def fix(self) -> str:
        """What to do."""


def row_errors_csv(errors: Sequence[RowFault]) -> str:
    """Row errors as a table, with its head."""
    lines = ["row,field,code,message,fix,row_key"]
    lines += [
        csv_line((str(e.row), e.field, e.code, e.message, e.fix, e.key or f"row:{e.row}"))
        for e in errors
    ]
    return "\r\n".join(lines) + "\r\n"
