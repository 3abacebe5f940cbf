"""THE WAY IN: what happens to one arriving submission.

    1 authenticate   who is speaking?                      Arrival   -> Caller
    2 admit          may they send this, now, for this?    Caller    -> Admitted
    3 spool          take the bytes, hashed and sealed     Admitted  -> Spooled, Grounded
    4 read           what does it say?                     Grounded  -> records and row errors
    5 validate       is it true to its own rules?          records   -> records and row errors
    6 seal           digest, encrypt                       records   -> Reading
    7 commit         once, durably, with the ledger        Reading   -> Recorded
    8 receipt        only now does the sender hear yes     Recorded  -> Answer
    9 route          who may see which part                with 7, in one transaction

Each step takes what the step before it earned, so none can be skipped. A small body goes the whole
way in one request. A large one is answered as soon as its bytes are durable, and `gateway.outcome`
takes it from step 4 to the end.

If an attacker controls this module they can accept what should be refused; they cannot alter what
the ledger already holds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from gateway.core import drafting
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.duty import Law
from gateway.core.duty_table import Ask
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller, Credentials
from gateway.core.in_flight import InFlight
from gateway.core.inflate import ENCODINGS, inflater
from gateway.core.limits import INLINE_BODY_BYTES, SALT_BYTES, SPOOL_CHUNK_BYTES
from gateway.core.media import content_digest, idempotency_key, media_type
from gateway.core.mending import Mending
from gateway.core.reading import in_memory, take
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import (
    Admitted,
    Answer,
    Arrival,
    Draft,
    Grounded,
    MemoryBody,
    Mended,
    Pending,
    Reading,
    Recorded,
    Spooled,
)

SCOPE: Final = "submissions"
_NOT_OF_THE_CONTENT: Final = {Reason.IDEMPOTENCY_KEY_REUSED, Reason.AMENDED_MEANWHILE}


# --- what this story needs of the world ---------------------------------------------------------


class Door(Protocol):
    """Turns credentials into a caller, or refuses; never guesses."""

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller: ...


class Vault(Protocol):
    """Holds the keys that wrap data keys, and the key of look-up tags. Deterministic tags."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


class SpoolFile(Protocol):
    """A sealed file being written; after `close` its bytes are flushed to disk."""

    def write(self, piece: bytes) -> None: ...
    async def close(self) -> Body: ...
    def discard(self) -> None: ...


class Journal(Protocol):
    """Remembers submissions. What it returns from `record`, `hold` and `refuse` is durable.

    A repeat (same idempotency key with the same bytes, or the same bytes from the same
    organisation) returns what was recorded first, marked as a repeat. `record` and `hold` raise
    Refused(IDEMPOTENCY_KEY_REUSED) for a key that was used with other bytes,
    Refused(AMENDED_MEANWHILE) when the open rows are no longer those that were read against, and
    Refused(STORE_UNAVAILABLE) when the outcome of the commit is unknown.
    """

    def request_of(self, organisation: str, request: str) -> Ask | None: ...
    def mended(self, organisation: str, submission: str) -> Mended | None: ...
    async def record(self, draft: Draft) -> Recorded: ...
    async def hold(self, draft: Draft) -> Recorded: ...
    async def refuse(self, draft: Draft) -> Recorded: ...


class Files(Protocol):
    """Where large bodies are kept, sealed, by submission id."""

    def create(self, submission: str, data_key: bytes) -> SpoolFile: ...
    def discard(self, submission: str) -> None: ...


class Reader(Protocol):
    """Runs `take` on a large body where it does not hold anybody up.

    Raises Refused only if `take` did. Trouble of its own is another exception: the submission stays
    received, with its bytes, and is read again later.
    """

    async def read(
        self,
        submission: str,
        adapter: str,
        allowed: frozenset[str],
        data_key: bytes,
        now: dt.datetime,
        mending: Mending | None,
    ) -> Reading: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Intake:
    """What the way in is made of; built once by `gateway.wiring`."""

    door: Door
    vault: Vault
    journal: Journal
    files: Files
    reader: Reader
    law: Law
    formats: tuple[Adapter, ...]
    signers: tuple[bytes, ...]
    body_limit_bytes: int
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    in_flight: InFlight = field(default_factory=InFlight)


# --- the way ------------------------------------------------------------------------------------


async def receive(arrival: Arrival, intake: Intake) -> Answer:
    """Take one submission all the way, or until its bytes are durable.

    Raises Refused for whatever is not accepted; nothing of it is then kept but the ledger entry
    that says so.
    """
    caller = await intake.door.authenticate(arrival.credentials, SCOPE)  # 1 authenticate
    admitted = admit(arrival, caller, intake)  # 2 admit
    spooled: Spooled | None = None
    grounded: Grounded | None = None
    with intake.in_flight.alone(caller.party, admitted.key):
        try:
            spooled = await spool(arrival, admitted, intake)  # 3 spool
            grounded = ground(spooled, intake)
            if not spooled.inline:
                return Answer(await hold(grounded, intake))
            reading = read(grounded, intake)  # 4 read, 5 validate, 6 seal
            recorded = await commit(grounded, reading, intake)  # 7 commit, with 9 route
        except Refused as refusal:
            # Of a commit whose outcome is unknown the bytes must stay: they may be acknowledged.
            if refusal.reason is not Reason.STORE_UNAVAILABLE:
                intake.files.discard(admitted.submission)
            await _record_refusal(refusal, admitted, spooled, grounded, intake)
            raise
    return Answer(recorded, reading.errors, reading.notes, reading.rules)  # 8 receipt


def admit(arrival: Arrival, caller: Caller, intake: Intake) -> Admitted:
    """Step 2: decide, before any byte of the body is read, whether this may be sent at all."""
    now = intake.clock()
    kind = media_type(arrival.content_type)
    formats = tuple(a for a in intake.formats if kind in a.media_types)
    formats = formats or tuple(a for a in intake.formats if kind in a.general_media_types)
    if not formats:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN)
    entitled = intake.law.admissible(caller.classes, formats, now.date())
    encoding = (arrival.content_encoding or "identity").strip().lower()
    if encoding not in ENCODINGS:
        raise Refused(Reason.CONTENT_ENCODING_UNKNOWN)
    limit = min(intake.body_limit_bytes, max(a.limit_bytes for a in entitled))
    if arrival.length == 0:
        raise Refused(Reason.BODY_EMPTY)
    if arrival.length is not None and arrival.length > limit:
        raise Refused(Reason.BODY_TOO_LARGE, f"The limit for this format is {limit} bytes.")
    mended = mended_by(arrival.completes, caller.party, intake)
    name = arrival.request if mended is None else mended.request
    if arrival.request not in {None, name}:
        raise Refused(Reason.PARAMETER_NOT_VALID, "What it completes answered another request.")
    request = None
    if name is not None and name.isascii():
        request = intake.journal.request_of(caller.party, name)
    drafting.check_request(request, name, caller)
    return Admitted(
        submission=arrival.presealed.submission if arrival.presealed else intake.new_id("sub"),
        caller=caller,
        media_type=kind,
        formats=entitled,
        encoding=None if encoding == "identity" else encoding,
        digests=content_digest(arrival.content_digest),
        key=idempotency_key(arrival.idempotency_key),
        request=request,
        limit_bytes=limit,
        completes=arrival.completes,
    )


def mended_by(completes: str | None, organisation: str, intake: Intake) -> Mended | None:
    """The submission whose open rows a file brings, as it is now; raises Refused(NOT_OPEN)."""
    if completes is None:
        return None
    found = intake.journal.mended(organisation, completes) if completes.isascii() else None
    if found is None:
        raise Refused(Reason.NOT_OPEN)
    return found


async def spool(arrival: Arrival, admitted: Admitted, intake: Intake) -> Spooled:
    """Step 3: take the bytes, hashing them as they come; memory does not grow with the body.

    A `Content-Digest` covers the bytes on the wire (RFC 9530 section 2); what is kept, and what the
    receipt's digest covers, is the file: the bytes after any content coding is undone.
    """
    data_key = arrival.presealed.data_key if arrival.presealed else intake.entropy(32)
    wire = [(name, hashlib.new(name), expected) for name, expected in admitted.digests]
    whole = hashlib.sha256()
    inflate = inflater(admitted.encoding, admitted.limit_bytes)
    held = bytearray()
    file: SpoolFile | None = None
    size = 0
    try:
        async for chunk in arrival.chunks:
            for _, hasher, _ in wire:
                hasher.update(chunk)
            for piece in (chunk,) if inflate is None else inflate.feed(chunk):
                size += len(piece)
                if size > admitted.limit_bytes:
                    raise Refused(
                        Reason.BODY_TOO_LARGE,
                        f"The limit for this format is {admitted.limit_bytes} bytes.",
                    )
                whole.update(piece)
                held += piece
                if file is None and len(held) > INLINE_BODY_BYTES:
                    file = intake.files.create(admitted.submission, data_key)
                while file is not None and len(held) >= SPOOL_CHUNK_BYTES:
                    file.write(bytes(held[:SPOOL_CHUNK_BYTES]))
                    del held[:SPOOL_CHUNK_BYTES]
        if inflate is not None:
            inflate.finish()
        if size == 0:
            raise Refused(Reason.BODY_EMPTY)
        for _, hasher, expected in wire:
            if not hmac.compare_digest(hasher.digest(), expected):
                raise Refused(Reason.DIGEST_MISMATCH)
        if file is not None and held:
            file.write(bytes(held))
    except BaseException:
        if file is not None:
            file.discard()
        raise
    body: Body = MemoryBody(bytes(held)) if file is None else await file.close()
    return Spooled(admitted, body, whole.digest(), data_key, intake.clock())


def ground(spooled: Spooled, intake: Intake) -> Grounded:
    """Still step 2, now that the bytes are known: the one format, the class, and why in law."""
    adapter = drafting.chosen_format(spooled, intake.formats)
    admitted = spooled.admitted
    grounds = intake.law.grounds(
        admitted.caller.classes,
        adapter.provider_classes,
        adapter.record_types,
        admitted.request,
        spooled.received_at.date(),
    )
    tag = intake.vault.tag(
        "content",
        admitted.caller.party.encode(),
        spooled.digest,
        b"" if admitted.request is None else admitted.request.id.encode(),
        (admitted.completes or "").encode(),
    )
    salt = intake.entropy(SALT_BYTES)
    statement = drafting.statement_of(spooled, adapter, grounds, intake.law.version, salt)
    return Grounded(spooled, adapter, grounds, statement, tag)


def read(grounded: Grounded, intake: Intake) -> Reading:
    """Steps 4 to 6 for a body in memory (`gateway.core.reading.take`)."""
    spooled = grounded.spooled
    mended = mended_by(spooled.admitted.completes, spooled.admitted.caller.party, intake)
    reading = take(
        spooled.body,
        grounded.adapter,
        ReadContext(spooled.received_at, intake.signers),
        grounded.grounds.record_types,
        Envelope(spooled.data_key, spooled.admitted.submission),
        intake.entropy,
        in_memory,
        mending_of(mended, intake),
    )
    return drafting.dated(reading, spooled.admitted.request, spooled.received_at)


def mending_of(mended: Mended | None, intake: Intake) -> Mending | None:
    """The open rows that a file is read against."""
    if mended is None:
        return None
    key = intake.vault.unwrap(mended.wrapped_key, mended.submission.encode())
    return Mending(key, mended.tags, mended.rows, mended.version)


async def commit(grounded: Grounded, reading: Reading, intake: Intake) -> Recorded:
    """Step 7: submission, bytes, blocks, ledger entries and routes (step 9), in one flush."""
    spooled, statement = grounded.spooled, drafting.accepted(grounded.statement, reading)
    envelope = Envelope(spooled.data_key, statement.submission)
    with spooled.body.open() as stream:
        sealed = envelope.seal(b"body", 0, stream.read(), intake.entropy(NONCE_BYTES))
    return await intake.journal.record(
        Draft(
            statement=statement,
            content_tag=grounded.content_tag,
            wrapped_key=intake.vault.wrap(spooled.data_key, statement.submission.encode()),
            key=spooled.admitted.key,
            body=sealed,
            blocks=reading.blocks,
            views=drafting.views_of(statement, intake.law),
            outcome=drafting.seal_outcome(reading, envelope, intake.entropy),
            **drafting.rows_of(spooled.admitted.completes, reading),
        ),
    )


# --- large bodies: first the bytes, then the outcome --------------------------------------------


async def hold(grounded: Grounded, intake: Intake) -> Recorded:
    """Make the bytes of a large body durable and give a receipt for them; the outcome follows."""
    spooled = grounded.spooled
    statement = msgspec.structs.replace(grounded.statement, outcome="received")
    pending = Pending(
        statement,
        grounded.adapter.name,
        tuple(sorted(grounded.grounds.record_types)),
        spooled.admitted.key,
        spooled.admitted.completes,
    )
    envelope = Envelope(spooled.data_key, statement.submission)
    packed = msgspec.msgpack.encode(pending)
    draft = Draft(
        statement=statement,
        content_tag=grounded.content_tag,
        wrapped_key=intake.vault.wrap(spooled.data_key, statement.submission.encode()),
        key=spooled.admitted.key,
        pending=envelope.seal(b"pending", 0, packed, intake.entropy(NONCE_BYTES)),
    )
    recorded = await intake.journal.hold(draft)
    if recorded.repeat:
        intake.files.discard(statement.submission)
    return recorded


async def _record_refusal(
    refusal: Refused,
    admitted: Admitted,
    spooled: Spooled | None,
    grounded: Grounded | None,
    intake: Intake,
) -> None:
    """A known sender's refusal stands in the ledger, with a receipt; a stranger's does not.

    Nor does one from before the first byte was read: then nothing was submitted. A key that
    conflicts, or a gateway that cannot store, refuses nothing of the content.
    """
    if refusal.meaning.status >= 500 or refusal.reason in _NOT_OF_THE_CONTENT:
        return
    if grounded is not None:
        statement = drafting.refused(grounded.statement, refusal.reason)
    else:
        salt, now = intake.entropy(SALT_BYTES), intake.clock()
        statement = drafting.refusal_of(
            admitted, spooled, refusal.reason, intake.law.version, salt, now
        )
    recorded = await intake.journal.refuse(Draft(statement))
    refusal.receipt = recorded.receipt
    refusal.submission = statement.submission
