"""The life of a request: which event leads from which state to which, as one table.

A request is drafted, issued, served, perhaps acknowledged, then answered, refused or withdrawn; where
it is not answered in time it is overdue, and then escalated. Whatever is not in the table cannot
happen. An answer that comes late is taken all the same.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from typing import Final


class State(enum.StrEnum):
    """Where a request stands."""

    DRAFTED = "drafted"
    ISSUED = "issued"
    SERVED = "served"
    ACKNOWLEDGED = "acknowledged"
    PART_ANSWERED = "part_answered"
    ANSWERED = "answered"
    REFUSED = "refused"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


class Event(enum.StrEnum):
    """What happens to a request; each is entered in the ledger as `request.<event>`."""

    RAISED = "raised"
    ISSUED = "issued"
    SERVED = "served"
    ACKNOWLEDGED = "acknowledged"
    QUERIED = "queried"
    EXPLAINED = "explained"
    REMINDED = "reminded"
    PART_ANSWERED = "part_answered"
    ANSWERED = "answered"
    REFUSED = "refused"
    LAPSED = "lapsed"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


class NotInLifeError(ValueError):
    """An event that cannot happen to a request where it stands."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a request that is {state.value} cannot be {event.value}")
        self.state = state
        self.event = event


# Those who wait for an answer, and those for whom nothing more is waited.
WAITING: Final = frozenset({State.SERVED, State.ACKNOWLEDGED, State.PART_ANSWERED})
LATE: Final = frozenset({State.OVERDUE, State.ESCALATED})
OPEN: Final = WAITING | LATE | {State.ISSUED}
ENDED: Final = frozenset({State.ANSWERED, State.REFUSED, State.WITHDRAWN})

_ANSWERS: Final = {
    Event.PART_ANSWERED: State.PART_ANSWERED,
    Event.ANSWERED: State.ANSWERED,
    Event.REFUSED: State.REFUSED,
    Event.WITHDRAWN: State.WITHDRAWN,
}
# Questions and their answers, while time runs; and what is sent again, by another way or to remind.
_ASKING: Final = (Event.QUERIED, Event.EXPLAINED)
_SENT_AGAIN: Final = (Event.SERVED, Event.REMINDED)


def _stays(state: State, *events: Event) -> dict[Event, State]:
    """Events that tell something of a request and leave it where it stands."""
    return dict.fromkeys(events, state)


_TABLE: Final[dict[State, dict[Event, State]]] = {
    State.DRAFTED: {Event.ISSUED: State.ISSUED, Event.WITHDRAWN: State.WITHDRAWN},
    # Who acknowledges or answers has it, whether or not our own proof of service has come.
    State.ISSUED: {
        **_ANSWERS,
        Event.SERVED: State.SERVED,
        Event.ACKNOWLEDGED: State.ACKNOWLEDGED,
        **_stays(State.ISSUED, *_ASKING),
    },
    State.SERVED: {
        **_ANSWERS,
        Event.ACKNOWLEDGED: State.ACKNOWLEDGED,
        Event.LAPSED: State.OVERDUE,
        **_stays(State.SERVED, *_ASKING, *_SENT_AGAIN),
    },
    State.ACKNOWLEDGED: {
        **_ANSWERS,
        Event.LAPSED: State.OVERDUE,
        **_stays(State.ACKNOWLEDGED, Event.ACKNOWLEDGED, *_ASKING, *_SENT_AGAIN),
    },
    State.PART_ANSWERED: {
        **_ANSWERS,
        Event.LAPSED: State.OVERDUE,
        **_stays(State.PART_ANSWERED, Event.ACKNOWLEDGED, *_ASKING, *_SENT_AGAIN),
    },
    # A part that comes late does not make the rest any less late.
    State.OVERDUE: {
        **_ANSWERS,
        Event.ESCALATED: State.ESCALATED,
        **_stays(State.OVERDUE, Event.PART_ANSWERED, Event.ACKNOWLEDGED, *_SENT_AGAIN),
    },
    State.ESCALATED: {
        **_ANSWERS,
        **_stays(State.ESCALATED, Event.PART_ANSWERED, Event.ACKNOWLEDGED, *_SENT_AGAIN),
    },
    # More of an answer, or an answer after all.
    State.ANSWERED: {
        Event.PART_ANSWERED: State.ANSWERED,
        Event.ANSWERED: State.ANSWERED,
        Event.REFUSED: State.ANSWERED,
    },
    State.REFUSED: {
        Event.PART_ANSWERED: State.PART_ANSWERED,
        Event.ANSWERED: State.ANSWERED,
        Event.REFUSED: State.REFUSED,
    },
    State.WITHDRAWN: {},
}


def after(state: State, event: Event) -> State:
    """The state that an event leads to; raises NotInLifeError where it cannot happen."""
    found = _TABLE[state].get(event)
    if found is None:
        raise NotInLifeError(state, event)
    return found


def events(state: State) -> frozenset[Event]:
    """What can happen to a request that stands so."""
    return frozenset(_TABLE[state])


def moved(due: dt.date, stopped: dt.date, resumed: dt.date) -> dt.date:
    """The day an answer is due by once the clock, stopped on one day, runs again from another.

    Each day on which the organisation waited for us is given back to it.
    """
    return due + max(resumed - stopped, dt.timedelta())


# What an answer covers is said by words: a record type, or `nil_return:` or `refusal:` and the record
# type it is about.


def event_of_answer(asked: Iterable[str], covered: Iterable[str], *, open_rows: int) -> Event:
    """Which event an answer is: all that was asked for, a part of it, or a refusal.

    `covered` is all that was covered so far (above), `open_rows` how many of its rows are still to be
    mended. Of what was asked for, facts, a nil return and a coded refusal each settle their part.
    """
    wanted, parts = set(asked), set(covered)
    facts = wanted & parts
    nil, refused = _about("nil_return", wanted, parts), _about("refusal", wanted, parts)
    if open_rows or not wanted <= facts | nil | refused:
        return Event.PART_ANSWERED
    return Event.REFUSED if not facts | nil else Event.ANSWERED


def left(asked: Iterable[str], covered: Iterable[str]) -> tuple[str, ...]:
    """Record types that were asked for and are not covered yet."""
    wanted, parts = set(asked), set(covered)
    done = parts | _about("nil_return", wanted, parts) | _about("refusal", wanted, parts)
    return tuple(sorted(wanted - done))


def _about(kind: str, wanted: set[str], parts: set[str]) -> set[str]:
    return {name for name in wanted if f"{kind}:{name}" in parts}
