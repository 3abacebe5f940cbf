"""Whatever an organisation sends and the gateway accepts, a consumer says something or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.client.events import Event
from gateway.consumers.plausible import implausible
from gateway.consumers.proposal import explained
from gateway.consumers.rates import installed
from gateway.consumers.statistics.chart import as_svg
from gateway.consumers.statistics.figures import statistics
from gateway.consumers.statistics.rows import as_csv
from gateway.consumers.tracing.page import person_page
from gateway.core.record import Record
from gateway.core.records import RECORD_TYPES
from tests.any_record import structs
from tests.conftest import ROOT
from tests.consumers.test_scenarios import PROPOSE, READ

RATES = installed()
BOOKS = {
    name: READ[name]((ROOT / "schemas" / "books" / f"{name}.toml").read_text()) for name in READ
}
WHO = (
    {"nino": "AA000001A"}, {"cms_reference": "100000000017"}, {"cms_reference": "100000000025"},
    {"surname": "Sample", "date_of_birth": dt.date(1990, 2, 28)}, {},
)  # fmt: skip


def event(seq: int, record: Record, who: dict[str, Any], employer: str) -> Event:
    groups = {
        name: value
        for name in record.group_names
        if (value := msgspec.to_builtins(getattr(record, name))) is not None
    }
    if "who" in groups:
        groups["who"] |= msgspec.to_builtins(who)
    if "work" in groups:
        groups["work"]["employer_reference"] = employer
    return Event(
        seq=seq, type=record.type_name, submission="sub_1", row=seq, organisation="bakery",
        organisation_class="employer", format="csv", entry=1, purposes=("COLLECT_ENFORCE",),
        recorded_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), confidence="unasked", groups=groups,
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(RECORD_TYPES))
@settings(
    max_examples=8, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(st.data())
def test_nothing_that_is_accepted_makes_a_consumer_raise(kind: str, data: st.DataObject) -> None:
    drawn: Sequence[Record] = data.draw(st.lists(structs(RECORD_TYPES[kind]), max_size=3))
    events = [
        event(
            seq,
            record,
            data.draw(st.sampled_from(WHO)),
            data.draw(st.sampled_from(["E1234567", "x"])),
        )
        for seq, record in enumerate(drawn, 1)
    ]
    for each in events:
        implausible(each)
    today = data.draw(st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)))
    for name, propose in PROPOSE.items():
        for made in propose(events, BOOKS[name], RATES, today):
            assert explained(made)
    assert person_page(BOOKS["tracing"].subject[0], events, RATES, today)
    rows = statistics(events, BOOKS["enforcement"], RATES, today)
    assert as_csv(rows)
    assert as_svg(rows[:8], "t", "d").startswith("<svg")
