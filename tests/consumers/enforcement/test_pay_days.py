"""Pay-days of an order, and which of them a row answers."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consumers.enforcement.book import EarningsOrder, Frequency, Normal
from gateway.consumers.enforcement.pay_days import (
    first_from,
    number_of,
    pay_day,
    place_of,
    rate_on,
)
from gateway.consumers.enforcement.told import CaseNumbers, Deducted, DeductionRow, Pay, Who

FREQUENCIES: tuple[Frequency, ...] = ("weekly", "fortnightly", "four_weekly", "monthly")
orders = st.builds(
    lambda first, frequency: order(frequency, first),
    st.dates(dt.date(2020, 1, 1), dt.date(2026, 12, 31)),
    st.sampled_from(FREQUENCIES),
)


def order(frequency: Frequency, first: dt.date = dt.date(2026, 1, 30)) -> EarningsOrder:
    normal = Normal(since=first, weekly_pence=1, fortnightly_pence=2, four_weekly_pence=4, monthly_pence=5)  # fmt: skip
    return EarningsOrder(id="o", case="c", employer="e", served_on=first, first_pay_day=first,
                         frequency=frequency, normal=(normal,), nino="AA000017A")  # fmt: skip


def row(start: str | None, end: str | None, pay: Pay | None = None) -> DeductionRow:
    case = CaseNumbers(
        period_start=None if start is None else dt.date.fromisoformat(start),
        period_end=None if end is None else dt.date.fromisoformat(end),
    )
    return DeductionRow(who=Who(), deduction=Deducted(due_pence=1, deducted_pence=1), case=case, pay=pay)  # fmt: skip


@given(orders, st.integers(0, 400))
def test_each_pay_day_has_its_own_number(one: EarningsOrder, number: int) -> None:
    assert number_of(one, pay_day(one, number)) == number
    assert pay_day(one, number) < pay_day(one, number + 1)


@given(orders, st.integers(-30, 2_000))
def test_the_first_pay_day_from_a_day_is_the_first(one: EarningsOrder, after: int) -> None:
    since = one.first_pay_day + dt.timedelta(days=after)
    number = first_from(one, since)
    assert pay_day(one, number) >= since
    assert number == 0 or pay_day(one, number - 1) < since


@pytest.mark.parametrize(
    ("usual", "start", "end", "frequency"),
    [
        ("monthly", "2026-02-01", "2026-02-28", "monthly"),
        ("four_weekly", "2026-02-01", "2026-02-28", "four_weekly"),
        ("weekly", "2026-02-01", "2026-02-28", "monthly"),
        ("monthly", "2026-01-05", "2026-02-01", "four_weekly"),
        ("monthly", "2026-01-26", "2026-02-01", "weekly"),
        ("monthly", "2026-01-19", "2026-02-01", "fortnightly"),
        ("weekly", "2026-01-01", "2026-01-31", "monthly"),
        ("weekly", "2026-01-01", "2026-01-03", "weekly"),
        ("weekly", None, "2026-01-31", "weekly"),
    ],
)
def test_the_rate_is_that_of_the_period(
    usual: Frequency, start: str | None, end: str, frequency: str
) -> None:
    place = place_of(row(start, end), order(usual, dt.date(2026, 1, 2)))
    assert place is not None
    assert place.frequency == frequency


def test_a_row_of_a_month_answers_every_week_in_it() -> None:
    place = place_of(row("2026-02-01", "2026-02-28"), order("weekly", dt.date(2026, 1, 30)))
    assert place is not None
    assert place.numbers == (1, 2, 3, 4)


def test_what_shows_no_day_has_no_place() -> None:
    assert place_of(row(None, None), order("monthly")) is None
    assert place_of(row("2026-01-01", None), order("monthly")) is None


def test_the_pay_that_is_shown_goes_before_the_case() -> None:
    pay = Pay(pay_date=dt.date(2026, 3, 5), frequency="weekly")
    place = place_of(row("2026-01-01", "2026-01-31", pay), order("weekly", dt.date(2026, 1, 1)))
    assert place is not None
    assert (place.day, place.frequency) == (dt.date(2026, 3, 5), "weekly")


def test_a_varied_rate_holds_from_its_day() -> None:
    new = Normal(since=dt.date(2026, 3, 1), weekly_pence=10, fortnightly_pence=20, four_weekly_pence=40, monthly_pence=50)  # fmt: skip
    one = order("monthly")
    varied = EarningsOrder(id="o", case="c", employer="e", served_on=one.served_on,
                           first_pay_day=one.first_pay_day, frequency="monthly",
                           normal=(*one.normal, new), nino="AA000017A")  # fmt: skip
    told = [rate_on(varied, "monthly", dt.date(2026, 2, 28)), rate_on(varied, "weekly", dt.date(2026, 3, 1))]  # fmt: skip
    assert told == [5, 10]
