"""Notices in the database: what is to be sent, what was, and when that counts as served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import apsw

from gateway.core import ledger
from gateway.core.notice_item import Draft, Notice, Posted, Sent
from gateway.core.request_life import Event
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.request_turn import Live, live
from gateway.store.sqlite.writer import Change, Turn, Writer

_NAMES: Final = Notice.__struct_fields__
_COLUMNS: Final = ", ".join(_NAMES)
_FOR_NOBODY: Final = "A notice was sent that is not there."


def insert_notices(turn: Turn, drafts: Iterable[Draft]) -> None:
    """Write notices that are to be sent, inside a transaction."""
    turn.db.executemany(
        "INSERT INTO notice (id, request, correspondent, kind, purpose, state, wrapped_key, sealed, "
        "made, next_try) VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?)",
        [
            (
                draft.id,
                draft.request,
                draft.correspondent,
                draft.kind,
                draft.purpose,
                draft.wrapped_key,
                draft.sealed,
                turn.written,
                draft.next_try,
            )
            for draft in drafts
        ],
    )


class Notices:
    """What the gateway remembers of notices (`gateway.notice.Notices`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    def _select(self, where: str, parameters: tuple[Any, ...]) -> list[Notice]:
        rows = fetch(self._reader, f"SELECT {_COLUMNS} FROM notice {where}", parameters)  # noqa: S608
        return [Notice(**dict(zip(_NAMES, row, strict=True))) for row in rows]

    def to_send(self, now: str, limit: int) -> list[Notice]:
        """Notices whose time has come, the longest waiting first; those being sent too."""
        return self._select(
            "WHERE state IN ('waiting', 'sending') AND next_try <= ? ORDER BY next_try LIMIT ?",
            (now, limit),
        )

    def on_their_way(self, since: str, after: str, limit: int) -> list[Notice]:
        """E-mails and letters sent since an instant of whose fate nothing is known, by id."""
        return self._select(
            "WHERE state = 'sent' AND form IN ('email', 'post') AND sent >= ? AND id > ? "
            "ORDER BY id LIMIT ?",
            (since, after, limit),
        )

    def one(self, identity: str) -> Notice | None:
        """One notice."""
        found = self._select("WHERE id = ?", (identity,))
        return found[0] if found else None

    def made_since(self, correspondent: str, kind: str, since: str) -> bool:
        """Whether somebody was to be told something of a kind since an instant."""
        sql = "SELECT 1 FROM notice WHERE correspondent = ? AND kind = ? AND made >= ? LIMIT 1"
        return bool(fetch(self._reader, sql, (correspondent, kind, since)))

    def sent_to_party(self, party: str, before: str | None, limit: int) -> list[Notice]:
        """Notices that went to somebody, the newest first."""
        return self._select(
            "WHERE correspondent = ? AND sent IS NOT NULL AND id < ifnull(?, '~') "
            "ORDER BY id DESC LIMIT ?",
            (party, before, limit),
        )

    def last(self, request: str) -> str | None:
        """When the newest notice of a request was made."""
        sql = "SELECT max(made) FROM notice WHERE request = ?"
        found: str | None = fetch(self._reader, sql, (request,))[0][0]
        return found

    def of_request(self, request: str) -> list[Notice]:
        """Every notice of a request, the oldest first."""
        return self._select("WHERE request = ? ORDER BY id", (request,))

    def stuck(self) -> int:
        """How many notices cannot be sent by any way."""
        return int(fetch(self._reader, "SELECT count(*) FROM notice WHERE state = 'stuck'")[0][0])

    def waiting(self) -> int:
        """How many notices are still to be sent."""
        sql = "SELECT count(*) FROM notice WHERE state IN ('waiting', 'sending')"
        return int(fetch(self._reader, sql)[0][0])

    def by_form(self) -> dict[str, int]:
        """How many notices went by each form."""
        sql = "SELECT form, count(*) FROM notice WHERE sent IS NOT NULL GROUP BY form ORDER BY form"
        return dict(fetch(self._reader, sql))

    def sent_to(self, correspondent: str) -> dict[str, dict[str, int]]:
        """How many notices went to somebody by each form, and how many stand how."""
        told = {}
        for name in ("form", "state"):
            sent = "AND sent IS NOT NULL" if name == "form" else ""
            sql = (
                f"SELECT {name}, count(*) FROM notice WHERE correspondent = ? {sent} "  # noqa: S608
                f"GROUP BY {name} ORDER BY {name}"
            )
            told[name] = dict(fetch(self._reader, sql, (correspondent,)))
        return told

    async def add(self, draft: Draft) -> None:
        """Keep a notice that belongs to no step of a request."""

        def write(turn: Turn) -> None:
            insert_notices(turn, (draft,))

        await self._writer.do(_Written(write))

    async def claim(
        self,
        notice: str,
        tries: int,
        form: str,
        sealed: bytes,
        until: str,
        code: tuple[bytes, str] | None,
    ) -> bool:
        """That a notice is about to be handed over: what it says, and the code in it, are kept.

        `until` is when somebody else may take it up. `code` is the tag of an access code, and when it
        expires. False where it no longer waits, or was tried again meanwhile: then it is not ours.
        """
        claimed = 0

        def write(turn: Turn) -> None:
            nonlocal claimed
            turn.db.execute(
                "UPDATE notice SET state = 'sending', form = ?, sealed = ?, next_try = ?, "
                "tries = tries + 1 WHERE id = ? AND tries = ? AND state IN ('waiting', 'sending')",
                (form, sealed, until, notice, tries),
            )
            claimed = turn.db.changes()
            if claimed and code is not None:
                turn.db.execute(
                    "INSERT OR IGNORE INTO access_code SELECT ?, request, id, ?, NULL FROM notice "
                    "WHERE id = ?",
                    (*code, notice),
                )

        await self._writer.do(_Written(write))
        return claimed == 1

    async def sent(self, sent: Sequence[Sent]) -> None:
        """That notices went; those that serve a request serve it."""
        await self._writer.do(_Sent(tuple(sent)))

    async def again(self, notice: str, next_try: str, avoid: str) -> None:
        """That a notice is to be tried again, and which forms are not to be tried any more."""
        await self._writer.do(
            Change(
                "UPDATE notice SET state = 'waiting', next_try = ?, avoid = ? WHERE id = ?",
                (next_try, avoid, notice),
            )
        )

    async def stick(self, notice: str) -> None:
        """That a notice can go by no way that is known, until one is."""
        sql = "UPDATE notice SET state = 'stuck' WHERE id = ?"
        await self._writer.do(Change(sql, (notice,)))

    async def wake(self, now: str) -> None:
        """Let whatever is stuck be tried again, by every form."""
        sql = "UPDATE notice SET state = 'waiting', avoid = '', next_try = ? WHERE state = 'stuck'"
        await self._writer.do(Change(sql, (now,)))

    async def settle(
        self, notice: str, state: str, successor: Draft | None, posted: Posted | None
    ) -> None:
        """What became of a notice in the end; one that failed has a successor, by another form."""
        await self._writer.do(_Settled(notice, state, successor, posted))


class _Written:
    """A change that is no fact of the ledger."""

    rows = 2

    def __init__(self, write: Any) -> None:
        self._write = write

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        self._write(turn)

    def answer(self, _turn: Turn) -> None:
        return None


class _Sent:
    """Notices that went, in one commit; what somebody else has sent already is passed over."""

    def __init__(self, sent: tuple[Sent, ...]) -> None:
        self._all = sent
        self._sent: list[Sent] = []
        self._served: list[Live] = []
        self._entries: list[int] = []
        self.rows = 5 * len(sent)

    def prepare(self, turn: Turn) -> None:
        for each in self._all:
            rows = fetch(
                turn.db,
                "SELECT request, correspondent, kind, purpose, entry FROM notice WHERE id = ?",
                (each.notice,),
            )
            assert rows, _FOR_NOBODY
            request, correspondent, kind, purpose, before = rows[0]
            place = ("notice", each.notice)
            if before is not None or place in turn.decided:
                continue  # it went once, and is said once
            turn.decided[place] = True
            self._sent.append(each)
            entry = turn.enter(
                ledger.NOTICE_SENT,
                id=each.notice,
                request=request,
                correspondent=correspondent,
                notice=kind,
                purpose=purpose,
                form=each.form,
                agreement=each.agreement,
                deemed=each.deemed_on,
                content=each.content,
            )
            self._entries.append(entry)
            found = live(turn, request) if each.serves and request is not None else None
            if found is not None and found.can(Event.SERVED):
                serve(turn, found, each.notice, each.deemed_on, each.due)
                self._served.append(found)

    def write(self, turn: Turn) -> None:
        turn.db.executemany(
            "UPDATE notice SET state = 'sent', form = ?, agreement = ?, sealed = ?, reference = ?, "
            "sent = ?, deemed_on = ?, deemed_by = ?, entry = ? WHERE id = ?",
            [
                (
                    each.form,
                    each.agreement,
                    each.sealed,
                    each.reference,
                    turn.written,
                    each.deemed_on,
                    each.deemed_by,
                    entry,
                    each.notice,
                )
                for each, entry in zip(self._sent, self._entries, strict=True)
            ],
        )
        for found in self._served:
            found.write(turn)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class _Settled:
    """What became of a notice; a letter that was posted serves its request."""

    rows = 6

    def __init__(
        self, notice: str, state: str, successor: Draft | None, posted: Posted | None
    ) -> None:
        self._notice, self._state = notice, state
        self._successor, self._posted = successor, posted
        self._live: Live | None = None

    def prepare(self, turn: Turn) -> None:
        deemed = None if self._posted is None else self._posted.deemed_on
        turn.enter(ledger.NOTICE_SETTLED, id=self._notice, state=self._state, deemed=deemed)
        sql = "SELECT request FROM notice WHERE id = ?"
        request = fetch(turn.db, sql, (self._notice,))[0][0]
        found = None if request is None else live(turn, request)
        if found is None:
            return
        if self._posted is not None and found.can(Event.SERVED):
            serve(turn, found, self._notice, self._posted.deemed_on, self._posted.due)
            self._live = found
        elif self._state == "failed" and found.served_by == self._notice:
            found.unserve()
            self._live = found

    def write(self, turn: Turn) -> None:
        turn.db.execute("UPDATE notice SET state = ? WHERE id = ?", (self._state, self._notice))
        if self._posted is not None:
            turn.db.execute(
                "UPDATE notice SET deemed_on = ? WHERE id = ?",
                (self._posted.deemed_on, self._notice),
            )
        if self._successor is not None:
            insert_notices(turn, (self._successor,))
            turn.db.execute(
                "UPDATE notice SET avoid = (SELECT trim(avoid || ' ' || form) FROM notice "
                "WHERE id = ?) WHERE id = ?",
                (self._notice, self._successor.id),
            )
        if self._live is not None:
            self._live.write(turn)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


def serve(turn: Turn, found: Live, notice: str, day: str, due: str | None) -> None:
    """That a notice served a request; the first one fixes the day, and what follows from it."""
    if found.served_on is None:
        found.served_on, found.served_by = day, notice
        found.due = due or found.due
    found.happens(turn, Event.SERVED, "gateway", notice=notice)
