"""THE DESK at which requests are raised and led through their life: what that is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.deadlines import Deadlines
from gateway.core.duty import Law
from gateway.core.notice_item import Draft
from gateway.core.permission import Parties
from gateway.core.request_item import Clarification, Happened, Stored
from gateway.core.request_life import Event, State


class Requests(Protocol):
    """Remembers requests; each change is durable on return, with its ledger entries.

    `step`, `ask` and `explain` raise Refused(REQUEST_STATE) for what cannot happen to a request where
    it stands, also when it moved on since it was looked at. `raise_requests` raises all or, where a
    list among them was raised before, none, and is then False.
    """

    async def raise_requests(
        self, requests: Sequence[Stored], notices: Sequence[Draft]
    ) -> bool: ...
    async def step(
        self,
        identity: str,
        event: Event,
        by: str,
        *,
        notices: Sequence[Draft] = (),
        seen: State | None = None,
        since: int | None = None,
    ) -> Stored: ...
    async def ask(
        self, identity: str, by: str, n: int, question: bytes, day: dt.date, *, stops: bool
    ) -> None: ...
    async def explain(
        self, identity: str, by: str, n: int, answer: bytes, day: dt.date, notice: Draft | None
    ) -> None: ...
    def requests(
        self,
        *,
        organisation: str | None = None,
        consumer: str | None = None,
        identity: str | None = None,
        states: Iterable[str] = (),
        batch: str | None = None,
        before: str | None = None,
        limit: int = 1_000,
    ) -> list[Stored]: ...
    def asked_already(self, question: bytes) -> str | None: ...
    def history(self, identity: str) -> list[Happened]: ...
    def clarifications(self, identity: str) -> list[Clarification]: ...


class Vault(Protocol):
    """Wraps and unwraps the keys of subjects, and makes look-up tags."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What asking is made of; built once by `gateway.wiring`. `sent` is told that notices wait."""

    requests: Requests
    parties: Parties
    vault: Vault
    law: Law
    deadlines: Deadlines
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    sent: Callable[[], None] = lambda: None
