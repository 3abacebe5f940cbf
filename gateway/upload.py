"""THE WAY IN, IN PARTS: a body that comes over several requests, and then takes the way in.

    1 begin          admitted like any submission, before a byte is sent
    2 append         sealed and flushed before the new offset is told
    3 content        when the last byte is here, the whole is read back as one body
    4 end            the parts are forgotten

A broken connection or a restart costs at most the part under way.

If an attacker controls this module they can lose an upload; they cannot make it a submission that
its sender did not finish.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from gateway.core.adapter import Body
from gateway.core.identity import Caller
from gateway.core.limits import SPOOL_CHUNK_BYTES, UPLOAD_EXPIRES_SECONDS, UPLOADS_OPEN
from gateway.core.refusal import Reason, Refused

METADATA: Final = (
    "content-type",
    "content-encoding",
    "content-digest",
    "idempotency-key",
    "request-id",
    "completes",
)


class Upload(msgspec.Struct, frozen=True):
    """An upload under way: how long it will be, and how much of it is durable; bytes."""

    id: str
    organisation: str
    client: str
    length: int
    offset: int
    metadata: str
    wrapped_key: bytes
    expires: int


class Part(Protocol):
    """A sealed file that grows; `size` is in bytes in clear; durable after `close`."""

    size: int

    def write(self, piece: bytes) -> None: ...
    async def close(self) -> object: ...


class Parts(Protocol):
    """Where the bytes of uploads are; `resume` drops what is beyond the offset.

    `check_room` raises Refused(STORE_UNAVAILABLE) where so many bytes more do not fit.
    """

    def check_room(self, size: int) -> None: ...
    def resume(self, identity: str, data_key: bytes, offset: int) -> Part: ...
    def body(self, identity: str, data_key: bytes) -> Body: ...
    def discard(self, identity: str) -> None: ...


class Uploads(Protocol):
    """Remembers uploads; durable on return."""

    def find(self, identity: str, organisation: str) -> Upload | None: ...
    def open_of(self, organisation: str) -> int: ...
    async def save(self, upload: Upload) -> None: ...
    async def drop(self, identity: str) -> None: ...


class Vault(Protocol):
    """Wraps and unwraps the keys of uploads."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Depot:
    """What uploading is made of; built once by `gateway.wiring`."""

    uploads: Uploads
    parts: Parts
    vault: Vault
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    busy: set[str] = field(default_factory=set)


async def begin(caller: Caller, length: int, metadata: dict[str, str], depot: Depot) -> Upload:
    """Step 1: remember an upload of `length` bytes.

    Raises Refused(RATE_LIMITED) where the organisation has too many open, and
    Refused(STORE_UNAVAILABLE) where the disk has no room for it.
    """
    depot.parts.check_room(2 * length)  # in parts, and as a body
    if depot.uploads.open_of(caller.party) >= UPLOADS_OPEN:
        raise Refused(
            Reason.RATE_LIMITED,
            f"End or cancel one of your {UPLOADS_OPEN} uploads.",
            retry_after=60,
        )
    identity, key = depot.new_id("upl"), depot.entropy(32)
    upload = Upload(
        id=identity,
        organisation=caller.party,
        client=caller.client,
        length=length,
        offset=0,
        metadata=msgspec.json.encode(metadata).decode(),
        wrapped_key=depot.vault.wrap(key, identity.encode()),
        expires=int(depot.clock().timestamp()) + UPLOAD_EXPIRES_SECONDS,
    )
    await depot.uploads.save(upload)
    return upload


def find(identity: str, caller: Caller, depot: Depot) -> Upload:
    """An upload of the caller's; raises Refused(NOT_FOUND) for another's, or one that expired."""
    upload = depot.uploads.find(identity, caller.party)
    if upload is None or upload.expires < depot.clock().timestamp():
        raise Refused(Reason.NOT_FOUND)
    return upload


async def append(
    upload: Upload,
    offset: int,
    chunks: AsyncIterator[bytes],
    depot: Depot,
    checksum: tuple[str, bytes] | None = None,
) -> Upload:
    """Step 2: append a part. What arrived before a connection broke is kept; then Refused is raised.

    Raises Refused(OFFSET_MISMATCH) unless the part begins where the upload stands. Of a part that
    came with a checksum (hashlib name, digest) all is kept or nothing: Refused(CHECKSUM_MISMATCH).
    """
    if offset != upload.offset or upload.id in depot.busy:
        raise Refused(Reason.OFFSET_MISMATCH, f"The upload stands at byte {upload.offset}.")
    depot.busy.add(upload.id)
    try:
        key = depot.vault.unwrap(upload.wrapped_key, upload.id.encode())
        part = depot.parts.resume(upload.id, key, upload.offset)
        broken: Refused | None = None
        name, expected = ("sha256", b"") if checksum is None else checksum
        hasher = hashlib.new(name, usedforsecurity=False)
        try:
            async for piece in _pieces(chunks):
                hasher.update(piece)
                if part.size + len(piece) > upload.length:
                    raise Refused(Reason.BODY_TOO_LARGE, "More came than Upload-Length said.")
                part.write(piece)
        except Refused as refusal:
            broken = refusal
        finally:
            await part.close()
        if checksum is not None:
            if broken is not None:
                raise broken
            if not hmac.compare_digest(hasher.digest(), expected):
                raise Refused(Reason.CHECKSUM_MISMATCH)
        upload = msgspec.structs.replace(upload, offset=part.size)
        await depot.uploads.save(upload)
        if broken is not None:
            raise broken
        return upload
    finally:
        depot.busy.discard(upload.id)


async def _pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of one spool chunk, and a rest, also when they end early."""
    held = bytearray()
    broken: Refused | None = None
    try:
        async for chunk in chunks:
            held += chunk
            while len(held) >= SPOOL_CHUNK_BYTES:
                yield bytes(held[:SPOOL_CHUNK_BYTES])
                del held[:SPOOL_CHUNK_BYTES]
    except Refused as refusal:
        broken = refusal
    if held:
        yield bytes(held)
    if broken is not None:
        raise broken


async def content(upload: Upload, depot: Depot) -> AsyncIterator[bytes]:
    """Step 3: the whole body, as it would have come in one request."""
    key = depot.vault.unwrap(upload.wrapped_key, upload.id.encode())
    with depot.parts.body(upload.id, key).open() as stream:
        while piece := stream.read(SPOOL_CHUNK_BYTES):
            yield piece
            await asyncio.sleep(0)  # others have their turn between two pieces


async def end(upload: Upload, depot: Depot) -> None:
    """Step 4: forget it; raises Refused(OFFSET_MISMATCH) while a part is being appended."""
    if upload.id in depot.busy:
        raise Refused(Reason.OFFSET_MISMATCH, "A part is being appended; wait until it has ended.")
    await depot.uploads.drop(upload.id)
    depot.parts.discard(upload.id)
