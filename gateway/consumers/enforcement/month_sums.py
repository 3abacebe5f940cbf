"""For each employer and month of deduction what was due and deducted, and what the bank never received."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from gateway.consumers.enforcement.days import month_of
from gateway.consumers.enforcement.matter import Matter, fact
from gateway.consumers.enforcement.schedules import Line, Missing, Reconciled, pay_over_by
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling


def proposed(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """The sums of each month, then what was reported and not received."""
    yield from _sums(matter, schedules)
    yield from _not_received(matter, schedules)


def _sums(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """For each employer and month of deduction what was due, deducted and lacking in all."""
    months: dict[tuple[str, str], list[Line | Missing]] = {}
    for line in schedules.lines:
        if line.order is not None and line.place is not None and line.kind != "DUPLICATE":
            months.setdefault((line.order.employer, month_of(line.place.day)), []).append(line)
    for lack in schedules.missing:
        months.setdefault((lack.order.employer, month_of(lack.day)), []).append(lack)
    for (employer, month), parts in sorted(months.items(), key=lambda item: item[0]):
        lines = [part for part in parts if isinstance(part, Line)]
        due = sum(part.due for part in parts)
        paid = sum(line.paid for line in lines)
        on = dt.date.fromisoformat(f"{month}-01")
        yield Proposal(
            code="RECONCILED",
            about=employer,
            figures={
                "month": month,
                "rows": str(len(lines)),
                "missing": str(len(parts) - len(lines)),
                "due": pounds(due),
                "deducted": pounds(paid),
                "short": pounds(due - paid),
                "over": pounds(sum(line.over for line in lines)),
            },
            steps=(
                Step(what="What was due", value=sterling(due), confidence="V",
                     how="The normal deduction rates of every pay-day of the month, answered or not.",
                     citation="SI 1992/1989 regs 8(1) and 10"),
                fact("What was deducted", sterling(paid),
                     "What the rows say was deducted, none of them counted above what was due."),
                matter.law.step("DEO_PAY_OVER_DAY", on, "To be paid over by",
                                day(pay_over_by(matter, on)),
                                "The same day of the month after for every deduction of the month."),
            ),
            evidence=tuple(line.row.seq for line in lines),
        )  # fmt: skip


def _not_received(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """What rows say was deducted and the bank does not know, once its knowledge reaches that far."""
    known_to = matter.book.receipts_to
    told: dict[tuple[str, str], list[Line]] = {}
    for line in schedules.lines:
        if line.order is not None and line.place is not None and line.kind != "DUPLICATE":
            told.setdefault((line.order.id, month_of(line.place.day)), []).append(line)
    for (order, month), lines in sorted(told.items(), key=lambda item: item[0]):
        by = lines[0].pay_over_by
        if known_to is None or by is None or known_to < by:
            continue
        deducted = sum(line.deducted for line in lines)
        received = received_in(matter, order, month)
        if deducted > received:
            yield Proposal(
                code="NOT_RECEIVED",
                about=order,
                figures={"month": month, "deducted": pounds(deducted),
                         "received": pounds(received), "lacking": pounds(deducted - received)},
                steps=(
                    fact("Deducted", sterling(deducted), "As the employer's schedules say."),
                    fact("Received", sterling(received),
                         f"As the department's bank knows it, up to {day(known_to)}."),
                    matter.law.step("DEO_PAY_OVER_DAY", by, "To be paid over by", day(by),
                                    "What was taken from earnings is to be with us by then."),
                ),
                evidence=tuple(line.row.seq for line in lines),
            )  # fmt: skip


def received_in(matter: Matter, order: str, month: str) -> int:
    """What the bank received under an order for a month of deduction, in pence."""
    return sum(receipt.pence for receipt in matter.receipts(order, month))
