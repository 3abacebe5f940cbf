"""SSH keys of organisations, in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import apsw

from gateway.core import ledger
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn


class SshKeys:
    """Reads the table each time: an index look-up costs less than being wrong about a revocation.

    `change` writes in a turn of the writer, with a ledger entry.
    """

    def __init__(self, reader: apsw.Connection, change: Callable[..., Awaitable[None]]) -> None:
        self._reader = reader
        self._change = change
        self.on_revoked: list[Callable[[], None]] = []

    def holder(self, thumbprint: str) -> str | None:
        """The party whose key this is, unless it is revoked."""
        rows = fetch(
            self._reader,
            "SELECT party FROM ssh_key WHERE thumbprint = ? AND revoked IS NULL",
            (thumbprint,),
        )
        return str(rows[0][0]) if rows else None

    def of(self, party: str | None = None) -> list[dict[str, Any]]:
        """Every key of a party, or of all, revoked ones too."""
        rows = fetch(
            self._reader,
            "SELECT thumbprint, party, blob, added, revoked FROM ssh_key "
            "WHERE ?1 IS NULL OR party = ?1 ORDER BY added",
            (party,),
        )
        names = ("thumbprint", "party", "blob", "added", "revoked")
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def add(self, party: str, thumbprint: str, blob: bytes) -> None:
        """Register a key that is not there yet."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO ssh_key VALUES (?, ?, ?, ?, NULL)",
                (thumbprint, party, blob, turn.written),
            )

        await self._change(ledger.SSH_KEY_ADDED, write, id=party, thumbprint=thumbprint)

    async def revoke(self, thumbprint: str) -> None:
        """Stop accepting a key, from this moment on; open sessions end."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE ssh_key SET revoked = ? WHERE thumbprint = ? AND revoked IS NULL",
                (turn.written, thumbprint),
            )

        await self._change(ledger.SSH_KEY_REVOKED, write, id=thumbprint)
        for call in self.on_revoked:
            call()
