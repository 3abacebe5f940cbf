"""A page's signature: made and verified, and refused however it or the page is altered."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.page_signature import NotGenuine, sign_page, verify_page

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNED_AT = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC)
PAGE = b'{"specversion":"1.0"}\n'


def signed(content: bytes = PAGE, at: dt.datetime = SIGNED_AT) -> dict[str, str]:
    return sign_page(content, at, "k1", KEY.sign)


@given(st.binary(max_size=2_000), st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2080, 1, 1)))
def test_what_was_signed_verifies_at_any_time(content: bytes, at: dt.datetime) -> None:
    at = at.replace(tzinfo=dt.UTC, microsecond=0)
    assert verify_page(signed(content, at), content, "k1", KEY.public_key()) == at


def test_the_signature_is_that_of_the_rfc_over_type_and_digest() -> None:
    """Put together by hand from RFC 9421 section 2.5."""
    headers = signed()
    digest = base64.b64encode(hashlib.sha256(PAGE).digest()).decode()
    assert headers["Content-Digest"] == f"sha-256=:{digest}:"
    label, _, parameters = headers["Signature-Input"].partition("=")
    base = (
        f'"content-type": application/x-ndjson\n"content-digest": sha-256=:{digest}:\n'
        f'"@signature-params": {parameters}'
    )
    value = headers["Signature"].removeprefix(f"{label}=:").removesuffix(":")
    KEY.public_key().verify(base64.b64decode(value), base.encode())
    assert 'tag="cms-feed-page"' in parameters
    assert 'keyid="k1"' in parameters


def test_names_of_headers_are_of_any_case() -> None:
    headers = {name.upper(): value for name, value in signed().items()}
    verify_page(headers, PAGE, "k1", KEY.public_key())


@pytest.mark.parametrize("name", ["Content-Type", "Content-Digest", "Signature-Input", "Signature"])
def test_nothing_may_be_missing(name: str) -> None:
    headers = signed()
    del headers[name]
    with pytest.raises(NotGenuine, match=name.lower()):
        verify_page(headers, PAGE, "k1", KEY.public_key())


def test_another_page_key_or_name_is_not_believed() -> None:
    for headers, content, kid, key in (
        (signed(), PAGE + b"\n", "k1", KEY),
        (signed(), PAGE, "k2", KEY),
        (signed(), PAGE, "k1", OTHER),
        (signed() | {"Content-Type": "application/json"}, PAGE, "k1", KEY),
        (signed() | {"Content-Digest": signed(b"x")["Content-Digest"]}, PAGE, "k1", KEY),
        (signed() | {"Content-Digest": signed(b"x")["Content-Digest"]}, b"x", "k1", KEY),
        (signed() | {"Signature": "page=:AAAA:"}, PAGE, "k1", KEY),
    ):
        with pytest.raises(NotGenuine):
            verify_page(headers, content, kid, key.public_key())


@pytest.mark.parametrize(
    "altered",
    [
        'page=("content-type");created=1764331200;keyid="k1";alg="ed25519";tag="cms-feed-page"',
        'page=("content-digest");created=1764331200;keyid="k1";alg="ed25519";tag="cms-feed-page"',
        'page=("content-type" "content-digest");created=1764331200;keyid="k1";alg="hmac-sha256"',
        'page=("content-type" "content-digest");created="x";keyid="k1";tag="cms-feed-page"',
        "page=()",
        "",
        "page",
        "\x00",
        "page=(((((((",
    ],
)
def test_a_signature_over_less_or_of_another_kind_is_not_believed(altered: str) -> None:
    headers = signed() | {"Signature-Input": altered}
    with pytest.raises(NotGenuine):
        verify_page(headers, PAGE, "k1", KEY.public_key())


def test_a_signature_that_covers_only_the_type_is_not_believed() -> None:
    """Genuine, by our own key, and for another purpose."""
    from http_message_signatures import HTTPMessageSigner, algorithms  # noqa: PLC0415

    from gateway.core.page_signature import _Message  # noqa: PLC0415

    message = _Message({"Content-Type": "application/x-ndjson"})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
    prepared = signer.prepare(
        message, key_id="k1", created=SIGNED_AT, label="page", tag="cms-feed-page",
        covered_component_ids=("content-type",),
    )  # fmt: skip
    signer.apply(message, prepared, KEY.sign(prepared.signature_base))
    message.headers["Content-Digest"] = signed()["Content-Digest"]
    with pytest.raises(NotGenuine):
        verify_page(message.headers, PAGE, "k1", KEY.public_key())


@given(st.dictionaries(st.sampled_from(["content-type", "content-digest", "signature-input",
                                        "signature"]), st.text(max_size=80)))  # fmt: skip
def test_no_header_makes_it_raise_anything_else(changed: dict[str, str]) -> None:
    headers = {name.lower(): value for name, value in signed().items()} | changed
    with contextlib.suppress(NotGenuine):
        verify_page(headers, PAGE, "k1", KEY.public_key())
