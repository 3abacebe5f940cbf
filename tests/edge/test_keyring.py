"""The key ring: what its keys promise, how it is made, rotated and refused."""

import base64
import dataclasses
import hashlib
import secrets

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.refusal import Reason, Refused
from gateway.edge import keyring
from gateway.edge.keyring import KeyRingError

ORIGIN = "gateway.example/ledger"
KEY = bytes(range(32))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys") / "ring"
    keyring.create(directory)
    return directory


@pytest.fixture(scope="module")
def ring(directory):
    return keyring.open_ring(directory, origin=ORIGIN)


def test_the_vkey_is_that_of_the_specification(ring):
    public = ring.evidence.public.public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\x0a\x01" + public).digest()[:4]
    name, hexadecimal, encoded = ring.evidence.vkey.split("+", 2)
    assert name == ORIGIN
    assert hexadecimal == ring.evidence.kid == key_id.hex()
    assert ring.evidence.key_id == key_id
    assert base64.b64decode(encoded, validate=True) == b"\x01" + public


def test_what_the_evidence_key_signs_verifies_and_nothing_else_does(ring):
    signature = ring.evidence.sign(b"checkpoint")
    ring.evidence.public.verify(signature, b"checkpoint")
    with pytest.raises(InvalidSignature):
        ring.evidence.public.verify(signature, b"checkpoinu")


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3():
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "="))
    assert keyring.key_thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_data_key_comes_back(ring):
    wrapped = ring.wrap(KEY, b"submission 1")
    assert ring.unwrap(wrapped, b"submission 1") == KEY
    assert KEY not in wrapped
    assert ring.wrap(KEY, b"submission 1") != wrapped
    assert keyring.wrapping_key_id(wrapped) == ring.active_wrapping_key


def test_a_data_key_of_another_submission_does_not_open(ring):
    with pytest.raises(Refused) as refused:
        ring.unwrap(ring.wrap(KEY, b"submission 1"), b"submission 2")
    assert refused.value.reason is Reason.INTERNAL


def test_every_altered_bit_of_a_wrapped_key_is_noticed(ring):
    wrapped = ring.wrap(KEY, b"")
    for place in range(len(wrapped) * 8):
        altered = bytearray(wrapped)
        altered[place // 8] ^= 1 << place % 8
        with pytest.raises(Refused):
            ring.unwrap(bytes(altered), b"")


@given(st.binary(max_size=90) | st.binary(min_size=69, max_size=69))
def test_no_bytes_are_mistaken_for_a_wrapped_key(ring, content):
    with pytest.raises(Refused):
        ring.unwrap(content, b"")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_only_keys_of_256_bits_are_wrapped(ring, size):
    with pytest.raises(ValueError, match="32 bytes"):
        ring.wrap(bytes(size), b"")


def test_rotation_keeps_what_was_wrapped_and_what_was_signed(tmp_path):
    keyring.create(tmp_path)
    before = keyring.open_ring(tmp_path, origin=ORIGIN)
    wrapped = before.wrap(KEY, b"")
    for number in range(2, 12):  # past nine, where names no longer sort like numbers
        assert keyring.rotate_wrapping_key(tmp_path).name == f"wrapping-{number}.key"
    assert keyring.rotate_token_key(tmp_path).name == "token-2.pem"
    after = keyring.open_ring(tmp_path, origin=ORIGIN)
    assert after.active_wrapping_key != before.active_wrapping_key
    assert after.unwrap(wrapped, b"") == KEY
    newest = after.wrap(KEY, b"")
    with pytest.raises(Refused):
        before.unwrap(newest, b"")
    assert [key.kid for key in after.token_keys[1:]] == [key.kid for key in before.token_keys]
    assert after.evidence.vkey == before.evidence.vkey
    assert after.tag("content", b"x") == before.tag("content", b"x")
    (tmp_path / "wrapping-11.key").unlink()
    with pytest.raises(Refused):
        keyring.open_ring(tmp_path, origin=ORIGIN).unwrap(newest, b"")


def test_a_tag_depends_on_its_purpose_and_on_where_the_parts_end(ring):
    tags = {
        ring.tag("content", b"ab", b"c"),
        ring.tag("content", b"a", b"bc"),
        ring.tag("content", b"abc"),
        ring.tag("content", b"abc", b""),
        ring.tag("idempotency", b"abc"),
        ring.tag("", b"content", b"abc"),
    }
    assert len(tags) == 6
    assert {len(tag) for tag in tags} == {32}


def test_the_ring_shows_no_secret_and_cannot_be_changed(ring, directory):
    shown = repr(ring)
    for path in directory.glob("*.key"):
        assert path.read_text().strip() not in shown
        assert repr(bytes.fromhex(path.read_text()))[2:-1] not in shown
    assert "private" not in shown.lower()
    with pytest.raises(dataclasses.FrozenInstanceError):
        ring.evidence = None
    with pytest.raises(TypeError):
        ring._wrapping[b""] = None


def test_a_ring_is_never_made_over_another(directory):
    before = {path: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(KeyRingError):
        keyring.create(directory)
    assert before == {path: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("name", ["evidence.pem", "token-1.pem", "wrapping-1.key", "index.key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_is_refused(tmp_path, name, mode):
    keyring.create(tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeyRingError, match=name):
        keyring.open_ring(tmp_path, origin=ORIGIN)
    keyring.open_ring(tmp_path, origin=ORIGIN, allow_files_readable_by_others=True)


@pytest.mark.parametrize("name", ["evidence.pem", "token-1.pem", "wrapping-1.key", "index.key"])
@pytest.mark.parametrize("content", [None, b"", b"x" * 5000, b"0" * 63, b"\xff" * 64])
def test_a_ring_with_a_missing_or_spoilt_key_does_not_open(tmp_path, name, content):
    keyring.create(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(KeyRingError):
        keyring.open_ring(tmp_path, origin=ORIGIN)


def test_trouble_with_a_key_does_not_show_the_key(tmp_path):
    keyring.create(tmp_path)
    secret = secrets.token_hex(40)
    (tmp_path / "index.key").write_text(secret)
    with pytest.raises(KeyRingError) as raised:
        keyring.open_ring(tmp_path, origin=ORIGIN)
    assert secret[:8] not in str(raised.value)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "é", "a" * 256])
def test_an_origin_that_would_break_a_vkey_is_refused(directory, origin):
    with pytest.raises(KeyRingError):
        keyring.open_ring(directory, origin=origin)


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(KeyRingError):
        keyring.open_ring(tmp_path / "elsewhere", origin=ORIGIN)
    with pytest.raises(KeyRingError):
        keyring.rotate_wrapping_key(tmp_path)
    assert list(tmp_path.iterdir()) == []
