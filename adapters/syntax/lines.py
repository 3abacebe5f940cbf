"""Lines of a body, as bytes, a piece at a time; one that is too long is passed over, not held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.core.adapter import Body

_CHUNK_BYTES: Final = 256 * 1024


def lines(body: Body, most_bytes: int) -> Iterator[bytes | None]:
    """Every line without its line feed; nothing in place of one of more bytes."""
    rest = b""
    over = False
    with body.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            found = (rest + chunk).split(b"\n")
            rest = found.pop()
            if over and found:
                found[0], over = b"", False
                yield None
                del found[0]
            for line in found:
                yield line if len(line) <= most_bytes else None
            if over or len(rest) > most_bytes:
                rest, over = b"", True
    if over:
        yield None
    elif rest:
        yield rest
