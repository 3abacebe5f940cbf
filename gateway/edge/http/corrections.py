"""Handlers: correcting what was sent before, and seeing who has taken note."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway import correction
from gateway.core.stages import Answer
from gateway.edge.http.exchange import credentials, small_body
from gateway.edge.http.keys import FRONT
from gateway.edge.http.submissions import answered


async def correct(request: web.Request) -> web.Response:
    """POST /v1/submissions/{id}/corrections: tell whoever received it what holds now."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), correction.SCOPE)
    body = await small_body(request)
    recorded = await correction.correct(caller, request.match_info["id"], body, front.clerk)
    return await answered(request, Answer(recorded))


async def amendments(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}/amendments: what completed or corrected it, and who knows."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), correction.SCOPE)
    found = correction.followed(caller, request.match_info["id"], front.clerk)
    return web.json_response(body=msgspec.json.encode({"amendments": found}))
