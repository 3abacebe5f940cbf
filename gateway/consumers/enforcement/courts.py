"""When a liability order looks right: arrears, and an earnings order that is no good or cannot be.

The statutory test is listed with what meets it; whether to go to court is for an officer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway.consumers.enforcement.book import Case, EarningsOrder
from gateway.consumers.enforcement.matter import Matter, fact, worked
from gateway.consumers.enforcement.schedules import NOTHING_MORE, Reconciled
from gateway.consumers.proposal import Proposal, Step, pounds, sterling


def proposed(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """A liability order for each case with arrears that has none open, where the test looks met."""
    has_one = {order.case for order in matter.book.liability_order if order.closed_on is None}
    orders: dict[str, list[EarningsOrder]] = {}
    for order in matter.book.earnings_order:
        orders.setdefault(order.case, []).append(order)
    missed = Counter(lack.order.id for lack in schedules.missing)
    for case in matter.book.case:
        if case.arrears_pence == 0 or case.reference in has_one:
            continue
        of_case = orders.get(case.reference, [])
        yield from worked(case.reference, _of_case(matter, schedules, case, of_case, missed))


def _of_case(
    matter: Matter,
    schedules: Reconciled,
    case: Case,
    orders: list[EarningsOrder],
    missed: Counter[str],
) -> Iterator[Proposal]:
    found = _test(matter, schedules, case, orders, sum(missed[one.id] for one in orders))
    if found is None:
        return
    limb, evidence, steps = found
    by_court = not matter.law.allows("LIABILITY_ORDER_ADMINISTRATIVE", matter.today)
    yield Proposal(
        code="LIABILITY_ORDER",
        about=case.reference,
        figures={
            "arrears": pounds(case.arrears_pence),
            "test": limb,
            "by": "court" if by_court else "secretary_of_state",
        },
        steps=(
            fact("Arrears", sterling(case.arrears_pence), "Payments were due and were not made."),
            *steps,
            matter.law.step(
                "LIABILITY_ORDER_ADMINISTRATIVE", matter.today, "Made by",
                "a court" if by_court else "the Secretary of State",
                "Orders without a court are enacted; their commencement was not found.",
            ),
        ),
        evidence=evidence,
    )  # fmt: skip


def _test(
    matter: Matter, schedules: Reconciled, case: Case, orders: list[EarningsOrder], missed: int
) -> tuple[str, tuple[int, ...], list[Step]] | None:
    """Which limb of the test looks met, the events it rests on, and its steps."""
    law, today = matter.law, matter.today
    if case.earnings_order_inappropriate is not None:
        step = law.step("LIABILITY_ORDER_TEST", today, "An earnings order is inappropriate",
                        case.earnings_order_inappropriate, "As an officer has recorded.")  # fmt: skip
        return "inappropriate", (), [step]
    if not orders:
        return None
    enough = law.number("LIABILITY_ORDER_MISSED", today)
    said = [
        statuses[-1]
        for statuses in (schedules.statuses.get(order.id) for order in orders)
        if statuses and statuses[-1].said.status.code in NOTHING_MORE
    ]
    # One order that works is enough: the test looks at what becomes of the arrears.
    if len(said) < len(orders) and missed < enough:
        return None
    what = ", ".join(one.said.status.code for one in said) or f"{missed} missed"
    steps = [
        law.step("LIABILITY_ORDER_TEST", today, "The earnings order is ineffective", what,
                 "It was made and does not bring the money."),
        law.step("LIABILITY_ORDER_MISSED", today, "Pay-days without a row", str(missed),
                 f"From {enough} on an order looks ineffective; fewer do where it cannot work."),
    ]  # fmt: skip
    return "ineffective", tuple(one.seq for one in said), steps
