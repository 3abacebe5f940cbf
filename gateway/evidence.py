"""THE EVIDENCE: a request that was not answered, as one signed archive that proves itself.

It is made and kept when a request is escalated, and made anew for whoever asked, at any time. What
it holds is what was asked, of whom and on which ground, each notice with its words and the day on
which it counts as served, each step, and for every one of these its entry with the proof.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.core.envelope import NONCE_BYTES, Envelope, derive
from gateway.core.evidence_pack import evidence_pack, pack_entry
from gateway.core.notice_item import NOTICE_SALT, Notice, Wording, text_of
from gateway.core.pack_item import Pack, PackEvent, PackNotice, PackRequest
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Happened, Stored
from gateway.core.request_life import left


class Kept(Protocol):
    """Remembers requests, what happened to them, and packs; `keep` is durable on return."""

    def request(self, identity: str) -> Stored | None: ...
    def history(self, identity: str) -> list[Happened]: ...
    def pack(self, identity: str) -> tuple[str, bytes] | None: ...
    async def keep_pack(self, identity: str, made: str, digest: bytes, sealed: bytes) -> None: ...


class Notices(Protocol):
    """Remembers notices."""

    def of_request(self, request: str) -> list[Notice]: ...


class Ledger(Protocol):
    """The committed ledger."""

    def checkpoint(self) -> tuple[int, str]: ...
    def entry(self, index: int) -> bytes: ...
    def inclusion(self, index: int, size: int) -> list[bytes]: ...


class Vault(Protocol):
    """Unwraps keys."""

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Binder:
    """What packs are made of; built once by `gateway.wiring`. `name` is an organisation's."""

    kept: Kept
    notices: Notices
    ledger: Ledger
    vault: Vault
    name: Callable[[str], str]
    sign: Callable[[bytes], bytes]
    vkey: str
    origin: str
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]


async def keep(identity: str, binder: Binder) -> None:
    """Make the pack of a request and keep it, sealed under the request's own key."""
    request = binder.kept.request(identity)
    assert request is not None, "what does not exist was escalated"
    if request.erased is not None:
        return
    data = bound(request, binder)
    made = binder.clock().isoformat()
    envelope = Envelope(binder.vault.unwrap(request.wrapped_key, identity.encode()), identity)
    sealed = envelope.seal(b"pack", 0, data, binder.entropy(NONCE_BYTES))
    await binder.kept.keep_pack(identity, made, hashlib.sha256(data).digest(), sealed)


def opened(request: Stored, binder: Binder, *, fresh: bool) -> bytes:
    """The pack that was kept, or one of this moment; raises Refused(CONTENT_GONE) once erased."""
    if request.erased is not None:
        raise Refused(Reason.CONTENT_GONE)
    kept = None if fresh else binder.kept.pack(request.id)
    if kept is None:
        return bound(request, binder)
    key = binder.vault.unwrap(request.wrapped_key, request.id.encode())
    return Envelope(key, request.id).open(b"pack", 0, kept[1])


def bound(request: Stored, binder: Binder) -> bytes:
    """The pack of a request as of the newest checkpoint."""
    size, checkpoint = binder.ledger.checkpoint()
    # A commit shows in the tables a moment before its entries are proved: the next pack has it.
    history = [each for each in binder.kept.history(request.id) if each.entry < size]
    every = binder.notices.of_request(request.id)
    gone = [each for each in every if each.entry is not None and each.entry < size]
    sent = [_notice(each, binder) for each in gone]
    places = sorted({*(each.entry for each in history), *(each.entry for each in sent)})
    entries = tuple(
        pack_entry(
            place, binder.ledger.entry(place), binder.ledger.inclusion(place, size), checkpoint
        )
        for place in places
    )
    asked = PackRequest(
        id=request.id,
        kind=request.kind,
        organisation=request.organisation,
        organisation_name=binder.name(request.organisation),
        consumer=request.consumer,
        purposes=request.purposes,
        citation=request.citation,
        record_types=request.record_types,
        left=left(request.record_types, request.covered),
        due=request.due,
        history=tuple(
            PackEvent(
                event=each.event.value,
                state=each.state.value,
                at=each.at,
                by=each.by,
                entry=each.entry,
            )
            for each in history
        ),
    )
    pack = Pack(
        request=asked,
        notices=tuple(sorted(sent, key=lambda each: each.entry)),
        unsent=tuple(each.id for each in every if each not in gone),
        entries=entries,
        checkpoint=checkpoint,
        vkey=binder.vkey,
        origin=binder.origin,
        made_at=binder.clock(),
    )
    return evidence_pack(pack, binder.sign)


def _notice(notice: Notice, binder: Binder) -> PackNotice:
    assert notice.wrapped_key is not None, "a notice outlives its request"
    key = binder.vault.unwrap(notice.wrapped_key, notice.id.encode())
    opened_words = Envelope(key, notice.id).open(b"notice", 0, notice.sealed or b"")
    said = msgspec.json.decode(opened_words, type=Wording)
    assert notice.entry is not None
    assert notice.sent is not None
    # A letter counts from the day on which it is posted, which is told once it has been.
    counts = notice.form != "post" or notice.state == "delivered"
    return PackNotice(
        id=notice.id,
        kind=notice.kind,
        form=notice.form or "post",
        sent_at=notice.sent,
        deemed_served_on=notice.deemed_on if counts else None,
        deemed_citation=notice.deemed_by if counts else None,
        text=text_of(said),
        status=(notice.state,),
        entry=notice.entry,
        salt=derive(key, NOTICE_SALT),
    )
