"""Handlers: resumable uploads by tus 1.0.0 (core, creation, checksum, expiration and termination)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from gateway import upload as uploading
from gateway.archive import Taken, is_archive, take_apart
from gateway.archive import admit as admit_archive
from gateway.core.ending import End, Ending, Fault, passes
from gateway.core.identity import Caller
from gateway.core.limits import ARCHIVE_ERRORS_SHOWN, UPLOAD_AGAIN_SECONDS
from gateway.core.media import CHECKSUM_BYTES, upload_checksum
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Answer, Arrival, Outcome, Presealed
from gateway.core.upload_item import Upload
from gateway.edge.http.exchange import chunks, credentials
from gateway.edge.http.keys import FRONT, Front
from gateway.edge.http.submissions import answered, arrival, outcome_of, told_apart
from gateway.submission import SCOPE, admit, receive

VERSION: Final = "1.0.0"
PART_TYPE: Final = "application/offset+octet-stream"
_METADATA_CHARS: Final = 2_000
_TUS: Final = {"Tus-Resumable": VERSION}


async def options(_: web.Request) -> web.Response:
    """OPTIONS /v1/uploads: what we speak."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": "creation,checksum,expiration,termination",
        "Tus-Checksum-Algorithm": ",".join(CHECKSUM_BYTES),
    }
    return web.Response(status=204, headers=_TUS | headers)


async def create(request: web.Request) -> web.Response:
    """POST /v1/uploads: begin; `Upload-Metadata` carries what headers say for a whole body."""
    front, caller = await _begin(request)
    length = _number(request, "Upload-Length")
    metadata = _metadata(request.headers.get("Upload-Metadata", ""))
    whole = _described(request, metadata, length)
    if is_archive(whole.content_type):
        admit_archive(whole, front.bench)
    else:
        admit(whole, caller, front.intake)
    upload = await uploading.begin(caller, length, metadata, front.depot)
    headers = {"Location": f"/v1/uploads/{upload.id}", "Upload-Expires": _expires(upload)}
    return web.Response(status=201, headers=_TUS | headers)


async def offset(request: web.Request) -> web.Response:
    """HEAD /v1/uploads/{id}: how much is durable."""
    front, caller = await _begin(request)
    upload = await uploading.standing(request.match_info["id"], caller, front.depot)
    return web.Response(headers=_standing(upload) | {"Upload-Length": str(upload.length)})


async def append(request: web.Request) -> web.Response:
    """PATCH /v1/uploads/{id}: the next part; the last one is answered with the outcome.

    So is an empty one behind it, as often as it comes.
    """
    front, caller = await _begin(request)
    upload = await uploading.standing(request.match_info["id"], caller, front.depot)
    if request.content_type != PART_TYPE:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, f"A part is sent as {PART_TYPE}.")
    begins = _number(request, "Upload-Offset")
    checksum = upload_checksum(request.headers.get("Upload-Checksum"))
    upload = await uploading.append(upload, begins, chunks(request), front.depot, checksum)
    headers = _standing(upload)
    if not upload.whole:
        return web.Response(status=204, headers=headers)
    metadata = msgspec.json.decode(upload.metadata, type=dict[str, str])
    whole = _described(request, metadata, upload.length)
    ending = await uploading.take(upload, partial(_way, front, whole), front.depot)
    if ending is None:
        again = {"Retry-After": str(UPLOAD_AGAIN_SECONDS)}
        return web.Response(status=204, headers=headers | again)
    response = await _told(request, front, caller, ending)
    response.headers.update(headers)
    return response


async def cancel(request: web.Request) -> web.Response:
    """DELETE /v1/uploads/{id}: forget it."""
    front, caller = await _begin(request)
    upload = uploading.find(request.match_info["id"], caller, front.depot)
    await uploading.forget(upload, front.depot)
    return web.Response(status=204, headers=_TUS)


# --- the last byte is here ----------------------------------------------------------------------


async def _way(front: Front, whole: Arrival, upload: Upload, kept: Presealed | None) -> Ending:
    """The way in (`gateway.submission.receive`) of an upload; raises Refused for what may pass."""
    earlier = front.journal.find(upload.submission, upload.organisation)
    if earlier is not None:  # taken before a crash
        return Ending((End(earlier.id),))
    body = await uploading.body(upload, front.depot)
    whole = replace(whole, chunks=uploading.content(body), presealed=kept)
    try:
        if is_archive(whole.content_type):
            taken = await take_apart(whole, front.bench)
            return Ending(tuple(_end(front, one.end, one.name) for one in taken), archive=True)
        intake = front.intake
        if kept is not None:
            intake = replace(intake, files=uploading.KeptFile(body))
        return Ending((_end(front, await receive(whole, intake)),))
    except Refused as refusal:
        if passes(refusal.reason):
            raise
        return Ending((End(fault=Fault.of(refusal)),))


def _end(front: Front, end: Answer | Refused, name: str = "") -> End:
    """What became of one file; a large one goes on to its outcome."""
    if isinstance(end, Refused):
        return End(fault=Fault.of(end, ARCHIVE_ERRORS_SHOWN), name=name)
    recorded, rows = end.recorded, end.recorded.rows
    large = recorded.state == "received"
    if large:
        front.conclude(recorded.id)
    if not recorded.repeat:
        size = "large" if large else "small"
        front.metrics.submission(recorded.state, size, rows.accepted, rows.refused)
    return End(recorded.id, recorded.repeat, name=name)


async def _told(request: web.Request, front: Front, caller: Caller, ending: Ending) -> web.Response:
    """The answer to an upload that has ended, the same each time but for an outcome that came."""
    ends = [_answer(front, caller, end) for end in ending.files]
    if ending.archive:
        taken = [Taken(file.name, end) for file, end in zip(ending.files, ends, strict=True)]
        return await told_apart(request, taken, counted=True)
    if isinstance(ends[0], Refused):
        raise ends[0]
    return await answered(request, ends[0], counted=True)


def _answer(front: Front, caller: Caller, end: End) -> Answer | Refused:
    if end.fault is not None:
        return end.fault.refusal()
    recorded = front.journal.find(end.submission, caller.party)
    if recorded is None:
        raise Refused(Reason.NOT_FOUND)
    outcome = Outcome() if recorded.state == "received" else outcome_of(front, recorded)
    recorded = replace(recorded, repeat=end.repeat)
    return Answer(recorded, outcome.errors, outcome.notes, outcome.rules)


# --- what is said in headers --------------------------------------------------------------------


async def _begin(request: web.Request) -> tuple[Front, Caller]:
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), SCOPE)
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"Send 'Tus-Resumable: {VERSION}'.")
    return front, caller


def _described(request: web.Request, metadata: dict[str, str], length: int) -> Arrival:
    return replace(
        arrival(request),
        content_type=metadata.get("content-type"),
        content_encoding=metadata.get("content-encoding"),
        content_digest=metadata.get("content-digest"),
        idempotency_key=metadata.get("idempotency-key"),
        request=metadata.get("request-id"),
        completes=metadata.get("completes"),
        length=length,
    )


def _metadata(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(header) > _METADATA_CHARS:
        raise Refused(Reason.PARAMETER_NOT_VALID, "Upload-Metadata is too long.")
    try:
        for pair in header.split(",") if header else ():
            name, _, value = pair.strip().partition(" ")
            if name.lower() in uploading.METADATA:
                found[name.lower()] = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise Refused(Reason.PARAMETER_NOT_VALID, "Upload-Metadata cannot be read.") from error
    return found


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refused(Reason.PARAMETER_NOT_VALID, f"{name} is a whole number of bytes.")
    return int(text)


def _standing(upload: Upload) -> dict[str, str]:
    return _TUS | {"Upload-Offset": str(upload.offset), "Upload-Expires": _expires(upload)}


def _expires(upload: Upload) -> str:
    return formatdate(upload.expires, usegmt=True)
