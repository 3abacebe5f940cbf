"""Correspondents in the database: how they are reached, what they agreed to and what they prefer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import apsw

from gateway.core import ledger
from gateway.core.correspondent import Agreed, Correspondent, Preferred
from gateway.store.sqlite.change import Change
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer

_WAKE = (
    "UPDATE notice SET state = 'waiting', avoid = '', next_try = ? "
    "WHERE correspondent = ? AND state = 'stuck'"
)
_AGREED = "id, purpose, form, address, since, until, evidence"


def _agreed(row: Sequence[Any]) -> Agreed:
    return Agreed(
        id=row[0],
        purpose=row[1],
        form=row[2],
        address=row[3],
        since=dt.date.fromisoformat(row[4]),
        until=None if row[5] is None else dt.date.fromisoformat(row[5]),
        evidence=row[6],
    )


class Correspondents:
    """Every change is a ledger entry, which says nothing of how somebody is reached."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    def correspondent(self, identity: str) -> Correspondent | None:
        """Somebody notices go to."""
        found = self._people("WHERE id = ?", (identity,))
        return found[0] if found else None

    def correspondents(self, after: str, limit: int) -> list[Correspondent]:
        """Those whose ids come after one, in order."""
        return self._people("WHERE id > ? ORDER BY id LIMIT ?", (after, limit))

    def _people(self, where: str, parameters: tuple[Any, ...]) -> list[Correspondent]:
        names = Correspondent.__struct_fields__
        sql = f"SELECT {', '.join(names)} FROM correspondent {where}"  # noqa: S608
        return [
            Correspondent(**dict(zip(names, row, strict=True)))
            for row in fetch(self._reader, sql, parameters)
        ]

    def agreements(self, identity: str) -> list[Agreed]:
        """What somebody agreed to, ended or not, the oldest first."""
        rows = fetch(
            self._reader,
            f"SELECT {_AGREED} FROM agreement WHERE correspondent = ? ORDER BY since, id",  # noqa: S608
            (identity,),
        )
        return [_agreed(row) for row in rows]

    def agreement(self, identity: str) -> tuple[str, Agreed] | None:
        """An agreement, and whose it is."""
        sql = f"SELECT {_AGREED}, correspondent FROM agreement WHERE id = ?"  # noqa: S608
        rows = fetch(self._reader, sql, (identity,))
        return (rows[0][-1], _agreed(rows[0])) if rows else None

    def preferences(self, identity: str) -> list[Preferred]:
        """What somebody said about post, in order."""
        rows = fetch(
            self._reader,
            "SELECT since, post FROM preference WHERE correspondent = ? ORDER BY since",
            (identity,),
        )
        return [
            Preferred(since=dt.date.fromisoformat(since), post=bool(post)) for since, post in rows
        ]

    async def put(self, found: Correspondent) -> None:
        """Add somebody, or change how they are reached; what could not be sent is tried again."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO correspondent VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
                "ON CONFLICT (id) DO UPDATE SET nation = ?3, language = ?4, wrapped_key = ?5, "
                "contact = ?6, changed = ?7",
                (
                    found.id,
                    found.kind,
                    found.nation,
                    found.language,
                    found.wrapped_key,
                    found.contact,
                    turn.written,
                ),
            )
            turn.db.execute(_WAKE, (turn.written, found.id))

        await self._change(ledger.CORRESPONDENT_CHANGED, write, id=found.id, of=found.kind)

    async def looked_at(self, identity: str) -> None:
        """Enter that an operator was shown how somebody is reached."""
        await self._change(ledger.CORRESPONDENT_SHOWN, lambda _turn: None, id=identity)

    async def agree(self, identity: str, agreed: Agreed) -> None:
        """Keep an agreement; what could not be sent is tried again."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO agreement VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
                (
                    agreed.id,
                    identity,
                    agreed.purpose,
                    agreed.form,
                    agreed.address,
                    agreed.since.isoformat(),
                    agreed.evidence,
                ),
            )
            turn.db.execute(_WAKE, (turn.written, identity))

        await self._change(
            ledger.AGREEMENT_MADE,
            write,
            id=agreed.id,
            correspondent=identity,
            purpose=agreed.purpose,
            form=agreed.form,
            since=agreed.since.isoformat(),
        )

    async def end(self, agreement: str, until: dt.date) -> None:
        """End an agreement from a day on; nothing is sent on it from then."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE agreement SET until = ? WHERE id = ?", (until.isoformat(), agreement)
            )

        await self._change(ledger.AGREEMENT_ENDED, write, id=agreement, until=until.isoformat())

    async def prefer(self, identity: str, since: dt.date, *, post: bool) -> None:
        """Keep what somebody says about post; what they said before stays in the history."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO preference VALUES (?1, ?2, ?3) "
                "ON CONFLICT (correspondent, since) DO UPDATE SET post = ?3",
                (identity, since.isoformat(), post),
            )
            turn.db.execute(_WAKE, (turn.written, identity))

        told = {"since": since.isoformat(), "post": post}
        await self._change(ledger.PREFERENCE_CHANGED, write, id=identity, **told)

    async def _change(self, kind: str, write: Any, **members: Any) -> None:
        await self._writer.do(Change(kind, write, members))
