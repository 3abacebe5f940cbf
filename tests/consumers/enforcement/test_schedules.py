"""Schedules against orders: each row in one class, sums that add up, whatever comes in which order."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.events import Event
from gateway.consumers.enforcement.matter import Law, Matter
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.enforcement.schedules import Reconciled, reconciled
from gateway.consumers.standing import standing
from tests.consumers.enforcement.making import CASE, ORDER, RATES, book, deduction, event, said

SECOND = CASE.replace("case-1", "case-2").replace("000017A", "000025B") + ORDER.replace(
    "case-1", "case-2"
).replace("deo-1", "deo-2").replace("000017A", "000025B").replace('"monthly"', '"weekly"')
BOOK = CASE + ORDER + SECOND
days = st.dates(dt.date(2025, 11, 1), dt.date(2026, 8, 31))
pence = st.sampled_from([0, 1, 3499, 3500, 3501, 14999, 15000, 15001, 7000]) | st.integers(
    -500, 40_000
)


@st.composite
def rows(draw: st.DrawFn, seq: int) -> Event:
    start, end = sorted([draw(days), draw(days)])
    pay: dict[str, Any] = {}
    if draw(st.booleans()):
        pay = {"pay": {"pay_date": draw(days).isoformat(), "net_pence": draw(st.integers(-100, 90_000)),
                       "frequency": draw(st.sampled_from(["weekly", "monthly", "quarterly"]))}}  # fmt: skip
    found = deduction(
        seq,
        draw(pence),
        draw(st.sampled_from([None, end.isoformat()])),
        nino=draw(st.sampled_from(["AA000017A", "AA000025", "AA000033C"])),
        work=draw(st.sampled_from([{}, {"employer_reference": "E9"}, {"leave_date": end.isoformat()}])),
        deduction=draw(st.sampled_from([{}, {"payment_date": end.isoformat()}, {"reason": "PROTECTED_EARNINGS"}])),
        organisation=draw(st.sampled_from(["emp", "emp", "another"])),
        recorded_at=dt.datetime.combine(end, dt.time(12), dt.UTC),
        **pay,
    )  # fmt: skip
    if draw(st.booleans()) and "case" in found.groups:
        found.groups["case"]["period_start"] = start.isoformat()
    return found


feeds = st.integers(0, 12).flatmap(
    lambda count: st.tuples(*(rows(seq) for seq in range(1, count + 1))).map(list)
)


def looked_at(events: list[Event], today: dt.date) -> Reconciled:
    return reconciled(Matter(standing(events), book(BOOK), Law(RATES), today))


@given(feeds, days)
def test_each_row_lands_in_exactly_one_class_and_the_sums_add_up(
    events: list[Event], today: dt.date
) -> None:
    found = looked_at(events, today)
    assert [line.row.seq for line in found.lines] == [one.seq for one in events]
    for line in found.lines:
        assert line.due == line.paid + line.short
        assert line.short >= 0
        assert line.over >= 0
        if line.kind not in {"NO_ORDER", "DUPLICATE"}:
            assert line.deducted == line.paid + line.over
            assert (line.kind in {"SHORT", "LEFT"}) == (line.short > 0)
            assert (line.kind == "OVER") == (line.over > 0)
    answered = [(line.order.id, number) for line in found.lines
                if line.order and line.place and line.kind != "DUPLICATE"
                for number in line.place.numbers]  # fmt: skip
    assert len(answered) == len(set(answered)), "no pay-day is answered twice"
    for lack in found.missing:
        assert lack.pay_over_by < today


@given(feeds, days, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_events_matters(
    events: list[Event], today: dt.date, chance: Any
) -> None:
    mixed = [*events, *events[: len(events) // 2]]
    chance.shuffle(mixed)
    there = book(BOOK)
    assert proposals(events, there, RATES, today) == proposals(mixed, there, RATES, today)


@given(feeds, days)
def test_the_sums_of_a_month_are_those_of_its_rows_and_of_what_is_missing(
    events: list[Event], today: dt.date
) -> None:
    found = looked_at(events, today)
    told = [one.figures for one in proposals(events, book(BOOK), RATES, today) if one.code == "RECONCILED"]  # fmt: skip
    counted = [line for line in found.lines if line.kind not in {"NO_ORDER", "DUPLICATE"}]

    def all_of(name: str) -> int:
        return sum(round(float(figures[name]) * 100) for figures in told)

    assert all_of("due") == sum(line.due for line in counted) + sum(
        one.due for one in found.missing
    )
    assert all_of("due") == all_of("deducted") + all_of("short")
    assert all_of("over") == sum(line.over for line in counted)
    assert sum(int(figures["rows"]) for figures in told) == len(counted)
    assert sum(int(figures["missing"]) for figures in told) == len(found.missing)


def test_another_organisation_cannot_answer_for_an_employer() -> None:
    lines = said([deduction(1, organisation="another")], "2026-02-01")
    assert lines == ["NO_ORDER AA000017A pay_day=2026-01-31 deducted=150.00 why=another_employer"]
    status = {"who": {"nino": "AA000017A"}, "status": {"code": "left", "order": "deo-1", "on": "2026-01-06"}}  # fmt: skip
    silenced = said([event(1, "order_status", status, organisation="another")], "2026-02-20")
    assert [line.split()[0] for line in silenced] == ["MISSING", "RECONCILED"]
    spoken = said([event(1, "order_status", status)], "2026-02-20")
    assert [line.split()[0] for line in spoken] == ["LEFT"]


def test_pay_that_is_shown_places_and_measures_a_row() -> None:
    pay = {"frequency": "weekly", "pay_date": "2026-01-30", "period_start": "2026-01-24",
           "period_end": "2026-01-30", "net_pence": 5_000}  # fmt: skip
    row = deduction(1, 2_000, None, pay=pay, deduction={"reason": "PROTECTED_EARNINGS"})
    lines = said([row], "2026-02-01")
    assert lines[1] == (
        "SHORT deo-1 pay_day=2026-01-30 due=35.00 deducted=20.00 short=15.00 "
        "reason=PROTECTED_EARNINGS known=yes carried=no protected_explains=yes "
        "pay_over_by=2026-02-19 late_by=111"
    )


def test_of_two_orders_the_one_that_is_named_counts() -> None:
    twice = CASE + ORDER + ORDER.replace("deo-1", "deo-0")
    row = deduction(1, 100)
    row.groups["case"]["order"] = "deo-0"
    (short,) = [line for line in said([row], "2026-02-01", twice) if line.startswith("SHORT")]
    assert short.startswith("SHORT deo-0")


@pytest.mark.parametrize("wild", ["0001-01-01", "9999-12-31", "1900-02-28"])
def test_a_slip_of_the_pen_in_a_day_stops_nothing(wild: str) -> None:
    events = [
        deduction(1, end=wild),
        deduction(2, end=None, deduction={"payment_date": wild}),
        deduction(3, work={"leave_date": wild}),
        deduction(4, end=None, pay={"pay_date": wild, "period_start": wild, "period_end": wild}),
        event(5, "order_status", {"who": {}, "status": {"code": "left", "order": "deo-1", "on": wild}}),
        event(6, "insolvency", {"work": {"employer_reference": "E1"}, "who": {"nino": "AA000017A"},
              "insolvency": {"kind": "administration", "on": wild}, "unpaid": {"deducted_pence": 1}}),
        event(7, "order_status", {"who": {}, "status": {"code": "insolvent", "order": "deo-1", "on": wild}}),
    ]  # fmt: skip
    assert said(events, "2026-06-20")
    for count in range(7):
        assert isinstance(said(events[count : count + 1], "2026-06-20"), list)
