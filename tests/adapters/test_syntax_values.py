"""Cells to values and rows to records: laws that hold for any text."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adapters.employers.columns import BARE, COLUMNS
from adapters.employers.law import schedule_law
from adapters.employers.row_faults import faults_of
from adapters.employers.schedule import Schedule
from adapters.syntax.values import are_texts, day_of, pence_of, total_pence_of
from gateway.core.adapter import ReadContext
from gateway.core.records import Deduction
from tests.adapters.schedule_files import NOW, row


@given(st.integers(0, 10**11 - 1))
def test_pence_come_back_from_pounds(pence: int) -> None:
    assert pence_of(f"{pence // 100}.{pence % 100:02d}") == pence
    assert pence_of(str(pence // 100)) == pence // 100 * 100


@given(st.text(max_size=16) | st.from_regex("[0-9\u0661.,]{0,14}", fullmatch=True))
def test_pence_are_read_of_nothing_but_pounds_and_pence(text: str) -> None:
    pounds, point, pence = text.partition(".")
    plain = (pounds + pence).isascii() and pounds.isdigit() and len(pounds) <= 9
    good = plain and (pence.isdigit() and len(pence) == 2 if point else True)
    assert pence_of(text) == (round(float(text) * 100) if good else None)
    assert (total_pence_of(text) is not None) >= good


@given(st.text(max_size=12))
def test_days_are_read_of_nothing_but_days(text: str) -> None:
    day = day_of(text)
    assert day is None or day.isoformat() == text


@given(st.text(max_size=150))
def test_what_is_a_text_can_be_written_and_shown(text: str) -> None:
    if are_texts(text):
        assert len(text) <= 140
        assert "\n" not in text
        text.encode()


cells = st.sampled_from([
    "", " ", "x", "100000000017", "100000000025 ", "AA000017A", "aa000017a", "TN010180M", "1.00",
    "1", "150.00", "1.01", "-1", "M", "W", "OTHER", "NO_EARNINGS", "2026-10-01", "2026-10-31",
    "2026-10-07", "2026-02-30", "E1234567", "SW1A 1AA", "sw1a1aa", "x" * 141, "a\x01", "\u00a0",
])  # fmt: skip


@given(st.lists(st.lists(cells, min_size=25, max_size=25), max_size=4))
def test_any_row_gives_its_record_or_its_errors(given_rows: list[list[str]]) -> None:
    schedule = Schedule(ReadContext(NOW))
    for number, one in enumerate(given_rows, start=1):
        head, usual, rare = tuple(one[:5]), tuple(one[5:14]), tuple(one[14:])
        found = schedule.row(number, head, usual, rare)
        if isinstance(found, Deduction):
            assert found.row == number
            msgspec.json.encode(found)
        else:
            assert found
            assert all(error.row == number for error in found)


@given(st.dictionaries(st.sampled_from(COLUMNS[5:]), cells, max_size=3))
def test_a_row_is_turned_down_exactly_where_a_fault_is_found(changes: dict[str, str]) -> None:
    one = row(**changes)
    stripped = [one.get(name, "").strip() for name in COLUMNS]
    expected = faults_of(tuple(stripped[5:14]), tuple(stripped[14:]), 100, schedule_law())
    found = Schedule(ReadContext(NOW)).row(
        1,
        tuple(one.get(name, "") for name in COLUMNS[:5]),
        tuple(one.get(name, "") for name in COLUMNS[5:14]),
        tuple(one.get(name, "") for name in COLUMNS[14:]),
    )
    if expected:
        assert isinstance(found, list)
        assert {error.field for error in found} == {field for _, field in expected}
    else:
        assert isinstance(found, Deduction)


def test_the_work_for_a_row_does_not_grow_with_the_rows_before_it() -> None:
    """What is kept of a row is its key alone."""
    schedule = Schedule(ReadContext(NOW))
    head = tuple(row()[name] for name in COLUMNS[:5])
    for number in range(2_000):
        usual = (f"{number:012d}", f"Name {number}", f"{number}.00", f"{number}.00", *[""] * 5)
        schedule.row(number, head, usual, BARE)
    kept = {name: value for name, value in vars(schedule).items() if hasattr(value, "__len__")}
    assert {name: len(value) for name, value in kept.items() if len(value) > 5} == {"_seen": 2_000}
