"""Sending refused rows again: which rows of a submission are open, and which of them come now.

A row is known by its sender's key or, where it has none, by its number in the file (`row:17`). What
is kept of it is an eight-byte keyed hash, under a key that dies with the submission's data key. So a
row that was accepted is never counted twice, and one that was refused is never a duplicate.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from bisect import bisect_left
from typing import Final

from gateway.core.envelope import derive
from gateway.core.key_table import KeyTable
from gateway.core.record import Note, Record, RowError
from gateway.core.refusal import Reason, Refused

_INFO: Final = b"cms-gateway row names v1"
TAG_BYTES: Final = 8
_BY_NUMBER: Final = "row:"


def name_of(item: Record | RowError) -> str:
    """What a row is known by: its sender's key, or `row:` and its number."""
    return item.key or f"{_BY_NUMBER}{item.row}"


class RefusedRows:
    """The names of the rows that are refused, as their file is read."""

    def __init__(self, data_key: bytes) -> None:
        self._key = derive(data_key, _INFO)
        self._tags: set[int] = set()

    def add(self, error: RowError) -> None:
        """Remember a row; several errors of one row are one row."""
        self._tags.add(_tag(self._key, name_of(error)))

    def tags(self) -> bytes:
        """All of them in order, eight bytes each."""
        return _packed(sorted(self._tags))


class OpenRows:
    """The rows of a submission that are still open, asked about one by one."""

    def __init__(self, data_key: bytes, tags: bytes) -> None:
        self._key = derive(data_key, _INFO)
        self._open = frozenset(struct.unpack(f"<{len(tags) // TAG_BYTES}Q", tags))

    def __contains__(self, error: RowError) -> bool:
        """Whether the row of an error is one of them."""
        return _tag(self._key, name_of(error)) in self._open


class RowKeys:
    """The senders' keys of one file, each of which may name one row and no other.

    Otherwise a row that was accepted could come again under the key of one that was refused. For the
    same reason a key that names a row by its number is for files that bring rows again alone; of these
    `Mending` takes each name once.
    """

    def __init__(self, data_key: bytes) -> None:
        self._key = derive(data_key, _INFO)
        self._seen = KeyTable()
        self._last, self._last_stands = -1, False

    def stands(self, item: Record | RowError) -> bool:
        """Whether a row's key is its own; what follows of the same row fares as its first did."""
        if item.row != self._last:
            self._last = item.row
            name = name_of(item)
            free = not name.startswith(_BY_NUMBER)
            self._last_stands = free and self._seen.add(_tag(self._key, name))
        return self._last_stands


class Mending:
    """The open rows of an earlier submission, closed one by one as they come again.

    `data_key` is the earlier submission's, `tags` its open rows, `rows` the number of its file's last
    row; `version` is how often it was amended before.
    """

    def __init__(self, data_key: bytes, tags: bytes, rows: int, version: int) -> None:
        self.version = version
        self._key = derive(data_key, _INFO)
        self._open = array("Q", struct.unpack(f"<{len(tags) // TAG_BYTES}Q", tags))
        self._closed = bytearray(len(self._open))
        self._rows = rows
        self._highest = self._not_open = 0
        self._last = self._closing = -1
        self._unnamed = False

    def counts(self, item: Record | RowError) -> bool:
        """Whether a row is one that is open; a record closes it. Others are told in `notes`.

        A row may hold several records, one after the other: the first closes it for those after it.
        """
        if item.row != self._last:
            self._highest = max(self._highest, item.row)
            self._last = item.row
            self._closing = -1
        self._unnamed = self._unnamed or item.key is None
        tag = _tag(self._key, name_of(item))
        at = bisect_left(self._open, tag)
        known = at < len(self._open) and self._open[at] == tag
        if not known or (self._closed[at] and self._closing != at):
            self._not_open += 1
            return False
        if isinstance(item, Record):
            self._closed[at] = 1
            self._closing = at
        return True

    def left(self) -> bytes:
        """The rows that are still open.

        Raises Refused(FILE_RULE) for a file whose rows have no keys and whose last row has another
        number than the first file's, as without its blank lines or in another format: then a number
        does not say which row is meant.
        """
        if self._unnamed and self._highest != self._rows:
            raise Refused(
                Reason.FILE_RULE,
                f"The rows have no keys, and the last is row {self._highest} where the first file's "
                f"was row {self._rows}. Send every row in the same order and format, or name each "
                "row by its key.",
            )
        return _packed(
            [tag for tag, closed in zip(self._open, self._closed, strict=True) if not closed]
        )

    def notes(self) -> tuple[Note, ...]:
        """What to say of rows that were not open, if there were any."""
        if not self._not_open:
            return ()
        return (
            Note(
                code="ROWS_NOT_OPEN",
                message=f"{self._not_open} rows were accepted before, or were not in the first "
                "file; they were left out and not counted again.",
            ),
        )


def _tag(key: bytes, name: str) -> int:
    digest = hashlib.blake2b(name.encode(), key=key, digest_size=TAG_BYTES).digest()
    return int.from_bytes(digest, "little")


def _packed(tags: list[int]) -> bytes:
    return b"".join(tag.to_bytes(TAG_BYTES, "little") for tag in tags)
