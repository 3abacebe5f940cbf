"""What the steps of current pay say: the whole sum, and what became of pay after the day that counts."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.client.events import Event
from gateway.consumers.proposal import explained
from tests.consumers.calculation.made_up import WHO, event, said, weekly_pay


def paid(seq: int, day: str, pence: int, frequency: str = "monthly", **pay: Any) -> Event:
    told = {"frequency": frequency, "pay_date": day, "taxable_pence": pence, **pay}
    work = {"employer_name": "Example Bakery Ltd"}
    groups = {"who": WHO, "pay": told, "work": work}
    return event(seq, "earnings", groups, organisation_class="employer")


def told(*events: Event) -> str:
    return explained(said(*events)[0])


@pytest.mark.parametrize(
    ("events", "words", "weekly"),
    [
        (
            [paid(1, "2026-04-30", 145_000)],
            "£1,450.00 in 1 monthly payment up to 2026-04-30: x 12 / 365 x 7.",
            "£333.698630...",
        ),
        (
            [paid(1, "2026-03-31", 145_000), paid(2, "2026-04-30", 300_840)],
            "£4,458.40 in 2 monthly payments up to 2026-04-30, averaged: / 2 x 12 / 365 x 7.",
            "£513.021369...",
        ),
        (
            [weekly_pay(1, 40_000)],
            "£400.00 in 1 weekly payment up to 2026-04-29.",
            "£400.00",
        ),
        (
            [paid(1, "2026-04-24", 80_000, "fortnightly")],
            "£800.00 in 1 fortnightly payment up to 2026-04-24: / 2.",
            "£400.00",
        ),
        (
            [paid(1, "2026-04-24", 160_000, "weekly", periods_covered=4)],
            "£1,600.00 in 1 weekly payment up to 2026-04-24, for 4 periods: / 4.",
            "£400.00",
        ),
        (
            [paid(1, "2026-04-10", 40_000, "weekly"), paid(2, "2026-04-24", 80_000, "fortnightly")],
            "£1,200.00 in 2 payments up to 2026-04-24, for 21 days in all: / 21 x 7.",
            "£400.00",
        ),
    ],
)
def test_the_step_of_pay_can_be_worked_out_again(
    events: list[Event], words: str, weekly: str
) -> None:
    text = told(*events)
    assert words in text
    assert f"Paid now by Example Bakery Ltd: {weekly} a week" in text


def test_pay_after_the_day_that_counts_is_told() -> None:
    before, after = weekly_pay(1, 40_000), paid(2, "2026-05-30", 99_900)
    text = told(before, after)
    assert "Paid after the day that counts: left out" in text
    assert "£999.00 was paid by Example Bakery Ltd after 2026-05-01" in text
    alone = told(after)
    assert "Paid after the day that counts: counted" in alone
    assert "after 2026-05-01; nothing before it is known" in alone


def test_an_employer_is_shown_by_the_name_that_another_record_gives() -> None:
    pay = {"frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": 40_000}
    unnamed = {"who": WHO, "pay": pay, "work": {"paye_reference": "EX456"}}
    named = {"who": WHO, "work": {"paye_reference": "EX456", "employer_name": "Example Bakery Ltd"}}
    records = [event(1, "earnings", unnamed, organisation_class="employer")]
    assert "Paid now by PAYE EX456" in told(*records)
    records.append(event(2, "employment", named))
    assert "Paid now by Example Bakery Ltd" in told(*records)


@pytest.mark.parametrize(
    ("pay", "why"), [({"is_irregular": True}, "irregular"), ({"frequency": "one_off"}, "one-off")]
)
def test_pay_that_is_left_out_is_told(pay: dict[str, Any], why: str) -> None:
    odd = paid(2, "2026-04-10", 18_240, **({"frequency": "weekly"} | pay))
    made = said(weekly_pay(1, 40_000), odd)[0]
    assert made.figures["income"] == "400.00"
    assert made.evidence == (1, 2)
    text = explained(made)
    assert f"Left out: {why}, £182.40" in text
    assert "1 payment by Example Bakery Ltd" in text
    assert "Left out" not in told(weekly_pay(1, 40_000))


def test_a_record_that_contradicts_the_case_says_what_to_compare() -> None:
    who = WHO | {"date_of_birth": "1988-02-29", "surname": "Field-Marsh"}
    pay = {"frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": 40_000}
    record = event(7, "earnings", {"who": who, "pay": pay, "work": {}})
    maintenance, uncertain = said(record)
    assert maintenance.figures["income"] == "400.00"
    assert uncertain.line() == (
        "IDENTITY_UNCERTAIN case-1 rows=1 surname=differs date_of_birth=differs"
    )
    for text in (explained(maintenance), explained(uncertain)):
        assert "The record says 1988-02-29, the case 1988-03-14: compare before you rely" in text
        assert "The record says Field-Marsh, the case Marsh: compare before you rely" in text
        assert "Another date of birth: event 7" in text
    same = event(7, "earnings", {"who": WHO | {"surname": "MARSH"}, "pay": pay, "work": {}})
    assert [each.code for each in said(same)] == ["MAINTENANCE"]
