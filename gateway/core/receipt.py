"""Receipts: what the gateway states about one submission (docs/evidence.md, "The receipt")."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec

from gateway.core.canonical import b64u
from gateway.core.duty_table import Delivery
from gateway.core.instant import written
from gateway.core.ledger import commitment, receipt_hash

TYPE: Final = "cms-receipt+jwt"


class Rows(msgspec.Struct, frozen=True):
    """How many rows were accepted, refused, and said that nothing is held."""

    accepted: int = 0
    refused: int = 0
    nil: int = 0


class Sender(msgspec.Struct, frozen=True):
    """Who sent it: organisation, OAuth client, and thumbprint of the TLS certificate."""

    organisation: str
    client: str
    thumbprint: str


class Content(msgspec.Struct, frozen=True):
    """The exact bytes: media type, size, SHA-256, and the salt of the ledger's commitment."""

    media_type: str
    size: int
    digest: bytes
    salt: bytes


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a receipt says, before the instant of its recording is known."""

    submission: str
    outcome: str
    sender: Sender
    provider_class: str | None
    format: str | None
    request: str | None
    content: Content | None
    rules: str
    received_at: dt.datetime
    purposes: tuple[str, ...] = ()
    rows: Rows | None = None
    records: bytes | None = None
    reason: str | None = None


def claims(
    statement: Statement,
    origin: str,
    recorded_at: dt.datetime,
    delivery: Delivery,
) -> dict[str, Any]:
    """The claims of the receipt's JWS."""
    sender, content = statement.sender, statement.content
    body: dict[str, Any] = {
        "iss": origin,
        "sub": statement.submission,
        "iat": int(recorded_at.timestamp()),
        "outcome": statement.outcome,
        "organisation": sender.organisation,
        "class": statement.provider_class,
        "format": statement.format,
        "request": statement.request,
        "client": {"id": sender.client, "x5t#S256": sender.thumbprint},
        "content": None
        if content is None
        else {
            "media_type": content.media_type,
            "size": content.size,
            "sha-256": b64u(content.digest),
            "salt": b64u(content.salt),
        },
        "rows": None if statement.rows is None else msgspec.to_builtins(statement.rows),
        "records": None if statement.records is None else b64u(statement.records),
        "rules": statement.rules,
        "purposes": list(statement.purposes) if statement.provider_class else None,
        "received_at": written(statement.received_at),
        "recorded_at": written(recorded_at),
        "delivery": {"instant": delivery.instant, "basis": delivery.citation},
    }
    if statement.reason is not None:
        body["reason"] = statement.reason
    return body


def entry_members(statement: Statement, jws: str) -> dict[str, Any]:
    """What the ledger entry for this statement says beside its kind and time."""
    content = statement.content
    members: dict[str, Any] = {
        "submission": statement.submission,
        "organisation": statement.sender.organisation,
        "content": None if content is None else commitment(content.salt, content.digest),
        "receipt": receipt_hash(jws),
    }
    if statement.outcome == "refused":
        members["reason"] = statement.reason
    if statement.outcome == "accepted":
        members |= {
            "class": statement.provider_class,
            "format": statement.format,
            "request": statement.request,
            "purposes": list(statement.purposes),
            "records": b64u(statement.records or b""),
            "rows": msgspec.to_builtins(statement.rows),
            "rules": statement.rules,
        }
    return members
