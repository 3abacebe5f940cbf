"""Handlers: sending a file, and asking what became of it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway import check as rehearsal
from gateway.archive import Taken, is_archive, take_apart
from gateway.core.drafting import open_outcome
from gateway.core.envelope import Envelope
from gateway.core.identity import Caller
from gateway.core.limits import ARCHIVE_ERRORS_SHOWN, ROW_ERRORS_SHOWN
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Answer, Arrival, Outcome, Recorded
from gateway.edge.http.exchange import EXCHANGE, chunks, credentials, is_guest, whole_number
from gateway.edge.http.keys import FRONT, Front
from gateway.edge.http.problem import document
from gateway.submission import SCOPE, receive

_PREFER_WAIT: Final = re.compile(r"(?:^|,)\s*wait=(\d{1,3})\s*(?:,|$)")
_WAIT_SECONDS: Final = 60
PROOF_TYPE: Final = "text/plain"


async def submit(request: web.Request) -> web.Response:
    """POST /v1/submissions: the body is the file itself."""
    front = request.app[FRONT]
    came = arrival(request)
    if is_guest(came.credentials):
        return await answered(request, await receive(came, front.guests))
    if is_archive(request.headers.get("Content-Type")):
        return await taken_apart(request, came)
    return await answered(request, await receive(came, front.intake))


async def check(request: web.Request) -> web.Response:
    """POST /v1/check: what a submission would hear; nothing is kept."""
    found = await rehearsal.check(arrival(request), request.app[FRONT].intake)
    found["errors"] = found["errors"][:ROW_ERRORS_SHOWN]
    return web.json_response(body=msgspec.json.encode(found))


async def taken_apart(request: web.Request, whole: Arrival) -> web.Response:
    """207 with what became of each file of an archive, where the archive was not refused whole."""
    return await told_apart(request, await take_apart(whole, request.app[FRONT].bench))


async def told_apart(
    request: web.Request, taken: list[Taken], *, counted: bool = False
) -> web.Response:
    """The same for files that were taken; `counted` where they are among the figures already."""
    front = request.app[FRONT]
    for one in taken:
        if isinstance(one.end, Answer) and one.end.recorded.state == "received":
            front.conclude(one.end.recorded.id)
    until = asyncio.get_running_loop().time() + _wait_seconds(request)
    files = []
    for one in taken:
        if isinstance(one.end, Refused):
            told = document(one.end, front.issuer, request[EXCHANGE], ARCHIVE_ERRORS_SHOWN)
            files.append({"name": one.name, "status": told["status"], "problem": told})
            continue
        left = max(0.0, until - asyncio.get_running_loop().time())
        status, recorded, outcome = await _settled(front, one.end, left, counted=counted)
        outcome = msgspec.structs.replace(outcome, errors=outcome.errors[:ARCHIVE_ERRORS_SHOWN])
        shown = summary(recorded, outcome)
        files.append({"name": one.name, "status": status, "outcome": shown})
    return web.json_response(body=msgspec.json.encode({"files": files}), status=207)


def arrival(request: web.Request) -> Arrival:
    """What came in on the wire."""
    header = request.headers.get
    return Arrival(
        credentials=credentials(request),
        content_type=header("Content-Type"),
        content_encoding=header("Content-Encoding"),
        content_digest=header("Content-Digest"),
        idempotency_key=header("Idempotency-Key"),
        request=header("Request-Id"),
        length=request.content_length,
        chunks=chunks(request),
        completes=header("Completes"),
    )


async def answered(request: web.Request, answer: Answer, *, counted: bool = False) -> web.Response:
    """201 with the outcome, 200 for a repeat, 202 while the outcome of a large file follows."""
    front, wait = request.app[FRONT], _wait_seconds(request)
    status, recorded, outcome = await _settled(front, answer, wait, counted=counted)
    headers = {"Location": f"/v1/submissions/{recorded.id}"}
    if recorded.repeat:
        headers["Idempotency-Replayed"] = "true"
    return web.json_response(
        body=msgspec.json.encode(summary(recorded, outcome)),
        status=status,
        headers=headers,
    )


async def _settled(
    front: Front, answer: Answer, seconds: float, *, counted: bool
) -> tuple[int, Recorded, Outcome]:
    """The status and the outcome of an answer; a large file's is waited for, for so long."""
    recorded, outcome = answer.recorded, Outcome(answer.errors, answer.notes, answer.rules)
    if recorded.state == "received":
        front.conclude(recorded.id)
        later = await front.concluded(recorded.id, seconds)
        if later is not None:
            recorded = replace(later, repeat=recorded.repeat)
    if recorded.state != "received" and (recorded.repeat or recorded is not answer.recorded):
        outcome = outcome_of(front, recorded)
    if not recorded.repeat and not counted:
        front.metrics.submission(
            recorded.state,
            "large" if recorded is not answer.recorded else "small",
            recorded.rows.accepted,
            recorded.rows.refused,
        )
    status = 202 if recorded.state == "received" else 200 if recorded.repeat else 201
    return status, recorded, outcome


def _wait_seconds(request: web.Request) -> float:
    match = _PREFER_WAIT.search(request.headers.get("Prefer", ""))
    return 0.0 if match is None else min(float(match[1]), _WAIT_SECONDS)


def summary(recorded: Recorded, outcome: Outcome) -> dict[str, Any]:
    """The outcome in the words of the API (schemas/openapi.json, `Outcome`)."""
    return {
        "id": recorded.id,
        "state": recorded.state,
        "recorded_at": recorded.recorded_at,
        "rows": recorded.rows,
        "open": recorded.open,
        "repeat": recorded.repeat,
        "notes": outcome.notes,
        "rules": outcome.rules,
        "errors": outcome.errors[:ROW_ERRORS_SHOWN],
        "receipt": recorded.receipt,
    }


async def find_own(request: web.Request) -> tuple[Caller, Recorded]:
    """The caller, and the submission of theirs that the address names; raises Refused."""
    front, shown = request.app[FRONT], credentials(request)
    door = front.wicket if is_guest(shown) else front.door
    caller = await door.authenticate(shown, SCOPE)
    recorded = front.journal.find(request.match_info["id"], caller.party)
    if recorded is not None and caller.only is not None:
        answered_one = front.journal.answers(recorded.id)
        recorded = recorded if answered_one == caller.only else None
    if recorded is None:
        raise Refused(Reason.NOT_FOUND)
    return caller, recorded


def outcome_of(front: Front, recorded: Recorded) -> Outcome:
    """Row errors and notes of a submission that has an outcome."""
    wrapped, sealed = front.journal.outcome(recorded.id)
    key = front.unwrap(wrapped, recorded.id.encode())
    return open_outcome(sealed, Envelope(key, recorded.id))


async def latest(request: web.Request) -> web.Response:
    """GET /v1/submissions: what this organisation sent, newest first."""
    front = request.app[FRONT]
    caller = await front.door.authenticate(credentials(request), SCOPE)
    limit = whole_number(request, "limit", 50, 1, 500)
    found = front.journal.latest(caller.party, request.query.get("before"), limit)
    return web.json_response(body=msgspec.json.encode({"submissions": found}))


async def show(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}: the outcome; waits for it with ?wait=seconds."""
    front = request.app[FRONT]
    _, recorded = await find_own(request)
    wait = whole_number(request, "wait", 0, 0, _WAIT_SECONDS)
    if recorded.state == "received":
        recorded = await front.concluded(recorded.id, wait) or recorded
    outcome = Outcome() if recorded.state == "received" else outcome_of(front, recorded)
    return web.json_response(body=msgspec.json.encode(summary(recorded, outcome)))


async def receipt(request: web.Request) -> web.Response:
    """GET /v1/submissions/{id}/receipt: the receipt file."""
    _, recorded = await find_own(request)
    name = f'attachment; filename="{recorded.id}.tlog-proof"'
    return web.Response(
        text=recorded.receipt,
        content_type=PROOF_TYPE,
        headers={"Content-Disposition": name},
    )
