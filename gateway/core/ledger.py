"""Ledger entries: what each kind says, in its one byte form (docs/evidence.md, "The ledger").

An entry holds commitments and references only, never personal data and never a secret.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from gateway.core.canonical import b64u, canonical
from gateway.core.refusal import Reason, Refused
from gateway.core.tiles import MAX_ENTRY_BYTES

VERSION: Final = 1

OPENED: Final = "ledger.opened"
RECEIVED: Final = "submission.received"
ACCEPTED: Final = "submission.accepted"
REFUSED: Final = "submission.refused"
RELAYED: Final = "submission.relayed"
AMENDED: Final = "submission.amended"
DELIVERED: Final = "feed.delivered"
RETRIEVED: Final = "feed.retrieved"
USED: Final = "feed.used"
REJECTED: Final = "feed.rejected"
UNCOLLECTED: Final = "feed.uncollected"
PUSHED: Final = "feed.pushed"
ORGANISATION_ADDED: Final = "organisation.added"
ORGANISATION_CHANGED: Final = "organisation.changed"
CONSUMER_ADDED: Final = "consumer.added"
CLIENT_ADDED: Final = "client.added"
CERTIFICATE_ADDED: Final = "certificate.added"
CERTIFICATE_REVOKED: Final = "certificate.revoked"
MAILBOX_ADDED: Final = "mailbox.added"
MAILBOX_REMOVED: Final = "mailbox.removed"
SSH_KEY_ADDED: Final = "sshkey.added"
SSH_KEY_REVOKED: Final = "sshkey.revoked"
SUBSCRIPTION_ADDED: Final = "subscription.added"
SUBSCRIPTION_CHANGED: Final = "subscription.changed"
SUBSCRIPTION_PAUSED: Final = "subscription.paused"
SUBSCRIPTION_RESUMED: Final = "subscription.resumed"
SUBSCRIPTION_DISABLED: Final = "subscription.disabled"
SUBSCRIPTION_REWOUND: Final = "subscription.rewound"
SUBSCRIPTION_REMOVED: Final = "subscription.removed"
PUSH_PARKED: Final = "push.parked"
PUSH_REPLAYED: Final = "push.replayed"
REQUEST: Final = "request."  # and what happened: `gateway.core.request_life.Event`
REQUEST_MATCHED: Final = "request.matched"
REQUEST_ERASED: Final = "request.erased"
NOTICE_SENT: Final = "notice.sent"
NOTICE_SETTLED: Final = "notice.settled"
CORRESPONDENT_CHANGED: Final = "correspondent.changed"
CORRESPONDENT_SHOWN: Final = "correspondent.shown"
AGREEMENT_MADE: Final = "agreement.made"
AGREEMENT_ENDED: Final = "agreement.ended"
PREFERENCE_CHANGED: Final = "preference.changed"
CODE_EXCHANGED: Final = "code.exchanged"
KEY_ADDED: Final = "key.added"
DUTIES_CHANGED: Final = "duties.changed"


def entry(kind: str, time: str, **members: Any) -> bytes:
    """The bytes of an entry; `time` is an instant in its written form.

    Raises Refused for one that would not fit in an entries tile (C2SP tlog-tiles).
    """
    data = canonical({"v": VERSION, "kind": kind, "time": time, **members})
    if len(data) > MAX_ENTRY_BYTES:
        raise Refused(Reason.PARAMETER_NOT_VALID, "It is too long to be entered in the ledger.")
    return data


def commitment(salt: bytes, digest: bytes) -> str:
    """The `content` of an entry: a salted hash of the SHA-256 of what was sent."""
    return b64u(hashlib.sha256(salt + digest).digest())


def receipt_hash(jws: str) -> str:
    """The `receipt` of an entry: the hash of the compact JWS."""
    return b64u(hashlib.sha256(jws.encode()).digest())
