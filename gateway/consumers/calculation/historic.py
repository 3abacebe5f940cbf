"""Historic income: what HM Revenue and Customs told for the latest tax year (SI 2012/2677 reg 35)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable

import msgspec

from gateway.consumers.calculation.book import Case
from gateway.consumers.calculation.facts import HMRC, Contribution, Earning, Fact, Facts, last_words
from gateway.consumers.calculation.tax_years import ended_before, is_tax_year, tax_year_of
from gateway.consumers.calculation.working import Source, Working
from gateway.consumers.proposal import sterling

_FIGURE = Source("SI 2012/2677 reg 36", "V")


class Historic(msgspec.Struct, frozen=True, kw_only=True):
    """A weekly income, the tax year it is of, and when HMRC was asked for it."""

    weekly: int
    tax_year: str
    asked_on: dt.date


def historic_income(case: Case, facts: Facts, working: Working) -> Historic | None:
    """The weekly historic income; None where HMRC told of no tax year that can be used.

    A company director is an employee here like any other: what a company pays is on its payroll.
    """
    of_years: dict[str, list[Fact[Earning]]] = {}
    for fact in facts.earnings:
        year = _year(fact.told)
        if fact.source == HMRC and fact.told.pay.withdrawn_date is None and year is not None:
            of_years.setdefault(year, []).append(fact)
    most = int(working.law("historic.tax_years").value)
    usable = [
        year
        for year, told in of_years.items()
        if ended_before(year, case.hmrc_asked_on or _answered(told), most)
    ]
    if not usable:
        return None
    year = max(usable)
    told = of_years[year]
    total = _figure(year, told, working) - _contributions(case, year, told, facts, working)
    days, week = working.pence("year.days"), working.pence("week.days")
    weekly = working.worked(
        "Historic income",
        f"{sterling(max(total, 0))} in {year}, divided by {days} and multiplied by {week}.",
        working.law("year.days"),
        max(total, 0) * week,
        days,
    )
    return Historic(weekly=weekly, tax_year=year, asked_on=case.hmrc_asked_on or _answered(told))


def _year(earning: Earning) -> str | None:
    pay = earning.pay
    if pay.tax_year is not None and is_tax_year(pay.tax_year):
        return pay.tax_year
    year = None if pay.pay_date is None else tax_year_of(pay.pay_date)
    return year if year is not None and is_tax_year(year) else None


def _answered(told: list[Fact[Earning]]) -> dt.date:
    return max(fact.on for fact in told)


def by_employment(told: Iterable[Fact[Earning]]) -> list[list[Fact[Earning]]]:
    """Payments of each employment or pension by itself, in the order of their days."""
    found: dict[Hashable, list[Fact[Earning]]] = {}
    for fact in sorted(last_words(told, _payment), key=lambda one: (_paid(one), one.seq)):
        found.setdefault(_employment(fact), []).append(fact)
    return [found[key] for key in sorted(found, key=repr)]


def payer(fact: Fact[Earning]) -> str:
    """Who pays, by the name that is told first to a reader."""
    work = fact.told.work
    by_paye = None if work.paye_reference is None else f"PAYE {work.paye_reference}"
    return work.employer_name or by_paye or work.employer_reference or "an employer"


def _employment(fact: Fact[Earning]) -> Hashable:
    return payer(fact).casefold(), fact.told.work.sequence, bool(fact.told.pay.is_pension)


def _payment(fact: Fact[Earning]) -> Hashable:
    pay = fact.told.pay
    return _employment(fact), pay.pay_date, pay.period_end, pay.payment_id


def _paid(fact: Fact[Earning]) -> dt.date:
    pay = fact.told.pay
    return pay.pay_date or pay.period_end or dt.date.min


def _figure(year: str, told: list[Fact[Earning]], working: Working) -> int:
    """The year's pay and pensions: what is told to date where that is told, else the sum."""
    total = 0
    for payments in by_employment(told):
        to_date = [fact for fact in payments if fact.told.pay.taxable_to_date_pence is not None]
        counted = to_date[-1:] or payments
        amount = sum(
            fact.told.pay.taxable_to_date_pence or 0
            if to_date
            else fact.told.pay.taxable_pence or 0
            for fact in counted
        )
        first = counted[0].told
        kind = "Pension" if first.pay.is_pension else "Pay"
        told_as = "as the year to date" if to_date else f"in {_payments(len(counted))}"
        working.step(
            f"{kind} in {year} from {payer(counted[0])}",
            f"Taxable, told {told_as}. Contributions under net pay are already taken off.",
            sterling(amount),
            _FIGURE,
        )
        working.rests_on(fact.seq for fact in counted)
        total += amount
    return total


def contribution(fact: Fact[Contribution]) -> Hashable:
    """What makes two contributions the same one, told twice."""
    told = fact.told
    return told.scheme, told.tax_year, told.period_start, told.period_end


def _payments(count: int) -> str:
    return "one sum" if count == 1 else f"{count} payments, added up"


def _contributions(
    case: Case, year: str, told: list[Fact[Earning]], facts: Facts, working: Working
) -> int:
    """Relievable contributions of the year that HMRC's figure is not already without."""
    mine = [
        fact
        for fact in last_words(facts.contributions, contribution)
        if fact.told.tax_year == year
        and working.switched(f"pension_contribution.{fact.told.relief}") is not None
    ]
    amount = sum(fact.told.employee_pence or 0 for fact in mine)
    if not mine:
        for payments in by_employment(told):
            pays = [fact.told.pay for fact in payments]
            to_date = [pay.pension_not_net_pay_to_date_pence for pay in pays]
            known = [value for value in to_date if value is not None]
            amount += (
                known[-1] if known else sum(pay.pension_not_net_pay_pence or 0 for pay in pays)
            )
    if amount == 0:
        return 0
    law = working.law("pension_contribution.relief_at_source")
    if not case.asks_pension_deduction:
        working.step(
            "Pension contributions are not deducted",
            f"{sterling(amount)} was paid in {year} and not netted off, but the paying parent has"
            " not asked for the deduction.",
            sterling(0),
            law,
        )
        return 0
    working.step(
        "Pension contributions are deducted",
        f"Paid in {year} and not netted off under net pay arrangements.",
        sterling(-amount),
        law,
    )
    working.rests_on(fact.seq for fact in mine)
    return amount
