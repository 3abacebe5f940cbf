"""Verify a proof that one entry stands in the ledger: a tlog-proof without a receipt.

The steps, in order:

1. the key, and the form of the file
2. the checkpoint's signature
3. the proof leads from the entry to the checkpoint's root
4. the entry's own form

Whoever controls the file can make this say no; they cannot make it say yes to an entry, or a place
in the ledger, that the key did not sign for, nor make it raise.
"""

from __future__ import annotations

import json

from gateway.judge.entries import read_entry
from gateway.judge.notes import read_proof
from gateway.judge.receipt import check_place
from gateway.judge.strict import Unsound, bytes_from_b64u, canonical_object
from gateway.judge.verdict import Findings, Verdict, of_key, shown
from gateway.judge.vkey import read_vkey

_AGAIN = "Get the proof again from the gateway or from a copy of the ledger."


def is_entry_proof(text: str | bytes) -> bool:
    """Tell whether a file is the proof of an entry alone, and not a receipt."""
    try:
        proof = read_proof(_text(text))
        return canonical_object(proof.extra).keys() == {"entry"}
    except Unsound:
        return False


def verify_entry(text: str | bytes, vkey: str) -> Verdict:
    """Verify the proof of an entry with the key; collects what is wrong, never raises."""
    findings = Findings()
    try:
        key = read_vkey(vkey)
    except Unsound as unsound:
        return of_key(unsound)
    try:
        proof = read_proof(_text(text))
        members = canonical_object(proof.extra)
        if members.keys() != {"entry"}:
            raise Unsound("does not hold an entry, and an entry alone, in its extra data")
        entry = bytes_from_b64u(members["entry"])
    except Unsound as unsound:
        findings.add("proof", f"it {unsound}", _AGAIN)
        return Verdict(findings.all())
    where = f"entry {proof.index}"
    check_place(proof, entry, key, where, findings)
    try:
        read_entry(entry)
    except Unsound as unsound:
        findings.add(where, f"it {unsound}", _AGAIN)
    found = findings.all()
    if found:
        return Verdict(found, entries=1)
    told = json.loads(entry)
    facts = (
        ("entry", str(proof.index)),
        *((name, shown(told[name]).strip("'")) for name in ("kind", "time") if name in told),
        ("ledger", key.name),
        ("ledger size", str(proof.checkpoint.size)),
    )
    return Verdict(found, entries=1, facts=facts)


def _text(text: str | bytes) -> str:
    try:
        return text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise Unsound("is not UTF-8") from None
