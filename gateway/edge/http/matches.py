"""Handlers: which records were tied to a request, what an officer says of them, and its evidence."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from gateway import evidence as binding
from gateway import request as asking
from gateway.core.evidence_pack import MEDIA_TYPE
from gateway.core.identity import Caller
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.edge.http.exchange import credentials, whole_number
from gateway.edge.http.keys import FRONT
from gateway.edge.http.requests import as_json, read


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an officer says of a record that may be about the person."""

    submission: Annotated[str, msgspec.Meta(max_length=64)]
    row: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    verdict: Literal["confirmed", "rejected"]


async def of_request(request: web.Request) -> web.Response:
    """GET /v1/requests/{id}/matches: records tied to it, each with its score and its fields."""
    _, stored = await _raised(request)
    return as_json({"matches": request.app[FRONT].matches.of_request(stored.id)})


async def judge(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/matches: confirm or reject what is only possible."""
    caller, stored = await _raised(request)
    said = await read(request, Judgement)
    await request.app[FRONT].matches.judge(
        stored.id, said.submission, said.row, caller.party, confirmed=said.verdict == "confirmed"
    )
    return await of_request(request)


async def evidence(request: web.Request) -> web.Response:
    """GET /v1/requests/{id}/evidence: the signed archive, as kept or as of now."""
    _, stored = await _raised(request)
    fresh = whole_number(request, "fresh", 0, 0, 1) == 1
    data = binding.opened(stored, request.app[FRONT].binder, fresh=fresh)
    named = f'attachment; filename="{stored.id}.evidence.zip"'
    return web.Response(body=data, content_type=MEDIA_TYPE, headers={"Content-Disposition": named})


async def _raised(request: web.Request) -> tuple[Caller, Stored]:
    """The consumer, and the request of theirs that the address names; raises Refused."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    if caller.kind != "consumer":
        raise Refused(Reason.NOT_PERMITTED, "Only the consumer that asked can see this.")
    return caller, asking.found(caller, request.match_info["id"], front.desk)
