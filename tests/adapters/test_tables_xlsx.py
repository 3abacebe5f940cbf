"""Workbooks: what spreadsheets do to values, and hostile ones, which nothing opens."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.tables.records_xlsx import RECORDS_XLSX
from gateway.core.limits import INLINE_BODY_BYTES
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT, split
from tests.adapters.workbooks import SHEET, header, parts_of, sheet, text_cell, workbook, zipped

HEADER = header("surname", "status", "since")
ROW = f'<row r="2">{text_cell("A2", "Marsh")}{text_cell("B2", "remand")}</row>'


def read(data: bytes) -> Any:
    return split(list(RECORDS_XLSX.read(MemoryBody(data), CONTEXT)))


def refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read(data)
    return refused.value


def dated(cell: str) -> bytes:
    row = f'<row r="2">{text_cell("A2", "M")}{text_cell("B2", "remand")}{cell}</row>'
    return workbook(HEADER + row)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ('<c r="C2" s="1"><v>46053</v></c>', "2026-01-31"),
        (text_cell("C2", "31/01/2026"), "2026-01-31"),
        (text_cell("C2", "2026-01-31"), "2026-01-31"),
        ('<c r="C2"><v>20260131</v></c>', "2026-01-31"),
        ('<c r="C2" s="1"><f>A9+1</f><v>46053</v></c>', "2026-01-31"),
    ],
)
def test_a_date_may_be_a_date_a_text_or_the_saved_value_of_a_formula(cell: str, day: str) -> None:
    found, errors, _ = read(dated(cell))
    assert errors == []
    assert found[0].custody.since.isoformat() == day


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ('<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "FORMULA_ERROR"),
        ('<c r="C2" s="1"><v>46053.5</v></c>', "DATE_NOT_VALID"),
        ('<c r="C2" t="b"><v>1</v></c>', "DATE_NOT_VALID"),
        (text_cell("C2", "01/02/2026"), "DATE_AMBIGUOUS"),
        ('<c r="D2"><v>1</v></c>', "RAGGED_ROW"),
    ],
)
def test_a_cell_that_is_no_date_is_told_by_sheet_and_column(cell: str, code: str) -> None:
    _, errors, _ = read(dated(cell))
    field = "custody!row" if code == "RAGGED_ROW" else "custody!since"
    assert [(error.row, error.field, error.code) for error in errors] == [(2, field, code)]


def test_dates_of_the_1904_system_are_read_as_what_they_show() -> None:
    parts = parts_of(
        sheet(HEADER + ROW.replace("</row>", '<c r="C2" s="1"><v>44591</v></c></row>')),
        more='<workbookPr date1904="1"/>',
    )
    found, _, _ = read(zipped(parts))
    assert found[0].custody.since.isoformat() == "2026-01-31"


def test_numbers_that_lost_their_noughts_and_amounts_of_floats() -> None:
    head = header("sort_code", "number", "surname", "booked", "holders")
    row = ('<row r="{0}"><c r="A{0}"><v>{1}</v></c><c r="B{0}"><v>{2}</v></c>'
           '<c r="D{0}"><v>{3}</v></c><c r="E{0}"><v>2</v></c></row>')  # fmt: skip
    rows = [
        (2, 123456, 12345678, "0.1"),
        (3, 17, 12345678, "1"),
        (4, 123456, 12345678, "0.30000000000000004"),
    ]
    found, errors, _ = read(
        workbook(head + "".join(row.format(*one) for one in rows), name="account")
    )
    (only,) = found
    assert (only.account.sort_code, only.account.holders) == ("123456", 2)
    assert only.balance.booked_pence == 10
    assert [(error.row, error.field, error.code) for error in errors] == [
        (3, "account!sort_code", "LEADING_ZEROS_LOST"),
        (4, "account!booked", "MONEY_NOT_VALID"),
    ]


def test_hidden_sheets_and_those_of_other_names_are_noted_and_not_read() -> None:
    for more in ({"state": "hidden"}, {"state": "veryHidden"}, {"name": "Notes"}):
        assert refusal(workbook(HEADER + ROW, **more)).reason is Reason.WORKBOOK_NOT_VALID
        items = RECORDS_XLSX.read(MemoryBody(workbook(HEADER + ROW, **more)), CONTEXT)
        note = next(items)
        assert note.code == "SHEET_IGNORED"  # type: ignore[union-attr]
        assert "Notes" not in note.message  # type: ignore[union-attr]


def test_hidden_rows_are_read_and_merged_cells_hold_one_value() -> None:
    rows = HEADER + ROW.replace('r="2">', 'r="2" hidden="1">', 1)
    merged = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    claimed = '<dimension ref="A1:XFD1048576"/>'
    for data in (sheet(rows), sheet(rows, merged), sheet(rows, before=claimed)):
        found, errors, _ = read(zipped(parts_of(data)))
        assert (len(found), errors) == (1, [])


@pytest.mark.parametrize(
    "rows",
    [
        HEADER + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        HEADER + '<row r="1048576"><c r="SF1048576"><v>1</v></c></row>',
        HEADER + '<row r="9"><c r="&#88;FD9"><v>1</v></c></row>',
        HEADER + '<row r="99999999"><c><v>1</v></c></row>',
        HEADER + '<row r="2"><c r="not a place"><v>1</v></c></row>',
        "<a>" * 70 + "</a>" * 70,
        "<row>",
    ],
)
def test_a_sheet_that_reaches_too_far_or_is_no_xml_is_never_opened(rows: str) -> None:
    assert refusal(workbook(rows)).reason is Reason.WORKBOOK_NOT_VALID


@pytest.mark.parametrize(
    "rows",
    [
        HEADER + '<row r="200000"><c r="B200000"><v>1</v></c></row>',
        HEADER + "<row/>" * 300_000,
    ],
    ids=["cells far apart", "empty elements"],
)
def test_a_small_workbook_has_no_work_for_a_large_one(rows: str) -> None:
    data = workbook(rows)
    assert len(data) < INLINE_BODY_BYTES
    assert refusal(data).reason in {Reason.WORKBOOK_NOT_VALID, Reason.DECOMPRESSION_LIMIT}


def test_a_document_type_is_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + sheet(HEADER)
    assert refusal(zipped(parts_of(bomb))).reason is Reason.XML_FORBIDDEN


def test_a_part_that_expands_too_far_is_refused() -> None:
    parts = parts_of(sheet(HEADER + ROW)) | {"xl/media/a.bin": "0" * 50_000_000}
    assert refusal(zipped(parts)).reason is Reason.DECOMPRESSION_LIMIT


GOOD = parts_of(sheet(HEADER + ROW))
PLAIN = zipped(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\0" * 100,
        PLAIN[:-1],
        PLAIN + b"\0",
        b"x" + PLAIN,
        PLAIN[:40] + bytes(20) + PLAIN[60:],
        zipped(GOOD | {"xl/vbaProject.bin": "x"}),
        zipped(GOOD | {"XL/WORKBOOK.XML": GOOD["xl/workbook.xml"]}),
        zipped({f"{n}": "" for n in range(600)}),
        zipped({name: part for name, part in GOOD.items() if name != "xl/workbook.xml"}),
        zipped({name: part for name, part in GOOD.items() if name != SHEET}),
        zipped(GOOD | {"xl/_rels/workbook.xml.rels": GOOD["xl/_rels/workbook.xml.rels"].replace(
            "worksheets/sheet1.xml", "media/a.bin")}),
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_workbook_is_refused(data: bytes) -> None:
    assert refusal(data).reason is Reason.WORKBOOK_NOT_VALID


def test_a_workbook_with_a_password_is_refused() -> None:
    data = bytearray(PLAIN)
    for at in range(len(data) - 4):
        if data[at : at + 4] == b"PK\x01\x02":
            data[at + 8] |= 1
    assert refusal(bytes(data)).reason is Reason.WORKBOOK_NOT_VALID


def test_a_wrong_header_is_refused_by_sheet_and_place() -> None:
    for head, words in (
        (header("surname", "nonsense"), "column 2"),
        (header("surname"), "lacks"),
        (header("status", "status"), "twice"),
        ("", "lacks"),
    ):
        refused = refusal(workbook(head + ROW))
        assert refused.reason is Reason.WORKBOOK_NOT_VALID
        assert "Sheet custody" in refused.detail
        assert words in refused.detail
        assert "nonsense" not in refused.detail


def test_links_to_elsewhere_are_not_followed() -> None:
    outside = GOOD["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        '<Relationship Id="r9" TargetMode="External" Type="x" Target="https://example.com/"/></Relationships>',
    )
    found, _, _ = read(zipped(GOOD | {"xl/_rels/workbook.xml.rels": outside}))
    assert len(found) == 1
