"""Resumable uploads in the database; their bytes are sealed files (`gateway.store.bodies`)."""

from __future__ import annotations

import apsw
import msgspec

from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer
from gateway.upload import Upload


class Uploads:
    """Remembers uploads between the requests that carry their parts."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    def find(self, identity: str, organisation: str) -> Upload | None:
        """An upload of this organisation."""
        rows = fetch(
            self._reader,
            "SELECT * FROM upload WHERE id = ? AND organisation = ?",
            (identity, organisation),
        )
        return Upload(*rows[0]) if rows else None

    def open_of(self, organisation: str) -> int:
        """How many uploads an organisation has open."""
        rows = fetch(
            self._reader, "SELECT count(*) FROM upload WHERE organisation = ?", (organisation,)
        )
        return int(rows[0][0])

    def expired(self, now: int) -> list[str]:
        """Ids of uploads that have expired; `now` in seconds since 1970."""
        return [
            row[0] for row in fetch(self._reader, "SELECT id FROM upload WHERE expires < ?", (now,))
        ]

    def open_ids(self) -> list[str]:
        """Ids of every upload that is remembered."""
        return [row[0] for row in fetch(self._reader, "SELECT id FROM upload")]

    async def save(self, upload: Upload) -> None:
        """Remember an upload, or how far it has come; durable on return."""
        await self._writer.do(_Save(upload))

    async def drop(self, identity: str) -> None:
        """Forget an upload."""
        await self._writer.do(_Drop(identity))


class _Save:
    rows = 1

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        turn.db.execute(
            "INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            msgspec.structs.astuple(self._upload),
        )

    def answer(self, _turn: Turn) -> None:
        return None


class _Drop:
    rows = 1

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        turn.db.execute("DELETE FROM upload WHERE id = ?", (self._identity,))

    def answer(self, _turn: Turn) -> None:
        return None
