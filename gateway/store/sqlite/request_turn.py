"""A request within one commit: read once, led from state to state, written back at the end.

Several pieces of work in one group may touch the same request; each finds it as the one before
left it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway.core import ledger
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Happened
from gateway.core.request_life import ENDED, Event, State, after, events, moved
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn

# Events that fix, or move, the day an answer is due by; their entries say which day that now is.
_SAYS_DUE: Final = frozenset({Event.SERVED, Event.EXPLAINED})


@dataclass(slots=True)
class Live:
    """A request as this group leaves it so far; `fresh` is what is not written yet.

    `served_by` is the notice that fixed the day of service.
    """

    id: str
    organisation: str
    record_types: tuple[str, ...]
    state: State
    events: int
    due: str
    served_on: str | None
    lapsed_on: str | None
    ended: str | None
    stopped: str | None
    reminded: int
    covered: tuple[str, ...]
    questions: int
    is_asked: bool
    served_by: str | None
    changed: bool = False
    fresh: list[Happened] = field(default_factory=list)

    def can(self, event: Event) -> bool:
        """Whether something can happen to it where it stands."""
        return event in events(self.state)

    def check(self, event: Event) -> None:
        """Raise Refused(REQUEST_STATE) for what cannot happen where it stands."""
        if not self.can(event):
            raise Refused(Reason.REQUEST_STATE, f"It is {self.state.value}.")

    def happens(
        self,
        turn: Turn,
        event: Event,
        by: str,
        *,
        submission: str | None = None,
        notice: str | None = None,
    ) -> int:
        """Take one step of the life, with its entry; returns the entry's index.

        Raises Refused(REQUEST_STATE) for what cannot happen where the request stands.
        """
        self.check(event)
        state = after(self.state, event)
        self.events += 1
        index = turn.enter(
            f"{ledger.REQUEST}{event.value}",
            id=self.id,
            n=self.events,
            state=state.value,
            by=by,
            submission=submission,
            notice=notice,
            due=self.due if event in _SAYS_DUE else None,
        )
        if state in ENDED and self.state not in ENDED:
            self.ended = turn.written
            self.stopped = None  # a question that nobody waits for any more stops nothing
        elif state not in ENDED:
            self.ended = None
        self.state = state
        self.fresh.append(
            Happened(
                n=self.events,
                event=event,
                state=state,
                at=turn.written,
                by=by,
                submission=submission,
                notice=notice,
                entry=index,
            )
        )
        return index

    def stop(self, day: dt.date) -> None:
        """Let the clock stand still from a day on."""
        if self.stopped is None:
            self.stopped = day.isoformat()

    def resume(self, day: dt.date) -> None:
        """Let the clock run again; the days between are given back."""
        if self.stopped is not None:
            since = dt.date.fromisoformat(self.stopped)
            self.due = moved(dt.date.fromisoformat(self.due), since, day).isoformat()
            self.stopped = None

    def unserve(self) -> None:
        """Forget the day of service: what served it never arrived. The next notice fixes another."""
        self.served_on = self.served_by = None
        self.changed = True

    def write(self, turn: Turn) -> None:
        """Write what is new, once, inside the transaction."""
        if not self.fresh and not self.changed:
            return
        turn.db.execute(
            "UPDATE request SET state = ?, events = ?, due = ?, served_on = ?, lapsed_on = ?, "
            "ended = ?, stopped = ?, reminded = ?, covered = ?, served_by = ? WHERE id = ?",
            (
                self.state.value,
                self.events,
                self.due,
                self.served_on,
                self.lapsed_on,
                self.ended,
                self.stopped,
                self.reminded,
                msgspec.json.encode(self.covered).decode(),
                self.served_by,
                self.id,
            ),
        )
        write_events(turn, self.id, self.fresh)
        self.fresh.clear()
        self.changed = False


def write_events(turn: Turn, request: str, happened: Iterable[Happened]) -> None:
    """Write what happened to a request."""
    turn.db.executemany(
        "INSERT INTO request_event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                request,
                each.n,
                each.event.value,
                each.state.value,
                each.at,
                each.by,
                each.submission,
                each.notice,
                each.entry,
            )
            for each in happened
        ],
    )


def live(turn: Turn, identity: str) -> Live | None:
    """A request as this group has it, or as it is stored."""
    place = ("request", identity)
    found: Live | None = turn.decided.get(place)
    if found is None:
        rows = fetch(
            turn.db,
            "SELECT id, organisation, record_types, state, events, due, served_on, lapsed_on, ended, "
            "stopped, reminded, covered, served_by, "
            "(SELECT count(*) FROM clarification WHERE request = id), "
            "EXISTS (SELECT 1 FROM clarification WHERE request = id AND answered IS NULL) "
            "FROM request WHERE id = ?",
            (identity,),
        )
        if not rows:
            return None
        row = rows[0]
        found = Live(
            id=row[0],
            organisation=row[1],
            record_types=tuple(msgspec.json.decode(row[2])),
            state=State(row[3]),
            events=row[4],
            due=row[5],
            served_on=row[6],
            lapsed_on=row[7],
            ended=row[8],
            stopped=row[9],
            reminded=row[10],
            covered=tuple(msgspec.json.decode(row[11])),
            served_by=row[12],
            questions=row[13],
            is_asked=bool(row[14]),
        )
        turn.decided[place] = found
    return found
