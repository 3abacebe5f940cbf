"""What is wrong with what employers deducted and paid, row by row and pay-day by pay-day.

A penalty is told as what the law names, and is nothing that is proposed: a person decides whether
there was an excuse.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from gateway.consumers.enforcement.matter import Matter, fact
from gateway.consumers.enforcement.pay_days import shown_day
from gateway.consumers.enforcement.schedules import Line, Missing, Reconciled
from gateway.consumers.enforcement.told import EarningsRow, Told, on_one_line, word
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling

# The codes of schemas/schedule.toml: the published list was not found, so these are ours.
KNOWN_REASONS: Final = frozenset({
    "PROTECTED_EARNINGS", "NO_EARNINGS", "LEFT_EMPLOYMENT", "NOT_OUR_EMPLOYEE",
    "OTHER_ORDER_FIRST", "ORDER_ENDED", "ARREARS_INCLUDED", "OTHER",
})  # fmt: skip
_WHY: Final = {
    "not_ordered": "No order of the book is about this person",
    "another_employer": "The order about this person was served on another employer",
    "before_start": "The order's first pay-day is later",
    "after_end": "The order had ended",
}


def proposed(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """A proposal for each row and each pay-day without one that needs an officer."""
    for line in schedules.lines:
        yield from _of_line(matter, line)
        yield from _charge(matter, line)
        yield from _from_protected(matter, line)
    for lack in schedules.missing:
        yield _missing(matter, lack)


def _of_line(matter: Matter, line: Line) -> Iterator[Proposal]:
    if line.kind == "PAID":
        return
    if line.order is None:
        yield _without_order(line)
        return
    assert line.place is not None
    figures = {"pay_day": day(line.place.day), "due": pounds(line.due)}
    rests_on: list[int] = []
    match line.kind:
        case "DUPLICATE":
            figures = {"pay_day": day(line.place.day), "deducted": pounds(line.deducted)}
            steps = [fact("A second row", day(line.place.day),
                          "An earlier row of the feed answers this pay-day; it counts, this does not.")]  # fmt: skip
        case "SHORT" | "LEFT":
            figures |= {"deducted": pounds(line.deducted), "short": pounds(line.short)}
            steps = [_due(line), *_short(matter, line, figures, rests_on)]
        case "OVER":
            figures |= {"deducted": pounds(line.deducted), "over": pounds(line.over)}
            steps = [_due(line), *_reason(line, figures), _carry(matter, line, figures)]
        case "LATE":
            figures = {"pay_day": day(line.place.day), "paid_on": day(line.paid_on)}
            steps = []
    if line.kind != "DUPLICATE" and line.late_by:
        figures |= {"pay_over_by": day(line.pay_over_by), "late_by": str(line.late_by)}
        steps.append(_lateness(matter, line))
    if line.guessed:
        steps.append(_guess(line))
    yield Proposal(
        code="SHORT_ON_LEAVING" if line.kind == "LEFT" else line.kind,
        about=line.order.id,
        figures=figures,
        steps=tuple(steps),
        evidence=(line.row.seq, *rests_on),
    )


def _without_order(line: Line) -> Proposal:
    """A row that no order asked for; told a second time it is no second sum."""
    why = line.why or "not_ordered"
    on = shown_day(line.row.said)
    figures = {} if on is None else {"pay_day": day(on)}
    figures |= {"deducted": pounds(line.deducted), "why": why}
    how = _WHY[why] + "; the money may have to go back."
    step = fact("No order asked for it", why, how)
    if line.kind == "DUPLICATE":
        how = (
            "An earlier row of the feed tells the same; what may have to go back is that sum, once."
        )
        step = fact("A second row of what no order asked for", why, how)
    return Proposal(
        code=line.kind,
        about=line.row.said.who.label(),
        figures=figures,
        steps=(step,),
        evidence=(line.row.seq,),
    )


def _guess(line: Line) -> Step:
    assert line.place is not None
    return fact("Which pay-day it is for", day(line.place.day),
                "The row shows no period; it counts for the oldest pay-day that no other row answers.")  # fmt: skip


def _due(line: Line) -> Step:
    assert line.place is not None
    said = line.row.said.deduction.due_pence
    words = "" if said == line.due else f" The employer held {sterling(said)} to be due."
    return Step(
        what="What was due",
        how=f"The normal deduction rate of the order for pay that is {line.place.frequency}.{words}",
        value=sterling(line.due),
        citation="SI 1992/1989 regs 8(1) and 10",
        confidence="V",
    )


def _reason(line: Line, figures: dict[str, str]) -> list[Step]:
    reason = line.row.said.deduction.reason
    known = reason in KNOWN_REASONS
    figures |= {"reason": word(reason or "none"), "known": "yes" if known else "no"}
    how = "A code of the payment schedule." if known else "No code that we know: ask the employer."
    return [Step(what="The employer's reason", how=how, value=on_one_line(reason or "none given"),
                 citation="gov.uk/child-maintenance-for-employers, updating your payment schedule",
                 confidence="V")]  # fmt: skip


def _short(matter: Matter, line: Line, figures: dict[str, str], rests_on: list[int]) -> list[Step]:
    """Why it is short, and whether what the law protects explains it, where net pay is shown."""
    steps = _reason(line, figures)
    steps.append(_carry(matter, line, figures))
    net, seq = _net(matter, line)
    on = line.row.came_on
    share = matter.law.number("DEO_PROTECTED", on)
    if net is None:
        if line.row.said.deduction.reason == "PROTECTED_EARNINGS":
            figures["protected_explains"] = "not_shown"
            steps.append(
                matter.law.step("DEO_PROTECTED", on, "Protected earnings", "cannot be checked",
                                f"{share}% of net pay is protected; ask the employer for net pay.")
            )  # fmt: skip
        return steps
    rests_on += [seq] if seq != line.row.seq else []
    room = _room(net, share)
    could = min(line.due, room)
    explains = line.deducted >= could
    figures["protected_explains"] = "yes" if explains else "no"
    how = (
        f"Of net pay of {sterling(net)}, {share}% is protected; that leaves {sterling(room)}, "
        f"so {sterling(could)} could be taken and {sterling(line.deducted)} was."
    )
    value = "explain it" if explains else "do not explain it"
    steps.append(matter.law.step("DEO_PROTECTED", on, "Protected earnings", value, how))
    return steps


def _room(net: int, share: int) -> int:
    """What may be taken of net pay, of which a share is protected.

    What is protected is not rounded down: a part of a penny stays with the employee.
    """
    return max(0, net * (100 - share) // 100)


def _from_protected(matter: Matter, line: Line) -> Iterator[Proposal]:
    """That more was taken than is left above protected earnings; the employer's charge may be."""
    if line.order is None or line.place is None or line.kind == "DUPLICATE":
        return
    net, seq = _net(matter, line)
    if net is None:
        return
    on = line.row.came_on
    share = matter.law.number("DEO_PROTECTED", on)
    most = _room(net, share)
    if line.deducted > most:
        yield Proposal(
            code="PROTECTED_EARNINGS_TAKEN",
            about=line.order.id,
            figures={
                "pay_day": day(line.place.day),
                "deducted": pounds(line.deducted),
                "most": pounds(most),
                "over": pounds(line.deducted - most),
            },
            steps=(
                matter.law.step("DEO_PROTECTED", on, "Taken from protected earnings",
                                sterling(line.deducted - most),
                                f"Of net pay of {sterling(net)}, {share}% is protected; that leaves "
                                f"{sterling(most)}, and {sterling(line.deducted)} was taken. Ask the employer."),
            ),
            evidence=tuple(sorted({line.row.seq, seq})),
        )  # fmt: skip


def _carry(matter: Matter, line: Line, figures: dict[str, str]) -> Step:
    assert line.order is not None
    assert line.place is not None
    scheme = matter.case(line.order.case).scheme
    carried = matter.law.allows(f"DEO_CARRY_{scheme}", line.place.day)
    figures["carried"] = "yes" if carried else "no"
    return matter.law.step(
        f"DEO_CARRY_{scheme}", line.place.day, "Made good by a later deduction",
        figures["carried"], f"As for an order of the scheme of {scheme}; sources differ for old ones.",
    )  # fmt: skip


def _net(matter: Matter, line: Line) -> tuple[int | None, int]:
    """Net pay of the row's pay-day or period, and the event that shows it: the row or an answer."""
    own = line.row.said.pay
    if own is not None and own.net_pence is not None:
        return own.net_pence, line.row.seq
    assert line.order is not None
    case = line.row.said.case
    found = [
        (one.said.pay.net_pence, one.seq)
        for one in matter.earnings_of(line.order)
        if _same_pay(one, line, (case.period_start, case.period_end))
    ]
    return found[-1] if found else (None, line.row.seq)


def _same_pay(
    one: Told[EarningsRow], line: Line, period: tuple[dt.date | None, dt.date | None]
) -> bool:
    assert line.order is not None
    assert line.place is not None
    pay = one.said.pay
    if one.organisation != line.row.organisation:
        return False
    return line.place.day == pay.pay_date or (
        None not in period and (pay.period_start, pay.period_end) == period
    )


def _lateness(matter: Matter, line: Line) -> Step:
    assert line.place is not None
    return matter.law.step(
        "DEO_PAY_OVER_DAY", line.place.day, "Paid over late", f"by {line.late_by} {'day' if line.late_by == 1 else 'days'}",
        f"Deducted on {day(line.place.day)}, so due by {day(line.pay_over_by)}, that day included. "
        f"It came on {day(line.paid_on)}, as the bank says, or else the employer.",
    )  # fmt: skip


def _charge(matter: Matter, line: Line) -> Iterator[Proposal]:
    charge, on = line.row.said.deduction.charge_pence, line.row.came_on
    most = matter.law.number("DEO_CHARGE_MOST", on)
    if charge > most:
        yield Proposal(
            code="CHARGE_TOO_HIGH",
            about=line.order.id if line.order else line.row.said.who.label(),
            figures={"charge": pounds(charge), "most": pounds(most)},
            steps=(
                matter.law.step("DEO_CHARGE_MOST", on, "The employer's charge", sterling(charge),
                                f"An employer may keep up to {sterling(most)} for each deduction."),
            ),
            evidence=(line.row.seq,),
        )  # fmt: skip


def _missing(matter: Matter, lack: Missing) -> Proposal:
    law = matter.law
    return Proposal(
        code="MISSING",
        about=lack.order.id,
        figures={
            "pay_day": day(lack.day),
            "due": pounds(lack.due),
            "pay_over_by": day(lack.pay_over_by),
            "penalty": pounds(law.number("DEO_PENALTY", matter.today)),
        },
        steps=(
            fact("No row of a schedule", day(lack.day),
                 f"The order was in force and {lack.order.employer} sent nothing for this pay-day."),
            law.step("DEO_PAY_OVER_DAY", lack.day, "The time has passed", day(lack.pay_over_by),
                     f"Today is {day(matter.today)}; until the end of the day named it was in time."),
            law.step("DEO_PENALTY", matter.today, "What it may cost",
                     sterling(law.number("DEO_PENALTY", matter.today)),
                     "For information: nothing is imposed by this, and there may be an excuse."),
        ),
    )  # fmt: skip
