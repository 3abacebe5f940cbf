"""Handlers: reading a feed and acknowledging it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway import feed
from gateway.core.limits import FEED_PAGE_RECORDS, FEED_PAGE_RECORDS_MAX, LONG_POLL_SECONDS
from gateway.core.refusal import Reason, Refused
from gateway.core.strict_json import strict_object
from gateway.edge.http.exchange import credentials, small_body, whole_number
from gateway.edge.http.keys import FRONT

FEED_TYPE = "application/x-ndjson"


async def read(request: web.Request) -> web.StreamResponse:
    """GET /v1/feeds/{name}: a page of JSON lines."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), feed.SCOPE)
    page = await feed.read_page(
        caller,
        request.match_info["name"],
        front.counter,
        after=request.query.get("after"),
        limit=whole_number(request, "limit", FEED_PAGE_RECORDS, 1, FEED_PAGE_RECORDS_MAX),
        wait=whole_number(request, "wait", 0, 0, LONG_POLL_SECONDS),
        proofs=whole_number(request, "proofs", 1, 0, 1) == 1,
        present=lambda: request.transport is not None and not request.transport.is_closing(),
    )
    return web.Response(
        body=b"\n".join(page.lines) + b"\n",
        content_type=FEED_TYPE,
        headers={"Feed-Next": page.next},
    )


async def acknowledge(request: web.Request) -> web.Response:
    """POST /v1/feeds/{name}/ack: everything up to a cursor is in the consumer's hands."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), feed.SCOPE)
    body = await _object(request)
    cursor = body.get("cursor")
    if not isinstance(cursor, str) or len(body) != 1:
        raise Refused(Reason.PARAMETER_NOT_VALID, 'Send {"cursor": "..."} and nothing else.')
    upto = await feed.acknowledge(caller, request.match_info["name"], cursor, front.counter)
    return web.json_response({"acknowledged": upto})


async def _object(request: web.Request) -> dict[str, Any]:
    return strict_object(await small_body(request))
