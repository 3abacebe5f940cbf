"""Handlers: raising requests, looking at them, and every step of their life.

Whoever came with an access code (`gateway.access`) takes the same addresses as an organisation with
an account, for its one request.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import web

from gateway import access
from gateway import request as asking
from gateway.core.answer_lines import Excuse, Nothing, nil_lines, refusal_lines
from gateway.core.deadlines import uk_day
from gateway.core.identity import Caller
from gateway.core.permission import Asking
from gateway.core.question import NotAskable
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import INFORMATION, Stored
from gateway.core.request_life import State
from gateway.core.strict_json import strict_object
from gateway.edge.http.exchange import address_of, credentials, is_guest, small_body, whole_number
from gateway.edge.http.keys import FRONT
from gateway.edge.http.submissions import answered
from gateway.obligation import owed

QUESTION_TYPE: Final = "application/vnd.iso20022.auth.001.001.01+xml"
_LISTED: Final = 1_000


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, or the answer to it."""

    text: str


async def ask(request: web.Request) -> web.Response:
    """POST /v1/requests: a consumer asks an organisation."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    stored = await asking.ask(caller, await read(request, Asking), front.desk)
    told = {"id": stored.id, "raised": stored.raised, "state": stored.state, "due": stored.due}
    location = {"Location": f"/v1/requests/{stored.id}"}
    return as_json(told, status=201, headers=location)


async def requests(request: web.Request) -> web.Response:
    """GET /v1/requests: those the caller raised, or those sent to it."""
    front, caller = request.app[FRONT], await caller_of(request)
    states = request.query.getall("state", [])
    if not set(states) <= set(State):
        raise Refused(Reason.PARAMETER_NOT_VALID, f"state is one of: {', '.join(State)}.")
    found = asking.listed(
        caller,
        front.desk,
        states=states,
        batch=request.query.get("batch"),
        before=request.query.get("before"),
        limit=whole_number(request, "limit", _LISTED, 1, _LISTED),
    )
    return as_json({"requests": found})


async def one_request(request: web.Request) -> web.Response:
    """GET /v1/requests/{id}: one of them, as JSON or as an ISO 20022 message."""
    front, caller = request.app[FRONT], await caller_of(request)
    stored = asking.found(caller, request.match_info["id"], front.desk)
    if request.headers.get("Accept", "").split(";")[0].strip() == QUESTION_TYPE:
        return web.Response(body=_message(stored, caller, request), content_type=QUESTION_TYPE)
    return as_json(asking.in_full(stored, caller, front.desk))


def _message(stored: Stored, caller: Caller, request: web.Request) -> bytes:
    """A request as auth.001, signed; raises Refused(NOT_OFFERED) where that cannot say it."""
    front = request.app[FRONT]
    if stored.kind != INFORMATION or stored.erased is not None:
        raise Refused(Reason.NOT_OFFERED, "This request is offered as JSON alone.")
    try:
        return front.question(stored, asking.person_of(stored, caller, front.desk))
    except NotAskable as error:
        raise Refused(Reason.NOT_OFFERED, f"{error}. It is offered as JSON.") from error


async def issue(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/issue: send a draft on its way."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    return _stands(await asking.issue(caller, request.match_info["id"], front.desk))


async def withdraw(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/withdraw: ask no longer."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    return _stands(await asking.withdraw(caller, request.match_info["id"], front.desk))


async def acknowledge(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/acknowledge: it has arrived and is in hand."""
    front, caller = request.app[FRONT], await caller_of(request)
    return _stands(await asking.acknowledge(caller, request.match_info["id"], front.desk))


async def query(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/clarifications: ask the officer; the clock stands still."""
    front, caller = request.app[FRONT], await caller_of(request)
    text = (await read(request, Text)).text
    return _stands(await asking.query(caller, request.match_info["id"], text, front.desk), 201)


async def explain(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/clarifications/answer: the officer answers; the clock runs again."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), asking.SCOPE)
    text = (await read(request, Text)).text
    return _stands(await asking.explain(caller, request.match_info["id"], text, front.desk))


async def nil(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/nil: nothing is held of what was asked, or of a part of it."""
    front, caller = request.app[FRONT], await caller_of(request)
    said = await read(request, Nothing)
    stored = asking.asked_of(caller, request.match_info["id"], front.desk)
    lines = nil_lines(stored, said)
    return await answered(request, await front.answer(credentials(request), stored.id, lines))


async def refuse(request: web.Request) -> web.Response:
    """POST /v1/requests/{id}/refusal: the organisation does not answer, and says why."""
    front, caller = request.app[FRONT], await caller_of(request)
    said = await read(request, Excuse)
    stored = asking.asked_of(caller, request.match_info["id"], front.desk)
    lines = refusal_lines(stored, said, front.law, uk_day(front.desk.clock()))
    return await answered(request, await front.answer(credentials(request), stored.id, lines))


async def obligations(request: web.Request) -> web.Response:
    """GET /v1/obligations: what is owed, by when and on which ground."""
    front, caller = request.app[FRONT], await caller_of(request)
    return as_json(owed(caller, front.obligations))


async def exchange_code(request: web.Request) -> web.Response:
    """POST /v1/access: an access code for a session that opens its one request."""
    front = request.app[FRONT]
    said = await read(request, Code)
    session = await access.exchange(said.code, address_of(request), front.wicket)
    return as_json(
        {
            "access_token": session.token,
            "token_type": "Bearer",
            "expires": session.expires,
            "request": session.request,
        },
        status=201,
    )


async def another_code(request: web.Request) -> web.Response:
    """POST /v1/access/again: a fresh code, sent to where the organisation is reached."""
    front = request.app[FRONT]
    said = await read(request, Code)
    await access.again(said.code, address_of(request), front.wicket)
    told = "If the code was one of ours and its request is open, a fresh one is on its way."
    return as_json({"message": told}, status=202)


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access code, as it was typed."""

    code: str


async def caller_of(request: web.Request) -> Caller:
    """Who calls: a party with its certificate, or somebody with the session of an access code."""
    front, shown = request.app[FRONT], credentials(request)
    if is_guest(shown):
        return access.admitted(shown.token or "", asking.SCOPE, front.wicket)
    return await front.door.authenticate(shown, asking.SCOPE)


async def read(request: web.Request, kind: type[Any]) -> Any:
    """A small JSON body of a kind; raises Refused, naming the place and never the value."""
    body = await small_body(request)
    try:
        return msgspec.convert(strict_object(body) if body else {}, kind)
    except msgspec.ValidationError as error:
        raise Refused(Reason.JSON_NOT_VALID, _where(error)) from error


def as_json(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    return web.json_response(body=msgspec.json.encode(value), status=status, headers=headers)


def _stands(stored: Stored, status: int = 200) -> web.Response:
    told = {"id": stored.id, "state": stored.state, "due": stored.due}
    return as_json(told | {"clock_stopped": stored.stopped}, status=status)


def _where(error: msgspec.ValidationError) -> str:
    """The place of a validation error, without the value that was found there."""
    text = str(error)
    at = text.rfind(" - at `")
    return f"The member at {text[at + 7 : -1]} is not valid." if at >= 0 else "It is not valid."
