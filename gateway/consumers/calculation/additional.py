"""Additional income as a ground for a variation: unearned income, and income that assets are held to bring.

Neither is counted unless an application was agreed to, or the law comes to count it by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable

import msgspec

from gateway.consumers.calculation.facts import (
    HMRC,
    Balance,
    Fact,
    Facts,
    Income,
    Investment,
    last_words,
)
from gateway.consumers.calculation.tax_years import ended_before, is_tax_year
from gateway.consumers.calculation.working import Source, Working
from gateway.consumers.proposal import sterling
from gateway.consumers.rates import NoRateError

_AS_A_WEEK = Source("SI 2012/2677 regs 69(7) and 69A", "R")


class Additional(msgspec.Struct, frozen=True, kw_only=True):
    """A ground that is met: the amount, the weekly income it makes, and the tax year if it has one."""

    amount: int
    weekly: int
    tax_year: str | None = None


def unearned(facts: Facts, working: Working, today: dt.date) -> Additional | None:
    """Unearned income of the latest tax year told of, if it reaches the threshold.

    Of one tax year HMRC's word comes before that of a bank or a firm (reg 69(3)), so that nothing
    counts twice.
    """
    most = int(working.law("historic.tax_years").value)
    usable = [
        fact
        for fact in facts.unearned
        if is_tax_year(fact.told.tax_year) and ended_before(fact.told.tax_year, today, most)
    ]
    if not usable:
        return None
    year = max(fact.told.tax_year for fact in usable)
    of_year = [fact for fact in usable if fact.told.tax_year == year]
    chosen = [fact for fact in of_year if fact.source == HMRC] or of_year
    total = 0
    for category, told in sorted(_by_category(chosen).items()):
        total += _counted(category, year, told, working)
    law = working.law("unearned.at_least")
    reached = total >= law.value
    working.step(
        "Whether unearned income is a ground",
        f"{sterling(total)} in {year}; it is one from {sterling(law.value)} a year.",
        "yes" if reached else "no",
        law,
    )
    if not reached:
        return None
    return Additional(amount=total, weekly=_weekly(total, working), tax_year=year)


def assets(facts: Facts, working: Working) -> Additional | None:
    """Income that assets above the threshold are held to bring."""
    try:
        law = working.law("assets.above")
    except NoRateError:
        return None
    values = _investments(facts, working) + _balances(facts, working)
    if not values:
        return None
    together = working.switched("assets.added_together") is not None
    value = sum(values) if together else sum(one for one in values if one > law.value)
    reached = value > law.value
    working.step(
        "Whether assets are a ground",
        f"{sterling(sum(values))} in all; they are one above {sterling(law.value)}.",
        "yes" if reached else "no",
        law,
    )
    if not reached:
        return None
    percent = working.law("assets.percent")
    yearly = working.worked(
        "What the assets are held to bring",
        f"{percent.value}% of {sterling(value)}.",
        percent,
        value * percent.value,
        100,
        " a year",
    )
    return Additional(amount=value, weekly=_weekly(yearly, working))


def _weekly(yearly: int, working: Working) -> int:
    days, week = working.law("year.days"), working.pence("week.days")
    return working.worked(
        "As a weekly amount",
        f"{sterling(yearly)} divided by {days.value} and multiplied by {week}.",
        _AS_A_WEEK,
        yearly * week,
        days.value,
    )


def _by_category(chosen: list[Fact[Income]]) -> dict[str, list[Fact[Income]]]:
    found: dict[str, list[Fact[Income]]] = {}
    for fact in last_words(chosen, lambda one: (one.told.category, one.told.payer)):
        found.setdefault(fact.told.category, []).append(fact)
    return found


def _counted(category: str, year: str, told: list[Fact[Income]], working: Working) -> int:
    law = working.law(f"unearned_category.{category}")
    costs = working.switched(f"unearned_costs.{category}")
    gross = sum(fact.told.gross_pence for fact in told)
    allowed = sum(fact.told.allowable_costs_pence for fact in told) if costs else 0
    amount = max(gross - allowed, 0) if law.value else 0
    how = f"{sterling(gross)} before tax"
    if allowed:
        how += f", less allowable costs of {sterling(allowed)}"
    working.step(
        f"Unearned income in {year}: {category}",
        f"{how}{'.' if law.value else ', which is not counted.'}",
        sterling(amount),
        costs if costs is not None and allowed else law,
    )
    working.rests_on(fact.seq for fact in told)
    return amount


def _investments(facts: Facts, working: Working) -> list[int]:
    """The value of each thing held that is on the list."""
    values = []
    for fact in last_words(facts.investments, _thing):
        told = fact.told
        ended = told.until is not None and told.until < working.on
        if told.value_pence is None or ended or told.currency not in {None, "GBP"}:
            continue
        law = working.law(f"asset_kind.{told.kind}")
        working.step(
            f"Asset: {told.name or told.kind}",
            f"Of the kind {told.kind}, worth {sterling(told.value_pence)}"
            f"{'' if told.valued_on is None else f' on {told.valued_on}'}.",
            sterling(told.value_pence) if law.value else "not counted",
            law,
        )
        if law.value:
            values.append(told.value_pence)
            working.rests_on([fact.seq])
    return values


def _thing(fact: Fact[Investment]) -> Hashable:
    told = fact.told
    return told.reference, told.isin, told.name, told.kind


def _balances(facts: Facts, working: Working) -> list[int]:
    """What stands in accounts, as each organisation told it last.

    Calculation does not see which account a balance is of. So of one organisation only the last file
    counts, of it only the last day, and each balance as if it were the paying parent's alone.
    """
    told = [
        fact
        for fact in facts.balances
        if fact.told.currency in {None, "GBP"} and fact.told.booked_pence is not None
    ]
    of_organisation: dict[str, list[Fact[Balance]]] = {}
    for fact in last_words(told, lambda _: None):
        of_organisation.setdefault(fact.organisation, []).append(fact)
    values = []
    law = working.law("asset_kind.cash")
    for _, balances in sorted(of_organisation.items()):
        last = max(fact.told.as_of or fact.on for fact in balances)
        counted = [fact for fact in balances if (fact.told.as_of or fact.on) == last]
        value = sum(max(fact.told.booked_pence or 0, 0) for fact in counted)
        working.step(
            "Asset: money on deposit",
            f"{len(counted)} told of on {last}; whose share it is, is not seen.",
            sterling(value),
            law,
        )
        working.rests_on(fact.seq for fact in counted)
        values.append(value)
    return values
