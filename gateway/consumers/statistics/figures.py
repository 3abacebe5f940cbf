"""The figures that the department publishes, from the feed and from what its own systems know.

The definitions follow the quarterly publication: money is *arranged* where it is collected by the
department, or due directly between parents, which is taken as paid. A paying parent pays *something*
in a quarter where any sum was received in it. An order is in force, and an action in process, on the
last day of a quarter. Only whole quarters are told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from gateway.client.events import Event
from gateway.consumers.enforcement.book import Book, Case
from gateway.consumers.enforcement.matter import Law, Matter
from gateway.consumers.enforcement.schedules import Line, reconciled
from gateway.consumers.rates import Rates
from gateway.consumers.standing import standing
from gateway.consumers.statistics.quarters import Quarter, Span, last_year_to
from gateway.consumers.statistics.rows import Row, Unit

Part = Callable[[Matter, Quarter], Iterator[Row]]
Within = Callable[[Quarter], Span]

COLLECTED: Final = "money_collected"
ARRANGED: Final = "money_arranged"
COLLECTED_12: Final = "money_collected_in_12_months"
ARRANGED_12: Final = "money_arranged_in_12_months"
REPORTED: Final = "reported_by_employers"
IN_FORCE: Final = "earnings_orders_in_force"
PAYING: Final = "paying_parents"
ACTIONS: Final = "civil_enforcement_in_process"
ALL: Final = "all"
MEASURES: Final = {
    COLLECTED: "What the department's bank received, by quarter.",
    ARRANGED: "What was collected, or fell due directly between parents, by quarter.",
    COLLECTED_12: "What the department's bank received in the twelve months to the end of each quarter.",
    ARRANGED_12: "What was collected, or fell due directly, in the twelve months to the end of each quarter.",
    IN_FORCE: "Deduction from earnings orders on the last day of each quarter.",
    PAYING: "Of those from whom money was to be collected: who paid something, by quarter.",
    ACTIONS: "Actions begun and not closed on the last day of each quarter.",
    REPORTED: "What employers' payment schedules say, by the quarter of the pay-day.",
}
"""Every measure, and what is to be seen of it."""


def statistics(events: Sequence[Event], book: Book, rates: Rates, today: dt.date) -> list[Row]:
    """Every figure of the last four whole quarters, in a fixed order."""
    matter = Matter(standing(events), book, Law(rates), today)
    quarters = last_year_to(today)
    rows: list[Row] = []
    parts: tuple[Part, ...] = (
        partial(_collected, COLLECTED, Quarter.days),
        partial(_arranged, ARRANGED, Quarter.days),
        partial(_collected, COLLECTED_12, Quarter.twelve_months),
        partial(_arranged, ARRANGED_12, Quarter.twelve_months),
        _in_force,
        _paying,
        _actions,
    )
    for part in parts:
        for quarter in quarters:
            rows += part(matter, quarter)
    lines = reconciled(matter).lines
    for quarter in quarters:
        rows += _reported(lines, quarter)
    return rows


def of_measure(rows: Iterable[Row], measure: str) -> list[Row]:
    """The rows of one measure, without the sums of all kinds: what a chart shows."""
    return [row for row in rows if row.measure == measure and row.kind != ALL]


def _row(measure: str, quarter: Quarter, kind: str, value: int, unit: Unit = "count") -> Row:
    return Row(measure=measure, quarter=quarter.label(), kind=kind, value=value, unit=unit)


def _collected(measure: str, within: Within, matter: Matter, quarter: Quarter) -> Iterator[Row]:
    span = within(quarter)
    got = [one for one in matter.book.receipt if span.holds(one.received_on)]
    by_orders = sum(one.pence for one in got if one.order is not None)
    collected = sum(one.pence for one in got)
    yield _row(measure, quarter, "earnings_orders", by_orders, "pence")
    yield _row(measure, quarter, "otherwise", collected - by_orders, "pence")
    yield _row(measure, quarter, ALL, collected, "pence")


def _arranged(measure: str, within: Within, matter: Matter, quarter: Quarter) -> Iterator[Row]:
    span = within(quarter)
    receipts, dues = matter.book.receipt, matter.book.due
    collected = sum(one.pence for one in receipts if span.holds(one.received_on))
    direct = sum(one.pence for one in dues if one.service == "direct_pay" and span.holds(one.on))
    yield _row(measure, quarter, "collect_and_pay", collected, "pence")
    yield _row(measure, quarter, "direct_pay", direct, "pence")
    yield _row(measure, quarter, ALL, collected + direct, "pence")


def _reported(schedules: Iterable[Line], quarter: Quarter) -> Iterator[Row]:
    """What employers say they deducted under our orders, by the quarter of the deduction."""
    lines = [
        line
        for line in schedules
        if line.place is not None and line.kind != "DUPLICATE" and quarter.holds(line.place.day)
    ]
    yield _row(REPORTED, quarter, "due", sum(line.due for line in lines), "pence")
    yield _row(REPORTED, quarter, "deducted", sum(line.deducted for line in lines), "pence")


def _in_force(matter: Matter, quarter: Quarter) -> Iterator[Row]:
    orders = matter.book.earnings_order
    count = sum(_open(quarter, order.served_on, order.ended_on) for order in orders)
    yield _row(IN_FORCE, quarter, "orders", count)


def _paying(matter: Matter, quarter: Quarter) -> Iterator[Row]:
    """Of the paying parents from whom the department was to collect: who paid anything."""
    due = {
        _parent(matter.case(one.case))
        for one in matter.book.due
        if one.service == "collect_and_pay" and one.pence and quarter.holds(one.on)
    }
    paid = {
        _parent(matter.case(one.case))
        for one in matter.book.receipt
        if one.pence and quarter.holds(one.received_on)
    }
    yield _row(PAYING, quarter, "something", len(due & paid))
    yield _row(PAYING, quarter, "nothing", len(due - paid))
    yield _row(PAYING, quarter, ALL, len(due))


def _parent(case: Case) -> str:
    """Who pays a case: one parent may have several."""
    return case.cms_reference or case.nino or case.reference


def _actions(matter: Matter, quarter: Quarter) -> Iterator[Row]:
    book = matter.book
    counts: dict[str, int] = {}

    def count(kind: str, started: dt.date | None, closed: dt.date | None) -> None:
        counts[kind] = counts.get(kind, 0) + _open(quarter, started, closed)

    for order in book.bank_order:
        kind = "regular_deduction_order" if order.kind == "regular" else "lump_sum_deduction_order"
        count(kind, order.made_on, order.discharged_on or order.lapsed_on)
    for liability in book.liability_order:
        count("liability_order", liability.applied_on, liability.closed_on)
    for passport in book.passport_order:
        ends = passport.ended_on or passport.ends_on
        count("passport_disqualification", passport.made_on, ends)
    for action in book.action:
        count(action.kind, action.started_on, action.closed_on)
    for kind in sorted(counts):
        yield _row(ACTIONS, quarter, kind, counts[kind])
    yield _row(ACTIONS, quarter, ALL, sum(counts.values()))


def _open(quarter: Quarter, started: dt.date | None, closed: dt.date | None) -> bool:
    """Whether something has begun and not ended on the last day of a quarter."""
    if started is None or started > quarter.last:
        return False
    return closed is None or closed > quarter.last
