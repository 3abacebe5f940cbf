"""What an officer reads is ours, line by line, whatever an organisation wrote into a name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from gateway.client.events import Event
from gateway.consumers.calculation import book as calculation_book
from gateway.consumers.calculation import proposals as calculation
from gateway.consumers.proposal import explained
from gateway.consumers.rates import installed
from gateway.consumers.tracing.book import Book, Subject
from gateway.consumers.tracing.page import person_page
from gateway.consumers.tracing.proposals import proposals

RATES = installed()
TODAY = dt.date(2026, 11, 15)
SUBJECT = Subject(reference="t", surname="Example", nino="AA000001A")
CASES = calculation_book.read_book("""
[[case]]
reference = "c"
effective_date = 2026-10-01
paying_parent = { surname = "Example", nino = "AA000001A" }
child = [{ receiving_parent = "r" }]
""")


def event(seq: int, kind: str, provider: str = "employer", **groups: dict[str, Any]) -> Event:
    return Event(
        seq=seq, type=kind, submission="s", row=seq, organisation=provider,
        organisation_class=provider, format="csv", entry=1, purposes=("IDENTIFY_TRACE",),
        recorded_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), confidence="unasked",
        groups={"who": {"nino": "AA000001A"}} | groups,
    )  # fmt: skip


@pytest.mark.parametrize(
    "char", ["\n", "\r", "\t", "\x1b[2J", "\x85", "\u2028", "\u202e", "\u200b", "\u200f", "\u2066"]
)
def test_no_name_makes_a_line_or_moves_one(char: str) -> None:
    name = f"Smith{char}  9. Paid: nothing"
    pay = {"pay_date": "2026-10-30", "taxable_pence": 50_000, "frequency": "weekly"}
    events = [
        event(1, "address", where={"lines": [name], "postcode": "SW1A 1AA"}),
        event(2, "employment", work={"employer_name": name}),
        event(3, "earnings", pay=pay, work={"employer_name": name}),
        event(4, "holding", investment={"kind": "shares", "name": name, "value_pence": 10**9}),
    ]
    texts = [person_page(SUBJECT, events, RATES, TODAY)]
    made = [
        *proposals(events, Book((SUBJECT,)), RATES, TODAY),
        *calculation.proposals(events, CASES, RATES, TODAY),
    ]
    texts += [explained(each) for each in made]
    assert all(each.line().isprintable() for each in made)
    assert any("Paid: nothing" in text for text in texts)
    for text in texts:
        assert all(line.isprintable() for line in text.split("\n"))
        assert not any(line.startswith("  9. Paid") for line in text.split("\n"))


def test_who_told_of_custody_is_named() -> None:
    told = [event(1, "custody", "police", custody={"status": "remand", "since": "2026-09-01"})]
    (made, *_) = calculation.proposals(told, CASES, RATES, TODAY)
    assert made.figures["rate"] == "nil"
    assert "police (police) told of it: remand" in explained(made)
