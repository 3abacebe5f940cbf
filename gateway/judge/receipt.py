"""Verify a receipt: the tlog-proof file that a sender holds, against nothing but the key.

The steps, in order (docs/evidence.md, "The receipt"):

1. the key, and the form of the file
2. the checkpoint's signature
3. the proof leads from the entry to the checkpoint's root
4. the JWS verifies under the same key
5. the entry's `receipt` is the hash of the JWS
6. what the entry and the JWS both say agrees

Whoever controls the file can make this say no; they cannot make it say yes to anything but what
the key signed, in the place in the ledger that it says, nor make it raise.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from gateway.core.merkle import ProofError, leaf_hash, root_from_inclusion
from gateway.judge.entries import Accepted, Received, Refused, read_entry
from gateway.judge.notes import ProofFile, read_proof
from gateway.judge.strict import (
    Unsound,
    bytes_from_b64u,
    canonical_object,
    instant,
    whole_seconds,
)
from gateway.judge.verdict import Findings, Verdict, of_key, shown
from gateway.judge.vkey import Key, read_vkey

Judged = Accepted | Refused | Received

_OUTCOMES: Final = {Accepted: "accepted", Refused: "refused", Received: "received"}
_CLAIMS: Final = (
    "iss", "sub", "iat", "outcome", "organisation", "class", "format", "request", "client",
    "content", "rows", "records", "rules", "purposes", "received_at", "recorded_at", "delivery",
)  # fmt: skip
_AGAIN: Final = "Get the receipt again from the gateway; keep this file as it is."
_DISPUTE: Final = "Keep the file: the gateway signed two things that cannot both be true."


def verify_receipt(text: str | bytes, vkey: str, *, digest: bytes | None = None) -> Verdict:
    """Verify a receipt with the key; collects what is wrong, never raises.

    `digest` is the SHA-256 of the file that was sent, to be compared where it is given.
    """
    findings = Findings()
    try:
        key = read_vkey(vkey)
    except Unsound as unsound:
        return of_key(unsound)
    try:
        proof = read_proof(text.decode("utf-8") if isinstance(text, bytes) else text)
        entry, jws = _read_extra(proof.extra)
    except UnicodeDecodeError:
        findings.add("receipt", "it is not UTF-8", _AGAIN)
        return Verdict(findings.all())
    except Unsound as unsound:
        findings.add("receipt", f"it {unsound}", _AGAIN)
        return Verdict(findings.all())
    where = f"entry {proof.index}"
    check_place(proof, entry, key, where, findings)
    claims = check_jws(jws, _read_fact(entry, where, findings), key, where, findings)
    if claims is not None and digest is not None and not _is_of(claims, digest):
        fix = "Compare it with the file that was sent at the time."
        findings.add("content", "the file is not the one that was received", fix)
    found = findings.all()
    facts = () if found or claims is None else _facts(claims, proof)
    return Verdict(found, entries=1, receipts=1, facts=facts)


def check_jws(
    jws: str,
    fact: Judged | None,
    key: Key,
    where: str,
    findings: Findings,
) -> dict[str, Any] | None:
    """Steps 4 to 6: verify a JWS, and that it and the entry about it say the same.

    `where` names the entry. Gives the claims if the JWS verifies, whatever else is wrong.
    """
    claims = _read_jws(jws, key, findings)
    if fact is not None and bytes_from_b64u(fact.receipt) != _hash(jws):
        findings.add(where, "it is not about this JWS: its receipt has another hash", _AGAIN)
    if fact is not None and claims is not None:
        for what in _differences(fact, claims, key):
            findings.add(where, what, _DISPUTE)
    return claims


def _read_extra(extra: bytes) -> tuple[bytes, str]:
    members = canonical_object(extra)
    if members.keys() != {"entry", "receipt"} or not isinstance(members["receipt"], str):
        raise Unsound("does not hold an entry and a receipt in its extra data")
    return bytes_from_b64u(members["entry"]), members["receipt"]


def check_place(
    proof: ProofFile,
    entry: bytes,
    key: Key,
    where: str,
    findings: Findings,
) -> None:
    """Check the checkpoint, and that the entry is where the proof says."""
    try:
        proof.checkpoint.check(key)
    except Unsound as unsound:
        findings.add("checkpoint", f"it {unsound}", _AGAIN)
    try:
        root = root_from_inclusion(
            leaf_hash(entry),
            proof.index,
            proof.checkpoint.size,
            proof.path,
        )
    except ProofError as error:
        findings.add(where, f"its inclusion proof cannot be: {error}", _AGAIN)
        return
    if root != proof.checkpoint.root:
        findings.add(where, "it is not in the ledger: its proof leads to another root", _AGAIN)


def _read_fact(entry: bytes, where: str, findings: Findings) -> Judged | None:
    try:
        fact = read_entry(entry)
    except Unsound as unsound:
        findings.add(where, f"it {unsound}", _AGAIN)
        return None
    if isinstance(fact, Accepted | Refused | Received):
        return fact
    findings.add(where, "it is not about the outcome of a submission", _AGAIN)
    return None


def _hash(jws: str) -> bytes:
    return hashlib.sha256(jws.encode("utf-8", "surrogatepass")).digest()


def _read_jws(jws: str, key: Key, findings: Findings) -> dict[str, Any] | None:
    """Verify a compact JWS (RFC 7515) and give its claims.

    The header must be exactly the one that the gateway writes: nothing in it is obeyed, so that
    no algorithm and no key is the sender's choice (RFC 8725 section 3).
    """
    try:
        parts = jws.split(".")
        if len(parts) != 3:
            raise Unsound("is not three parts")
        header, payload, signature = (bytes_from_b64u(part) for part in parts)
        wanted = {"alg": "EdDSA", "kid": key.key_id.hex(), "typ": "cms-receipt+jwt"}
        if canonical_object(header) != wanted:
            raise Unsound("does not have the header of a receipt by this key")
        key.check(signature, f"{parts[0]}.{parts[1]}".encode("ascii"))
        return canonical_object(payload)
    except Unsound as unsound:
        findings.add("JWS", f"it {unsound}", _AGAIN)
        return None


def _differences(fact: Judged, claims: dict[str, Any], key: Key) -> list[str]:
    """Compare what the entry and the JWS both say; a sentence for each difference."""
    missing = [name for name in _CLAIMS if name not in claims]
    if missing:
        return [f"the JWS lacks {', '.join(missing)}"]
    wanted: dict[str, object] = {
        "iss": key.name,
        "sub": fact.submission,
        "outcome": _OUTCOMES[type(fact)],
        "organisation": fact.organisation,
        "recorded_at": fact.time,
        "iat": whole_seconds(fact.time),
        "reason": fact.reason if isinstance(fact, Refused) else None,
    }
    if isinstance(fact, Accepted):
        rows = fact.rows
        wanted |= {
            "class": fact.class_,
            "format": fact.format,
            "request": fact.request,
            "purposes": list(fact.purposes),
            "records": fact.records,
            "rows": {"accepted": rows.accepted, "refused": rows.refused, "nil": rows.nil},
            "rules": fact.rules,
        }
    else:
        wanted |= {"records": None, "rows": None}
    differ = [name for name, value in wanted.items() if claims.get(name) != value]
    found = [f"its {name} is not the same as in the JWS" for name in differ]
    try:
        _check_content(fact.content, claims["content"])
        _check_instants(claims, known=isinstance(fact, Accepted))
    except Unsound as unsound:
        found.append(f"the JWS {unsound}")
    return found


def _check_content(commitment: str | None, content: object) -> None:
    """Check that the claims' digest and salt open the entry's commitment, if there is one."""
    if content is not None and not isinstance(content, dict):
        raise Unsound("has a content that is not an object")
    if content is None or content.get("sha-256") is None:
        if commitment is not None:
            raise Unsound("does not open the entry's commitment to the content")
        return
    salt = bytes_from_b64u(content.get("salt"))
    digest = bytes_from_b64u(content["sha-256"], 32)
    opened = hashlib.sha256(salt + digest).digest()
    if len(salt) < 16 or commitment is None or bytes_from_b64u(commitment) != opened:
        raise Unsound("has another content than the entry commits to")


def _check_instants(claims: dict[str, Any], *, known: bool) -> None:
    """Check that the instants are written as such, and that one is named as the one that counts.

    Their order is not checked: a clock that is set back between them is no forgery.
    """
    received, delivery = claims["received_at"], claims["delivery"]
    if known or received is not None:
        instant(received)
    if not known and delivery is None:
        return
    if not isinstance(delivery, dict) or not isinstance(delivery.get("basis"), str):
        raise Unsound("does not say which instant counts, and why")
    if delivery.get("instant") not in ("received_at", "recorded_at"):
        raise Unsound("names an instant that does not count")


def _is_of(claims: dict[str, Any], digest: bytes) -> bool:
    content = claims.get("content")
    try:
        return isinstance(content, dict) and bytes_from_b64u(content.get("sha-256")) == digest
    except Unsound:
        return False


def _facts(claims: dict[str, Any], proof: ProofFile) -> tuple[tuple[str, str], ...]:
    """Say what a receipt that verified shows, for people to read."""
    rows = claims["rows"]
    told = {name: claims[name] for name in ("sub", "organisation", "outcome", "class", "format")}
    told |= {"request": claims["request"], "reason": claims.get("reason")}
    told |= {f"rows {name}": rows[name] for name in sorted(rows)} if rows else {}
    told |= {"received at": claims["received_at"], "recorded at": claims["recorded_at"]}
    told |= {"entry": proof.index, "ledger": claims["iss"], "ledger size": proof.checkpoint.size}
    return tuple(
        ("submission" if name == "sub" else name, shown(value).strip("'"))
        for name, value in told.items()
        if value is not None
    )
