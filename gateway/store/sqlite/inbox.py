"""Inboxes in the database; the bytes are sealed files (`gateway.store.bodies`)."""

from __future__ import annotations

from typing import Any, Final

import apsw
import msgspec

from gateway.core.inbox_item import Item
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Change, Writer

_SAVE: Final = "INSERT OR REPLACE INTO inbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Inbox:
    """Remembers what was put into inboxes (`gateway.inbox.Items`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    def _items(self, where: str, *parameters: Any) -> list[Item]:
        rows = fetch(self._reader, f"SELECT * FROM inbox WHERE {where}", parameters)  # noqa: S608 - constants
        return [Item(*row) for row in rows]

    def find(self, tag: bytes) -> Item | None:
        """The item of a tag, which covers organisation, folder and name."""
        found = self._items("tag = ?", tag)
        return found[0] if found else None

    def listed(self, organisation: str, folder: str) -> list[Item]:
        """What is in one folder of an organisation, oldest first."""
        return self._items("organisation = ? AND folder = ? ORDER BY id", organisation, folder)

    def waiting(self) -> list[Item]:
        """Whole files that were not taken yet, of every organisation."""
        return self._items("state = 'waiting' ORDER BY id")

    def expired(self, before: int) -> list[Item]:
        """What nothing happened to since; `before` in seconds since 1970."""
        return self._items("changed < ? AND state <> 'waiting'", before)

    def count(self, organisation: str) -> tuple[int, int]:
        """How many items an organisation has, and how many of them are not whole yet."""
        rows = fetch(
            self._reader,
            "SELECT count(*), ifnull(sum(state = 'open'), 0) FROM inbox WHERE organisation = ?",
            (organisation,),
        )
        return int(rows[0][0]), int(rows[0][1])

    def ids(self) -> list[str]:
        """Ids of every item whose bytes may still be a file of its own."""
        return [
            row[0] for row in fetch(self._reader, "SELECT id FROM inbox WHERE state <> 'taken'")
        ]

    async def save(self, item: Item) -> None:
        """Remember an item as it is now; durable on return. One of the same name gives way."""
        await self._writer.do(Change(_SAVE, msgspec.structs.astuple(item)))

    async def drop(self, identity: str) -> None:
        """Forget an item."""
        await self._writer.do(Change("DELETE FROM inbox WHERE id = ?", (identity,)))
