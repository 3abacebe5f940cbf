"""Signed JSON Web Tokens, read strictly (RFC 7515, 7517, 7519 and the advice of RFC 8725).

The library checks signatures; everything a token could talk it into is decided here, first. The
algorithm belongs to the key and was fixed when the key was registered; the key is looked up by
`kid` among known ones and is never taken from the token. A token has one spelling only: canonical
base64url, three parts, no member twice, whole seconds.

Inside this package a token that does not hold raises `NotVerified`; its callers say which refusal
that is. The messages name the rule, never a value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# What FAPI 2.0 (section 5.4.1) allows; `none` and every symmetric algorithm are absent.
ALGORITHMS: Final = ("ES256", "PS256", "EdDSA")
# An assertion with RSA-4096 is about 1.2 KiB.
TOKEN_BYTES_MAX: Final = 8192
# FAPI 2.0 section 5.3.2.1: up to 10 s in the future must be accepted, more than 60 s must not be.
# Between the two: enough for a machine whose clock is set by hand now and then.
CLOCK_SKEW_SECONDS: Final = 30
KEYS_MAX: Final = 8
RSA_BITS: Final = range(2048, 8193)

_P256_BYTES: Final = 32
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_KID: Final = re.compile(r"[\x21-\x7e]{1,128}")
# Members that bring their own key (RFC 8725 section 3.10), change how the rest is to be read, or
# say that there is another token inside.
_HEADERS_REFUSED: Final = frozenset(
    {"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty", "epk"}
)
# One sentence for an unknown key, another key's algorithm and a wrong signature: which of them it
# was would help only someone who guesses.
_NOT_SIGNED: Final = "the token is not signed with a registered key and the algorithm of that key"
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Later than any token will live, and still a time that can be written as a date.
_LATEST_SECOND: Final = 253_402_300_799

_signatures: Final = jwt.PyJWS(algorithms=list(ALGORITHMS))

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Ed25519PublicKey


class NotVerified(ValueError):  # noqa: N818 - becomes a refusal, which is not an error of ours
    """A token or a key does not hold; the message names the rule."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with the one algorithm it may be used with."""

    kid: str
    algorithm: str
    public: PublicKey


Keys = Mapping[str, VerificationKey]


class Signed(NamedTuple):
    """The three parts of a compact JWS, decoded but **not verified**."""

    compact: str
    unverified_header: dict[str, Any]
    unverified_claims: dict[str, Any]


def parse(compact: str) -> Signed:
    """Decode a compact JWT without verifying it."""
    header, claims, _ = split(compact)
    return Signed(compact, strict_object(header), strict_object(claims))


def split(compact: str) -> tuple[bytes, bytes, bytes]:
    """Decode the three parts of a compact JWS: header, payload and signature."""
    if len(compact) > TOKEN_BYTES_MAX:
        raise NotVerified("the token is too long")
    parts = compact.split(".")
    if len(parts) != 3:
        raise NotVerified("the token does not have three parts")
    header, payload, signature = (decode_part(part) for part in parts)
    return header, payload, signature


def verify(signed: Signed, keys: Keys, types: frozenset[str | None]) -> dict[str, Any]:
    """Verify the signature with one of `keys` and return the claims, whose meaning is not checked.

    `types` are the values of `typ` that are accepted, in lower case; None means it may be absent.
    """
    header = signed.unverified_header
    if not header.keys().isdisjoint(_HEADERS_REFUSED):
        raise NotVerified("the token's header has a member that is not allowed")
    typ = header.get("typ")
    if "typ" in header and not isinstance(typ, str):
        raise NotVerified("the token's 'typ' is not text")
    if (typ.lower() if isinstance(typ, str) else None) not in types:
        raise NotVerified("the token is of another type")
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None or header.get("alg") != key.algorithm:
        raise NotVerified(_NOT_SIGNED)
    try:
        _signatures.decode_complete(
            signed.compact,
            key=key.public,
            algorithms=[key.algorithm],
            options={"verify_signature": True, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise NotVerified(_NOT_SIGNED) from error
    return signed.unverified_claims


def sign(
    header: Mapping[str, str], claims: Mapping[str, object], signer: Callable[[bytes], bytes]
) -> str:
    """Make a compact JWS; `signer` signs the bytes it is given with the algorithm of the header."""
    parts = (json.dumps(part, separators=(",", ":")).encode("utf-8") for part in (header, claims))
    text = ".".join(encode_part(part) for part in parts)
    return f"{text}.{encode_part(signer(text.encode('ascii')))}"


def encode_part(content: bytes) -> str:
    """Encode as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def decode_part(text: str) -> bytes:
    """Decode base64url without padding, in its one canonical spelling.

    The library is laxer: it takes padding, and libraries differ on stray bits in the last
    character. Either would give one token several spellings, and so several digests.
    """
    if not _PART.fullmatch(text):
        raise NotVerified("a part of the token is not base64url")
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise NotVerified("a part of the token is not base64url") from error
    if encode_part(content) != text:
        raise NotVerified("a part of the token is not canonical base64url")
    return content


def strict_object(content: bytes) -> dict[str, Any]:
    """Decode a JSON object: UTF-8, no member twice at any depth, no NaN, no lone surrogates."""
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        if "\\u" in text:
            # An escape may spell half a character, which nothing could store or print.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise NotVerified("a part of the token is not strict JSON") from error
    if not isinstance(value, dict):
        raise NotVerified("a part of the token is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def claim_text(claims: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """Return a claim that must be text and match `pattern` whole."""
    value = claims.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotVerified(f"the claim '{name}' is missing or not of the form it should have")
    return value


def claim_seconds(claims: Mapping[str, Any], name: str) -> int | None:
    """Return a time claim in whole seconds since 1970, or None where it is absent.

    RFC 7519 would allow fractions; nobody needs them and they round differently everywhere.
    """
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= _LATEST_SECOND:
        raise NotVerified(f"the claim '{name}' is not a time in whole seconds")
    return value


def verification_keys(jwks: Mapping[str, Any]) -> dict[str, VerificationKey]:
    """Read the key set a client registers (RFC 7517 section 5), by `kid`.

    All keys must be usable: a set of which part was dropped in silence would be found out only
    at the next rotation.
    """
    members = jwks.get("keys")
    if not isinstance(members, Sequence) or not 1 <= len(members) <= KEYS_MAX:
        raise NotVerified(f"a key set has 'keys', a list of 1 to {KEYS_MAX}")
    keys: dict[str, VerificationKey] = {}
    for member in members:
        key = verification_key(member)
        if key.kid in keys:
            raise NotVerified("two keys have the same 'kid'")
        keys[key.kid] = key
    return keys


def verification_key(jwk: object) -> VerificationKey:
    """Read one public key (RFC 7517, 7518 section 6, 8037) and fix its algorithm.

    P-256 means ES256, RSA of 2048 bits or more means PS256, Ed25519 means EdDSA. An `alg` that
    says otherwise, a `use` or `key_ops` for something else, or a private member is refused.
    """
    if not isinstance(jwk, Mapping):
        raise NotVerified("a key is not a JSON object")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise NotVerified(
            "a key has private members; send only the public ones, and make a new key"
        )
    kid = claim_text(jwk, "kid", _KID)
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or operations != ["verify"]:
        raise NotVerified("a key is not for verifying signatures")
    try:
        algorithm, public = _public_key(jwk)
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, NotVerified):
            raise
        raise NotVerified("a key's numbers are not a public key") from error
    if jwk.get("alg", algorithm) != algorithm:
        raise NotVerified(f"a key of this kind is used with {algorithm} only")
    return VerificationKey(kid, algorithm, public)


def _public_key(jwk: Mapping[str, Any]) -> tuple[str, PublicKey]:
    match jwk.get("kty"), jwk.get("crv"):
        case "EC", "P-256":
            x, y = _octets(jwk, "x", _P256_BYTES), _octets(jwk, "y", _P256_BYTES)
            numbers = ec.EllipticCurvePublicNumbers(
                int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()
            )
            # This is also where a point that is not on the curve is found out.
            return "ES256", numbers.public_key()
        case "OKP", "Ed25519":
            return "EdDSA", Ed25519PublicKey.from_public_bytes(_octets(jwk, "x", 32))
        case "RSA", None:
            modulus, exponent = (int.from_bytes(_octets(jwk, name)) for name in ("n", "e"))
            # An exponent that is small lets forgeries in, one that is large takes long.
            if modulus.bit_length() not in RSA_BITS or not 65_537 <= exponent < 2**32:
                raise NotVerified("an RSA key has 2048 to 8192 bits and the exponent 65537 or more")
            return "PS256", rsa.RSAPublicNumbers(exponent, modulus).public_key()
        case _:
            raise NotVerified("a key is neither on P-256, nor Ed25519, nor RSA")


def _octets(jwk: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    value = decode_part(claim_text(jwk, name, _PART))
    if length is not None and len(value) != length:
        raise NotVerified("a key's numbers have the wrong length")
    return value
