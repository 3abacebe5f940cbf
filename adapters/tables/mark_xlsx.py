"""A workbook given back to who sent it: each wrong cell marked, and a first sheet that says it all.

It is the sender's own workbook: all its sheets, with the looks of their cells. Formulas are replaced
by the values they were saved with, which is what was read; of the rest only what
`adapters.syntax.plain_workbook` keeps is there.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any, Final

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from adapters.syntax.plain_workbook import plain
from adapters.syntax.save_workbook import saved
from adapters.syntax.workbook import Workbook
from adapters.tables.marking import WARNING, mark_row
from adapters.tables.template import header_names
from adapters.tables.typed_cells import sheets_read
from gateway.core.adapter import Body
from gateway.core.limits import MARKED_BYTES, MARKED_CELLS, MARKED_UNPACKED_BYTES, SHEET_ROWS
from gateway.core.mending import name_of
from gateway.core.record import RowError, RuleCount
from gateway.core.refusal import Reason, Refused

ERRORS: Final = "Errors"
_TITLE: Final = "What is wrong with this workbook, and how to mend it"
_BY_RULE: Final = ("rule", "field", "how often", "first rows", "what is wrong", "what to do")
_BY_ROW: Final = ("rule", "field", "row", "row_key", "what is wrong", "what to do")
_WIDTHS: Final = (30, 34, 12, 18, 60, 70)


def mark(body: Body, errors: Sequence[RowError], rules: Sequence[RuleCount]) -> bytes:
    """The workbook with these errors shown in it; raises Refused(NOT_OFFERED) beyond the limits."""
    if body.size > MARKED_BYTES:
        raise _not_offered(f"A workbook is marked up to {MARKED_BYTES} bytes.")
    book = Workbook(body)
    if book.cells > MARKED_CELLS:
        raise _not_offered(f"A workbook is marked up to {MARKED_CELLS} cells.")
    by_row: dict[int, list[RowError]] = {}
    for error in errors:
        by_row.setdefault(error.row, []).append(error)
    made = _loaded(body)
    for read in sheets_read(book):
        header = header_names(next(book.rows(read.sheet), []))
        sheet = made[read.sheet.name]
        for number in sorted(by_row):
            if number - number % SHEET_ROWS == read.offset:
                mark_row(sheet, number - read.offset, header, by_row[number])
    _tell(made, errors, rules)
    return _saved(made)


def _loaded(body: Body) -> Any:
    """The sender's workbook as the library has it, without what is not to be given back."""
    with body.open() as stream:
        data = plain(stream.read(), MARKED_UNPACKED_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the library leaves out
            book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except Exception:  # noqa: BLE001 - the library says in every way there is that it cannot read one
        raise _not_offered("The workbook holds something that cannot be given back.") from None
    for sheet in book.worksheets:
        if _is_ours(sheet):
            book.remove(sheet)
        else:
            _strip(sheet)
    return book


def _is_ours(sheet: Worksheet) -> bool:
    """Whether a sheet is the list of errors of an earlier copy."""
    return sheet.title == ERRORS and sheet["A1"].value == _TITLE


def _strip(sheet: Worksheet) -> None:
    """Leave no formula, and no drop-down list that leads to another workbook."""
    sheet.sheet_view.tabSelected = False
    listed = sheet.data_validations.dataValidation
    sheet.data_validations.dataValidation = [
        one for one in listed if "[" not in f"{one.formula1}{one.formula2}"
    ]
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and cell.data_type != "e":
                cell.data_type = "s"  # a text is a text, whatever it begins with


def _tell(book: Any, errors: Sequence[RowError], rules: Sequence[RuleCount]) -> None:
    """The first sheet: how often each rule was broken, then every error."""
    sheet = book.create_sheet(ERRORS, 0)
    for place, width in zip("ABCDEF", _WIDTHS, strict=True):
        sheet.column_dimensions[place].width = width
    _line(sheet, 1, (_TITLE,), bold=True)
    _line(
        sheet,
        2,
        (
            "Mend the marked cells and send this workbook to complete the first; no row counts twice.",
        ),
    )
    _line(sheet, 4, _BY_RULE, bold=True)
    for number, rule in enumerate(rules, start=5):
        first = ", ".join(str(row % SHEET_ROWS) for row in rule.rows)
        _line(sheet, number, (rule.code, rule.field, rule.count, first, rule.message, rule.fix))
    listed = 6 + len(rules)
    _line(sheet, listed, _BY_ROW, bold=True)
    for number, error in enumerate(errors, start=listed + 1):
        row = error.row % SHEET_ROWS
        told = (error.code, error.field, row, name_of(error), error.message, error.fix)
        _line(sheet, number, told)
    sheet["A1"].fill = WARNING
    book.active = 0


def _line(
    sheet: Worksheet, number: int, values: Sequence[str | int], *, bold: bool = False
) -> None:
    for place, value in enumerate(values, start=1):
        cell = sheet.cell(number, place)
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("?", value)
            cell.data_type = "s"
        else:
            cell.value = value
        cell.font = Font(bold=bold)
        if place > 4:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _saved(book: Any) -> bytes:
    try:
        return saved(book)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise _not_offered("The workbook holds something that cannot be given back.") from None


def _not_offered(why: str) -> Refused:
    return Refused(Reason.NOT_OFFERED, why)
