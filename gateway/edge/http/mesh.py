"""Handlers of the MESH API: who speaks, whether we are there, and where to send to.

The rest is in `mesh_outbox` and `mesh_inbox`. Routes, headers and answers are those of
mesh-api.yaml of NHSDigital, so that a client for it needs another address and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from gateway.core.identity import Caller
from gateway.core.limits import MESH_MAILBOX_CHARS, MESH_WORKFLOW_CHARS
from gateway.core.mesh import SUBMISSION, Header, media_type_of, version
from gateway.core.refusal import Reason, Refused
from gateway.edge.http.exchange import mesh_credentials
from gateway.edge.http.keys import FRONT, Front
from gateway.submission import SCOPE

_NAME = "Child Maintenance Service information gateway"


async def speaker(request: web.Request) -> tuple[Front, Caller, int]:
    """Who speaks, with their token used up, and in which version they want to be answered."""
    front = request.app[FRONT]
    caller = await front.mailboxes.authenticate(mesh_credentials(request), SCOPE)
    return front, caller, version(request.headers.get("Accept"))


def header_of(request: web.Request) -> Header:
    """Every value of a header, by its name."""

    def values(name: str) -> Sequence[str]:
        return request.headers.getall(name, [])

    return values


def answer(value: Any, accepted: int, status: int = 200) -> web.Response:
    """A JSON answer in the version asked for."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type=media_type_of(accepted)
    )


async def ping(_: web.Request) -> web.Response:
    """GET /messageexchange/_ping: we are there."""
    return web.json_response({"status": "running", "outcome": "Yes"})


async def handshake(request: web.Request) -> web.Response:
    """POST or GET /messageexchange/{mailbox}: certificate, mailbox and token are right."""
    _, caller, accepted = await speaker(request)
    return answer({"mailboxId": caller.client}, accepted)


async def look_up(request: web.Request) -> web.Response:
    """GET /messageexchange/endpointlookup/{ods}/{workflow}: our mailbox, for what we take."""
    front, _, accepted = await speaker(request)
    code, workflow = request.match_info["ods"], request.match_info["workflow"]
    if len(code) > MESH_MAILBOX_CHARS or len(workflow) > MESH_WORKFLOW_CHARS:
        raise Refused(Reason.PARAMETER_NOT_VALID, "The code or the workflow id is too long.")
    ours = code.upper() == front.post.code and workflow == SUBMISSION
    if accepted < 2:
        found = {"address": front.post.address, "description": _NAME, "endpoint_type": "MESH"}
        return answer({"query_id": front.post.new_id("qry"), "results": [found] * ours}, accepted)
    found = {"mailbox_id": front.post.address, "mailbox_name": _NAME}
    return answer({"results": [found] * ours}, accepted)
