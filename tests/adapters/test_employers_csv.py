"""Payment schedules as CSV: whatever a spreadsheet or a payroll makes of one, and hostile ones."""

from __future__ import annotations

import csv
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.employers.columns import COLUMNS, REQUIRED
from adapters.employers.schedule_csv import SCHEDULE_CSV
from gateway.core.adapter import ReadContext
from gateway.core.limits import CELL_CHARS
from gateway.core.records import Deduction
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.schedule_files import (
    NOW,
    Row,
    csv_of,
    notes,
    read_csv,
    read_xml,
    records,
    row,
    rows,
    survives,
    told,
    unnumbered,
    xml_of,
)

PLAIN = csv_of(rows(3))
HEADER, *LINES, TOTAL = PLAIN.splitlines()


def refusal(content: str | bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read_csv(content)
    return refused.value


# --- what spreadsheets do -----------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_dialect_reads_to_the_same_records(
    separator: str, end: str, quoting: int, mark: str
) -> None:
    content = csv_of(rows(3), separator=separator, end=end, quoting=quoting)
    assert read_csv(mark + content) == read_csv(PLAIN)


@pytest.mark.parametrize("end", ["", "\r\n", "\n\n\n", "\r\n,,,,,,,,\r\n", "\r\n , \r\n"])
def test_the_file_may_end_in_nothing_or_in_blank_rows(end: str) -> None:
    assert read_csv(PLAIN.rstrip() + end) == read_csv(PLAIN)


def test_blank_rows_are_skipped_and_counted() -> None:
    content = "\n".join([HEADER, LINES[0], "", ",,,,,,,,", LINES[1], LINES[2], TOTAL])
    assert [record.row for record in records(read_csv(content))] == [2, 5, 6]


def test_trailing_separators_are_no_columns() -> None:
    content = "\n".join(f"{line},," for line in PLAIN.splitlines())
    assert read_csv(content) == read_csv(PLAIN)


@pytest.mark.parametrize("name", ["TOTAL", "Total", "total", " ToTal "])
def test_the_totals_may_be_spelled_and_padded_as_a_spreadsheet_does(name: str) -> None:
    content = PLAIN.replace("TOTAL,3,450.00", f"{name},3,450.00")
    assert read_csv(content) == read_csv(PLAIN)
    if name != " ToTal ":
        assert read_csv(content.rstrip() + "," * 6) == read_csv(PLAIN)


def test_windows_1252_is_read_and_noted() -> None:
    content = csv_of([row(surname="Müller", forename="Zoë €")])
    items = read_csv(content.encode("cp1252"))
    assert [note.code for note in notes(items)] == ["CHARACTER_SET_ASSUMED"]
    assert records(items) == records(read_csv(content))


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_where_its_mark_says_so(charset: str) -> None:
    content = csv_of([row(surname="Müller", forename="Zoë €")])
    mark = "" if charset == "utf-16" else "\ufeff"
    assert read_csv((mark + content).encode(charset)) == read_csv(content)


def test_utf_8_is_known_even_where_a_chunk_ends_inside_a_character() -> None:
    content = csv_of([row(surname="é" * 140, employee_cm_ref=f"{n:012d}") for n in range(2_000)])
    for shift in (0, 1):
        data = (" " * shift + content).encode()
        assert len(data) > 512 * 1024
        assert notes(read_csv(data)) == []


def test_a_character_cut_off_at_the_end_is_not_utf_8() -> None:
    data = PLAIN.encode() + "é".encode()[:1]
    assert refusal(data).reason is Reason.FILE_RULE  # windows-1252 then, and a row after the totals


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PLAIN.encode("utf-16-le"), Reason.CHARACTER_SET),
        (PLAIN.encode() + b"\0", Reason.CHARACTER_SET),
        (PLAIN.replace("Marsh", "M\x81rsh").encode("latin-1"), Reason.CHARACTER_SET),
        (b"\n" + PLAIN.encode(), Reason.CSV_NOT_WELL_FORMED),
        (b"x" * 3_000_000, Reason.CSV_NOT_WELL_FORMED),
        (b'"', Reason.CSV_NOT_WELL_FORMED),
        (b"\xff\xfe", Reason.CHARACTER_SET),
    ],
)
def test_what_is_not_text_or_not_a_table_is_refused(data: bytes, reason: Reason) -> None:
    assert refusal(data).reason is reason


# --- the header ---------------------------------------------------------------------------------


@given(st.randoms(use_true_random=False))
def test_columns_may_stand_in_any_order(shuffler: random.Random) -> None:
    given_rows = [row(nino="AA000017A", town="Exampleton"), *rows(2, town="X")]
    columns = [*REQUIRED, "nino", "town"]
    shuffler.shuffle(columns)
    assert unnumbered(read_csv(csv_of(given_rows, columns=columns))) == unnumbered(
        read_csv(csv_of(given_rows)),
    )


def test_a_surname_in_front_may_be_total() -> None:
    columns = ["surname", *[name for name in REQUIRED if name != "surname"]]
    items = read_csv(csv_of([row(surname="TOTAL")], columns=columns))
    assert [record.who.surname for record in records(items)] == ["TOTAL"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "header", [HEADER.upper(), HEADER.replace(",", " , "), f" {HEADER.title()} "]
)
def test_the_header_may_be_in_any_case_and_spaced(header: str) -> None:
    assert read_csv(PLAIN.replace(HEADER, header)) == read_csv(PLAIN)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.replace("surname", "name"), "column 7"),
        (HEADER.replace("surname", ""), "column 7"),
        (HEADER.replace("surname,", ""), "lacks surname"),
        (HEADER.replace("surname", "ndr_due"), "lacks surname"),
        (f"{HEADER},surname", "twice"),
        (HEADER.replace(",", "|"), "column 1"),
        (f'{HEADER},"', "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_header_that_is_not_the_templates_is_told_by_place(header: str, words: str) -> None:
    refused = refusal(PLAIN.replace(HEADER, header))
    assert refused.reason is Reason.CSV_NOT_WELL_FORMED
    assert words in refused.detail or words == "cannot be read"


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_but_the_needed_may_be_missing(name: str) -> None:
    content = csv_of([row()], columns=[column for column in COLUMNS if column != name])
    if name in REQUIRED:
        assert f"lacks {name}" in refusal(content).detail
    else:
        assert unnumbered(read_csv(content)) == unnumbered(read_csv(csv_of([row()])))


# --- rows that are not what they should be ------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["x", "x,y", f"{LINES[1]},x", LINES[1].rsplit(",", 1)[0], "TOTAL,3,450.00,x"]
)
def test_a_ragged_row_is_told_and_the_others_go_in(line: str) -> None:
    items = read_csv(PLAIN.replace(LINES[1], line))
    assert told(items) == [(3, "row", "RAGGED_ROW")]
    assert [record.row for record in records(items)] == [2, 4]


def test_nothing_may_follow_the_totals() -> None:
    for more in (LINES[0], TOTAL, "x"):
        refused = refusal(f"{PLAIN}{more}")
        assert refused.reason is Reason.FILE_RULE
        assert "Row 6" in refused.detail


def test_quoted_cells_may_hold_separators_quotes_and_line_breaks() -> None:
    given_rows = [row(surname='Marsh, "Tam"', employee_cm_ref="1" * 12), *rows(2, surname="a\r\nb")]
    items = read_csv(csv_of(given_rows))
    assert [record.who.surname for record in records(items)] == ['Marsh, "Tam"']  # type: ignore[attr-defined]
    assert told(items) == [(3, "surname", "TEXT_NOT_VALID"), (4, "surname", "TEXT_NOT_VALID")]


@pytest.mark.parametrize(
    "line",
    [
        LINES[1].replace("Marsh", '"Marsh'),
        LINES[1].replace("Marsh", '"Marsh"x'),
        LINES[1].replace("Marsh", '"' + "x" * (CELL_CHARS + 1) + '"'),
        LINES[1].replace("Marsh", "x" * (CELL_CHARS + 1)),
    ],
)
def test_a_quote_never_closed_or_a_cell_too_long_refuses_the_file(line: str) -> None:
    refused = refusal(PLAIN.replace(LINES[1], line))
    assert refused.reason is Reason.CSV_NOT_WELL_FORMED
    assert "Marsh" not in refused.detail


@pytest.mark.parametrize("cell", ["x" * CELL_CHARS, '"' + "x" * CELL_CHARS + '"'])
def test_a_cell_of_just_the_limit_is_judged_as_a_cell(cell: str) -> None:
    items = read_csv(PLAIN.replace(LINES[1], LINES[1].replace("Marsh", cell)))
    assert told(items) == [(3, "surname", "TEXT_NOT_VALID")]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "'x", "%"])
def test_a_formula_is_data(cell: str) -> None:
    (record,) = records(read_csv(csv_of([row(surname=cell)])))
    assert isinstance(record, Deduction)
    assert record.who.surname == cell


# --- laws ---------------------------------------------------------------------------------------

names = st.text(
    st.characters(codec="cp1252", exclude_categories=["Cc", "Cs", "Zs"]), min_size=1, max_size=12
)
extras = st.fixed_dictionaries(
    {},
    optional={
        "nino": st.sampled_from(["AA000017A", "CE123456", ""]),
        "forename": names,
        "payroll_no": names,
        "net_earnings": st.sampled_from(["0.00", "1200.40", ""]),
        "admin_charge": st.sampled_from(["1.00", "0.99", ""]),
        "reason_code": st.sampled_from(["NO_EARNINGS", ""]),
        "reason_note": names,
        "left_date": st.dates().map(str),
        "payment_ref": names,
        "payment_date": st.dates().map(str),
        "address_1": names,
        "address_3": names,
        "town": names,
        "postcode": st.sampled_from(["SW1A 1AA", "M1 1AE", ""]),
    },
)


@st.composite
def schedules(draw: st.DrawFn) -> list[Row]:
    """A valid schedule of a few employees."""
    amounts = st.integers(0, 99_999).map(lambda pence: f"{pence // 100}.{pence % 100:02d}")
    made = []
    for number in range(draw(st.integers(0, 4))):
        amount = draw(amounts)
        made.append(
            row(
                employee_cm_ref=f"{number:012d}",
                surname=draw(names),
                ndr_due=amount,
                amount_deducted=amount,
            )
            | draw(extras),
        )
    return made


@settings(deadline=None)
@given(
    schedules(),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.randoms(use_true_random=False),
)
def test_a_valid_schedule_reads_back_however_it_is_written(
    schedule: list[Row],
    separator: str,
    quoting: int,
    charset: str,
    end: str,
    shuffler: random.Random,
) -> None:
    columns = [name for name in COLUMNS if name in REQUIRED or shuffler.random() < 0.9]
    shuffler.shuffle(columns)
    kept = [{name: text for name, text in one.items() if name in columns} for one in schedule]
    content = csv_of(kept, columns=columns, separator=separator, quoting=quoting, end=end)
    items = read_csv(content.encode(charset))
    from_xml = read_xml(xml_of(kept))
    assert told(items) == []
    assert unnumbered(items) == unnumbered(from_xml)
    assert len(records(items)) == max(1, len(schedule))
    for one, record in zip(kept, records(items), strict=False):
        assert isinstance(record, Deduction)
        assert record.who.surname == one["surname"].strip()
        assert record.who.forenames == (one.get("forename", "") or None)


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    survives(read_csv, data)
    survives(read_csv, HEADER.encode() + b"\n" + data)
    survives(read_csv, PLAIN.encode() + data)


@given(st.lists(st.tuples(st.integers(0, len(PLAIN)), st.binary(max_size=3)), max_size=5))
def test_a_damaged_schedule_is_read_or_refused(damage: list[tuple[int, bytes]]) -> None:
    data = PLAIN.encode()
    for place, put in damage:
        data = data[:place] + put + data[place + 1 :]
    survives(read_csv, data)


class CountedBody(MemoryBody):
    """Counts the bytes that are read, and the most that are read at once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.opened = 0

    def open(self):
        self.opened += 1
        return super().open()


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_body_is_opened_as_often_whatever_its_size(quoting: int) -> None:
    opened = []
    for count in (10, 5_000):
        body = CountedBody(csv_of(rows(count), quoting=quoting).encode())
        items = list(SCHEDULE_CSV.read(body, ReadContext(NOW)))
        assert len(items) == count
        opened.append(body.opened)
    assert opened[0] == opened[1]


def test_rows_are_given_before_the_file_has_been_read_to_its_end() -> None:
    body = MemoryBody((PLAIN[: PLAIN.index("TOTAL")] + '"never closed').encode())
    items = SCHEDULE_CSV.read(body, ReadContext(NOW))
    assert [next(items) for _ in range(3)] == records(read_csv(PLAIN))
    with pytest.raises(Refused):
        next(items)


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (PLAIN.encode(), True),
        (b"\xef\xbb\xbf" + PLAIN.upper().encode(), True),
        (PLAIN.replace("\r\n", "\r").encode(), True),
        (b'"EMPLOYEE_CM_REF"', True),
        (b"", False),
        (b"\nemployee_cm_ref", False),
        (b"<a/>", False),
    ],
)
def test_a_schedule_is_known_by_its_header(head: bytes, known: bool) -> None:  # noqa: FBT001
    assert SCHEDULE_CSV.recognises(head) is known
