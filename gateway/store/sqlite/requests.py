"""Requests in the database: raised, led through their life, and found again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal

import apsw
import msgspec

from gateway.core.notice_item import Draft
from gateway.core.request_figures import Row
from gateway.core.request_item import Clarification, Happened, Stored
from gateway.core.request_life import Event, State
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.request_turn import Live
from gateway.store.sqlite.request_works import (
    COLUMNS,
    LISTS,
    NAMES,
    CloseBatch,
    Many,
    Raise,
    Step,
)
from gateway.store.sqlite.writer import Change, Turn, Writer

_WAITING: Final = "('served', 'acknowledged', 'part_answered')"


def _stored(row: Sequence[Any]) -> Stored:
    found = dict(zip(NAMES, row, strict=True))
    for name in LISTS:
        found[name] = tuple(msgspec.json.decode(found[name]))
    found["state"] = State(found["state"])
    return Stored(**found)


class Requests:
    """What the gateway remembers of requests (`gateway.request.Requests`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    # --- changes, each durable on return, with its entries

    async def raise_requests(self, requests: Sequence[Stored], notices: Sequence[Draft]) -> bool:
        """Store requests, drafted or issued, with the notices that go out for them; all, or none.

        False where a list among them was raised before.
        """
        return bool(await self._writer.do(Raise(tuple(requests), tuple(notices))))

    async def step(
        self,
        identity: str,
        event: Event,
        by: str,
        *,
        notices: Sequence[Draft] = (),
        seen: State | None = None,
        since: int | None = None,
        guard: Callable[[Live], bool] | None = None,
        also: Callable[[Turn, Live], None] | None = None,
    ) -> Stored:
        """Let something happen to a request; what it then is.

        With `seen` it must still stand as it was seen; with `since` nothing may have happened to it
        since it had so many events; `guard` looks at it at that moment, and `also` writes what belongs
        to the step. Raises Refused(REQUEST_NOT_FOUND) and Refused(REQUEST_STATE).
        """
        if seen is not None:
            guard = lambda request: request.state is seen  # noqa: E731 - as short as it is
        elif since is not None:
            guard = lambda request: request.events == since  # noqa: E731 - as short as it is
        await self._writer.do(Step(identity, event, by, tuple(notices), guard, also))
        found = self.request(identity)
        assert found is not None
        return found

    async def ask(
        self, identity: str, by: str, n: int, question: bytes, day: dt.date, *, stops: bool
    ) -> None:
        """Keep a question to the officer; if it `stops` the clock, that too. Raises as `step` does."""

        def also(turn: Turn, _request: Live) -> None:
            turn.db.execute(
                "INSERT INTO clarification VALUES (?, ?, ?, ?, NULL, NULL)",
                (identity, n, turn.written, question),
            )

        def stop(request: Live) -> bool:
            if request.is_asked or request.questions != n - 1:
                return False
            request.questions, request.is_asked = n, True
            if stops:
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
            if not request.is_asked or request.questions != n:
                return False
            request.is_asked = False
            request.resume(day)
            return True

        notices = () if notice is None else (notice,)
        await self.step(identity, Event.EXPLAINED, by, notices=notices, guard=resume, also=also)

    async def many(
        self,
        steps: Iterable[tuple[str, Event, Draft | None]],
        by: str,
        day: dt.date,
        reminded: int | None = None,
    ) -> int:
        """Let something happen to many requests, in one commit; how many of them it happened to.

        Those that are no longer where it can happen are left as they are.
        """
        return int(await self._writer.do(Many(tuple(steps), by, day, reminded)))

    async def close_batch(self, batch: str, submission: str, by: str) -> int:
        """Answer what is left of a batch with one nil return; how many requests that were."""
        return int(await self._writer.do(CloseBatch(batch, submission, by)))

    # --- looking

    def request(self, identity: str) -> Stored | None:
        """One request."""
        rows = self.select("WHERE id = ?", (identity,))
        return rows[0] if rows else None

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
        chosen = sorted(states)
        conditions = {
            "organisation = ? AND state <> 'drafted'": organisation,
            "consumer = ?": consumer,
            "id = ?": identity,
            "state IN (SELECT value FROM json_each(?))": msgspec.json.encode(chosen).decode()
            if chosen
            else None,
            "batch = ?": batch,
            "id < ?": before,
        }
        # Written out, so that the database sees which index serves.
        given = {text: value for text, value in conditions.items() if value is not None}
        where = " AND ".join(given) or "TRUE"
        return self.select(f"WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), limit))

    def to_remind(self, day: dt.date, days: int, reminded: int, limit: int) -> list[Stored]:
        """Requests due within so many days that waited then already, and had fewer reminders.

        Their clock runs, and their day has not passed.
        """
        return self.select(
            f"WHERE state IN {_WAITING} AND due BETWEEN ?1 AND ?2 AND reminded < ?3 "
            "AND stopped IS NULL AND served_on <= date(due, ?4) ORDER BY due LIMIT ?5",
            (
                day.isoformat(),
                (day + dt.timedelta(days=days)).isoformat(),
                reminded,
                f"-{days} days",
                limit,
            ),
        )

    def past_due(self, day: dt.date, limit: int) -> list[Stored]:
        """Requests that were due before a day and wait for an answer, whose clock runs.

        One whose notice came back is served anew first.
        """
        return self.select(
            f"WHERE state IN {_WAITING} AND due < ? AND stopped IS NULL "
            "AND (state <> 'served' OR served_on IS NOT NULL) ORDER BY due LIMIT ?",
            (day.isoformat(), limit),
        )

    def overdue(self, due: dt.date, reminded: int, limit: int) -> list[Stored]:
        """Overdue requests that were due by a day, and had fewer reminders."""
        return self.select(
            "WHERE state = 'overdue' AND due <= ? AND reminded < ? ORDER BY due LIMIT ?",
            (due.isoformat(), reminded, limit),
        )

    def without_pack(self, limit: int) -> list[Stored]:
        """Escalated requests whose evidence is not kept yet."""
        return self.select(
            "WHERE state = 'escalated' AND erased IS NULL AND NOT EXISTS (SELECT 1 FROM "
            "evidence_pack WHERE evidence_pack.request = request.id) LIMIT ?",
            (limit,),
        )

    def asked_already(self, question: bytes) -> str | None:
        """A request that waits, in which the same was asked of the same about the same."""
        rows = fetch(
            self._reader,
            "SELECT id FROM request WHERE question = ? "
            "AND state NOT IN ('answered', 'refused', 'withdrawn') LIMIT 1",
            (question,),
        )
        return rows[0][0] if rows else None

    def owed(
        self,
        side: Literal["organisation", "consumer"],
        party: str,
        limit: int,
        identity: str | None = None,
    ) -> list[Stored]:
        """What a party owes, or is owed: those that are open first, then the newest; or one by id."""
        return self.select(
            f"WHERE {side} = ?1 AND state NOT IN ('drafted', 'withdrawn') "
            "AND id = ifnull(?3, id) ORDER BY ended IS NOT NULL, id DESC LIMIT ?2",
            (party, limit, identity),
        )

    def totals(
        self, side: Literal["organisation", "consumer"], party: str, day: dt.date
    ) -> dict[str, int]:
        """How many requests of a party stand how on a day (`gateway.obligation.standing_of`)."""
        rows = fetch(
            self._reader,
            "SELECT CASE state WHEN 'refused' THEN 'refused' WHEN 'answered' THEN "  # noqa: S608
            "iif(EXISTS (SELECT 1 FROM json_each(covered) AS c JOIN json_each(record_types) AS r "
            "ON c.value = r.value), 'received', 'nil') ELSE iif(state IN ('overdue', 'escalated') OR "
            "(due < ? AND stopped IS NULL AND served_on IS NOT NULL), 'late', 'due') END, count(*) "
            f"FROM request WHERE {side} = ? AND state NOT IN ('drafted', 'withdrawn') GROUP BY 1",
            (day.isoformat(), party),
        )
        return dict(rows)

    def pack(self, identity: str) -> tuple[str, bytes] | None:
        """The newest evidence pack of a request, sealed, and when it was made."""
        rows = fetch(
            self._reader,
            "SELECT made, sealed FROM evidence_pack WHERE request = ? ORDER BY made DESC LIMIT 1",
            (identity,),
        )
        return rows[0] if rows else None

    async def keep_pack(self, identity: str, made: str, digest: bytes, sealed: bytes) -> None:
        """Keep an evidence pack."""
        values = (identity, made, digest, sealed)
        await self._writer.do(
            Change("INSERT OR REPLACE INTO evidence_pack VALUES (?, ?, ?, ?)", values)
        )

    def periods(self, request: str) -> dict[str, str]:
        """Months for which deductions were tied to an order, each with when that was."""
        rows = fetch(
            self._reader,
            "SELECT period, min(at) FROM match WHERE request = ? AND period IS NOT NULL "
            "AND verdict IN ('certain', 'confirmed') GROUP BY period",
            (request,),
        )
        return dict(rows)

    def of_order(self, organisation: str, order_tag: bytes) -> list[Stored]:
        """Every request about an order, the oldest first."""
        return self.select(
            "WHERE order_tag = ? AND organisation = ? ORDER BY id", (order_tag, organisation)
        )

    def select(self, where: str, parameters: tuple[Any, ...]) -> list[Stored]:
        """Requests by a condition of the store's own."""
        rows = fetch(self._reader, f"SELECT {COLUMNS} FROM request {where}", parameters)  # noqa: S608
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


def issued(reader: apsw.Connection) -> list[Row]:
    """Every request that was issued, as far as figures go."""
    rows = fetch(
        reader,
        "SELECT ifnull(class, ''), purposes, state, lapsed_on IS NOT NULL, raised, ended "
        "FROM request WHERE state <> 'drafted'",
    )
    decode = msgspec.json.decode
    return [
        Row(name, tuple(decode(purposes)), State(state), bool(lapsed), raised, ended)
        for name, purposes, state, lapsed, raised, ended in rows
    ]
