"""Deduction orders to deposit takers: what is next, on which day it falls, and how it was answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from gateway.consumers.enforcement.accounts import SHARED, ceiling, ceiling_step
from gateway.consumers.enforcement.book import BankOrder
from gateway.consumers.enforcement.days import (
    days_after,
    is_working_day,
    working_day_on_or_after,
)
from gateway.consumers.enforcement.matter import Matter, fact, worked
from gateway.consumers.enforcement.told import AnswerRow, Told, on_one_line
from gateway.consumers.proposal import Proposal, day, pounds, sterling

Answer = Told[AnswerRow]


def proposed(matter: Matter) -> Iterator[Proposal]:
    """What each order of the book, and what was answered to it, needs from an officer."""
    every: dict[str, list[Answer]] = {}
    for one in matter.told("order_answer", AnswerRow):
        every.setdefault(one.said.order.order, []).append(one)
    for order in matter.book.bank_order:
        answers = [one for one in every.get(order.id, [])
                   if order.organisation in {None, one.organisation}]  # fmt: skip
        yield from worked(order.id, _of_order(matter, order, answers))


def _of_order(matter: Matter, order: BankOrder, answers: list[Answer]) -> Iterator[Proposal]:
    yield from _amount(matter, order)
    yield from _representations(matter, order)
    yield from _dates(matter, order)
    yield from _in_time(matter, order, answers)
    yield from _after_deduction(matter, order, answers)


def _report(order: BankOrder) -> str:
    return "RDO_REPORT" if order.kind == "regular" else "LSDO_REPORT"


def _amount(matter: Matter, order: BankOrder) -> Iterator[Proposal]:
    """A regular order above its ceiling, and a lump sum order without arrears."""
    case = matter.case(order.case)
    if order.kind != "regular":
        if case.arrears_pence == 0:
            yield Proposal(
                code="LUMP_SUM_WITHOUT_ARREARS",
                about=order.id,
                figures={"sum": pounds(order.pence)},
                steps=(
                    fact("Arrears", sterling(0), "A lump sum order is for arrears only (s32E)."),
                ),
            )
        return
    most = ceiling(matter, case)
    if order.weekly_pence is not None and most is not None and order.weekly_pence > most:
        yield Proposal(
            code="ABOVE_CEILING",
            about=order.id,
            figures={"weekly": pounds(order.weekly_pence), "most": pounds(most)},
            steps=(ceiling_step(matter, case, most),),
        )


def _representations(matter: Matter, order: BankOrder) -> Iterator[Proposal]:
    """Whether the time to represent still runs.

    It comes before an order on a joint account is made, varied or revived, and before a lump sum
    order is made final.
    """
    if order.kind == "regular":
        code, start = "RDO_REPRESENTATIONS", order.noticed_on
        what = _noticed(order) if order.ownership in SHARED else None
    else:
        code, start = "LSDO_REPRESENTATIONS", order.served_on
        waits = order.kind == "lump_sum_interim" and order.lapsed_on is None
        what = "MAY_BE_MADE_FINAL" if waits else None
    if what is None or start is None or order.discharged_on:
        return
    if matter.law.line(code, start) is None:
        return
    days = matter.law.number(code, start)
    until = days_after(start, days)
    if order.represented:
        name, value = "CONSIDER_REPRESENTATIONS", "received"
    elif matter.today <= until:
        name, value = "AWAIT_REPRESENTATIONS", day(until)
    else:
        name, value = what, "none came"
    yield Proposal(
        code=name,
        about=order.id,
        figures={"from": day(start), "until": day(until)},
        steps=(
            matter.law.step(code, start, "Representations", value,
                            f"{days} days from {day(start)}, that day not counted; more may be allowed."),
        ),
    )  # fmt: skip


def _noticed(order: BankOrder) -> str | None:
    """What the notice to joint holders was of; None where that is done, or there was no notice."""
    noticed, made = order.noticed_on, order.made_on
    if made is None:
        return None if order.lapsed_on else "MAY_BE_MADE"
    if noticed is None or noticed <= made:
        return None
    lapsed = order.lapsed_on is not None and order.lapsed_on <= noticed
    done = order.revived_on if lapsed else order.varied_on
    if done is not None and done >= noticed:
        return None
    return "MAY_BE_REVIVED" if lapsed else "MAY_BE_VARIED"


def _dates(matter: Matter, order: BankOrder) -> Iterator[Proposal]:
    """The deduction dates to come that are no working days."""
    for stated in sorted(order.deduction_dates):
        moves = matter.law.allows("RDO_ON_WORKING_DAY", stated)
        if moves and stated >= matter.today and not is_working_day(stated, order.nation):
            falls = working_day_on_or_after(stated, order.nation)
            yield Proposal(
                code="DEDUCTION_DATE_MOVES",
                about=order.id,
                figures={"stated": day(stated), "falls": day(falls), "nation": order.nation},
                steps=(
                    matter.law.step("RDO_ON_WORKING_DAY", stated, "The date is no working day",
                                    day(falls), f"The next working day of {order.nation}."),
                ),
            )  # fmt: skip


def _in_time(matter: Matter, order: BankOrder, answers: list[Answer]) -> Iterator[Proposal]:
    """For each thing that has to be answered: late, or not answered; and what the answer says."""
    events = {
        "service": order.served_on,
        "variation": order.varied_on,
        "revival": order.revived_on,
        "lapse": order.lapsed_on,
        "discharge": order.discharged_on,
    }
    code = _report(order)
    for event, on in events.items():
        told = [one for one in answers if one.said.order.event == event]
        if told:
            yield from _content(order, told[-1])
        if on is None:
            continue
        by = days_after(on, matter.law.number(code, on))
        figures = {"event": event, "on": day(on), "by": day(by)}
        if told and told[0].came_on > by:
            name = "ANSWERED_LATE"
            figures |= {"came_on": day(told[0].came_on),
                        "late_by": str((told[0].came_on - by).days)}  # fmt: skip
        elif not told and matter.today > by:
            name = "NOT_ANSWERED"
        else:
            continue
        yield Proposal(
            code=name,
            about=order.id,
            figures=figures,
            steps=(
                matter.law.step(code, on, f"An answer to the {event}", f"by {day(by)}",
                                f"Within {matter.law.number(code, on)} days; the last of them is in time."),
            ),
            evidence=tuple(one.seq for one in told[:1]),
        )  # fmt: skip


def _content(order: BankOrder, one: Answer) -> Iterator[Proposal]:
    said = one.said.order
    reg = "SI 1992/1989 " + ("reg 25E" if order.kind == "regular" else "reg 25O")
    if said.exists is False or said.traceable is False:
        yield _told(order, one, "NO_ACCOUNT", {"event": said.event},
                    "The deposit taker does not know such an account", reg)  # fmt: skip
    if said.closed_on is not None:
        yield _told(order, one, "ACCOUNT_CLOSED", {"closed_on": day(said.closed_on)},
                    "The account was closed; ask where its balance went", reg)  # fmt: skip
    if said.new_name is not None or said.formerly_in_name is not None:
        formerly = "yes" if said.formerly_in_name else "no"
        yield _told(order, one, "NAME_CHANGED", {"formerly": formerly},
                    f"The account is now held as {on_one_line(said.new_name or 'somebody else')}", reg)  # fmt: skip
    if said.outcome == "not_frozen":
        yield _told(order, one, "NOT_FROZEN", {"event": said.event},
                    "From an interim order on, what it names may not leave the account",
                    "CSA 1991 s32G")  # fmt: skip
    if said.is_sufficient is False and said.event != "deduction_date":
        available = said.sum_available_pence or 0
        figures = {"sum": pounds(order.pence), "available": pounds(available),
                   "short": pounds(order.pence - available)}  # fmt: skip
        yield _told(order, one, "BALANCE_BELOW_SUM", figures,
                    "What is there may not be taken lower while an interim order stands", reg)  # fmt: skip


def _told(
    order: BankOrder, one: Answer, code: str, figures: dict[str, str], how: str, reg: str
) -> Proposal:
    step = fact("The deposit taker answers", one.said.order.event, f"{how} ({reg}).")
    return Proposal(code=code, about=order.id, figures=figures, steps=(step,), evidence=(one.seq,))


def _after_deduction(matter: Matter, order: BankOrder, answers: list[Answer]) -> Iterator[Proposal]:
    for one in answers:
        said = one.said.order
        yield from _fee(matter, order, one)
        if said.setoff_claimed_pence:
            yield _setoff(matter, order, one, said.setoff_claimed_pence)
        if said.event != "deduction_date" or said.deduction_date is None:
            continue
        by = days_after(said.deduction_date, matter.law.number(_report(order), one.came_on))
        in_time = "yes" if one.came_on <= by else "no"
        figures = {"deduction_date": day(said.deduction_date), "told_in_time": in_time}
        if said.is_sufficient is False:
            available = said.sum_available_pence or 0
            figures |= {"sum": pounds(order.pence), "available": pounds(available)}
            name = "INSUFFICIENT"
        elif said.closed_on is not None:
            name = "ACCOUNT_CLOSED"
            figures |= {"closed_on": day(said.closed_on)}
        else:
            continue
        yield Proposal(
            code=name,
            about=order.id,
            figures=figures,
            steps=(
                matter.law.step(_report(order), one.came_on, "Told in time", in_time,
                                f"To be told by {day(by)} where nothing could be taken."),
            ),
            evidence=(one.seq,),
        )  # fmt: skip


def _fee(matter: Matter, order: BankOrder, one: Answer) -> Iterator[Proposal]:
    fee = one.said.order.fee_pence
    on = one.came_on
    code = {
        "regular": "RDO_FEE_MOST",
        "lump_sum_interim": "LSDO_INTERIM_FEE_MOST",
        "lump_sum_final": "LSDO_FEE_MOST",
    }[order.kind]
    most = matter.law.number(code, on)
    if fee is not None and fee > most:
        yield Proposal(
            code="FEE_TOO_HIGH",
            about=order.id,
            figures={"fee": pounds(fee), "most": pounds(most), "over": pounds(fee - most)},
            steps=(
                matter.law.step(code, on, "The deposit taker's charge", sterling(fee),
                                f"It may take up to {sterling(most)}; what is above goes back."),
            ),
            evidence=(one.seq,),
        )  # fmt: skip


def _setoff(matter: Matter, order: BankOrder, one: Answer, claimed: int) -> Proposal:
    """A bank that claims to set off: when its right was formed decides whether money is released."""
    start: dt.date | None = order.made_on or order.served_on
    formed = order.setoff_formed_on
    figures = {"claimed": pounds(claimed), "formed_on": day(formed)}
    on = start or one.came_on
    days = matter.law.number("SETOFF_WITHIN", on)
    if formed is None or start is None:
        code, value, how = "SETOFF_ASK", "not known", "Ask when the right was formed."
    elif days_after(start, -days) <= formed < start:
        code, value = "SETOFF_MAY_BE_RELEASED", f"{(start - formed).days} days before"
        how = f"Formed within {days} days before the order of {day(start)}: consent is possible."
    else:
        code, value = "SETOFF_NOT_RELEASED", f"{(start - formed).days} days before"
        how = f"Not formed within {days} days before the order of {day(start)}."
    return Proposal(
        code=code,
        about=order.id,
        figures=figures,
        steps=(matter.law.step("SETOFF_WITHIN", on, "The right to set off", value, how),),
        evidence=(one.seq,),
    )
