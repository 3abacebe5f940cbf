"""Dates and amounts as they are written; what has two readings waits for its column."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.syntax.spelling import (
    AmbiguousError,
    Marks,
    NotReadError,
    Order,
    day,
    day_evidence,
    marks_evidence,
    pence,
)

LAST_OF_JANUARY = dt.date(2026, 1, 31)


@pytest.mark.parametrize(
    "text",
    ["2026-01-31", "2026/01/31", "20260131", "31/01/2026", "31.01.2026", "31-01-2026", "01/31/2026",
     "31-Jan-2026", "31 January 2026", "31st Jan. 2026", "31 JAN 2026", "2026-01-31 00:00:00",
     "2026-01-31T00:00", "31/01/2026 00:00:00.000"],
)  # fmt: skip
def test_a_date_with_one_reading_is_read_whatever_its_column_says(text: str) -> None:
    for order in (Order(0), Order.DAY, Order.MONTH, Order.DAY | Order.MONTH):
        assert day(text, order) == LAST_OF_JANUARY


@pytest.mark.parametrize(
    "text",
    ["", "x", "31/02/2026", "32/01/2026", "31/13/2026", "2026-1", "31/01/26", "31/01-2026",
     "2026-01-31 12:00:00", "00010101", "31 Foo 2026", "\u0663\u0661/\u0660\u0661/2026", "2026-01-31Z", "45321"],
)  # fmt: skip
def test_what_is_no_day_is_not_read(text: str) -> None:
    with pytest.raises(NotReadError):
        day(text, Order.DAY)


def test_a_date_with_two_readings_is_read_by_its_column_alone() -> None:
    for none in (Order(0), Order.DAY | Order.MONTH):
        with pytest.raises(AmbiguousError):
            day("01/02/2026", none)
    assert day("01/02/2026", Order.DAY) == dt.date(2026, 2, 1)
    assert day("01/02/2026", Order.MONTH) == dt.date(2026, 1, 2)
    assert day("02/02/2026", Order(0)) == dt.date(2026, 2, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [("31/01/2026", Order.DAY), ("01.31.2026", Order.MONTH), ("01/02/2026", Order(0)),
     ("2026-01-31", Order(0)), ("31/31/2026", Order(0)), ("", Order(0))],
)  # fmt: skip
def test_what_a_date_says_of_the_others(text: str, says: Order) -> None:
    assert day_evidence(text) == says


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1234.50", 123450), ("£1,234.50", 123450), ("1,234.5", 123450), ("1.234,50", 123450),
     ("1 234,50", 123450), ("1\u00a0234.50", 123450), ("GBP 12.00", 1200), ("12.00 gbp", 1200),
     ("(1,234.50)", -123450), ("-5", -500), ("-£5.00", -500), ("£-5", -500), ("+5", 500),
     ("1,234,567", 123456700), ("1234,5", 123450), ("\u22125", -500), ("0", 0)],
)  # fmt: skip
def test_an_amount_with_one_reading_is_read_whatever_its_column_says(
    text: str, amount: int
) -> None:
    for marks in (Marks(0), Marks.POINT, Marks.COMMA, Marks.POINT | Marks.COMMA):
        assert pence(text, marks) == amount


@pytest.mark.parametrize(
    "text",
    ["", "x", "1,23,456.00", "1.2345", "12.345.6", "$5", "5 EUR", "--5", "(-5)", "(5", "5)", "£5£",
     "1e5", ".50", "5.", "\u0661\u0662", "123456789012", "1,234 567",
     "0,500", "0 500", "£00,500.00"],
)  # fmt: skip
def test_what_is_no_amount_is_not_read(text: str) -> None:
    with pytest.raises(NotReadError):
        pence(text, Marks.POINT)


def test_an_amount_with_two_readings_is_read_by_its_column_alone() -> None:
    for text in ("1,234", "1.234", "£1,234", "(1,234)"):
        for none in (Marks(0), Marks.POINT | Marks.COMMA):
            with pytest.raises(AmbiguousError):
                pence(text, none)
    assert pence("1,234", Marks.POINT) == pence("1.234", Marks.COMMA) == 123400
    for text, marks in (("1,234", Marks.COMMA), ("1.234", Marks.POINT)):
        with pytest.raises(NotReadError):
            pence(text, marks)


@given(st.text(max_size=20) | st.text("0123456789.,/- £()", max_size=14))
def test_anything_is_read_or_not_and_nothing_else(text: str) -> None:
    for order, marks in ((Order(0), Marks(0)), (Order.DAY, Marks.COMMA)):
        for read, how in ((day, order), (pence, marks)):
            try:
                read(text, how)  # type: ignore[operator]
            except (NotReadError, AmbiguousError):
                continue
    assert day_evidence(text) in {Order(0), Order.DAY, Order.MONTH}
    assert marks_evidence(text) in {Marks(0), Marks.POINT, Marks.COMMA}


@given(st.dates(), st.sampled_from(["%d/%m/%Y", "%d.%m.%Y"]))
def test_a_written_date_reads_back_by_its_order(date: dt.date, form: str) -> None:
    text = f"{date.day:02d}{form[2]}{date.month:02d}{form[2]}{date.year:04d}"
    assert day(text, Order.DAY) == date


@given(st.integers(-(10**12), 10**12))
def test_a_written_amount_reads_back(amount: int) -> None:
    text = f"{'-' if amount < 0 else ''}£{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
    assert pence(text, Marks(0)) == amount
