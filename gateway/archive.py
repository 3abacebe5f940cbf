"""THE WAY IN, SEVERAL AT ONCE: a zip archive whose files each take the way in.

    1 admit          a known caller, an archive by its type, not too large
    2 spool          sealed as it arrives; it is never on the disk in the clear
    3 compare        the manifest, the directory and every digest agree, or all is refused
    4 take           each file, by the same way as one sent alone
    5 drop           the archive is forgotten, whatever happened

Nothing is taken before step 3 has ended. What is refused up to there is no submission, and leaves
nothing. A file refused in step 4 holds up no other.

If an attacker controls this module they can lose files of an archive; each submission is made by
`gateway.submission` alone.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from gateway.core.adapter import Body
from gateway.core.identity import Caller, Credentials
from gateway.core.limits import INLINE_BODY_BYTES, SPOOL_CHUNK_BYTES
from gateway.core.media import content_digest, idempotency_key, media_type
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Answer, Arrival, MemoryBody
from gateway.core.zip_archive import MEDIA_TYPE, Member, ZipArchive

SCOPE: Final = "submissions"


class Door(Protocol):
    """Turns credentials into a caller, or refuses; never guesses."""

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller: ...


class SpoolFile(Protocol):
    """A sealed file being written."""

    def write(self, piece: bytes) -> None: ...
    async def close(self) -> Body: ...
    def discard(self) -> None: ...


class Files(Protocol):
    """Where an archive is kept, sealed, while it is taken apart; its streams can seek."""

    def create(self, submission: str, data_key: bytes) -> SpoolFile: ...
    def discard(self, submission: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What taking archives apart is made of; `receive` is the way in of one file."""

    door: Door
    files: Files
    receive: Callable[[Arrival], Awaitable[Answer]]
    limit_bytes: int
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file."""

    name: str
    end: Answer | Refused


def is_archive(content_type: str | None) -> bool:
    """Whether what comes is an archive by its Content-Type."""
    return (content_type or "").partition(";")[0].strip().lower() == MEDIA_TYPE


def admit(arrival: Arrival, bench: Bench) -> None:
    """Step 1, beside who is speaking: what can be refused before a byte is read."""
    if media_type(arrival.content_type) != MEDIA_TYPE:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN)
    if (arrival.content_encoding or "identity").strip().lower() != "identity":
        raise Refused(Reason.CONTENT_ENCODING_UNKNOWN, "An archive is compressed already.")
    if arrival.length == 0:
        raise Refused(Reason.BODY_EMPTY)
    if arrival.length is not None and arrival.length > bench.limit_bytes:
        raise _too_large(bench)
    idempotency_key(arrival.idempotency_key)
    content_digest(arrival.content_digest)


async def take_apart(arrival: Arrival, bench: Bench) -> list[Taken]:
    """Take an archive all the way; raises Refused where it is refused whole."""
    await bench.door.authenticate(arrival.credentials, SCOPE)
    admit(arrival, bench)
    identity = bench.new_id("zip")
    try:
        body = await _spool(arrival, identity, bench)
        with body.open() as stream:
            archive = ZipArchive(stream, bench.limit_bytes)
            for member in archive.members:
                for _ in archive.check(member):
                    await asyncio.sleep(0)  # others have their turn between two pieces
            return [await _take(member, archive, arrival, bench) for member in archive.members]
    finally:
        bench.files.discard(identity)


async def _spool(arrival: Arrival, identity: str, bench: Bench) -> Body:
    """Step 2: a small archive stays in memory; a larger one is sealed under a key of its own."""
    wire = [(hashlib.new(name), told) for name, told in content_digest(arrival.content_digest)]
    held = bytearray()
    file: SpoolFile | None = None
    size = 0
    try:
        async for chunk in arrival.chunks:
            size += len(chunk)
            if size > bench.limit_bytes:
                raise _too_large(bench)
            for hasher, _ in wire:
                hasher.update(chunk)
            held += chunk
            if file is None and size > INLINE_BODY_BYTES:
                file = bench.files.create(identity, bench.entropy(32))
            while file is not None and len(held) >= SPOOL_CHUNK_BYTES:
                file.write(bytes(held[:SPOOL_CHUNK_BYTES]))
                del held[:SPOOL_CHUNK_BYTES]
        if not size:
            raise Refused(Reason.BODY_EMPTY)
        if not all(hmac.compare_digest(hasher.digest(), told) for hasher, told in wire):
            raise Refused(Reason.DIGEST_MISMATCH)
        if file is not None and held:
            file.write(bytes(held))
    except BaseException:
        if file is not None:
            file.discard()
        raise
    return MemoryBody(bytes(held)) if file is None else await file.close()


async def _take(member: Member, archive: ZipArchive, whole: Arrival, bench: Bench) -> Taken:
    """Step 4: one file; its digest is checked once more, by the way in itself."""
    listed = member.listed
    digest = base64.b64encode(bytes.fromhex(listed.sha256)).decode()
    arrival = replace(
        whole,
        content_type=listed.media_type,
        content_encoding=None,
        content_digest=f"sha-256=:{digest}:",
        idempotency_key=listed.idempotency_key or _key(whole, listed.name),
        request=listed.request or whole.request,
        length=member.size,
        chunks=_pieces(member, archive),
        completes=listed.completes,
    )
    try:
        return Taken(listed.name, await bench.receive(arrival))
    except Refused as refusal:
        return Taken(listed.name, refusal)


def _key(whole: Arrival, name: str) -> str | None:
    """The key of a file that has none, where the archive has one: the same each time."""
    key = idempotency_key(whole.idempotency_key)
    return None if key is None else hashlib.sha256(f"{key}\0{name}".encode()).hexdigest()


async def _pieces(member: Member, archive: ZipArchive) -> AsyncIterator[bytes]:
    for piece in archive.read(member):
        yield piece
        await asyncio.sleep(0)


def _too_large(bench: Bench) -> Refused:
    return Refused(Reason.BODY_TOO_LARGE, f"An archive may have {bench.limit_bytes} bytes.")
