"""Merkle trees as RFC 6962 section 2 (and RFC 9162 section 2.1) define them, over SHA-256.

Leaves come in as hashes, 32 bytes each; indexes and sizes count leaves from 0. A tree of any size
can be hashed level by level, the odd node at the end of a level moving up unchanged: this gives
the same root as the recursive definition and lets a list comprehension do the work.

A malformed proof raises `ProofError`; nothing here says yes or no with a boolean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

HASH_BYTES: Final = 32
BLOCK_LEAVES: Final = 256  # of the record tree, and hashes of a C2SP tile
MAX_SIZE: Final = 1 << 63  # sizes stay below this: a signed 64-bit column holds them
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_HASH_LENGTHS: Final = frozenset({HASH_BYTES})
_TILE_HEIGHT: Final = 8  # levels of the tree that one tile spans: 256 = 2 ** 8
_sha256 = hashlib.sha256  # one global look-up less for each hash

ReadTile = Callable[[int, int, int], bytes]
"""(level, n, width) -> the tile's hashes, concatenated: `width` times 32 bytes."""


class ProofError(ValueError):
    """A proof, or a place in a tree, that cannot be; says which rule it breaks."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00 || entry)."""
    return _sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hash of each leaf, in order; faster than asking one by one."""
    sha256 = _sha256
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes; SHA-256("") of none."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _paired(level: Sequence[bytes]) -> list[bytes]:
    """Parents of an even number of nodes."""
    sha256 = _sha256
    nodes = iter(level)
    return [
        sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=True)
    ]


def _level_above(level: list[bytes]) -> list[bytes]:
    """Parents of a level's nodes; an odd last node moves up as it is."""
    if len(level) & 1:
        return [*_paired(level[:-1]), level[-1]]
    return _paired(level)


class Levels:
    """Every level of a tree held in memory, for many paths; twice as many hashes as leaves."""

    __slots__ = ("_levels",)

    def __init__(self, hashes: Iterable[bytes]) -> None:
        level = list(hashes)
        self._levels = [level]
        while len(level) > 1:
            level = _level_above(level)
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """Root over the leaf hashes."""
        top = self._levels[-1]
        return top[0] if top else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """Audit path of leaf `index`, leaf end first (RFC 6962 section 2.1.1)."""
        _check_place(index, len(self._levels[0]))
        path = []
        for level in self._levels:
            sibling = index ^ 1
            if sibling < len(level):  # else the node moved up without a sibling
                path.append(level[sibling])
            index >>= 1
        return path


def _check_place(index: int, size: int) -> None:
    if not 0 <= size < MAX_SIZE:
        raise ProofError(f"a tree cannot have {size} leaves")
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if not _HASH_LENGTHS.issuperset(map(len, hashes)):
        raise ProofError(f"a hash does not have {HASH_BYTES} bytes")


# --- inclusion (RFC 9162 section 2.1.3) ---------------------------------------------------------


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of leaf `index` among all leaf hashes, leaf end first; `Levels` for many."""
    return Levels(hashes).path(index)


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Root that a leaf hash and its audit path lead to; the caller compares it with a signed one.

    Raises `ProofError` when the path cannot belong to that place in a tree of `size` leaves.
    """
    _check_place(index, size)
    _check_hashes([leaf, *path])
    node, last = index, size - 1
    value = leaf
    steps = iter(path)
    try:
        while last:
            if node & 1:
                value = node_hash(next(steps), value)
            elif node < last:
                value = node_hash(value, next(steps))
            node >>= 1
            last >>= 1
    except StopIteration:
        raise ProofError("the inclusion path is too short") from None
    if next(steps, None) is not None:
        raise ProofError("the inclusion path is too long")
    return value


# --- consistency (RFC 9162 section 2.1.4) -------------------------------------------------------


def _consistency_ranges(old: int, size: int) -> list[tuple[int, int]]:
    """List the leaf ranges whose roots make up the consistency proof, in its order."""
    if not 0 <= old <= size < MAX_SIZE:
        raise ProofError(f"a tree of {old} leaves cannot grow to {size}")
    if old in {0, size}:
        return []
    ranges = []
    low, high, known = 0, size, True
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, known = middle, False
    if not known:  # else the verifier has this root already: it is the old tree's
        ranges.append((low, high))
    return ranges[::-1]


def _split(count: int) -> int:
    """Give the largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def consistency_path(hashes: Sequence[bytes], old: int) -> list[bytes]:
    """Proof that the first `old` of all leaf hashes are the start of the whole tree."""
    ranges = _consistency_ranges(old, len(hashes))
    return [subtree_root(hashes[low:high]) for low, high in ranges]


def check_consistency(
    old: int,
    size: int,
    old_root: bytes,
    root: bytes,
    path: Sequence[bytes],
) -> None:
    """Raise `ProofError` unless the tree of `size` leaves begins with the tree of `old` leaves."""
    if not 0 <= old <= size < MAX_SIZE:
        raise ProofError(f"a tree of {old} leaves cannot grow to {size}")
    _check_hashes([old_root, root, *path])
    if old in {0, size}:
        if path:
            raise ProofError("the consistency proof is too long")
        if old_root != (root if old else EMPTY_ROOT):
            raise ProofError("the roots differ although nothing was added")
        return
    steps = list(path)
    node, last = old - 1, size - 1
    while node & 1:  # the old tree's last complete subtree is where the proof starts
        node >>= 1
        last >>= 1
    if not node:  # the old tree is complete: its root is not repeated in the proof
        steps.insert(0, old_root)
    if not steps:
        raise ProofError("the consistency proof is too short")
    old_value = value = steps[0]
    for step in steps[1:]:
        if not last:
            raise ProofError("the consistency proof is too long")
        if node & 1 or node == last:
            old_value, value = node_hash(step, old_value), node_hash(step, value)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            value = node_hash(value, step)
        node >>= 1
        last >>= 1
    if last:
        raise ProofError("the consistency proof is too short")
    if old_value != old_root or value != root:
        raise ProofError("the consistency proof does not lead to both roots")


# --- growing ------------------------------------------------------------------------------------


class Frontier:
    """The right edge of a growing tree: one root for each complete subtree, at most 63.

    `size` counts the leaves so far; `peaks` are the subtree roots, largest first, and are all that
    has to be kept to go on later.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if not 0 <= size < MAX_SIZE or len(peaks) != size.bit_count():
            raise ProofError(f"a tree of {size} leaves does not have {len(peaks)} peaks")
        _check_hashes(peaks)
        self.size = size
        smallest_first = iter(reversed(peaks))
        self._peaks = [  # by height; None where the bit of the size is 0
            next(smallest_first) if size >> height & 1 else None
            for height in range(size.bit_length())
        ]

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first."""
        return tuple(peak for peak in reversed(self._peaks) if peak is not None)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.extend((leaf,))

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaf hashes in order; one inner hash for each, whatever the size of the tree."""
        level = list(hashes)
        _check_hashes(level)
        self.size += len(level)
        peaks = self._peaks
        height = 0
        while level:
            if height == len(peaks):
                peaks.append(None)
            peak = peaks[height]
            if peak is not None:
                level.insert(0, peak)
            peaks[height] = level.pop() if len(level) & 1 else None
            level = _paired(level)
            height += 1

    def root(self) -> bytes:
        """Root of the tree so far."""
        root = None
        for peak in self._peaks:
            if peak is not None:
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root


# --- from stored tiles (C2SP tlog-tiles) --------------------------------------------------------


class TileTree:
    """A tree of `size` leaves whose hashes are read from tiles, each at most once.

    One instance gives many paths at the price of one: keep it while the size stays the same.
    """

    __slots__ = ("_edges", "_read_tile", "_tiles", "size")

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        if not 0 <= size < MAX_SIZE:
            raise ProofError(f"a tree cannot have {size} leaves")
        self.size = size
        self._read_tile = read_tile
        self._tiles: dict[tuple[int, int], list[list[bytes]]] = {}
        self._edges: dict[int, bytes] = {}

    def root(self) -> bytes:
        """Root of the whole tree."""
        return self._range_root(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """Audit path of leaf `index`, leaf end first."""
        _check_place(index, self.size)
        path = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._range_root(middle, high))
                high = middle
            else:
                path.append(self._range_root(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """Proof that the tree begins with the tree of its first `old` leaves."""
        ranges = _consistency_ranges(old, self.size)
        return [self._range_root(low, high) for low, high in ranges]

    def _range_root(self, low: int, high: int) -> bytes:
        """Root over leaves low to high: a complete aligned subtree, or the right edge."""
        count = high - low
        if count & (count - 1) == 0:
            return self._complete_root(low, count.bit_length() - 1)
        if low not in self._edges:
            middle = low + _split(count)
            left = self._complete_root(low, (middle - low).bit_length() - 1)
            self._edges[low] = node_hash(left, self._range_root(middle, high))
        return self._edges[low]

    def _complete_root(self, low: int, height: int) -> bytes:
        """Root of the complete subtree of the given height that begins at leaf `low`."""
        tile_level, rise = divmod(height, _TILE_HEIGHT)
        tile, place = divmod(low >> height, 1 << (_TILE_HEIGHT - rise))
        return self._tile_levels(tile_level, tile)[rise][place]

    def _tile_levels(self, tile_level: int, tile: int) -> list[list[bytes]]:
        """Read a tile's hashes, and hash every node above them that is complete within it."""
        known = self._tiles.get((tile_level, tile))
        if known is not None:
            return known
        nodes = self.size >> (_TILE_HEIGHT * tile_level)
        width = min(BLOCK_LEAVES, nodes - tile * BLOCK_LEAVES)
        data = self._read_tile(tile_level, tile, width)
        if len(data) != width * HASH_BYTES:
            raise ProofError(f"tile {tile_level}/{tile} has {len(data)} bytes, not {width} hashes")
        level = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        levels = [level]
        while len(level) > 1:
            level = _paired(level[: len(level) & ~1])
            levels.append(level)
        self._tiles[tile_level, tile] = levels
        return levels


def inclusion_from_tiles(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Audit path of one leaf from stored tiles; `TileTree` for several."""
    return TileTree(size, read_tile).inclusion(index)


# --- blocks of the record tree (docs/evidence.md, "Records, groups and what is withheld") ---------


def block_path(block_roots: Sequence[bytes], n: int, size: int) -> list[bytes]:
    """Audit path of block n's root in a record tree of `size` leaves; `Levels(roots)` for many.

    The block roots stand at height 8 of the tree, the last one over what is left, so they are to
    be treated as if they were leaves.
    """
    if len(block_roots) != _blocks(size):
        raise ProofError(f"{size} leaves do not make {len(block_roots)} blocks")
    return inclusion_path(block_roots, n)


def root_from_block(hashes: Sequence[bytes], n: int, size: int, path: Sequence[bytes]) -> bytes:
    """Root that all leaf hashes of block n, and the block's path, lead to."""
    _check_place(n * BLOCK_LEAVES, size)
    if len(hashes) != min(BLOCK_LEAVES, size - n * BLOCK_LEAVES):
        raise ProofError(f"block {n} of a tree of {size} does not have {len(hashes)} leaves")
    _check_hashes(hashes)
    return root_from_inclusion(subtree_root(hashes), n, _blocks(size), path)


def _blocks(size: int) -> int:
    return -(-size // BLOCK_LEAVES)
