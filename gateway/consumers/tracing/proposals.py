"""What tracing lays before an officer about each person who is looked for.

IDENTITY_CONFLICT   two sources do not agree on who it is: both are shown, none is chosen
BEST_ADDRESS        the address that leads, with every point for and against it
ADDRESS_UNCLEAR     two addresses too close to choose between, side by side
ADDRESS_ENDED       only addresses that were left
NO_ADDRESS          none at all, and who said that they hold nothing
EMPLOYER            an employer, from when to when
ACCOUNT             an account, from when to when
IN_CUSTODY          a prison that holds the person
POSSIBLE_RECORD     a record that may be about the person, for somebody to look at
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.client.events import Event
from gateway.consumers.proposal import Proposal, Step, day
from gateway.consumers.rates import Rates
from gateway.consumers.standing import Stands, standing
from gateway.consumers.tracing.address import Weighed, leads, weighed
from gateway.consumers.tracing.book import Book, Subject
from gateway.consumers.tracing.sighting import Kind, Sighting, sightings, tie, who_of

_LAW: Final = "SI 2008/2551 reg 3(1)(a)"
_IDENTITY: Final = ("surname", "forenames", "date_of_birth", "nino")


def proposals(events: Sequence[Event], book: Book, rates: Rates, today: dt.date) -> list[Proposal]:
    """Everything that the events say about each person in the book, in its order."""
    stands = standing(events)
    return [each for subject in book.subject for each in _about(subject, stands, rates, today)]


def _about(
    subject: Subject, stands: Sequence[Stands], rates: Rates, today: dt.date
) -> Iterable[Proposal]:
    tied = [stand for stand in stands if tie(stand.event, subject) is not None]
    found = sightings(subject, tied)
    yield from _conflicts(subject, tied)
    yield from _addresses(subject, tied, weighed(found, rates, today), rates, today)
    yield from _things(subject, "EMPLOYER", "employer", found)
    yield from _things(subject, "ACCOUNT", "account", found)
    yield from _custody(subject, found, today)
    for stand in tied:
        if stand.event.confidence == "possible":
            yield _possible(subject, stand)


def _conflicts(subject: Subject, tied: Sequence[Stands]) -> Iterable[Proposal]:
    """Where two sources say different things of who somebody is."""
    for name in _IDENTITY:
        told: dict[str, list[Event]] = {}
        for stand in tied:
            who = who_of(stand.event)
            value = None if who is None else getattr(who, name)
            if value is not None:
                told.setdefault(str(value), []).append(stand.event)
        folded = {value.casefold() for value in told}
        if len(folded) < 2:
            continue
        figures = {"field": name}
        steps = []
        for number, (value, events) in enumerate(sorted(told.items()), 1):
            figures[f"value_{number}"] = value
            sources = ", ".join(sorted({event.organisation for event in events}))
            steps.append(_fact(f"{name} as told by {sources}", "as it was sent", value))
        seqs = tuple(sorted(event.seq for events in told.values() for event in events))
        yield Proposal(
            code="IDENTITY_CONFLICT", about=subject.reference, figures=figures,
            steps=tuple(steps), evidence=seqs,
        )  # fmt: skip


def _addresses(
    subject: Subject,
    tied: Sequence[Stands],
    found: Sequence[Weighed],
    rates: Rates,
    today: dt.date,
) -> Iterable[Proposal]:
    if not found:
        nil = [stand.event for stand in tied if stand.event.type == "nil_return"]
        steps = [
            _fact(f"{event.organisation} holds nothing", "its nil return", "nil") for event in nil
        ]
        steps = steps or [_fact("Nothing was sent about the person", "no event is about them", "0")]
        yield Proposal(
            code="NO_ADDRESS", about=subject.reference, figures={"nil_returns": str(len(nil))},
            steps=tuple(steps), evidence=tuple(event.seq for event in nil),
        )  # fmt: skip
        return
    best = found[0]
    seqs = tuple(sorted(each.seq for address in found[:2] for each in address.sightings))
    if leads(found, rates, today):
        figures = {
            "at": best.text,
            "points": str(best.points),
            "sources": str(len({each.organisation for each in best.sightings})),
            "seen": day(best.seen),
        }
        own = tuple(sorted(each.seq for each in best.sightings))
        yield Proposal(
            code="BEST_ADDRESS", about=subject.reference, figures=figures,
            steps=(*best.steps, *_behind(found[1:])), evidence=own,
        )  # fmt: skip
    elif best.ended is not None:
        yield Proposal(
            code="ADDRESS_ENDED", about=subject.reference,
            figures={"at": best.text, "left": day(best.ended)}, steps=best.steps, evidence=seqs,
        )  # fmt: skip
    else:
        second = found[1]
        figures = {
            "first": best.text,
            "first_points": str(best.points),
            "second": second.text,
            "second_points": str(second.points),
        }
        lead = rates.at("ADDRESS_LEAD", today)
        close = Step(
            what=lead.title,
            how=f"{best.points} points against {second.points}",
            value=str(best.points - second.points),
            citation=lead.citation,
            confidence=lead.confidence,
        )
        yield Proposal(
            code="ADDRESS_UNCLEAR", about=subject.reference, figures=figures,
            steps=(*best.steps, *second.steps, close), evidence=seqs,
        )  # fmt: skip


def _behind(others: Sequence[Weighed]) -> list[Step]:
    """The addresses that were not chosen, so that whoever reads sees what they were."""
    return [
        Step(
            what=f"Behind it: {other.text}",
            how="; ".join(f"{step.value} {step.how}" for step in other.steps),
            value=str(other.points),
            citation="our policy",
            confidence="P",
        )
        for other in others
    ]


def _things(
    subject: Subject, code: str, kind: Kind, found: Sequence[Sighting]
) -> Iterable[Proposal]:
    """Employers or accounts, each once, with all that is known of its days."""
    by_key: dict[str, list[Sighting]] = {}
    for each in found:
        if each.kind == kind:
            by_key.setdefault(each.key, []).append(each)
    for group in by_key.values():
        last = max(group, key=lambda each: each.seq)
        starts = [each.since for each in group if each.since is not None]
        ends = [each.until for each in group if each.until is not None]
        figures = {
            "is": last.text,
            "since": day(min(starts, default=None)),
            "until": day(max(ends, default=None)),
            "sources": str(len({each.organisation for each in group})),
        }
        steps = [
            _fact(
                f"{each.organisation} knows it",
                f"from {day(each.since)} to {day(each.until)}, tied by {each.tied}"
                + (", disputed by its sender" if each.disputed else ""),
                day(each.seen),
            )
            for each in group
        ]
        seqs = tuple(each.seq for each in group)
        yield Proposal(
            code=code, about=subject.reference, figures=figures, steps=tuple(steps), evidence=seqs
        )


def _custody(subject: Subject, found: Sequence[Sighting], today: dt.date) -> Iterable[Proposal]:
    held = [each for each in found if each.kind == "custody"]
    if not held:
        return
    last = max(held, key=lambda each: each.seq)
    if last.until is not None and last.until <= today:
        return
    yield Proposal(
        code="IN_CUSTODY",
        about=subject.reference,
        figures={"is": last.text, "since": day(last.since)},
        steps=(_fact("Held in prison", f"told by {last.organisation}", last.text),),
        evidence=(last.seq,),
    )


def _possible(subject: Subject, stand: Stands) -> Proposal:
    event = stand.event
    return Proposal(
        code="POSSIBLE_RECORD",
        about=subject.reference,
        figures={"record": event.type, "from": event.organisation},
        steps=(
            _fact(
                "It may be about the person", "the match is not certain: compare them", event.type
            ),
        ),
        evidence=(event.seq,),
    )


def _fact(what: str, how: str, value: str) -> Step:
    return Step(what=what, how=how, value=value, citation=_LAW, confidence="V")
