"""Whatever a valid record holds, nothing stops, nothing depends on order, and every line can be read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.events import Event
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.proposal import explained
from tests.adapters.record_strategies import records
from tests.consumers.enforcement.making import CASE, ORDER, RATES, book, event

TYPES = ("deduction", "earnings", "order_status", "account", "order_answer", "insolvency", "benefit",
         "passport", "balance", "nil_return")  # fmt: skip
BOOK = book(
    CASE.replace('nino = "AA000017A"', 'nino = "AA000017A"\ncms_reference = "100000000017"\n'
                 "arrears_pence = 5000\nmaintenance_until = 2026-01-31")
    + ORDER.replace('organisation = "emp"\n', "").replace('"E1"', '"X"')
    + '[[bank_order]]\nid = "X"\ncase = "case-1"\nkind = "lump_sum_interim"\npence = 100\n'
    'account = "x"\nownership = "joint"\nserved_on = 2026-06-01\nmade_on = 2026-05-01\n'
    '[[passport_order]]\nid = "X"\ncase = "case-1"\nmade_on = 2026-01-05\nends_on = 2027-01-05\n'
    'liability_order = "lo"\nearlier_recovery_attempted = true\nfound_by_court = "culpable_neglect"\n'
    "notified_on = 2026-01-06\n"
    '[[liability_order]]\nid = "lo"\ncase = "case-1"\napplied_on = 2025-01-05\nmade_on = 2025-03-01\n'
)  # fmt: skip


def meant(groups: dict[str, Any], chosen: tuple[bool, bool]) -> dict[str, Any]:
    """The groups of a record, often about the person and the orders of the book."""
    if chosen[0] and "who" in groups:
        groups["who"] |= {"nino": "AA000017A", "cms_reference": "100000000017"}
    if chosen[1]:
        for group, name in (("order", "order"), ("disqualification", "order"), ("status", "order"),
                            ("unpaid", "order"), ("work", "employer_reference")):  # fmt: skip
            if group in groups:
                groups[group][name] = "X"
    return groups


@st.composite
def told(draw: st.DrawFn, seq: int) -> Event:
    name = draw(st.sampled_from(TYPES))
    groups = msgspec.json.decode(msgspec.json.encode(draw(records(name))))
    kept = {part: value for part, value in groups.items() if isinstance(value, dict)}
    return event(
        seq,
        name,
        meant(kept, (draw(st.booleans()), draw(st.booleans()))),
        confidence=draw(st.sampled_from(["named", "matched", "unasked", "possible"])),
    )


feeds = st.integers(1, 5).flatmap(lambda most: st.tuples(*(told(n) for n in range(1, most + 1))))


@given(feeds, st.dates(dt.date(2019, 8, 1), dt.date(2030, 1, 1)))
def test_any_valid_record_is_read_and_every_line_can_be(
    events: tuple[Event, ...], today: dt.date
) -> None:
    found = proposals(events, BOOK, RATES, today)
    assert found == proposals([*reversed(events), *events], BOOK, RATES, today)
    for one in found:
        assert one.steps
        assert set(one.evidence) <= {given_event.seq for given_event in events}
        # Figures are words of their own: a line is told apart at its spaces.
        assert len(one.line().split(" ")) == 2 + len(one.figures)
        assert explained(one).count("\n") >= 1 + 3 * len(one.steps)
