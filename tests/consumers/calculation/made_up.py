"""Events, cases and tables for tests of calculation; nobody in them exists."""

from __future__ import annotations

import datetime as dt
from typing import Any

from gateway.client.events import Event
from gateway.consumers.calculation.book import Book, read_book
from gateway.consumers.calculation.proposals import proposals
from gateway.consumers.calculation.working import Working
from gateway.consumers.proposal import Proposal
from gateway.consumers.rates import Rates
from tests.consumers.offline import ROOT

TABLE = (ROOT / "schemas" / "rates" / "calculation.toml").read_text(encoding="utf-8")
RATES = Rates([TABLE])
EFFECTIVE = dt.date(2026, 5, 1)
TODAY = dt.date(2026, 5, 2)
WHO = {"surname": "Marsh", "nino": "AA000017A"}
CASE = """
[[case]]
reference = "case-1"
effective_date = 2026-05-01
paying_parent = { surname = "Marsh", nino = "AA000017A", date_of_birth = 1988-03-14 }
child = [{ receiving_parent = "parent-a" }]
"""


def working(on: dt.date = EFFECTIVE) -> Working:
    return Working(RATES, on)


def case_with(*lines: str, children: str = "") -> Book:
    text = (
        CASE.replace('child = [{ receiving_parent = "parent-a" }]', children) if children else CASE
    )
    return read_book(text + "\n".join(lines))


def case_from(day: dt.date) -> Book:
    return read_book(CASE.replace("2026-05-01", day.isoformat()))


def event(seq: int, record_type: str, groups: dict[str, Any], **members: Any) -> Event:
    base: dict[str, Any] = {
        "seq": seq,
        "type": record_type,
        "submission": f"s-{seq}",
        "row": 2,
        "organisation": members.get("organisation_class", "gov_hmrc_dwp"),
        "organisation_class": "gov_hmrc_dwp",
        "format": "records.csv.v1",
        "recorded_at": dt.datetime(2026, 4, 20, 9, tzinfo=dt.UTC),
        "purposes": ("DETERMINE_APPLICATION",),
        "entry": seq,
        "confidence": "named",
        "groups": groups,
    }
    return Event(**(base | members))


def year_of_pay(seq: int, pence: int, who: dict[str, Any] | None = None, **members: Any) -> Event:
    pay = {"tax_year": "2025-26", "pay_date": "2026-03-31", "taxable_pence": pence}
    work = {"employer_name": "Example Bakery Ltd"}
    return event(seq, "earnings", {"who": who or WHO, "pay": pay, "work": work}, **members)


def weekly_pay(seq: int, pence: int, name: str = "Example Bakery Ltd", **members: Any) -> Event:
    pay = {"frequency": "weekly", "pay_date": "2026-04-29", "taxable_pence": pence}
    groups = {"who": WHO, "pay": pay, "work": {"employer_name": name, **members.pop("work", {})}}
    return event(seq, "earnings", groups, **({"organisation_class": "employer"} | members))


def correction(seq: int, of: Event, status: str, **members: Any) -> Event:
    change = {"submission": of.submission, "row": of.row, "status": status}
    return event(seq, "correction", {"change": change}, organisation=of.organisation, **members)


def said(*events: Event, book: Book | None = None, rates: Rates = RATES) -> list[Proposal]:
    return proposals(events, book or case_with(), rates, TODAY)


def lines(*events: Event, book: Book | None = None, rates: Rates = RATES) -> list[str]:
    return [proposal.line() for proposal in said(*events, book=book, rates=rates)]
