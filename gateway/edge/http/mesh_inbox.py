"""Handlers of the MESH API: what lies in an inbox, collecting it, and acknowledging it.

A message is made of what the journal holds each time it is collected; nothing of it is stored.
"""

from __future__ import annotations

import gzip
import re
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from gateway import mailbox as posting
from gateway import request as asking
from gateway.core.identity import Caller
from gateway.core.limits import MESH_PAGE, MESH_PAGE_MAX, MESH_PAGE_MIN
from gateway.core.mesh import BY_DEFAULT, SUBMISSION, piece
from gateway.core.mesh_message import Sent, Waiting
from gateway.core.refusal import Reason, Refused
from gateway.edge.http.exchange import whole_number
from gateway.edge.http.keys import Front
from gateway.edge.http.mesh import answer, speaker
from gateway.edge.http.mesh_tracking import compact, fate_of
from gateway.edge.http.submissions import PROOF_TYPE, outcome_of, summary

_JSON: Final = "application/json"
_CHUNK: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
# Below this a compressed answer is hardly smaller.
_WORTH_GZIP_BYTES: Final = 1_024
_HEADER_CHARS: Final = 500


async def listing(request: web.Request) -> web.Response:
    """GET /messageexchange/{mailbox}/inbox: ids of what waits, oldest first, by the page."""
    front, caller, accepted = await speaker(request)
    limit = whole_number(request, "max_results", MESH_PAGE, MESH_PAGE_MIN, MESH_PAGE_MAX)
    pattern, after = request.query.get("workflow_filter"), request.query.get("continue_from")
    # One more than asked for says whether there is a further page.
    found = await posting.inbox(caller.client, pattern, after, limit + 1, front.post)
    page = [message.id for message in found[:limit]]
    if accepted < 2:
        return answer({"messages": page}, accepted)
    query = {"max_results": str(limit)} if "max_results" in request.query else {}
    if pattern:
        query["workflow_filter"] = pattern
    path = f"/messageexchange/{caller.client}/inbox"
    links = {"self": _link(path, query)}
    if len(found) > limit:
        links["next"] = _link(path, query | {"continue_from": page[-1]})
    count = front.post.messages.count(caller.client)
    return answer({"messages": page, "links": links, "approx_inbox_count": count}, accepted)


def _link(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


async def count(request: web.Request) -> web.Response:
    """GET /messageexchange/{mailbox}/count: how many messages wait."""
    front, caller, accepted = await speaker(request)
    waiting = await posting.counted(caller.client, front.post)
    more = {"internalID": front.post.new_id("qry"), "allResultsIncluded": True}
    return answer({"count": waiting} | (more if accepted < 2 else {}), accepted)


async def collect(request: web.Request) -> web.Response:
    """GET or HEAD /messageexchange/{mailbox}/inbox/{id}: a message, or its first chunk."""
    return await _chunk(request, 1)


async def collect_chunk(request: web.Request) -> web.Response:
    """GET /messageexchange/{mailbox}/inbox/{id}/{chunk}: a further chunk of a message."""
    number = request.match_info["chunk"]
    return await _chunk(request, int(number) if _CHUNK.fullmatch(number) else 0)


async def _chunk(request: web.Request, number: int) -> web.Response:
    front, caller, _ = await speaker(request)
    message = posting.lying(request.match_info["id"], caller.client, front.post)
    data, kind = _made(message, front, caller)
    part, total = piece(data, number, front.post.chunk_bytes)
    headers = _headers(message, front, caller)
    headers["Mex-Chunk-Range"] = f"{number}:{total}"
    headers["Content-Type"] = kind if total == 1 else BY_DEFAULT
    if total > 1:
        headers["Mex-Content-Type"] = kind
    accepts = request.headers.get("Accept-Encoding", "")
    if "gzip" in accepts and len(part) > _WORTH_GZIP_BYTES:
        part = gzip.compress(part, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=part, status=206 if number < total else 200, headers=headers)


def _made(message: Waiting, front: Front, caller: Caller) -> tuple[bytes, str]:
    """The words of a message and their media type."""
    if message.kind == "report":
        return b"", BY_DEFAULT
    if message.kind == "request":
        asked = asking.found(caller, message.about, front.desk)
        return msgspec.json.encode(asking.shown(asked, caller, front.desk)), _JSON
    sent = posting.find(message.about, caller.client, front.post)
    if sent.submission is not None:
        found = front.journal.find(sent.submission, caller.party)
        if message.kind == "receipt":
            return found.receipt.encode(), PROOF_TYPE
        return msgspec.json.encode(summary(found, outcome_of(front, found))), _JSON
    words = posting.told_of(sent, front.post)
    if words is None or (message.kind == "receipt" and words.receipt is None):
        raise Refused(Reason.NOT_FOUND)
    if message.kind == "receipt" and words.receipt is not None:
        return words.receipt.encode(), PROOF_TYPE
    return words.problem, _JSON


def _headers(message: Waiting, front: Front, caller: Caller) -> dict[str, str]:
    headers = {
        "Mex-MessageID": message.id,
        "Mex-MessageType": "REPORT" if message.kind == "report" else "DATA",
        "Mex-From": front.post.address,
        "Mex-To": caller.client,
        "Mex-WorkflowID": message.workflow,
        "Mex-AddressType": "ALL",
        "Mex-Version": "1.0",
        "Mex-StatusTimestamp": compact(message.made),
    }
    success = {
        "Mex-StatusSuccess": "SUCCESS",
        "Mex-StatusEvent": "TRANSFER",
        "Mex-StatusCode": "00",
        "Mex-StatusDescription": "Transferred to recipient mailbox",
    }
    if message.kind == "request":
        about = {"Mex-Subject": message.about, "Mex-FileName": f"{message.about}.json"}
        return headers | success | about
    sent = posting.find(message.about, caller.client, front.post)
    labels = posting.labels_of(sent, front.post)
    headers["Mex-LinkedMsgID"] = sent.id
    if labels.local_id:
        headers["Mex-LocalID"] = labels.local_id
    if labels.partner_id:
        headers["Mex-PartnerID"] = labels.partner_id
    if message.kind != "report":
        endings = {"receipt": "tlog-proof", "outcome": "json"}
        name = f"{sent.submission or sent.id}.{endings[message.kind]}"
        subject = {"Mex-Subject": labels.subject} if labels.subject else {}
        return headers | success | subject | {"Mex-FileName": name}
    return headers | _failure(sent, labels.subject, front, caller)


def _failure(sent: Sent, subject: str, front: Front, caller: Caller) -> dict[str, Any]:
    fate = fate_of(sent, front, caller.party)
    return {
        "Mex-WorkflowID": SUBMISSION,
        "Mex-Subject": f"NDR: {subject}" if subject else "NDR",
        "Mex-StatusSuccess": "ERROR",
        "Mex-StatusEvent": fate.event,
        "Mex-StatusCode": fate.code,
        "Mex-StatusDescription": _in_a_header(fate.description),
        "Mex-StatusTimestamp": compact(fate.at),
    }


def _in_a_header(text: str) -> str:
    """A sentence as a header can hold it: printable ASCII of a bounded length."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
    return plain[:_HEADER_CHARS]


async def acknowledge(request: web.Request) -> web.Response:
    """PUT /messageexchange/{mailbox}/inbox/{id}/status/acknowledged: it has been collected."""
    front, caller, accepted = await speaker(request)
    identity = request.match_info["id"]
    await posting.acknowledge(identity, caller.client, front.post)
    if accepted < 2:
        return answer({"messageId": identity}, accepted)
    return web.Response(status=200)
