"""Writing CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
