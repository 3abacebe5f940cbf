"""The certificate of a conformance run: what is accepted, and what is not."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import conformance
from gateway.core.checkpoint import format_vkey, verifier_key
from gateway.core.conformance import Certificate, ConformanceError

SECRET = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sandbox").digest())
OTHER = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"another").digest())
KEY = verifier_key("sandbox.example/ledger", SECRET.public_key().public_bytes_raw())
VKEY = format_vkey(KEY)
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
STATED = Certificate(
    iss="sandbox.example/ledger",
    sub="bakery",
    iat=int(NOW.timestamp()) - 60,
    exp=int(NOW.timestamp()) + 86_400,
    classes=("employer",),
    steps=("token",),
    rules="2026-11+abc",
    checkpoint="note",
)
JWS = conformance.issue(STATED, KEY, SECRET.sign)


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object, claims: object, key: Ed25519PrivateKey = SECRET) -> str:
    text = f"{b64u(json.dumps(header).encode())}.{b64u(json.dumps(claims).encode())}"
    return f"{text}.{b64u(key.sign(text.encode()))}"


HEADER = {"alg": "EdDSA", "kid": KEY.kid, "typ": conformance.TYPE}
CLAIMS = {name: getattr(STATED, name) for name in STATED.__struct_fields__}


def test_what_is_issued_verifies():
    assert conformance.verify(JWS, [VKEY], NOW) == STATED
    assert conformance.verify(f"{JWS}\n", [VKEY], NOW) == STATED


@pytest.mark.parametrize(
    ("jws", "why"),
    [
        ("", "not a conformance certificate"),
        ("a.b", "not a conformance certificate"),
        ("a.b.c", "cannot be read"),
        (signed(HEADER, CLAIMS, OTHER), "does not verify"),
        (signed(HEADER | {"alg": "none"}, CLAIMS), "another kind"),
        (signed(HEADER | {"typ": "cms-receipt+jwt"}, CLAIMS), "another kind"),
        (signed(HEADER | {"kid": "00000000"}, CLAIMS), "trusts"),
        (signed(HEADER | {"crit": []}, CLAIMS), "another kind"),
        (signed(HEADER, CLAIMS | {"iss": "elsewhere"}), "another sandbox"),
        (signed(HEADER, CLAIMS | {"admin": True}), "does not say"),
        (signed(HEADER, CLAIMS | {"exp": "never"}), "does not say"),
        (signed(HEADER, CLAIMS | {"exp": int(NOW.timestamp())}), "not valid today"),
        (signed(HEADER, CLAIMS | {"iat": int(NOW.timestamp()) + 1}), "not valid today"),
        (signed(HEADER, []), "cannot be read"),
        ("x" * 20_000 + ".b.c", "not a conformance certificate"),
    ],
    ids=range(15),
)
def test_what_was_not_issued_is_refused(jws: str, why: str):
    with pytest.raises(ConformanceError, match=why):
        conformance.verify(jws, [VKEY], NOW)


def test_no_key_no_certificate():
    with pytest.raises(ConformanceError):
        conformance.verify(JWS, [], NOW)


@given(st.integers(0, len(JWS) - 1), st.sampled_from("ABCabc019-_.="))
def test_a_changed_character_is_found(place: int, other: str):
    changed = JWS[:place] + other + JWS[place + 1 :]
    try:
        found = conformance.verify(changed, [VKEY], NOW)
    except ConformanceError:
        return
    assert found == STATED  # base64 ignores bits beyond the last byte
