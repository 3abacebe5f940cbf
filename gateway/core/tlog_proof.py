"""A proof that anyone can check offline: the C2SP tlog-proof v1 file.

It holds the index of an entry, the way from its leaf to the root, the signed checkpoint, and extra
data that the proof itself does not vouch for. Reading checks the form only; what it proves is for
`gateway.core.merkle` and `gateway.core.checkpoint` to find.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.core.checkpoint import MAX_NOTE_CHARS, CheckpointError, b64, from_b64
from gateway.core.merkle import HASH_BYTES, MAX_SIZE

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_BYTES: Final = 256 * 1024  # an entry of 64 KiB and a receipt, in base64, and room
MAX_HASHES: Final = 63  # the height of a tree below 2^63 leaves
MAX_PROOF_CHARS: Final = 2 * MAX_EXTRA_BYTES + MAX_NOTE_CHARS

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


class TlogProofError(ValueError):
    """A proof file that is malformed or too large; says what is wrong."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Index of the entry, the inclusion path leaf end first, the checkpoint as text, and extra."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def format_tlog_proof(proof: TlogProof) -> str:
    """Write a proof file; raises `TlogProofError` for what could not be read back."""
    _check_bounds(proof)
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {b64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines += [b64(value) for value in proof.hashes]
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def parse_tlog_proof(text: str) -> TlogProof:
    """Read a proof file; raises `TlogProofError` unless every line is in its one form."""
    if len(text) > MAX_PROOF_CHARS:
        raise TlogProofError("the proof is too long")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != HEADER:
        raise TlogProofError(f"a proof starts with {HEADER} and has a blank line")
    extra = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = _decoded(lines.pop(1).removeprefix("extra "))
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if index is None:
        raise TlogProofError("the index is missing or not a plain decimal number")
    proof = TlogProof(int(index[1]), tuple(map(_decoded, lines[2:])), checkpoint, extra)
    _check_bounds(proof)
    return proof


def _check_bounds(proof: TlogProof) -> None:
    if not 0 <= proof.index < MAX_SIZE:
        raise TlogProofError("the index is out of range")
    if len(proof.hashes) > MAX_HASHES:
        raise TlogProofError("the inclusion proof has too many hashes")
    if any(len(value) != HASH_BYTES for value in proof.hashes):
        raise TlogProofError("a hash does not have 32 bytes")
    if proof.extra is not None and len(proof.extra) > MAX_EXTRA_BYTES:
        raise TlogProofError("the extra data is too long")
    if not 0 < len(proof.checkpoint) <= MAX_NOTE_CHARS:
        raise TlogProofError("the checkpoint is missing or too long")


def _decoded(text: str) -> bytes:
    try:
        return from_b64(text)
    except CheckpointError as error:
        raise TlogProofError(str(error)) from None
