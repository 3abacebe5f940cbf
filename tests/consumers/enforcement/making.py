"""Events and books for the unit tests of enforcement, with as little said as each needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from gateway.client.events import Event
from gateway.consumers.enforcement.book import Book, read_book
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.proposal import Proposal
from gateway.consumers.rates import Rates
from tests.conftest import ROOT

TABLE = (ROOT / "schemas" / "rates" / "enforcement.toml").read_text("utf-8")
RATES = Rates([TABLE])
JUNE = dt.datetime(2026, 6, 10, 9, tzinfo=dt.UTC)

CASE = """
[[case]]
reference = "case-1"
scheme = "2012"
started_on = 2022-03-01
nino = "AA000017A"
"""
ORDER = """
[[earnings_order]]
id = "deo-1"
case = "case-1"
employer = "E1"
organisation = "emp"
served_on = 2026-01-05
first_pay_day = 2026-01-30
frequency = "monthly"
nino = "AA000017A"
normal = [{since = 2026-01-30, weekly_pence = 3500, fortnightly_pence = 7000, four_weekly_pence = 14000, monthly_pence = 15000}]
"""


def book(text: str = CASE + ORDER) -> Book:
    return read_book(text)


def event(seq: int, record_type: str, groups: dict[str, Any], **more: Any) -> Event:
    told: dict[str, Any] = {
        "submission": f"s-{seq}",
        "row": 1,
        "organisation": "emp",
        "organisation_class": "employer",
        "format": "records-csv",
        "recorded_at": JUNE,
        "purposes": ("COLLECT_ENFORCE",),
        "entry": seq,
        "confidence": "unasked",
    } | more
    return Event(seq=seq, type=record_type, groups=groups, **told)


def deduction(
    seq: int, deducted: int = 15000, end: str | None = "2026-01-31", **more: Any
) -> Event:
    groups: dict[str, Any] = {
        "who": {"surname": "Marsh", "nino": more.pop("nino", "AA000017A")},
        "deduction": {"due_pence": 15000, "deducted_pence": deducted} | more.pop("deduction", {}),
        "work": {"employer_reference": "E1"} | more.pop("work", {}),
    }
    if end is not None:
        groups["case"] = {"period_end": end}
    if "pay" in more:
        groups["pay"] = more.pop("pay")
    return event(seq, "deduction", groups, **more)


def said(
    events: list[Event], today: str, text: str = CASE + ORDER, rates: Rates = RATES
) -> list[str]:
    found: list[Proposal] = proposals(events, book(text), rates, dt.date.fromisoformat(today))
    return [one.line() for one in found]
