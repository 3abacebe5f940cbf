"""Checkpoints against the published vectors of signed notes, and every way of being malformed."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    checkpoint_text,
    format_vkey,
    open_checkpoint,
    parse_vkey,
    sign_checkpoint,
    verifier_key,
)

# golang.org/x/mod/sumdb/note, note_test.go (BSD 3-clause): the key that other implementations use
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = verifier_key("gateway.example/ledger", SECRET.public_key().public_bytes_raw())
CHECKPOINT = Checkpoint(KEY.name, 1042, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, KEY, SECRET.sign)
WITNESS = f"\u2014 witness.example/w1 {base64.b64encode(bytes(76)).decode()}\n"


def signed(text):
    signature = base64.b64encode(KEY.key_id + SECRET.sign(text.encode())).decode()
    return f"{text}\n\u2014 {KEY.name} {signature}\n"


def test_the_published_key_is_read_and_written():
    key = parse_vkey(PETER)
    assert key.name == "PeterNeumann"
    assert key.kid == "c74f20a3"
    assert format_vkey(key) == PETER
    secret = Ed25519PrivateKey.from_private_bytes(PETER_SEED)
    assert secret.public_key().public_bytes_raw() == key.public


def test_every_mangling_of_the_published_key_is_refused():
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(CheckpointError):
                    parse_vkey(PETER[start:end])
    for at, character in enumerate(PETER):
        with pytest.raises(CheckpointError):
            parse_vkey(PETER[:at] + chr(ord(character) + 1) + PETER[at + 1 :])
    for bad in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(CheckpointError):
            parse_vkey(bad)


def test_a_checkpoint_has_the_form_of_the_specification():
    assert NOTE.startswith(
        "gateway.example/ledger\n1042\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n\u2014 ",
    )
    assert open_checkpoint(NOTE, KEY) == CHECKPOINT


def test_the_example_of_the_specification_is_read_up_to_its_unknown_key():
    note = (  # c2sp.org/tlog-checkpoint
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    said = Checkpoint("example.com/behind-the-sofa", 20852163, root)
    assert note.startswith(checkpoint_text(said) + "\n")
    with pytest.raises(CheckpointError, match="no signature by"):
        open_checkpoint(note, KEY)


@pytest.mark.parametrize("note", [NOTE + WITNESS, NOTE.replace("\n\n", "\n\n" + WITNESS)])
def test_witnesses_may_sign_too(note):
    assert open_checkpoint(note, KEY) == CHECKPOINT


def test_a_witness_alone_is_not_enough():
    with pytest.raises(CheckpointError, match="no signature by"):
        open_checkpoint(checkpoint_text(CHECKPOINT) + "\n" + WITNESS, KEY)


def test_one_bad_signature_by_the_key_is_one_too_many():
    bad = f"\u2014 {KEY.name} {base64.b64encode(KEY.key_id + bytes(64)).decode()}\n"
    with pytest.raises(CheckpointError, match="does not verify"):
        open_checkpoint(NOTE + bad, KEY)


ROOT64 = base64.b64encode(CHECKPOINT.root).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY.name}\n01042\n{ROOT64}\n",
        f"{KEY.name}\n+1042\n{ROOT64}\n",
        f"{KEY.name}\n-1\n{ROOT64}\n",
        f"{KEY.name}\n1_042\n{ROOT64}\n",
        f"{KEY.name}\n\u0661\n{ROOT64}\n",
        f"{KEY.name}\n\n{ROOT64}\n",
        f"{KEY.name}\n{1 << 63}\n{ROOT64}\n",
        f"{KEY.name}\n{10**40}\n{ROOT64}\n",
        f"{KEY.name}\n1042\n{ROOT64[:-1]}\n",
        f"{KEY.name}\n1042\n{ROOT64[:-2]}9=\n",  # spare bits set
        f"{KEY.name}\n1042\n{ROOT64} \n",
        f"{KEY.name}\n1042\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{KEY.name}\n1042\n{ROOT64}\nextension\n",
        f"{KEY.name}\n1042\n",
        f"{KEY.name}\r\n1042\n{ROOT64}\n",
        f"other.example/ledger\n1042\n{ROOT64}\n",
        f"\n1042\n{ROOT64}\n",
    ],
)
def test_text_in_another_form_is_refused_though_it_is_signed(text):
    with pytest.raises(CheckpointError):
        open_checkpoint(signed(text), KEY)


@pytest.mark.parametrize(
    "note",
    ["", "\n\n", "\ud800\n\n\ud800\n", NOTE[:-1], NOTE + "\n", NOTE + "x\n", "x" * 100_000,
     NOTE + WITNESS * 64, NOTE.replace("\u2014", "-"), NOTE.replace("\u2014 ", "\u2014  ")],
)  # fmt: skip
def test_notes_in_another_form_are_refused(note):
    with pytest.raises(CheckpointError):
        open_checkpoint(note, KEY)


def test_every_flipped_bit_is_found():
    data = NOTE.encode()
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            text = flipped.decode()
        except UnicodeDecodeError:
            continue
        with pytest.raises(CheckpointError):
            open_checkpoint(text, KEY)


def test_nothing_is_signed_that_could_not_be_read():
    with pytest.raises(CheckpointError):
        sign_checkpoint(Checkpoint("other", 1, bytes(32)), KEY, SECRET.sign)
    with pytest.raises(CheckpointError):
        sign_checkpoint(Checkpoint(KEY.name, -1, bytes(32)), KEY, SECRET.sign)
    with pytest.raises(CheckpointError):
        sign_checkpoint(Checkpoint(KEY.name, 1, bytes(31)), KEY, SECRET.sign)
    with pytest.raises(CheckpointError):
        sign_checkpoint(CHECKPOINT, KEY, lambda _text: b"short")
    for name in ("", "a b", "a+b", "a\nb", "a\u2003b"):
        with pytest.raises(CheckpointError):
            verifier_key(name, bytes(32))
    with pytest.raises(CheckpointError):
        verifier_key("name", bytes(31))


@given(st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_read_back(size, root):
    checkpoint = Checkpoint(KEY.name, size, root)
    assert open_checkpoint(sign_checkpoint(checkpoint, KEY, SECRET.sign), KEY) == checkpoint


@given(st.text(max_size=300))
def test_any_text_is_refused_with_our_own_error(text):
    with pytest.raises(CheckpointError):
        open_checkpoint(text, KEY)
    with pytest.raises(CheckpointError):
        parse_vkey(text)
