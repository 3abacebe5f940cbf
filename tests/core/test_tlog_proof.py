"""Proof files: the example of c2sp.org/tlog-proof, and every way of being malformed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tlog_proof import (
    MAX_EXTRA_BYTES,
    TlogProof,
    TlogProofError,
    format_tlog_proof,
    parse_tlog_proof,
)

# after the example of the specification; the extra data there is cut short, this one is whole
HASHES = [
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
    "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=",
    "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=",
    "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=",
]
CHECKPOINT = (
    "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n"
    "\u2014 example.com/fancylog hI2DJw==\n"
)
EXAMPLE = (
    "c2sp.org/tlog-proof@v1\nextra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\nindex 73894\n"
    + "\n".join(HASHES)
    + "\n\n"
    + CHECKPOINT
)


def test_the_example_of_the_specification():
    proof = parse_tlog_proof(EXAMPLE)
    assert proof.index == 73894
    assert proof.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    assert [base64.b64encode(value).decode() for value in proof.hashes] == HASHES
    assert proof.checkpoint == CHECKPOINT
    assert format_tlog_proof(proof) == EXAMPLE


def test_extra_data_and_hashes_may_be_absent():
    text = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{CHECKPOINT}"
    assert parse_tlog_proof(text) == TlogProof(0, (), CHECKPOINT)
    assert format_tlog_proof(TlogProof(0, (), CHECKPOINT)) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("proof@v1", "proof@v2"),
        ("c2sp", " c2sp"),
        ("index 73894", "index 073894"),
        ("index 73894", "index -1"),
        ("index 73894", "index 9223372036854775808"),
        ("index 73894", f"index {10**30}"),
        ("index 73894", "Index 73894"),
        ("index 73894\n", ""),
        ("extra ", "extra  "),
        ("extra YWdl", "extra YW*l"),
        ("extra YWdl", "extra \nYWdl"),
        ("PlQ=", "PlR="),
        ("PlQ=", "PlQ"),
        ("PlQ=", "PlQ= "),
        ("PlQ=\n", "PlQ=\r\n"),
        (HASHES[0], base64.b64encode(bytes(31)).decode()),
        (HASHES[0], HASHES[0] + ("\n" + HASHES[0]) * 63),
        (CHECKPOINT, ""),
        (CHECKPOINT, "x" * 100_000),
        ("\n\n", "\n"),
    ],
)
def test_other_forms_are_refused(old, new):
    assert old in EXAMPLE
    with pytest.raises(TlogProofError):
        parse_tlog_proof(EXAMPLE.replace(old, new))


def test_bounds_hold_for_writing_too():
    for proof in (
        TlogProof(-1, (), CHECKPOINT),
        TlogProof(1 << 63, (), CHECKPOINT),
        TlogProof(0, (bytes(32),) * 64, CHECKPOINT),
        TlogProof(0, (bytes(31),), CHECKPOINT),
        TlogProof(0, (), ""),
        TlogProof(0, (), CHECKPOINT, bytes(MAX_EXTRA_BYTES + 1)),
    ):
        with pytest.raises(TlogProofError):
            format_tlog_proof(proof)


@given(
    st.integers(0, (1 << 63) - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(max_size=500),
)
def test_what_is_written_is_read_back(index, hashes, extra):
    proof = TlogProof(index, tuple(hashes), CHECKPOINT, extra)
    assert parse_tlog_proof(format_tlog_proof(proof)) == proof


@given(st.text(max_size=300))
def test_any_text_is_refused_with_our_own_error(text):
    with pytest.raises(TlogProofError):
        parse_tlog_proof("c2sp.org/tlog-proof@v1\n" + text.replace("index", ""))
