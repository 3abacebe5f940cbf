"""Marking workbooks that someone made to do harm, and writing them without touching the disk."""

from __future__ import annotations

import io
import tempfile
import zipfile

import openpyxl
import pytest

from adapters.syntax import plain_workbook
from adapters.syntax.workbook import Workbook
from adapters.tables.records_xlsx import RECORDS_XLSX
from adapters.tables.typed_cells import sheets_read
from gateway.core import limits
from gateway.core.mending import name_of
from gateway.core.record import RowError
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT
from tests.adapters.workbooks import (
    MAIN,
    OFFICE,
    PACKAGE,
    header,
    parts_of,
    sheet,
    text_cell,
    zipped,
)

ALL = "A1:XFD1048576"
FORMATTING = (
    f'<conditionalFormatting sqref="{ALL}"><cfRule type="expression" priority="1">'
    "<formula>[1]x!A1</formula></cfRule></conditionalFormatting>"
)
RELS = "xl/worksheets/_rels/sheet1.xml.rels"
NAMES = ("surname", "forenames", "nino", "employer_name", "start_date")


def row(number: int, nino: str = "BAD", surname: str = "Marsh") -> str:
    texts = (surname, "Tamsin", nino, "Example Ltd", "2021-04-06")
    cells = (text_cell(f"{'ABCDE'[place]}{number}", text) for place, text in enumerate(texts))
    return f'<row r="{number}">{"".join(cells)}</row>'


def book(more: str = "", before: str = "", rows: str | None = None, **parts: str | bytes) -> bytes:
    body = header(*NAMES) + (row(2) + row(3, "AA000017A") if rows is None else rows)
    named = {name.replace("__", "/").replace("_DOT_", "."): data for name, data in parts.items()}
    return zipped(parts_of(sheet(body, more, before), "employment") | named)


def errors_of(data: bytes) -> tuple[RowError, ...]:
    found = RECORDS_XLSX.read(MemoryBody(data), CONTEXT)
    return tuple(item for item in found if isinstance(item, RowError))


def marked(data: bytes) -> bytes:
    assert RECORDS_XLSX.mark is not None
    return RECORDS_XLSX.mark(MemoryBody(data), errors_of(data), ())


def excerpt(data: bytes) -> bytes:
    wrong: dict[int, list[RowError]] = {}
    for error in errors_of(data):
        wrong.setdefault(error.row, []).append(error)
    assert RECORDS_XLSX.excerpt is not None
    return b"".join(RECORDS_XLSX.excerpt(MemoryBody(data), wrong))


def everything_in(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(name.encode() + archive.read(name) for name in archive.namelist())


def test_nothing_is_written_to_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was asked for")

    for name in ("mkstemp", "mkdtemp", "_mkstemp_inner", "NamedTemporaryFile", "TemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("openpyxl.worksheet._writer.NamedTemporaryFile", refuse)
    assert marked(book())
    assert excerpt(book())


def test_the_wrong_cell_is_marked_and_no_other() -> None:
    told = openpyxl.load_workbook(io.BytesIO(marked(book())))["employment"]
    noted = [cell.coordinate for cells in told.iter_rows() for cell in cells if cell.comment]
    assert noted == ["C2"]


@pytest.mark.parametrize(
    "more",
    [
        f'<mergeCells count="1"><mergeCell ref="{ALL}"/></mergeCells>',
        f'<hyperlinks><hyperlink ref="{ALL}" location="x"/></hyperlinks>',
        FORMATTING,
        f'<autoFilter ref="{ALL}"/>',
        '<drawing xmlns:r="' + OFFICE + '" r:id="r9"/>',
        '<tableParts count="1"><tablePart xmlns:r="' + OFFICE + '" r:id="r9"/></tableParts>',
    ],
)
def test_a_range_over_the_whole_sheet_is_left_out(more: str) -> None:
    made = everything_in(marked(book(more)))
    assert b"1048576" not in made
    assert b"[1]" not in made


def test_links_comments_and_pictures_do_not_come_back() -> None:
    huge = "".join(f"{n * 7_919:x} " for n in range(20_000))
    comments = (
        f'<comments xmlns="{MAIN}"><authors><author>a</author></authors><commentList><comment '
        f'ref="{ALL}" authorId="0"><text><t>{"secret" + huge}</t></text></comment></commentList></comments>'
    )
    relations = (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/comments" '
        f'Target="../comments1.xml"/><Relationship Id="r2" Type="{OFFICE}/hyperlink" '
        'Target="https://elsewhere.example/" TargetMode="External"/></Relationships>'
    )
    link = (
        f'<externalLink xmlns="{MAIN}"><externalBook xmlns:r="{OFFICE}" r:id="r1"/></externalLink>'
    )
    data = book(
        '<hyperlinks><hyperlink xmlns:r="' + OFFICE + '" ref="A2" r:id="r2"/></hyperlinks>',
        **{
            "xl/comments1.xml": comments,
            RELS: relations,
            "xl/externalLinks/externalLink1.xml": link,
            "xl/media/image1.png": b"\x89PNG picture",
        },
    )
    for made in (everything_in(marked(data)), everything_in(excerpt(data))):
        for trace in (b"secret", b"elsewhere.example", b"externalLink", b"picture", b"image1"):
            assert trace not in made


def test_macros_are_refused_before_anything_is_marked() -> None:
    with pytest.raises(Refused) as refused:
        marked(book(**{"xl/vbaProject.bin": b"x"}))
    assert refused.value.reason is Reason.WORKBOOK_NOT_VALID


def test_a_text_that_begins_as_a_formula_stays_a_text_and_a_formula_becomes_its_value() -> None:
    formula = '<c r="A3"><f>1+1</f><v>2</v></c>' + text_cell("C3", "BAD") + text_cell("D3", "Ltd")
    data = book(rows=row(2, surname="=HYPERLINK(1)") + f'<row r="3">{formula}</row>')
    for made in (marked(data), excerpt(data)):
        assert b"<f>" not in everything_in(made)
        told = openpyxl.load_workbook(io.BytesIO(made))["employment"]
        texts = [
            cell for cells in told.iter_rows() for cell in cells if cell.value == "=HYPERLINK(1)"
        ]
        assert [cell.data_type for cell in texts] == ["s"]


def test_what_is_too_large_is_refused_with_the_way_to_mend_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = "".join(row(n) for n in range(2, 5)) + f'<row r="50000">{text_cell("E50000", "x")}</row>'
    with pytest.raises(Refused) as refused:
        marked(book(rows=wide))
    assert refused.value.reason is Reason.NOT_OFFERED
    assert "text/csv" in refused.value.meaning.fix
    with pytest.raises(Refused) as refused:
        plain_workbook.plain(book(), 1_000)
    assert refused.value.reason is Reason.NOT_OFFERED
    monkeypatch.setattr("adapters.tables.mark_xlsx.MARKED_BYTES", 100)
    with pytest.raises(Refused) as refused:
        marked(book())
    assert refused.value.reason is Reason.NOT_OFFERED
    assert limits.MARKED_CELLS == 200_000


def test_a_workbook_that_the_library_cannot_open_is_told_as_such() -> None:
    data = book(
        **{
            "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="x"/></cellXfs></styleSheet>'
        }
    )
    with pytest.raises(Refused) as refused:
        marked(data)
    assert refused.value.reason in {Reason.NOT_OFFERED, Reason.WORKBOOK_NOT_VALID}


def test_a_marked_copy_that_is_marked_again_has_one_list_of_errors() -> None:
    again = marked(marked(book()))
    assert openpyxl.load_workbook(io.BytesIO(again)).sheetnames == ["Errors", "employment"]


def test_rows_of_the_second_sheet_are_found_in_it() -> None:
    made = openpyxl.Workbook()
    first = made.create_sheet("earnings", 0)
    first.append(["surname", "employer_name", "pay_date", "net"])
    first.append(["Marsh", "Ltd", "2026-10-01", "bad"])
    second = made.create_sheet("Employment ")
    second.append(list(NAMES))
    second.append(["Marsh", "Tamsin", "BAD", "Ltd", "2021-04-06"])
    out = io.BytesIO()
    made.save(out)
    data = out.getvalue()
    errors = errors_of(data)
    assert {name_of(error) for error in errors} >= {"row:2", "row:10000002"}, errors
    told = openpyxl.load_workbook(io.BytesIO(marked(data)))
    assert told["Employment "]["C2"].comment is not None
    assert [one.template.name for one in sheets_read(Workbook(MemoryBody(excerpt(data))))] == [
        "earnings",
        "employment",
    ]
    assert {name_of(e) for e in errors_of(excerpt(data))} == {name_of(e) for e in errors}
