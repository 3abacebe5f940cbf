"""Which keys a client may register, and the vectors of Project Wycheproof that apply to them.

The vectors are facts from C2SP/wycheproof, testvectors_v1/json_web_signature_test.json (commit
073df56bfc1f2719eecad1e32391b8a80b43338a, Apache-2.0), groups `es256`, `ec_key_for_encryption`,
`base64` and `SpecialCaseEs256`, named by their tcId. Groups of algorithms that are not allowed here
are left out, since all of them are refused for that alone.
"""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from gateway.edge.oauth import jose
from gateway.edge.oauth.jose import NotVerified

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def b64u(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value):
    return b64u(value.to_bytes((value.bit_length() + 7) // 8))


def jwk(private, kid, **more):
    kind = {rsa.RSAPrivateKey: "PS256", ec.EllipticCurvePrivateKey: "ES256"}
    algorithm = next((name for base, name in kind.items() if isinstance(private, base)), "EdDSA")
    made = get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True)
    return made | {"kid": kid} | more


REFUSED_KEYS = {
    "on another curve": jwk(ec.generate_private_key(ec.SECP384R1()), "k"),
    "RSA-1024": jwk(rsa.generate_private_key(65537, 1024), "k"),
    "Ed448": jwk(ed448.Ed448PrivateKey.generate(), "k"),
    "symmetric": {"kty": "oct", "k": b64u(bytes(32)), "kid": "k"},
    "for encryption": jwk(EC, "k", use="enc"),
    "for other operations": jwk(EC, "k", key_ops=["encrypt"]),
    "for signing and verifying": jwk(EC, "k", key_ops=["sign", "verify"]),
    "for nothing": jwk(EC, "k", key_ops=[]),
    "RS256": jwk(RSA, "k", alg="RS256"),
    "none": jwk(RSA, "k", alg="none"),
    "HS256": jwk(EC, "k", alg="HS256"),
    "ES256 of an RSA key": jwk(RSA, "k", alg="ES256"),
    "private": jwk(EC, "k", d=b64u(bytes(32))),
    "without kid": {name: value for name, value in jwk(EC, "k").items() if name != "kid"},
    "with an empty kid": jwk(EC, ""),
    "with a number for kid": jwk(EC, 1),
    "not on its curve": jwk(EC, "k", x=b64u(bytes(32))),
    "with a short coordinate": jwk(EC, "k", x=b64u(bytes(31))),
    "with a padded coordinate": jwk(EC, "k", x=b64u(bytes(32)) + "="),
    "with exponent 3": jwk(RSA, "k", e=number(3)),
    "with an even exponent": jwk(RSA, "k", e=number(65538)),
    "with an enormous modulus": jwk(RSA, "k", n=number(2**8193 + 1)),
    "RSA that says it is on a curve": jwk(RSA, "k", crv="P-256"),
    "of no kind": {"kid": "k"},
    "not an object": "key",
}


@pytest.mark.parametrize("key", REFUSED_KEYS.values(), ids=REFUSED_KEYS)
def test_a_key_that_is_not_for_this_cannot_be_registered(key):
    with pytest.raises(NotVerified):
        jose.verification_keys({"keys": [key]})


@pytest.mark.parametrize(
    "jwks",
    [{}, {"keys": []}, {"keys": "ab"}, {"keys": {}}, {"keys": [jwk(EC, "k"), jwk(ED, "k")]},
     {"keys": [jwk(EC, str(n)) for n in range(jose.KEYS_MAX + 1)]}],
    ids=["no keys", "empty", "text", "object", "kid twice", "too many"],
)  # fmt: skip
def test_a_key_set_that_is_not_one_cannot_be_registered(jwks):
    with pytest.raises(NotVerified):
        jose.verification_keys(jwks)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=7),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(JSON)
def test_no_json_breaks_the_reading_of_keys(value):
    for jwks in ({"keys": value}, {"keys": [value]}, {"keys": [jwk(EC, "k") | {"x": value}]}):
        with pytest.raises(NotVerified):
            jose.verification_keys(jwks)


WYCHEPROOF_EC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY",
    "y": "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw",
    "kid": "kid-ec-sign",
}
HEAD = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0"
SIGNED = "5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrqWrte5P-pAvsE3Ve6xSyU3YDQwUHjVVOtvcrEbbnZ8yA"
ZERO, ONE = bytes(32), bytes(31) + b"\1"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
N, N_LESS_1 = ORDER.to_bytes(32), (ORDER - 1).to_bytes(32)

VALID = {
    "18 acceptsValid": f"{HEAD}.Zm9v.{SIGNED}",
    "378 valid": f"{HEAD}.Zm9v.5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrppUShFwBW_Qj7IqhFOtNrIXLLKXS5C"
    "SZmERxmnjeyoiQ",
}
INVALID = {
    "19 rejectsModifiedSignature": f"{HEAD}.Zm9v.X{SIGNED[1:]}",
    "20 rejectsMissingSignature": f"{HEAD}.Zm9v.",
    "21 rejectsMissingSignatureAndSeparator": f"{HEAD}.Zm9v",
    "22 rejectsModifiedPayload": f"{HEAD}.WG9v.{SIGNED}",
    "23 rejectsMissingPayload": f"{HEAD}..{SIGNED}",
    "24 rejectsMissingPayloadAndSeparator": f"{HEAD}.{SIGNED}",
    "25 rejectsModifiedHeader": f"eyJhbGciOiJFUzI1NiIsImtpZCI6IlhpZC1lYy1zaWduIn0.Zm9v.{SIGNED}",
    "26 rejectsMissingHeader": f".Zm9v.{SIGNED}",
    "27 rejectsMissingHeaderAndSeparator": f"Zm9v.{SIGNED}",
    "28 rejectsMissingHeaderAndSignature": ".Zm9v.",
    "29 rejectsMissingHeaderSignatureAndSeparators": "Zm9v",
    "30 rejectsEmptyString": "",
    "31 aesKeyFromEcVerificationKeyBytes": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v."
    "TgWtz2FIRukBQ_mA5sgHa0Ybtgn7bl-YBPAi7Z0XdHU",
    "32 rejectsAttackerProvidedEmbeddedJwk": "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIiwiandrIjp7I"
    "mt0eSI6IkVDIiwia2lkIjoia2lkLWVjLXNpZ24iLCJ1c2UiOiJzaWciLCJhbGciOiJFUzI1NiIsIngiOiJNZG5UWkRJaERKYmZ"
    "BU2RGcWFtY3BPMkNoOUdOS0sybTBNUWxoNDAyU3BvIiwieSI6Ijdhdko0bHFfV3l4LW5MUERCUTJZcHl0dUh5TWlvMDdCVXl2b"
    "DNqYUMtMVkiLCJjcnYiOiJQLTI1NiJ9fQ.Zm9v.4jmsollQD8ZxvySzXYnIEYA4fwaZi2ZbC0aI1J4LYmW2Bn31NhKdjms2N6o"
    "51Dff5-InWXQF9m45VtTexl6yjg",
    "379 SignatureTooLong": f"{HEAD}.Zm9v.AOXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AJau17k_6kC-wTdV"
    "7rFLJTdgNDBQeNVU629ysRtudnzI",
    "380 TrailingZeros": f"{HEAD}.Zm9v.5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutroAlq7XuT_qQL7BN1XusUsl"
    "N2A0MFB41VTrb3KxG252fMgA",
    "381 RisTooBig": f"{HEAD}.Zm9v.AeXANDd8jD-4s2plHeXPZFeeUhXFGPm1S1ChNFgFkdwLAJau17k_6kC-wTdV7rFLJTdg"
    "NDBQeNVU629ysRtudnzI",
    "382 SisTooBig": f"{HEAD}.Zm9v.AOXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AZau17g_6kC_wTdV7rFLJTcd"
    "Gyr-H-zzcGMse95q2aIZ",
    "383 IntegerOverflow": f"{HEAD}.Zm9v.AeXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AJau17k_6kC-wTdV7r"
    "FLJTdgNDBQeNVU629ysRtudnzI",
    "384 IntegerOverflow": f"{HEAD}.Zm9v.AOXANDh8jD-3s2plHeXPZFfhaxsXceIWxlznaZUJLra6AZau17k_6kC-wTdV7r"
    "FLJTdgNDBQeNVU629ysRtudnzI",
    **{
        f"386 to 401 r is {r_name}, s is {s_name}": f"{HEAD}.Zm9v.{b64u(r + s)}"
        for r_name, r in {"0": ZERO, "1": ONE, "n-1": N_LESS_1, "n": N}.items()
        for s_name, s in {"0": ZERO, "1": ONE, "n-1": N_LESS_1, "n": N}.items()
    },
    # The group `base64` has an HMAC key; these are its defects, put into the valid one above. Its
    # 372 and 373 count a character outside the alphabet as valid; RFC 7515 section 2 does not.
    "360 rejectsSpacesInMac": f"{HEAD}.Zm9v.    {SIGNED}",
    "361 rejectsInvalidCharacterInsertedInMac": f"{HEAD}.Zm9v.?{SIGNED}",
    "362 rejectsInvalidCharacterInsertedInMac": f"{HEAD}.Zm9v.{SIGNED}?",
    "365 spacesInHeader": f"{HEAD}    .Zm9v.{SIGNED}",
    "366 invalidCharactersInHeader": f"{HEAD}####.Zm9v.{SIGNED}",
    "368 spacesInPayload": f"{HEAD}.    Zm9v.{SIGNED}",
    "369 invalidCharactersInPayload": f"{HEAD}.####Zm9v.{SIGNED}",
    "372 InvalidCharacterInsertedInHeader": f"{HEAD[:-1]}?{HEAD[-1]}.Zm9v.{SIGNED}",
    "373 InvalidCharacterInsertedInPayload": f"{HEAD}.Zm9v?.{SIGNED}",
    "374 ModifiedUnusedBits": f"{HEAD}.Zm9v.{SIGNED[:-1]}B",
}


def verify(compact):
    """Check the signature alone: these payloads are no claims."""
    header, _, _ = jose.split(compact)
    key = jose.verification_key(WYCHEPROOF_EC)
    signed = jose.Signed(compact, jose.strict_object(header), {})
    return jose.verify(signed, {key.kid: key}, frozenset({None}))


@pytest.mark.parametrize("compact", VALID.values(), ids=VALID)
def test_what_wycheproof_calls_valid_is_accepted(compact):
    assert verify(compact) == {}


@pytest.mark.parametrize("compact", INVALID.values(), ids=INVALID)
def test_what_wycheproof_calls_invalid_is_refused(compact):
    with pytest.raises(NotVerified):
        verify(compact)


@pytest.mark.parametrize(
    "use", [{"use": "enc"}, {"key_ops": ["encrypt"]}], ids=["use", "356 key_ops"]
)
def test_a_wycheproof_key_for_something_else_is_refused(use):
    with pytest.raises(NotVerified):
        jose.verification_key(WYCHEPROOF_EC | use)
