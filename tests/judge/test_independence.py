"""The judge shares nothing with the writers but the hash, and yet reads what they write."""

import ast
import json
from pathlib import Path

import evidence_build as build
from hypothesis import given
from hypothesis import strategies as st

import gateway.judge
from gateway.core.checkpoint import Checkpoint, parse_vkey, sign_checkpoint
from gateway.core.merkle import Levels, leaf_hashes
from gateway.core.tiles import encode_entries, tiles_of
from gateway.core.tlog_proof import TlogProof, format_tlog_proof
from gateway.judge.entries import read_entries, read_entry
from gateway.judge.ledger import verify_export
from gateway.judge.receipt import verify_receipt
from gateway.judge.strict import Unsound

LEDGER = build.small_ledger()
KEY = parse_vkey(build.VKEY)


def test_the_judge_imports_nothing_of_ours_but_the_hash():
    for path in Path(gateway.judge.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in {"gateway", "adapters", "schemas", "certs", "."}:
                    assert name.startswith("gateway.judge.") or name == "gateway.core.merkle"


def signed_checkpoint():
    root = Levels(leaf_hashes(LEDGER)).root
    checkpoint = Checkpoint(build.ORIGIN, len(LEDGER), root)
    return sign_checkpoint(checkpoint, KEY, build.SECRET.sign)


def test_a_receipt_by_the_writers_verifies():
    one = build.Submission("sub-1", 3, recorded=5)
    index = LEDGER.index(one.entry)
    extra = build.canonical({"entry": build.b64u(one.entry), "receipt": one.jws})
    path = Levels(leaf_hashes(LEDGER)).path(index)
    text = format_tlog_proof(TlogProof(index, tuple(path), signed_checkpoint(), extra))
    assert text == build.receipt_of(one, LEDGER)
    verdict = verify_receipt(text, build.VKEY)
    assert verdict.ok, verdict.findings


def test_an_export_by_the_writers_verifies(tmp_path):
    hashes = leaf_hashes(LEDGER)
    files = {"checkpoint": signed_checkpoint().encode(), "origin.vkey": f"{build.VKEY}\n".encode()}
    for tile in tiles_of(len(LEDGER)):
        part = slice(tile.index * 256, tile.index * 256 + tile.width)
        files[tile.path] = (
            encode_entries(LEDGER[part]) if tile.level is None else b"".join(hashes[part])
        )
    assert files == build.files_of(LEDGER)
    build.write_files(tmp_path, files)
    assert verify_export(tmp_path, build.VKEY).ok


def thoroughly(data):
    try:
        return read_entry(data)
    except Unsound as unsound:
        return str(unsound)


plain = st.none() | st.booleans() | st.integers(-1, 1 << 60) | st.floats() | st.text(max_size=4)


@given(st.lists(st.tuples(
    st.sampled_from(LEDGER), st.integers(0, 14), plain, st.binary(max_size=1),
), max_size=4))  # fmt: skip
def test_the_quick_way_says_what_the_thorough_way_says(changes):
    entries = []
    for entry, place, value, after in changes:
        members = json.loads(entry)
        if place < len(members):
            members[sorted(members)[place]] = value
        try:
            entries.append(build.canonical(members) + after)
        except UnicodeEncodeError:
            entries.append(entry)
    quick = [str(f) if isinstance(f, Unsound) else f for f in read_entries(entries)]
    assert quick == [thoroughly(data) for data in entries]
    valid = read_entries(LEDGER)
    assert valid == [thoroughly(data) for data in LEDGER]
