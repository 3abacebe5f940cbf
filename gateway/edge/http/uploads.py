"""Handlers: resumable uploads by tus 1.0.0 (core, creation, checksum, expiration and termination)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from email.utils import formatdate
from typing import Final

import msgspec
from aiohttp import web

from gateway import upload as uploading
from gateway.archive import admit as admit_archive
from gateway.archive import is_archive
from gateway.core.identity import Caller
from gateway.core.media import CHECKSUM_BYTES, upload_checksum
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Arrival
from gateway.edge.http.exchange import chunks, credentials
from gateway.edge.http.keys import FRONT, Front
from gateway.edge.http.submissions import answered, arrival, taken_apart
from gateway.submission import SCOPE, admit, receive
from gateway.upload import Upload

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
    upload = uploading.find(request.match_info["id"], caller, front.depot)
    headers = {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Expires": _expires(upload),
    }
    return web.Response(headers=_TUS | headers)


async def append(request: web.Request) -> web.Response:
    """PATCH /v1/uploads/{id}: the next part; the last one is answered with the outcome."""
    front, caller = await _begin(request)
    upload = uploading.find(request.match_info["id"], caller, front.depot)
    if request.content_type != PART_TYPE:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, f"A part is sent as {PART_TYPE}.")
    begins = _number(request, "Upload-Offset")
    checksum = upload_checksum(request.headers.get("Upload-Checksum"))
    upload = await uploading.append(upload, begins, chunks(request), front.depot, checksum)
    headers = _TUS | {"Upload-Offset": str(upload.offset)}
    if upload.offset < upload.length:
        return web.Response(status=204, headers=headers)
    response = await _whole(request, front, upload)
    response.headers.update(headers)
    return response


async def cancel(request: web.Request) -> web.Response:
    """DELETE /v1/uploads/{id}: forget it."""
    front, caller = await _begin(request)
    await uploading.end(uploading.find(request.match_info["id"], caller, front.depot), front.depot)
    return web.Response(status=204, headers=_TUS)


async def _whole(request: web.Request, front: Front, upload: Upload) -> web.Response:
    """The last byte is here: take the way in (`gateway.submission.receive`)."""
    metadata = msgspec.json.decode(upload.metadata, type=dict[str, str])
    body = replace(
        _described(request, metadata, upload.length),
        chunks=uploading.content(upload, front.depot),
    )
    try:
        if is_archive(body.content_type):
            response = await taken_apart(request, body)
            await uploading.end(upload, front.depot)
            return response
        answer = await receive(body, front.intake)
    except Refused as refusal:
        # Neither the gateway's own trouble nor a twin under way is a reason to send it all again.
        if refusal.meaning.status < 500 and refusal.meaning.status != 409:
            await uploading.end(upload, front.depot)
        raise
    await uploading.end(upload, front.depot)
    return await answered(request, answer)


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


def _expires(upload: Upload) -> str:
    return formatdate(upload.expires, usegmt=True)
