"""Attacks on tokens, one named case each (RFC 8725 section 2 and 3, FAPI 2.0, RFC 8705)."""

import base64
import datetime as dt
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from gateway.core.refusal import Reason, Refused
from gateway.edge.oauth import assertion, jose
from gateway.edge.oauth.assertion import unverified_client_id, verify_assertion

NOW = dt.datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=dt.UTC)
SECOND = int(NOW.timestamp())
ISSUER = "https://gateway.example"
ENDPOINT = f"{ISSUER}/oauth2/token"

EC = ec.generate_private_key(ec.SECP256R1())
EC2 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def b64u(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jwk(private, kid, **more):
    kind = {rsa.RSAPrivateKey: "PS256", ec.EllipticCurvePrivateKey: "ES256"}
    algorithm = next((name for base, name in kind.items() if isinstance(private, base)), "EdDSA")
    made = get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True)
    return made | {"kid": kid} | more


KEYS = {"keys": [jwk(EC, "ec", use="sig"), jwk(RSA, "rsa", alg="PS256"), jwk(ED, "ed")]}
REGISTERED = {"acme": jose.verification_keys(KEYS)}


def signature(private, signing_input, alg=None):
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = (private.key_size + 7) // 8
        digest = {32: hashes.SHA256(), 48: hashes.SHA384()}[size]
        r, s = decode_dss_signature(private.sign(signing_input, ec.ECDSA(digest)))
        return r.to_bytes(size) + s.to_bytes(size)
    if isinstance(private, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = padding.PKCS1v15() if alg == "RS256" else pss
        return private.sign(signing_input, scheme, hashes.SHA256())
    if isinstance(private, bytes):
        return hmac.digest(private, signing_input, "sha256")
    return private.sign(signing_input) if private else b""


def raw(header, claims, private=EC):
    """A token of exactly these bytes, signed by the algorithm its header speaks of."""
    signing_input = f"{b64u(header)}.{b64u(claims)}".encode()
    alg = "RS256" if b"RS256" in header else None
    return f"{signing_input.decode()}.{b64u(signature(private, signing_input, alg))}"


def claims_with(**changes):
    claims = {
        "iss": "acme", "sub": "acme", "aud": ISSUER, "jti": "0123456789", "iat": SECOND,
        "exp": SECOND + 60,
    }  # fmt: skip
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def token(private=EC, header=None, **changes):
    """A right assertion, but for the header members and claims given; `...` leaves one out."""
    merged = {"alg": "ES256", "kid": "ec"} | (header or {})
    kept = {name: value for name, value in merged.items() if value is not ...}
    return raw(json.dumps(kept).encode(), json.dumps(claims_with(**changes)).encode(), private)


def verify(compact, now=NOW, **options):
    return verify_assertion(compact, REGISTERED.get, ISSUER, now, **options)


def refused(compact, **options):
    with pytest.raises(Refused) as raised:
        verify(compact, **options)
    assert raised.value.reason is Reason.CLIENT_NOT_VALID
    return raised.value.detail


@pytest.mark.parametrize(
    ("private", "alg", "kid"), [(EC, "ES256", "ec"), (RSA, "PS256", "rsa"), (ED, "EdDSA", "ed")]
)
@pytest.mark.parametrize("typ", [..., "JWT", "jwt", "client-authentication+jwt"])
def test_an_assertion_is_accepted_with_each_algorithm_and_type(private, alg, kid, typ):
    proved = verify(token(private, {"alg": alg, "kid": kid, "typ": typ}))
    assert (proved.client_id, proved.jti, proved.kid) == ("acme", "0123456789", kid)
    assert proved.expires == dt.datetime.fromtimestamp(SECOND + 60, dt.UTC)


EC_PEM = EC.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
EC_DER = EC.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
EC_RAW = EC.public_key().public_bytes(
    serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
)
INNER = token()

HEADER_ATTACKS = {
    **{f"alg {alg!r} and {what} signature": token(private, {"alg": alg})
       for alg in ("none", "None", "NONE", "nOnE", "none ", "", "es256", None, 0, ["ES256"])
       for what, private in {"no": None, "a right": EC}.items()},
    "alg missing": token(header={"alg": ...}),
    "alg ES256 and no signature": token(None),
    **{f"HS256 with the public key as {form}": token(key, {"alg": "HS256"})
       for form, key in {"PEM": EC_PEM, "PEM without its end": EC_PEM.rstrip(), "DER": EC_DER,
                         "point": EC_RAW, "point without prefix": EC_RAW[1:], "x": EC_RAW[1:33],
                         "JWK": json.dumps(jwk(EC, "ec")).encode(), "nothing": b""}.items()},
    "HS256 with a kid nobody has": token(b"", {"alg": "HS256", "kid": ""}),
    "RS256 with the key registered for PS256": token(RSA, {"alg": "RS256", "kid": "rsa"}),
    "PS256 with the EC key's kid": token(RSA, {"alg": "PS256"}),
    "ES256 with the RSA key's kid": token(EC, {"kid": "rsa"}),
    "EdDSA with the EC key's kid": token(ED, {"alg": "EdDSA"}),
    "ES384 with the EC key's kid": token(P384, {"alg": "ES384"}),
    "ES256 signed on another curve": token(P384),
    "ES256K": token(header={"alg": "ES256K"}),
    "another key of the right kind": token(EC2),
    "embedded jwk": token(EC2, {"jwk": jwk(EC2, "ec")}),
    "embedded jwk and a right signature": token(header={"jwk": jwk(EC, "ec")}),
    "jku": token(EC2, {"jku": "https://evil.example/jwks.json"}),
    "jku and a right signature": token(header={"jku": f"{ISSUER}/.well-known/jwks.json"}),
    "x5u": token(header={"x5u": "https://evil.example/cert.pem"}),
    "x5c": token(header={"x5c": [b64u(EC_DER)]}),
    "crit with something unknown": token(header={"crit": ["exp"], "exp": 1}),
    "crit with something the library knows": token(header={"crit": ["b64"], "b64": True}),
    "crit empty": token(header={"crit": []}),
    "b64 false": token(header={"b64": False, "crit": ["b64"]}),
    "zip": token(header={"zip": "DEF"}),
    "kid missing": token(header={"kid": ...}),
    **{f"kid {kid!r}": token(header={"kid": kid})
       for kid in ("../../../../dev/null", "/etc/passwd", "ec\0", "ec ", "EC", "' OR '1'='1",
                   "https://evil.example/k", None, 1, ["ec"], {"ec": 1})},
    "typ of an access token": token(header={"typ": "at+jwt"}),
    "typ of a receipt": token(header={"typ": "cms-receipt+jwt"}),
    "typ is not text": token(header={"typ": ["JWT"]}),
    "typ is null": token(header={"typ": None}),
    "cty says that there is another token inside": token(header={"cty": "JWT"}),
    "a token inside a token": raw(b'{"alg":"ES256","kid":"ec"}', INNER.encode()),
    "a token inside a token, as text": raw(
        b'{"alg":"ES256","kid":"ec"}', json.dumps(INNER).encode()),
    "alg twice": raw(b'{"alg":"none","alg":"ES256","kid":"ec"}', json.dumps(claims_with()).encode()),
    "kid twice": raw(b'{"kid":"ed","alg":"ES256","kid":"ec"}', json.dumps(claims_with()).encode()),
    "header is a list": raw(b"[]", json.dumps(claims_with()).encode()),
    "header is not UTF-8": raw(b'{"alg":"ES256","kid":"ec","x":"\xff"}', b"{}"),
    "header has a byte order mark": raw(b'\xef\xbb\xbf{"alg":"ES256","kid":"ec"}', b"{}"),
    "header is nested beyond reason": raw(b'{"x":' + b"[" * 5000, b"{}"),
}  # fmt: skip


@pytest.mark.parametrize("compact", HEADER_ATTACKS.values(), ids=HEADER_ATTACKS)
def test_the_token_does_not_choose_how_it_is_verified(compact):
    refused(compact)


HEADER, CLAIMS, SIGNATURE = INNER.split(".")


def with_stray_bits(part):
    """Another spelling of the same bytes: the last character's unused bits set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(part) % 4, "there are unused bits"
    return part[:-1] + alphabet[alphabet.index(part[-1]) | 1]


SPELLINGS = {
    "stray bits in the signature": f"{HEADER}.{CLAIMS}.{with_stray_bits(SIGNATURE)}",
    "padded signature": f"{INNER}==",
    "one padding character": f"{INNER}=",
    "standard alphabet": f"{HEADER}.{CLAIMS}.{'+' + SIGNATURE[1:]}",
    "space before": f" {INNER}",
    "line feed after": f"{INNER}\n",
    "line feed inside": f"{HEADER}.{CLAIMS[:10]}\n{CLAIMS[10:]}.{SIGNATURE}",
    "character libraries skip": f"{HEADER}.{CLAIMS}.{SIGNATURE[:5]}?{SIGNATURE[5:]}",
    "not ASCII": f"{HEADER}.{CLAIMS}.{SIGNATURE}\u0131",
    "a surrogate": f"{HEADER}.{CLAIMS}.\ud800",
    "no signature part": f"{HEADER}.{CLAIMS}",
    "empty signature": f"{HEADER}.{CLAIMS}.",
    "empty claims": f"{HEADER}..{SIGNATURE}",
    "empty header": f".{CLAIMS}.{SIGNATURE}",
    "a fourth part": f"{INNER}.",
    "five parts, as if encrypted": f"{HEADER}.{CLAIMS}.{SIGNATURE}.{CLAIMS}.{CLAIMS}",
    "nothing": "",
    "only dots": "..",
    "truncated signature": f"{HEADER}.{CLAIMS}.{b64u(jose.decode_part(SIGNATURE)[:-1])}",
    "signature with a byte more": f"{HEADER}.{CLAIMS}.{b64u(jose.decode_part(SIGNATURE) + b'0')}",
    "signature of zeros": f"{HEADER}.{CLAIMS}.{b64u(bytes(64))}",
    "signature in DER": f"{HEADER}.{CLAIMS}."
    + b64u(EC.sign(f"{HEADER}.{CLAIMS}".encode(), ec.ECDSA(hashes.SHA256()))),
    "JSON serialisation": json.dumps(
        {"protected": HEADER, "payload": CLAIMS, "signature": SIGNATURE}
    ),
    "too long": token(x="a" * jose.TOKEN_BYTES_MAX),
}


@pytest.mark.parametrize("compact", SPELLINGS.values(), ids=SPELLINGS)
def test_a_token_has_one_spelling(compact):
    refused(compact)


def test_a_token_just_within_the_limit_is_read():
    spare = jose.TOKEN_BYTES_MAX - len(token(x=""))
    compact = token(x="a" * (spare * 3 // 4 - 2))
    assert jose.TOKEN_BYTES_MAX - 6 < len(compact) <= jose.TOKEN_BYTES_MAX
    verify(compact)


def claims_raw(text):
    return raw(b'{"alg":"ES256","kid":"ec"}', text.encode())


PLAIN = json.dumps(claims_with())[:-1]

CLAIM_ATTACKS = {
    "iss missing": token(iss=...),
    "sub missing": token(sub=...),
    "sub is another client": token(sub="bank"),
    "iss is another client": token(iss="bank"),
    "iss and sub are another client": token(iss="bank", sub="bank"),
    "a client nobody knows": token(iss="nobody", sub="nobody"),
    "iss and sub are a list": token(iss=["acme"], sub=["acme"]),
    "iss and sub are true": token(iss=True, sub=True),
    "iss and sub are empty": token(iss="", sub=""),
    "aud missing": token(aud=...),
    "aud is somebody else": token(aud="https://other.example"),
    "aud with a slash": token(aud=f"{ISSUER}/"),
    "aud in capitals": token(aud=ISSUER.upper()),
    "aud is a list of us": token(aud=[ISSUER]),
    "aud is a list of us and others": token(aud=[ISSUER, "https://other.example"]),
    "aud is a list in text": token(aud=f"{ISSUER} https://other.example"),
    "aud is an object": token(aud={ISSUER: ISSUER}),
    "aud is empty": token(aud=""),
    "aud is null": token(aud=None),
    "aud is the token endpoint": token(aud=ENDPOINT),
    "exp missing": token(exp=...),
    "exp has passed": token(exp=SECOND),
    "exp passed an hour ago": token(exp=SECOND - 3600, iat=SECOND - 3660),
    "exp is a float": token(exp=SECOND + 60.0),
    "exp is text": token(exp=str(SECOND + 60)),
    "exp is true": token(exp=True),
    "exp is null": token(exp=None),
    "exp is a list": token(exp=[SECOND + 60]),
    "exp is negative": token(exp=-1),
    "exp is in the year 300000": token(exp=10**13, iat=...),
    "exp is too many digits to read": claims_raw(
        PLAIN.replace(str(SECOND + 60), "9" * 5000) + "}"),
    "exp is infinite": token(exp=float("inf")),
    "exp is NaN": token(exp=float("nan")),
    "exp overflows": claims_raw(PLAIN.replace(str(SECOND + 60), "1e999") + "}"),
    "iat is 61 seconds in the future": token(iat=SECOND + 61, exp=SECOND + 120),
    "nbf is 61 seconds in the future": token(nbf=SECOND + 61, exp=SECOND + 120),
    "iat is a float": token(iat=SECOND + 0.5),
    "iat is text": token(iat=str(SECOND)),
    "nbf is text": token(nbf=str(SECOND)),
    "iat is after exp": token(iat=SECOND + 9, exp=SECOND + 5),
    "lives 301 seconds": token(exp=SECOND + 301),
    "lives 301 seconds since nbf": token(nbf=SECOND, exp=SECOND + 301, iat=SECOND + 5),
    "lives long and does not say since when": token(iat=..., exp=SECOND + 400),
    "was made long ago to live until now": token(iat=SECOND - 400, exp=SECOND + 10),
    "jti missing": token(jti=...),
    "jti of 7 characters": token(jti="1234567"),
    "jti of 129 characters": token(jti="a" * 129),
    "jti is a number": token(jti=12345678),
    "jti with a line feed": token(jti="12345678\n"),
    "jti with half a character": claims_raw(PLAIN.replace("0123456789", "01234567\\ud800") + "}"),
    "jti twice": claims_raw(PLAIN + ',"jti":"9876543210"}'),
    "iss twice": claims_raw('{"iss":"bank",' + PLAIN[1:] + "}"),
    "a member twice further down": claims_raw(PLAIN + ',"x":[{"a":1,"a":2}]}'),
    "a member twice, once with an escape": claims_raw(PLAIN + ',"\\u006ati":"9876543210"}'),
    "claims are a list": claims_raw("[]"),
    "claims are text": claims_raw('"acme"'),
    "claims are followed by more": claims_raw(PLAIN + "}{}"),
}  # fmt: skip


@pytest.mark.parametrize("compact", CLAIM_ATTACKS.values(), ids=CLAIM_ATTACKS)
def test_a_claim_that_does_not_hold_is_refused(compact):
    refused(compact)


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": SECOND + 10, "exp": SECOND + 70},
        {"nbf": SECOND + 10, "exp": SECOND + 70},
        {"iat": SECOND, "exp": SECOND + 300},
        {"iat": ..., "exp": SECOND + 300},
        {"iat": SECOND - 290, "exp": SECOND + 1},
        {"jti": "12345678"},
        {"jti": "a" * 128},
        {"extra": {"is": "ignored"}},
    ],
    ids=str,
)
def test_what_is_just_within_the_limits_is_accepted(changes):
    assert verify(token(**changes)).client_id == "acme"


def test_the_token_endpoint_is_an_audience_only_where_the_operator_says_so():
    verify(token(aud=ENDPOINT), token_endpoint=ENDPOINT)
    refused(token(aud=f"{ENDPOINT}/"), token_endpoint=ENDPOINT)
    refused(token(aud=[ENDPOINT]), token_endpoint=ENDPOINT)


def test_an_unknown_client_a_wrong_key_and_a_wrong_signature_are_told_in_the_same_words():
    details = {
        refused(token(iss="nobody", sub="nobody")),
        refused(token(EC2)),
        refused(token(header={"kid": "nobody"})),
        refused(token(header={"alg": "none"})),
    }
    assert len(details) == 1


def test_no_refusal_repeats_what_was_sent():
    marked = token(EC2, {"kid": "MARKED-kid"}, iss="MARKED-iss", sub="MARKED-iss", jti="MARKED-jti")
    assert "MARKED" not in refused(marked)
    assert "MARKED" not in refused(token(aud="MARKED", jti="MARKED"))


def test_every_altered_bit_is_noticed():
    for place in range(len(INNER) * 8):
        altered = bytearray(INNER.encode())
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(Refused):
            verify(altered.decode("latin-1"))


def test_the_client_id_can_be_read_before_the_look_up():
    assert unverified_client_id(token(EC2)) == "acme"
    with pytest.raises(Refused):
        unverified_client_id("x")


@given(
    st.text(max_size=300) | st.binary(max_size=200).map(lambda b: f"{HEADER}.{b64u(b)}.{SIGNATURE}")
)
def test_no_text_is_mistaken_for_an_assertion(compact):
    with pytest.raises(Refused):
        verify(compact)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=7),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]), JSON),
       st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]), JSON, min_size=1))  # fmt: skip
def test_no_well_signed_nonsense_is_mistaken_for_an_assertion(header, claims):
    with pytest.raises(Refused):
        verify(token(header=header, **claims, x=hashlib.sha256(b"").hexdigest()))


def test_the_limits_are_those_of_the_profile():
    assert 10 <= jose.CLOCK_SKEW_SECONDS <= 60
    assert assertion.LIFETIME_SECONDS_MAX == 300
