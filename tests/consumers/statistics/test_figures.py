"""Figures by quarter: what counts, on which day, and that the parts make the whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.events import Event
from gateway.consumers.enforcement.book import Book, Due, Receipt, read_book
from gateway.consumers.statistics.figures import MEASURES, of_measure, statistics
from gateway.consumers.statistics.quarters import Quarter, last_year_to, quarter_of
from gateway.consumers.statistics.rows import Row, as_csv
from tests.conftest import ROOT
from tests.consumers.enforcement.making import CASE, ORDER, RATES, deduction

SECOND = CASE.replace("case-1", "case-2").replace("000017A", "000025B")
THIRD = CASE.replace("case-1", "case-3")
TODAY = dt.date(2026, 7, 1)
days = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))


def figures(text: str, events: Sequence[Event] = (), today: dt.date = TODAY) -> dict[tuple[str, str, str], int]:  # fmt: skip
    rows = statistics(events, read_book(CASE + ORDER + SECOND + THIRD + text), RATES, today)
    found = {(row.measure, row.quarter, row.kind): row.value for row in rows}
    assert len(found) == len(rows), "no figure twice"
    return found


@given(days)
def test_a_day_is_in_its_quarter_and_in_no_other(day: dt.date) -> None:
    quarter = quarter_of(day)
    assert quarter.holds(day)
    assert not quarter.after(1).holds(day)
    assert not quarter.after(-1).holds(day)
    assert quarter.after(-1).last + dt.timedelta(days=1) == quarter.first
    assert quarter.after(5).after(-5) == quarter


@pytest.mark.parametrize(
    ("today", "newest"),
    [("2026-06-29", "2026-Q1"), ("2026-06-30", "2026-Q2"), ("2026-07-01", "2026-Q2")],
)
def test_only_whole_quarters_are_told(today: str, newest: str) -> None:
    told = last_year_to(dt.date.fromisoformat(today))
    assert len(told) == 4
    assert told[-1].label() == newest
    assert list(told) == sorted(told)


def receipt(case: str, on: str, pence: int, more: str = "") -> str:
    return f'[[receipt]]\ncase = "{case}"\nreceived_on = {on}\npence = {pence}\n{more}\n'


def due(case: str, on: str, pence: int, service: str) -> str:
    return f'[[due]]\ncase = "{case}"\non = {on}\npence = {pence}\nservice = "{service}"\n'


def test_money_is_collected_on_the_day_it_came_and_arranged_where_it_is_due_directly() -> None:
    found = figures(
        receipt("case-1", "2026-03-31", 100, 'order = "deo-1"')
        + receipt("case-1", "2026-04-01", 200, 'order = "deo-1"')
        + receipt("case-2", "2026-06-30", 40)
        + receipt("case-2", "2026-07-01", 1000)
        + due("case-2", "2026-05-01", 7000, "direct_pay")
        + due("case-2", "2026-05-01", 9999, "collect_and_pay")
    )
    assert found["money_collected", "2026-Q1", "all"] == 100
    assert found["money_collected", "2026-Q2", "earnings_orders"] == 200
    assert found["money_collected", "2026-Q2", "otherwise"] == 40
    assert found["money_collected", "2026-Q2", "all"] == 240
    assert found["money_arranged", "2026-Q2", "direct_pay"] == 7000
    assert found["money_arranged", "2026-Q2", "all"] == 7240


def test_money_of_twelve_months_is_that_of_four_quarters_and_no_day_more() -> None:
    found = figures(
        receipt("case-1", "2025-06-30", 1)
        + receipt("case-1", "2025-07-01", 20, 'order = "deo-1"')
        + receipt("case-2", "2026-06-30", 300)
        + receipt("case-2", "2026-07-01", 4000)
        + due("case-2", "2025-06-30", 10000, "direct_pay")
        + due("case-2", "2025-07-01", 70000, "direct_pay")
    )
    assert found["money_collected_in_12_months", "2026-Q2", "earnings_orders"] == 20
    assert found["money_collected_in_12_months", "2026-Q2", "otherwise"] == 300
    assert found["money_collected_in_12_months", "2026-Q2", "all"] == 320
    assert found["money_arranged_in_12_months", "2026-Q2", "all"] == 70320
    # To the end of March the day before the first of July 2025 counts too.
    assert found["money_collected_in_12_months", "2026-Q1", "all"] == 21
    assert found["money_arranged_in_12_months", "2026-Q1", "direct_pay"] == 80000


def test_a_parent_with_two_cases_is_one_and_pays_something_for_a_penny() -> None:
    found = figures(
        due("case-1", "2026-05-01", 100, "collect_and_pay")
        + due("case-3", "2026-05-01", 100, "collect_and_pay")
        + due("case-2", "2026-05-01", 100, "collect_and_pay")
        + receipt("case-3", "2026-05-02", 1)
    )
    assert found["paying_parents", "2026-Q2", "something"] == 1
    assert found["paying_parents", "2026-Q2", "nothing"] == 1
    assert found["paying_parents", "2026-Q2", "all"] == 2
    assert found["paying_parents", "2026-Q1", "all"] == 0


@pytest.mark.parametrize(
    ("ended", "counts"), [(None, 1), ("2026-07-01", 1), ("2026-06-30", 0), ("2026-06-29", 0)]
)
def test_an_order_is_in_force_at_the_end_of_a_quarter(ended: str | None, counts: int) -> None:
    text = CASE + ORDER + (f"ended_on = {ended}\n" if ended else "")
    rows = statistics([], read_book(text), RATES, TODAY)
    (row,) = [r for r in rows if r.measure == "earnings_orders_in_force" and r.quarter == "2026-Q2"]
    assert row.value == counts
    (before,) = [r for r in rows if r.measure == "earnings_orders_in_force" and r.quarter == "2025-Q4"]  # fmt: skip
    assert before.value == 0


def test_actions_are_counted_by_kind_while_they_are_in_process() -> None:
    found = figures(
        '[[liability_order]]\nid = "lo-1"\ncase = "case-1"\napplied_on = 2026-01-05\n'
        '[[liability_order]]\nid = "lo-2"\ncase = "case-2"\napplied_on = 2026-01-05\nclosed_on = 2026-04-01\n'
        '[[passport_order]]\nid = "po-1"\ncase = "case-1"\nmade_on = 2026-05-01\nends_on = 2027-05-01\n'
        '[[bank_order]]\nid = "b-1"\ncase = "case-1"\nkind = "regular"\npence = 1\naccount = "x"\nownership = "sole"\nmade_on = 2025-11-01\n'
        '[[bank_order]]\nid = "b-2"\ncase = "case-1"\nkind = "lump_sum_interim"\npence = 1\naccount = "x"\nownership = "sole"\n'
        '[[action]]\ncase = "case-1"\nkind = "charging_order"\nstarted_on = 2026-06-30\n'
    )
    assert found["civil_enforcement_in_process", "2026-Q1", "liability_order"] == 2
    assert found["civil_enforcement_in_process", "2026-Q2", "liability_order"] == 1
    assert found["civil_enforcement_in_process", "2026-Q2", "passport_disqualification"] == 1
    assert found["civil_enforcement_in_process", "2026-Q2", "charging_order"] == 1
    assert found["civil_enforcement_in_process", "2026-Q2", "lump_sum_deduction_order"] == 0
    assert found["civil_enforcement_in_process", "2025-Q4", "regular_deduction_order"] == 1
    assert found["civil_enforcement_in_process", "2026-Q2", "all"] == 4


def test_what_employers_report_comes_from_the_feed() -> None:
    rows = [deduction(1, 15000), deduction(2, 9000, "2026-04-30"), deduction(3, 15000)]
    found = figures("", rows)
    assert found["reported_by_employers", "2026-Q1", "deducted"] == 15000
    assert found["reported_by_employers", "2026-Q2", "due"] == 15000
    assert found["reported_by_employers", "2026-Q2", "deducted"] == 9000


cases = st.sampled_from(["case-1", "case-2", "case-3"])
receipts = st.builds(Receipt, case=cases, received_on=days, pence=st.integers(0, 10**6),
                     order=st.sampled_from([None, "deo-1"]))  # fmt: skip
dues = st.builds(Due, case=cases, on=days, pence=st.integers(0, 10**6),
                 service=st.sampled_from(["collect_and_pay", "direct_pay"]))  # fmt: skip


@given(st.lists(receipts, max_size=20), st.lists(dues, max_size=20), days)
def test_the_kinds_of_a_measure_make_its_whole(
    got: list[Receipt], owed: list[Due], today: dt.date
) -> None:
    base = read_book(CASE + ORDER + SECOND + THIRD)
    book = Book(case=base.case, earnings_order=base.earnings_order, receipt=tuple(got), due=tuple(owed))  # fmt: skip
    rows = statistics([], book, RATES, today)
    for whole in (row for row in rows if row.kind == "all"):
        parts = [row for row in of_measure(rows, whole.measure) if row.quarter == whole.quarter]
        assert sum(row.value for row in parts) == whole.value
    collected = [row.value for row in rows if (row.measure, row.kind) == ("money_collected", "all")]
    inside = [
        one.pence for one in got if any(q.holds(one.received_on) for q in last_year_to(today))
    ]
    assert sum(collected) == sum(inside)
    assert isinstance(rows[0], Row)
    assert isinstance(last_year_to(today)[0], Quarter)


def test_the_page_tells_every_measure_and_kind() -> None:
    page = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    text = (
        receipt("case-1", "2026-04-01", 45_000, 'order = "deo-1"')
        + receipt("case-2", "2026-04-01", 10_000)
    )  # fmt: skip
    rows = statistics([], read_book(CASE + ORDER + SECOND + text), RATES, TODAY)
    for row in rows:
        assert f"`{row.measure}`" in page
        assert f"`{row.kind}`" in page
    header, *lines = as_csv(
        [row for row in rows if (row.measure, row.quarter) == ("money_collected", "2026-Q2")]
    ).splitlines()
    assert "".join(f"    {line}\n" for line in (header, *lines)) in page


def test_every_measure_is_named_with_what_is_to_be_seen_of_it() -> None:
    action = '[[action]]\ncase = "case-1"\nkind = "prison"\nstarted_on = 2026-06-01\n'
    assert {measure for measure, _, _ in figures(action)} == set(MEASURES)
