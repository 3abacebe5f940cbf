"""A request as it is stored, and what happened to it."""

from __future__ import annotations

import msgspec

from gateway.core.request_life import Event, State

INFORMATION = "information"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A request; the subject, and the terms of an order, are sealed under the wrapped key.

    Days are ISO dates, instants in their written form. `due` is the day that holds now: days on which
    the clock stood still (since `stopped`) were added. `order_tag` is a keyed hash of an order's own reference. `covered` is what was answered so far,
    `events` how often something happened to it, `reminded` how many reminders were sent.
    """

    id: str
    organisation: str
    consumer: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    reference: str | None
    wrapped_key: bytes
    subject: bytes
    raised: str
    due: str
    kind: str = INFORMATION
    state: State = State.ISSUED
    events: int = 0
    provider_class: str | None = None
    batch: str | None = None
    terms: bytes | None = None
    order_tag: bytes | None = None
    question: bytes | None = None
    served_on: str | None = None
    lapsed_on: str | None = None
    ended: str | None = None
    stopped: str | None = None
    reminded: int = 0
    covered: tuple[str, ...] = ()
    erased: str | None = None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a request, and the index of its entry in the ledger."""

    n: int
    event: Event
    state: State
    at: str
    by: str
    submission: str | None
    notice: str | None
    entry: int


class Clarification(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the officer who asked, and the answer if there is one; both sealed."""

    n: int
    asked: str
    question: bytes
    answered: str | None
    answer: bytes | None
