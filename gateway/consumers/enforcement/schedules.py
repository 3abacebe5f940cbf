"""Payment schedules against earnings orders: each row in one class, each pay-day answered or missing.

A row shows its period in the pay, which enforcement is rarely shown, or beside the case. Where it
shows none it counts for the oldest pay-day of its order that no other row answers, as money would.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import Final, Literal

import msgspec

from gateway.consumers.enforcement.book import EarningsOrder
from gateway.consumers.enforcement.days import days_after, in_month_after, month_of
from gateway.consumers.enforcement.matter import Matter
from gateway.consumers.enforcement.pay_days import (
    Place,
    first_from,
    pay_day,
    place_of,
    rate_on,
    shown_day,
)
from gateway.consumers.enforcement.told import (
    DeductionRow,
    StatusRow,
    Told,
    Work,
)

Class = Literal["PAID", "SHORT", "OVER", "LATE", "LEFT", "DUPLICATE", "NO_ORDER"]
Why = Literal["not_ordered", "another_employer", "before_start", "after_end"]
Row = Told[DeductionRow]

# The employer has said that nothing more will come under the order.
NOTHING_MORE: Final = frozenset(
    {"left", "not_our_employee", "cannot_set_up", "ceased_trading", "insolvent"}
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row and what became of it. `due` is by the order; `paid` and `short` make it up."""

    row: Row
    kind: Class
    order: EarningsOrder | None = None
    why: Why | None = None
    place: Place | None = None
    guessed: bool = False
    due: int = 0
    pay_over_by: dt.date | None = None
    paid_on: dt.date | None = None

    @property
    def deducted(self) -> int:
        """What the row says was taken."""
        return self.row.said.deduction.deducted_pence

    @property
    def paid(self) -> int:
        """What of it counts towards what was due."""
        return min(self.deducted, self.due)

    @property
    def short(self) -> int:
        """What is lacking of what was due."""
        return self.due - self.paid

    @property
    def over(self) -> int:
        """What was taken above what was due."""
        return self.deducted - self.paid

    @property
    def late_by(self) -> int:
        """Days after the last one on which it was in time; 0 where it was."""
        if self.paid_on is None or self.pay_over_by is None or self.deducted <= 0:
            return 0
        return max(0, (self.paid_on - self.pay_over_by).days)


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A pay-day that no row answers, although the time to pay over has passed."""

    order: EarningsOrder
    day: dt.date
    due: int
    pay_over_by: dt.date


class Reconciled(msgspec.Struct, frozen=True):
    """Every row of every schedule, every pay-day without one, and what was said of each order.

    `by_order` are the lines of each order, `statuses` what its employer said of it, the newest last.
    """

    lines: tuple[Line, ...]
    missing: tuple[Missing, ...]
    by_order: dict[str, list[Line]]
    statuses: dict[str, list[Told[StatusRow]]]


def reconciled(matter: Matter) -> Reconciled:
    """The schedules against the orders; each row stands in exactly one line."""
    by_order: dict[str, list[Row]] = {}
    lines: list[Line] = []
    for row in matter.told("deduction", DeductionRow):
        order, why = order_of(matter, row)
        if order is None:
            lines.append(Line(row=row, kind="NO_ORDER", why=why))
        else:
            by_order.setdefault(order.id, []).append(row)
    missing: list[Missing] = []
    statuses = _statuses(matter)
    placed: dict[str, list[Line]] = {}
    for order in matter.book.earnings_order:
        told, answered = _lines_of(matter, order, by_order.get(order.id, []))
        lines += told
        placed[order.id] = [line for line in told if line.order is not None]
        last = _last_bound(matter, order, told, statuses.get(order.id, []))
        missing += _missing(matter, order, answered, last)
    return Reconciled(_once(lines), tuple(missing), placed, statuses)


def _once(lines: list[Line]) -> tuple[Line, ...]:
    """The lines in the order of the feed; of what no order asked for, told twice, the second is one.

    It is the same where the employer, the person, the sum and a day are; without a day none is.
    """
    told: set[Hashable] = set()
    found: list[Line] = []
    for line in sorted(lines, key=lambda line: line.row.seq):
        said = line.row.said
        days = shown_day(said), said.deduction.payment_date
        if line.kind != "NO_ORDER" or days == (None, None):
            found.append(line)
            continue
        day = days[0] or days
        work = said.work.employer_reference
        same = (line.row.organisation, work, said.who.label(), day, line.deducted, line.why)
        second = same in told
        found.append(msgspec.structs.replace(line, kind="DUPLICATE") if second else line)
        told.add(same)
    return tuple(found)


def order_of(matter: Matter, row: Row) -> tuple[EarningsOrder | None, Why | None]:
    """The order that a row is about, or why there is none.

    The employer has to be the one that was served; of several orders the one that the row names
    counts, then one in force on its day, then the first of the book.
    """
    said = row.said
    of_person = matter.orders_of(said.who)
    if not of_person:
        return None, "not_ordered"
    here = [order for order in of_person if served(order, row.organisation, said.work)]
    if not here:
        return None, "another_employer"
    named = [order for order in here if order.id == said.case.order]
    told = said.deduction
    day = told.deducted_on or said.case.period_end or told.payment_date or row.came_on
    running = [
        order
        for order in here
        if order.first_pay_day <= day and (order.ended_on is None or day <= order.ended_on)
    ]
    return (named or running or here)[0], None


def served(order: EarningsOrder, organisation: str, work: Work) -> bool:
    """Whether who speaks is the employer that the order was served on; nobody else counts."""
    if order.organisation not in {None, organisation}:
        return False
    return work.employer_reference in {None, order.employer}


def _lines_of(
    matter: Matter, order: EarningsOrder, rows: list[Row]
) -> tuple[list[Line], frozenset[int]]:
    """The lines of one order, and the numbers of the pay-days that they answer."""
    answered: set[int] = set()
    lines: list[Line] = []
    unplaced: list[Row] = []
    for row in rows:
        place = place_of(row.said, order)
        if place is None:
            unplaced.append(row)
        else:
            lines.append(_line(matter, order, row, place, answered))
    for row in unplaced:
        came_on = row.said.deduction.payment_date or row.came_on
        place = _oldest_free(order, answered, matter.book.schedules_from, came_on)
        line = _line(matter, order, row, place, answered)
        lines.append(msgspec.structs.replace(line, guessed=True))
    return lines, frozenset(answered)


def _oldest_free(
    order: EarningsOrder, answered: set[int], since: dt.date | None, came_on: dt.date
) -> Place:
    """The oldest pay-day that no row answers, no later than its money came.

    Where none is left it is a second row for the newest; before the first it is for none.
    """
    first = first_from(order, since)
    free = next(n for n in range(first, first + len(answered) + 1) if n not in answered)
    while free >= 0 and pay_day(order, free) > came_on:
        free -= 1
    return Place((free,), order.frequency, came_on if free < 0 else pay_day(order, free))


def _line(matter: Matter, order: EarningsOrder, row: Row, place: Place, answered: set[int]) -> Line:
    if place.day < order.first_pay_day and place.numbers[-1] < 0:
        return Line(row=row, kind="NO_ORDER", why="before_start")
    if order.ended_on is not None and place.day > order.ended_on:
        return Line(row=row, kind="NO_ORDER", why="after_end")
    if answered.intersection(place.numbers):
        return Line(row=row, kind="DUPLICATE", order=order, place=place)
    answered.update(place.numbers)
    line = Line(
        row=row,
        kind="PAID",
        order=order,
        place=place,
        due=rate_on(order, place.frequency, place.day),
        pay_over_by=pay_over_by(matter, place.day),
        paid_on=_paid_on(matter, order, row, place.day),
    )
    return msgspec.structs.replace(line, kind=_kind(line))


def _kind(line: Line) -> Class:
    if line.short > 0:
        return "LEFT" if line.row.said.work.leave_date is not None else "SHORT"
    if line.over > 0:
        return "OVER"
    return "LATE" if line.late_by else "PAID"


def pay_over_by(matter: Matter, deducted_on: dt.date) -> dt.date:
    """The last day on which what was deducted on a day is in time."""
    return in_month_after(deducted_on, matter.law.number("DEO_PAY_OVER_DAY", deducted_on))


def _paid_on(matter: Matter, order: EarningsOrder, row: Row, day: dt.date) -> dt.date:
    """When it was paid: as the bank knows it, else as the row says, else the day the row came."""
    known = [receipt.received_on for receipt in matter.receipts(order.id, month_of(day))]
    return max(known) if known else row.said.deduction.payment_date or row.came_on


def _statuses(matter: Matter) -> dict[str, list[Told[StatusRow]]]:
    """What employers said of their orders: of the one that is named, else of each about the person."""
    orders = {order.id: order for order in matter.book.earnings_order}
    found: dict[str, list[Told[StatusRow]]] = {}
    for one in matter.told("order_status", StatusRow):
        said = one.said
        named = {name for name in (said.status.order, said.case.order) if name is not None}
        about = [orders[name] for name in sorted(named) if name in orders]
        for order in about if named else matter.orders_of(said.who):
            if served(order, one.organisation, said.work):
                found.setdefault(order.id, []).append(one)
    return found


def _last_bound(
    matter: Matter, order: EarningsOrder, lines: list[Line], statuses: list[Told[StatusRow]]
) -> dt.date | None:
    """The last day on which the employer was bound to deduct; None where it never was."""
    left = [line.row.said.work.leave_date for line in lines]
    last = min(filter(None, (order.ended_on, matter.today, *left)))
    if statuses and statuses[-1].said.status.code in NOTHING_MORE:
        told = statuses[-1]
        if told.said.status.code == "not_our_employee":
            return None
        last = min(last, told.said.status.on or told.came_on)
    return last


def _missing(
    matter: Matter, order: EarningsOrder, answered: frozenset[int], last: dt.date | None
) -> list[Missing]:
    """The pay-days without a row whose time has passed, while the employer was bound to deduct."""
    bound_after = days_after(order.served_on, matter.law.number("DEO_COMPLY", order.served_on))
    found = []
    number = first_from(order, matter.book.schedules_from)
    while last is not None and (day := pay_day(order, number)) <= last:
        by = pay_over_by(matter, day)
        if number not in answered and day > bound_after and by < matter.today:
            due = rate_on(order, order.frequency, day)
            found.append(Missing(order=order, day=day, due=due, pay_over_by=by))
        number += 1
    return found
