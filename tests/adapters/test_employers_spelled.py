"""Payment schedules with dates and amounts as people write them: one reading, or none."""

from __future__ import annotations

import pytest

from tests.adapters.schedule_files import csv_of, notes, read_csv, row, rows, told, unnumbered

PLAIN = rows(2, left_date="2026-10-31")


@pytest.mark.parametrize(
    "changes",
    [
        {"pay_date": "30/10/2026", "period_end": "31 October 2026"},
        {"period_start": "20261001", "left_date": "31.10.2026 00:00"},
        {"ndr_due": "£150.00", "amount_deducted": "GBP 150"},
        {"ndr_due": "150,00", "amount_deducted": "150.0"},
    ],
)
def test_what_has_one_reading_is_read_as_the_plain_file_is(changes: dict[str, str]) -> None:
    given = [one | changes for one in PLAIN]
    found = read_csv(csv_of(given, total="300.00"))
    assert unnumbered(found) == unnumbered(read_csv(csv_of(PLAIN)))
    assert notes(found) == []


def test_what_has_two_readings_is_read_as_its_column_shows_and_told() -> None:
    given = [
        one | {"left_date": text}
        for one, text in zip(PLAIN, ("05/10/2026", "31/10/2026"), strict=True)
    ]
    found = read_csv(csv_of(given))
    assert [str(one.work.leave_date) for one in unnumbered(found)] == ["2026-10-05", "2026-10-31"]
    assert [note.code for note in notes(found)] == ["DATES_READ_AS"]


def test_what_nothing_in_its_column_tells_is_refused_and_named() -> None:
    given = [row(period_start="01/10/2026")]
    assert told(read_csv(csv_of(given))) == [(2, "period_start", "DATE_AMBIGUOUS")]
    given = [row(ndr_due="1,150", amount_deducted="1150.00")]
    assert told(read_csv(csv_of(given))) == [(2, "ndr_due", "MONEY_AMBIGUOUS")]


def test_the_totals_are_no_evidence_and_may_be_written_as_the_amounts_are() -> None:
    given = [row(ndr_due="1.150,00", amount_deducted="1.150,00")]
    assert len(unnumbered(read_csv(csv_of(given, total="1.150,00", separator=";")))) == 1


def test_nothing_below_nought_is_a_deduction() -> None:
    given = [row(ndr_due="(150.00)")]
    assert told(read_csv(csv_of(given))) == [(2, "ndr_due", "MONEY_NOT_VALID")]
