"""Debts of the schemes of 1993 and 2003: the letter to the receiving parent, the reply, and what then.

The paying parent is asked only once the receiving parent has asked for a last attempt.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.consumers.enforcement.book import Case, Debt
from gateway.consumers.enforcement.days import days_after, months_after
from gateway.consumers.enforcement.debts import separate
from gateway.consumers.enforcement.matter import Matter, fact, worked
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling


def proposed(matter: Matter) -> Iterator[Proposal]:
    """The next step for each debt of an old scheme that no other write-off concerns."""
    for debt in matter.book.debt:
        case = matter.case(debt.case)
        if case.scheme == "2012" or debt.pence == 0 or debt.write_off_case is not None:
            continue
        if matter.law.line("LAST_CHANCE_REPLY", matter.today) is None:
            continue
        yield from worked(debt.id, _of_debt(matter, case, debt))


def _of_debt(matter: Matter, case: Case, debt: Debt) -> Iterator[Proposal]:
    yield _next(matter, case, debt)


def _next(matter: Matter, case: Case, debt: Debt) -> Proposal:
    law, today = matter.law, matter.today
    if debt.owed_to == "government":
        step = law.step("GOVERNMENT_DEBT", today, "Owed to", "government",
                        "What is owed to government of the old schemes is written off.")  # fmt: skip
        return _said(matter, debt, "WRITE_OFF", {"ground": "owed_to_government"}, [step])
    if debt.letter_on is not None:
        return _after_letter(matter, debt)
    threshold, step = _threshold(matter, case, debt)
    figures = {"threshold": pounds(threshold)}
    if debt.pence <= threshold:
        figures = {"ground": "below_threshold", "notice": "none"} | figures
        return _said(matter, debt, "WRITE_OFF", figures, [step])
    if not debt.payee_reachable:
        untold = Step(
            what="The letter", how="Not sent to somebody who is dead or cannot be traced.",
            value="not sent", citation="SI 2009/3151 reg 13H(2)-(3)", confidence="V",
        )  # fmt: skip
        figures = {"ground": "payee_unreachable", "notice": "none"}
        return _said(matter, debt, "WRITE_OFF", figures, [step, untold])
    days = law.number("LAST_CHANCE_REPLY", today)
    until = days_after(today, days)
    steps = [
        step,
        law.step("LAST_CHANCE_REPLY", today, "The letter", "to be sent",
                 f"To the receiving parent alone, who may reply for {days} days."),
    ]  # fmt: skip
    return _said(matter, debt, "LAST_CHANCE_LETTER", figures | {"reply_by": day(until)}, steps)


def _threshold(matter: Matter, case: Case, debt: Debt) -> tuple[int, Step]:
    """Above which sum a letter is sent: it depends on how old the case is."""
    law, today = matter.law, matter.today
    years = law.number("LAST_CHANCE_YEARS", today)
    old = months_after(case.started_on, 12 * years) <= today
    code = "LAST_CHANCE_OLDER" if old else "LAST_CHANCE_YOUNGER"
    threshold = law.number(code, today)
    age = f"{years} years old or more" if old else f"younger than {years} years"
    how = (
        f"The case began on {day(case.started_on)} and is {age}; a letter is sent for more than "
        f"{sterling(threshold)}, and below that the debt is written off without one."
    )
    return threshold, law.step(code, today, "Arrears", sterling(debt.pence), how)


def _after_letter(matter: Matter, debt: Debt) -> Proposal:
    assert debt.letter_on is not None
    law = matter.law
    days = law.number("LAST_CHANCE_REPLY", debt.letter_on)
    until = days_after(debt.letter_on, days)
    step = law.step(
        "LAST_CHANCE_REPLY", debt.letter_on, "Reply", day(debt.reply_on),
        f"{days} days from the letter of {day(debt.letter_on)}, so until the end of {day(until)}.",
    )  # fmt: skip
    figures = {"until": day(until)}
    if debt.reply_on is None or debt.reply is None:
        if matter.today <= until:
            return _said(matter, debt, "AWAIT_REPLY", figures, [step])
        return _said(matter, debt, "WRITE_OFF", {"ground": "no_reply"} | figures, [step])
    if debt.reply == "stop":
        return _said(matter, debt, "WRITE_OFF", {"ground": "asked_to_stop"}, [step])
    if debt.reply_on > until:
        figures |= {"reply_on": day(debt.reply_on)}
        return _said(matter, debt, "CONSIDER_LATE_REPLY", figures, [step])
    return _collect(matter, debt, step)


def _collect(matter: Matter, debt: Debt, reply: Step) -> Proposal:
    """What follows once the receiving parent has asked for a last attempt: its cost, then the payer."""
    law, today = matter.law, matter.today
    cost = matter.book.cost_of_collection_pence
    figures = {"cost": "not_known" if cost is None else pounds(cost)}
    weighed = law.step(
        "COST_EFFECTIVE", today, "Cost of collection",
        "not known" if cost is None else sterling(cost),
        "A debt that brings no more than it costs to collect is left.",
    )  # fmt: skip
    if cost is not None and debt.pence <= cost and law.allows("COST_EFFECTIVE", today):
        figures = {"ground": "not_cost_effective"} | figures
        return _said(matter, debt, "WRITE_OFF", figures, [reply, weighed])
    if debt.asked_payer_on is None:
        asked = fact("The paying parent", "to be asked", "Only now that there is a reply.")
        return _said(matter, debt, "ASK_PAYING_PARENT", figures, [reply, weighed, asked])
    asked = fact("The paying parent", day(debt.asked_payer_on), "Asked on that day.")
    return _said(matter, debt, "COLLECT", figures, [reply, weighed, asked])


def _said(
    matter: Matter, debt: Debt, code: str, figures: dict[str, str], steps: list[Step]
) -> Proposal:
    return Proposal(
        code=code,
        about=debt.id,
        figures={"arrears": pounds(debt.pence)} | figures,
        steps=(*steps, *separate(matter, debt)),
    )
