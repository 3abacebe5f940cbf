"""Signed checkpoints and proof files, read a second time by code of the judge's own.

The forms are C2SP signed-note, tlog-checkpoint and tlog-proof. Nothing here is believed before
`SignedCheckpoint.check` has passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.merkle import HASH_BYTES, MAX_SIZE
from gateway.judge.strict import Unsound, bytes_from_b64
from gateway.judge.vkey import Key

MAX_CHECKPOINT_CHARS: Final = 64 * 1024
MAX_PROOF_CHARS: Final = 640 * 1024
MAX_PATH_HASHES: Final = 63


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint as found: the bytes that are signed, what they say, and who signed them.

    `signatures` are (key name, key id, signature).
    """

    signed: bytes
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def check(self, key: Key) -> None:
        """Raise `Unsound` unless the key signed this checkpoint, of its own ledger.

        Lines of other keys, such as witnesses', are passed over (signed-note, "Signatures").
        """
        ours = [
            signature
            for name, key_id, signature in self.signatures
            if name == key.name and key_id == key.key_id
        ]
        if not ours:
            raise Unsound("is not signed by the key")
        for signature in ours:
            key.check(signature, self.signed)
        if self.origin != key.name:
            raise Unsound("is of another ledger than the key")


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A tlog-proof file as found: extra data, index, inclusion path, checkpoint."""

    extra: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: SignedCheckpoint


def read_checkpoint(text: str) -> SignedCheckpoint:
    """Read a signed checkpoint; raises `Unsound` where its form is not the one form."""
    if len(text) > MAX_CHECKPOINT_CHARS:
        raise Unsound("is too long for a checkpoint")
    lines = text.split("\n")
    if len(lines) < 6 or lines[3] or lines[-1] or not lines[0]:
        raise Unsound("is not three lines, a blank line and signature lines")
    root = bytes_from_b64(lines[2])
    if len(root) != HASH_BYTES:
        raise Unsound("has a root that is not 32 bytes")
    try:
        signed = "".join(f"{line}\n" for line in lines[:3]).encode()
    except UnicodeEncodeError:
        raise Unsound("is not UTF-8") from None
    size = _decimal(lines[1])
    signatures = tuple(_signature(line) for line in lines[4:-1])
    return SignedCheckpoint(signed, lines[0], size, root, signatures)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or str(int(text)) != text:
        raise Unsound("has a number that is not plain decimal")
    if int(text) >= MAX_SIZE:
        raise Unsound("has a number that is out of range")
    return int(text)


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014" or not parts[1]:
        raise Unsound("has a signature line that is not dash, name, signature")
    data = bytes_from_b64(parts[2])
    return parts[1], data[:4], data[4:]


def read_proof(text: str) -> ProofFile:
    """Read a tlog-proof file that carries extra data, as a receipt does."""
    if len(text) > MAX_PROOF_CHARS:
        raise Unsound("is too long for a receipt")
    lines = text.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1":
        raise Unsound("does not begin with c2sp.org/tlog-proof@v1")
    if "" not in lines or lines.index("") < 3:
        raise Unsound("is not header, extra data, index, inclusion proof, blank line, checkpoint")
    blank = lines.index("")
    extra, index = lines[1], lines[2]
    if not extra.startswith("extra ") or not index.startswith("index "):
        raise Unsound("does not have its extra data and its index in the second and third line")
    path = tuple(bytes_from_b64(line) for line in lines[3:blank])
    if len(path) > MAX_PATH_HASHES:
        raise Unsound("has an inclusion proof of more than 63 hashes")
    checkpoint = read_checkpoint("\n".join(lines[blank + 1 :]))
    return ProofFile(bytes_from_b64(extra[6:]), _decimal(index[6:]), path, checkpoint)
