"""Access tokens: made here, bound to a certificate, and refused beside any other (RFC 9068, 8705)."""

import base64
import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.refusal import Reason, Refused
from gateway.edge import keyring
from gateway.edge.client_certificate import thumbprint
from gateway.edge.oauth import access_token, jose
from gateway.edge.oauth.access_token import AccessTokens, jwks

NOW = dt.datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=dt.UTC)
SECOND = int(NOW.timestamp())
ISSUER, AUDIENCE = "https://gateway.example", "https://gateway.example/v1"
MINE, OTHERS = thumbprint(b"mine"), thumbprint(b"another")
LIFE = dt.timedelta(seconds=access_token.LIFETIME_SECONDS)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    keyring.create(directory)
    return directory


@pytest.fixture(scope="module")
def ring(directory):
    return keyring.open_ring(directory, origin="gateway.example/ledger")


@pytest.fixture
def tokens(ring):
    return AccessTokens(ring.token_keys, ISSUER, AUDIENCE)


@pytest.fixture
def issued(tokens):
    return tokens.issue(
        client_id="acme-payroll",
        party="organisation:acme",
        scope=["submit", "receipts", "submit"],
        thumbprint=MINE,
        jti="jti-1",
        now=NOW,
    )


def reason_of(tokens, token, presented=MINE, now=NOW):
    with pytest.raises(Refused) as refused:
        tokens.verify(token, presented, now)
    return refused.value.reason


def decoded(part):
    return json.loads(jose.decode_part(part))


def test_a_token_says_what_rfc_9068_and_rfc_8705_ask_for(issued, ring):
    header, claims, _ = issued.token.split(".")
    assert decoded(header) == {"alg": "EdDSA", "kid": ring.token_keys[0].kid, "typ": "at+jwt"}
    assert decoded(claims) == {
        "iss": ISSUER,
        "sub": "acme-payroll",
        "aud": AUDIENCE,
        "client_id": "acme-payroll",
        "party": "organisation:acme",
        "scope": "receipts submit",
        "iat": SECOND,
        "exp": SECOND + access_token.LIFETIME_SECONDS,
        "jti": "jti-1",
        "cnf": {"x5t#S256": MINE},
    }
    assert issued.expires_in == access_token.LIFETIME_SECONDS
    assert issued.scope == "receipts submit"
    assert issued.token not in repr(issued)


def test_a_token_is_accepted_beside_its_certificate(tokens, issued):
    verified = tokens.verify(issued.token, MINE, NOW)
    assert verified.client_id == "acme-payroll"
    assert verified.party == "organisation:acme"
    assert verified.scope == {"submit", "receipts"}
    assert verified.thumbprint == MINE
    assert verified.expires == NOW.replace(microsecond=0) + LIFE
    assert verified.jti == "jti-1"
    assert tokens.verify(issued.token, MINE, NOW) is verified


def test_a_stolen_token_is_refused_beside_any_other_certificate(tokens, issued):
    for presented in (OTHERS, "", MINE[:-1], MINE.lower(), "é"):
        assert reason_of(tokens, issued.token, presented) is Reason.TOKEN_BOUND_ELSEWHERE
    tokens.verify(issued.token, MINE, NOW)
    assert reason_of(tokens, issued.token, OTHERS) is Reason.TOKEN_BOUND_ELSEWHERE


@pytest.mark.parametrize("remembered", [True, False])
def test_a_token_ends_with_its_second(tokens, issued, remembered):
    end = NOW.replace(microsecond=0) + LIFE
    if remembered:
        tokens.verify(issued.token, MINE, end - dt.timedelta(microseconds=1))
    assert reason_of(tokens, issued.token, now=end) is Reason.TOKEN_EXPIRED


def forged(ring, header=None, **changes):
    key = ring.token_keys[0]
    claims = {
        "iss": ISSUER, "sub": "c", "aud": AUDIENCE, "client_id": "c", "party": "consumer:tracing",
        "scope": "feed", "iat": SECOND, "exp": SECOND + 60, "jti": "j", "cnf": {"x5t#S256": MINE},
    }  # fmt: skip
    merged = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"} | (header or {})
    kept = {name: value for name, value in (claims | changes).items() if value is not ...}
    return jose.sign(merged, kept, key.sign)


NOT_OURS = {
    "alg none": lambda ring: forged(ring, {"alg": "none"}),
    "alg HS256": lambda ring: forged(ring, {"alg": "HS256"}),
    "alg ES256": lambda ring: forged(ring, {"alg": "ES256"}),
    "unknown kid": lambda ring: forged(ring, {"kid": "x"}),
    "kid of the evidence key": lambda ring: forged(ring, {"kid": ring.evidence.kid}),
    "an assertion": lambda ring: forged(ring, {"typ": "JWT"}),
    "an identity token": lambda ring: forged(ring, {"typ": "id+jwt"}),
    "a receipt": lambda ring: forged(ring, {"typ": "cms-receipt+jwt"}),
    "foreign iss": lambda ring: forged(ring, iss="https://other.example"),
    "iss missing": lambda ring: forged(ring, iss=...),
    "foreign aud": lambda ring: forged(ring, aud="https://other.example"),
    "aud is a list": lambda ring: forged(ring, aud=[AUDIENCE]),
    "aud missing": lambda ring: forged(ring, aud=...),
    "sub is not the client": lambda ring: forged(ring, sub="d"),
    "exp missing": lambda ring: forged(ring, exp=...),
    "exp is text": lambda ring: forged(ring, exp=str(SECOND + 60)),
    "exp is a float": lambda ring: forged(ring, exp=SECOND + 60.0),
    "iat missing": lambda ring: forged(ring, iat=...),
    "iat is 61 seconds in the future": lambda ring: forged(ring, iat=SECOND + 61),
    "not bound": lambda ring: forged(ring, cnf=...),
    "bound to nothing": lambda ring: forged(ring, cnf={}),
    "bound by another means": lambda ring: forged(ring, cnf={"jkt": MINE}),
    "bound to text": lambda ring: forged(ring, cnf=MINE),
    "bound to an empty thumbprint": lambda ring: forged(ring, cnf={"x5t#S256": ""}),
    "scope is a list": lambda ring: forged(ring, scope=["feed"]),
    "scope is empty": lambda ring: forged(ring, scope=""),
    "party missing": lambda ring: forged(ring, party=...),
    "jti missing": lambda ring: forged(ring, jti=...),
    "signed with the evidence key": lambda ring: jose.sign(
        {"alg": "EdDSA", "kid": ring.token_keys[0].kid, "typ": "at+jwt"},
        {"iss": ISSUER},
        ring.evidence.sign,
    ),
    "half a character": lambda _: "\ud800",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("make", NOT_OURS.values(), ids=NOT_OURS)
def test_what_is_not_a_token_of_this_gateway_is_refused(tokens, ring, make):
    assert reason_of(tokens, make(ring)) is Reason.TOKEN_NOT_VALID


def test_a_token_just_within_the_skew_is_accepted(tokens, ring):
    assert tokens.verify(forged(ring, iat=SECOND + 10), MINE, NOW).jti == "j"


def test_what_is_remembered_is_bounded_and_can_be_forgotten(tokens, ring, monkeypatch):
    monkeypatch.setattr(access_token, "CACHE_ENTRIES_MAX", 2)
    first, second, third = (forged(ring, jti=jti) for jti in "abc")
    for token in (first, second, first, third):
        tokens.verify(token, MINE, NOW)
    assert {one.jti for one in tokens._cache.values()} == {"a", "c"}
    tokens.forget()
    assert not tokens._cache


def test_a_token_that_would_allow_nothing_is_not_issued(tokens):
    with pytest.raises(Refused) as refused:
        tokens.issue(client_id="c", party="p", scope=[], thumbprint=MINE, jti="j", now=NOW)
    assert refused.value.reason is Reason.NOT_PERMITTED


def test_a_key_that_was_rotated_out_verifies_and_a_deleted_one_does_not(tmp_path, ring):
    keyring.create(tmp_path)
    old = keyring.open_ring(tmp_path, origin="o")
    token = forged(old)
    keyring.rotate_token_key(tmp_path)
    rotated = AccessTokens(keyring.open_ring(tmp_path, origin="o").token_keys, ISSUER, AUDIENCE)
    assert rotated.verify(token, MINE, NOW).jti == "j"
    (tmp_path / "token-1.pem").unlink()
    deleted = AccessTokens(keyring.open_ring(tmp_path, origin="o").token_keys, ISSUER, AUDIENCE)
    assert reason_of(deleted, token) is Reason.TOKEN_NOT_VALID


def test_the_key_set_has_public_keys_only_and_they_verify(ring):
    published = jwks(ring.token_keys, ring.evidence)["keys"]
    assert [key["kid"] for key in published] == [ring.token_keys[0].kid, ring.evidence.kid]
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in published)
    x = base64.urlsafe_b64decode(published[1]["x"] + "=")
    Ed25519PublicKey.from_public_bytes(x).verify(ring.evidence.sign(b"receipt"), b"receipt")
    assert jwks(ring.token_keys) == {"keys": published[:1]}
    assert len(jose.verification_keys({"keys": published})) == 2


@given(st.text(max_size=200))
def test_no_text_is_mistaken_for_a_token(ring, text):
    tokens = AccessTokens(ring.token_keys, ISSUER, AUDIENCE)
    assert reason_of(tokens, text) is Reason.TOKEN_NOT_VALID
