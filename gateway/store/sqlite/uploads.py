"""Resumable uploads in the database; their bytes are sealed files (`gateway.store.bodies`)."""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from gateway.core.upload_item import Upload
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Change, Writer

_SAVE: Final = "INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


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
        await self._writer.do(Change(_SAVE, msgspec.structs.astuple(upload)))

    async def drop(self, identity: str) -> None:
        """Forget an upload."""
        await self._writer.do(Change("DELETE FROM upload WHERE id = ?", (identity,)))
