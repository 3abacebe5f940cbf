"""A calculation as it is worked: each step with its law, and each rounding told.

Amounts are whole pence wherever they are kept. Between two of them stands one exact division, and what
is left of a penny is rounded by a step of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from gateway.consumers.proposal import Confidence, Step, pounds
from gateway.consumers.rates import NoRateError, Rate, Rates


class Working:
    """The steps of one calculation, in order, and the events they rest on.

    `on` is the day whose law counts.
    """

    def __init__(self, rates: Rates, on: dt.date) -> None:
        self.rates = rates
        self.on = on
        self.steps: list[Step] = []
        self.evidence: set[int] = set()

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
        """The one amount of a rate."""
        return int(self.law(code).value)

    def step(self, what: str, how: str, value: str, law: Rate) -> None:
        """Take a step that stands on a line of the tables, whose note is told with it."""
        told = how if law.note is None else f"{how} Note: {law.note}"
        self.steps.append(
            Step(what=what, how=told, value=value, citation=law.citation, confidence=law.confidence)
        )

    def plain(self, what: str, how: str, value: str, citation: str, confidence: Confidence) -> None:
        """Take a step that stands on no line of the tables."""
        self.steps.append(
            Step(what=what, how=how, value=value, citation=citation, confidence=confidence)
        )

    def rests_on(self, seqs: Iterable[int]) -> None:
        """Name events as evidence."""
        self.evidence.update(seqs)

    def penny(self, amount: Decimal | int, over: Decimal | int = 1) -> int:
        """`amount` divided by `over`, in whole pence; a step tells the rounding where there is one."""
        law = self.law("rounding.penny_from")
        exact, divisor = Decimal(amount), Decimal(over)
        whole = int((exact + (1 - law.value) * divisor) // divisor)
        if whole * divisor != exact:
            self.step(
                "Rounded to the penny",
                f"{_shown(exact, divisor)} to the nearest penny, a half upwards.",
                sterling(whole),
                law,
            )
        return whole


def sterling(pence: int | Decimal) -> str:
    """Pence as a parent reads them, as in £1,234.50."""
    whole, _, part = pounds(-pence if pence < 0 else pence).partition(".")
    return f"{'-' if pence < 0 else ''}£{int(whole):,}.{part}"


def _shown(amount: Decimal, over: Decimal) -> str:
    """A quotient of pence as pounds with six decimals, and a mark where it goes on."""
    millionths = amount * 10_000 // over
    goes_on = millionths * over != amount * 10_000
    whole, part = divmod(int(millionths), 1_000_000)
    return f"£{whole:,}.{part:06d}{'...' if goes_on else ''}"
