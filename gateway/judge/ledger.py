"""Verify an exported ledger: every file is read, every hash computed again, every entry judged.

The steps, in order:

1. the key, and the copy of it beside the ledger
2. the checkpoint: its form, its signature
3. no file that does not belong
4. each bundle of entries: its form, its hashes against the tile of leaves
5. each entry: its form, and its part in the story
6. each tile above: its hashes against those computed from the entries
7. the root of all entries against the one that was signed
8. where an older checkpoint is given: the root of as many entries as it signed for

Bundles are taken one at a time, so memory does not grow with the ledger (but see `story`).
Whoever controls the directory can make this say no; they cannot make it say yes to anything but
the entries that the key signed for, nor make it raise.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.core.merkle import BLOCK_LEAVES, HASH_BYTES, Frontier, leaf_hashes, subtree_root
from gateway.judge.entries import MAX_ENTRY_BYTES, read_entries
from gateway.judge.notes import MAX_CHECKPOINT_CHARS, SignedCheckpoint, read_checkpoint
from gateway.judge.story import Repeats, Story
from gateway.judge.strict import Unsound
from gateway.judge.verdict import Findings, Verdict, of_key, shown
from gateway.judge.vkey import Key, read_vkey

_MAX_BUNDLE_BYTES: Final = BLOCK_LEAVES * (MAX_ENTRY_BYTES + 2)
_MAX_TILE_BYTES: Final = BLOCK_LEAVES * HASH_BYTES
_ENTRIES: Final = "entries"
_OLDER: Final = "the older checkpoint"
_REWRITTEN: Final = "Keep both: the ledger was rewritten since, and the key signed two histories."
_COPY: Final = "Get the file again from the gateway or from another copy of the ledger."
_REMOVE: Final = "Remove it: an exported ledger holds its own files and nothing else."
_REBUILT: Final = "Compare with another copy: either this file or the entries below were altered."


def verify_export(
    directory: str | os.PathLike[str], vkey: str, *, since: str | None = None
) -> Verdict:
    """Verify the ledger in a directory, with the key; collects what is wrong, never raises.

    `since` is the text of an older checkpoint: what it was signed for must be how this one begins.
    """
    findings = Findings()
    try:
        key = read_vkey(vkey)
    except Unsound as unsound:
        return of_key(unsound)
    return _Export(Path(directory), key, findings, since).verify(vkey)


class _Export:
    """One verification of one directory."""

    def __init__(
        self, directory: Path, key: Key, findings: Findings, since: str | None = None
    ) -> None:
        self._since = since
        self._older: SignedCheckpoint | None = None
        self._directory = directory
        self._key = key
        self._findings = findings
        self._story = Story(key.name, findings)
        self._blocks = Frontier()
        self._above: list[list[bytes]] = []  # by level from 1: the hashes of the tile being filled
        self._size = 0

    def verify(self, vkey: str) -> Verdict:
        """Take the steps in order; the verdict counts the entries that were read."""
        self._check_copy_of_key(vkey)
        checkpoint = self._read_checkpoint()
        if checkpoint is None:
            return Verdict(self._findings.all())
        self._size = checkpoint.size
        self._read_older()
        self._check_names()
        if not self._size:
            fix = "Even a new ledger has the entry ledger.opened."
            self._findings.add("checkpoint", "it is of an empty ledger", fix)
        count = self._read_bundles()
        self._finish_tiles()
        self._story.finish()
        self._look_again_for_repeats()
        if self._blocks.root() != checkpoint.root and not self._findings.full:
            what = f"its root is not that of the {self._size} entries"
            self._findings.add("checkpoint", what, "Compare with another copy of the ledger.")
        found = self._findings.all()
        facts: tuple[tuple[str, str], ...] = (
            ("ledger", self._key.name),
            ("size", str(self._size)),
            ("root", checkpoint.root.hex()),
        )
        if self._older is not None:
            facts += (("continues a ledger of size", str(self._older.size)),)
        return Verdict(found, entries=count, facts=() if found else facts)

    def _read(self, name: str, limit: int) -> bytes | None:
        """Read one file of at most so many bytes; None, and a finding, if that cannot be."""
        path = self._directory / name
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):  # a link or a pipe could lead anywhere
                self._findings.add(name, "it is not a plain file", _COPY)
                return None
            with path.open("rb") as file:
                data = file.read(min(status.st_size, limit) + 1)
        except FileNotFoundError:
            self._findings.add(name, "it is missing", _COPY)
            return None
        except OSError as error:
            self._findings.add(name, f"it cannot be read: {error.strerror}", _COPY)
            return None
        if len(data) > limit:
            self._findings.add(name, f"it is longer than {limit} bytes", _COPY)
            return None
        return data

    def _check_copy_of_key(self, vkey: str) -> None:
        data = self._read("origin.vkey", limit=1_024)
        if data is not None and data != vkey.removesuffix("\n").encode() + b"\n":
            fix = "Trust only the key that you have from elsewhere; this copy is for convenience."
            self._findings.add("origin.vkey", "it is not the key given", fix)

    def _read_checkpoint(self) -> SignedCheckpoint | None:
        data = self._read("checkpoint", limit=MAX_CHECKPOINT_CHARS)
        if data is None:
            return None
        try:
            checkpoint = read_checkpoint(data.decode("utf-8"))
        except UnicodeDecodeError:
            self._findings.add("checkpoint", "it is not UTF-8", _COPY)
            return None
        except Unsound as unsound:
            self._findings.add("checkpoint", f"it {unsound}", _COPY)
            return None
        try:
            checkpoint.check(self._key)
        except Unsound as unsound:  # the rest is still looked at: it may say where the harm is
            self._findings.add("checkpoint", f"it {unsound}", _COPY)
        return checkpoint

    def _read_older(self) -> None:
        """Read the older checkpoint, and see that it can be one of the same ledger."""
        if self._since is None:
            return
        try:
            older = read_checkpoint(self._since)
            older.check(self._key)
        except Unsound as unsound:
            self._findings.add(_OLDER, f"it {unsound}", "Give it as it was kept.")
            return
        if older.size > self._size:
            what = f"it is of {older.size} entries, but the ledger has {self._size}"
            self._findings.add(_OLDER, what, _REWRITTEN)
            return
        self._older = older
        if older.size == 0:
            self._compare_older([])

    def _compare_older(self, rest: list[bytes]) -> None:
        """Compare the root of the full blocks so far, and of the rest of leaves, with the older."""
        if self._older is None:
            return
        tree = Frontier(self._blocks.size, self._blocks.peaks)
        if rest:
            tree.append(subtree_root(rest))
        if tree.root() != self._older.root:
            last = self._older.size - 1
            self._findings.add(
                f"entries 0 to {last}", "they are not what was signed then", _REWRITTEN
            )

    def _check_names(self) -> None:
        """Name every file, link or empty folder that an export of this size does not have."""
        for name in _files_below(self._directory):
            if name not in {"checkpoint", "origin.vkey"} and not _belongs(name, self._size):
                self._findings.add(shown(name)[1:-1], "it does not belong to the export", _REMOVE)
            if self._findings.full:
                return

    def _read_bundles(self) -> int:
        count = 0
        for index in range(-(-self._size // BLOCK_LEAVES)):
            if self._findings.full:
                break
            width = min(BLOCK_LEAVES, self._size - index * BLOCK_LEAVES)
            entries, hashes = self._read_bundle(index, width)
            self._story.take(index * BLOCK_LEAVES, read_entries(entries))
            if len(entries) < width:
                self._story.skip()
            count += len(entries)
            self._add_block(hashes, width)
        return count

    def _read_bundle(self, index: int, width: int) -> tuple[list[bytes], list[bytes]]:
        """Read a bundle and its tile: the entries that can be read, and all leaf hashes."""
        name = tile_name(_ENTRIES, index, width)
        bundle = self._read(name, _MAX_BUNDLE_BYTES)
        tile_file = tile_name("0", index, width)
        tile = self._read_hashes(tile_file, width)
        if bundle is None:
            return [], tile
        entries, whole = _split_bundle(bundle, width)
        hashes = leaf_hashes(entries)
        differ = (
            []
            if tile == hashes
            else [
                at for at, pair in enumerate(zip(tile, hashes, strict=False)) if pair[0] != pair[1]
            ]
        )
        if whole:
            for at in differ:
                self._say_altered(index * BLOCK_LEAVES + at, name, tile_file)
            return entries, hashes
        # a length was altered: what follows it is read at the wrong place and means nothing
        sound = differ[0] if differ else len(entries)
        if sound < width:
            self._say_altered(index * BLOCK_LEAVES + sound, name, tile_file)
        self._findings.add(name, "it does not hold the entries it should, end to end", _COPY)
        return entries[:sound], [*hashes[:sound], *tile[sound:]]

    def _say_altered(self, entry: int, bundle: str, tile: str) -> None:
        what = f"its bytes in {bundle} do not have the hash in {tile}"
        fix = "Compare both files with another copy: one of them was altered."
        self._findings.add(f"entry {entry}", what, fix)

    def _read_hashes(self, name: str, width: int) -> list[bytes]:
        """Read a tile of hashes; an empty list, and a finding, if it has not so many."""
        data = self._read(name, _MAX_TILE_BYTES)
        if data is None:
            return []
        if len(data) != width * HASH_BYTES:
            self._findings.add(name, f"it has {len(data)} bytes, not {width} hashes", _COPY)
            return []
        return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]

    def _add_block(self, hashes: list[bytes], width: int) -> None:
        """Add a block of leaves to the tree, and its root to the tile above if it is full."""
        before = self._blocks.size * BLOCK_LEAVES
        if self._older is not None and before < self._older.size <= before + BLOCK_LEAVES:
            self._compare_older(hashes[: self._older.size - before])
        root = subtree_root(hashes)
        self._blocks.append(root)
        level = 0
        while width == BLOCK_LEAVES:
            if level == len(self._above):
                self._above.append([])
            row = self._above[level]
            row.append(root)
            if len(row) < BLOCK_LEAVES:
                return
            self._compare_tile(level + 1, row)
            root = subtree_root(row)
            row.clear()
            level += 1

    def _finish_tiles(self) -> None:
        """Compare the partial tiles at the right edge."""
        for level, row in enumerate(self._above, 1):
            if row and not self._findings.full:
                self._compare_tile(level, row)

    def _compare_tile(self, level: int, row: list[bytes]) -> None:
        """Compare computed hashes with a stored tile: the last of its level up to now."""
        entries_in_hash = BLOCK_LEAVES**level
        index = (self._blocks.size * BLOCK_LEAVES - 1) // (entries_in_hash * BLOCK_LEAVES)
        if len(row) < BLOCK_LEAVES:  # the right edge: the tile that is not full
            index = self._size // (entries_in_hash * BLOCK_LEAVES)
        name = tile_name(str(level), index, len(row))
        stored = self._read_hashes(name, len(row))
        for at, value in enumerate(stored):
            if value != row[at]:
                first = (index * BLOCK_LEAVES + at) * entries_in_hash
                last = first + entries_in_hash - 1
                self._findings.add(
                    name, f"its hash {at} is not over entries {first} to {last}", _REBUILT
                )

    def _look_again_for_repeats(self) -> None:
        suspects = self._story.repeated()
        if not suspects or self._findings.full:
            return
        repeats = Repeats(suspects, self._findings)
        for index in range(-(-self._size // BLOCK_LEAVES)):
            width = min(BLOCK_LEAVES, self._size - index * BLOCK_LEAVES)
            bundle = self._read(tile_name(_ENTRIES, index, width), _MAX_BUNDLE_BYTES)
            if bundle is not None:
                entries, _ = _split_bundle(bundle, width)
                repeats.take(index * BLOCK_LEAVES, read_entries(entries))


def tile_name(level: str, index: int, width: int) -> str:
    """Name the file of a tile (C2SP tlog-tiles, "Merkle Tree"); `level` may be `entries`."""
    where = f"{index % 1_000:03d}"
    while index := index // 1_000:
        where = f"x{index % 1_000:03d}/{where}"
    partial = "" if width == BLOCK_LEAVES else f".p/{width}"
    return f"tile/{level}/{where}{partial}"


def _belongs(name: str, size: int) -> bool:
    """Say whether a relative path is that of a tile of a tree of this size."""
    parts = name.partition(".p/")[0].split("/")
    if len(parts) < 3 or len(parts) > 9 or not name.isascii():
        return False
    digits = "".join(parts[2:]).replace("x", "")
    if not digits.isdecimal() or parts[1] not in {_ENTRIES, *"01234567"}:
        return False
    height = 0 if parts[1] == _ENTRIES else 8 * int(parts[1])
    width = min(BLOCK_LEAVES, (size >> height) - int(digits) * BLOCK_LEAVES)
    return width > 0 and name == tile_name(parts[1], int(digits), width)


def _files_below(directory: Path) -> Iterator[str]:
    """Walk through the names of all files, links and empty folders, without following links."""
    closed: list[str] = []
    for folder, folders, files in os.walk(directory, onerror=lambda e: closed.append(e.filename)):
        inside = Path(folder).relative_to(directory)
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        if not folders and not files and folder != os.fspath(directory):
            yield inside.as_posix()
        for name in (*files, *linked):
            yield (inside / name).as_posix()
    yield from (Path(folder).relative_to(directory).as_posix() for folder in closed)


def _split_bundle(bundle: bytes, width: int) -> tuple[list[bytes], bool]:
    """Split a bundle into its entries, as far as that goes, and say whether it was all of it."""
    entries: list[bytes] = []
    append = entries.append
    at, length, whole = 0, len(bundle), True
    try:
        for _ in range(width):
            start = at + 2
            at = start + (bundle[at] << 8 | bundle[at + 1])
            append(bundle[start:at])
    except IndexError:  # the bundle ends before its last entry begins
        whole = False
    if at > length:  # the last entry was cut off
        entries.pop()
    return entries, whole and at == length
