"""An act of administration: rows that change together with the ledger entry that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.store.sqlite.writer import Turn


class Change:
    """What `write` changes, under an entry of a kind with these members."""

    rows = 3

    def __init__(self, kind: str, write: Callable[[Turn], None], members: dict[str, Any]) -> None:
        self._kind = kind
        self._write = write
        self._members = members

    def prepare(self, turn: Turn) -> None:
        """Append the entry."""
        turn.enter(self._kind, **self._members)

    def write(self, turn: Turn) -> None:
        """Change the rows."""
        self._write(turn)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return
