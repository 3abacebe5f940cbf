"""The steps of a conformance run: what a client has to have been seen doing.

Nothing is asked and nothing is claimed: each step is passed by what the gateway observed the party
do, in any order, with its own software.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from gateway.core.refusal import Reason, Refused
from gateway.sandbox.faults import RETRY_SECONDS, Asked
from gateway.sandbox.memory import Memory

STEPS: Final = {
    "token": "Spoke with a token bound to its certificate",
    "accepted": "Sent a file that was accepted",
    "digest": "Sent a file with its Content-Digest",
    "repeated": "Sent the same file again, with the same Idempotency-Key, and got the first receipt",
    "uncertain": "After a call whose outcome it could not know, sent the same again: it became one",
    "patient": "Told to come back later, waited as long as Retry-After said, and came back",
    "renewed_token": "Told that its token had expired, got another and went on",
    "requests": "Looked at the information requests that were sent to it",
    "answered": "Answered an information request",
    "nothing": "Answered a request with a nil return or a coded refusal",
    "mended": "Sent refused rows again, mended, and only those were taken",
    "receipt": "Kept a receipt, and could show one that verifies",
}

_SUBMIT: Final = ("POST", "/v1/submissions")
_OUTCOME_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class _Pending:
    """Faults that a party has still to show what it makes of."""

    come_back: float | None = None
    uncertain: set[str] = field(default_factory=set)
    token: str | None = None


class Observer:
    """Watches each party's exchanges, and marks the steps they pass."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pending: dict[str, _Pending] = {}

    def befell(self, party: str, asked: Asked, request: web.Request) -> None:
        """A fault came over a call: what the party does next shows whether it knows what to do."""
        pending = self._pending.setdefault(party, _Pending())
        if asked.fault in {"busy", "rate_limited"}:
            pending.come_back = time.monotonic() + RETRY_SECONDS
        elif asked.fault in {"unknown", "dropped"}:
            pending.uncertain.add(request.headers.get("Idempotency-Key", ""))
        elif asked.fault == "token_expired":
            pending.token = _said(request)

    def saw(self, party: str, request: web.Request, response: web.StreamResponse) -> None:
        """An exchange that ended well, or at least was answered."""
        passes = self._passes(party, request, response)
        for step in passes:
            self._memory.passes(party, step)

    def _passes(self, party: str, request: web.Request, response: web.StreamResponse) -> set[str]:
        if response.status >= 400:
            return set()
        passed = {"token"}
        pending = self._pending.setdefault(party, _Pending())
        if pending.come_back is not None:
            if time.monotonic() >= pending.come_back:
                passed.add("patient")
            pending.come_back = None
        if pending.token not in {None, _said(request)}:
            pending.token = None
            passed.add("renewed_token")
        place = (request.method, request.path)
        if request.method == "GET" and request.path.startswith("/v1/requests"):
            passed.add("requests")
        if place == _SUBMIT or (request.method == "PATCH" and request.path.startswith("/v1/upl")):
            passed |= self._submission(pending, request, response)
        return passed

    def _submission(
        self, pending: _Pending, request: web.Request, response: web.StreamResponse
    ) -> set[str]:
        outcome = _outcome(response)
        rows = outcome.get("rows") or {}
        passed = set()
        key = request.headers.get("Idempotency-Key", "")
        if outcome.get("repeat") and key:
            passed.add("repeated")
            if key in pending.uncertain:
                pending.uncertain.discard(key)
                passed.add("uncertain")
        if rows.get("accepted"):
            passed.add("accepted")
            if "Content-Digest" in request.headers:
                passed.add("digest")
            # An upload says these where it is created; its pieces may claim what they like.
            whole = request.method == "POST"
            if whole and "Request-Id" in request.headers:
                passed.add("answered")
                if rows.get("nil") == rows["accepted"]:
                    passed.add("nothing")
            if whole and "Completes" in request.headers:
                passed.add("mended")
        return passed


def _said(request: web.Request) -> str:
    """What tells one token from another, without keeping it."""
    return hashlib.sha256(request.headers.get("Authorization", "").encode()).hexdigest()


def _outcome(response: web.StreamResponse) -> dict[str, Any]:
    """What a submission's answer says; empty where it is not one."""
    body = getattr(response, "body", None)
    if not isinstance(body, bytes) or len(body) > _OUTCOME_BYTES:
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def missing(memory: Memory, party: str) -> list[str]:
    """The steps a party has not passed yet, in order."""
    passed = memory.passed(party)
    return [step for step in STEPS if step not in passed]


def check_complete(memory: Memory, party: str) -> None:
    """Raises Refused(PARAMETER_NOT_VALID), naming the steps that are missing."""
    left = missing(memory, party)
    if left:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"Steps not seen yet: {', '.join(left)}.")
