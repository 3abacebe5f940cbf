"""What can be shown of the ledger: checkpoints, tiles, entries, and receipts with their proofs."""

from __future__ import annotations

from typing import Final

import apsw

from gateway.core import tiles
from gateway.core.canonical import b64u, canonical
from gateway.core.tlog_proof import TlogProof, format_tlog_proof
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.tree import WIDTH, Tree

_NOTHING: Final = "the ledger is empty"


class Evidence:
    """Reads the committed ledger; never waits for the writer."""

    def __init__(self, reader: apsw.Connection, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree

    @property
    def size(self) -> int:
        """Number of entries that are durable."""
        return self._tree.committed

    def checkpoint(self) -> tuple[int, str]:
        """Size and signed note of the newest checkpoint."""
        # What is committed shows in the database a moment before its tiles are told to be there.
        rows = fetch(
            self._reader,
            "SELECT size, note FROM checkpoint WHERE size <= ? ORDER BY size DESC LIMIT 1",
            (self.size,),
        )
        if not rows:
            raise LookupError(_NOTHING)
        size, note = rows[0]
        return size, note

    def checkpoint_over(self, index: int) -> tuple[int, str]:
        """The first checkpoint that covers an entry, so that a receipt never changes."""
        rows = fetch(
            self._reader,
            "SELECT size, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1",
            (index,),
        )
        if not rows:
            raise LookupError(_NOTHING)
        size, note = rows[0]
        return size, note

    def entry(self, index: int) -> bytes:
        """The bytes of an entry; raises LookupError."""
        rows = fetch(self._reader, "SELECT bytes FROM entry WHERE idx = ?", (index,))
        if not rows:
            raise LookupError(f"there is no entry {index}")
        return bytes(rows[0][0])

    def entries(self, first: int, end: int) -> list[bytes]:
        """The bytes of entries from `first` up to, not including, `end`."""
        rows = fetch(
            self._reader,
            "SELECT bytes FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
            (first, end),
        )
        return [row[0] for row in rows]

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of an entry in the tree of a committed size."""
        return self._tree.inclusion(index, size)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """Hashes of a tile; raises LookupError for one that is not there yet."""
        if n * WIDTH + width > self.size >> (8 * level):
            raise LookupError(f"there is no tile {level}/{n} of {width}")
        return self._tree.tile(level, n, width)

    def entries_tile(self, n: int, width: int) -> bytes:
        """An entries tile; raises LookupError for one that is not there yet."""
        first = n * WIDTH
        if first + width > self.size:
            raise LookupError(f"there is no entries tile {n} of {width}")
        return tiles.encode_entries(self.entries(first, first + width))

    def receipt(self, jws: str, index: int) -> str:
        """The receipt file: the JWS and its entry, with the proof that the entry is in the ledger."""
        size, note = self.checkpoint_over(index)
        return self.receipt_under(jws, index, self.entry(index), size, note)

    def receipt_under(self, jws: str, index: int, entry: bytes, size: int, note: str) -> str:
        """As `receipt`, for whoever knows the entry and its checkpoint already."""
        extra = canonical({"entry": b64u(entry), "receipt": jws})
        return format_tlog_proof(TlogProof(index, tuple(self.inclusion(index, size)), note, extra))

    def proof(self, index: int) -> str:
        """A tlog-proof for any entry, under the newest checkpoint."""
        size, note = self.checkpoint()
        extra = canonical({"entry": b64u(self.entry(index))})
        return format_tlog_proof(TlogProof(index, tuple(self.inclusion(index, size)), note, extra))
