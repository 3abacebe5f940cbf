"""What can go wrong when speaking to a gateway: it says no, it is away, or it cannot be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.client.answers import RowError, RuleCount
from gateway.judge.verdict import Verdict


class Problem(Exception):  # noqa: N818 - an answer of the gateway, not an error of ours
    """The gateway refused, and said why (RFC 9457).

    `slug` is the last part of `type`, by which a program tells one problem from another; `fix` is
    what to do next; `errors` are row errors. A refusal of a file stands in the ledger: then
    `submission` and `receipt` are given. `retry_after` is in seconds.
    """

    def __init__(self, status: int, body: Mapping[str, Any], retry_after: float | None) -> None:
        self.status = status
        self.type = str(body.get("type", "about:blank"))
        self.title = str(body.get("title", f"HTTP status {status}"))
        self.detail = str(body.get("detail", self.title))
        self.fix = str(body.get("fix", "Ask the operator of the gateway."))
        self.instance = str(body.get("instance", ""))
        self.errors = msgspec.convert(body.get("errors", ()), tuple[RowError, ...])
        self.rules = msgspec.convert(body.get("rules", ()), tuple[RuleCount, ...])
        self.error_count = int(body.get("error_count", len(self.errors)))
        self.submission: str | None = body.get("submission")
        self.receipt: str | None = body.get("receipt")
        self.retry_after = retry_after
        super().__init__(f"{self.title}: {self.detail} {self.fix}")

    @property
    def slug(self) -> str:
        """The stable name of the problem type."""
        return self.type.rsplit("/", 1)[-1]


class UnreachableError(Exception):
    """The gateway did not answer, or its certificate was not the one it should have."""


class EvidenceError(Exception):
    """What the gateway gave as evidence does not verify; `verdict` says where and why."""

    def __init__(self, what: str, verdict: Verdict) -> None:
        self.verdict = verdict
        found = "; ".join(map(str, verdict.findings[:3]))
        super().__init__(f"{what} does not verify: {found}")


def problem_of(status: int, body: bytes, retry_after: float | None) -> Problem:
    """The problem in an answer; also where something else than a gateway answered."""
    try:
        document = msgspec.json.decode(body)
        if not isinstance(document, dict):
            document = {}
        return Problem(status, document, retry_after)
    except (msgspec.DecodeError, TypeError, ValueError, OverflowError, RecursionError):
        return Problem(status, {}, retry_after)
