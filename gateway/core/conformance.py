"""The certificate of a conformance run: what a sandbox states, and how onboarding checks it.

A compact JWS (RFC 7515) under the sandbox's Ed25519 key, header and claims in canonical form, as a
receipt is; its type keeps the two apart.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import Sign, VerifierKey, parse_vkey

TYPE: Final = "cms-conformance+jwt"
VALID_DAYS: Final = 180
_CHARS: Final = 16_384


class ConformanceError(ValueError):
    """A certificate that onboarding does not accept; the message says why."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a sandbox states: who passed which steps, as what, by which rules, and until when.

    `iss` is the sandbox's origin, `iat` and `exp` are seconds since 1970, by a clock that was not
    moved.
    """

    iss: str
    sub: str
    iat: int
    exp: int
    classes: tuple[str, ...]
    steps: tuple[str, ...]
    rules: str
    checkpoint: str


def issue(certificate: Certificate, key: VerifierKey, sign: Sign) -> str:
    """The certificate as a compact JWS."""
    header = canonical({"alg": "EdDSA", "kid": key.kid, "typ": TYPE})
    text = f"{b64u(header)}.{b64u(canonical(msgspec.to_builtins(certificate)))}"
    return f"{text}.{b64u(sign(text.encode()))}"


def verify(jws: str, keys: Iterable[str], now: dt.datetime) -> Certificate:
    """The certificate, if one of the vkeys signed it and it still holds; raises ConformanceError."""
    parts = jws.strip().split(".")
    if len(parts) != 3 or len(jws) > _CHARS:
        raise ConformanceError("it is not a conformance certificate")
    signed = f"{parts[0]}.{parts[1]}".encode()
    found = {key.kid: key for key in map(parse_vkey, keys)}
    key = found.get(str(_object(parts[0]).get("kid")))
    if key is None:
        raise ConformanceError("it was not signed by a sandbox that this gateway trusts")
    if _object(parts[0]) != {"alg": "EdDSA", "kid": key.kid, "typ": TYPE}:
        raise ConformanceError("it is another kind of statement")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(_bytes(parts[2]), signed)
        certificate = msgspec.convert(_object(parts[1]), Certificate)
    except InvalidSignature as error:
        raise ConformanceError("its signature does not verify") from error
    except msgspec.ValidationError as error:
        raise ConformanceError("it does not say what a certificate says") from error
    if certificate.iss != key.name:
        raise ConformanceError("it names another sandbox than the one that signed it")
    if not certificate.iat <= now.timestamp() < certificate.exp:
        raise ConformanceError("it is not valid today; run the conformance steps again")
    return certificate


def _object(part: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(_bytes(part))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConformanceError("it cannot be read") from error
    if not isinstance(value, dict):
        raise ConformanceError("it cannot be read")
    return value


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConformanceError("it cannot be read") from error
