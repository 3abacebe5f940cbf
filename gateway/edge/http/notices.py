"""Handlers: the notices that went to the caller, and what they said."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from gateway import request as asking
from gateway.core.envelope import Envelope
from gateway.core.notice_item import Notice, Wording
from gateway.core.refusal import Reason, Refused
from gateway.edge.http.exchange import credentials, whole_number
from gateway.edge.http.keys import FRONT
from gateway.edge.http.requests import as_json


async def listed(request: web.Request) -> web.Response:
    """GET /v1/notices: which notices went to us, the newest first."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    limit = whole_number(request, "limit", 50, 1, 500)
    found = front.notices.sent_to_party(caller.party, request.query.get("before"), limit)
    return as_json({"notices": [_shown(each) for each in found]})


async def one(request: web.Request) -> web.Response:
    """GET /v1/notices/{id}: what one of them said, word for word."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    found = front.notices.one(request.match_info["id"])
    if found is None or found.correspondent != caller.party or found.sent is None:
        raise Refused(Reason.NOT_FOUND)
    if found.wrapped_key is None or found.sealed is None:
        raise Refused(Reason.CONTENT_GONE)
    key = front.unwrap(found.wrapped_key, found.id.encode())
    opened = Envelope(key, found.id).open(b"notice", 0, found.sealed)
    said = msgspec.json.decode(opened, type=Wording)
    words = {"language": said.language, "subject": said.subject, "body": said.body}
    return as_json(_shown(found) | words)


def _shown(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "request": notice.request,
        "form": notice.form,
        "sent": notice.sent,
        "deemed_on": notice.deemed_on,
        "state": notice.state,
    }
