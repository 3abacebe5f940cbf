"""The duty tables this gateway has worked by; each change is a ledger entry."""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

from gateway.core import ledger
from gateway.core.canonical import b64u
from gateway.store.sqlite.change import Change
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer


class Duties:
    """Remembers which table was in use from when; `use` is durable on return."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    async def use(self, version: str, digest: bytes, files: Mapping[str, bytes]) -> bool:
        """Work by a table from now on; returns whether that is a change.

        `files` are the texts by name, of which `digest` is made (docs/evidence.md, "The duty table").
        """
        last = fetch(self._reader, "SELECT digest FROM duty_table ORDER BY number DESC LIMIT 1")
        if last and last[0][0] == digest:
            return False
        texts = msgspec.json.encode({name: text.decode() for name, text in files.items()})

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO duty_table (version, digest, files, since) VALUES (?, ?, ?, ?)",
                (version, digest, texts.decode(), turn.written),
            )

        members = {"id": "duties", "version": version, "digest": b64u(digest)}
        await self._writer.do(Change(ledger.DUTIES_CHANGED, write, members))
        return True
