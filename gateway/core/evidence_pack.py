"""The evidence pack of a request that was not answered (docs/evidence.md, "The evidence pack").

One zip archive with everything that an officer, a court or the organisation itself needs to see what
was asked, on which ground, when that was served and why it counts, each reminder, and what came of
it; with the proof that each step stands in the ledger, and one signature over all of it. Nothing of
the subject is in it beside the id of the request, unless the caller gives it.

The same input gives the same bytes: members are stored, not compressed, and bear the instant at
which the pack was made.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import CheckpointError, Sign, open_checkpoint, parse_vkey
from gateway.core.evidence_summary import summary
from gateway.core.instant import UTC, written
from gateway.core.pack_item import Pack, PackEntry, entry_name, notice_name
from gateway.core.tlog_proof import TlogProof, TlogProofError, format_tlog_proof, parse_tlog_proof

TYPE: Final = "cms-evidence-pack+jws"
MEDIA_TYPE: Final = "application/zip"
# A request runs for months at most: some tens of events, and a reminder every week or two.
ENTRIES: Final = 1_000
NOTICES: Final = 200
TEXT_CHARS: Final = 100_000

_MODE: Final = 0o100644 << 16  # an ordinary file
_UNIX: Final = 3
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class PackError(ValueError):
    """What was given does not make a pack that verifies; says what is wrong with it."""


def pack_entry(index: int, data: bytes, path: Sequence[bytes], checkpoint: str) -> PackEntry:
    """An entry with its proof; `path` is its inclusion proof in the tree of that checkpoint."""
    extra = canonical({"entry": b64u(data)})
    proof = format_tlog_proof(TlogProof(index, tuple(path), checkpoint, extra))
    return PackEntry(index=index, data=data, proof=proof)


def evidence_pack(pack: Pack, sign: Sign) -> bytes:
    """The bytes of the zip archive; `sign` is by the key that `pack.vkey` is the public half of.

    Raises PackError where an entry that is named is missing or named by nobody, or where a proof is
    not under the pack's one checkpoint; ValueError for a day or instant not in its written form.
    """
    _check(pack)
    files = list(_files(pack))
    manifest = canonical(
        {
            "files": [
                {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                for name, data in files
            ],
            "made_at": written(pack.made_at),
            "origin": pack.origin,
            "request": pack.request.id,
        }
    )
    signature = _signature(manifest, parse_vkey(pack.vkey).kid, sign)
    return _zip(
        [*files, ("manifest.json", manifest), ("manifest.sig", signature)],
        pack.made_at.astimezone(UTC),
    )


def _signature(manifest: bytes, kid: str, sign: Sign) -> bytes:
    """A compact JWS with its payload detached (RFC 7515 appendix F)."""
    header = b64u(canonical({"alg": "EdDSA", "kid": kid, "typ": TYPE}))
    signed = f"{header}.{b64u(manifest)}".encode("ascii")
    return f"{header}..{b64u(sign(signed))}".encode("ascii")


def _check(pack: Pack) -> None:
    if len(pack.entries) > ENTRIES or len(pack.notices) > NOTICES:
        raise PackError(f"a pack has up to {ENTRIES} entries and {NOTICES} notices")
    if not pack.request.history:
        raise PackError("nothing ever happened to the request")
    try:
        checkpoint = open_checkpoint(pack.checkpoint, parse_vkey(pack.vkey))
    except CheckpointError as error:
        raise PackError(f"its checkpoint: {error}") from error
    if checkpoint.origin != pack.origin:
        raise PackError("its checkpoint is of another ledger")
    held = [entry.index for entry in pack.entries]
    named = [each.entry for each in pack.request.history]
    named += [notice.entry for notice in pack.notices]
    if sorted(set(held)) != held or sorted(held) != sorted(named):
        raise PackError("its entries are not, in order and once each, those that are named")
    for entry in pack.entries:
        _check_entry(entry, pack.checkpoint)
    for notice in pack.notices:
        if not _SLUG.fullmatch(notice.kind) or len(notice.text) > TEXT_CHARS:
            raise PackError(f"notice {notice.id} cannot be filed: its kind, or its length")
        if (notice.deemed_served_on is None) != (notice.deemed_citation is None):
            raise PackError(
                f"notice {notice.id} counts as served on a day by a rule, or not at all"
            )


def _check_entry(entry: PackEntry, checkpoint: str) -> None:
    try:
        proof = parse_tlog_proof(entry.proof)
    except TlogProofError as error:
        raise PackError(f"the proof of entry {entry.index}: {error}") from error
    wanted = canonical({"entry": b64u(entry.data)})
    if (proof.index, proof.extra, proof.checkpoint) != (entry.index, wanted, checkpoint):
        raise PackError(
            f"the proof of entry {entry.index} is of another, or under another checkpoint"
        )


def _files(pack: Pack) -> Iterator[tuple[str, bytes]]:
    yield "summary.html", summary(pack).encode()
    yield "request.json", canonical(_told(pack))
    for number, notice in enumerate(pack.notices, start=1):
        yield notice_name(number, notice.kind), notice.text.encode()
    for entry in pack.entries:
        yield entry_name(entry.index), entry.data
    for entry in pack.entries:
        yield f"proofs/{entry.index:09d}.tlog-proof", entry.proof.encode()
    yield "checkpoint", pack.checkpoint.encode()


def _told(pack: Pack) -> dict[str, Any]:
    request = msgspec.to_builtins(pack.request)
    request["organisation"] = {
        "id": request.pop("organisation"),
        "name": request.pop("organisation_name"),
    }
    notices = []
    for number, notice in enumerate(pack.notices, start=1):
        told = msgspec.to_builtins(notice)
        del told["text"]
        told["salt"] = None if notice.salt is None else b64u(notice.salt)
        notices.append(told | {"file": notice_name(number, notice.kind)})
    return {
        "v": 1,
        "made_at": written(pack.made_at),
        "origin": pack.origin,
        "request": request,
        "notices": notices,
        "unsent": list(pack.unsent),
        "subject": pack.subject,
    }


def _zip(files: Sequence[tuple[str, bytes]], made_at: dt.datetime) -> bytes:
    stamp = (made_at.year, made_at.month, made_at.day, made_at.hour, made_at.minute, made_at.second)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files:
            info = zipfile.ZipInfo(name, stamp)
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, data)
    return stream.getvalue()
