"""Where the tiles of a log stand, and how a bundle of entries is written (C2SP tlog-tiles).

A tile is up to 256 consecutive hashes of one level, or up to 256 entries; index and width say
which. Only the right edge of a tree has partial tiles. Paths are relative, without a leading
slash, and have one spelling each: any other is refused, so that a path never names a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.core.merkle import MAX_SIZE

TILE_WIDTH: Final = 256
MAX_ENTRY_BYTES: Final = 0xFFFF  # the length stands in 16 bits
MAX_LEVEL: Final = 63
MAX_INDEX: Final = MAX_SIZE // TILE_WIDTH

_TILE_HEIGHT: Final = 8
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?",
)


class TileError(ValueError):
    """A tile path or an entry bundle that is malformed; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its level (None for a bundle of entries), its index, and its width in hashes."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Relative path, such as `tile/0/x001/x234/067` or `tile/entries/000.p/7`."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        where = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{where}{partial}"


def parse_path(path: str) -> Tile:
    """Read a tile path; raises `TileError` for any but the one spelling."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TileError("not the path of a tile")
    level = None if found[1] == "entries" else int(found[1])
    index = int(found[2].replace("x", "").replace("/", ""))
    tile = Tile(level, index, TILE_WIDTH if found[3] is None else int(found[3]))
    if not _is_possible(tile) or tile.path != path:
        raise TileError("not the path of a tile")
    return tile


def _is_possible(tile: Tile) -> bool:
    level_fits = tile.level is None or tile.level <= MAX_LEVEL
    return level_fits and tile.index < MAX_INDEX and tile.width <= TILE_WIDTH


def tile_width(level: int | None, index: int, size: int) -> int:
    """Hashes in a tile of a tree of `size` leaves: 1 to 256, or 0 where there is no such tile."""
    nodes = size >> (_TILE_HEIGHT * (level or 0))
    return max(0, min(TILE_WIDTH, nodes - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree of `size` leaves: the bundles of entries, then level by level."""
    for index in range(-(-size // TILE_WIDTH)):
        yield Tile(None, index, tile_width(None, index, size))
    level = 0
    while size >> (_TILE_HEIGHT * level):
        for index in range(-(-(size >> (_TILE_HEIGHT * level)) // TILE_WIDTH)):
            yield Tile(level, index, tile_width(level, index, size))
        level += 1


def encode_entries(entries: Iterable[bytes]) -> bytes:
    """Write entries one after the other, each behind its length as a big-endian uint16."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise TileError(f"an entry has {len(entry)} bytes; {MAX_ENTRY_BYTES} is the most")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_entries(bundle: bytes, width: int) -> list[bytes]:
    """Read exactly `width` entries, and nothing after them."""
    entries = []
    at = 0
    for _ in range(width):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > len(bundle) or at > len(bundle):
            raise TileError("the bundle ends inside an entry")
        entries.append(bundle[start:at])
    if at != len(bundle):
        raise TileError("the bundle goes on after its last entry")
    return entries
