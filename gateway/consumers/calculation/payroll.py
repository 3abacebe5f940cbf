"""What payrolls pay a week, as at a day: the average of what was paid up to it (SI 2012/2677 reg 38)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gateway.consumers.calculation.facts import Earning, Fact
from gateway.consumers.calculation.historic import payer
from gateway.consumers.calculation.tax_years import MONTHS, twelfths_of_days
from gateway.consumers.calculation.working import Source, Working
from gateway.consumers.proposal import sterling

_AS_AT: Final = Source(
    "SI 2012/2677 reg 37(1)",
    "P",
    "The words of the regulation on the day were not read: that income is estimated as at the"
    " effective date, the review date or between them the day of looking is our reading.",
)
_LEFT_OUT: Final = Source("SI 2012/2677 reg 38", "P")
# Frequencies that are no length of time.
_NO_PERIOD: Final = {"irregular": "irregular", "one_off": "one-off"}
# How a sum for some periods becomes one for a week.
_A_WEEK: Final = {"weekly": "", "fortnightly": " / 2", "four_weekly": " / 4"}
_A_YEAR: Final = {"monthly": " x 12", "quarterly": " x 4", "half_yearly": " x 2", "annual": ""}


class _Payment(msgspec.Struct, frozen=True):
    """Regular pay, the day it was paid, and how long it is for, in twelfths of a day."""

    fact: Fact[Earning]
    day: dt.date
    length: int

    @property
    def pence(self) -> int:
        return self.fact.told.pay.taxable_pence or 0


def added(amounts: Iterable[int | None]) -> int | None:
    """The sum of those amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def paid_weekly(
    rolls: Sequence[list[Fact[Earning]]], working: Working, *, later: bool
) -> int | None:
    """What several payrolls pay a week; None where none of them is current.

    Pay after the day that income is estimated for is left out, and that is said. Where nothing up to
    that day is known it counts all the same if `later`.
    """
    regular = [_regular(payments, working) for payments in rolls]
    for payments in rolls:
        _left_out(payments, working)
    none_before = all(one.day > working.as_at for roll in regular for one in roll)
    after = later and none_before
    return added(
        _weekly(payments, roll, working, after=after)
        for payments, roll in zip(rolls, regular, strict=True)
    )


def _regular(payments: Iterable[Fact[Earning]], working: Working) -> list[_Payment]:
    return [
        _Payment(fact, fact.told.pay.pay_date, length)
        for fact in payments
        if fact.told.pay.pay_date is not None and (length := _length(fact.told, working))
    ]


def _length(earning: Earning, working: Working) -> int | None:
    """How long a payment is for, in twelfths of a day."""
    pay = earning.pay
    if pay.is_irregular or pay.withdrawn_date is not None or pay.taxable_pence is None:
        return None
    if pay.period_start is not None and pay.period_end is not None and pay.frequency is None:
        days = (pay.period_end - pay.period_start).days + 1
        return days * MONTHS if days > 0 else None
    year, week = working.pence("year.days"), working.pence("week.days")
    return twelfths_of_days(pay.frequency, max(pay.periods_covered or 1, 1), year, week)


def _weekly(
    payments: list[Fact[Earning]], regular: list[_Payment], working: Working, *, after: bool
) -> int | None:
    """The average over the last of the payments of one employment, if it is current."""
    law = working.law("current.window")
    window = dt.timedelta(days=int(law.value))
    held = [one for one in regular if after or one.day <= working.as_at]
    _paid_after(
        payments, [one for one in regular if one.day > working.as_at], working, counts=after
    )
    if not held:
        return None
    last = max(one.day for one in held)
    left = payments[-1].told.work.leave_date
    if last < working.as_at - window or (left is not None and left < working.as_at):
        return None
    counted = [one for one in held if last - one.day < window]
    pence = max(sum(one.pence for one in counted), 0)
    weekly = working.worked(
        f"Paid now by {payer(payments[-1])}",
        f"{sterling(pence)} in {_sum(counted, last, working)}.",
        law,
        pence * working.pence("week.days") * MONTHS,
        sum(one.length for one in counted),
    )
    working.rests_on(one.fact.seq for one in counted)
    return weekly


def _paid_after(
    payments: list[Fact[Earning]], later: list[_Payment], working: Working, *, counts: bool
) -> None:
    """The step that says what became of pay after the day that counts."""
    if not later:
        return
    paid = f"{sterling(sum(one.pence for one in later))} was paid by {payer(payments[-1])}"
    if counts:
        how = f"{paid} after {working.as_at}; nothing before it is known, so it counts."
    else:
        how = f"{paid} after {working.as_at}, the day that income is estimated for."
    working.step("Paid after the day that counts", how, "counted" if counts else "left out", _AS_AT)
    working.rests_on(one.fact.seq for one in later)


def _left_out(payments: list[Fact[Earning]], working: Working) -> None:
    """The steps that say which recent payments make no weekly pay, by why they do not."""
    law = working.law("current.window")
    since = working.as_at - dt.timedelta(days=int(law.value))
    kinds: dict[str, list[Fact[Earning]]] = {}
    for fact in payments:
        pay = fact.told.pay
        why = "irregular" if pay.is_irregular else _NO_PERIOD.get(pay.frequency or "")
        told = pay.taxable_pence and pay.withdrawn_date is None
        if why is not None and told and (pay.pay_date is None or pay.pay_date >= since):
            kinds.setdefault(why, []).append(fact)
    for why, facts in sorted(kinds.items()):
        pence = sum(fact.told.pay.taxable_pence or 0 for fact in facts)
        count = "1 payment" if len(facts) == 1 else f"{len(facts)} payments"
        working.step(
            "Left out",
            f"{count} by {payer(facts[0])}, told as {why}: it is for no period that makes a week's pay."
            " Whether it is to be averaged is for an officer.",
            f"{why}, {sterling(pence)}",
            _LEFT_OUT,
        )
        working.rests_on(fact.seq for fact in facts)


def _sum(counted: list[_Payment], last: dt.date, working: Working) -> str:
    """The payments and the whole sum that makes a week of them, so that it can be done again."""
    year, week = working.pence("year.days"), working.pence("week.days")
    pays = [one.fact.told.pay for one in counted]
    often = {pay.frequency for pay in pays}
    count = len(counted)
    frequency = next(iter(often)) if len(often) == 1 else None
    named = "" if frequency is None else f"{frequency.replace('_', '-')} "
    what = f"{count} {named}payment{'' if count == 1 else 's'} up to {last}"
    periods = sum(max(pay.periods_covered or 1, 1) for pay in pays)
    if frequency is None:
        days, part = divmod(sum(one.length for one in counted), MONTHS)
        length = f"{days} {part}/{MONTHS}" if part else f"{days}"
        return f"{what}, for {length} days in all: / {length} x {week}"
    if periods != count:
        what += f", for {periods} periods"
    parts = f" / {periods}" if periods > 1 else ""
    if frequency in _A_WEEK:
        parts += _A_WEEK[frequency]
    else:
        parts += f"{_A_YEAR[frequency]} / {year} x {week}"
    averaged = ", averaged" if count > 1 else ""
    return f"{what}{averaged}:{parts}" if parts else what
