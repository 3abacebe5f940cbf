"""First and last days: of custody, benefits, pensions, employments, accounts and things held."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.client.events import Event
from tests.consumers.calculation.made_up import (
    WHO,
    case_with,
    correction,
    event,
    lines,
    weekly_pay,
    year_of_pay,
)

YEAR = year_of_pay(1, 2_085_714)
NIL, FLAT, BASIC = "rate=nil", "rate=flat", "rate=basic"


def of(seq: int, record_type: str, group: str, **members: Any) -> Event:
    return event(seq, record_type, {"who": WHO, group: members})


@pytest.mark.parametrize(
    ("told", "rate"),
    [
        (of(2, "custody", "custody", status="sentenced", since="2026-05-01"), NIL),
        (of(2, "custody", "custody", status="sentenced", since="2026-05-02"), BASIC),
        (of(2, "custody", "custody", status="sentenced", released="2026-05-02"), NIL),
        (of(2, "custody", "custody", status="sentenced", released="2026-05-01"), BASIC),
        (of(2, "benefit", "benefit", kind="Carer's Allowance", since="2026-05-01"), FLAT),
        (of(2, "benefit", "benefit", kind="Carer's Allowance", since="2026-05-02"), BASIC),
        (of(2, "benefit", "benefit", kind="Carer's Allowance", until="2026-05-01"), FLAT),
        (of(2, "benefit", "benefit", kind="Carer's Allowance", until="2026-04-30"), BASIC),
    ],
)
def test_a_circumstance_counts_on_its_first_and_last_day(told: Event, rate: str) -> None:
    assert f" {rate} " in lines(YEAR, told)[0]


def test_the_last_word_on_custody_is_that_of_the_last_day() -> None:
    inside = of(2, "custody", "custody", status="sentenced", since="2026-01-01")
    out = of(3, "custody", "custody", status="licence", since="2026-03-01")
    assert BASIC in lines(YEAR, inside, out)[0]
    assert BASIC in lines(YEAR, of(3, "custody", "custody", status="sentenced", since="2026-01-01"),
                          of(2, "custody", "custody", status="licence", since="2026-03-01"))[0]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "counts"),
    [
        ({"started": "2026-05-01"}, True),
        ({"started": "2026-05-02"}, False),
        ({"ended": "2026-05-01"}, True),
        ({"ended": "2026-04-30"}, False),
        ({"in_payment": False}, False),
        ({"frequency": "one_off"}, False),
    ],
)
def test_a_pension_counts_on_its_first_and_last_day(days: dict[str, Any], *, counts: bool) -> None:
    base = {"scheme": "A", "scheme_kind": "occupational", "in_payment": True,
            "frequency": "weekly", "gross_pence": 30_000}  # fmt: skip
    told = lines(of(2, "pension", "pension", **(base | days)))[0]
    assert (" income=300.00 " in told) is counts


@pytest.mark.parametrize(("left", "income"), [("2026-05-01", "450.00"), ("2026-04-30", "unknown")])
def test_an_employment_counts_until_it_is_left(left: str, income: str) -> None:
    told = weekly_pay(1, 45_000, work={"leave_date": left})
    assert f" income={income} " in lines(told)[0]


def paid(seq: int, day: str, pence: int) -> Event:
    pay = {"frequency": "weekly", "pay_date": day, "taxable_pence": pence}
    groups = {"who": WHO, "pay": pay, "work": {"employer_name": "X"}}
    return event(seq, "earnings", groups, organisation_class="employer")


@pytest.mark.parametrize(("day", "income"), [("2026-01-29", "450.00"), ("2026-01-28", "unknown")])
def test_pay_is_current_for_92_days(day: str, income: str) -> None:
    assert f" income={income} " in lines(paid(1, day, 45_000))[0]


@pytest.mark.parametrize(("day", "income"), [("2026-01-28", "300.00"), ("2026-01-27", "400.00")])
def test_pay_is_averaged_over_92_days(day: str, income: str) -> None:
    told = lines(paid(1, "2026-04-29", 40_000), paid(2, day, 20_000))[0]
    assert f" income={income} " in told


def accounts(seq: int, start: str, end: str, profit: int) -> Event:
    statement = {"period_start": start, "period_end": end, "profit_pence": profit}
    groups = {"who": WHO, "statement": statement, "business": {"business_name": "Example"}}
    return event(seq, "accounts_statement", groups, organisation_class="accountant")


def test_the_latest_accounts_of_a_business_count_alone() -> None:
    old = accounts(3, "2024-04-06", "2025-04-05", 1_000_000)
    new = accounts(2, "2025-04-06", "2026-04-05", 2_085_714)
    again = accounts(4, "2025-04-06", "2026-04-05", 1_042_857)
    ahead = accounts(5, "2026-05-02", "2027-04-05", 9_000_000)
    assert " income=400.00 " in lines(old, new, ahead)[0]
    assert " income=200.00 " in lines(old, new, again, ahead)[0]


@pytest.mark.parametrize(("end", "income"), [("2024-05-01", "400.00"), ("2024-04-30", "unknown")])
def test_accounts_are_current_for_two_years(end: str, income: str) -> None:
    start = f"2023-05-{'02' if end.endswith('01') else '01'}"
    assert f" income={income} " in lines(accounts(2, start, end, 2_091_428))[0]


def contributed(seq: int, start: str, end: str, pence: int) -> Event:
    return of(seq, "pension_contribution", "contribution", relief="relief_at_source",
              period_start=start, period_end=end, employee_pence=pence)  # fmt: skip


def test_contributions_of_the_last_92_days_are_deducted_from_current_pay() -> None:
    now = weekly_pay(1, 45_000)
    recent = contributed(2, "2026-01-23", "2026-01-29", 5_000)
    older = contributed(3, "2026-01-16", "2026-01-28", 9_000)
    assert " income=400.00 " in lines(now, recent, older)[0]
    assert " income=450.00 " in lines(now, older)[0]
    second = contributed(4, "2026-01-23", "2026-01-29", 2_500)
    other = msgspec.structs.replace(second, organisation="another scheme")
    assert " income=375.00 " in lines(now, recent, other)[0]


def test_a_refund_of_pay_is_no_income_below_nothing() -> None:
    assert " income=0.00 " in lines(paid(1, "2026-04-29", -5_000))[0]


def test_a_payment_that_was_taken_back_is_no_part_of_the_year() -> None:
    pay = {"tax_year": "2025-26", "pay_date": "2026-02-28", "taxable_pence": 100_000,
           "withdrawn_date": "2026-03-01"}  # fmt: skip
    taken = event(2, "earnings", {"who": WHO, "pay": pay, "work": {"employer_name": "X"}})
    assert lines(YEAR, taken) == lines(YEAR)


def test_the_last_contributions_to_date_are_those_of_the_year() -> None:
    def month(seq: int, day: str, taxable: int, contributed: int) -> Event:
        pay = {"tax_year": "2025-26", "pay_date": day, "taxable_to_date_pence": taxable,
               "pension_not_net_pay_to_date_pence": contributed}  # fmt: skip
        return event(seq, "earnings", {"who": WHO, "pay": pay, "work": {"employer_name": "X"}})

    told = [month(2, "2026-03-31", 2_085_714, 104_286), month(3, "2026-02-28", 1_900_000, 90_000)]
    book = case_with("asks_pension_deduction = true")
    assert " income=380.00 " in lines(*told, book=book)[0]


@pytest.mark.parametrize(
    ("until", "counts"), [("2026-05-01", True), ("2026-04-30", False), (None, True)]
)
def test_a_thing_is_held_until_its_last_day(until: str | None, *, counts: bool) -> None:
    members = {"kind": "shares", "value_pence": 4_000_000} | ({"until": until} if until else {})
    assert (len(lines(YEAR, of(2, "holding", "investment", **members))) == 2) is counts


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_a_thing_in_another_currency_is_not_counted(currency: str) -> None:
    thing = of(2, "holding", "investment", kind="shares", value_pence=4_000_000, currency=currency)
    money = of(3, "balance", "balance", booked_pence=4_000_000, currency=currency)
    assert lines(YEAR, thing, money) == lines(YEAR)


DIVIDENDS = of(
    5, "unearned_income", "income", category="dividends", tax_year="2025-26", gross_pence=500_000
)


def test_there_is_nothing_to_vary_for_who_pays_nothing() -> None:
    prisoner = of(2, "custody", "custody", status="remand")
    assert len(lines(YEAR, DIVIDENDS)) == 2
    assert len(lines(YEAR, DIVIDENDS, prisoner)) == 1


def test_a_dispute_is_told_only_where_it_bears_on_what_is_proposed() -> None:
    main, variation = lines(YEAR, DIVIDENDS, correction(6, DIVIDENDS, "disputed"))
    assert "disputed" not in main
    assert variation.endswith(" disputed=yes")


def test_a_calculation_in_force_is_judged_by_today() -> None:
    book = case_with("review_date = 2027-05-01", "present = { income_pence = 40000 }")
    prisoner = of(2, "custody", "custody", status="remand", since="2026-05-02")
    assert NIL in lines(prisoner, book=book)[0]
    assert BASIC in lines(YEAR, prisoner)[0]
