"""Taking a copy of the whole ledger, in the layout that the judge reads (docs/evidence.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from gateway.core.checkpoint import CheckpointError, open_checkpoint, parse_vkey
from gateway.core.tiles import Tile, tiles_of

# So many at once keep a connection busy without being unkind to the gateway.
PARALLEL: Final = 8

# Gives one file of the ledger, by its path in the layout.
Fetch = Callable[[str], Awaitable[bytes]]


class ExportError(Exception):
    """The copy cannot be made here; the message says why and what to do."""


async def export(
    directory: Path,
    vkey: str,
    checkpoint: str,
    fetch: Fetch,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the ledger of a checkpoint into a directory that is new or empty.

    Returns its size in entries. The checkpoint comes last, so that a copy cut short is not one.
    Raises ExportError when the directory holds anything, or the checkpoint is not by the key.
    """
    try:
        size = open_checkpoint(checkpoint, parse_vkey(vkey.strip())).size
    except CheckpointError as error:
        raise ExportError(
            f"The checkpoint is not by the key of this ledger ({error}). Tell the operator, and "
            "keep both.",
        ) from error
    _make_room(directory)
    wanted = list(tiles_of(size))
    done = 0
    queue = iter(wanted)

    async def work() -> None:
        nonlocal done
        for tile in queue:
            _write(directory / tile.path, await fetch(tile.path), tile)
            done += 1
            if progress is not None:
                progress(done, len(wanted))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(PARALLEL, len(wanted))):
                group.create_task(work())
    except ExceptionGroup as failures:  # what ails one fetch ails them all: tell it once
        raise failures.exceptions[0] from None
    (directory / "origin.vkey").write_text(vkey.strip() + "\n")
    (directory / "checkpoint").write_text(checkpoint)
    return size


def _make_room(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise ExportError(f"{directory} is not empty. Name a new directory for the copy.")


def _write(path: Path, data: bytes, tile: Tile) -> None:
    if not data:
        raise ExportError(f"{tile.path} is empty at the gateway. Tell the operator.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
