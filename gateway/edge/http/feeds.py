"""Handlers: reading a feed, saying what became of it, and where one stands."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway import feed, uptake
from gateway.core.limits import FEED_PAGE_RECORDS, FEED_PAGE_RECORDS_MAX, LONG_POLL_SECONDS
from gateway.core.rejection import uptake as said_in
from gateway.core.strict_json import strict_object
from gateway.edge.http.exchange import credentials, small_body, whole_number
from gateway.edge.http.keys import FRONT


async def read(request: web.Request) -> web.StreamResponse:
    """GET /v1/feeds/{name}: a page of events, one to a line, signed as a whole."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), feed.SCOPE)
    page = await feed.read_page(
        caller,
        request.match_info["name"],
        front.counter,
        after=request.query.get("after"),
        first=whole_number(request, "from", 1, 1, 1 << 53) if "from" in request.query else None,
        limit=whole_number(request, "limit", FEED_PAGE_RECORDS, 1, FEED_PAGE_RECORDS_MAX),
        wait=whole_number(request, "wait", 0, 0, LONG_POLL_SECONDS),
        proofs=whole_number(request, "proofs", 1, 0, 1) == 1,
        present=lambda: request.transport is not None and not request.transport.is_closing(),
    )
    headers = feed.signed(page, front.counter)
    return web.Response(body=page.content, headers=headers | {"Feed-Next": page.next})


async def acknowledge(request: web.Request) -> web.Response:
    """POST /v1/feeds/{name}/ack: what is in the consumer's hands, in use, or of no use."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), feed.SCOPE)
    said = said_in(strict_object(await small_body(request)))
    stands = await uptake.take(caller, request.match_info["name"], said, front.taking)
    return _standing(stands)


async def status(request: web.Request) -> web.Response:
    """GET /v1/feeds/{name}/status: where the consumer stands, and how far it lags."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), feed.SCOPE)
    return _standing(uptake.standing_of(caller, request.match_info["name"], front.taking))


async def rejections(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}/rejections: rows that a team could not use, and what to do."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), "submissions")
    found = uptake.rejections(caller, request.match_info["id"], front.taking)
    return web.json_response(body=msgspec.json.encode({"rejections": found}))


def _standing(standing: uptake.Standing) -> web.Response:
    told = {
        "feed": standing.feed,
        "end": standing.end,
        "delivered": standing.delivered,
        "used": standing.used,
        "rejected": standing.rejected,
        "waiting": standing.end - standing.delivered,
        "waiting_since": standing.oldest,
        "unused": standing.end - standing.used,
        "unused_since": standing.oldest_unused,
    }
    return web.json_response(body=msgspec.json.encode(told))
