"""Undoing gzip (RFC 1952) and zstd (RFC 8878) piece by piece, within a size and a ratio.

Both may come as several members, or frames, one after the other. A zstd frame that wants a window
of more than 8 MiB is refused (RFC 9659 forbids it to senders), and one that wants a dictionary too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from backports import zstd

from gateway.core.limits import (
    DECOMPRESSION_RATIO,
    KIB,
    MEMBERS_FREE,
    MIB,
    SPOOL_CHUNK_BYTES,
    ZSTD_WINDOW_LOG,
)
from gateway.core.refusal import Reason, Refused

# Content codings of RFC 9110 section 8.4.1 that are undone; identity is none at all.
ENCODINGS: Final = frozenset({"identity", "gzip", "zstd"})


class _Member(Protocol):
    """One member or frame being undone; raises `error` where it is damaged."""

    error: type[Exception]

    @property
    def ended(self) -> bool: ...
    def undo(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """What some bytes become, in a piece; which of them are left; whether there is more."""


class _Gzip:
    error: type[Exception] = zlib.error

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._stream.eof

    def undo(self, data: bytes) -> tuple[bytes, bytes, bool]:
        piece = self._stream.decompress(data, SPOOL_CHUNK_BYTES)
        left = self._stream.unused_data if self.ended else self._stream.unconsumed_tail
        return piece, left, bool(left)


class _Zstd:
    error: type[Exception] = zstd.ZstdError

    def __init__(self) -> None:
        window = {int(zstd.DecompressionParameter.window_log_max): ZSTD_WINDOW_LOG}
        self._stream = zstd.ZstdDecompressor(options=window)

    @property
    def ended(self) -> bool:
        return self._stream.eof

    def undo(self, data: bytes) -> tuple[bytes, bytes, bool]:
        piece = self._stream.decompress(data, SPOOL_CHUNK_BYTES)
        if self.ended:
            return piece, self._stream.unused_data, bool(self._stream.unused_data)
        return piece, b"", not self._stream.needs_input


_KINDS: Final[dict[str, type[_Gzip | _Zstd]]] = {"gzip": _Gzip, "zstd": _Zstd}


class Inflater:
    """Feeds on compressed chunks; `limit_bytes` bounds what comes out.

    Raises Refused(DECOMPRESSION_LIMIT) for a bomb before it has gone off, and
    Refused(BODY_TRUNCATED) for a damaged or unfinished stream.
    """

    def __init__(self, limit_bytes: int, encoding: str = "gzip") -> None:
        self._limit = limit_bytes
        self._encoding = encoding
        self._member: _Member = _KINDS[encoding]()
        self._members = 1
        self._in = 0
        self._out = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk becomes, in pieces of at most one spool chunk."""
        self._in += len(chunk)
        # What cannot be compressed grows by a third of a thousandth.
        if self._in > self._limit + self._limit // KIB + MIB:
            raise Refused(Reason.DECOMPRESSION_LIMIT)
        data, more = chunk, bool(chunk)
        while more:
            if self._member.ended:
                self._member = _KINDS[self._encoding]()
                self._members += 1
            try:
                piece, data, more = self._member.undo(data)
            except self._member.error as error:
                detail = f"The {self._encoding} stream is damaged, or needs what is not allowed."
                raise Refused(Reason.BODY_TRUNCATED, detail) from error
            self._out += len(piece)
            if self._out > self._limit or self._is_bomb():
                raise Refused(Reason.DECOMPRESSION_LIMIT)
            if piece:
                yield piece

    def _is_bomb(self) -> bool:
        if self._members > MEMBERS_FREE and self._members * KIB > self._out:
            return True
        return self._out > MIB and self._out > DECOMPRESSION_RATIO * self._in

    def finish(self) -> None:
        """The body has ended: it must not end inside a member."""
        if self._in and not self._member.ended:
            raise Refused(Reason.BODY_TRUNCATED, f"The {self._encoding} stream ended early.")


def inflater(encoding: str | None, limit_bytes: int) -> Inflater | None:
    """What undoes a content coding that was admitted; None where there is nothing to undo."""
    return None if encoding is None else Inflater(limit_bytes, encoding)
