"""THE LETTERBOX: messages by MESH, out of an organisation's mailbox and into its inbox.

    1 begin          the first chunk of several, with what its sender wrote on it
    2 add            each further chunk, sealed and flushed before it is acknowledged
    3 content        when the last chunk is here, the file as it would have come in one body
    4 end            taken with its submission, or refused with the reason
    5 settle         outcome, receipt and report lie in the inbox; so does what is asked
    6 acknowledge    collected; it is listed no more

A message whose file is refused is not an error of the transfer: its sender finds a report in the
inbox, as MESH has it. An inbox holds no text, only what each message is about.

If an attacker controls this module they can lose messages and mix up what belongs to which; they
cannot make up an outcome or a receipt, which come from the journal.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from gateway.core.adapter import Body
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller
from gateway.core.instant import written
from gateway.core.limits import MESH_MESSAGES_OPEN, SPOOL_CHUNK_BYTES, UPLOAD_EXPIRES_SECONDS
from gateway.core.media import idempotency_key
from gateway.core.mesh import Labels, workflows_matching
from gateway.core.mesh_message import Chunk, Sent, Told, Waiting
from gateway.core.refusal import Reason, Refused

SCOPES: Final = frozenset({"submissions", "requests"})

# What went wrong on the way, so that the same file may well be taken the next time.
TRANSFER: Final = frozenset(
    {
        Reason.BODY_TRUNCATED,
        Reason.BODY_TOO_SLOW,
        Reason.BODY_EMPTY,
        Reason.BODY_TOO_LARGE,
        Reason.DECOMPRESSION_LIMIT,
        Reason.DIGEST_MISMATCH,
    },
)


class Messages(Protocol):
    """Remembers messages; what changes is durable on return.

    `settle` puts what became of messages, and what was asked of the organisation since, into the
    inbox of a mailbox; the same thing never twice. `by_key` leaves out what was refused.
    """

    def sent(self, identity: str, mailbox: str) -> Sent | None: ...
    def by_key(self, mailbox: str, key_tag: bytes) -> Sent | None: ...
    def by_local_id(self, mailbox: str, local_tag: bytes) -> Sent | None: ...
    def open_of(self, mailbox: str) -> int: ...
    def chunks(self, message: str) -> list[Chunk]: ...
    async def save(self, sent: Sent, chunk: Chunk | None = None) -> None: ...
    async def settle(self, mailbox: str, new_id: Callable[[str], str]) -> None: ...
    def waiting(
        self, mailbox: str, workflows: Sequence[str], after: int, limit: int
    ) -> list[Waiting]: ...
    def count(self, mailbox: str) -> int: ...
    def message(self, identity: str, mailbox: str) -> Waiting | None: ...
    async def acknowledge(self, identity: str) -> None: ...


class SpoolFile(Protocol):
    """A sealed file being written; after `close` its bytes are flushed to disk."""

    def write(self, piece: bytes) -> None: ...
    async def close(self) -> Body: ...
    def discard(self) -> None: ...


class Files(Protocol):
    """Where chunks are kept, sealed, each by its name."""

    def create(self, name: str, data_key: bytes) -> SpoolFile: ...
    def body(self, name: str, data_key: bytes) -> Body: ...
    def discard(self, name: str) -> None: ...


class Vault(Protocol):
    """Wraps and unwraps the keys of messages, and makes tags to find things by."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Post:
    """What the mailbox door is made of; built once by `gateway.wiring`.

    `address` is the gateway's own mailbox id, and `code` the organisation code under which a
    look-up finds it; `chunk_bytes` is how much goes out in one chunk.
    """

    messages: Messages
    files: Files
    vault: Vault
    address: str
    code: str
    chunk_bytes: int
    body_limit_bytes: int
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    busy: set[str] = field(default_factory=set)


class Known:
    """A door (`gateway.submission.Door`) for one caller who has been let in already.

    A MESH token is good for one request, so it is looked at once, before anything else.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def authenticate(self, _credentials: object, scope: str) -> Caller:
        """The caller; raises Refused where the scope is not theirs."""
        if scope not in self._caller.scope:
            raise Refused(Reason.NOT_PERMITTED)
        return self._caller


# --- out of the mailbox -------------------------------------------------------------------------


def idempotency(mailbox: str, given: str | None, labels: Labels, post: Post) -> str | None:
    """The key under which a message is one message: the one given, else from the sender's own id."""
    if given is not None or not labels.local_id:
        return idempotency_key(given)
    return (
        f"mesh-{post.vault.tag('mesh-id', mailbox.encode(), labels.local_id.encode()).hex()[:48]}"
    )


def earlier(mailbox: str, key: str | None, post: Post) -> Sent | None:
    """The message that was sent with the same key; what was refused may be sent again."""
    return None if key is None else post.messages.by_key(mailbox, _key_tag(mailbox, key, post))


def _key_tag(mailbox: str, key: str, post: Post) -> bytes:
    return post.vault.tag("mesh-key", mailbox.encode(), key.encode())


def _local_tag(mailbox: str, local_id: str, post: Post) -> bytes:
    return post.vault.tag("mesh-local", mailbox.encode(), local_id.encode())


def draft(mailbox: str, labels: Labels, total: int, key: str | None, post: Post) -> Sent:
    """A new message; nothing of it is remembered yet."""
    identity, data_key = post.new_id("msg").rpartition("_")[2], post.entropy(32)
    packed = msgspec.msgpack.encode(labels)
    now = post.clock()
    return Sent(
        id=identity,
        mailbox=mailbox,
        total=total,
        state="uploading",
        key_tag=None if key is None else _key_tag(mailbox, key, post),
        local_tag=_local_tag(mailbox, labels.local_id, post) if labels.local_id else None,
        wrapped_key=post.vault.wrap(data_key, identity.encode()),
        labels=Envelope(data_key, identity).seal(b"labels", 0, packed, post.entropy(NONCE_BYTES)),
        sent_at=written(now),
        expires=int(now.timestamp()) + UPLOAD_EXPIRES_SECONDS,
    )


def check_room(mailbox: str, post: Post) -> None:
    """Refuse a further message of several chunks where too many are unfinished."""
    if post.messages.open_of(mailbox) >= MESH_MESSAGES_OPEN:
        raise Refused(
            Reason.RATE_LIMITED,
            f"End one of your {MESH_MESSAGES_OPEN} unfinished messages, or wait a day.",
            retry_after=60,
        )


def labels_of(sent: Sent, post: Post) -> Labels:
    """What its sender wrote on a message."""
    packed = _envelope(sent, post).open(b"labels", 0, sent.labels)
    return msgspec.msgpack.decode(packed, type=Labels)


def told_of(sent: Sent, post: Post) -> Told | None:
    """What its sender is told of a message that was refused at once."""
    if sent.told is None:
        return None
    return msgspec.msgpack.decode(_envelope(sent, post).open(b"told", 0, sent.told), type=Told)


def _envelope(sent: Sent, post: Post) -> Envelope:
    return Envelope(post.vault.unwrap(sent.wrapped_key, sent.id.encode()), sent.id)


def find(identity: str, mailbox: str, post: Post) -> Sent:
    """A message this mailbox sent; raises Refused(NOT_FOUND) for any other."""
    found = post.messages.sent(identity, mailbox)
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    return found


def find_local(local_id: str, mailbox: str, post: Post) -> Sent:
    """The latest message that this mailbox sent under an id of its own; raises Refused."""
    found = post.messages.by_local_id(mailbox, _local_tag(mailbox, local_id, post))
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    return found


async def add(
    sent: Sent, number: int, total: int, pieces: AsyncIterator[bytes], post: Post
) -> bool:
    """Steps 1 and 2: make chunk `number` durable; whether the message now has all its chunks.

    The same chunk again, with the same bytes, changes nothing. Raises Refused; what arrived of a
    chunk that did not arrive whole is dropped.
    """
    if number > sent.total:
        raise Refused(Reason.CHUNK_BEYOND_LAST)
    if total != sent.total:
        raise Refused(
            Reason.MESSAGE_HEADER_NOT_VALID,
            "Mex-Chunk-Range: the first chunk named another number of chunks.",
        )
    name = _file(sent.id, number)
    if name in post.busy:
        raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT, retry_after=1)
    post.busy.add(name)
    try:
        known = post.messages.chunks(sent.id)
        if number <= len(known):
            await _same(known[number - 1], pieces, post)
        elif sent.state != "uploading" or sent.expires < post.clock().timestamp():
            raise Refused(Reason.MESSAGE_LOCKED)
        elif number != len(known) + 1:
            raise Refused(
                Reason.MESSAGE_HEADER_NOT_VALID,
                f"Mex-Chunk-Range: send the chunks in order; the next is {len(known) + 1}.",
            )
        else:
            room = post.body_limit_bytes - sum(chunk.size for chunk in known)
            await post.messages.save(sent, await _store(sent, number, room, pieces, post))
            if find(sent.id, sent.mailbox, post).state != "uploading":  # it expired meanwhile
                post.files.discard(name)
                raise Refused(Reason.MESSAGE_LOCKED)
    finally:
        post.busy.discard(name)
    found = find(sent.id, sent.mailbox, post)
    return found.state == "uploading" and len(post.messages.chunks(sent.id)) == sent.total


def _file(message: str, number: int) -> str:
    return f"{message}_{number}"


async def _same(known: Chunk, pieces: AsyncIterator[bytes], post: Post) -> None:
    """Whether a chunk that comes again has the same bytes; no more are read than it had."""
    hasher, size = hashlib.sha256(), 0
    async for part in pieces:
        size += len(part)
        if size > known.size:
            raise Refused(Reason.MESSAGE_LOCKED)
        hasher.update(part)
    tag = post.vault.tag("mesh-chunk", hasher.digest())
    if not hmac.compare_digest(tag, known.tag):
        raise Refused(Reason.MESSAGE_LOCKED)


async def _store(
    sent: Sent, number: int, room: int, pieces: AsyncIterator[bytes], post: Post
) -> Chunk:
    name, key = _file(sent.id, number), post.vault.unwrap(sent.wrapped_key, sent.id.encode())
    post.files.discard(name)  # what a broken connection left of it
    file = post.files.create(name, key)
    hasher, size, held = hashlib.sha256(), 0, bytearray()
    try:
        async for part in pieces:
            size += len(part)
            if size > room:
                raise Refused(
                    Reason.BODY_TOO_LARGE,
                    f"The limit for a message is {post.body_limit_bytes} bytes.",
                )
            hasher.update(part)
            held += part
            while len(held) >= SPOOL_CHUNK_BYTES:
                file.write(bytes(held[:SPOOL_CHUNK_BYTES]))
                del held[:SPOOL_CHUNK_BYTES]
        if size == 0:
            raise Refused(Reason.MESSAGE_EMPTY)
        if held:
            file.write(bytes(held))
        await file.close()
    except BaseException:
        file.discard()
        raise
    return Chunk(number, size, post.vault.tag("mesh-chunk", hasher.digest()))


async def content(sent: Sent, post: Post) -> AsyncIterator[bytes]:
    """Step 3: the file, from its chunks in their order."""
    key = post.vault.unwrap(sent.wrapped_key, sent.id.encode())
    for number in range(1, sent.total + 1):
        with post.files.body(_file(sent.id, number), key).open() as stream:
            while part := stream.read(SPOOL_CHUNK_BYTES):
                yield part
                await asyncio.sleep(0)  # others have their turn between two pieces


async def take(sent: Sent, submission: str, post: Post) -> None:
    """Step 4: the message became a submission; its chunks are no longer needed."""
    await post.messages.save(msgspec.structs.replace(sent, state="taken", submission=submission))
    _forget(sent, post)


async def refuse(sent: Sent, refusal: Refused, told: Told, post: Post) -> None:
    """Step 4: its file was refused; the sender will find a report."""
    sealed = _envelope(sent, post).seal(
        b"told", 0, msgspec.msgpack.encode(told), post.entropy(NONCE_BYTES)
    )
    await post.messages.save(
        msgspec.structs.replace(
            sent,
            state="refused",
            reason=refusal.reason.value,
            told=sealed,
            receipted=int(told.receipt is not None),
        )
    )
    _forget(sent, post)


def _forget(sent: Sent, post: Post) -> None:
    if sent.total > 1:
        for number in range(1, sent.total + 1):
            post.files.discard(_file(sent.id, number))


# --- into the inbox -----------------------------------------------------------------------------


async def inbox(
    mailbox: str, pattern: str | None, after: str | None, limit: int, post: Post
) -> list[Waiting]:
    """What waits in an inbox, oldest first, after a message of it; step 5 comes first.

    Raises Refused(PARAMETER_NOT_VALID) for a place to go on from that is not one of ours.
    """
    await post.messages.settle(mailbox, post.new_id)
    number = 0
    if after is not None:
        last = post.messages.message(after, mailbox)
        if last is None:
            raise Refused(Reason.PARAMETER_NOT_VALID, "continue_from is taken from links.next.")
        number = last.number
    return post.messages.waiting(mailbox, workflows_matching(pattern), number, limit)


async def counted(mailbox: str, post: Post) -> int:
    """How many messages wait in an inbox."""
    await post.messages.settle(mailbox, post.new_id)
    return post.messages.count(mailbox)


def lying(identity: str, mailbox: str, post: Post) -> Waiting:
    """A message that waits in an inbox; raises Refused: NOT_FOUND, or MESSAGE_GONE."""
    found = post.messages.message(identity, mailbox)
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    if found.acknowledged is not None:
        raise Refused(Reason.MESSAGE_GONE)
    return found


async def acknowledge(identity: str, mailbox: str, post: Post) -> None:
    """Step 6: a message is in the organisation's hands; once more changes nothing."""
    found = post.messages.message(identity, mailbox)
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    if found.acknowledged is None:
        await post.messages.acknowledge(identity)
