"""How the demonstration speaks: numbered steps, each with what was done and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_INDENT: Final = 4
# Wide enough for a receipt's id beside its counts where there is no terminal to ask.
_PLAIN_COLUMNS: Final = 110


class Voice:
    """Writes to stdout; with colours on a terminal, plain and as readable elsewhere."""

    def __init__(self) -> None:
        probe = Console()
        self._console = Console(
            highlight=False, width=None if probe.is_terminal else _PLAIN_COLUMNS
        )
        self._number = 0

    @property
    def number(self) -> int:
        """The step that is being told."""
        return self._number

    def title(self, text: str) -> None:
        """The first line."""
        self._console.print(Text(text, style="bold"))

    def step(self, done: str) -> None:
        """Begin a step: one line that says what was done."""
        self._number += 1
        self._console.print()
        self._indented(Text(done, style="bold"), mark=str(self._number))

    def line(self, text: str) -> None:
        """A detail."""
        self._indented(Text(text))

    def shows(self, text: str) -> None:
        """What the step proves."""
        self._indented(Text.assemble(("This shows: ", "green"), text))

    def copy(self, text: str) -> None:
        """A line to copy: never wrapped."""
        self._console.print(f"{'':{_INDENT}}{text}", markup=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A small table."""
        drawn = Table(box=None, header_style="cyan", pad_edge=False, padding=(0, 2, 0, 0))
        for column in columns:
            drawn.add_column(column, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(cell, "dim" if cell == WITHHELD else "") for cell in row))
        with self._console.capture() as held:
            self._console.print(drawn)
        for line in held.get().splitlines():
            self._write(line)

    def _indented(self, text: Text, mark: str = "") -> None:
        for line in text.wrap(self._console, self._console.width - _INDENT):
            self._write(self._drawn(line), mark)
            mark = ""

    def _drawn(self, text: Text) -> str:
        with self._console.capture() as held:
            self._console.print(text, end="", soft_wrap=True)
        return held.get()

    def _write(self, line: str, mark: str = "") -> None:
        """One line behind its margin, and without the blanks that fill up a cell."""
        margin = " " * _INDENT
        if mark:
            margin = self._drawn(Text(f"{mark:>2}", "bold cyan")) + " " * (_INDENT - 2)
        self._console.file.write(f"{margin}{line.rstrip()}".rstrip() + "\n")


WITHHELD: Final = "withheld"
ABSENT: Final = "not in the file"


def cell(record: dict[str, Any], group: str) -> str:
    """A disclosure group of a record, as a person reads it."""
    if group in record["withheld"]:
        return WITHHELD
    if group not in record["groups"]:
        return ABSENT
    value: dict[str, Any] = record["groups"][group]["value"]
    match group:
        case "who":
            parts = [value.get("forenames"), value.get("surname") or value.get("name")]
            return ", ".join(filter(None, [" ".join(filter(None, parts)), value.get("nino")]))
        case "where":
            known = [*value.get("lines", ()), value.get("town"), value.get("postcode")]
            return ", ".join(filter(None, known))
        case "pay":
            pence = value.get("net_pence", value.get("taxable_pence"))
            word = "net" if "net_pence" in value else "taxable"
            return f"{word} {_pounds(pence)} on {value.get('pay_date')}"
        case "deduction":
            return f"{_pounds(value['deducted_pence'])} of {_pounds(value['due_pence'])} due"
        case "account":
            return str(value.get("iban") or value.get("number") or value.get("other"))
        case "balance":
            return f"average {_pounds(value.get('average_pence'))}"
        case "work":
            return str(value.get("employer_name") or value.get("employer_reference"))
    return json.dumps(value, ensure_ascii=False)


def _pounds(pence: int | None) -> str:
    return "unknown" if pence is None else f"£{pence / 100:,.2f}"
