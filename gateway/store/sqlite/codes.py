"""One-time access codes in the database, and the sessions they became."""

from __future__ import annotations

import datetime as dt

import apsw

from gateway.access import Opened
from gateway.core import ledger
from gateway.core.request_life import State
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.request_turn import live
from gateway.store.sqlite.writer import Turn, Writer


class Codes:
    """What the gateway remembers of access codes (`gateway.access.Codes`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    async def exchange(self, code: bytes, session: bytes, expires: str, day: dt.date) -> str | None:
        """Use a code up for a session; its request, or None where it cannot be used."""
        found: str | None = await self._writer.do(_Exchange(code, session, expires, day))
        return found

    def session(self, tag: bytes, now: str) -> Opened | None:
        """A session that has not ended."""
        rows = fetch(
            self._reader,
            "SELECT request.id, organisation, notice FROM access_session "
            "JOIN access_code ON access_code.tag = access_session.code "
            "JOIN request ON request.id = access_session.request "
            "WHERE access_session.tag = ? AND access_session.expires > ? AND erased IS NULL "
            "AND state <> 'withdrawn'",
            (tag, now),
        )
        return Opened(*rows[0]) if rows else None

    def opens(self, code: bytes) -> str | None:
        """The request that a code was made for, used or not."""
        rows = fetch(self._reader, "SELECT request FROM access_code WHERE tag = ?", (code,))
        return rows[0][0] if rows else None

    async def expire(self, now: str, codes_before: dt.date) -> int:
        """Forget sessions that have ended, and codes that expired before a day; how many."""
        return int(await self._writer.do(_Expire(now, codes_before.isoformat())))


class _Exchange:
    rows = 3

    def __init__(self, code: bytes, session: bytes, expires: str, day: dt.date) -> None:
        self._code, self._session, self._expires = code, session, expires
        self._day = day.isoformat()
        self._request: str | None = None

    def prepare(self, turn: Turn) -> None:
        """Find the code, unused and in time; its use is an entry."""
        place = ("access code", self._code)
        rows = fetch(
            turn.db,
            "SELECT request, notice FROM access_code "
            "WHERE tag = ? AND used IS NULL AND expires >= ?",
            (self._code, self._day),
        )
        if not rows or place in turn.decided:
            return
        request = live(turn, rows[0][0])
        if request is None or request.state is State.WITHDRAWN:
            return
        if ("erased", request.id) in turn.decided:
            return  # its codes go within this very commit
        turn.decided[place] = True
        self._request = request.id
        turn.enter(ledger.CODE_EXCHANGED, id=rows[0][1], request=request.id)

    def write(self, turn: Turn) -> None:
        """Use it up."""
        if self._request is None:
            return
        turn.db.execute("UPDATE access_code SET used = ? WHERE tag = ?", (turn.written, self._code))
        turn.db.execute(
            "INSERT INTO access_session VALUES (?, ?, ?, ?)",
            (self._session, self._request, self._code, self._expires),
        )

    def answer(self, _turn: Turn) -> str | None:
        """The request it opens."""
        return self._request


class _Expire:
    rows = 2

    def __init__(self, now: str, codes_before: str) -> None:
        self._now, self._codes_before = now, codes_before
        self._gone = 0

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        """Delete them; a code goes only when no session hangs on it."""
        turn.db.execute("DELETE FROM access_session WHERE expires < ?", (self._now,))
        self._gone += turn.db.changes()
        turn.db.execute(
            "DELETE FROM access_code WHERE expires < ? "
            "AND tag NOT IN (SELECT code FROM access_session)",
            (self._codes_before,),
        )
        self._gone += turn.db.changes()

    def answer(self, _turn: Turn) -> int:
        """How many went."""
        return self._gone
