"""Requests in the database: raised, led through their life, and found again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec

from gateway.core import ledger
from gateway.core.notice_item import Draft
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Clarification, Happened, Stored
from gateway.core.request_life import Event, State
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.notices import insert_notices
from gateway.store.sqlite.request_turn import Live, live, write_events
from gateway.store.sqlite.writer import Turn, Writer

_COLUMNS: Final = (
    "id, organisation, consumer, purposes, citation, record_types, reference, wrapped_key, subject, "
    "raised, due, kind, state, events, class, batch, terms, served_on, lapsed_on, ended, stopped, "
    "reminded, covered, erased"
)
_FIELDS: Final = Stored.__struct_fields__
_LISTS: Final = ("purposes", "record_types", "covered")


def _stored(row: Sequence[Any]) -> Stored:
    found = dict(zip(_NAMES, row, strict=True))
    for name in _LISTS:
        found[name] = tuple(msgspec.json.decode(found[name]))
    found["state"] = State(found["state"])
    return Stored(**found)


_NAMES: Final = tuple(
    "provider_class" if name == "class" else name for name in _COLUMNS.split(", ")
)


class Requests:
    """What the gateway remembers of requests (`gateway.request.Requests`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    # --- changes, each durable on return, with its entries

    async def raise_requests(self, requests: Sequence[Stored], notices: Sequence[Draft]) -> None:
        """Store requests, drafted or issued, with the notices that go out for them."""
        await self._writer.do(_Raise(tuple(requests), tuple(notices)))

    async def step(
        self,
        identity: str,
        event: Event,
        by: str,
        *,
        notices: Sequence[Draft] = (),
        guard: Callable[[Live], bool] | None = None,
        also: Callable[[Turn, Live], None] | None = None,
    ) -> Stored:
        """Let something happen to a request; what it then is.

        `guard` looks at it at that moment, and `also` writes what belongs to the step. Raises
        Refused(REQUEST_NOT_FOUND) and Refused(REQUEST_STATE).
        """
        await self._writer.do(_Step(identity, event, by, tuple(notices), guard, also))
        found = self.request(identity)
        assert found is not None
        return found

    async def ask(self, identity: str, by: str, n: int, question: bytes, day: dt.date) -> None:
        """Keep a question to the officer, and stop the clock; raises as `step` does."""

        def also(turn: Turn, _request: Live) -> None:
            turn.db.execute(
                "INSERT INTO clarification VALUES (?, ?, ?, ?, NULL, NULL)",
                (identity, n, turn.written, question),
            )

        def stop(request: Live) -> bool:
            if request.stopped is not None or self.clarified(identity) != n - 1:
                return False
            request.stop(day)
            return True

        await self.step(identity, Event.QUERIED, by, guard=stop, also=also)

    async def explain(
        self, identity: str, by: str, n: int, answer: bytes, day: dt.date, notice: Draft | None
    ) -> None:
        """Keep the officer's answer, and let the clock run again; raises as `step` does."""

        def also(turn: Turn, _request: Live) -> None:
            turn.db.execute(
                "UPDATE clarification SET answered = ?, answer = ? WHERE request = ? AND n = ?",
                (turn.written, answer, identity, n),
            )

        def resume(request: Live) -> bool:
            if request.stopped is None or self.clarified(identity) != n:
                return False
            request.resume(day)
            return True

        notices = () if notice is None else (notice,)
        await self.step(identity, Event.EXPLAINED, by, notices=notices, guard=resume, also=also)

    async def many(
        self, steps: Iterable[tuple[str, Event, Draft | None]], by: str, day: dt.date
    ) -> int:
        """Let something happen to many requests, in one commit; how many of them it happened to.

        Those that are no longer where it can happen are left as they are.
        """
        return int(await self._writer.do(_Many(tuple(steps), by, day)))

    async def close_batch(self, batch: str, submission: str, by: str) -> int:
        """Answer what is left of a batch with one nil return; how many requests that were."""
        return int(await self._writer.do(_CloseBatch(batch, submission, by)))

    # --- looking

    def request(self, identity: str) -> Stored | None:
        """One request."""
        rows = fetch(
            self._reader,
            f"SELECT {_COLUMNS} FROM request WHERE id = ?",  # noqa: S608 - a constant
            (identity,),
        )
        return _stored(rows[0]) if rows else None

    def requests(
        self,
        *,
        organisation: str | None = None,
        consumer: str | None = None,
        identity: str | None = None,
        states: Iterable[str] = (),
        batch: str | None = None,
        before: str | None = None,
        limit: int = 1_000,
    ) -> list[Stored]:
        """Requests to an organisation, or of a consumer, newest first; or one of them by id."""
        wanted = msgspec.json.encode(sorted(states)).decode()
        rows = fetch(
            self._reader,
            f"SELECT {_COLUMNS} FROM request WHERE (?1 IS NULL OR organisation = ?1) "  # noqa: S608
            "AND (?1 IS NULL OR state <> 'drafted') "
            "AND (?2 IS NULL OR consumer = ?2) AND (?3 IS NULL OR id = ?3) "
            "AND (?4 = '[]' OR state IN (SELECT value FROM json_each(?4))) "
            "AND (?5 IS NULL OR batch = ?5) AND (?6 IS NULL OR id < ?6) "
            "ORDER BY id DESC LIMIT ?7",
            (organisation, consumer, identity, wanted, batch, before, limit),
        )
        return [_stored(row) for row in rows]

    def due(self, states: Iterable[str], day: dt.date, reminded: int, limit: int) -> list[Stored]:
        """Requests in some states due before a day, whose clock runs and who had fewer reminders."""
        wanted = msgspec.json.encode(sorted(states)).decode()
        rows = fetch(
            self._reader,
            f"SELECT {_COLUMNS} FROM request "  # noqa: S608 - a constant
            "WHERE state IN (SELECT value FROM json_each(?1)) AND due < ?2 AND reminded < ?3 "
            "AND stopped IS NULL ORDER BY due LIMIT ?4",
            (wanted, day.isoformat(), reminded, limit),
        )
        return [_stored(row) for row in rows]

    def lapsed(self, day: dt.date, limit: int) -> list[Stored]:
        """Requests that have been overdue since a day or before it, and are not escalated."""
        rows = fetch(
            self._reader,
            f"SELECT {_COLUMNS} FROM request "  # noqa: S608 - a constant
            "WHERE state = 'overdue' AND lapsed_on <= ? ORDER BY lapsed_on LIMIT ?",
            (day.isoformat(), limit),
        )
        return [_stored(row) for row in rows]

    def history(self, identity: str) -> list[Happened]:
        """What happened to a request, in order."""
        rows = fetch(
            self._reader,
            "SELECT n, event, state, at, by, submission, notice, entry FROM request_event "
            "WHERE request = ? ORDER BY n",
            (identity,),
        )
        names = Happened.__struct_fields__
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [msgspec.convert(each, Happened) for each in found]

    def clarifications(self, identity: str) -> list[Clarification]:
        """Questions to the officer, and their answers, in order."""
        rows = fetch(
            self._reader,
            "SELECT n, asked, question, answered, answer FROM clarification "
            "WHERE request = ? ORDER BY n",
            (identity,),
        )
        names = Clarification.__struct_fields__
        return [Clarification(**dict(zip(names, row, strict=True))) for row in rows]

    def clarified(self, identity: str) -> int:
        """How many questions there have been."""
        rows = fetch(
            self._reader, "SELECT count(*) FROM clarification WHERE request = ?", (identity,)
        )
        return int(rows[0][0])

    def figures(self) -> list[tuple[str, str, str, int, str | None, str | None, str | None, str]]:
        """For figures: class, purposes, state, whether lapsed, raised, served, ended, kind."""
        return fetch(
            self._reader,
            "SELECT ifnull(class, ''), purposes, state, lapsed_on IS NOT NULL, raised, served_on, "
            "ended, kind FROM request WHERE state <> 'drafted'",
        )


class _Raise:
    """New requests; the entry of each says what is asked, and nothing of whom it is about."""

    def __init__(self, requests: tuple[Stored, ...], notices: tuple[Draft, ...]) -> None:
        self._requests = requests
        self._notices = notices
        self._happened: list[tuple[str, list[Happened]]] = []
        self.rows = 4 * len(requests) + 2 * len(notices)

    def prepare(self, turn: Turn) -> None:
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
        marks = ", ".join("?" * len(_NAMES))
        turn.db.executemany(
            f"INSERT INTO request ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - constants
            [
                _row(request, len(done))
                for request, (_, done) in zip(self._requests, self._happened, strict=True)
            ],
        )
        for identity, done in self._happened:
            write_events(turn, identity, done)
        insert_notices(turn, self._notices)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


def _happened(n: int, event: Event, state: State, turn: Turn, by: str, entry: int) -> Happened:
    return Happened(
        n=n, event=event, state=state, at=turn.written, by=by, submission=None, notice=None,
        entry=entry,
    )  # fmt: skip


def _row(request: Stored, events: int) -> tuple[Any, ...]:
    found = msgspec.structs.asdict(request) | {"events": events, "state": request.state.value}
    for name in _LISTS:
        found[name] = msgspec.json.encode(found[name]).decode()
    return tuple(found[name] for name in _NAMES)


class _Step:
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


class _Many:
    """The same for many, where it can happen."""

    def __init__(
        self, steps: tuple[tuple[str, Event, Draft | None], ...], by: str, day: dt.date
    ) -> None:
        self._steps, self._by, self._day = steps, by, day.isoformat()
        self._done: list[tuple[Live, Draft | None]] = []
        self.rows = 5 * len(steps)

    def prepare(self, turn: Turn) -> None:
        for identity, event, notice in self._steps:
            found = live(turn, identity)
            if found is None or found.stopped is not None or not found.can(event):
                continue
            found.happens(turn, event, self._by, notice=None if notice is None else notice.id)
            if event is Event.REMINDED:
                found.reminded += 1
            elif event is Event.LAPSED:
                found.lapsed_on = self._day
            self._done.append((found, notice))

    def write(self, turn: Turn) -> None:
        insert_notices(turn, [notice for _, notice in self._done if notice is not None])
        for found, _ in self._done:
            found.write(turn)

    def answer(self, _turn: Turn) -> int:
        return len(self._done)


class _CloseBatch:
    """What is left of a batch is answered: nothing is held."""

    def __init__(self, batch: str, submission: str, by: str) -> None:
        self._batch, self._submission, self._by = batch, submission, by
        self._done: list[Live] = []
        self.rows = 10

    def prepare(self, turn: Turn) -> None:
        for (identity,) in fetch(
            turn.db, "SELECT id FROM request WHERE batch = ? ORDER BY id", (self._batch,)
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
