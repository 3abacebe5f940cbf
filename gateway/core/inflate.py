"""Undoing gzip (RFC 1952) piece by piece, within a size and a ratio."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from gateway.core.limits import DECOMPRESSION_RATIO, MIB, SPOOL_CHUNK_BYTES
from gateway.core.refusal import Reason, Refused


class Inflater:
    """Feeds on compressed chunks; `limit_bytes` bounds what comes out.

    Raises Refused(DECOMPRESSION_LIMIT) for a bomb before it has gone off, and
    Refused(BODY_TRUNCATED) for a damaged or unfinished stream.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._stream = zlib.decompressobj(wbits=31)
        self._in = 0
        self._out = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk becomes, in pieces of at most one spool chunk."""
        self._in += len(chunk)
        data = chunk
        while data:
            if self._stream.eof:  # a further member follows
                self._stream = zlib.decompressobj(wbits=31)
            try:
                piece = self._stream.decompress(data, SPOOL_CHUNK_BYTES)
            except zlib.error as error:
                raise Refused(Reason.BODY_TRUNCATED, "The gzip stream is damaged.") from error
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            self._out += len(piece)
            if self._out > self._limit or self._is_bomb():
                raise Refused(Reason.DECOMPRESSION_LIMIT)
            if piece:
                yield piece

    def _is_bomb(self) -> bool:
        return self._out > MIB and self._out > DECOMPRESSION_RATIO * self._in

    def finish(self) -> None:
        """The body has ended: it must not end inside a member."""
        if self._in and not self._stream.eof:
            raise Refused(Reason.BODY_TRUNCATED, "The gzip stream ended early.")
