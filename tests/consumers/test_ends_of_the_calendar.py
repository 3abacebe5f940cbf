"""Days at the ends of the calendar, periods the wrong way round or of ages: nothing stops, or takes long."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from typing import Any

import msgspec
import pytest

from gateway.client.events import Event
from gateway.consumers.calculation.book import read_book as cases
from gateway.consumers.calculation.proposals import proposals as calculated
from gateway.consumers.enforcement.book import read_book as orders
from gateway.consumers.enforcement.proposals import proposals as enforced
from gateway.consumers.rates import installed
from gateway.consumers.standing import standing
from gateway.consumers.statistics.figures import statistics

RATES = installed()
TODAY = dt.date(2026, 11, 15)
CASES = cases("""
[[case]]
reference = "c"
effective_date = 2026-10-01
paying_parent = { surname = "Example", nino = "AA000001A" }
child = [{ receiving_parent = "r" }]
""")
ORDERS = {
    frequency: orders(f"""
[[case]]
reference = "c"
scheme = "2012"
started_on = 2020-01-01
nino = "AA000001A"
[[earnings_order]]
id = "d"
case = "c"
employer = "E"
served_on = 2026-09-01
first_pay_day = 2026-10-09
frequency = "{frequency}"
nino = "AA000001A"
normal = [{{ since = 2026-09-01, weekly_pence = 1, fortnightly_pence = 2, four_weekly_pence = 4, monthly_pence = 4 }}]
""")
    for frequency in ("weekly", "monthly")
}
DAYS = ("0001-01-01", "0001-04-06", "0001-01-07", "0999-01-01", "2026-10-23", "2026-10-24",
        "2026-10-30", "9999-12-25", "9999-12-31")  # fmt: skip


def events(*told: tuple[str, dict[str, Any]], provider: str = "employer") -> list[Event]:
    return [
        Event(
            seq=seq, type=kind, submission=f"s{seq}", row=1, organisation=provider,
            organisation_class=provider, format="csv", entry=1, purposes=("CALCULATE",),
            recorded_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), confidence="unasked",
            groups={"who": {"nino": "AA000001A"}} | groups,
        )
        for seq, (kind, groups) in enumerate(told, 1)
    ]  # fmt: skip


def look(found: list[Event]) -> None:
    calculated(found, CASES, RATES, TODAY)
    for book in ORDERS.values():
        enforced(found, book, RATES, TODAY)
        statistics(found, book, RATES, TODAY)


@pytest.mark.parametrize("provider", ["employer", "gov_hmrc_dwp"])
@pytest.mark.parametrize(("first", "last"), list(itertools.product(DAYS, DAYS)))
def test_no_period_of_the_calendar_stops_a_team(first: str, last: str, provider: str) -> None:
    period = {"period_start": first, "period_end": last}
    paid = {"pay_date": first, "taxable_pence": 100}
    deducted = {"due_pence": 1, "deducted_pence": 1, "payment_date": last}
    look(
        events(
            ("earnings", {"pay": paid | period, "work": {"leave_date": last}}),
            ("earnings", {"pay": paid | {"frequency": "weekly", "periods_covered": -1}, "work": {}}),
            ("earnings", {"pay": {"pay_date": "2026-10-30", "taxable_pence": 9,
                                  "frequency": "weekly"}, "work": {}}),
            ("pension_contribution", {"contribution": period | {
                "employee_pence": 1, "relief": "relief_at_source"}}),
            ("accounts_statement", {"statement": period | {"profit_pence": 1}, "business": {}}),
            ("deduction", {"deduction": deducted, "work": {"leave_date": last}, "case": period}),
            ("deduction", {"deduction": deducted, "work": {},
                           "pay": period | {"frequency": "monthly"}}),
            ("deduction", {"deduction": deducted | {"deducted_on": last}, "work": {}}),
            ("order_status", {"status": {"code": "left", "on": first}, "work": {}}),
            provider=provider,
        )
    )  # fmt: skip


@pytest.mark.parametrize("year", ["1000-01", "9998-99", "9999-00"])
def test_no_tax_year_stops_a_team(year: str) -> None:
    look(
        events(
            ("earnings", {"pay": {"tax_year": year, "taxable_pence": 1}, "work": {}}),
            ("unearned_income", {"income": {
                "category": "property", "tax_year": year, "gross_pence": 10**9}}),
            provider="gov_hmrc_dwp",
        )
    )  # fmt: skip


def test_pay_for_no_days_is_no_pay() -> None:
    turned = {"pay_date": "2026-10-30", "taxable_pence": 100}
    look(
        events(
            ("earnings", {"pay": turned | {"period_start": "2026-10-01",
                                           "period_end": "2026-10-31"}, "work": {}}),
            ("earnings", {"pay": turned | {"period_start": "2026-10-31",
                                           "period_end": "2026-09-29", "payment_id": "2"}, "work": {}}),
        )
    )  # fmt: skip


def test_thousands_of_records_take_seconds() -> None:
    weekly = {"pay_date": "2026-10-30", "taxable_pence": 1, "frequency": "weekly"}
    ages = {"period_start": "0010-01-01", "period_end": "9990-01-01"}
    found = [
        *events(*(("earnings", {"pay": weekly, "work": {"employer_name": f"a{n}"}})
                  for n in range(1_500))),
        *events(*(("earnings", {"pay": weekly, "work": {"employer_name": f"b{n}"}})
                  for n in range(1_500)), provider="gov_hmrc_dwp"),
        *events(*(("benefit", {"benefit": {"kind": "x" * n}}) for n in range(1, 1_500))),
        *events(*(("deduction", {"deduction": {"due_pence": 1, "deducted_pence": 1}, "work": {},
                                 "case": ages}) for _ in range(100))),
    ]  # fmt: skip
    numbered = [
        Event(**{name: getattr(one, name) for name in Event.__struct_fields__} | {"seq": seq})
        for seq, one in enumerate(found, 1)
    ]
    began = time.perf_counter()
    look(numbered)
    assert time.perf_counter() - began < 20


def test_thousands_of_corrections_of_one_file_take_a_moment() -> None:
    """Whoever sends a file can correct each row of it, and the file, as often as they like."""
    rows = [("address", {"where": {"lines": ["x"]}})] * 8_000
    change = {"submission": "s", "status": "disputed"}
    last = {"submission": "s", "status": "withdrawn", "row": 1}
    found = [
        msgspec.structs.replace(each, submission="s", row=each.seq)
        for each in events(*rows, *[("correction", {"change": change})] * 8_000,
                           ("correction", {"change": last}))
    ]  # fmt: skip
    began = time.perf_counter()
    stands = standing(reversed(found))
    assert time.perf_counter() - began < 2
    assert [one.event.seq for one in stands] == list(range(2, 8_001))
    assert all(one.disputed for one in stands)
