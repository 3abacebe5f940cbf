"""Signatures on webhooks, and the times of new tries."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import backoff, webhook
from gateway.core.webhook import NotGenuine, SecretError, headers, verify

# Published with Standard Webhooks: this secret, id, time and body give this signature.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = dt.datetime.fromtimestamp(1614265330, dt.UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

# RFC 8032 section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
PRIVATE_SECRET = f"whsk_{base64.b64encode(SEED).decode()}"
PUBLIC_SECRET = f"whpk_{base64.b64encode(PUBLIC).decode()}"
OTHER = f"whsec_{base64.b64encode(b'o' * 32).decode()}"


def code_of(secret: str, sent: dict[str, str], body: bytes = BODY, now: dt.datetime = NOW) -> str:
    with pytest.raises(NotGenuine) as refused:
        verify(secret, sent, body, now)
    return refused.value.code


def test_the_published_vector() -> None:
    sent = headers(SECRET, MESSAGE, NOW, BODY)
    assert sent == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }
    assert verify(SECRET, sent, BODY, NOW) == MESSAGE


def test_the_mac_is_that_of_rfc_4231() -> None:
    """Test case 4 has a key that a secret can hold."""
    key = bytes(range(1, 26))
    expected = "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    assert webhook._mac(key, b"\xcd" * 50).hex() == expected


def test_an_asymmetric_secret_signs_for_its_public_half() -> None:
    sent = headers(PRIVATE_SECRET, MESSAGE, NOW, BODY)
    content = f"{MESSAGE}.1614265330.".encode() + BODY
    raw = base64.b64decode(sent["webhook-signature"].removeprefix("v1a,"))
    Ed25519PrivateKey.from_private_bytes(SEED).public_key().verify(raw, content)
    assert verify(PUBLIC_SECRET, sent, BODY, NOW) == MESSAGE
    assert verify(PRIVATE_SECRET, sent, BODY, NOW) == MESSAGE
    with pytest.raises(SecretError):
        headers(PUBLIC_SECRET, MESSAGE, NOW, BODY)


def test_while_secrets_are_changed_either_verifies() -> None:
    sent = headers(f"{SECRET} {PRIVATE_SECRET}", MESSAGE, NOW, BODY)
    for known in (SECRET, PUBLIC_SECRET, f"{OTHER} {SECRET}"):
        assert verify(known, sent, BODY, NOW) == MESSAGE
    assert code_of(OTHER, sent) == "SIGNATURE_NOT_VALID"


def test_the_kind_of_secret_says_the_kind_of_signature() -> None:
    """A shared secret is never taken for a public key, nor the other way about."""
    value = headers(SECRET, MESSAGE, NOW, BODY)["webhook-signature"].removeprefix("v1,")
    sent = headers(SECRET, MESSAGE, NOW, BODY) | {"webhook-signature": f"v1a,{value}"}
    assert code_of(SECRET, sent) == "SIGNATURE_NOT_VALID"
    assert code_of(PUBLIC_SECRET, headers(SECRET, MESSAGE, NOW, BODY)) == "SIGNATURE_NOT_VALID"


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_a_message_counts_for_five_minutes_to_each_side(minutes: int) -> None:
    sent = headers(SECRET, MESSAGE, NOW, BODY)
    at = NOW + dt.timedelta(minutes=minutes)
    assert verify(SECRET, sent, BODY, at) == MESSAGE
    beyond = at + dt.timedelta(seconds=1 if minutes >= 0 else -1, minutes=0 if minutes else 5)
    assert code_of(SECRET, sent, now=beyond) == "TIMESTAMP_OUTSIDE"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook-id": "msg_other"}, "SIGNATURE_NOT_VALID"),
        ({"webhook-timestamp": "1614265331"}, "SIGNATURE_NOT_VALID"),
        ({"webhook-signature": ""}, "SIGNATURE_NOT_VALID"),
        ({"webhook-signature": "v1,"}, "SIGNATURE_NOT_VALID"),
        ({"webhook-signature": SIGNATURE.replace("v1", "v2")}, "SIGNATURE_NOT_VALID"),
        ({"webhook-signature": "v1,!!! v1,Zm9v"}, "SIGNATURE_NOT_VALID"),
        ({"webhook-signature": "v1,Zm9v " * 20 + SIGNATURE}, "SIGNATURE_NOT_VALID"),
        ({"webhook-id": f"{MESSAGE}.1"}, "HEADER_NOT_VALID"),
        ({"webhook-id": ""}, "HEADER_NOT_VALID"),
        ({"webhook-timestamp": "-1"}, "HEADER_NOT_VALID"),
        ({"webhook-timestamp": "9" * 400}, "HEADER_NOT_VALID"),
        ({"webhook-timestamp": "\u0661"}, "HEADER_NOT_VALID"),
    ],
)
def test_a_changed_header_is_found(change: dict[str, str], code: str) -> None:
    assert code_of(SECRET, headers(SECRET, MESSAGE, NOW, BODY) | change) == code


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_found(name: str) -> None:
    sent = headers(SECRET, MESSAGE, NOW, BODY)
    del sent[name]
    assert code_of(SECRET, sent) == "HEADER_MISSING"


@given(body=st.binary(max_size=200), at=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_any_body_is_signed_and_any_change_of_it_found(body: bytes, at: int, flip: int) -> None:
    for secret in (SECRET, PRIVATE_SECRET):
        sent = headers(secret, MESSAGE, NOW, body)
        assert verify(secret, sent, body, NOW) == MESSAGE
        assert code_of(secret, sent, body + b"x") == "SIGNATURE_NOT_VALID"
        if body:
            where = at % len(body)
            changed = body[:where] + bytes([body[where] ^ flip]) + body[where + 1 :]
            assert code_of(secret, sent, changed) == "SIGNATURE_NOT_VALID"


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_!!", f"whsec_{base64.b64encode(b'k' * 23).decode()}",
     f"whsec_{base64.b64encode(b'k' * 65).decode()}", f"whsk_{base64.b64encode(b'k' * 31).decode()}",
     f"other_{base64.b64encode(b'k' * 32).decode()}", SECRET.removeprefix("whsec_"),
     " ".join([SECRET] * 5), f"{SECRET}  {SECRET}"],
)  # fmt: skip
def test_what_is_no_secret_is_told_without_telling_it(secret: str) -> None:
    with pytest.raises(SecretError) as refused:
        webhook.check_secret(secret)
    assert len(secret) < 12 or secret not in str(refused.value)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\n", "m" * 65, "é"])
def test_a_message_id_that_could_be_read_in_two_ways_is_not_signed(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        headers(SECRET, message_id, NOW, BODY)


# --- new tries ------------------------------------------------------------------------------------


def test_the_schedule_is_the_suggested_one() -> None:
    at = [backoff.next_try(attempt, NOW, 0.0) for attempt in range(1, 10)]
    since = [(one - NOW).total_seconds() for one in at if one is not None]
    assert since == [5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105]
    assert backoff.next_try(10, NOW, 0.0) is None
    assert backoff.next_try(99, NOW, 1.0) is None


@given(jitters=st.lists(st.floats(0, 1), min_size=9, max_size=9))
def test_each_try_is_later_than_the_one_before_and_little_put_off(jitters: list[float]) -> None:
    before = NOW
    for attempt, jitter in enumerate(jitters, start=1):
        at = backoff.next_try(attempt, NOW, jitter)
        plain = backoff.next_try(attempt, NOW, 0.0)
        assert at is not None
        assert plain is not None
        assert before < at
        assert dt.timedelta(0) <= at - plain <= backoff.DELAYS[attempt - 1] / 10
        before = at


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (-1, 0.0), (1, -0.1), (1, 1.1)])
def test_a_mistake_of_the_caller_is_told(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempt"):
        backoff.next_try(attempt, NOW, jitter)
