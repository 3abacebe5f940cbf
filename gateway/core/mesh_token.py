"""The NHSMESH authorisation token, and the two secrets it proves knowledge of.

    NHSMESH <mailbox>:<nonce>:<nonce count>:<yyyyMMddHHmm>:<HMAC-SHA256, hexadecimal>

The MAC is over the same words with the password before the timestamp, keyed with the shared key
(mesh-api.yaml of NHSDigital, "MESH Authorization header"). MESH has one shared key for everybody;
here each mailbox has its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from gateway.core.canonical import b64u
from gateway.core.envelope import KEY_BYTES, NONCE_BYTES, Envelope
from gateway.core.limits import (
    MESH_PASSWORD_BYTES,
    MESH_SHARED_KEY_BYTES,
    MESH_TOKEN_SECONDS,
)
from gateway.core.refusal import Reason, Refused

SCHEME: Final = "NHSMESH"
_TOKEN: Final = re.compile(
    r"NHSMESH +([A-Z0-9][A-Z0-9_-]{0,99}):([0-9A-Za-z-]{1,64}):([0-9]{1,10}):([0-9]{12}):"
    r"([0-9A-Fa-f]{64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class MeshToken:
    """A token as it was sent; nothing of it is believed yet. `at` is in whole minutes, UTC."""

    mailbox: str
    nonce: str
    count: str
    timestamp: str
    mac: bytes
    at: dt.datetime

    @property
    def use(self) -> str:
        """What may be used once: all that the MAC covers, in one short name."""
        words = f"{self.mailbox}:{self.nonce}:{self.count}:{self.timestamp}"
        return b64u(hashlib.sha256(words.encode()).digest())

    @property
    def expires(self) -> int:
        """Seconds since 1970 after which the token is refused for its age alone."""
        return int(self.at.timestamp()) + MESH_TOKEN_SECONDS + 60

    def is_proved_by(self, secret: MailboxSecret) -> bool:
        """Whether who made it knows both secrets; in constant time."""
        words = f"{self.mailbox}:{self.nonce}:{self.count}:{secret.password}:{self.timestamp}"
        made = hmac.digest(secret.shared_key.encode(), words.encode(), "sha256")
        return hmac.compare_digest(made, self.mac)

    def is_timely(self, now: dt.datetime) -> bool:
        """Whether its clock and ours are within two hours."""
        return abs((now - self.at).total_seconds()) <= MESH_TOKEN_SECONDS + 60


def read_token(header: str) -> MeshToken:
    """A token from the Authorization header; raises Refused(MAILBOX_TOKEN_NOT_VALID)."""
    match = _TOKEN.fullmatch(header.strip()) if len(header) <= 512 else None
    if match is None:
        raise Refused(
            Reason.MAILBOX_TOKEN_NOT_VALID,
            f"Send 'Authorization: {SCHEME} mailbox:nonce:count:timestamp:hash'.",
        )
    try:
        at = dt.datetime.strptime(match[4], "%Y%m%d%H%M").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise Refused(
            Reason.MAILBOX_TOKEN_NOT_VALID, "The timestamp is written yyyyMMddHHmm, in UTC."
        ) from error
    return MeshToken(match[1], match[2], match[3], match[4], bytes.fromhex(match[5]), at)


class Wraps(Protocol):
    """Wraps keys, so that only the key ring gets at them again."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes:
        """A key, wrapped; `aad` says what it is for."""


class MailboxSecret(msgspec.Struct, frozen=True):
    """What the holder of a mailbox knows; printed once, and kept sealed."""

    password: str
    shared_key: str

    @classmethod
    def fresh(cls, entropy: Callable[[int], bytes]) -> MailboxSecret:
        """A password and a shared key that nobody else has."""
        return cls(b64u(entropy(MESH_PASSWORD_BYTES)), b64u(entropy(MESH_SHARED_KEY_BYTES)))

    def seal(
        self, mailbox: str, vault: Wraps, entropy: Callable[[int], bytes]
    ) -> tuple[bytes, bytes]:
        """A key of the mailbox's own, wrapped, and what is sealed under it."""
        key, packed = entropy(KEY_BYTES), msgspec.msgpack.encode(self)
        sealed = Envelope(key, mailbox).seal(b"mailbox", 0, packed, entropy(NONCE_BYTES))
        return vault.wrap(key, mailbox.encode()), sealed


def open_secret(sealed: bytes, key: bytes, mailbox: str) -> MailboxSecret:
    """The reverse of `MailboxSecret.seal`."""
    packed = Envelope(key, mailbox).open(b"mailbox", 0, sealed)
    return msgspec.msgpack.decode(packed, type=MailboxSecret)
