"""Records that a number ties to a case and that say somebody else's name or date of birth."""

from __future__ import annotations

from gateway.consumers.calculation.book import Case
from gateway.consumers.calculation.facts import Doubt, Facts
from gateway.consumers.proposal import Proposal, Step


def doubts(facts: Facts, evidence: frozenset[int]) -> tuple[Step, ...]:
    """A step for each thing that some of these records say otherwise than the case does."""
    resting: dict[Doubt, list[int]] = {}
    for fact in facts.doubtful:
        if fact.seq in evidence:
            resting.setdefault(fact.told, []).append(fact.seq)
    return tuple(
        Step(
            what=f"Another {doubt.name}",
            how=f"The record says {doubt.says}, the case {doubt.case_says}: compare before you rely on"
            " it. A number ties it to the case, so it is not set aside.",
            value=f"{'event' if len(seqs) == 1 else 'events'} {', '.join(map(str, seqs))}",
            citation="The department's records and the feed",
            confidence="P",
        )
        for doubt, seqs in resting.items()
    )


def uncertain(case: Case, facts: Facts) -> list[Proposal]:
    """That records of a case may be about somebody else; none where all agree with the case."""
    seqs = frozenset(fact.seq for fact in facts.doubtful)
    if not seqs:
        return []
    names = dict.fromkeys(fact.told.name.replace(" ", "_") for fact in facts.doubtful)
    return [
        Proposal(
            code="IDENTITY_UNCERTAIN",
            about=case.reference,
            figures={"rows": str(len(seqs))} | dict.fromkeys(names, "differs"),
            steps=doubts(facts, seqs),
            evidence=tuple(sorted(seqs)),
        )
    ]
