"""A refusal at the mailbox door, in the words of the MESH API; the only place that knows both.

Version 2 is `{message_id, internal_id, detail: [{event, code, msg}]}`, version 1 has the same flat
(mesh-api.yaml of NHSDigital). The codes are MESH's where it has one, else the slug of the reason.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.core.mesh import media_type_of, version
from gateway.core.mesh_token import SCHEME
from gateway.core.refusal import Reason, Refused

PREFIX: Final = "/messageexchange/"

_SEND: Final = "SEND"
_CODES: Final = {
    Reason.MAILBOX_TOKEN_NOT_VALID: (_SEND, "07"),
    Reason.MAILBOX_TOKEN_USED: (_SEND, "07"),
    Reason.RECIPIENT_UNKNOWN: (_SEND, "12"),
    Reason.WORKFLOW_UNKNOWN: (_SEND, "17"),
    Reason.CLASS_NOT_ENTITLED: (_SEND, "16"),
    Reason.NO_PURPOSE: (_SEND, "16"),
    Reason.MESSAGE_EMPTY: ("COLLECT", "02"),
    Reason.MESSAGE_HEADER_NOT_VALID: ("TRANSFER", "06"),
    Reason.NOT_FOUND: ("RECEIVE", "20"),
}
_BY_SLUG: Final = {reason.value: reason for reason in Reason}


def coded(slug: str) -> tuple[str, str]:
    """The event and the code of a reason."""
    return _CODES.get(_BY_SLUG[slug], (_SEND, slug))


def told(refusal: Refused) -> str:
    """A refusal in one line: what happened, and what to do next."""
    text = refusal.detail or f"{refusal.meaning.title}."
    return f"{text} {refusal.meaning.fix}"


def mesh_problem(refusal: Refused, accept: str | None, instance: str) -> web.Response:
    """The answer for a refusal; `instance` is the correlation id of the exchange."""
    try:
        accepted = version(accept)
    except Refused:
        accepted = 2
    event, code = coded(refusal.reason.value)
    text = told(refusal)
    body: dict[str, Any] = (
        {"errorEvent": event, "errorCode": code, "errorDescription": text}
        if accepted < 2
        else {"internal_id": instance, "detail": [{"event": event, "code": code, "msg": text}]}
    )
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.meaning.status == 401:
        headers["WWW-Authenticate"] = SCHEME
    return web.Response(
        status=refusal.meaning.status,
        body=msgspec.json.encode(body),
        content_type=media_type_of(accepted),
        headers=headers,
    )
