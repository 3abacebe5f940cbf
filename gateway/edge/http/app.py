"""The route table, and the application made from it.

Every route says who may call it: `PUBLIC` (anybody), `PARTY` (a certificate, and a token bound to
it, which the handler's story asks the door for), `GUEST` (the same, or the session of an access
code, which sees and answers one request), `MAILBOX` (a certificate, and a token of the MESH
API proved with the secrets of a mailbox) or `MONITOR` (an address of the operator's). A route
without a policy cannot be written, and a request that matches none gets the same answer as one for
something that is not there.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.core.refusal import Reason, Refused
from gateway.edge.client_certificate import is_within
from gateway.edge.http import (
    about,
    answer_page,
    bulk,
    corrections,
    feeds,
    matches,
    mesh,
    mesh_inbox,
    mesh_outbox,
    mesh_tracking,
    notices,
    requests,
    returns,
    submissions,
    uploads,
)
from gateway.edge.http.exchange import exchange
from gateway.edge.http.keys import FRONT, Front, Network

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Policy(enum.Enum):
    """Who may call a route."""

    PUBLIC = "anybody"
    PARTY = "a party, by certificate and token"
    GUEST = "a party, or somebody with the session of an access code, for its one request"
    MAILBOX = "an organisation, by certificate and MESH token"
    MONITOR = "the operator's monitoring"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table."""

    method: str
    path: str
    handler: Handler
    policy: Policy


# What is asked and answered; a party, or whoever came with an access code, for its one request.
ASKING: Final = (
    Route("POST", "/v1/requests", requests.ask, Policy.PARTY),
    Route("GET", "/v1/requests", requests.requests, Policy.GUEST),
    Route("POST", "/v1/requests/bulk", bulk.ask_many, Policy.PARTY),
    Route("POST", "/v1/requests/matches", bulk.look_up, Policy.PARTY),
    Route("GET", "/v1/requests/{id}", requests.one_request, Policy.GUEST),
    Route("POST", "/v1/requests/{id}/issue", requests.issue, Policy.PARTY),
    Route("POST", "/v1/requests/{id}/withdraw", requests.withdraw, Policy.PARTY),
    Route("POST", "/v1/requests/{id}/acknowledge", requests.acknowledge, Policy.GUEST),
    Route("POST", "/v1/requests/{id}/nil", requests.nil, Policy.GUEST),
    Route("POST", "/v1/requests/{id}/refusal", requests.refuse, Policy.GUEST),
    Route("POST", "/v1/requests/{id}/clarifications", requests.query, Policy.GUEST),
    Route("POST", "/v1/requests/{id}/clarifications/answer", requests.explain, Policy.PARTY),
    Route("GET", "/v1/requests/{id}/matches", matches.of_request, Policy.PARTY),
    Route("POST", "/v1/requests/{id}/matches", matches.judge, Policy.PARTY),
    Route("GET", "/v1/requests/{id}/evidence", matches.evidence, Policy.PARTY),
    Route("GET", "/v1/batches/{id}", bulk.batch, Policy.PARTY),
    Route("POST", "/v1/batches/{id}/close", bulk.close, Policy.PARTY),
    Route("GET", "/v1/notices", notices.listed, Policy.PARTY),
    Route("GET", "/v1/notices/{id}", notices.one, Policy.PARTY),
    Route("GET", "/v1/obligations", requests.obligations, Policy.GUEST),
    Route("POST", "/v1/access", requests.exchange_code, Policy.PUBLIC),
    Route("POST", "/v1/access/again", requests.another_code, Policy.PUBLIC),
)

ROUTES: Final = (
    Route("POST", "/oauth2/token", about.token, Policy.PUBLIC),
    Route(
        "GET", "/.well-known/oauth-authorization-server", about.authorization_server, Policy.PUBLIC
    ),
    Route("GET", "/.well-known/jwks.json", about.jwks, Policy.PUBLIC),
    Route("POST", "/v1/submissions", submissions.submit, Policy.GUEST),
    Route("POST", "/v1/check", submissions.check, Policy.PARTY),
    Route("GET", "/v1/submissions", submissions.latest, Policy.PARTY),
    Route("GET", "/v1/submissions/{id}", submissions.show, Policy.GUEST),
    Route("GET", "/v1/submissions/{id}/errors", returns.errors, Policy.GUEST),
    Route("GET", "/v1/submissions/{id}/refused", returns.refused, Policy.PARTY),
    Route("GET", "/v1/submissions/{id}/receipt", submissions.receipt, Policy.GUEST),
    Route("POST", "/v1/submissions/{id}/corrections", corrections.correct, Policy.PARTY),
    Route("GET", "/v1/submissions/{id}/rejections", feeds.rejections, Policy.PARTY),
    Route("GET", "/v1/submissions/{id}/amendments", corrections.amendments, Policy.PARTY),
    Route("OPTIONS", "/v1/uploads", uploads.options, Policy.PUBLIC),
    Route("POST", "/v1/uploads", uploads.create, Policy.PARTY),
    Route("HEAD", "/v1/uploads/{id}", uploads.offset, Policy.PARTY),
    Route("PATCH", "/v1/uploads/{id}", uploads.append, Policy.PARTY),
    Route("DELETE", "/v1/uploads/{id}", uploads.cancel, Policy.PARTY),
    *ASKING,
    Route("GET", "/v1/feeds/{name}", feeds.read, Policy.PARTY),
    Route("GET", "/v1/feeds/{name}/status", feeds.status, Policy.PARTY),
    Route("POST", "/v1/feeds/{name}/ack", feeds.acknowledge, Policy.PARTY),
    Route("GET", "/messageexchange/_ping", mesh.ping, Policy.PUBLIC),
    Route("GET", "/messageexchange/endpointlookup/{ods}/{workflow}", mesh.look_up, Policy.MAILBOX),
    Route("POST", "/messageexchange/{mailbox}", mesh.handshake, Policy.MAILBOX),
    Route("GET", "/messageexchange/{mailbox}", mesh.handshake, Policy.MAILBOX),
    Route("GET", "/messageexchange/{mailbox}/count", mesh_inbox.count, Policy.MAILBOX),
    Route("POST", "/messageexchange/{mailbox}/outbox", mesh_outbox.send, Policy.MAILBOX),
    Route("GET", "/messageexchange/{mailbox}/outbox/tracking", mesh_tracking.track, Policy.MAILBOX),
    Route(
        "GET",
        "/messageexchange/{mailbox}/outbox/tracking/{local}",
        mesh_tracking.track_local,
        Policy.MAILBOX,
    ),
    Route(
        "POST", "/messageexchange/{mailbox}/outbox/{id}/{chunk}", mesh_outbox.add, Policy.MAILBOX
    ),
    Route("GET", "/messageexchange/{mailbox}/inbox", mesh_inbox.listing, Policy.MAILBOX),
    Route("GET", "/messageexchange/{mailbox}/inbox/{id}", mesh_inbox.collect, Policy.MAILBOX),
    Route("HEAD", "/messageexchange/{mailbox}/inbox/{id}", mesh_inbox.collect, Policy.MAILBOX),
    Route(
        "GET",
        "/messageexchange/{mailbox}/inbox/{id}/{chunk}",
        mesh_inbox.collect_chunk,
        Policy.MAILBOX,
    ),
    Route(
        "PUT",
        "/messageexchange/{mailbox}/inbox/{id}/status/acknowledged",
        mesh_inbox.acknowledge,
        Policy.MAILBOX,
    ),
    Route("GET", "/v1/ledger/checkpoint", about.checkpoint, Policy.PUBLIC),
    Route("GET", "/v1/ledger/vkey", about.vkey, Policy.PUBLIC),
    Route("GET", "/v1/ledger/tile/{path:.+}", about.tile, Policy.PUBLIC),
    Route("GET", r"/v1/ledger/proof/{index:\d+}", about.proof, Policy.PUBLIC),
    Route("GET", "/v1/formats", about.formats, Policy.PUBLIC),
    Route("GET", "/v1/schemas/{file}", about.record_schema, Policy.PUBLIC),
    Route("GET", "/v1/templates/{file}", about.template, Policy.PUBLIC),
    Route("GET", "/problems/{slug}", about.problem_type, Policy.PUBLIC),
    Route("GET", "/openapi.json", about.openapi, Policy.PUBLIC),
    Route("GET", "/docs", about.docs, Policy.PUBLIC),
    Route("GET", "/answer", answer_page.page, Policy.PUBLIC),
    Route("GET", "/health/live", about.live, Policy.PUBLIC),
    Route("GET", "/health/ready", about.ready, Policy.PUBLIC),
    Route("GET", "/metrics", about.metrics, Policy.MONITOR),
)


def application(
    front: Front,
    monitors: tuple[Network, ...],
    beside: tuple[Route, ...] = (),
    around: tuple[Middleware, ...] = (),
) -> web.Application:
    """The aiohttp application; its handlers find everything in `front`.

    `beside` are more routes than the table's, `around` what stands around every handler.
    """
    app = web.Application(middlewares=(exchange, *around))
    app[FRONT] = front
    for route in (*ROUTES, *beside):
        handler = route.handler
        if route.policy is Policy.MONITOR:
            handler = _monitored(handler, monitors)
        # A GET must not answer HEAD by itself: what is not in the table is not there.
        app.router.add_route(route.method, route.path, handler)
    return app


def _monitored(handler: Handler, monitors: tuple[Network, ...]) -> Handler:
    async def checked(request: web.Request) -> web.StreamResponse:
        if not is_within(request.remote, monitors):
            raise Refused(Reason.NOT_FOUND)
        return await handler(request)

    return checked
