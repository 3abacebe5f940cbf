"""Messages by MESH: one sent, its chunks, one in an inbox; and the flow of a chunk's bytes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from gateway.core.inflate import Inflater
from gateway.core.mesh import checksum
from gateway.core.refusal import Reason, Refused

State = Literal["uploading", "taken", "refused"]
Kind = Literal["report", "outcome", "receipt", "request"]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a mailbox sent; `labels` and `told` are sealed under its own key.

    `expires` is in seconds since 1970 and counts while it is uploading; `receipted` is 1 where what
    is told holds a receipt.
    """

    id: str
    mailbox: str
    total: int
    state: State
    key_tag: bytes | None
    local_tag: bytes | None
    wrapped_key: bytes
    labels: bytes
    submission: str | None = None
    reason: str | None = None
    told: bytes | None = None
    receipted: int = 0
    sent_at: str
    expires: int


class Told(msgspec.Struct, frozen=True):
    """What a sender is told of a file refused at once: a problem document, and the receipt."""

    problem: bytes
    receipt: str | None
    description: str


class Chunk(msgspec.Struct, frozen=True):
    """A durable chunk: its number, its size in bytes, and a tag of its content."""

    n: int
    size: int
    tag: bytes


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A message in an inbox, and what it is about: a message sent, or a request."""

    number: int
    id: str
    mailbox: str
    kind: Kind
    about: str
    workflow: str
    made: str
    acknowledged: str | None


async def plain(
    chunks: AsyncIterator[bytes], encoding: str | None, limit_bytes: int
) -> AsyncIterator[bytes]:
    """The bytes of a chunk with its own compression undone; raises Refused for a bomb."""
    inflate = Inflater(limit_bytes) if encoding == "gzip" else None
    async for chunk in chunks:
        for part in (chunk,) if inflate is None else inflate.feed(chunk):
            yield part
    if inflate is not None:
        inflate.finish()


async def checked(pieces: AsyncIterator[bytes], expected: str) -> AsyncIterator[bytes]:
    """The same bytes; raises Refused(DIGEST_MISMATCH) at the end if they are not those summed up."""
    said = checksum(expected)
    hasher = None if said is None else hashlib.new(said[0], usedforsecurity=False)
    async for part in pieces:
        if hasher is not None:
            hasher.update(part)
        yield part
    if (
        said is not None
        and hasher is not None
        and not hmac.compare_digest(said[1], hasher.digest())
    ):
        raise Refused(Reason.DIGEST_MISMATCH, "The file does not match its Mex-Content-Checksum.")
