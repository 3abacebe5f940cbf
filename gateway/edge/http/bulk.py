"""Handlers: many requests from one file, a list to be answered, and what an organisation may ask."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from gateway import bulk, matching
from gateway import request as asking
from gateway.core.answer_lines import batch_line
from gateway.core.limits import BULK_BODY_BYTES
from gateway.core.media import media_type
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Outcome
from gateway.edge.http.exchange import chunks, credentials
from gateway.edge.http.keys import FRONT
from gateway.edge.http.requests import as_json
from gateway.edge.http.submissions import summary

_LINES: Final = "application/x-ndjson"


async def ask_many(request: web.Request) -> web.Response:
    """POST /v1/requests/bulk: a request for each row."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    kind = media_type(request.headers.get("Content-Type"))
    raised = await bulk.ask_many(caller, await _body(request), kind, front.desk)
    return as_json(raised._asdict(), status=200 if raised.repeat else 207)


async def batch(request: web.Request) -> web.Response:
    """GET /v1/batches/{id}: the list, as JSON lines or CSV."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    lines = bulk.listed(caller, request.match_info["id"], front.desk)
    if request.headers.get("Accept", "").startswith(bulk.CSV):
        return web.Response(body=bulk.as_csv(lines), content_type=bulk.CSV, charset="utf-8")
    body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    return web.Response(body=body, content_type=_LINES)


async def close(request: web.Request) -> web.Response:
    """POST /v1/batches/{id}/close: who is left of the list is not known."""
    front, shown = request.app[FRONT], credentials(request)
    caller = await front.door.authenticate(shown, asking.SCOPE)
    identity = request.match_info["id"]
    if caller.kind != "organisation":
        raise Refused(Reason.NOT_PERMITTED, "Only the organisation that is asked can do this.")
    bulk.listed(caller, identity, front.desk)
    await matching.match_new(front.table)  # what was sent and not yet looked at is no nil
    answer = await front.answer(shown, identity, batch_line(identity))
    closed = await front.close_batch(identity, answer.recorded.id, caller.party)
    told = summary(answer.recorded, Outcome(answer.errors, answer.notes, answer.rules))
    return as_json({"closed": closed, "outcome": told}, status=201)


async def look_up(request: web.Request) -> web.Response:
    """POST /v1/requests/matches: which open requests a file of ours would answer; nothing is kept."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    kind = media_type(request.headers.get("Content-Type"))
    found = await matching.look_up(
        caller,
        await _body(request),
        kind,
        front.formats,
        front.law,
        front.table,
        front.desk.clock(),
    )
    return as_json({"matches": found})


async def _body(request: web.Request) -> bytes:
    held = bytearray()
    async for chunk in chunks(request):
        held += chunk
        if len(held) > BULK_BODY_BYTES:
            raise Refused(Reason.BODY_TOO_LARGE, f"The limit here is {BULK_BODY_BYTES} bytes.")
    if not held:
        raise Refused(Reason.BODY_EMPTY)
    return bytes(held)
