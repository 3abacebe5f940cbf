"""Proposals: what stands, whose a record is, in which order it came, and what an explanation says."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from gateway.client.events import Event
from gateway.consumers.calculation.book import read_book
from gateway.consumers.calculation.proposals import proposals
from gateway.consumers.proposal import explained
from gateway.consumers.rates import Rates
from tests.consumers.calculation.made_up import (
    CASE,
    RATES,
    TABLE,
    TODAY,
    WHO,
    case_from,
    case_with,
    correction,
    event,
    lines,
    said,
    weekly_pay,
    year_of_pay,
)
from tests.consumers.offline import ROOT

FOUR_HUNDRED = 2_085_714
DEFAULT = "MAINTENANCE case-1 income=unknown rate=default weekly=38.00"
BASIC = "MAINTENANCE case-1 income=400.00 rate=basic weekly=48.00"


@pytest.mark.parametrize("status", ["withdrawn", "incorrect", "superseded"])
def test_what_was_taken_back_no_longer_counts(status: str) -> None:
    told = year_of_pay(1, FOUR_HUNDRED)
    assert lines(told) == [BASIC]
    assert lines(told, correction(2, told, status))[0] == DEFAULT


def test_nobody_else_can_take_a_record_back() -> None:
    told = year_of_pay(1, FOUR_HUNDRED)
    change = {"submission": told.submission, "row": 2, "status": "withdrawn"}
    foreign = event(2, "correction", {"change": change}, organisation="another")
    assert lines(told, foreign) == [BASIC]


def test_what_is_disputed_counts_and_is_said_to_be() -> None:
    told = year_of_pay(1, FOUR_HUNDRED)
    (found,) = said(told, correction(2, told, "disputed"))
    assert found.line() == f"{BASIC} disputed=yes"
    assert found.steps[0].value == "events 1"


def test_what_is_disputed_but_of_no_use_is_not_told() -> None:
    told, other = year_of_pay(1, FOUR_HUNDRED), year_of_pay(2, 1, {"nino": "AA000025B"})
    assert lines(told, other, correction(3, other, "disputed")) == [BASIC]


@pytest.mark.parametrize(
    ("who", "mine"),
    [
        ({"nino": "AA000017A"}, True),
        ({"nino": "AA000017"}, True),
        ({"nino": "AA000025B", "surname": "Marsh", "date_of_birth": "1988-03-14"}, False),
        ({"surname": "MARSH", "date_of_birth": "1988-03-14"}, True),
        ({"surname": "Marsh", "date_of_birth": "1988-03-15"}, False),
        ({"surname": "Marsh"}, False),
        ({"cms_reference": "100000000017"}, False),
    ],
)
def test_a_record_is_tied_by_the_first_identifier_that_both_have(
    who: dict[str, Any], *, mine: bool
) -> None:
    assert (lines(year_of_pay(1, FOUR_HUNDRED, who))[0] == BASIC) is mine


def test_a_record_whose_person_or_pay_was_withheld_says_nothing() -> None:
    whole = year_of_pay(1, FOUR_HUNDRED)
    for group in whole.groups:
        shown = {name: value for name, value in whole.groups.items() if name != group}
        assert lines(event(1, "earnings", shown))[0] == DEFAULT


def everything() -> list[Event]:
    pension = {"scheme": "A", "scheme_kind": "occupational", "in_payment": True,
               "frequency": "monthly", "gross_pence": 40_000}  # fmt: skip
    asset = {"kind": "shares", "name": "Example plc", "value_pence": 4_000_000}
    told = [
        year_of_pay(1, FOUR_HUNDRED),
        weekly_pay(2, 61_003),
        event(3, "pension", {"who": WHO, "pension": pension}, organisation="pensions"),
        event(4, "holding", {"who": WHO, "investment": asset}, organisation="bank"),
        event(5, "unearned_income", {"who": WHO, "income": {
            "category": "dividends", "tax_year": "2025-26", "gross_pence": 300_000}}),
        event(6, "custody", {"who": WHO, "custody": {"status": "licence"}}),
        event(7, "benefit", {"who": WHO, "benefit": {"kind": "Child Benefit"}}),
    ]  # fmt: skip
    return [*told, correction(8, told[2], "disputed")]


@pytest.mark.parametrize("seed", range(8))
def test_order_and_repetition_do_not_matter(seed: int) -> None:
    told = everything()
    first = said(*told)
    assert len(first) == 4
    again = [*told, *told[::2]]
    random.Random(seed).shuffle(again)
    assert [explained(one) for one in said(*again)] == [explained(one) for one in first]


def test_an_answer_that_was_given_twice_counts_once() -> None:
    asked_again = [msg for seq in (1, 2) for msg in (year_of_pay(seq * 10, FOUR_HUNDRED),)]
    assert lines(*asked_again) == [BASIC]
    twice = [weekly_pay(1, 45_000), weekly_pay(2, 46_000)]
    assert lines(*twice) == ["MAINTENANCE case-1 income=460.00 rate=basic weekly=55.20"]


def test_two_payments_in_one_file_both_count() -> None:
    told = [
        event(seq, "unearned_income", {"who": WHO, "income": {
            "category": "dividends", "tax_year": "2025-26", "gross_pence": 150_000,
            "payer": "Example plc"}}, submission="s-1", row=seq)
        for seq in (1, 2)
    ]  # fmt: skip
    assert "amount=3000.00" in lines(year_of_pay(3, FOUR_HUNDRED), *told)[1]


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({}, {"name": "EXAMPLE BAKERY LIMITED"}, True),
        ({}, {"name": "Example Dairy Ltd"}, False),
        ({"paye_reference": "123/AB456"}, {"name": "Trading As", "paye": "123/AB456"}, True),
        ({"paye_reference": "123/AB456"}, {"name": "Example Bakery Ltd", "paye": "9/Z"}, False),
    ],
)
def test_one_job_is_not_counted_twice_because_hmrc_tells_of_it_too(
    ours: dict[str, str], theirs: dict[str, str], *, same: bool
) -> None:
    paye = {"paye_reference": theirs["paye"]} if "paye" in theirs else {}
    told = weekly_pay(
        2, 40_000, theirs["name"], work=paye, organisation_class="gov_hmrc_dwp", organisation="hmrc"
    )
    income = "400.00" if same else "800.00"
    assert f" income={income} " in lines(weekly_pay(1, 40_000, work=ours), told)[0]


def test_a_pension_on_a_payroll_and_by_its_scheme_is_one_pension() -> None:
    roll = event(1, "earnings", {"who": WHO, "work": {"employer_name": "A"}, "pay": {
        "frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": 30_000,
        "is_pension": True}})  # fmt: skip
    scheme = event(2, "pension", {"who": WHO, "pension": {
        "scheme": "A", "scheme_kind": "occupational", "in_payment": True,
        "frequency": "weekly", "gross_pence": 30_000}})  # fmt: skip
    assert " income=300.00 " in lines(roll)[0]
    assert lines(roll) == lines(roll, scheme) == lines(scheme)


AUTOMATIC = TABLE.replace(
    'code = "unearned.automatic"', 'code = "unearned.automatic"\nuntil = 2026-04-30', 1
) + (
    '\n[[rate]]\ncode = "unearned.automatic"\ntitle = "Counted"\nunit = "switch"\n'
    'values = ["1"]\ncitation = "an Act to come"\nconfidence = "P"\nin_force = 2026-05-01\n'
)


def test_on_the_day_of_the_switch_unearned_income_counts_without_an_application() -> None:
    rates = Rates([AUTOMATIC])
    told = [
        year_of_pay(1, FOUR_HUNDRED),
        event(2, "unearned_income", {"who": WHO, "income": {
            "category": "interest", "tax_year": "2025-26", "gross_pence": 521_429}}),
    ]  # fmt: skip
    assert lines(*told, rates=rates) == ["MAINTENANCE case-1 income=500.00 rate=basic weekly=60.00"]
    book = case_from(dt.date(2026, 4, 30))
    assert lines(*told, book=book, rates=rates)[0] == BASIC
    assert len(lines(*told, book=book, rates=rates)) == 2


def test_a_case_without_law_is_told_and_the_others_go_on() -> None:
    other = CASE.replace("case-1", "case-0").replace("2026-05-01", "2012-12-09")
    told = year_of_pay(1, FOUR_HUNDRED)
    assert lines(told, book=read_book(CASE + other)) == [
        "NO_LAW case-0 effective=2012-12-09",
        BASIC,
    ]


def test_before_collect_and_pay_charged_there_are_no_fees() -> None:
    dated = ("hmrc_asked_on = 2014-08-01", 'service = "collect_and_pay"')
    for day, fees in (("2014-08-10", ""), ("2014-08-11", " paid_in=45.60 paid_out=36.48")):
        book = read_book(CASE.replace("2026-05-01", day) + "\n".join(dated))
        (line, *_) = lines(book=book)
        assert line == DEFAULT + fees


def test_every_step_has_its_source() -> None:
    for proposal in said(*everything()):
        assert proposal.steps
        assert set(proposal.evidence) <= set(range(1, 8))
        for step in proposal.steps:
            assert step.citation
            assert step.how.endswith((".", ".)"))
            assert step.value


def test_the_page_shows_an_explanation_as_it_is_printed() -> None:
    page = (ROOT / "docs" / "calculation.md").read_text(encoding="utf-8")
    children = (
        'child = [{ receiving_parent = "parent-a" }, { receiving_parent = "parent-a" },'
        ' { receiving_parent = "parent-b", nights = 60 }]'
    )
    book = case_with("relevant_other_children = 1", children=children)
    (found,) = said(year_of_pay(1, 5_214_286), book=book)
    shown = "".join(f"    {line}\n" for line in explained(found).splitlines())
    assert shown in page, shown


def test_today_does_not_change_a_first_calculation() -> None:
    told = everything()
    later = proposals(told, case_with(), RATES, TODAY + dt.timedelta(days=20))
    assert [one.line() for one in later] == lines(*told)
