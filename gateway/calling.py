"""THE CALL: a notice made for somebody, sealed under a key of its own, to go as soon as it can.

Which way it goes, and in which words, is decided when it goes (`gateway.planning`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.instant import written
from gateway.core.notice_item import Draft, Wording
from gateway.core.notices import Value
from gateway.core.order_terms import ORDERS
from gateway.core.request_item import Stored


class Vault(Protocol):
    """Wraps keys."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...


class Maker(Protocol):
    """What a notice is made with."""

    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Callable[[], dt.datetime]: ...
    @property
    def entropy(self) -> Callable[[int], bytes]: ...
    @property
    def new_id(self) -> Callable[[str], str]: ...


def calling_for(request: Stored, maker: Maker) -> Draft:
    """The notice that serves a request."""
    order = ORDERS.get(request.kind)
    kind = "information_request" if order is None else order.notice
    purpose = "requests" if order is None else "orders"
    return notice_of(request, kind, purpose, maker)


def notice_of(
    request: Stored,
    kind: str,
    purpose: str,
    maker: Maker,
    values: Mapping[str, Value] | None = None,
) -> Draft:
    """A notice to the organisation of a request, to go as soon as it can."""
    return notice_to(request.organisation, kind, purpose, values or {}, maker, request.id)


def notice_to(
    correspondent: str,
    kind: str,
    purpose: str,
    values: Mapping[str, Value],
    maker: Maker,
    request: str | None = None,
) -> Draft:
    """A notice to somebody, to go as soon as it can."""
    identity, key = maker.new_id("ntc"), maker.entropy(32)
    packed = msgspec.json.encode(Wording(values=dict(values)))
    return Draft(
        id=identity,
        request=request,
        correspondent=correspondent,
        kind=kind,
        purpose=purpose,
        wrapped_key=maker.vault.wrap(key, identity.encode()),
        sealed=Envelope(key, identity).seal(b"notice", 0, packed, maker.entropy(NONCE_BYTES)),
        next_try=written(maker.clock()),
    )
