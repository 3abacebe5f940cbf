"""The ledger's tree in the database: entries, complete tiles, and what is still growing.

Only complete tiles are stored; the growing ones (fewer than 256 hashes on each level) are kept in
memory and rebuilt at start-up from the entries after the last complete tile, so that starting costs
the same however long the ledger is.
"""

from __future__ import annotations

from typing import Final

import apsw

from gateway.core import merkle
from gateway.store.sqlite.connection import fetch

WIDTH: Final = 256
_HASH: Final = 32


class Tree:
    """The ledger's tree as of the last commit, and as of the group being committed.

    `append` is called for each entry of a group, `write` inside its transaction, then `keep` or
    `forget` when the commit has happened or failed. Proofs read through `reader`, so that they never
    wait for a flush.
    """

    def __init__(self, db: apsw.Connection, reader: apsw.Connection) -> None:
        self._db = db
        self._reader = reader
        self._growing: list[list[bytes]] = []
        self._completing: dict[tuple[int, int], bytes] = {}
        self._tiles = merkle.TileTree(0, self.tile)
        self._load()
        self.size = self._written = self._committed
        self._new: list[bytes] = []

    def _load(self) -> None:
        last = fetch(self._db, "SELECT max(idx) FROM entry")[0][0]
        self._committed = 0 if last is None else last + 1
        self._growing = []
        above = self._committed
        level = 0
        while level == 0 or above:
            complete, rest = divmod(above, WIDTH)
            self._growing.append(self._rest_of_level(level, complete, rest))
            above, level = complete, level + 1
        self._frontier = merkle.Frontier(self._committed, self._peaks())

    def _rest_of_level(self, level: int, complete: int, rest: int) -> list[bytes]:
        if level == 0:
            rows = fetch(
                self._db, "SELECT bytes FROM entry WHERE idx >= ? ORDER BY idx", (complete * WIDTH,)
            )
            return [merkle.leaf_hash(row[0]) for row in rows]
        rows = fetch(
            self._db,
            "SELECT hashes FROM tile WHERE level = ? AND n >= ? ORDER BY n LIMIT ?",
            (level - 1, complete * WIDTH, rest),
        )
        return [merkle.subtree_root(_split(row[0])) for row in rows]

    def append(self, entry: bytes) -> int:
        """Add an entry to the group being committed; returns its index."""
        index = self.size
        self._new.append(entry)
        self.size += 1
        return index

    def write(self) -> bytes:
        """Write the group's entries and the tiles they complete; returns the new root."""
        first = self._committed
        self._db.executemany(
            "INSERT INTO entry VALUES (?, ?)",
            list(enumerate(self._new, start=first)),
        )
        tiles: list[tuple[int, int, bytes]] = []
        leaves = merkle.leaf_hashes(self._new)
        for number, leaf in enumerate(leaves, start=first):
            self._push(0, number, leaf, tiles)
        self._frontier.extend(leaves)
        self._written = self.size
        if tiles:
            self._db.executemany("INSERT INTO tile VALUES (?, ?, ?)", tiles)
            self._completing = {(level, n): hashes for level, n, hashes in tiles}
        return self._frontier.root()

    def _push(
        self, level: int, number: int, item: bytes, out: list[tuple[int, int, bytes]]
    ) -> None:
        if level == len(self._growing):
            self._growing.append([])
        growing = self._growing[level]
        growing.append(item)
        if len(growing) == WIDTH:
            out.append((level, number // WIDTH, b"".join(growing)))
            root = merkle.subtree_root(growing)
            self._growing[level] = []
            self._push(level + 1, number // WIDTH, root, out)

    def _peaks(self) -> list[bytes]:
        """Roots of the complete subtrees that everything falls into, largest first."""
        peaks: list[bytes] = []
        for growing in reversed(self._growing):
            at = 0
            for width in (128, 64, 32, 16, 8, 4, 2, 1):
                if len(growing) & width:
                    peaks.append(merkle.subtree_root(growing[at : at + width]))
                    at += width
        return peaks

    def keep(self) -> None:
        """The commit happened."""
        self._committed = self.size
        self._new = []
        self._completing = {}

    def forget(self) -> None:
        """The commit did not happen: as it was before the group."""
        self._new = []
        self._completing = {}
        self._load()
        self.size = self._written = self._committed

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first `width` hashes of a tile; raises KeyError.

        The group being committed counts: another connection may see it a moment before we are told.
        """
        size = self._written >> (8 * level)
        if width > min(WIDTH, size - n * WIDTH):
            raise KeyError((level, n, width))
        completing = self._completing.get((level, n))
        if completing is not None:
            return completing[: width * _HASH]
        if (n + 1) * WIDTH <= size:
            rows = fetch(
                self._reader, "SELECT hashes FROM tile WHERE level = ? AND n = ?", (level, n)
            )
            return bytes(rows[0][0][: width * _HASH])
        return b"".join(self._growing[level][:width])

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The inclusion proof of an entry in the tree of a given, committed size."""
        if self._tiles.size != size:  # everybody of one group asks about the same tree
            self._tiles = merkle.TileTree(size, self.tile)
        return self._tiles.inclusion(index)

    @property
    def committed(self) -> int:
        """Number of entries that are durable."""
        return self._committed


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]
