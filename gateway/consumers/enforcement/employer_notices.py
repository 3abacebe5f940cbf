"""What employers say of an order itself: not our employee, cannot be set up, has left; and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from gateway.consumers.enforcement.book import EarningsOrder
from gateway.consumers.enforcement.days import days_after
from gateway.consumers.enforcement.matter import Matter, fact
from gateway.consumers.enforcement.schedules import Reconciled
from gateway.consumers.enforcement.told import on_one_line
from gateway.consumers.proposal import Proposal, day


def proposed(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """A proposal for each order that cannot work, and for each employee who has left."""
    yield from _statuses(matter, schedules)
    yield from _left(matter, schedules)


def _statuses(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """That an order cannot work, as its employer says, and whether it was said in time."""
    codes = {"not_our_employee": "NOT_OUR_EMPLOYEE", "cannot_set_up": "CANNOT_SET_UP"}
    for order in matter.book.earnings_order:
        told = schedules.statuses.get(order.id)
        if not told or told[-1].said.status.code not in codes:
            continue
        newest = told[-1]
        days = matter.law.number("DEO_TELL", order.served_on)
        by = days_after(order.served_on, days)
        in_time = "yes" if newest.came_on <= by else "no"
        yield Proposal(
            code=codes[newest.said.status.code],
            about=order.id,
            figures={"told_on": day(newest.came_on), "by": day(by), "in_time": in_time},
            steps=(
                fact("The order does not work", newest.said.status.code,
                     "Ask another source who employs the person, or discharge the order."),
                fact("Told by", on_one_line(newest.organisation),
                     "It is the employer that the book names." if order.organisation
                     else "The book does not name the employer on the gateway: compare the two."),
                matter.law.step("DEO_TELL", order.served_on, "Told in time", in_time,
                                f"Within {days} days of service on {day(order.served_on)}."),
            ),
            evidence=(newest.seq,),
        )  # fmt: skip


def _left(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """That the employee of an order has left, and whether a new employer is known."""
    for order in matter.book.earnings_order:
        told = _leaving(schedules, order)
        if told is None:
            continue
        on, came_on, knows, seq = told
        days = matter.law.number("DEO_TELL", came_on)
        in_time = "yes" if came_on <= days_after(on, days) else "no"
        yield Proposal(
            code="LEFT",
            about=order.id,
            figures={"left_on": day(on), "told_on": day(came_on), "in_time": in_time,
                     "new_employer": "told" if knows else "not_told"},
            steps=(
                fact("The employee has left", day(on),
                     "Discharge the order in writing; where the new employer is known, serve it."),
                matter.law.step("DEO_TELL", came_on, "Told in time", in_time,
                                f"Within {days} days of leaving."),
            ),
            evidence=(seq,),
        )  # fmt: skip


def _leaving(
    schedules: Reconciled, order: EarningsOrder
) -> tuple[dt.date, dt.date, bool, int] | None:
    """The day of leaving, when it was first told, whether a new employer was, and by which event."""
    found = [
        (one.seq, one.said.status.on or one.said.work.leave_date or one.came_on, one.came_on,
         one.said.work.new_employer is not None)
        for one in schedules.statuses.get(order.id, [])
        if one.said.status.code == "left"
    ] + [
        (line.row.seq, line.row.said.work.leave_date, line.row.came_on,
         line.row.said.work.new_employer is not None)
        for line in schedules.by_order[order.id]
        if line.row.said.work.leave_date is not None
    ]  # fmt: skip
    if not found or order.ended_on is not None:
        return None
    first = min(found)
    return first[1], first[2], any(one[3] for one in found), first[0]
