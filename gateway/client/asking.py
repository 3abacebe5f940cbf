"""The client's part about requests: raised by consumers, answered by organisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from gateway.client.answers import (
    Closed,
    Listed,
    Match,
    Obligations,
    Outcome,
    Raised,
    Request,
    Standing,
)
from gateway.client.connection import Connection
from gateway.client.problem import EvidenceError
from gateway.client.profile import Profile
from gateway.judge.pack import verify_pack

QUESTION_TYPE: Final = "application/vnd.iso20022.auth.001.001.01+xml"
_JSON: Final = {"Content-Type": "application/json"}
# A file of some thousand requests is looked at row by row.
_LONGER: Final = 300.0


class Asking:
    """Every call about a request; each raises Problem and UnreachableError (`Client`)."""

    profile: Profile
    _connection: Connection

    def _verify(self, receipt: str, digest: bytes | None) -> None:
        raise NotImplementedError

    # --- looking ----------------------------------------------------------------------------------

    async def requests(
        self,
        *,
        states: Sequence[str] = (),
        batch: str | None = None,
        before: str | None = None,
        limit: int = 1_000,
    ) -> tuple[Request, ...]:
        """The requests that were sent to us, or that we raised; newest first, a thousand at most."""
        query = [("limit", str(limit)), *(("state", state) for state in states)]
        query += [(name, v) for name, v in (("batch", batch), ("before", before)) if v is not None]
        reply = await self._connection.call("GET", f"/v1/requests?{urlencode(query)}")
        return msgspec.convert(reply.read(dict[str, Any])["requests"], tuple[Request, ...])

    async def request(self, identity: str) -> Request:
        """One request, with what happened to it and what was asked about it."""
        reply = await self._connection.call("GET", f"/v1/requests/{identity}")
        found: Request = reply.read(Request)
        return found

    async def question_message(self, identity: str) -> bytes:
        """One request as an ISO 20022 message, auth.001, signed where the gateway signs."""
        headers = {"Accept": QUESTION_TYPE}
        return (
            await self._connection.call("GET", f"/v1/requests/{identity}", headers=headers)
        ).body

    async def obligations(self) -> Obligations:
        """What we owe, or are owed: each with its day, its ground, and how it stands."""
        reply = await self._connection.call("GET", "/v1/obligations")
        found: Obligations = reply.read(Obligations)
        return found

    # --- the side that asks -------------------------------------------------------------------------

    async def raise_request(
        self,
        *,
        organisation: str,
        purposes: Sequence[str],
        citation: str,
        record_types: Sequence[str] = (),
        subject: Mapping[str, Any],
        due: str | None = None,
        reference: str | None = None,
        kind: str | None = None,
        terms: Mapping[str, Any] | None = None,
        addresses: Sequence[Mapping[str, Any]] = (),
        draft: bool = False,
    ) -> str:
        """Ask an organisation; returns the id of the request. Not tried again when in doubt.

        An order has a `kind` and its `terms`, and neither record types nor a due day. A `draft`
        reaches nobody until it is issued.
        """
        body = {
            "organisation": organisation,
            "purposes": list(purposes),
            "citation": citation,
            "record_types": list(record_types),
            "subject": dict(subject),
            "due": due,
            "reference": reference,
            "kind": kind,
            "terms": terms,
            "addresses": list(addresses),
            "draft": draft,
        }
        told = {name: value for name, value in body.items() if value not in (None, [], False)}
        reply = await self._post("/v1/requests", told, again=False)
        return str(reply["id"])

    async def raise_many(self, body: bytes, media_type: str) -> Raised:
        """Raise a request for each row of a file, CSV or JSON lines; the same file again raises none.

        Not tried again when in doubt: send the file again, which says what was raised.
        """
        reply = await self._connection.call(
            "POST",
            "/v1/requests/bulk",
            headers={"Content-Type": media_type},
            body=body,
            again=False,
            longer=_LONGER,
        )
        found: Raised = reply.read(Raised)
        return found

    async def issue(self, request: str) -> Standing:
        """Send a draft on its way."""
        return await self._step(request, "issue")

    async def withdraw(self, request: str) -> Standing:
        """Ask no longer; whoever was asked is told."""
        return await self._step(request, "withdraw")

    async def explain(self, request: str, text: str) -> Standing:
        """Answer the open question of the organisation; its clock runs again."""
        return await self._step(request, "clarifications/answer", {"text": text})

    async def matches(self, request: str) -> tuple[Match, ...]:
        """Records that were tied to a request of ours, or may be about the same person."""
        reply = await self._connection.call("GET", f"/v1/requests/{request}/matches")
        return _matches(reply.read(dict[str, Any]))

    async def judge_match(
        self, request: str, submission: str, row: int, *, confirmed: bool
    ) -> tuple[Match, ...]:
        """Say whether a record that may be about the person is; the matches as they then stand."""
        verdict = "confirmed" if confirmed else "rejected"
        said = {"submission": submission, "row": row, "verdict": verdict}
        return _matches(await self._post(f"/v1/requests/{request}/matches", said))

    async def evidence_pack(self, request: str, *, fresh: bool = False) -> bytes:
        """The signed archive that proves what became of a request: as kept, or as of now.

        It is verified where the profile pins the ledger's key. Raises EvidenceError.
        """
        params = {"fresh": str(int(fresh))}
        reply = await self._connection.call(
            "GET", f"/v1/requests/{request}/evidence", params=params, longer=_LONGER
        )
        if self.profile.vkey is not None:
            verdict = verify_pack(reply.body, self.profile.vkey, request=request)
            if not verdict.ok:
                raise EvidenceError("The evidence pack", verdict)
        return reply.body

    # --- the side that is asked ---------------------------------------------------------------------

    async def acknowledge_request(self, request: str) -> Standing:
        """Say that a request has arrived and is in hand."""
        return await self._step(request, "acknowledge", again=True)

    async def query(self, request: str, text: str) -> Standing:
        """Ask the officer what is meant; the clock stands still until there is an answer."""
        return await self._step(request, "clarifications", {"text": text})

    async def nil(
        self, request: str, *, record_types: Sequence[str] = (), code: str = "NOT_HELD"
    ) -> Outcome:
        """Say that nothing is held, of all that is still to come or of some record types."""
        return await self._answer(request, "nil", {"record_types": record_types, "code": code})

    async def refuse(
        self,
        request: str,
        code: str,
        *,
        detail: str | None = None,
        record_types: Sequence[str] = (),
    ) -> Outcome:
        """Say that there will be no answer, and why: a code of the duty table."""
        said = {"code": code, "detail": detail, "record_types": record_types}
        return await self._answer(request, "refusal", said)

    async def look_up(self, body: bytes, media_type: str) -> list[dict[str, Any]]:
        """Which open requests the people in a file of ours may be about; nothing of it is kept."""
        reply = await self._connection.call(
            "POST",
            "/v1/requests/matches",
            headers={"Content-Type": media_type},
            body=body,
            longer=_LONGER,
        )
        found: list[dict[str, Any]] = reply.read(dict[str, Any])["matches"]
        return found

    async def batch(self, batch: str) -> tuple[Listed, ...]:
        """What was asked in one file: each request, and the least of whom it is about."""
        reply = await self._connection.call("GET", f"/v1/batches/{batch}", longer=_LONGER)
        lines = reply.body.splitlines()
        return tuple(msgspec.json.decode(line, type=Listed) for line in lines)

    async def batch_csv(self, batch: str) -> bytes:
        """The same, as a table."""
        headers = {"Accept": "text/csv"}
        path = f"/v1/batches/{batch}"
        return (await self._connection.call("GET", path, headers=headers, longer=_LONGER)).body

    async def close_batch(self, batch: str) -> Closed:
        """Say that whoever is left of a list is not known to us: one nil return for all of them."""
        found = msgspec.convert(await self._post(f"/v1/batches/{batch}/close"), Closed)
        self._verify(found.outcome.receipt, None)
        return found

    # --- how it is said -----------------------------------------------------------------------------

    async def _answer(self, request: str, what: str, said: Mapping[str, Any]) -> Outcome:
        told = {name: value for name, value in said.items() if value}
        path = f"/v1/requests/{request}/{what}"
        found = msgspec.convert(await self._post(path, told, again=False), Outcome)
        self._verify(found.receipt, None)
        return found

    async def _step(
        self,
        request: str,
        what: str,
        said: Mapping[str, Any] | None = None,
        *,
        again: bool = False,
    ) -> Standing:
        """A step; one that cannot be made twice is not tried again when in doubt."""
        told = await self._post(f"/v1/requests/{request}/{what}", said, again=again)
        return msgspec.convert(told, Standing)

    async def _post(
        self, path: str, said: Mapping[str, Any] | None = None, *, again: bool = True
    ) -> dict[str, Any]:
        reply = await self._connection.call(
            "POST",
            path,
            headers=_JSON,
            body=None if said is None else msgspec.json.encode(said),
            again=again,
            longer=_LONGER,
        )
        found: dict[str, Any] = reply.read(dict[str, Any])
        return found


def _matches(told: dict[str, Any]) -> tuple[Match, ...]:
    return msgspec.convert(told["matches"], tuple[Match, ...])
