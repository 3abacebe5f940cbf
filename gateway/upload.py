"""THE WAY IN, IN PARTS: a body that comes over several requests, and then takes the way in.

    1 begin          admitted like any submission, before a byte is sent
    2 append         sealed and flushed before the new offset is told
    3 take           when the last byte is here, the whole takes the way in, whoever is listening
    4 end            what became of it is kept, and told again to whoever asks again

A broken connection or a restart costs at most the part under way, and never an answer. The bytes are
sealed from the first under the id and the data key of the submission that they become, so that a
large file is not written a second time. An id is used for one attempt only: where that had no end,
the next one copies the bytes.

If an attacker controls this module they can lose an upload; they cannot make it a submission that
its sender did not finish.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from gateway.core.adapter import Body
from gateway.core.ending import Ending
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller
from gateway.core.limits import (
    INLINE_BODY_BYTES,
    SPOOL_CHUNK_BYTES,
    UPLOAD_EXPIRES_SECONDS,
    UPLOAD_WAIT_SECONDS,
    UPLOADS_OPEN,
)
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Presealed
from gateway.core.upload_item import Upload, Uploads

METADATA: Final = (
    "content-type",
    "content-encoding",
    "content-digest",
    "idempotency-key",
    "request-id",
    "completes",
)


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


class Vault(Protocol):
    """Wraps and unwraps the keys of uploads."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Depot:
    """What uploading is made of; built once by `gateway.wiring`.

    `busy` are uploads with a part under way, `tasks` those on their way in.
    """

    uploads: Uploads
    parts: Parts
    vault: Vault
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    busy: dict[str, asyncio.Event] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[Ending]] = field(default_factory=dict)

    def key(self, upload: Upload) -> bytes:
        """The data key of an upload."""
        return self.vault.unwrap(upload.wrapped_key, upload.submission.encode())

    def expiry(self) -> int:
        """When what happens now will be forgotten."""
        return int(self.clock().timestamp()) + UPLOAD_EXPIRES_SECONDS


# --- 1 begin ------------------------------------------------------------------------------------


async def begin(caller: Caller, length: int, metadata: dict[str, str], depot: Depot) -> Upload:
    """Step 1: remember an upload of `length` bytes.

    Raises Refused(RATE_LIMITED) where the organisation has too many open, and
    Refused(STORE_UNAVAILABLE) where the disk has no room for it.
    """
    depot.parts.check_room(2 * length)  # the bytes, and what is read from them, or a copy
    if depot.uploads.open_of(caller.party) >= UPLOADS_OPEN:
        raise Refused(
            Reason.RATE_LIMITED,
            f"End or cancel one of your {UPLOADS_OPEN} uploads.",
            retry_after=60,
        )
    upload = Upload(
        id=depot.new_id("upl"),
        organisation=caller.party,
        client=caller.client,
        length=length,
        offset=0,
        metadata=msgspec.json.encode(metadata).decode(),
        wrapped_key=b"",
        expires=depot.expiry(),
    )
    wrapped = depot.vault.wrap(depot.entropy(32), upload.submission.encode())
    upload = msgspec.structs.replace(upload, wrapped_key=wrapped)
    await depot.uploads.save(upload)
    return upload


def find(identity: str, caller: Caller, depot: Depot) -> Upload:
    """An upload of the caller's; raises Refused(NOT_FOUND) for another's, or one that expired."""
    upload = depot.uploads.find(identity, caller.party)
    if upload is None or upload.expires < depot.clock().timestamp():
        raise Refused(Reason.NOT_FOUND)
    return upload


async def standing(identity: str, caller: Caller, depot: Depot) -> Upload:
    """The same, once no part is under way: whose line broke has sent more than was told.

    It waits for as long as a broken line may go unnoticed.
    """
    find(identity, caller, depot)
    if (over := depot.busy.get(identity)) is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(UPLOAD_WAIT_SECONDS):
                await over.wait()
    return find(identity, caller, depot)


@contextmanager
def _alone(upload: Upload, depot: Depot) -> Iterator[None]:
    """Nothing else happens to an upload until the block is left; raises Refused(OFFSET_MISMATCH)."""
    if upload.id in depot.busy:
        raise Refused(
            Reason.OFFSET_MISMATCH,
            "A part is being appended; wait until it has ended.",
            retry_after=1,
        )
    over = depot.busy[upload.id] = asyncio.Event()
    try:
        yield
    finally:
        del depot.busy[upload.id]
        over.set()


# --- 2 append -----------------------------------------------------------------------------------


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
    Behind the last byte a part is empty, and changes nothing.
    """
    if offset != upload.offset:
        raise Refused(Reason.OFFSET_MISMATCH, f"The upload stands at byte {upload.offset}.")
    if upload.whole:
        async for chunk in chunks:
            if chunk:
                raise Refused(Reason.BODY_TOO_LARGE, "More came than Upload-Length said.")
        return upload
    with _alone(upload, depot):
        return await _append(upload, chunks, depot, checksum)


async def _append(
    upload: Upload,
    chunks: AsyncIterator[bytes],
    depot: Depot,
    checksum: tuple[str, bytes] | None,
) -> Upload:
    part = depot.parts.resume(upload.submission, depot.key(upload), upload.offset)
    broken: Refused | None = None
    name, expected = ("sha256", b"") if checksum is None else checksum
    hasher = hashlib.new(name, usedforsecurity=False)
    try:
        async for piece in _pieces(chunks):
            if checksum is not None:
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
    upload = msgspec.structs.replace(upload, offset=part.size, expires=depot.expiry())
    await depot.uploads.save(upload)
    if broken is not None:
        raise broken
    return upload


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


# --- 3 take -------------------------------------------------------------------------------------


class KeptFile:
    """A body that is sealed already: writing it again changes nothing, nor does discarding it.

    It stands where the way in spools bodies (`gateway.submission.Files`, and its `SpoolFile`).
    """

    def __init__(self, body: Body) -> None:
        self._body = body

    def create(self, _submission: str, _data_key: bytes) -> KeptFile:
        """The file, which is there."""
        return self

    def write(self, _piece: bytes) -> None:
        """It was read from this very file."""

    async def close(self) -> Body:
        """The body, flushed part by part before."""
        return self._body

    def discard(self, _submission: str = "") -> None:
        """It stays until the upload has ended."""


# The way in of a whole upload (`gateway.edge.http.uploads`); `kept` unless its bytes are to be copied.
# What it returns or raises is what became of it; Refused for what may pass.
Way = Callable[[Upload, Presealed | None], Awaitable[Ending]]


async def take(upload: Upload, way: Way, depot: Depot) -> Ending | None:
    """Step 3: what became of a whole upload, or None where it takes longer; ask again then.

    It goes on when whoever asked has gone, and whoever asks meanwhile waits for the same end.
    Raises Refused for what may pass: then the upload is still there, and may be asked for again.
    """
    task = depot.tasks.get(upload.id)
    if task is None:
        task = asyncio.get_running_loop().create_task(_take(upload, way, depot))
        depot.tasks[upload.id] = task
        task.add_done_callback(lambda done: _ended(upload.id, done, depot))
    done, _ = await asyncio.wait({task}, timeout=UPLOAD_WAIT_SECONDS)
    return task.result() if done else None


def _ended(identity: str, task: asyncio.Task[Ending], depot: Depot) -> None:
    depot.tasks.pop(identity, None)
    if not task.cancelled():
        task.exception()  # who waits is told; who comes later asks again


async def _take(asked: Upload, way: Way, depot: Depot) -> Ending:
    upload = depot.uploads.find(asked.id, asked.organisation)
    if upload is None or upload.id in depot.busy:  # it is being forgotten
        raise Refused(Reason.NOT_FOUND)
    if upload.ending is not None:
        key = depot.vault.unwrap(upload.wrapped_key, upload.id.encode())
        packed = Envelope(key, upload.id).open(b"ending", 0, upload.ending)
        return msgspec.msgpack.decode(packed, type=Ending)
    adopted = upload.state == "open" and _is_body(upload)
    kept = Presealed(upload.submission, depot.key(upload)) if adopted else None
    upload = msgspec.structs.replace(upload, state="begun", expires=depot.expiry())
    await depot.uploads.save(upload)
    ending = await way(upload, kept)
    if ending.final:
        await _end(upload, ending, depot)
    return ending


def _is_body(upload: Upload) -> bool:
    """Whether its bytes, as they are, will be the body of a submission."""
    metadata = msgspec.json.decode(upload.metadata, type=dict[str, str])
    coded = metadata.get("content-encoding", "identity").strip().lower() != "identity"
    return upload.length > INLINE_BODY_BYTES and not coded


async def body(upload: Upload, depot: Depot) -> Body:
    """The whole, sealed as it is; to find its size, a large one is gone through in a thread."""
    return await asyncio.to_thread(depot.parts.body, upload.submission, depot.key(upload))


async def content(whole: Body) -> AsyncIterator[bytes]:
    """The whole body, as it would have come in one request."""
    with whole.open() as stream:
        while piece := stream.read(SPOOL_CHUNK_BYTES):
            yield piece
            await asyncio.sleep(0)  # others have their turn between two pieces


# --- 4 end --------------------------------------------------------------------------------------


async def _end(upload: Upload, ending: Ending, depot: Depot) -> None:
    """Step 4: remember what became of it; its bytes go, unless they are the submission's.

    It is sealed under a key of its own: the data key is the submission's alone from here on.
    """
    key, packed = depot.entropy(32), msgspec.msgpack.encode(ending)
    ended = msgspec.structs.replace(
        upload,
        state="ended",
        wrapped_key=depot.vault.wrap(key, upload.id.encode()),
        ending=Envelope(key, upload.id).seal(b"ending", 0, packed, depot.entropy(NONCE_BYTES)),
        expires=depot.expiry(),
    )
    await depot.uploads.save(ended)
    _discard(upload, depot)


def _discard(upload: Upload, depot: Depot) -> None:
    if not depot.uploads.submitted(upload.submission):
        depot.parts.discard(upload.submission)


async def forget(upload: Upload, depot: Depot) -> None:
    """Forget it; raises Refused(OFFSET_MISMATCH) while it is under way."""
    if upload.id in depot.tasks:
        raise Refused(
            Reason.OFFSET_MISMATCH,
            "The file is being taken; it cannot be called back.",
            retry_after=1,
        )
    with _alone(upload, depot):
        await depot.uploads.drop(upload.id)
        _discard(upload, depot)


def expire(depot: Depot) -> None:
    """Let go of the bytes of uploads that nobody went on with."""
    for upload in depot.uploads.expired(int(depot.clock().timestamp())):
        if upload.id not in depot.busy and upload.id not in depot.tasks:
            _discard(upload, depot)


async def stop(depot: Depot) -> None:
    """Leave what is on its way in; it is taken when its sender asks again."""
    tasks = list(depot.tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
