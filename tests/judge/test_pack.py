"""A pack that the gateway made verifies; nothing else does, and nothing makes the judge raise."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.canonical import b64u, canonical
from gateway.edge import keyring
from gateway.judge.pack import verify_pack
from gateway.judge.receipt import verify_receipt
from tests.judge.packs import (
    ORGANISATION,
    REQUEST,
    Story,
    files_of,
    said,
    signed,
    unanswered,
    zipped,
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return unanswered(tmp_path_factory.mktemp("ring") / "keys")


def told_anew(story: Story, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A pack whose `request.json` says something else, signed by the key."""
    files = files_of(story.bytes())
    told = json.loads(files["request.json"])
    change(told)
    files["request.json"] = canonical(told)
    return signed(story, files)


# --- what verifies ---------------------------------------------------------------------------------


def test_a_pack_by_the_writers_verifies(story: Story) -> None:
    verdict = verify_pack(story.bytes(), story.key.vkey, request=REQUEST)
    assert verdict.ok, verdict.findings
    assert verdict.entries == 11
    facts = dict(verdict.facts)
    assert facts["request"] == REQUEST
    assert facts["state"] == "escalated"
    assert facts["counts as served on"] == "2026-09-05"
    assert (facts["notices"], facts["texts proved"]) == ("3", "3")
    assert verify_pack(story.bytes(subject={"surname": "Example"}), story.key.vkey).ok


def test_the_form_of_the_tests_is_that_of_the_writers(story: Story) -> None:
    """So that what is found below is found for the reason that is named."""
    data = story.bytes()
    assert zipped(files_of(data)) == data
    assert signed(story, files_of(data)) == data


# --- what does not: altered without the key -----------------------------------------------------------


def test_every_byte_counts(story: Story) -> None:
    data = story.bytes()

    @settings(max_examples=1_000, deadline=None)
    @given(st.integers(0, len(data) * 8 - 1))
    def flipped(bit: int) -> None:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        assert not verify_pack(bytes(changed), story.key.vkey).ok

    flipped()


def test_every_byte_of_a_member_counts_although_its_checksums_fit(story: Story) -> None:
    files = files_of(story.bytes())
    places = [(name, at) for name, data in files.items() for at in range(len(data))]

    @settings(max_examples=1_000, deadline=None)
    @given(st.sampled_from(places), st.integers(0, 7))
    def flipped(place: tuple[str, int], bit: int) -> None:
        name, at = place
        changed = bytearray(files[name])
        changed[at] ^= 1 << bit
        verdict = verify_pack(zipped(files | {name: bytes(changed)}), story.key.vkey)
        assert any(name.split("/")[0].split(".")[0] in each.where for each in verdict.findings)

    flipped()


@given(end=st.integers(0, 30_000), more=st.binary(max_size=30))
def test_every_cut_and_every_addition_is_found(story: Story, end: int, more: bytes) -> None:
    data = story.bytes()
    assert not verify_pack(data[: min(end, len(data) - 1)], story.key.vkey).ok
    assert verify_pack(data + more, story.key.vkey).ok == (more == b"")
    assert verify_pack(more + data, story.key.vkey).ok == (more == b"")


@given(st.binary(max_size=300))
def test_nothing_makes_it_raise(story: Story, data: bytes) -> None:
    assert not verify_pack(data, story.key.vkey).ok
    assert not verify_pack(story.bytes(), data.decode("latin-1")).ok


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
), st.sampled_from(["manifest.json", "request.json"]), st.integers(0, 30))  # fmt: skip
def test_no_json_makes_it_raise(story: Story, value: Any, name: str, at: int) -> None:
    files = files_of(story.bytes())
    told = json.loads(files[name])
    inside = told["request"] if name == "request.json" and at % 2 else told
    inside[sorted(inside)[at % len(inside)]] = value
    changed = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    data = zipped(files | {name: changed})
    assert verify_pack(data, story.key.vkey).ok == (changed == files[name])


def test_another_key_is_found(story: Story, tmp_path: Path) -> None:
    keyring.create(tmp_path / "keys")
    other = keyring.open_ring(tmp_path / "keys", origin=story.key.origin).evidence
    words = said(verify_pack(story.bytes(), other.vkey))
    assert "manifest.sig" in words
    assert "checkpoint: it is not signed by the key" in words
    assert "the key" in said(verify_pack(story.bytes(), "nonsense"))


def test_the_pack_of_another_request_is_found(story: Story) -> None:
    words = said(verify_pack(story.bytes(), story.key.vkey, request="req_2"))
    assert "it is about request 'req_1', and not about 'req_2'" in words


def test_the_manifest_of_another_pack_is_found(story: Story, tmp_path: Path) -> None:
    ours, other = files_of(story.bytes()), files_of(story.bytes(subject={"surname": "Example"}))
    mixed = ours | {name: other[name] for name in ("manifest.json", "manifest.sig")}
    words = said(verify_pack(zipped(mixed), story.key.vkey))
    assert "request.json: it is another than the one that the manifest names" in words


def test_a_swapped_notice_is_found(story: Story) -> None:
    files = files_of(story.bytes())
    one, two = "notices/02-reminder.txt", "notices/03-reminder.txt"
    swapped = files | {one: files[two], two: files[one]}
    words = said(verify_pack(zipped(swapped), story.key.vkey))
    assert f"{one}: it is another" in words
    words = said(verify_pack(signed(story, swapped), story.key.vkey))
    assert "notice 'ntc_2': it has another text than its entry commits to" in words


@pytest.mark.parametrize(
    "name", ["notices/02-reminder.txt", "entries/000000008.json", "proofs/000000008.tlog-proof",
             "summary.html", "request.json", "checkpoint", "manifest.json", "manifest.sig"],
)  # fmt: skip
def test_a_missing_member_is_found(story: Story, name: str) -> None:
    files = files_of(story.bytes())
    del files[name]
    assert f"{name}: it is" in said(verify_pack(zipped(files), story.key.vkey)).replace(
        "entry 8: it is", f"{name}: it is"
    )
    if not name.startswith("manifest"):
        assert "is not in the pack" in said(verify_pack(signed(story, files), story.key.vkey))


def test_an_extra_member_is_found(story: Story) -> None:
    files = files_of(story.bytes()) | {"readme.txt": b"Believe me."}
    assert "manifest.json" in said(verify_pack(zipped(files), story.key.vkey))
    words = said(verify_pack(signed(story, files), story.key.vkey))
    assert "readme.txt: it is in the pack and is not spoken of" in words


# --- signatures that are something else's ---------------------------------------------------------------


def test_a_receipts_jws_is_no_signature_of_a_pack(story: Story) -> None:
    files = files_of(story.bytes())
    header = b64u(canonical({"alg": "EdDSA", "kid": story.key.kid, "typ": "cms-receipt+jwt"}))
    payload = b64u(files["manifest.json"])
    signature = b64u(story.key.sign(f"{header}.{payload}".encode()))
    for jws in (f"{header}.{payload}.{signature}", f"{header}..{signature}"):
        words = said(verify_pack(zipped(files | {"manifest.sig": jws.encode()}), story.key.vkey))
        assert "manifest.sig: it " in words
    words = said(verify_pack(signed(story, files, typ="cms-receipt+jwt"), story.key.vkey))
    assert "does not have the header of an evidence pack" in words


def test_a_signature_that_brings_its_payload_is_another_spelling_and_refused(story: Story) -> None:
    files = files_of(story.bytes())
    jws = files["manifest.sig"].replace(b"..", f".{b64u(files['manifest.json'])}.".encode())
    words = said(verify_pack(zipped(files | {"manifest.sig": jws}), story.key.vkey))
    assert "manifest.sig: it has a payload of its own" in words


def test_a_packs_signature_is_no_receipt(story: Story) -> None:
    files = files_of(story.bytes())
    header, _, signature = files["manifest.sig"].decode().split(".")
    jws = f"{header}.{b64u(files['manifest.json'])}.{signature}"
    proof = files["proofs/000000001.tlog-proof"].decode()
    extra = canonical({"entry": b64u(story.ledger[1]), "receipt": jws})
    lines = proof.split("\n")
    lines[1] = f"extra {base64.b64encode(extra).decode()}"
    words = said(verify_receipt("\n".join(lines), story.key.vkey))
    assert "does not have the header of a receipt" in words


# --- signed by the key, and yet not what the ledger says -------------------------------------------------


def change_event(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda told: told["request"]["history"][2].update(changes)


def change_notice(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda told: told["notices"][1].update(changes)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_event(event="answered"), "entry 5: its kind is 'request.served'"),
        (change_event(at="2026-09-04T09:00:00.000000Z"), "entry 5: its time is"),
        (change_event(state="refused"), "entry 5: its state is"),
        (change_event(by=ORGANISATION), "entry 5: its by is"),
        (change_event(entry=4), "names one entry for two things"),
        (change_event(entry=7), "entry 7: it is not in the pack"),
        (change_event(more=1), "not in the form of a request"),
        (change_notice(id="ntc_9"), "entry 8: its id is 'ntc_2'"),
        (change_notice(sent_at="2026-09-10T09:00:00.000000Z"), "entry 8: its time is"),
        (change_notice(deemed_citation=None), "counts as served by no rule"),
        (change_notice(deemed_served_on="20260919"), "has a day that is not written"),
        (change_notice(salt=b64u(bytes(16))), "has another text than its entry commits to"),
        (change_notice(file="notices/03-reminder.txt"), "filed under another name"),
        (lambda told: told["request"].update(id="req_2"), "another request than the manifest"),
        (lambda told: told["request"].update(history=[]), "not in the form of a request"),
        (lambda told: told.update(origin="another.test"), "another origin than the manifest"),
        (lambda told: told["request"]["history"].reverse(), "not in the order of the ledger"),
    ],
)
def test_what_the_ledger_does_not_say_is_found(
    story: Story, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    assert expected in said(verify_pack(told_anew(story, change), story.key.vkey))


def without(story: Story, *indexes: int) -> bytes:
    """A pack by the real writer that leaves some entries, and what is told of them, out."""
    pack = story.pack()
    history = tuple(each for each in pack.request.history if each.entry not in indexes)
    return story.bytes(
        request=msgspec.structs.replace(pack.request, history=history),
        notices=tuple(each for each in pack.notices if each.entry not in indexes),
        entries=tuple(each for each in pack.entries if each.index not in indexes),
    )


def test_a_reminder_that_is_left_out_is_found_though_the_key_signed_the_pack(story: Story) -> None:
    words = said(verify_pack(without(story, 8), story.key.vkey))
    assert "leaves out notice 'ntc_2', which an event names" in words
    words = said(verify_pack(without(story, 8, 9), story.key.vkey))
    assert "goes from event 4 of the request to event 6" in words
    words = said(verify_pack(without(story, 1, 3), story.key.vkey))
    assert "begins with event 3" in words


def test_entries_of_another_request_are_found(story: Story) -> None:
    pack = story.pack()
    request = msgspec.structs.replace(pack.request, id="req_2")
    words = said(verify_pack(story.bytes(request=request), story.key.vkey, request="req_2"))
    assert "entry 1: its id is 'req_1', where the pack says 'req_2'" in words
    assert "entry 4: its request is 'req_1'" in words


def test_a_text_without_a_salt_is_the_gateways_own_word(story: Story) -> None:
    pack = story.pack()
    notices = tuple(msgspec.structs.replace(each, salt=None) for each in pack.notices)
    verdict = verify_pack(story.bytes(notices=notices), story.key.vkey)
    assert verdict.ok, verdict.findings
    assert dict(verdict.facts)["texts proved"] == "0"


def test_an_entry_that_is_not_in_the_ledger_is_found(story: Story) -> None:
    files = files_of(story.bytes())
    forged = story.ledger[5].replace(b'"served"', b'"answer"')
    lines = files["proofs/000000005.tlog-proof"].decode().split("\n")
    extra = base64.b64encode(canonical({"entry": b64u(forged)})).decode()
    proof = "\n".join([lines[0], f"extra {extra}", *lines[2:]]).encode()
    changed = files | {"entries/000000005.json": forged, "proofs/000000005.tlog-proof": proof}
    words = said(verify_pack(signed(story, changed), story.key.vkey))
    assert "entry 5: it is not in the ledger: its proof leads to another root" in words


def test_a_pack_of_another_ledger_is_found(story: Story) -> None:
    files = files_of(story.bytes())
    told = json.loads(files["request.json"]) | {"origin": "another.test"}
    data = signed(story, files | {"request.json": canonical(told)}, origin="another.test")
    assert "request.json: it is of another ledger than the key" in said(
        verify_pack(data, story.key.vkey)
    )


def test_a_proof_under_another_checkpoint_is_found(story: Story) -> None:
    """Both are signed by the key; but a pack shows one state of the ledger."""
    later = unanswered(story.directory)
    later.other(50)
    name = "proofs/000000005.tlog-proof"
    files = files_of(story.bytes()) | {name: files_of(later.bytes())[name]}
    words = said(verify_pack(signed(story, files), story.key.vkey))
    assert "entry 5: it has a proof under another checkpoint than the pack's" in words


def test_a_proof_of_another_entry_or_place_is_found(story: Story) -> None:
    files = files_of(story.bytes())
    one, two = "proofs/000000005.tlog-proof", "proofs/000000006.tlog-proof"
    words = said(verify_pack(signed(story, files | {one: files[two]}), story.key.vkey))
    assert "entry 5: it has a proof that is of another entry" in words
    moved = files[one].replace(b"\nindex 5\n", b"\nindex 6\n")
    words = said(verify_pack(signed(story, files | {one: moved}), story.key.vkey))
    assert "entry 5: it has a proof that is for another place" in words
