"""Grounds for a variation as they stand in one case, and what maintenance would be with them."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec

from gateway.consumers.calculation.additional import Additional, assets, unearned
from gateway.consumers.calculation.book import Case, Ground
from gateway.consumers.calculation.facts import Facts
from gateway.consumers.calculation.liability import Liability, Position, liability
from gateway.consumers.calculation.sharing import shares
from gateway.consumers.calculation.working import WEEKLY, Source, Working
from gateway.consumers.proposal import Step, pounds, sterling
from gateway.consumers.rates import Rates

_CODES: Final[dict[Ground, str]] = {
    "unearned_income": "UNEARNED_INCOME_VARIATION",
    "assets": "ASSETS_VARIATION",
}
_NAMES: Final[dict[Ground, str]] = {
    "unearned_income": "unearned income",
    "assets": "income that assets are held to bring",
}

_ADDED: Final = Source("SI 2012/2677 reg 73(1)", "V")


class FoundGround(msgspec.Struct, frozen=True, kw_only=True):
    """A ground that is met, how it was worked, and whether it counts already.

    It counts where an officer agreed to it, or where the law counts it without an application.
    """

    ground: Ground
    additional: Additional
    steps: tuple[Step, ...]
    evidence: frozenset[int]
    on: dt.date
    status: Literal["requested", "agreed"] | None
    is_automatic: bool

    @property
    def is_counted(self) -> bool:
        """Whether it is part of the maintenance calculation."""
        return self.is_automatic or self.status == "agreed"

    def added_to(self, income: int, working: Working) -> int:
        """Gross weekly income with this added."""
        working.steps.extend(self.steps)
        working.rests_on(self.evidence)
        total = income + self.additional.weekly
        how = f"{sterling(income)} and {sterling(self.additional.weekly)} of {_NAMES[self.ground]}"
        if self.is_automatic:
            law = working.law("unearned.automatic")
            working.step("Counted without an application", how + ".", sterling(total) + WEEKLY, law)
        else:
            what = "Gross weekly income with the variation"
            working.step(what, how + ".", sterling(total) + WEEKLY, _ADDED)
        return total

    def if_agreed(
        self, case: Case, position: Position, rates: Rates
    ) -> tuple[str, Case, dict[str, str], Working]:
        """Code, case, figures and working of a proposal that says what it would come to."""
        working = Working(rates, self.on)
        total = self.added_to(position.income or 0, working)
        found = liability(msgspec.structs.replace(position, income=total), working)
        weekly = sum(shares(found, case.child, working).values())
        year = self.additional.tax_year
        figures = {
            **({} if year is None else {"tax_year": year}),
            "amount": pounds(self.additional.amount),
            "weekly_income": pounds(self.additional.weekly),
            "applied_for": "yes" if self.status == "requested" else "no",
            "weekly_if_agreed": pounds(weekly),
        }
        return _CODES[self.ground], case, figures, working


def grounds_of(
    case: Case, facts: Facts, rates: Rates, on: dt.date, today: dt.date
) -> list[FoundGround]:
    """The grounds that are met, each worked by itself."""
    found = []
    for ground in _CODES:
        working = Working(rates, on)
        additional = (
            unearned(facts, working, today)
            if ground == "unearned_income"
            else assets(facts, working)
        )
        if additional is not None:
            automatic = (
                ground == "unearned_income" and working.switched("unearned.automatic") is not None
            )
            found.append(
                FoundGround(
                    ground=ground,
                    additional=additional,
                    steps=tuple(working.steps),
                    evidence=frozenset(working.evidence),
                    on=on,
                    status=case.variation_status(ground),
                    is_automatic=automatic,
                )
            )
    return found


def may_be_varied(position: Position, found: Liability) -> bool:
    """Whether a variation can change anything.

    It cannot where a default decision is in force, or the rate is flat because of a benefit (SI
    2012/2677 reg 57(1)(c) and (d)), or nothing is payable whatever the income.
    """
    return not (found.rate == "default" or found.by_benefit or position.pays_nothing)
