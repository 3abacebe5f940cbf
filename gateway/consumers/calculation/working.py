"""A calculation as it is worked: each step with its law, and each rounding told.

Amounts are whole pence wherever they are kept. Between two of them stands one exact division, and what
is left of a penny is rounded by a step of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from gateway.consumers.proposal import Confidence, Step, sterling
from gateway.consumers.rates import NoRateError, Rate, Rates

WEEKLY: Final = " a week"


class Source(msgspec.Struct, frozen=True):
    """Where a rule stands that has no figure, and so no line in the tables."""

    citation: str
    confidence: Confidence
    note: str | None = None


Law = Rate | Source


class Working:
    """The steps of one calculation, in order, and the events they rest on.

    `on` is the day whose law counts, `as_at` the day that income is estimated for: the same one
    unless another is named. A note of the tables is told once.
    """

    def __init__(
        self,
        rates: Rates,
        on: dt.date,
        so_far: Working | None = None,
        as_at: dt.date | None = None,
    ) -> None:
        self.rates = rates
        self.on = on
        inherited: dt.date = on if so_far is None else so_far.as_at
        self.as_at: dt.date = as_at or inherited
        self.steps: list[Step] = [] if so_far is None else list(so_far.steps)
        self.evidence: set[int] = set() if so_far is None else set(so_far.evidence)
        self.noted: set[str] = set() if so_far is None else set(so_far.noted)

    def law(self, code: str) -> Rate:
        """The line of a rate that holds; raises NoRateError."""
        return self.rates.at(code, self.on)

    def switched(self, code: str) -> Rate | None:
        """The line of a switch, if there is one and it is on."""
        try:
            rate = self.law(code)
        except NoRateError:
            return None
        return rate if rate.value else None

    def pence(self, code: str) -> int:
        """The one whole value of a rate, such as an amount."""
        return int(self.law(code).value)

    def step(self, what: str, how: str, value: str, law: Law) -> None:
        """Take a step."""
        note = law.note
        if note is not None and note not in self.noted:
            self.noted.add(note)
            how = f"{how} ({note.removesuffix('.')}.)"
        self.steps.append(
            Step(what=what, how=how, value=value, citation=law.citation, confidence=law.confidence)
        )

    def rests_on(self, seqs: Iterable[int]) -> None:
        """Name events as evidence."""
        self.evidence.update(seqs)

    def worked(
        self,
        what: str,
        how: str,
        law: Law,
        amount: Decimal | int,
        over: Decimal | int,
        each: str = WEEKLY,
    ) -> int:
        """Take a step that comes to `amount` divided by `over`, and round it to whole pence."""
        exact, divisor = Decimal(amount), Decimal(over)
        rounding = self.law("rounding.penny_from")
        whole = int((exact + (1 - rounding.value) * divisor) // divisor)
        self.step(what, how, _shown(exact, divisor) + each, law)
        if whole * divisor != exact:
            how = "To the nearest penny, a half upwards."
            self.step("Rounded", how, sterling(whole) + each, rounding)
        return whole


def _shown(amount: Decimal, over: Decimal) -> str:
    """A quotient of pence as pounds, with six decimals at most and a mark where it goes on."""
    millionths = int(amount * 10_000 // over)
    goes_on = millionths * over != amount * 10_000
    whole, part = divmod(millionths, 1_000_000)
    decimals = f"{part:06d}"
    if not goes_on:
        decimals = decimals[:2] + decimals[2:].rstrip("0")
    return f"£{whole:,}.{decimals}{'...' if goes_on else ''}"
