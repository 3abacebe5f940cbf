"""Income: which year, how fresh, how much it must differ, and what a period of pay is a week."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consumers.calculation.circumstances import code_of
from gateway.consumers.calculation.income import differs, share
from gateway.consumers.calculation.tax_years import (
    ended_before,
    first_day,
    last_day,
    tax_year_of,
    twelfths_of_days,
)
from gateway.consumers.calculation.working import Source, sterling
from tests.consumers.calculation.made_up import WHO, case_with, event, lines, working, year_of_pay

pence = st.integers(0, 10**9)
LAW = Source("a law", "P")


@given(pence, st.integers(1, 10_000))
def test_rounding_is_to_the_nearest_penny_a_half_upwards(amount: int, over: int) -> None:
    work = working()
    found = work.worked("x", "y", LAW, amount, over)
    assert found == int(Fraction(amount, over) + Fraction(1, 2))
    assert len(work.steps) == (1 if amount % over == 0 else 2)


def test_what_is_worked_is_shown_as_it_is() -> None:
    work = working()
    work.worked("x", "y", LAW, Decimal("123456.5"), 1)
    work.worked("x", "y", LAW, 100, 3)
    work.worked("x", "y", LAW, 700, 1)
    assert [step.value for step in work.steps] == [
        "£1,234.565 a week",
        "£1,234.57 a week",
        "£0.333333... a week",
        "£0.33 a week",
        "£7.00 a week",
    ]
    assert sterling(-123_456_789) == "-£1,234,567.89"


@given(st.integers(1, 10**7), st.integers(0, 10**7))
def test_a_quarter_is_exact_both_ways(base: int, now: int) -> None:
    exact = Fraction(abs(now - base), base)
    assert differs(now, base, Decimal(25)) is (exact >= Fraction(1, 4))
    assert (abs(Decimal(share(now, base).removesuffix("%"))) >= 25) is (exact >= Fraction(1, 4))


def test_from_nothing_any_income_differs() -> None:
    assert differs(1, 0, Decimal(25))
    assert not differs(0, 0, Decimal(25))


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)))
def test_a_day_is_in_its_tax_year(day: dt.date) -> None:
    year = tax_year_of(day)
    assert first_day(year) <= day <= last_day(year)
    assert not ended_before(year, day, 6)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)))
def test_six_tax_years_ended_before_a_day(day: dt.date) -> None:
    years = {tax_year_of(dt.date(year, 7, 1)) for year in range(day.year - 12, day.year + 2)}
    assert sum(ended_before(year, day, 6) for year in years) == 6


@pytest.mark.parametrize(
    ("frequency", "times", "days"),
    [("weekly", 1, 7), ("fortnightly", 1, 14), ("four_weekly", 1, 28), ("monthly", 12, 365),
     ("quarterly", 4, 365), ("half_yearly", 2, 365), ("annual", 1, 365), ("weekly", 5, 35)],
)  # fmt: skip
def test_a_period_has_its_days(frequency: str, times: int, days: int) -> None:
    assert twelfths_of_days(frequency, times, 365, 7) == days * 12


@pytest.mark.parametrize("frequency", ["one_off", "irregular", None])
def test_what_has_no_period_has_no_days(frequency: str | None) -> None:
    assert twelfths_of_days(frequency, 1, 365, 7) is None


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("Carer's Allowance", "carers_allowance"),
        ("carer\u2019s allowance", "carers_allowance"),
        ("UNIVERSAL CREDIT", "universal_credit"),
        ("Income-based Jobseeker's Allowance", "income_based_jobseekers_allowance"),
    ],
)
def test_a_benefit_is_known_by_its_name(kind: str, code: str) -> None:
    assert code_of(kind) == code
    assert working().switched(f"prescribed_benefit.{code}") is not None


def paid(seq: int, **pay: Any) -> Any:
    groups = {"who": WHO, "pay": pay, "work": {"employer_name": "Example Bakery Ltd"}}
    return event(seq, "earnings", groups, organisation_class="employer")


@pytest.mark.parametrize(
    "pay",
    [
        {"frequency": "weekly", "taxable_pence": 40_000},
        {"frequency": "weekly", "pay_date": "2026-04-29"},
        {"frequency": "one_off", "pay_date": "2026-04-29", "taxable_pence": 40_000},
        {"frequency": "weekly", "pay_date": "2026-01-28", "taxable_pence": 40_000},
        {"frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": 40_000,
         "is_irregular": True},
        {"frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": 40_000,
         "withdrawn_date": "2026-04-30"},
    ],
)  # fmt: skip
def test_pay_that_cannot_be_made_weekly_or_is_long_ago_is_no_current_income(
    pay: dict[str, Any],
) -> None:
    assert lines(paid(1, **pay))[0].startswith("MAINTENANCE case-1 income=unknown")


def test_pay_of_a_period_in_days_is_by_the_day() -> None:
    told = paid(1, period_start="2026-04-20", period_end="2026-04-29", pay_date="2026-04-29",
                taxable_pence=100_000)  # fmt: skip
    assert " income=700.00 " in lines(told)[0]


def test_a_payroll_of_two_weeks_at_once_is_two_weeks() -> None:
    told = paid(
        1, frequency="weekly", periods_covered=2, pay_date="2026-04-29", taxable_pence=80_000
    )
    assert " income=400.00 " in lines(told)[0]


def test_contributions_on_the_payroll_are_deducted_where_no_scheme_tells_them() -> None:
    pay = {"tax_year": "2025-26", "pay_date": "2026-03-31", "taxable_pence": 2_085_714,
           "pension_not_net_pay_to_date_pence": 104_286}  # fmt: skip
    told = event(1, "earnings", {"who": WHO, "pay": pay, "work": {"employer_name": "X"}})
    assert " income=400.00 " in lines(told)[0]
    assert " income=380.00 " in lines(told, book=case_with("asks_pension_deduction = true"))[0]


def test_a_review_without_news_keeps_the_present_income() -> None:
    book = case_with("review_date = 2026-05-02", "present = { income_pence = 40000 }")
    assert lines(book=book) == ["MAINTENANCE case-1 income=400.00 rate=basic weekly=48.00"]


@given(st.integers(0, 20_000_000))
def test_historic_income_is_exact(amount: int) -> None:
    exact = int(Fraction(amount * 7, 365) + Fraction(1, 2))
    told = lines(year_of_pay(1, amount))[0]
    assert f" income={exact // 100}.{exact % 100:02d} " in told
