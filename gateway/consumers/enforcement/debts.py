"""Debts that are written off: the smallest without a notice, others after one, each by itself.

Amounts of separate applications, or payable to different people, are assessed separately (SI 2009/3151
reg 13F), so no two debts are ever added together here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from gateway.consumers.enforcement.book import Case, Debt
from gateway.consumers.enforcement.days import days_after, months_after
from gateway.consumers.enforcement.matter import Matter, fact, worked
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling

# Of these the receiving parent is not given notice: the law lists them, or nobody is left to tell.
_WITHOUT_NOTICE: Final = frozenset({"person_with_care_dead"})


def proposed(matter: Matter) -> Iterator[Proposal]:
    """For each debt: a small one to be written off, or the next step of a general write-off."""
    for debt in matter.book.debt:
        if debt.pence == 0:
            continue
        case = matter.case(debt.case)
        yield from worked(debt.id, _small(matter, case, debt))
        if debt.write_off_case is not None:
            yield from worked(debt.id, _general(matter, case, debt, debt.write_off_case))


def separate(matter: Matter, debt: Debt) -> list[Step]:
    """The step that says that a debt stands alone, where its case has others."""
    others = [one for one in matter.debts_of(debt.case) if one.id != debt.id]
    if not others or matter.law.line("SEPARATE_DEBTS", matter.today) is None:
        return []
    return [
        matter.law.step(
            "SEPARATE_DEBTS", matter.today, "Assessed by itself", sterling(debt.pence),
            f"The case has {len(others)} more; they are not added together.",
        )
    ]  # fmt: skip


def _small(matter: Matter, case: Case, debt: Debt) -> Iterator[Proposal]:
    """A debt below the threshold, of a case that ended (k) or over which jurisdiction was lost (l)."""
    if case.scheme != "2012":
        return
    lost = case.jurisdiction_lost_on
    if lost is not None and lost <= matter.today and case.superseded:
        code, ground = "SMALL_DEBT_JURISDICTION", "13G(l)"
        since = f"Jurisdiction was lost on {day(lost)}, and superseded."
    elif case.ended_on is not None and case.ended_on <= matter.today and case.ended_under:
        code, ground = "SMALL_DEBT_ENDED", "13G(k)"
        since = f"The calculation ended on {day(case.ended_on)} under {case.ended_under}."
    else:
        return
    if matter.law.line(code, matter.today) is None:
        return
    below = matter.law.number(code, matter.today)
    months = matter.law.number(f"{code}_QUIET", matter.today)
    quiet_from = months_after(matter.today, -months)
    # A payment that is known for the case alone may have been for this debt.
    last = debt.last_payment_on or case.last_payment_on
    if debt.pence >= below or (last is not None and last >= quiet_from):
        return
    yield Proposal(
        code="WRITE_OFF_SMALL",
        about=debt.id,
        figures={"arrears": pounds(debt.pence), "ground": ground, "notice": "none"},
        steps=(
            fact("The case", case.reference, f"Scheme of 2012. {since}"),
            matter.law.step(code, matter.today, "Arrears", sterling(debt.pence),
                            f"Less than {sterling(below)}."),
            matter.law.step(f"{code}_QUIET", matter.today, "No payment", f"{months} months",
                            f"None from {day(quiet_from)} on, that day included; "
                            f"{_last(last)}."),
            *separate(matter, debt),
            Step(what="Notice", value="none needed", citation="SI 2024/87 regs 4-6",
                 confidence="V", how="The receiving parent is not written to beforehand."),
            _judgement(),
        ),
    )  # fmt: skip


def _last(last: dt.date | None) -> str:
    return "none is known at all" if last is None else f"the last was on {day(last)}"


def _judgement() -> Step:
    return Step(
        what="For an officer to think",
        how="Enforcement has to be unfair or otherwise inappropriate; nothing here decides that.",
        value="open",
        citation="SI 2009/3151 reg 13G",
        confidence="V",
    )


def _general(matter: Matter, case: Case, debt: Debt, ground: str) -> Iterator[Proposal]:
    """The next step of a write-off in one of the prescribed cases."""
    code = f"WRITE_OFF_{ground.upper()}"
    why_not = _not_yet(matter, case, debt, code)
    figures = {"arrears": pounds(debt.pence), "ground": ground}
    steps: list[Step] = []
    if matter.law.line(code, matter.today) is not None:
        title = matter.law.rates.at(code, matter.today).title
        steps = [matter.law.step(code, matter.today, "The prescribed case", ground, f"{title}.")]
    steps += [*separate(matter, debt), _judgement()]
    if why_not is not None:
        name = "WRITE_OFF_NOT_POSSIBLE"
        figures["why"] = why_not
    elif ground in _WITHOUT_NOTICE or not debt.payee_reachable:
        name = "WRITE_OFF"
        figures["notice"] = "none"
        steps.append(_notice("none needed", "Not sent where the person is dead or untraceable."))
    else:
        name = after_notice(matter, debt, figures, steps)
    yield Proposal(code=name, about=debt.id, figures=figures, steps=tuple(steps))


def _not_yet(matter: Matter, case: Case, debt: Debt, code: str) -> str | None:
    if not matter.law.allows(code, matter.today):
        return "not_in_force"
    if debt.write_off_case == "non_resident_parent_dead" and not debt.estate_exhausted:
        return "estate_not_exhausted"
    if debt.write_off_case == "trust_deed_expired" and case.nation != "scotland":
        return "not_scotland"
    return None


def _notice(value: str, how: str) -> Step:
    return Step(
        what="Notice", how=how, value=value, citation="SI 2009/3151 reg 13H(2)-(3)", confidence="V"
    )


def after_notice(matter: Matter, debt: Debt, figures: dict[str, str], steps: list[Step]) -> str:
    """Where a write-off that needs a notice stands; adds its figures and step."""
    if debt.notice_on is None:
        steps.append(
            _notice(
                "to be sent",
                "It names the debt, its period, the reason and the right to represent.",
            )
        )
        return "WRITE_OFF_NOTICE"
    days = matter.law.number("WRITE_OFF_REPRESENTATIONS", debt.notice_on)
    until = days_after(debt.notice_on, days)
    figures["until"] = day(until)
    how = f"{days} days from the notice of {day(debt.notice_on)}, the last of them included."
    if debt.represented:
        name, value = "CONSIDER_REPRESENTATIONS", "received"
    elif matter.today <= until:
        name, value = "AWAIT_REPRESENTATIONS", f"until {day(until)}"
    else:
        name, value = "WRITE_OFF", "none came"
    steps.append(
        matter.law.step("WRITE_OFF_REPRESENTATIONS", debt.notice_on, "Representations", value, how)
    )
    return name
