"""Current income: pay, profit and pensions now, as a weekly amount (SI 2012/2677 regs 37 to 40)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from gateway.consumers.calculation.facts import (
    HMRC,
    Accounts,
    Contribution,
    Earning,
    Fact,
    Facts,
    Pension,
    last_words,
)
from gateway.consumers.calculation.historic import by_employment, contribution, payer
from gateway.consumers.calculation.payroll import added, paid_weekly
from gateway.consumers.calculation.tax_years import MONTHS, twelfths_of_days
from gateway.consumers.calculation.working import WEEKLY, Source, Working
from gateway.consumers.proposal import sterling

_SUM = Source("SI 2012/2677 reg 37(1)", "V")
_PROFIT = Source("SI 2012/2677 reg 39", "S")
_DIRECTOR = Source("Written answer of 11 December 2025", "V")


def current_income(facts: Facts, working: Working, *, later: bool = False) -> int | None:
    """The weekly current income; None where nothing on the feed tells of any.

    It is estimated as at a day: what was paid after it counts only where `later` says so and nothing
    paid before it is known.
    """
    paid = earned_now(facts, working, later=later)
    traded = _profits(facts.accounts, working)
    relief = _relief(facts, working, later=later) if paid is not None or traded is not None else 0
    pensions = _pensions(facts, working, later=later)
    whole = added((paid, traded, pensions))
    if whole is None:
        return None
    total = max(whole - relief, 0)
    working.step(
        "Current income",
        "Pay, self-employment and pensions together, without relievable contributions.",
        sterling(total) + WEEKLY,
        _SUM,
    )
    return total


def earned_now(facts: Facts, working: Working, *, later: bool = False) -> int | None:
    """Weekly pay of the employments that are current; None where there is none.

    What an employer says of its own payroll comes before what HMRC says of the same employment.
    `later` is as for current income.
    """
    jobs = [fact for fact in facts.earnings if not fact.told.pay.is_pension]
    own = by_employment(fact for fact in jobs if fact.source != HMRC)
    theirs = by_employment(fact for fact in jobs if fact.source == HMRC)
    known = _Payrolls(payments[-1] for payments in own)
    beside = [payments for payments in theirs if payments[-1] not in known]
    return paid_weekly([*own, *beside], working, later=later)


class _Payrolls:
    """Payrolls, among which one of the same employer is found.

    It is the same by PAYE reference if both have it, else by name.
    """

    def __init__(self, payrolls: Iterable[Fact[Earning]]) -> None:
        self._references: set[str] = set()
        self._names: dict[str, set[bool]] = {}
        for one in payrolls:
            reference = one.told.work.paye_reference
            if reference is not None:
                self._references.add(reference)
            self._names.setdefault(_plain(payer(one)), set()).add(reference is not None)

    def __contains__(self, one: Fact[Earning]) -> bool:
        reference = one.told.work.paye_reference
        if reference is not None and reference in self._references:
            return True
        named = self._names.get(_plain(payer(one)), set())
        return bool(named) if reference is None else False in named


def _plain(name: str) -> str:
    """A firm's name without its form: Example Bakery Limited is Example Bakery Ltd."""
    words = re.findall(r"[a-z0-9]+", name.casefold())
    return " ".join(word for word in words if word not in {"limited", "ltd", "plc", "llp"})


def _profits(accounts: Iterable[Fact[Accounts]], working: Working) -> int | None:
    """Weekly profit by the latest accounts of each business that is not a company."""
    oldest = working.as_at - dt.timedelta(days=int(working.law("current.accounts").value))
    latest: dict[str, Fact[Accounts]] = {}
    for fact in accounts:
        business, statement = fact.told.business, fact.told.statement
        name = (business.business_name or "a business").casefold()
        if business.form == "company":
            _director(fact.told, working)
        elif (
            statement.profit_pence is not None
            and statement.period_start <= min(working.as_at, statement.period_end)
            and statement.period_end >= oldest
        ):
            held = latest.get(name)
            if held is None or held.told.statement.period_end <= statement.period_end:
                latest[name] = fact
    return added(_weekly_profit(fact, working) for _, fact in sorted(latest.items()))


def _weekly_profit(fact: Fact[Accounts], working: Working) -> int:
    business, statement = fact.told.business, fact.told.statement
    days = (statement.period_end - statement.period_start).days + 1
    profit = statement.profit_pence or 0
    how = f"{sterling(profit)} in the {days} days to {statement.period_end}"
    if profit < 0:
        how += "; a loss counts as nothing"
    if business.form in {"partnership", "limited_partnership"}:
        how += "; whose share of it the paying parent's is, is not told: it is counted whole"
    working.rests_on([fact.seq])
    return working.worked(
        f"Profit of {business.business_name or 'a business'}",
        how + ".",
        _PROFIT,
        max(profit, 0) * working.pence("week.days"),
        days,
    )


def _director(told: Accounts, working: Working) -> None:
    working.step(
        f"Director of {told.business.business_name or 'a company'}",
        "Treated as its employee: pay counts as it is on the payroll, dividends"
        f" ({sterling(told.statement.dividends_pence or 0)}) only by a variation.",
        "no profit counted",
        _DIRECTOR,
    )


def _relief(facts: Facts, working: Working, *, later: bool) -> int:
    """The weekly average of relievable contributions that are not taken off pay already."""
    window = dt.timedelta(days=int(working.law("current.window").value))
    of_schemes: dict[str, list[Fact[Contribution]]] = {}
    for fact in last_words(facts.contributions, contribution):
        told = fact.told
        if (
            working.switched(f"pension_contribution.{told.relief}") is not None
            and told.employee_pence
            and told.period_start is not None
            and told.period_end is not None
            and told.period_end >= max(working.as_at - window, told.period_start)
            and (later or told.period_start <= working.as_at)
        ):
            of_schemes.setdefault(f"{fact.organisation} {told.scheme}", []).append(fact)
    return sum(_weekly_relief(told, working) for _, told in sorted(of_schemes.items()))


def _weekly_relief(told: list[Fact[Contribution]], working: Working) -> int:
    """What was paid into one scheme, over the days it was paid for."""
    pence = sum(fact.told.employee_pence or 0 for fact in told)
    days = sum(
        (fact.told.period_end - fact.told.period_start).days + 1
        for fact in told
        if fact.told.period_start is not None and fact.told.period_end is not None
    )
    working.rests_on(fact.seq for fact in told)
    return working.worked(
        f"Pension contributions to deduct, {told[0].told.scheme or 'a scheme'}",
        f"{sterling(pence)} paid over {days} days and not netted off.",
        working.law("pension_contribution.relief_at_source"),
        pence * working.pence("week.days"),
        days,
    )


def _pensions(facts: Facts, working: Working, *, later: bool) -> int | None:
    """Weekly pensions in payment: as their schemes tell them, or else as HMRC tells their payroll."""
    if not facts.pensions:
        rolls = by_employment(fact for fact in facts.earnings if fact.told.pay.is_pension)
        return paid_weekly(rolls, working, later=later)
    told = last_words(facts.pensions, lambda fact: (fact.told.scheme, fact.told.reference))
    return added(_weekly_pension(fact, working) for fact in told)


def _weekly_pension(fact: Fact[Pension], working: Working) -> int | None:
    told = fact.told
    year, week = working.pence("year.days"), working.pence("week.days")
    length = twelfths_of_days(told.frequency, 1, year, week)
    if not told.in_payment or told.gross_pence is None or length is None:
        return None
    if told.started is not None and told.started > working.as_at:
        return None
    if told.ended is not None and told.ended < working.as_at:
        return None
    working.rests_on([fact.seq])
    law = working.law(f"pension_income.{told.scheme_kind or 'other'}")
    what = f"Pension from {told.scheme or 'a scheme'}"
    how = f"{sterling(told.gross_pence)}, {told.frequency}, in payment."
    if not law.value:
        working.step(what, how, "no income", law)
        return None
    return working.worked(what, how, law, told.gross_pence * week * MONTHS, length)
