"""An older checkpoint holds a ledger to what it was; a proof of one entry needs no receipt."""

import json

import evidence_build as build
import pytest

from gateway.judge.entry_proof import is_entry_proof, verify_entry
from gateway.judge.ledger import verify_export


def ledger(count, **different):
    """Acts of administration, so many; `different` is a member of the fourth."""
    entries = [build.opened()]
    for n in range(1, count):
        entry = {"v": 1, "kind": "client.added", "time": build.instant(n), "id": f"c{n}"}
        entries.append(build.canonical(entry | (different if n == 3 else {})))
    return entries


def verdict_on(directory, entries, older):
    build.write_files(directory, build.files_of(entries))
    return verify_export(directory, build.VKEY, since=build.checkpoint_of(older))


@pytest.mark.parametrize("size", [1, 5, 255, 256, 257, 512, 513, 600])
def test_a_ledger_that_went_on_continues_the_older_one(tmp_path, size):
    entries = ledger(600)
    verdict = verdict_on(tmp_path, entries, entries[:size])
    assert verdict.ok, verdict.findings
    assert dict(verdict.facts)["continues a ledger of size"] == str(size)


@pytest.mark.parametrize("size", [4, 255, 256, 257, 512, 600])
def test_a_rewritten_ledger_is_found_although_the_key_signed_it(tmp_path, size):
    older = ledger(600)[:size]
    rewritten = ledger(600, id="another")
    build.write_files(tmp_path, build.files_of(rewritten))
    assert verify_export(tmp_path, build.VKEY).ok
    verdict = verify_export(tmp_path, build.VKEY, since=build.checkpoint_of(older))
    (finding,) = verdict.findings
    assert finding.where == f"entries 0 to {size - 1}"
    assert "rewritten" in finding.fix


def test_a_ledger_that_was_cut_short_is_found(tmp_path):
    verdict = verdict_on(tmp_path, ledger(5), ledger(9))
    (finding,) = verdict.findings
    assert "of 9 entries, but the ledger has 5" in finding.what


@pytest.mark.parametrize("older", ["", "nonsense", "a\n1\nb\n\nc\n"])
def test_an_older_checkpoint_that_is_none_is_said(tmp_path, older):
    build.write_files(tmp_path, build.files_of(ledger(3)))
    verdict = verify_export(tmp_path, build.VKEY, since=older)
    assert [finding.where for finding in verdict.findings] == ["the older checkpoint"]


def test_an_older_checkpoint_by_nobody_is_said(tmp_path):
    entries = ledger(3)
    build.write_files(tmp_path, build.files_of(entries))
    forged = build.checkpoint_of(entries, size=2)
    verdict = verify_export(tmp_path, build.VKEY, since=forged.replace("\n2\n", "\n1\n"))
    assert not verdict.ok


def proof_of(index, entries, extra=None):
    leaves = [build.leaf_of(entry) for entry in entries]
    held = {"entry": build.b64u(entries[index])} if extra is None else extra
    lines = ["c2sp.org/tlog-proof@v1", f"extra {build.b64(build.canonical(held))}"]
    lines += [f"index {index}", *map(build.b64, build.path_of(index, leaves))]
    return "\n".join(lines) + "\n\n" + build.checkpoint_of(entries)


def test_an_entry_is_proved_without_a_receipt():
    entries = ledger(9)
    text = proof_of(4, entries)
    assert is_entry_proof(text)
    verdict = verify_entry(text.encode(), build.VKEY)
    assert verdict.ok, verdict.findings
    assert dict(verdict.facts)["kind"] == "client.added"
    assert dict(verdict.facts)["entry"] == "4"


def test_an_entry_that_was_altered_or_moved_is_found():
    entries = ledger(9)
    other = build.canonical(json.loads(entries[4]) | {"id": "x"})
    altered = verify_entry(proof_of(4, entries, {"entry": build.b64u(other)}), build.VKEY)
    moved = verify_entry(proof_of(4, entries).replace("index 4", "index 5"), build.VKEY)
    for verdict in (altered, moved):
        assert not verdict.ok
        assert verdict.facts == ()
        assert "another root" in str(verdict.findings[0])


@pytest.mark.parametrize("text", ["", "nonsense", b"\xff", "c2sp.org/tlog-proof@v1\n\n\n\n"])
def test_what_is_no_proof_is_said(text):
    assert not is_entry_proof(text)
    assert not verify_entry(text, build.VKEY).ok
    assert not verify_entry(proof_of(0, ledger(2)), "no key").ok


def test_a_proof_with_more_in_it_is_not_one_of_an_entry():
    entries = ledger(2)
    text = proof_of(1, entries, {"entry": build.b64u(entries[1]), "receipt": "x"})
    assert not is_entry_proof(text)
    assert not verify_entry(text, build.VKEY).ok
