"""docs/records.md: every record type with its columns, from the templates themselves.

`make schemas` writes it anew; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from adapters.tables.shape import Kind
from adapters.tables.template import RECORD_TYPE, Column, Template, templates

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "records.md"
_HEAD: Final = """\
<!-- written by python -m gateway.cli.records_page -->
# Every record type, column by column

The columns of the templates, as CSV and as sheets of a workbook; [formats](formats.md) says how they
are read. `cms-gateway template RECORD_TYPE` makes one to fill in. JSON lines have the same values in
the shape of `schemas/json`. Besides these, every template has `row_key`, your own name for the row,
and `record_type`, the name of the record type, which only some need. A column that is needed is so in
every row; of those that are one of several, any one will do.
"""


def page() -> str:
    """The whole page."""
    listed = "".join(f"- [{one.name}](#{one.name}): {_about(one)}\n" for one in templates())
    return _HEAD + "\n" + listed + "".join(_section(one) for one in templates())


def _about(one: Template) -> str:
    told = (one.record.__doc__ or "").strip().rstrip(".")
    return told[:1].lower() + told[1:]


def _section(one: Template) -> str:
    lines = [f"\n## {one.name}\n\n{(one.record.__doc__ or '').strip()}\n"]
    if RECORD_TYPE in one.required:
        lines.append(
            f"As CSV it needs the column `{RECORD_TYPE}`, with `{one.name}` in every row.\n"
        )
    lines.append("\n| Column | Needed | Kind | What |\n|---|---|---|---|\n")
    lines += [_line(one, column) for column in one.columns if column.group]
    return "".join(lines)


def _line(one: Template, column: Column) -> str:
    if column.required:
        needed = "yes"
    elif any(column.name in choice for choice in one.any_of):
        needed = "one of several"
    else:
        needed = ""
    return f"| `{column.name}` | {needed} | {_kind(column)} | {column.words} |\n"


def _kind(column: Column) -> str:
    leaf = column.leaf
    if leaf.kind is Kind.CODE:
        return ", ".join(f"`{code}`" for code in leaf.codes)
    if leaf.kind is Kind.MONEY and leaf.low < 0:
        return f"{leaf.kind.value}, also below nought"
    return str(leaf.kind.value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
