"""All that enforcement lays before an officer: each kind in a module of its own, in one order.

The same events and book on the same day give the same proposals, however often and in whatever order
the events come.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import msgspec

from gateway.client.events import Event
from gateway.consumers.enforcement import (
    accounts,
    bank_orders,
    benefits,
    courts,
    debts,
    earnings_orders,
    employer_notices,
    insolvency,
    month_sums,
    old_debts,
    passports,
)
from gateway.consumers.enforcement.book import Book
from gateway.consumers.enforcement.matter import Law, Matter, fact
from gateway.consumers.enforcement.schedules import reconciled
from gateway.consumers.proposal import Proposal
from gateway.consumers.rates import Rates
from gateway.consumers.standing import Stands, standing


def proposals(events: Sequence[Event], book: Book, rates: Rates, today: dt.date) -> list[Proposal]:
    """Every proposal, sorted by its line.

    Records that were withdrawn, were incorrect or are superseded do not count. What rests on a record
    that its sender says is disputed says so.
    """
    stands = standing(events)
    matter = Matter(stands, book, Law(rates), today)
    disputed = frozenset(one.event.seq for one in stands if one.disputed)
    found = [_with_dispute(proposal, disputed) for proposal in _all(matter)]
    return sorted(found, key=lambda proposal: (proposal.line(), proposal.evidence))


def _all(matter: Matter) -> Iterator[Proposal]:
    schedules = reconciled(matter)
    yield from earnings_orders.proposed(matter, schedules)
    yield from month_sums.proposed(matter, schedules)
    yield from employer_notices.proposed(matter, schedules)
    yield from insolvency.proposed(matter, schedules)
    yield from courts.proposed(matter, schedules)
    yield from accounts.proposed(matter)
    yield from bank_orders.proposed(matter)
    yield from debts.proposed(matter)
    yield from old_debts.proposed(matter)
    yield from benefits.proposed(matter)
    yield from passports.proposed(matter)
    yield from _to_be_looked_at(matter.stands)


def _with_dispute(proposal: Proposal, disputed: frozenset[int]) -> Proposal:
    resting = sorted(disputed.intersection(proposal.evidence))
    if not resting:
        return proposal
    numbers = ", ".join(map(str, resting))
    step = fact("Disputed", numbers, "Its sender says that this is disputed: wait, or ask.")
    return msgspec.structs.replace(
        proposal,
        figures=proposal.figures | {"disputed": "yes"},
        steps=(*proposal.steps, step),
    )


def _to_be_looked_at(stands: list[Stands]) -> Iterator[Proposal]:
    """Records that may be about somebody else: nothing above rests on them."""
    types: dict[tuple[str, str], list[int]] = {}
    for one in stands:
        if one.event.confidence == "possible":
            place = (one.event.request or "-", one.event.type)
            types.setdefault(place, []).append(one.event.seq)
    for (request, record_type), numbers in types.items():
        yield Proposal(
            code="IDENTITY_UNCERTAIN",
            about=request,
            figures={"record": record_type, "rows": str(len(numbers))},
            steps=(
                fact("Possibly the same person", record_type, "A person has to look; until then it counts for nothing."),
            ),
            evidence=tuple(numbers),
        )  # fmt: skip
