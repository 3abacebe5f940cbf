"""Passport disqualifications that a court has ordered: what HM Passport Office is told, and says back.

What has to come before such an order is listed from the book and never assumed (CSA 1991 s39B).
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.consumers.enforcement.book import LiabilityOrder, PassportOrder
from gateway.consumers.enforcement.days import days_after, months_after
from gateway.consumers.enforcement.matter import Matter, fact, worked
from gateway.consumers.enforcement.told import PassportRow, Told
from gateway.consumers.proposal import Proposal, Step, day, sterling


def proposed(matter: Matter) -> Iterator[Proposal]:
    """What each order of the book needs: a notification, a question, a change, or a closer look."""
    told = matter.told("passport", PassportRow)
    for order in matter.book.passport_order:
        back = [one for one in told
                if one.said.disqualification and one.said.disqualification.order == order.id]  # fmt: skip
        yield from worked(order.id, _of_order(matter, order, back))


def _of_order(
    matter: Matter, order: PassportOrder, back: list[Told[PassportRow]]
) -> Iterator[Proposal]:
    yield from _term(matter, order)
    lacking, steps = _preconditions(matter, order)
    if lacking:
        yield Proposal(
            code="PASSPORT_NOT_YET",
            about=order.id,
            figures={"lacking": ",".join(lacking)},
            steps=tuple(steps),
        )
    elif order.notified_on is None:
        yield from _notify(matter, order, steps)
    elif back:
        yield from _said_back(matter, order, back[-1])
    else:
        yield from _unacknowledged(matter, order)
    if matter.case(order.case).arrears_pence == 0 and not _is_over(matter, order):
        yield Proposal(
            code="PASSPORT_ASK_COURT_TO_END",
            about=order.id,
            figures={"arrears": "0.00"},
            steps=(
                fact("Arrears", sterling(0), "Nothing is owed any more; the court may end it."),
            ),
        )


def _is_over(matter: Matter, order: PassportOrder) -> bool:
    return order.ended_on is not None or order.ends_on < matter.today


def _term(matter: Matter, order: PassportOrder) -> Iterator[Proposal]:
    if matter.law.line("PASSPORT_TERM", order.made_on) is None:
        return
    months = matter.law.number("PASSPORT_TERM", order.made_on)
    most = months_after(order.made_on, months)
    if order.ends_on > most:
        yield Proposal(
            code="PASSPORT_TERM_TOO_LONG",
            about=order.id,
            figures={"ends_on": day(order.ends_on), "most": day(most)},
            steps=(
                matter.law.step("PASSPORT_TERM", order.made_on, "The term", day(order.ends_on),
                                f"At most {months} months from {day(order.made_on)}."),
            ),
        )  # fmt: skip


def _preconditions(matter: Matter, order: PassportOrder) -> tuple[list[str], list[Step]]:
    """Which of the three preconditions the book does not have, and a step for each."""
    code, on = "PASSPORT_PRECONDITIONS", order.made_on
    if not matter.law.allows(code, on):
        return ["not_in_force"], [fact("The power", "not in force", f"On {day(on)} it was not.")]
    made = _liability_order(matter, order)
    held = {
        "liability_order": (
            made is not None,
            "A liability order of this case that was made before.",
            made.id if made else "none in the book",
        ),
        "earlier_recovery": (
            order.earlier_recovery_attempted,
            "Recovery by other means was tried before.",
            "tried" if order.earlier_recovery_attempted else "none in the book",
        ),
        "finding": (
            order.found_by_court is not None,
            "The court found wilful refusal or culpable neglect.",
            order.found_by_court or "none in the book",
        ),
    }
    steps = [
        matter.law.step(code, on, name.replace("_", " ").capitalize(), value, how)
        for name, (_, how, value) in held.items()
    ]
    return [name for name, (there, *_) in held.items() if not there], steps


def _liability_order(matter: Matter, order: PassportOrder) -> LiabilityOrder | None:
    return next(
        (
            one
            for one in matter.book.liability_order
            if one.id == order.liability_order
            and one.case == order.case
            and one.made_on is not None
            and one.made_on <= order.made_on
        ),
        None,
    )


def _notify(matter: Matter, order: PassportOrder, steps: list[Step]) -> Iterator[Proposal]:
    if _is_over(matter, order) or order.suspended_on is not None:
        return
    yield Proposal(
        code="NOTIFY_PASSPORT_OFFICE",
        about=order.id,
        figures={"made_on": day(order.made_on), "ends_on": day(order.ends_on)},
        steps=(
            *steps,
            Step(what="To HM Passport Office", value="to be notified", confidence="S",
                 how="The name, the date of birth, the order, its day and its term.",
                 citation="HM Passport Office guidance of 4 March 2021"),
        ),
    )  # fmt: skip


def _unacknowledged(matter: Matter, order: PassportOrder) -> Iterator[Proposal]:
    assert order.notified_on is not None
    days = matter.law.number("PASSPORT_ACKNOWLEDGE", order.notified_on)
    by = days_after(order.notified_on, days)
    if matter.today > by and not _is_over(matter, order):
        yield Proposal(
            code="PASSPORT_UNACKNOWLEDGED",
            about=order.id,
            figures={"notified_on": day(order.notified_on), "by": day(by)},
            steps=(
                matter.law.step("PASSPORT_ACKNOWLEDGE", order.notified_on, "No acknowledgement",
                                day(by), f"Asked for after {days} days; ask what became of it."),
            ),
        )  # fmt: skip


def _said_back(matter: Matter, order: PassportOrder, one: Told[PassportRow]) -> Iterator[Proposal]:
    """What HM Passport Office has, where that is not what the book has."""
    disqualified = one.said.disqualification
    assert disqualified is not None
    if _is_over(matter, order):
        ours = "ended"
    else:
        ours = "in_force" if order.suspended_on is None else "suspended"
    theirs = disqualified.status or "not_told"
    same = theirs == ours or (ours == "ended" and theirs == "set_aside")
    if not same:
        yield Proposal(
            code="TELL_PASSPORT_OFFICE",
            about=order.id,
            figures={"ours": ours, "theirs": theirs},
            steps=(
                fact("As the book has it", ours, f"Made on {day(order.made_on)}, suspended on "
                     f"{day(order.suspended_on)}, ended on {day(order.ended_on or order.ends_on)}."),
                fact("As HM Passport Office has it", theirs, "Its newest record of the order."),
            ),
            evidence=(one.seq,),
        )  # fmt: skip
    surrendered = disqualified.surrendered_on or one.said.passport.status in {
        "surrendered", "cancelled", "none_held", "expired",
    }  # fmt: skip
    if ours == "in_force" and same and not surrendered:
        yield Proposal(
            code="PASSPORT_NOT_SURRENDERED",
            about=order.id,
            figures={"passport": one.said.passport.status or "not_told"},
            steps=(fact("The passport", "not handed in", "No day of surrender is told."),),
            evidence=(one.seq,),
        )
