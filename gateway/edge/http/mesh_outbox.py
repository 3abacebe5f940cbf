"""Handlers of the MESH API: sending a file, in one message or in chunks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway import mailbox as posting
from gateway.core.identity import Caller
from gateway.core.media import guess
from gateway.core.mesh import Labels, chunk_range, encoding, read_labels
from gateway.core.mesh_message import Sent, Told, checked, plain
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Answer, Arrival
from gateway.edge.http.exchange import chunks, mesh_credentials
from gateway.edge.http.keys import Front
from gateway.edge.http.mesh import answer, header_of, speaker
from gateway.edge.http.mesh_error import told
from gateway.edge.http.problem import problem
from gateway.submission import receive

_GZIP: Final = b"\x1f\x8b"
_HEAD_BYTES: Final = 512
_CHUNK: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


async def send(request: web.Request) -> web.Response:
    """POST /messageexchange/{mailbox}/outbox: a message, or the first of its chunks."""
    front, caller, accepted = await speaker(request)
    header, post = header_of(request), front.post
    labels = read_labels(header, caller.client, post.address)
    total = chunk_range(header, 1)
    given = request.headers.get("Idempotency-Key")
    key = posting.idempotency(caller.client, given, labels, post)
    pieces = plain(chunks(request), encoding(header), post.body_limit_bytes)
    if total == 1:
        sent = await _whole(request, front, caller, labels, key, pieces)
    else:
        sent = await _first(front, caller, labels, key, total, pieces)
    name = "messageID" if accepted < 2 else "message_id"
    return answer({name: sent.id}, accepted, 202)


async def _first(
    front: Front,
    caller: Caller,
    labels: Labels,
    key: str | None,
    total: int,
    pieces: AsyncIterator[bytes],
) -> Sent:
    post = front.post
    sent = posting.earlier(caller.client, key, post)
    if sent is None:
        posting.check_room(caller.client, post)
        sent = posting.draft(caller.client, labels, total, key, post)
    elif sent.total != total:
        raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
    try:
        await posting.add(sent, 1, total, pieces, post)
    except Refused as refusal:
        if refusal.reason is Reason.MESSAGE_LOCKED:
            raise Refused(Reason.IDEMPOTENCY_KEY_REUSED) from refusal
        raise
    return sent


async def _whole(
    request: web.Request,
    front: Front,
    caller: Caller,
    labels: Labels,
    key: str | None,
    pieces: AsyncIterator[bytes],
) -> Sent:
    post = front.post
    sent = posting.draft(caller.client, labels, 1, key, post)
    try:
        taken = await _submit(request, front, caller, labels, key, pieces)
    except Refused as refusal:
        if _is_of_the_transfer(refusal):
            raise
        await posting.refuse(sent, refusal, _words(refusal, front, sent), post)
        return sent
    if taken.recorded.repeat:
        known = posting.earlier(caller.client, key, post)
        if known is not None and known.submission == taken.recorded.id:
            return known
    await posting.take(sent, taken.recorded.id, post)
    return sent


async def add(request: web.Request) -> web.Response:
    """POST /messageexchange/{mailbox}/outbox/{id}/{chunk}: a further chunk; the last one sends."""
    front, caller, accepted = await speaker(request)
    header, post = header_of(request), front.post
    sent = posting.find(request.match_info["id"], caller.client, post)
    number = request.match_info["chunk"]
    if not _CHUNK.fullmatch(number) or number == "1":
        raise Refused(Reason.MESSAGE_HEADER_NOT_VALID, "The chunks that follow are 2 to n.")
    total = chunk_range(header, int(number))
    pieces = plain(chunks(request), encoding(header), post.body_limit_bytes)
    if await posting.add(sent, int(number), total, pieces, post) and sent.id not in post.busy:
        post.busy.add(sent.id)
        try:
            await _complete(request, front, caller, sent)
        finally:
            post.busy.discard(sent.id)
    if accepted < 2:
        return answer({"messageID": sent.id, "blockID": int(number)}, accepted, 202)
    return web.Response(status=202)


async def _complete(request: web.Request, front: Front, caller: Caller, sent: Sent) -> None:
    """Every chunk is here: take the way in. The sender has an id by now, so a refusal is a report."""
    post = front.post
    labels = posting.labels_of(sent, post)
    key = f"mesh-{sent.id}"  # what was taken before a crash is not taken twice
    try:
        taken = await _submit(request, front, caller, labels, key, posting.content(sent, post))
    except Refused as refusal:
        if refusal.meaning.status >= 500 or refusal.meaning.status == 409:
            raise
        await posting.refuse(sent, refusal, _words(refusal, front, sent), post)
    else:
        await posting.take(sent, taken.recorded.id, post)


async def _submit(
    request: web.Request,
    front: Front,
    caller: Caller,
    labels: Labels,
    key: str | None,
    pieces: AsyncIterator[bytes],
) -> Answer:
    """The one way in (`gateway.submission.receive`), for a caller who has been let in."""
    flow = checked(pieces, labels.checksum)
    head = await _head(flow)
    if not head:
        raise Refused(Reason.MESSAGE_EMPTY)
    zipped = labels.compressed and head.startswith(_GZIP)
    arrival = Arrival(
        credentials=mesh_credentials(request),
        content_type=labels.content_type or guess(labels.filename.removesuffix(".gz"), head),
        content_encoding="gzip" if zipped else None,
        content_digest=None,
        idempotency_key=key,
        request=labels.what_for.request,
        length=None,
        chunks=_after(head, flow),
        completes=labels.what_for.completes,
    )
    taken = await receive(arrival, replace(front.intake, door=posting.Known(caller)))
    recorded = taken.recorded
    if recorded.state == "received":
        front.conclude(recorded.id)
    if not recorded.repeat:
        size = "large" if recorded.state == "received" else "small"
        rows = recorded.rows
        front.metrics.submission(recorded.state, size, rows.accepted, rows.refused)
    return taken


async def _head(flow: AsyncIterator[bytes]) -> bytes:
    """Enough of a file to tell what it is."""
    held = b""
    async for part in flow:
        held += part
        if len(held) >= _HEAD_BYTES:
            break
    return held


async def _after(head: bytes, flow: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for part in flow:
        yield part


def _is_of_the_transfer(refusal: Refused) -> bool:
    """Whether a refusal is answered at once: nothing was refused of what the file says."""
    return refusal.receipt is None or refusal.reason in posting.TRANSFER


def _words(refusal: Refused, front: Front, sent: Sent) -> Told:
    body = problem(refusal, front.issuer, sent.id).body
    assert isinstance(body, bytes)
    return Told(body, refusal.receipt, told(refusal))
