"""What one commit does to requests: raise them, lead one a step further, or many."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.core import ledger
from gateway.core.notice_item import Draft
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Happened, Stored
from gateway.core.request_life import Event, State
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.notices import insert_notices
from gateway.store.sqlite.request_turn import Live, live, write_events
from gateway.store.sqlite.writer import Turn

COLUMNS: Final = (
    "id, organisation, consumer, purposes, citation, record_types, reference, wrapped_key, subject, "
    "raised, due, kind, state, events, class, batch, terms, order_tag, question, served_on, lapsed_on, ended, stopped, "
    "reminded, covered, erased"
)
NAMES: Final = tuple("provider_class" if name == "class" else name for name in COLUMNS.split(", "))
LISTS: Final = ("purposes", "record_types", "covered")


class Raise:
    """New requests; the entry of each says what is asked, and nothing of whom it is about."""

    def __init__(self, requests: tuple[Stored, ...], notices: tuple[Draft, ...]) -> None:
        self._requests = requests
        self._notices = notices
        self._happened: list[tuple[str, list[Happened]]] = []
        self.rows = 4 * len(requests) + 2 * len(notices)
        self._before = False

    def prepare(self, turn: Turn) -> None:
        batches = sorted({each.batch for each in self._requests if each.batch is not None})
        for batch in batches:
            sql = "SELECT 1 FROM request WHERE batch = ? LIMIT 1"
            if ("batch", batch) in turn.decided or fetch(turn.db, sql, (batch,)):
                self._before = True
                return
        turn.decided.update({("batch", batch): True for batch in batches})
        for request in self._requests:
            told: dict[str, Any] = {
                "organisation": request.organisation,
                "consumer": request.consumer,
                "asks": request.kind,
                "purposes": list(request.purposes),
                "record_types": list(request.record_types),
                "due": request.due,
                "batch": request.batch,
            }
            raised = f"{ledger.REQUEST}{Event.RAISED.value}"
            entry = turn.enter(raised, id=request.id, n=1, state=State.DRAFTED.value, **told)
            done = [_happened(1, Event.RAISED, State.DRAFTED, turn, request.consumer, entry)]
            if request.state is State.ISSUED:
                issued = f"{ledger.REQUEST}{Event.ISSUED.value}"
                entry = turn.enter(
                    issued,
                    id=request.id,
                    n=2,
                    state=State.ISSUED.value,
                    by=request.consumer,
                    submission=None,
                    notice=None,
                    due=None,
                )
                done.append(_happened(2, Event.ISSUED, State.ISSUED, turn, request.consumer, entry))
            self._happened.append((request.id, done))

    def write(self, turn: Turn) -> None:
        if self._before:
            return
        marks = ", ".join("?" * len(NAMES))
        turn.db.executemany(
            f"INSERT INTO request ({COLUMNS}) VALUES ({marks})",  # noqa: S608 - constants
            [
                _row(request, len(done))
                for request, (_, done) in zip(self._requests, self._happened, strict=True)
            ],
        )
        for identity, done in self._happened:
            write_events(turn, identity, done)
        insert_notices(turn, self._notices)

    def answer(self, _turn: Turn) -> bool:
        """Whether they were raised now, and not before."""
        return not self._before


def _happened(n: int, event: Event, state: State, turn: Turn, by: str, entry: int) -> Happened:
    return Happened(
        n=n, event=event, state=state, at=turn.written, by=by, submission=None, notice=None,
        entry=entry,
    )  # fmt: skip


def _row(request: Stored, events: int) -> tuple[Any, ...]:
    found = msgspec.structs.asdict(request) | {"events": events, "state": request.state.value}
    for name in LISTS:
        found[name] = msgspec.json.encode(found[name]).decode()
    return tuple(found[name] for name in NAMES)


class Step:
    """One event of one request, with what belongs to it."""

    def __init__(
        self,
        identity: str,
        event: Event,
        by: str,
        notices: tuple[Draft, ...],
        guard: Callable[[Live], bool] | None,
        also: Callable[[Turn, Live], None] | None,
    ) -> None:
        self._identity, self._event, self._by = identity, event, by
        self._notices, self._guard, self._also = notices, guard, also
        self.rows = 4 + 2 * len(notices)

    def prepare(self, turn: Turn) -> None:
        found = live(turn, self._identity)
        if found is None:
            raise Refused(Reason.REQUEST_NOT_FOUND)
        found.check(self._event)
        if self._guard is not None and not self._guard(found):
            raise Refused(Reason.REQUEST_STATE)
        found.happens(turn, self._event, self._by)
        self._live = found

    def write(self, turn: Turn) -> None:
        if self._also is not None:
            self._also(turn, self._live)
        insert_notices(turn, self._notices)
        self._live.write(turn)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class Many:
    """The same for many, where it can happen."""

    def __init__(
        self,
        steps: tuple[tuple[str, Event, Draft | None], ...],
        by: str,
        day: dt.date,
        reminded: int | None,
    ) -> None:
        self._steps, self._by, self._day = steps, by, day.isoformat()
        self._reminded = reminded
        self._done: list[tuple[Live, Draft | None]] = []
        self.rows = 5 * len(steps)

    def prepare(self, turn: Turn) -> None:
        for identity, event, notice in self._steps:
            found = live(turn, identity)
            if found is None or found.stopped is not None or not found.can(event):
                continue
            if self._reminded is not None:
                if found.reminded >= self._reminded and event is not Event.LAPSED:
                    continue  # somebody else was first
                found.reminded = max(found.reminded, self._reminded)
            if event is Event.LAPSED:
                found.lapsed_on = self._day
            found.happens(turn, event, self._by, notice=None if notice is None else notice.id)
            self._done.append((found, notice))

    def write(self, turn: Turn) -> None:
        insert_notices(turn, [notice for _, notice in self._done if notice is not None])
        for found, _ in self._done:
            found.write(turn)

    def answer(self, _turn: Turn) -> int:
        return len(self._done)


class CloseBatch:
    """What is left of a batch is answered: nothing is held.

    What a record may be about is not left: an officer looks at it first.
    """

    def __init__(self, batch: str, submission: str, by: str) -> None:
        self._batch, self._submission, self._by = batch, submission, by
        self._done: list[Live] = []
        self.rows = 10

    def prepare(self, turn: Turn) -> None:
        for (identity,) in fetch(
            turn.db,
            "SELECT id FROM request WHERE batch = ? AND NOT EXISTS (SELECT 1 FROM match "
            "WHERE match.request = request.id AND verdict = 'possible') ORDER BY id",
            (self._batch,),
        ):
            found = live(turn, identity)
            if found is None or found.covered or not found.can(Event.ANSWERED):
                continue
            found.covered = tuple(f"nil_return:{name}" for name in found.record_types)
            found.happens(turn, Event.ANSWERED, self._by, submission=self._submission)
            self._done.append(found)
        self.rows = 4 * len(self._done)

    def write(self, turn: Turn) -> None:
        for found in self._done:
            found.write(turn)

    def answer(self, _turn: Turn) -> int:
        return len(self._done)
