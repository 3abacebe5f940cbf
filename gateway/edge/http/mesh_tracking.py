"""Handlers of the MESH API: what became of a message, by its id or by its sender's own."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from aiohttp import web

from gateway import mailbox as posting
from gateway.core.limits import MESH_TEXT_CHARS
from gateway.core.mesh import Labels
from gateway.core.mesh_message import Sent
from gateway.core.refusal import Reason, Refused
from gateway.edge.http.keys import Front
from gateway.edge.http.mesh import answer, speaker
from gateway.edge.http.mesh_error import coded, told
from gateway.edge.http.submissions import outcome_of


class Fate(NamedTuple):
    """What became of a message, in MESH's words; `at` is an instant in its written form."""

    status: str
    event: str
    code: str
    description: str
    at: str

    @property
    def failed(self) -> bool:
        """Whether its file was refused."""
        return self.status == "error"


def fate_of(sent: Sent, front: Front, organisation: str) -> Fate:
    """What became of a message that this organisation sent."""
    status, at, reason, words = sent.state, sent.sent_at, sent.reason, ""
    if sent.submission is not None:
        found = front.journal.find(sent.submission, organisation)
        at = found.recorded_at
        status = {"received": "accepted", "accepted": "acknowledged"}.get(found.state, found.state)
        if found.state == "refused":
            (note,) = outcome_of(front, found).notes[:1]
            reason, words = Reason[note.code].value, note.message
    if status != "refused":
        return Fate(status, "TRANSFER", "00", "Transferred to recipient mailbox", at)
    assert reason is not None
    kept = posting.told_of(sent, front.post)
    if kept is not None:
        words = kept.description
    return Fate("error", *coded(reason), words or told(Refused(Reason(reason))), at)


async def track(request: web.Request) -> web.Response:
    """GET /messageexchange/{mailbox}/outbox/tracking: by `messageID`, or by `localID`, the latest."""
    front, caller, accepted = await speaker(request)
    identity, local = request.query.get("messageID"), request.query.get("localID")
    if identity is not None:
        sent = posting.find(identity, caller.client, front.post)
    elif local is not None:
        sent = _by_local_id(local, caller.client, front)
    else:
        raise Refused(Reason.PARAMETER_NOT_VALID, "Name the message with messageID or localID.")
    return answer(_tracked(sent, front, caller.party, accepted), accepted)


async def track_local(request: web.Request) -> web.Response:
    """GET /messageexchange/{mailbox}/outbox/tracking/{local}: by the sender's own id."""
    front, caller, accepted = await speaker(request)
    sent = _by_local_id(request.match_info["local"], caller.client, front)
    return answer(_tracked(sent, front, caller.party, accepted), accepted)


def _by_local_id(local: str, mailbox: str, front: Front) -> Sent:
    if len(local) > MESH_TEXT_CHARS:
        raise Refused(Reason.NOT_FOUND)
    return posting.find_local(local, mailbox, front.post)


def _tracked(sent: Sent, front: Front, organisation: str, accepted: int) -> dict[str, Any]:
    labels = posting.labels_of(sent, front.post)
    fate = fate_of(sent, front, organisation)
    if accepted < 2:
        return _first_form(sent, labels, fate, front.post.address)
    return {
        "message_id": sent.id,
        "local_id": labels.local_id or None,
        "workflow_id": labels.workflow,
        "filename": labels.filename or None,
        "upload_timestamp": sent.sent_at,
        "expiry_time": None,
        "recipient": front.post.address,
        "status": fate.status,
        "status_success": not fate.failed,
        "status_event": fate.event,
        "status_code": fate.code,
        "status_description": fate.description,
        "status_timestamp": fate.at,
        "submission": sent.submission,
    }


def _first_form(sent: Sent, labels: Labels, fate: Fate, recipient: str) -> dict[str, Any]:
    return {
        "messageId": sent.id,
        "dtsId": sent.id,
        "localId": labels.local_id or None,
        "workflowId": labels.workflow,
        "fileName": labels.filename or None,
        "subject": labels.subject or None,
        "partnerId": labels.partner_id or None,
        "checksum": labels.checksum or None,
        "chunkCount": sent.total,
        "messageType": "Data",
        "addressType": "ALL",
        "sender": sent.mailbox,
        "recipient": recipient,
        "status": fate.status.title(),
        "statusSuccess": "ERROR" if fate.failed else "SUCCESS",
        "statusEvent": fate.event,
        "statusCode": fate.code,
        "statusDescription": fate.description,
        "statusTimestamp": compact(fate.at),
        "uploadTimestamp": compact(sent.sent_at),
        "version": "1.0",
    }


def compact(instant: str) -> str:
    """An instant as MESH writes it in headers: yyyyMMddHHmmss."""
    return re.sub(r"[^0-9]", "", instant)[:14]
