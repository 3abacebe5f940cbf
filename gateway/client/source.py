"""What is sent: a file, or bytes in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from gateway.client import media

_HEAD_BYTES: Final = 4_096


def digest_of(source: Path | bytes) -> bytes:
    """SHA-256 of what is sent; raises OSError."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def size_of(source: Path | bytes) -> int:
    """How many bytes are sent."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def guessed(source: Path | bytes) -> str:
    """The general media type, by name and first bytes."""
    if isinstance(source, bytes):
        return media.guess("", source[:_HEAD_BYTES])
    with source.open("rb") as file:
        return media.guess(source.name, file.read(_HEAD_BYTES))


def key_of(digest: bytes, request: str | None, completes: str | None) -> str:
    """An idempotency key that the same file, sent for the same, always has."""
    said = f"{request or ''}\0{completes}" if completes else request or ""
    return hashlib.sha256(digest + said.encode()).hexdigest()
