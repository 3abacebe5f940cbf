"""What an employer deducted and kept, when it fails: for each employee, and in all.

Extinguishing such sums was proposed in 2021 and is not the law. A switch of the tables, off until an
instrument is found, says whether they are claimed from the estate or extinguished.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.consumers.enforcement.book import EarningsOrder
from gateway.consumers.enforcement.days import days_after, month_of
from gateway.consumers.enforcement.matter import Matter, fact
from gateway.consumers.enforcement.month_sums import received_in
from gateway.consumers.enforcement.schedules import Reconciled, served
from gateway.consumers.enforcement.told import NOBODY, InsolvencyRow, Told, on_one_line, word
from gateway.consumers.proposal import Proposal, day, pounds, sterling


class _Owed(msgspec.Struct, frozen=True, kw_only=True):
    """One employee's part of what an employer kept."""

    about: str
    employer: str
    told: Told[InsolvencyRow]
    deducted: int
    paid_over: int
    by: str
    evidence: tuple[int, ...]


def proposed(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """Each employee's sum, the employer's total, and employers that failed without a practitioner."""
    owed = list(_owed(matter, schedules))
    for one in owed:
        if one.deducted > one.paid_over:
            yield _employee(matter, one)
    employers = sorted({one.employer for one in owed})
    for employer in employers:
        yield _total(employer, [one for one in owed if one.employer == employer])
    yield from _without_practitioner(matter, schedules)


def _owed(matter: Matter, schedules: Reconciled) -> Iterator[_Owed]:
    """What the practitioner says of an employee; of the others, what schedules and the bank say."""
    newest: dict[tuple[str, str, int], _Owed] = {}
    failed: dict[str, Told[InsolvencyRow]] = {}
    for one in matter.told("insolvency", InsolvencyRow):
        said = one.said
        order = _order_of(matter, one)
        employer = order.employer if order else said.work.employer_reference
        if employer is None:
            continue
        employer = word(employer)
        if not _speaks_for(matter, one, employer):
            continue
        failed.setdefault(employer, one)
        if said.unpaid is not None:
            about = order.id if order else said.who.label()
            # Of nobody in particular no record takes the place of another.
            newest[employer, about, one.seq if about == NOBODY else 0] = _Owed(
                about=about,
                employer=employer,
                told=one,
                deducted=said.unpaid.deducted_pence,
                paid_over=said.unpaid.paid_over_pence,
                by=one.organisation_class,
                evidence=(one.seq,),
            )
    yield from newest.values()
    known_to = matter.book.receipts_to
    for order in matter.book.earnings_order:
        if order.employer in failed and (order.employer, order.id, 0) not in newest and known_to:
            # No more is looked at than the bank's knowledge covers.
            lines = [line for line in schedules.by_order[order.id] if line.place
                     and line.kind != "DUPLICATE" and line.place.day <= known_to]  # fmt: skip
            months = {month_of(line.place.day) for line in lines if line.place}
            if lines:
                yield _Owed(
                    about=order.id,
                    employer=order.employer,
                    told=failed[order.employer],
                    deducted=sum(line.deducted for line in lines),
                    paid_over=sum(received_in(matter, order.id, month) for month in months),
                    by="schedules",
                    evidence=(failed[order.employer].seq, *(line.row.seq for line in lines)),
                )


def _speaks_for(matter: Matter, one: Told[InsolvencyRow], employer: str) -> bool:
    """Whether a sender may tell of an employer: an office of every one, an employer of itself alone."""
    if one.organisation_class != "employer":
        return True
    known = matter.organisations_of(employer)
    return not known or one.organisation in known


def _order_of(matter: Matter, one: Told[InsolvencyRow]) -> EarningsOrder | None:
    """The order that is meant: the one named, else that of the person at this employer."""
    said = one.said
    named = {said.case.order, said.unpaid.order if said.unpaid else None} - {None}
    about = [order for order in matter.book.earnings_order if order.id in named]
    for order in about if named else matter.orders_of(said.who):
        # An office speaks for every employer, an employer for itself alone.
        speaks = one.organisation if one.organisation_class == "employer" else order.organisation
        if served(order, speaks or "", said.work):
            return order
    return None


def _employee(matter: Matter, one: _Owed) -> Proposal:
    extinguishes = matter.law.allows("EXTINGUISH_INSOLVENT", matter.today)
    insolvency = one.told.said.insolvency
    unpaid = one.deducted - one.paid_over
    return Proposal(
        code="EXTINGUISH" if extinguishes else "RECOVER_FROM_ESTATE",
        about=one.about,
        figures={
            "employer": one.employer,
            "kind": insolvency.kind,
            "on": day(insolvency.on),
            "deducted": pounds(one.deducted),
            "paid_over": pounds(one.paid_over),
            "unpaid": pounds(unpaid),
            "by": one.by,
        },
        steps=(
            fact("Deducted and not paid over", sterling(unpaid),
                 f"As told by {_teller(one)}. {on_one_line(insolvency.practitioner or 'Nobody named yet')} acts "
                 "for the estate."),
            matter.law.step(
                "EXTINGUISH_INSOLVENT", matter.today, "Extinguished",
                "yes" if extinguishes else "no",
                "The switch of this policy is on: confirm that nothing can be had from the estate."
                if extinguishes
                else "A policy that was proposed and is not the law: claim it from the estate.",
            ),
        ),
        evidence=one.evidence,
    )  # fmt: skip


def _teller(one: _Owed) -> str:
    """Who says so: whoever sent the record, or the schedules of the employer itself."""
    if one.by == "schedules":
        return "the schedules and the bank"
    return f"{on_one_line(one.told.organisation)} ({one.by})"


def _total(employer: str, parts: list[_Owed]) -> Proposal:
    unpaid = sum(max(0, one.deducted - one.paid_over) for one in parts)
    concerned = [one for one in parts if one.deducted > one.paid_over]
    return Proposal(
        code="ESTATE",
        about=employer,
        figures={"employees": str(len(concerned)), "unpaid": pounds(unpaid)},
        steps=(
            fact("In all", sterling(unpaid), "The sum of what is claimed for each employee."),
        ),
        evidence=tuple(sorted({seq for one in parts for seq in one.evidence})),
    )  # fmt: skip


def _without_practitioner(matter: Matter, schedules: Reconciled) -> Iterator[Proposal]:
    """Employers that said they are insolvent or stopped trading, and nobody has told what is unpaid."""
    told = {one.employer for one in _owed(matter, schedules)}
    for order in matter.book.earnings_order:
        statuses = schedules.statuses.get(order.id)
        if not statuses or order.employer in told:
            continue
        newest = statuses[-1]
        if newest.said.status.code not in {"ceased_trading", "insolvent"}:
            continue
        on = newest.said.status.on or newest.came_on
        days = matter.law.number("DEO_TELL", newest.came_on)
        in_time = "yes" if newest.came_on <= days_after(on, days) else "no"
        yield Proposal(
            code="ASK_WHAT_IS_UNPAID",
            about=order.id,
            figures={"employer": order.employer, "status": newest.said.status.code,
                     "on": day(on), "in_time": in_time},
            steps=(
                fact("The employer has failed", newest.said.status.code,
                     "Ask who acts for it, and what was deducted and not paid over."),
                matter.law.step("DEO_TELL", newest.came_on, "Told in time", in_time, f"Within {days} days."),
            ),
            evidence=(newest.seq,),
        )  # fmt: skip
