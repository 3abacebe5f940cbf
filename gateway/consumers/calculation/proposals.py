"""What calculation lays before an officer: for each case its maintenance, and what else is to be done.

    1 stand      what was withdrawn no longer counts; what is disputed is told
    2 collect    what the feed says of the paying parent
    3 income     historic, current, or that of the present calculation
    4 add        what a variation that was agreed to adds
    5 rate       nil, flat, reduced, basic, basic plus or default
    6 share      between receiving parents, and less for shared care
    7 tell       fees, and what else an officer should look at

Nothing is decided here. Of the same events, in whatever order and however often, comes the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from gateway.client.events import Event
from gateway.consumers.calculation.book import Book, Case
from gateway.consumers.calculation.circumstances import pays_nothing, prescribed_benefit
from gateway.consumers.calculation.current import earned_now
from gateway.consumers.calculation.facts import Facts, facts_of
from gateway.consumers.calculation.identity import doubts, uncertain
from gateway.consumers.calculation.income import GrossIncome, gross_income, share
from gateway.consumers.calculation.liability import Position, liability
from gateway.consumers.calculation.sharing import fees, shares
from gateway.consumers.calculation.variation import grounds_of, may_be_varied
from gateway.consumers.calculation.working import WEEKLY, Source, Working
from gateway.consumers.proposal import Proposal, Step, day, pounds, sterling
from gateway.consumers.rates import NoRateError, Rates
from gateway.consumers.standing import standing

_SCHEME = 2012
_NO_LAW = Source("schemas/rates/calculation.toml", "P")
_ESTIMATE = Source("SI 2012/2677 reg 42", "P")
_AMOUNT = Source("CSA 1991 Sch 1 para 1(2)", "V")


def proposals(events: Sequence[Event], book: Book, rates: Rates, today: dt.date) -> list[Proposal]:
    """Every proposal about every case of the 2012 scheme, by case reference."""
    stands = standing(events)  # 1 stand
    cases = sorted(book.case, key=lambda case: case.reference)
    return [
        proposal
        for case in cases
        if case.scheme == _SCHEME
        for proposal in _of_case_or_none(case, facts_of(case, stands), rates, today)  # 2 collect
    ]


def _of_case_or_none(case: Case, facts: Facts, rates: Rates, today: dt.date) -> list[Proposal]:
    """The proposals of a case; where the tables lack a line for it, that alone, and the rest goes on."""
    try:
        return _of_case(case, facts, rates, today)
    except NoRateError as error:
        working = Working(rates, today)
        working.step("No law in the tables", f"{str(error).capitalize()}.", "not worked", _NO_LAW)
        return [_told("NO_LAW", case, {"effective": day(case.effective_date)}, working, facts)]


def _of_case(case: Case, facts: Facts, rates: Rates, today: dt.date) -> list[Proposal]:
    on = case.effective_date if case.present is None else today
    looked = Working(rates, on, as_at=_as_at(case, today))
    income = gross_income(case, facts, looked, today)  # 3 income
    working = Working(rates, on, so_far=looked)
    grounds = grounds_of(case, facts, rates, on, today)
    counted = income.weekly
    for ground in grounds:
        if counted is not None and ground.is_counted:
            counted = ground.added_to(counted, working)  # 4 add
    position = _position(case, facts, counted, working, later=income.later)
    found = liability(position, working)  # 5 rate
    parts = shares(found, case.child, working)  # 6 share
    _payable(parts, working)
    figures = {
        "income": "unknown" if counted is None else pounds(counted),
        "rate": found.rate,
        "weekly": pounds(sum(parts.values())),
    }
    if len(parts) > 1:
        figures |= {f"to_{parent}": pounds(amount) for parent, amount in parts.items()}
    if case.service == "collect_and_pay":  # 7 tell
        paid = fees(tuple(parts.values()), working)
        if paid is not None:
            figures |= {"paid_in": pounds(paid.paid_in), "paid_out": pounds(paid.paid_out)}
    told = [
        _told("MAINTENANCE", case, figures, working, facts),
        *_beside(case, income, facts, looked),
        *uncertain(case, facts),
    ]
    if may_be_varied(position, found):
        told += [
            _told(*ground.if_agreed(case, position, rates), facts)
            for ground in grounds
            if not ground.is_counted
        ]
    return told


def _payable(parts: dict[str, int], working: Working) -> None:
    each = " and ".join(f"{sterling(amount)} to {parent}" for parent, amount in parts.items())
    working.step("Maintenance", f"{each}.", sterling(sum(parts.values())) + WEEKLY, _AMOUNT)


def _as_at(case: Case, today: dt.date) -> dt.date:
    """The day that income is estimated for: the effective or the review date, or between them today."""
    if case.present is None:
        return case.effective_date
    if case.review_date is None or today < case.review_date:
        return today
    return case.review_date


def _position(
    case: Case, facts: Facts, income: int | None, working: Working, *, later: bool
) -> Position:
    nothing = pays_nothing(case, facts.custody, working)
    aside = Working(working.rates, working.on, as_at=working.as_at)
    earned = earned_now(facts, aside, later=later)
    return Position(
        income=income,
        children=len(case.child),
        others=case.relevant_other_children,
        pays_nothing=nothing,
        award=None if nothing else prescribed_benefit(case, facts.benefits, earned, working),
    )


def _beside(case: Case, income: GrossIncome, facts: Facts, working: Working) -> list[Proposal]:
    """What an officer should look at besides: a change, a figure that is old, or no figure at all."""
    told = []
    if income.replaced is not None and income.weekly is not None:
        figures = {
            "before": pounds(income.replaced),
            "now": pounds(income.weekly),
            "change": share(income.weekly, income.replaced),
        }
        told.append(_told("INCOME_CHANGED_25", case, figures, working, facts))
    if income.stale is not None:
        stale = income.stale
        figures = {
            "asked": day(stale.asked_on),
            "counts_from": day(stale.counts_from),
            "days": str((stale.counts_from - stale.asked_on).days),
            "most": str(stale.most),
        }
        told.append(_told("INCOME_STALE", case, figures, working, facts))
    if income.basis == "unknown":
        told.append(_unknown(case, facts, working))
    return told


def _unknown(case: Case, facts: Facts, looked: Working) -> Proposal:
    """That income is unknown; what a lender was told is no evidence of it, but shows where to ask."""
    working = Working(looked.rates, looked.on, so_far=looked)
    figures = {"ask": "hmrc"}
    if facts.declared:
        last = facts.declared[-1]
        income, on = last.told.income_pence, day(last.told.declared_on)
        figures |= {"declared": pounds(income), "declared_on": on}
        how = f"Said on {on}, of a year. It is no evidence, but shows where to ask."
        working.step("What a lender was told", how, sterling(income), _ESTIMATE)
        working.rests_on([last.seq])
    return _told("INCOME_UNKNOWN", case, figures, working, facts)


def _told(
    code: str, case: Case, figures: dict[str, str], working: Working, facts: Facts
) -> Proposal:
    """A proposal of what was worked; first it says which records are disputed or in doubt."""
    evidence = tuple(sorted(working.evidence))
    disputed = sorted(facts.disputed() & working.evidence)
    steps = (*doubts(facts, frozenset(evidence)), *working.steps)
    if disputed:
        step = Step(
            what="Disputed by its sender",
            how="What is disputed counts until it is withdrawn or put right.",
            value=f"events {', '.join(map(str, disputed))}",
            citation="docs/feeds.md, corrections",
            confidence="P",
        )
        steps, figures = (step, *steps), {**figures, "disputed": "yes"}
    return Proposal(
        code=code, about=case.reference, figures=figures, steps=steps, evidence=evidence
    )
