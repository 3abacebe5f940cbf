"""A valid receipt verifies; nothing else does."""

import hashlib
import json

import evidence_build as build
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.receipt import verify_receipt

LEDGER = build.small_ledger()
ONE = build.Submission("sub-1", 3, recorded=5)
RECEIPT = build.receipt_of(ONE, LEDGER)


def verdict_on(submission, **changed):
    """Verify the receipt of a submission that is alone in a ledger."""
    return verify_receipt(
        build.receipt_of(submission, [build.opened(), submission.entry], **changed),
        build.VKEY,
    )


def said(verdict):
    assert not verdict.ok
    assert verdict.facts == ()
    return " | ".join(map(str, verdict.findings))


def outcome(kind, claims=(), **changed):
    """A receipt for a submission that was refused or only received."""
    entry = json.loads(build.refused_entry() if kind == "refused" else build.received_entry())
    entry |= changed
    nothing = dict.fromkeys(("class", "format", "request", "client", "content", "rows", "records"))
    told = ONE.claims | nothing | {"rules": None, "purposes": None, "delivery": None}
    told |= {"sub": entry["submission"], "outcome": kind, "recorded_at": entry["time"]}
    told |= {"iat": build._epoch(entry["time"]), "organisation": entry["organisation"]}
    told |= {"reason": entry["reason"]} if kind == "refused" else {}
    submission = build.Submission("sub-1")
    submission.jws = build.jws_of(told | dict(claims))
    entry["receipt"] = build.b64u(build.sha256(submission.jws.encode()))
    submission.entry = build.canonical(entry)
    return submission


def test_a_valid_receipt_verifies():
    verdict = verify_receipt(RECEIPT, build.VKEY)
    assert verdict.ok, verdict.findings
    assert verdict.receipts == 1
    facts = dict(verdict.facts)
    assert facts["submission"] == "sub-1"
    assert facts["rows accepted"] == "3"
    assert facts["entry"] == "2"
    assert verify_receipt(RECEIPT.encode(), build.VKEY + "\n") == verdict


def test_the_file_itself_can_be_compared():
    digest = hashlib.sha256(b"sub-1").digest()
    assert verify_receipt(RECEIPT, build.VKEY, digest=digest).ok
    assert "not the one" in said(verify_receipt(RECEIPT, build.VKEY, digest=bytes(32)))


def test_every_byte_counts():
    data = RECEIPT.encode()
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        assert not verify_receipt(bytes(flipped), build.VKEY).ok, at


@given(st.integers(0, len(RECEIPT.encode()) * 8 - 1))
def test_every_bit_counts(bit):
    flipped = bytearray(RECEIPT.encode())
    flipped[bit // 8] ^= 1 << bit % 8
    assert not verify_receipt(bytes(flipped), build.VKEY).ok


@given(st.integers(0, len(RECEIPT.encode()) - 1))
def test_every_cut_is_found(end):
    assert not verify_receipt(RECEIPT.encode()[:end], build.VKEY).ok


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"iss": "other.example"}, "iss"),
        ({"sub": "sub-2"}, "sub"),
        ({"iat": 5}, "iat"),
        ({"outcome": "refused"}, "outcome"),
        ({"reason": "file-rule"}, "reason"),
        ({"organisation": "org-8"}, "organisation"),
        ({"class": "deposit_taker"}, "class"),
        ({"format": "other"}, "format"),
        ({"request": "req-1"}, "request"),
        ({"rows": {"accepted": 4, "refused": 1, "nil": 0}}, "rows"),
        ({"records": build.b64u(bytes(32))}, "records"),
        ({"rules": "2026.12"}, "rules"),
        ({"purposes": ["collection"]}, "purposes"),
        ({"recorded_at": build.instant(6)}, "recorded_at"),
        ({"received_at": None}, "instant"),
        ({"received_at": "2026-11-22T21:00:04Z"}, "instant"),
        ({"content": None}, "content"),
        ({"content": {"sha-256": build.b64u(bytes(32)), "salt": build.b64u(bytes(16))}}, "content"),
        ({"content": [1]}, "content"),
        ({"delivery": None}, "which instant counts"),
        ({"delivery": {"instant": ["received_at"], "basis": "x"}}, "instant"),
    ],
)
def test_what_is_signed_twice_must_agree(claims, expected):
    verdict = verdict_on(build.Submission("sub-1", tamper_claims=claims))
    assert expected in said(verdict)
    assert verdict.findings[0].where == "entry 1"


def test_a_missing_claim_is_named():
    submission = build.Submission("sub-1")
    claims = {name: value for name, value in submission.claims.items() if name != "client"}
    submission.jws = build.jws_of(claims)
    entry = json.loads(submission.entry)
    entry["receipt"] = build.b64u(build.sha256(submission.jws.encode()))
    submission.entry = build.canonical(entry)
    assert "lacks client" in said(verdict_on(submission))


def test_another_receipt_does_not_pass_under_an_entry():
    other = build.Submission("sub-1", tamper_claims={"organisation": "org-8"})
    verdict = verdict_on(ONE, extra={"receipt": other.jws})
    assert "not about this JWS" in said(verdict)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": build.KEY_ID.hex(), "typ": "cms-receipt+jwt"},
        {"alg": "HS256", "kid": build.KEY_ID.hex(), "typ": "cms-receipt+jwt"},
        {"alg": "EdDSA", "kid": "00000000", "typ": "cms-receipt+jwt"},
        {"alg": "EdDSA", "kid": build.KEY_ID.hex(), "typ": "JWT"},
        {"alg": "EdDSA", "kid": build.KEY_ID.hex()},
        {"alg": "EdDSA", "kid": build.KEY_ID.hex(), "typ": "cms-receipt+jwt", "jku": "https://x"},
        {"alg": "EdDSA", "kid": build.KEY_ID.hex(), "typ": "cms-receipt+jwt", "crit": ["exp"]},
    ],
)
def test_nothing_in_the_header_is_the_senders_choice(header):
    submission = build.Submission("sub-1")
    submission.jws = build.jws_of(submission.claims, header)
    entry = json.loads(submission.entry)
    entry["receipt"] = build.b64u(build.sha256(submission.jws.encode()))
    submission.entry = build.canonical(entry)
    assert "JWS: it does not have the header" in said(verdict_on(submission))


def test_base64_that_libraries_let_pass_is_refused():
    head, payload, signature = ONE.jws.split(".")
    last = signature[-1]
    spare = chr(ord(last) + 1) if last != "z" else "0"
    for jws in (f"{head}.{payload}.{signature[:-1]}{spare}", f"{ONE.jws}==", f"{ONE.jws}\n"):
        assert "JWS" in said(verdict_on(ONE, extra={"receipt": jws}))


def test_the_wrong_place_is_found():
    assert "another root" in said(
        verify_receipt(build.receipt_of(ONE, LEDGER, index=3), build.VKEY)
    )
    assert "cannot be" in said(verify_receipt(build.receipt_of(ONE, LEDGER, index=11), build.VKEY))
    older = build.checkpoint_of(LEDGER[:6])
    assert said(verify_receipt(build.receipt_of(ONE, LEDGER, checkpoint=older), build.VKEY))


def test_another_key_is_found():
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert "not signed by the key" in said(verify_receipt(RECEIPT, other))
    assert "the key" in said(verify_receipt(RECEIPT, "nonsense"))


@pytest.mark.parametrize(
    "submission",
    [
        outcome("refused"),
        outcome("refused", {"delivery": {"instant": "recorded_at", "basis": "x"}}),
    ],
)
def test_refusals_verify(submission):
    verdict = verdict_on(submission)
    assert verdict.ok, verdict.findings


def test_the_receipt_of_a_large_file_verifies():
    salt, digest = bytes(16), bytes(32)
    content = {"sha-256": build.b64u(digest), "salt": build.b64u(salt)}
    commitment = build.b64u(build.sha256(salt, digest))
    verdict = verdict_on(outcome("received", {"content": content}, content=commitment))
    assert verdict.ok, verdict.findings
    assert dict(verdict.facts)["outcome"] == "received"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"reason": "busy"}, "reason"),
        ({"rows": {"accepted": 0, "refused": 0, "nil": 0}}, "rows"),
        ({"records": build.b64u(bytes(32))}, "records"),
        ({"content": {"sha-256": build.b64u(bytes(32)), "salt": build.b64u(bytes(16))}}, "content"),
    ],
)
def test_refusals_must_agree_too(claims, expected):
    assert expected in said(verdict_on(outcome("refused", claims)))


def test_entries_of_other_kinds_are_no_outcome():
    submission = build.Submission("sub-1")
    submission.entry = build.delivered(1, 1, 5)
    assert "not about the outcome" in said(verdict_on(submission))


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_nothing_makes_it_raise(text):
    assert not verify_receipt(text, build.VKEY).ok
    assert not verify_receipt(RECEIPT, text if isinstance(text, str) else "x").ok


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
), st.sampled_from(sorted(ONE.claims)))  # fmt: skip
def test_no_signed_claim_makes_it_raise(value, name):
    try:
        submission = build.Submission("sub-1", tamper_claims={name: value})
    except UnicodeEncodeError:
        return
    verdict_on(submission)
