"""Deductions from benefits: what may be taken for maintenance or arrears, and what has to stop.

For arrears nothing is taken while ongoing maintenance is payable (SI 2019/1084 Part 2). The newest
record of a person's benefit counts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Literal

from gateway.consumers.enforcement.book import Case
from gateway.consumers.enforcement.matter import Matter, fact
from gateway.consumers.enforcement.told import BenefitRow, Taken, Told
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling

Purpose = Literal["maintenance", "arrears"]


def proposed(matter: Matter) -> Iterator[Proposal]:
    """What is to begin, to change or to stop, for each case and benefit."""
    for case, rows in _by_case(matter).items():
        chosen = matter.case(case)
        by_kind: dict[str, list[Told[BenefitRow]]] = {}
        for row in rows:
            by_kind.setdefault(_slug(row.said.benefit.kind), []).append(row)
        for slug, of_kind in sorted(by_kind.items()):
            yield from _one(matter, chosen, slug, of_kind)


def _by_case(matter: Matter) -> dict[str, list[Told[BenefitRow]]]:
    found: dict[str, list[Told[BenefitRow]]] = {}
    for row in matter.told("benefit", BenefitRow):
        for case in matter.cases_of(row.said.who, row.said.case):
            found.setdefault(case.reference, []).append(row)
    return dict(sorted(found.items()))


def _slug(kind: str) -> str:
    return re.sub(r"[^a-z]+", "_", kind.lower().replace("'", "")).strip("_")


def _one(matter: Matter, case: Case, slug: str, rows: list[Told[BenefitRow]]) -> Iterator[Proposal]:
    newest = rows[-1]
    running = _running(matter, rows)
    until = newest.said.benefit.until
    ended = (until is not None and until < matter.today) or newest.said.benefit.status == "ended"
    may = None if ended else _may_take(matter, case, slug)
    for what_for, (taken, row) in running.items():
        if ended:
            step = fact("The award has ended", day(until), "There is nothing left to take it from.")
            yield _stop(case, slug, what_for, "award_ended", row, [step])
        elif may is None or may[0] != what_for:
            yield _stop(case, slug, what_for, *_why_not(matter, case, slug, what_for, row))
        elif taken.weekly_pence != may[1]:
            figures = {
                "benefit": slug,
                "from": pounds(taken.weekly_pence),
                "weekly": pounds(may[1]),
            }
            yield Proposal(
                code=f"CHANGE_{what_for.upper()}_DEDUCTION", about=case.reference,
                figures=figures, steps=tuple(may[2]), evidence=(row.seq,),
            )  # fmt: skip
    if may is not None and may[0] not in running:
        yield Proposal(
            code=f"DEDUCT_{may[0].upper()}",
            about=case.reference,
            figures={"benefit": slug, "weekly": pounds(may[1])},
            steps=tuple(may[2]),
            evidence=(newest.seq,),
        )


def _running(
    matter: Matter, rows: list[Told[BenefitRow]]
) -> dict[Purpose, tuple[Taken, Told[BenefitRow]]]:
    """What is taken now, for each purpose, as the newest record of it says."""
    found: dict[Purpose, tuple[Taken, Told[BenefitRow]]] = {}
    for row in rows:
        taken = row.said.benefit_deduction
        if taken is None or taken.what_for is None:
            continue
        over = taken.until is not None and taken.until < matter.today
        if taken.weekly_pence and not over:
            found[taken.what_for] = (taken, row)
        else:
            found.pop(taken.what_for, None)
    return found


def _is_ongoing(case: Case, today: dt.date) -> bool:
    """Whether ongoing maintenance is payable; on its last day it is."""
    return case.maintenance_until is None or case.maintenance_until >= today


def _may_take(matter: Matter, case: Case, slug: str) -> tuple[Purpose, int, list[Step]] | None:
    law, today = matter.law, matter.today
    code = f"BENEFIT_{slug.upper()}"
    if not law.allows(code, today):
        return None
    from_it = law.step(code, today, "The benefit", slug, f"{law.rates.at(code, today).title}.")
    until = day(case.maintenance_until)
    if _is_ongoing(case, today):
        if not case.is_flat_rate:
            return None
        weekly = law.number("BENEFIT_MAINTENANCE", today)
        step = law.step("BENEFIT_MAINTENANCE", today, "Each week", sterling(weekly),
                        f"The flat rate; maintenance is payable until {until}, so nothing for arrears.")  # fmt: skip
        return "maintenance", weekly, [from_it, step]
    if case.arrears_pence == 0:
        return None
    weekly = min(law.number("BENEFIT_ARREARS", today), case.arrears_pence)
    step = law.step("BENEFIT_ARREARS", today, "Each week", sterling(weekly),
                    f"For arrears of {sterling(case.arrears_pence)}; maintenance ended on {until}. "
                    "No more is taken than is owed.")  # fmt: skip
    return "arrears", weekly, [from_it, step]


def _why_not(
    matter: Matter, case: Case, slug: str, what_for: Purpose, row: Told[BenefitRow]
) -> tuple[str, Told[BenefitRow], list[Step]]:
    law, today = matter.law, matter.today
    if what_for == "arrears" and _is_ongoing(case, today):
        step = law.step("BENEFIT_ARREARS", today, "For arrears", "nothing",
                        "None is taken for arrears while ongoing maintenance is payable.")  # fmt: skip
        return "maintenance_payable", row, [step]
    if what_for == "arrears" and case.arrears_pence == 0:
        return "nothing_owed", row, [fact("Arrears", sterling(0), "All that was owed is paid.")]
    if what_for == "maintenance" and not _is_ongoing(case, today):
        step = fact("Maintenance ended", day(case.maintenance_until), "Nothing falls due after it.")
        return "maintenance_ended", row, [step]
    if what_for == "maintenance" and not case.is_flat_rate:
        return "not_flat_rate", row, [fact("The rate", "not flat", "It is the flat rate that is taken.")]  # fmt: skip
    return (
        "not_prescribed",
        row,
        [fact("The benefit", slug, "It is not in the tables on this day.")],
    )


def _stop(
    case: Case, slug: str, what_for: Purpose, why: str, row: Told[BenefitRow], steps: list[Step]
) -> Proposal:
    return Proposal(
        code=f"STOP_{what_for.upper()}_DEDUCTION",
        about=case.reference,
        figures={"benefit": slug, "why": why},
        steps=tuple(steps),
        evidence=(row.seq,),
    )
