"""Signatures on webhooks, made and verified (Standard Webhooks 1.0); for us and for receivers.

Signed is `id.timestamp.body`, the bytes as they travel. The kind of secret says the kind of
signature, never the message:

| Secret | Key | Signature |
|---|---|---|
| `whsec_` and base64 of 24 to 64 bytes | shared | `v1,` HMAC-SHA256 |
| `whsk_` and base64 of 32 bytes | ours, private | `v1a,` Ed25519 (RFC 8032) |
| `whpk_` and base64 of 32 bytes | its public half, the receiver's | verifies `v1a,` |

While a secret is changed both are given, parted by a space, and a message has a signature of each.
Whoever controls a message can have it refused; without the secret they cannot have it believed,
nor an old one later than the tolerance.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import re
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TOLERANCE: Final = dt.timedelta(minutes=5)

# More than one only while secrets are changed.
SECRETS_MOST: Final = 4
SIGNATURES_MOST: Final = 16

_KEY_BYTES: Final = range(24, 65)
_SEED_BYTES: Final = 32
# The parts of what is signed are parted by full stops; an id with one could be read in two ways.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class SecretError(ValueError):
    """A secret that is none of those above; its text says so, and nothing of the secret."""


class NotGenuine(ValueError):  # noqa: N818 - a verdict, not a fault
    """A message that is not to be believed.

    `code` is HEADER_MISSING, HEADER_NOT_VALID, TIMESTAMP_OUTSIDE or SIGNATURE_NOT_VALID.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def headers(secret: str, message_id: str, now: dt.datetime, payload: bytes) -> dict[str, str]:
    """The three headers that go with a payload sent now; raises SecretError.

    `message_id` is the same for every try at one message: letters, digits, '_' and '-'.
    """
    if not _ID.fullmatch(message_id):
        raise ValueError("A message id is 1 to 64 of letters, digits, '_' and '-'.")
    timestamp = str(int(now.timestamp()))
    content = _content(message_id, timestamp, payload)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(one, content) for one in _parts(secret)),
    }


def shared_secret(key: bytes) -> str:
    """A shared secret as it is written, from 24 to 64 bytes of chance."""
    return f"whsec_{_text(key)}"


def check_secret(secret: str) -> None:
    """Raise SecretError unless messages can be signed with it."""
    for one in _parts(secret):
        _sign(one, b"")


def verify(secret: str, sent: Mapping[str, str], payload: bytes, now: dt.datetime) -> str:
    """Return the id of a genuine message; raises NotGenuine, and SecretError.

    `sent` are its headers, named in lower case or in a mapping that does not mind. The receiver
    keeps ids for as long as the tolerance, and so knows a repeat.
    """
    try:
        message_id, timestamp, signatures = (
            sent[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError:
        raise NotGenuine("HEADER_MISSING") from None
    given = signatures.split(" ", SIGNATURES_MOST)[:SIGNATURES_MOST]
    if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise NotGenuine("HEADER_NOT_VALID")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise NotGenuine("TIMESTAMP_OUTSIDE")
    content = _content(message_id, timestamp, payload)
    # Every one is looked at: how long it takes says nothing of which held.
    held = [_holds(one, content, signature) for one in _parts(secret) for signature in given]
    if not any(held):
        raise NotGenuine("SIGNATURE_NOT_VALID")
    return message_id


def _parts(secret: str) -> list[str]:
    parts = secret.split(" ")
    if not 1 <= len(parts) <= SECRETS_MOST:
        raise SecretError(f"At most {SECRETS_MOST} secrets are used at a time.")
    return parts


def _content(message_id: str, timestamp: str, payload: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + payload


def _sign(secret: str, content: bytes) -> str:
    kind, key = _key(secret)
    if kind == "whsec":
        return f"v1,{_text(_mac(key, content))}"
    if kind == "whsk":
        return f"v1a,{_text(Ed25519PrivateKey.from_private_bytes(key).sign(content))}"
    raise SecretError("A public key cannot sign.")


def _holds(secret: str, content: bytes, signature: str) -> bool:
    kind, key = _key(secret)
    version, _, value = signature.partition(",")
    try:
        given = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    if kind == "whsec":
        return version == "v1" and hmac.compare_digest(_mac(key, content), given)
    if version != "v1a":
        return False
    public = (
        Ed25519PrivateKey.from_private_bytes(key).public_key()
        if kind == "whsk"
        else Ed25519PublicKey.from_public_bytes(key)
    )
    try:
        public.verify(given, content)
    except InvalidSignature:
        return False
    return True


def _key(secret: str) -> tuple[str, bytes]:
    kind, _, value = secret.partition("_")
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    fits = len(key) in _KEY_BYTES if kind == "whsec" else len(key) == _SEED_BYTES
    if kind not in {"whsec", "whsk", "whpk"} or not fits:
        raise SecretError(
            "A secret is whsec_ and base64 of 24 to 64 bytes, or whsk_ or whpk_ and base64 of 32."
        )
    return kind, key


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
