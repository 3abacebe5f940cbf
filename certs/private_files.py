"""Files that only their owner can read, and that appear whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Write a file, 0600; if there is one already it stays as it is, and nothing is said."""
    temporary = _write_temporary(path, content)
    try:
        # A link, unlike a rename, never replaces what is already there.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()


def replace(path: Path, content: bytes) -> None:
    """Write a file, 0600, in place of the one that is there; readers see the old or the new."""
    _write_temporary(path, content).replace(path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, so that one process at a time does what is inside."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_temporary(path: Path, content: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary
