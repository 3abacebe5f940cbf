"""Verify an evidence pack: the zip archive of a request, against nothing but the key.

The steps, in order (docs/evidence.md, "The evidence pack"):

1. the key, and the form of the archive
2. the signature over the manifest
3. the manifest names every other file, with its size and digest
4. `request.json` has its form, and the files are those that it speaks of
5. each entry is in the ledger, under the pack's one checkpoint
6. each event and each notice says what its entry says, and none is left out between two others

`summary.html` is for people: that it says the same as the other files is the gateway's signed word.
That nothing happened after the last event shown cannot be seen from a pack.

Whoever controls the file can make this say no; they cannot make it say yes to anything that the key
did not sign, nor make it raise.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.merkle import ProofError, leaf_hash, root_from_inclusion
from gateway.judge.notes import SignedCheckpoint, read_checkpoint, read_proof
from gateway.judge.pack_words import Notice, Told, entry_of, listed, told_in, what_differs
from gateway.judge.stored_zip import Members, read_stored_zip
from gateway.judge.strict import (
    Unsound,
    bytes_from_b64u,
    canonical_object,
    instant,
)
from gateway.judge.verdict import Findings, Verdict, of_key, shown
from gateway.judge.vkey import Key, read_vkey

MAX_PACK_BYTES: Final = 64 * 1024 * 1024
TYPE: Final = "cms-evidence-pack+jws"

_AGAIN: Final = "Get the pack again from the gateway; keep this file as it is."
_DISPUTE: Final = "Keep the file: the gateway signed something that its own ledger does not say."


def verify_pack(data: bytes, vkey: str, *, request: str | None = None) -> Verdict:
    """Verify a pack with the key; collects what is wrong, never raises.

    `request` is the id of the request that it is to be about, where that is known.
    """
    findings = Findings()
    try:
        key = read_vkey(vkey)
    except Unsound as unsound:
        return of_key(unsound)
    try:
        if len(data) > MAX_PACK_BYTES:
            raise Unsound(f"is larger than {MAX_PACK_BYTES} bytes")
        members = read_stored_zip(data)
    except Unsound as unsound:
        findings.add("pack", f"it {unsound}", _AGAIN)
        return Verdict(findings.all())
    return _Pack(members, key, findings).verdict(request)


@dataclass(slots=True)
class _Pack:
    """One verification of the members of an archive."""

    members: Members
    key: Key
    findings: Findings

    def verdict(self, request: str | None) -> Verdict:
        manifest = self._manifest()
        told = self._told()
        if manifest is not None and told is not None:
            self._agree(manifest, told, request)
        entries: dict[int, dict[str, Any]] = {}
        checkpoint = self._checkpoint()
        if told is not None:
            self._files(told)
            entries = self._entries(told, checkpoint)
            for where, what in what_differs(told, entries):
                self.findings.add(where, what, _DISPUTE)
            for number, notice in enumerate(told.notices, start=1):
                self._text(number, notice, entries.get(notice.entry))
        found = self.findings.all()
        if found or told is None or checkpoint is None:
            return Verdict(found, entries=len(entries))
        return Verdict(found, entries=len(entries), facts=_facts(told, checkpoint, self.key))

    def _say(self, where: str, what: object) -> None:
        self.findings.add(where, f"it {what}", _AGAIN)

    def _file(self, name: str) -> bytes:
        if name not in self.members.files:
            raise Unsound("is not in the pack")
        return self.members.files[name]

    def _manifest(self) -> dict[str, Any] | None:
        """Steps 2 and 3; gives the manifest if its form allows to read on."""
        try:
            data = self._file("manifest.json")
        except Unsound as unsound:
            self._say("manifest.json", unsound)
            return None
        try:
            _check_signature(self._file("manifest.sig"), data, self.key)
        except Unsound as unsound:
            self._say("manifest.sig", unsound)
        try:
            manifest = canonical_object(data)
            files = listed(manifest)
        except Unsound as unsound:
            self._say("manifest.json", unsound)
            return None
        wanted = [*(each.name for each in files), "manifest.json", "manifest.sig"]
        if list(self.members.files) != wanted:
            self._say("manifest.json", "does not name, in their order, the files of the pack")
        for each in files:
            content = self.members.files.get(each.name)
            if content is None:
                self._say(each.name, "is named in the manifest and is not in the pack")
            elif len(content) != each.size or hashlib.sha256(content).hexdigest() != each.sha256:
                self._say(each.name, "is another than the one that the manifest names")
        return manifest

    def _told(self) -> Told | None:
        try:
            return told_in(self._file("request.json"))
        except Unsound as unsound:
            self._say("request.json", unsound)
            return None

    def _checkpoint(self) -> SignedCheckpoint | None:
        try:
            checkpoint = read_checkpoint(self._file("checkpoint").decode("utf-8"))
            checkpoint.check(self.key)
        except UnicodeDecodeError:
            self._say("checkpoint", "is not UTF-8")
            return None
        except Unsound as unsound:
            self._say("checkpoint", unsound)
            return None
        return checkpoint

    def _agree(self, manifest: dict[str, Any], told: Told, request: str | None) -> None:
        """Check that manifest and request speak of one request, ledger and instant."""
        for name, said in (("origin", told.origin), ("made_at", told.made_at)):
            if manifest[name] != said:
                self._say("request.json", f"has another {name} than the manifest")
        if manifest["request"] != told.request.id:
            self._say("request.json", "is about another request than the manifest")
        if request is not None and told.request.id != request:
            fix = "Ask for the pack of the request that is meant."
            what = f"it is about request {shown(told.request.id)}, and not about {shown(request)}"
            self.findings.add("pack", what, fix)
        if told.origin != self.key.name:
            self._say("request.json", "is of another ledger than the key")
        if (self.members.date, self.members.time) != _stamp(told.made_at):
            self._say("pack", "bears another time than the one at which it says it was made")

    def _files(self, told: Told) -> None:
        """Check that the files are those of which `request.json` speaks, and no others."""
        wanted = {"summary.html", "request.json", "checkpoint", "manifest.json", "manifest.sig"}
        wanted |= {f"notices/{n:02d}-{each.kind}.txt" for n, each in enumerate(told.notices, 1)}
        for index in told.named:
            wanted |= {f"entries/{index:09d}.json", f"proofs/{index:09d}.tlog-proof"}
        for name in sorted(wanted - self.members.files.keys()):
            self._say(name, "is spoken of in request.json and is not in the pack")
        for name in sorted(self.members.files.keys() - wanted):
            self._say(name, "is in the pack and is not spoken of in request.json")

    def _entries(
        self, told: Told, checkpoint: SignedCheckpoint | None
    ) -> dict[int, dict[str, Any]]:
        """Step 5; gives the entries that could be read, by their index."""
        found = {}
        for index in told.named:
            try:
                data = self._file(f"entries/{index:09d}.json")
                found[index] = entry_of(data)
                proof = self._file(f"proofs/{index:09d}.tlog-proof")
                self._check_proof(index, data, proof, checkpoint)
            except Unsound as unsound:
                self._say(f"entry {index}", unsound)
        return found

    def _check_proof(
        self, index: int, data: bytes, text: bytes, checkpoint: SignedCheckpoint | None
    ) -> None:
        try:
            proof = read_proof(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise Unsound("has a proof that is not UTF-8") from None
        extra = canonical_object(proof.extra)
        if extra.keys() != {"entry"} or bytes_from_b64u(extra["entry"]) != data:
            raise Unsound("has a proof that is of another entry")
        if proof.index != index:
            raise Unsound("has a proof that is for another place")
        if checkpoint is None:
            return
        if proof.checkpoint != checkpoint:
            raise Unsound("has a proof under another checkpoint than the pack's")
        try:
            root = root_from_inclusion(leaf_hash(data), index, checkpoint.size, proof.path)
        except ProofError as error:
            raise Unsound(f"has a proof that cannot be: {error}") from None
        if root != checkpoint.root:
            raise Unsound("is not in the ledger: its proof leads to another root")

    def _text(self, number: int, notice: Notice, entry: dict[str, Any] | None) -> None:
        """Check a notice's text, and that it opens its entry's commitment where a salt is given."""
        name = f"notices/{number:02d}-{notice.kind}.txt"
        text = self.members.files.get(name)
        try:
            if notice.file != name:
                raise Unsound("is filed under another name than its place and kind")
            if text is None or entry is None or notice.salt is None:
                return
            salt = bytes_from_b64u(notice.salt)
            opened = hashlib.sha256(salt + hashlib.sha256(text).digest()).digest()
            if len(salt) < 16 or bytes_from_b64u(entry.get("content"), 32) != opened:
                raise Unsound("has another text than its entry commits to")
        except Unsound as unsound:
            self.findings.add(f"notice {shown(notice.id)}", f"it {unsound}", _DISPUTE)


def _check_signature(text: bytes, manifest: bytes, key: Key) -> None:
    """Verify a compact JWS with a detached payload; its header must be the one that is written."""
    try:
        header, payload, signature = text.decode("ascii").split(".")
    except ValueError:
        raise Unsound("is not a compact JWS") from None
    if payload:
        raise Unsound("has a payload of its own, so it is a signature of something else")
    raw = bytes_from_b64u(header)
    wanted = {"alg": "EdDSA", "kid": key.key_id.hex(), "typ": TYPE}
    if canonical_object(raw) != wanted:
        raise Unsound("does not have the header of an evidence pack by this key")
    encoded = _b64u(manifest)
    key.check(bytes_from_b64u(signature), f"{header}.{encoded}".encode("ascii"))


def _b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _stamp(made_at: str) -> tuple[int, int]:
    """The date and time that members bear (APPNOTE 4.4.6), from an instant that was checked."""
    at = dt.datetime.fromisoformat(instant(made_at))
    return (
        (at.year - 1980) << 9 | at.month << 5 | at.day,
        at.hour << 11 | at.minute << 5 | at.second // 2,
    )


def _facts(told: Told, checkpoint: SignedCheckpoint, key: Key) -> tuple[tuple[str, str], ...]:
    """Say what a pack that verified shows, for people to read."""
    request = told.request
    served = [each.deemed_served_on for each in told.notices if each.deemed_served_on is not None]
    facts = {
        "request": request.id,
        "organisation": request.organisation.id,
        "state": request.history[-1].state,
        "due": request.due,
        "counts as served on": min(served, default="not served"),
        "events": len(request.history),
        "notices": len(told.notices),
        "texts proved": sum(each.salt is not None for each in told.notices),
        "made at": told.made_at,
        "ledger": key.name,
        "ledger size": checkpoint.size,
    }
    return tuple((name, shown(value).strip("'")) for name, value in facts.items())
