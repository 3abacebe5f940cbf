"""Resumable uploads in the database; their bytes are sealed files (`gateway.store.bodies`)."""

from __future__ import annotations

import apsw
import msgspec

from gateway.core.upload_item import Upload
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer


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
        """How many uploads an organisation has that have not ended."""
        rows = fetch(
            self._reader,
            "SELECT count(*) FROM upload WHERE organisation = ? AND state <> 'ended'",
            (organisation,),
        )
        return int(rows[0][0])

    def expired(self, now: int) -> list[Upload]:
        """Uploads that have expired without an end; `now` in seconds since 1970."""
        where = "expires < ? AND state <> 'ended'"
        return [
            Upload(*row)
            for row in fetch(self._reader, f"SELECT * FROM upload WHERE {where}", (now,))  # noqa: S608 - a constant
        ]

    def open_files(self) -> list[str]:
        """Names of the files of every upload that has not ended."""
        rows = fetch(self._reader, "SELECT * FROM upload WHERE state <> 'ended'")
        return [Upload(*row).submission for row in rows]

    def submitted(self, submission: str) -> bool:
        """Whether there is a submission of this id: then the file of this name is its own."""
        return bool(fetch(self._reader, "SELECT 1 FROM submission WHERE id = ?", (submission,)))

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
            "INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
