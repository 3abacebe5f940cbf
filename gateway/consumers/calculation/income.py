"""Gross weekly income: historic unless current income takes its place (SI 2012/2677 reg 34)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

import msgspec

from gateway.consumers.calculation.book import Case
from gateway.consumers.calculation.current import current_income
from gateway.consumers.calculation.facts import Facts
from gateway.consumers.calculation.historic import Historic, historic_income
from gateway.consumers.calculation.working import WEEKLY, Source, Working
from gateway.consumers.proposal import sterling
from gateway.consumers.rates import Rate

_UNLESS = Source("SI 2012/2677 reg 34(2)", "V")
_UNAVAILABLE = Source("SI 2012/2677 reg 34(2)(b) and (c)", "V")
_REVIEW = Source("SI 2012/2677 reg 20", "P")
_INSUFFICIENT = Source("CSA 1991 s12(1); SI 2012/2677 reg 49(1)", "V")

Basis = Literal["historic", "current", "present", "unknown"]


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """That HMRC was asked too long before the day that counts."""

    asked_on: dt.date
    counts_from: dt.date
    most: int


class GrossIncome(msgspec.Struct, frozen=True, kw_only=True):
    """A gross weekly income in pence and what it is based on; None where it is unknown.

    `replaced` is the income that current income takes the place of; `later` says that pay after the
    day that counts may be current, since there is no other income.
    """

    weekly: int | None
    basis: Basis
    replaced: int | None = None
    later: bool = False
    stale: Stale | None = None


def gross_income(case: Case, facts: Facts, working: Working, today: dt.date) -> GrossIncome:
    """The income that a calculation rests on, each choice a step."""
    if case.present is not None and (case.review_date is None or today < case.review_date):
        return _between_reviews(case.present.income_pence, facts, working)
    historic = historic_income(case, facts, working)
    stale = None if historic is None else _stale(case, historic, working)
    later = historic is None and case.present is None
    current = current_income(facts, working, later=later)
    if historic is None:
        if current is None:
            return _nothing_told(case, working)
        _chosen(working, "HMRC has told of no tax year that can be used.", current)
        return GrossIncome(weekly=current, basis="current", later=later)
    law = working.law("income.tolerance")
    if current is not None and _compared(current, historic.weekly, "historic income", law, working):
        return GrossIncome(weekly=current, basis="current", replaced=historic.weekly, stale=stale)
    working.step(
        "Gross weekly income",
        "Historic income counts unless current income takes its place.",
        sterling(historic.weekly) + WEEKLY,
        _UNLESS,
    )
    return GrossIncome(weekly=historic.weekly, basis="historic", stale=stale)


def share(current: int, base: int) -> str:
    """By how much income differs, in percent with two decimals, none of it rounded up."""
    if base == 0:
        return "from_nil"
    hundredths = abs(current - base) * 10_000 // base
    sign = "-" if current < base else "+"
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}%"


def differs(current: int, base: int, percent: Decimal) -> bool:
    """Whether income differs by at least so much; from nothing any income does (reg 34(2A))."""
    if base == 0:
        return current > 0
    return abs(current - base) * 100 >= percent * base


def _between_reviews(present: int, facts: Facts, working: Working) -> GrossIncome:
    current = current_income(facts, working)
    law = working.law("income.tolerance_between_reviews")
    told = "the income of the present calculation"
    if current is not None and _compared(current, present, told, law, working):
        return GrossIncome(weekly=current, basis="current", replaced=present)
    working.step(
        "Gross weekly income",
        "Between reviews the income of the present calculation stands.",
        sterling(present) + WEEKLY,
        law,
    )
    return GrossIncome(weekly=present, basis="present")


def _nothing_told(case: Case, working: Working) -> GrossIncome:
    if case.present is not None:
        working.step(
            "Gross weekly income",
            "Nothing new is told at the review: the income of the present calculation stands.",
            sterling(case.present.income_pence) + WEEKLY,
            _REVIEW,
        )
        return GrossIncome(weekly=case.present.income_pence, basis="present")
    working.step(
        "Gross weekly income",
        "Neither HMRC nor anybody else has told of any income.",
        "unknown",
        _INSUFFICIENT,
    )
    return GrossIncome(weekly=None, basis="unknown")


def _chosen(working: Working, why: str, current: int) -> None:
    working.step(
        "Gross weekly income",
        f"{why} Current income counts.",
        sterling(current) + WEEKLY,
        _UNAVAILABLE,
    )


def _compared(current: int, base: int, named: str, law: Rate, working: Working) -> bool:
    """Whether current income takes the place of another, with the step that says so."""
    replaces = differs(current, base, law.value)
    difference = "any income differs from none" if base == 0 else f"{share(current, base)}"
    working.step(
        "Whether current income takes its place",
        f"{sterling(current)} against {sterling(base)}, {named}: {difference};"
        f" it does from {law.value}%, up or down.",
        f"yes, {sterling(current)} a week" if replaces else "no",
        law,
    )
    return replaces


def _stale(case: Case, historic: Historic, working: Working) -> Stale | None:
    at_review = case.present is not None and case.review_date is not None
    counts = case.review_date if at_review and case.review_date else case.effective_date
    law = working.law("historic.asked_before")
    days = (counts - historic.asked_on).days
    fresh = days <= law.value
    working.step(
        "Whether the figure of HMRC is fresh enough",
        f"Asked on {historic.asked_on}, {max(days, 0)} days before {counts},"
        f" the {'review' if at_review else 'effective'} date; at most {law.value} are allowed.",
        "yes" if fresh else "no, ask HMRC again before deciding",
        law,
    )
    if fresh:
        return None
    return Stale(asked_on=historic.asked_on, counts_from=counts, most=int(law.value))
