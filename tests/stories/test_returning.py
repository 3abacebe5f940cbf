"""What is given back to be mended: the refused rows alone in each format, and the workbook marked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any, Final

import openpyxl
import pytest

from gateway.core.cursor import write_cursor
from tests.conftest import House
from tests.schedules import schedule, total
from tests.stories.test_mending import BAD, GOOD, WORSE, keyed, row

SCHEDULE: Final = "application/vnd.cms-gateway.deduction-schedule+csv"
CSV: Final = "application/vnd.cms-gateway.records+csv"
JSONL: Final = "application/vnd.cms-gateway.records+jsonl"
WORKBOOK: Final = "application/vnd.cms-gateway.records+xlsx"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

HEAD: Final = ("surname", "cms_reference", "leave_date", "due", "deducted", "note")
NOTE: Final = "=1+1"
# The first row says that days come first; of the others' dates nothing says so.
LINES: Final = (
    ("Marsh", "000000000001", "28/10/2026", "10.00", "10.00", ""),
    ("Okafor", "WRONG-1", "03/10/2026", "20.00", "20.00", NOTE),
    ("Reyes", "000000000003", "04/10/2026", "1,000.00", "", ""),
    ("Novák", "000000000004", "05/10/2026", "40.00", "40.00", ""),
)


def table(rows: Any = LINES) -> bytes:
    return "\r\n".join(";".join(cells) for cells in (HEAD, *rows, ())).encode()


def workbook(rows: Any = LINES) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "deduction"
    for number, cells in enumerate((HEAD, *rows), start=1):
        for place, text in enumerate(cells, start=1):
            cell = sheet.cell(number, place)
            cell.value = text or None
            cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def line(name: str, reference: str, day: str, due: int, **deducted: int) -> str:
    groups = {"who": {"surname": name, "cms_reference": reference}, "work": {"leave_date": day}}
    told = {"type": "deduction"} | groups | {"deduction": {"due_pence": due} | deducted}
    return json.dumps(told)


BROKEN: Final = '{"type": "deduction", '
RECORDS: Final = (
    line("Marsh", "000000000001", "2026-10-28", 1000, deducted_pence=1000),
    line("Okafor", "WRONG-1", "2026-10-03", 2000, deducted_pence=2000),
    BROKEN,
    line("Novák", "000000000004", "2026-10-05", 4000, deducted_pence=4000),
)


def mend_table(got: bytes) -> bytes:
    text = got.decode("utf-8-sig")
    lines = text.splitlines()
    assert lines[0] == "row_key;" + ";".join(HEAD)
    assert lines[1] == "row:3;Okafor;WRONG-1;2026-10-03;20.00;20.00;'=1+1"
    assert lines[2] == "row:4;Reyes;000000000003;2026-10-04;1000.00;;"
    mended = text.replace("WRONG-1", "000000000002").replace("1000.00;;", "1000.00;1000.00;")
    return ("\ufeff" + mended).encode()


def mend_workbook(got: bytes) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(got))
    sheet = book["deduction"]
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == ["row_key", *HEAD]
    assert [cells[0].value for cells in rows[1:]] == ["row:3", "row:4"]
    assert rows[1][6].value == NOTE
    assert rows[1][6].data_type == "s"
    assert rows[1][2].comment is not None
    assert rows[2][5].comment is not None
    rows[1][2].value, rows[2][5].value = "000000000002", 1000
    rows[1][6].data_type = "s"  # the library would make it a formula as it saves
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mend_lines(got: bytes) -> bytes:
    first, second = map(json.loads, got.splitlines())
    assert (first["key"], second) == ("row:2", {"key": "row:3", "line": BROKEN.strip()})
    first["who"]["cms_reference"] = "000000000002"
    whole = json.loads(line("Reyes", "000000000003", "2026-10-04", 1, deducted_pence=1))
    return "\n".join(map(json.dumps, (first, whole | {"key": second["key"]}))).encode()


def mend_schedule(got: bytes) -> bytes:
    text = got.decode("utf-8-sig")
    assert text.splitlines()[1].startswith("row:3,E1,M,2026-10-01")
    assert text.splitlines()[-1] == "TOTAL,2,300.00"
    return text.replace("WRONG-1", "000000000044").replace("WRONG-2", "000000000055").encode()


FORMATS: Final[dict[str, tuple[bytes, Callable[[bytes], bytes]]]] = {
    SCHEDULE: (schedule(GOOD[0], BAD, WORSE, GOOD[1]), mend_schedule),
    CSV: (table(), mend_table),
    JSONL: ("\n".join(RECORDS).encode(), mend_lines),
    WORKBOOK: (workbook(), mend_workbook),
}


async def names(house: House) -> list[str]:
    lines = await house.enforcement.feed("enforcement", after=write_cursor("enforcement", 0))
    return sorted(
        each["record"]["groups"]["who"]["value"]["surname"] for each in lines if "record" in each
    )


async def refused(house: House, submission: str) -> tuple[int, Any, dict[str, str]]:
    return await house.employer.call("GET", f"/v1/submissions/{submission}/refused")


async def marked(house: House, submission: str) -> tuple[int, Any]:
    status, body, _ = await house.employer.call(
        "GET", f"/v1/submissions/{submission}/errors", headers={"Accept": XLSX}
    )
    return status, body


@pytest.mark.parametrize("kind", FORMATS)
async def test_the_refused_rows_alone_are_mended_and_complete_the_file(
    house: House, kind: str
) -> None:
    body, mend = FORMATS[kind]
    _, first, _ = await house.employer.submit(body, kind)
    assert (first["rows"]["accepted"], first["rows"]["refused"], first["open"]) == (2, 2, 2)
    status, got, headers = await refused(house, first["id"])
    assert status == 200, got
    assert headers["Content-Type"].partition(";")[0] == kind
    ending = kind.rpartition("+")[2]
    name = f'attachment; filename="{first["id"]}-refused.{ending}"'
    assert headers["Content-Disposition"] == name
    status, second, _ = await house.employer.submit(mend(got), kind, Completes=first["id"])
    assert (status, second["rows"]["accepted"], second["errors"]) == (201, 2, []), second
    _, found, _ = await house.employer.call("GET", f"/v1/submissions/{first['id']}")
    assert found["open"] == 0
    assert len(await names(house)) == 4
    status, told, _ = await refused(house, first["id"])
    assert (status, told["type"].rpartition("/")[2]) == (404, "not-open")


@pytest.mark.parametrize("kind", [SCHEDULE, CSV, WORKBOOK])
async def test_what_is_given_back_and_not_mended_stays_open(house: House, kind: str) -> None:
    _, first, _ = await house.employer.submit(FORMATS[kind][0], kind)
    _, got, _ = await refused(house, first["id"])
    status, _, _ = await house.employer.submit(got, kind, Completes=first["id"])
    assert status == 422
    _, found, _ = await house.employer.call("GET", f"/v1/submissions/{first['id']}")
    assert found["open"] == 2


async def test_only_rows_that_are_still_open_are_given_back(house: House) -> None:
    named = [("K-1", GOOD[0]), ("K-7", BAD), ("", WORSE)]
    _, first, _ = await house.employer.submit(keyed(*named), SCHEDULE)
    mended = keyed(("K-7", row("000000000044", "Okafor")))
    await house.employer.submit(mended, SCHEDULE, Completes=first["id"])
    status, got, _ = await refused(house, first["id"])
    assert status == 200
    lines = got.decode("utf-8-sig").splitlines()
    assert [each.rpartition(",")[2] for each in lines] == ["row_key", "row:4", "150.00"]
    assert "K-7" not in got.decode()


async def test_rows_with_cells_too_many_or_unreadable_amounts_keep_the_totals_right(
    house: House,
) -> None:
    strange = BAD.replace("150.00,150.00", "150.00,many")
    body = schedule(*GOOD).rpartition(b"TOTAL")[0]
    body += f"{BAD},,,extra\r\n{strange}\r\n".encode() + total(5, 45_000)
    _, first, _ = await house.employer.submit(body, SCHEDULE)
    assert first["open"] == 2, first
    _, got, _ = await refused(house, first["id"])
    assert got.decode().splitlines()[-1] == "TOTAL,2,0.00"
    good = row("000000000091", "Okafor"), row("000000000092", "Reyes")
    again = keyed(*zip(("row:5", "row:6"), good, strict=True))
    _, second, _ = await house.employer.submit(again, SCHEDULE, Completes=first["id"])
    assert second["rows"]["accepted"] == 2


async def test_a_large_file_gives_its_refused_rows_back(house: House) -> None:
    many = [row(f"{n:012d}", f"S{n}") for n in range(1, 1_500)]
    many[700], many[900] = BAD, WORSE
    _, first, _ = await house.employer.submit(schedule(*many), SCHEDULE, Prefer="wait=30")
    _, got, _ = await refused(house, first["id"])
    again = mend_schedule(got.replace(b"row:702", b"row:3", 1)).replace(b"row:3", b"row:702", 1)
    _, second, _ = await house.employer.submit(again, SCHEDULE, Completes=first["id"])
    assert (second["rows"]["accepted"], second["rows"]["refused"]) == (2, 0)


async def test_the_workbook_comes_back_with_each_wrong_cell_marked(house: House) -> None:
    _, first, _ = await house.employer.submit(workbook(), WORKBOOK)
    status, got = await marked(house, first["id"])
    assert status == 200, got
    book = openpyxl.load_workbook(io.BytesIO(got))
    assert book.sheetnames == ["Errors", "deduction"]
    sheet = book["deduction"]
    assert sheet["B3"].value == "WRONG-1"
    assert sheet["B3"].fill.fgColor.rgb == "00FFC7CE"
    assert (
        "CMS_REFERENCE_NOT_VALID" in (sheet["B3"].comment or openpyxl.comments.Comment("", "")).text
    )
    assert sheet["E4"].comment is not None
    assert sheet["B2"].comment is None
    assert (sheet["F3"].value, sheet["F3"].data_type) == (NOTE, "s")
    listed = [[cell.value for cell in cells] for cells in book["Errors"].iter_rows()]
    assert ["CMS_REFERENCE_NOT_VALID", "deduction!cms_reference", 1, "3"] in [c[:4] for c in listed]
    assert [c[3] for c in listed if isinstance(c[3], str) and c[3].startswith("row:")] == [
        "row:3",
        "row:4",
    ]


async def test_the_marked_workbook_is_mended_and_sent_as_it_is(house: House) -> None:
    _, first, _ = await house.employer.submit(workbook(), WORKBOOK)
    _, got = await marked(house, first["id"])
    book = openpyxl.load_workbook(io.BytesIO(got))
    book["deduction"]["B3"].value, book["deduction"]["E4"].value = "000000000002", "1000.00"
    out = io.BytesIO()
    book.save(out)
    status, second, _ = await house.employer.submit(out.getvalue(), WORKBOOK, Completes=first["id"])
    assert status == 201, second
    assert second["rows"]["accepted"] == 2
    assert {note["code"] for note in second["notes"]} == {"DATES_READ_AS", "ROWS_NOT_OPEN"}
    assert len(await names(house)) == 4
