"""The first five cells of a row: who pays, how often, for which days, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from adapters.employers.columns import Head
from adapters.employers.law import ScheduleLaw
from adapters.syntax.values import day_of
from gateway.core import rules
from gateway.core.groups.group import Frequency
from gateway.core.groups.person import Case
from gateway.core.groups.work import Pay, Work
from gateway.core.rules import Rule

PERIOD_NOT_OF_FREQUENCY: Final = Rule(
    "PERIOD_NOT_OF_FREQUENCY",
    "The period does not have the length of its frequency.",
    "Check the frequency (W, 2W, 4W or M) and the first and last day of the period.",
)
EMPLOYER_NOT_VALID: Final = Rule(
    "EMPLOYER_NOT_VALID",
    "The employer reference is not valid.",
    "Copy it from the schedule: up to 20 letters, digits, strokes and slashes.",
)

Fault = tuple[Rule, str]


@dataclass(slots=True)
class Period:
    """One employer's period; `work`, `pay` and `case` are what all its rows say of it.

    `place` tells its pay-day from the others of the file; `stands` once a row of it is accepted.
    """

    employer: str
    frequency: Frequency
    start: dt.date
    end: dt.date
    pay_date: dt.date
    charge_limit_pence: int
    place: int
    work: Work
    pay: Pay
    case: Case
    stands: bool = False


def period_of(head: Head, law: ScheduleLaw) -> tuple[Period | None, tuple[Fault, ...]]:
    """The period that the cells say, or what is wrong with them: one fault for each cell."""
    employer, code, start_text, end_text, pay_text = (cell.strip() for cell in head)
    faults: list[Fault] = []
    if not _is_employer(employer):
        faults.append((EMPLOYER_NOT_VALID if employer else rules.VALUE_MISSING, "employer_ref"))
    span = law.frequencies.get(code)
    if span is None:
        faults.append((rules.CODE_NOT_KNOWN if code else rules.VALUE_MISSING, "pay_frequency"))
    start = _day(start_text, "period_start", faults)
    end = _day(end_text, "period_end", faults)
    pay_date = _day(pay_text, "pay_date", faults)
    if start is not None and end is not None:
        days = (end - start).days + 1
        if days < 1:
            faults.append((rules.PERIOD_REVERSED, "period_end"))
        elif span is not None and not span.least_days <= days <= span.most_days:
            faults.append((PERIOD_NOT_OF_FREQUENCY, "period_end"))
    if faults or span is None or start is None or end is None or pay_date is None:
        return None, tuple(faults)
    period = Period(
        employer=employer,
        frequency=span.name,
        start=start,
        end=end,
        pay_date=pay_date,
        charge_limit_pence=law.charge_limit_pence(pay_date),
        place=0,
        work=Work(employer_reference=employer),
        pay=Pay(frequency=span.name, period_start=start, period_end=end, pay_date=pay_date),
        # Who collects is not shown what somebody earns, and has to know which period was paid.
        case=Case(period_start=start, period_end=end),
    )
    return period, ()


def _day(text: str, field: str, faults: list[Fault]) -> dt.date | None:
    day = day_of(text)
    if day is None:
        faults.append((rules.DATE_NOT_VALID if text else rules.VALUE_MISSING, field))
    return day


def _is_employer(text: str) -> bool:
    return len(text) <= 20 and text.isascii() and text.replace("/", "").replace("-", "").isalnum()
