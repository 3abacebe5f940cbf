"""The weekly rate: nil, flat, reduced, basic, basic plus or default (CSA 1991 Sch 1 Part 1)."""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway.consumers.calculation.working import WEEKLY, Working
from gateway.consumers.proposal import sterling

RateName = Literal["nil", "flat", "reduced", "basic", "basic_plus", "default"]


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What decides the rate: the income in pence a week, the children, and the circumstances.

    `award` is the weekly award of a prescribed benefit, None without one.
    """

    income: int | None
    children: int
    others: int
    pays_nothing: bool = False
    award: int | None = None


class Liability(msgspec.Struct, frozen=True, kw_only=True):
    """A rate and what it comes to in pence a week, before shared care."""

    rate: RateName
    weekly: int
    by_benefit: bool = False


def liability(position: Position, working: Working) -> Liability:
    """The rate that applies, worked line by line."""
    if position.pays_nothing:
        return Liability(rate="nil", weekly=0)
    income, award = position.income, position.award
    nil_below = working.law("nil.below")
    whole = None if income is None and award is None else (income or 0) + (award or 0)
    if whole is not None and whole < nil_below.value and (award is None or award > 0):
        working.step(
            "Nil rate",
            f"{sterling(whole)} a week, benefits with it, is below {sterling(nil_below.value)}.",
            sterling(0) + WEEKLY,
            nil_below,
        )
        return Liability(rate="nil", weekly=0)
    if award is not None:
        return Liability(rate="flat", weekly=_flat(working, "for the benefit"), by_benefit=True)
    if income is None:
        law = working.law("default.amount")
        weekly = int(law.nth(position.children))
        how = f"For {_children(position.children)}."
        working.step("Default rate", how, sterling(weekly) + WEEKLY, law)
        return Liability(rate="default", weekly=weekly)
    return _of_income(income, position, working)


def _of_income(income: int, position: Position, working: Working) -> Liability:
    flat_up_to = working.law("flat.up_to")
    if income <= flat_up_to.value:
        how = f"at {sterling(income)}, not above {sterling(flat_up_to.value)}"
        return Liability(rate="flat", weekly=_flat(working, how))
    if income < working.law("reduced.below").value:
        return Liability(rate="reduced", weekly=_reduced(income, position, working))
    return _basic(income, position, working)


def _flat(working: Working, why: str) -> int:
    law = working.law("flat.amount")
    working.step("Flat rate", f"Payable {why}.", sterling(law.value) + WEEKLY, law)
    return int(law.value)


def _reduced(income: int, position: Position, working: Working) -> int:
    """F + A x T: the flat rate, and a part of what the income is above the flat rate's."""
    flat, up_to = working.pence("flat.amount"), working.pence("flat.up_to")
    law = working.law(f"reduced.percent.{min(position.children, 3)}")
    percent = law.nth(position.others + 1)
    weekly = working.worked(
        "Reduced rate",
        f"F + A x T = {sterling(flat)} + {sterling(income - up_to)} x {percent}%,"
        f" for {_children(position.children)} and {position.others} other.",
        law,
        flat * 100 + (income - up_to) * percent,
        100,
    )
    return max(weekly, flat)


def _basic(income: int, position: Position, working: Working) -> Liability:
    counted = _less_others(_capped(income, working), position.others, working)
    law, up_to = working.law("basic.percent"), working.law("basic.up_to")
    percent = law.nth(position.children)
    first = min(counted, int(up_to.value))
    above = counted - first
    if not above:
        how = f"{percent}% of {sterling(first)}, for {_children(position.children)}."
        weekly = working.worked("Basic rate", how, law, first * percent, 100)
        return Liability(rate="basic", weekly=weekly)
    plus = working.law("basic_plus.percent")
    more = plus.nth(position.children)
    weekly = working.worked(
        "Basic plus",
        f"{percent}% of the first {sterling(first)} and {more}% of the other {sterling(above)},"
        f" for {_children(position.children)}.",
        plus,
        first * percent + above * more,
        100,
    )
    return Liability(rate="basic_plus", weekly=weekly)


def _capped(income: int, working: Working) -> int:
    law = working.law("income.cap")
    if income <= law.value:
        return income
    working.step(
        "Income above the cap is ignored",
        f"{sterling(income)} a week is above {sterling(law.value)}.",
        sterling(law.value) + WEEKLY,
        law,
    )
    return int(law.value)


def _less_others(income: int, others: int, working: Working) -> int:
    if not others:
        return income
    law = working.law("other_children.percent")
    percent = law.nth(others)
    how = f"{sterling(income)} less {percent}%, for {others} other."
    what = "Reduced for relevant other children"
    return working.worked(what, how, law, income * (100 - percent), 100)


def _children(count: int) -> str:
    return "one qualifying child" if count == 1 else f"{count} qualifying children"
