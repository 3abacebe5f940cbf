"""Cursors of a feed: opaque to consumers, a feed and a sequence number to us."""

from __future__ import annotations

from typing import Final

from gateway.core.canonical import b64u, from_b64u
from gateway.core.refusal import Reason, Refused

_VERSION: Final = "1"
_LONGEST_CHARS: Final = 128


def write_cursor(feed: str, seq: int) -> str:
    """A cursor after the record with this sequence number."""
    return b64u(f"{_VERSION}:{feed}:{seq}".encode())


def read_cursor(cursor: str, feed: str) -> int:
    """The sequence number of a cursor of this feed; raises Refused(PARAMETER_NOT_VALID)."""
    try:
        if len(cursor) > _LONGEST_CHARS:
            raise ValueError("too long")
        version, name, number = from_b64u(cursor).decode("ascii").split(":")
        seq = int(number)
    except ValueError as error:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "The cursor is not one of ours. Take 'next' of a page, or leave it out.",
        ) from error
    if version != _VERSION or name != feed or seq < 0 or number != str(seq) or seq > 1 << 62:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "The cursor is not one of this feed's. Take 'next' of one of its pages, or leave it out.",
        )
    return seq
