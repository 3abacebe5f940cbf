"""Circumstances that decide a rate whatever the income: custody, the nil groups, prescribed benefits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from gateway.consumers.calculation.book import Case
from gateway.consumers.calculation.facts import Benefit, Custody, Fact
from gateway.consumers.calculation.tax_years import MONTHS, twelfths_of_days
from gateway.consumers.calculation.working import Source, Working
from gateway.consumers.proposal import sterling

_BENEFIT = Source("CSA 1991 Sch 1 para 4(1)(b)", "V")


def pays_nothing(case: Case, custody: Iterable[Fact[Custody]], working: Working) -> bool:
    """Whether the paying parent is in a group that pays nothing, with the step that says so."""
    told = [fact for fact in custody if fact.told.since is None or fact.told.since <= working.on]
    if told:
        last = max(told, key=lambda fact: (fact.told.since or dt.date.min, fact.seq))
        over = last.told.released is not None and last.told.released <= working.on
        law = working.switched(f"custody.{last.told.status}")
        if law is not None and not over:
            since = "" if last.told.since is None else f", since {last.told.since}"
            how = f"{last.organisation} ({last.source}) told of it: {last.told.status}{since}."
            working.step("In custody", how, "nil rate", law)
            working.rests_on([last.seq])
            return True
    if case.nil_group is not None:
        law = working.switched(f"nil_group.{case.nil_group}")
        if law is not None:
            working.step("In a group that pays nothing", law.title + ".", "nil rate", law)
            return True
    return False


def prescribed_benefit(
    case: Case, benefits: Iterable[Fact[Benefit]], earned: int | None, working: Working
) -> int | None:
    """The weekly award of a prescribed benefit in payment, 0 where it is not told; None without one.

    `earned` is pay now on the feed: some benefits bring the flat rate only without it.
    """
    latest = {code_of(fact.told.kind): fact for fact in benefits}
    for code, fact in sorted(latest.items()):
        told = fact.told
        if (told.since is not None and told.since > working.on) or (
            told.until is not None and told.until < working.on
        ):
            continue
        law = working.switched(f"prescribed_benefit.{code}")
        if law is None:
            continue
        without = working.switched(f"benefit_without_earnings.{code}")
        if without is not None and earned:
            working.step(
                f"{told.kind} beside pay",
                f"In payment, but there is pay of {sterling(earned)} a week.",
                "does not bring the flat rate",
                without,
            )
            continue
        working.step(f"{told.kind} in payment", law.title + ".", "flat rate", law)
        working.rests_on([fact.seq])
        return _award(told, working)
    if case.on_prescribed_benefit:
        working.step(
            "A prescribed benefit is in payment",
            "So the department's own systems say.",
            "flat rate",
            _BENEFIT,
        )
        return 0
    return None


def code_of(kind: str) -> str:
    """The name of a benefit as the tables spell it: carers_allowance for Carer's Allowance."""
    plain = re.sub(r"['\u2019]", "", kind.casefold())
    return re.sub(r"[^a-z]+", "_", plain).strip("_")


def _award(told: Benefit, working: Working) -> int:
    """The award in whole pence a week; it matters only where it is below the nil rate's limit."""
    week = working.pence("week.days")
    length = twelfths_of_days(told.frequency, 1, working.pence("year.days"), week)
    if told.award_pence is None or length is None:
        return 0
    return told.award_pence * week * MONTHS // length
