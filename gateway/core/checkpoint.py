"""Signed checkpoints of a log: C2SP signed-note, tlog-checkpoint, and the vkey that names a key.

A checkpoint is three lines of text (origin, size, root) and a signature line. Reading is strict:
only the one canonical form of each line is taken, because what is signed is what is compared.
Lines of keys that are not ours are let pass: witnesses add theirs (signed-note, "Signatures").

If an attacker controls the text, they can make `open_checkpoint` raise `CheckpointError`; they
cannot make it return anything that the key did not sign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.core.merkle import HASH_BYTES, MAX_SIZE

MAX_NOTE_CHARS: Final = 64 * 1024  # sixteen post-quantum cosignatures fit (signed-note, "Format")
MAX_SIGNATURES: Final = 64

_ED25519: Final = b"\x01"  # signature type of signed-note
_KEY_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_NAME: Final = re.compile(r"[^\s+\x00-\x20\x7f]{1,255}")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE: Final = re.compile(r"\u2014 ([^\s+\x00-\x20\x7f]+) (\S+)")

Sign = Callable[[bytes], bytes]
"""Signs bytes with Ed25519: 64 bytes."""


class CheckpointError(ValueError):
    """A vkey or a checkpoint that is malformed, or not signed by the key; says what is wrong."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a signing key: its name, four bytes of id, and 32 bytes of Ed25519."""

    name: str
    key_id: bytes
    public: bytes

    @property
    def kid(self) -> str:
        """Key id in hex, as a JWS names the key."""
        return self.key_id.hex()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log claims at one moment: so many entries, under this root of 32 bytes."""

    origin: str
    size: int
    root: bytes


def b64(data: bytes) -> str:
    """Base64 with padding (RFC 4648 section 4), as signed notes write it."""
    return base64.b64encode(data).decode("ascii")


def from_b64(text: str, what: str = "a line") -> bytes:
    """Decode base64 in its one form: padded, no spare bits set, nothing skipped."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise CheckpointError(f"{what} is not base64") from None
    if b64(data) != text:
        raise CheckpointError(f"{what} is not canonical base64")
    return data


def verifier_key(name: str, public: bytes) -> VerifierKey:
    """Make the key's public half; the id is SHA-256(name || LF || 0x01 || public), four bytes."""
    if not _NAME.fullmatch(name):
        raise CheckpointError("a key name has no spaces, no plus and at most 255 characters")
    if len(public) != _KEY_BYTES:
        raise CheckpointError("an Ed25519 public key has 32 bytes")
    digest = hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()
    return VerifierKey(name, digest[:_KEY_ID_BYTES], public)


def format_vkey(key: VerifierKey) -> str:
    """Write a key as a vkey, one line without its line feed."""
    return f"{key.name}+{key.kid}+{b64(_ED25519 + key.public)}"


def parse_vkey(line: str) -> VerifierKey:
    """Read a vkey; its id must be that of its name and key."""
    parts = line.split("+", 2)  # the base64 part may hold plus signs of its own
    if len(parts) != 3:
        raise CheckpointError("a vkey is name+id+key")
    data = from_b64(parts[2], "the key")
    if data[:1] != _ED25519:
        raise CheckpointError("the vkey is not of an Ed25519 key (type 0x01)")
    key = verifier_key(parts[0], data[1:])
    if parts[1] != key.kid:
        raise CheckpointError("the vkey's id is not that of its name and key")
    return key


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Write the three lines that are signed."""
    if not _NAME.fullmatch(checkpoint.origin):
        raise CheckpointError("the origin cannot be written")
    if not 0 <= checkpoint.size < MAX_SIZE or len(checkpoint.root) != HASH_BYTES:
        raise CheckpointError("the size or the root cannot be written")
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64(checkpoint.root)}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: VerifierKey, sign: Sign) -> str:
    """Write a checkpoint with its signature line; the key's name is the origin."""
    if key.name != checkpoint.origin:
        raise CheckpointError("the origin is not the name of the key")
    text = checkpoint_text(checkpoint)
    signature = sign(text.encode())
    if len(signature) != _SIGNATURE_BYTES:
        raise CheckpointError("an Ed25519 signature has 64 bytes")
    return f"{text}\n\u2014 {key.name} {b64(key.key_id + signature)}\n"


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """Verify a checkpoint and read it; raises `CheckpointError` unless the key signed it."""
    if len(note) > MAX_NOTE_CHARS:
        raise CheckpointError("the checkpoint is too long")
    head, blank, signatures = note.rpartition("\n\n")
    try:
        text = f"{head}\n".encode()
    except UnicodeEncodeError:
        raise CheckpointError("the checkpoint is not UTF-8") from None
    if not blank or not signatures.endswith("\n"):
        raise CheckpointError("a checkpoint is three lines, a blank line and signature lines")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise CheckpointError("the checkpoint has too many signature lines")
    ours = [found for line in lines if (found := _signature_by(line, key)) is not None]
    if not ours:
        raise CheckpointError(f"the checkpoint has no signature by {key.name}+{key.kid}")
    for signature in ours:
        _check_signature(key, text, signature)
    checkpoint = _parse_text(text.decode())
    if checkpoint.origin != key.name:
        raise CheckpointError("the checkpoint's origin is not the name of the key")
    return checkpoint


def _signature_by(line: str, key: VerifierKey) -> bytes | None:
    """Read a signature line; the signature if name and id are the key's, else None."""
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise CheckpointError("a signature line is an em dash, a name and a signature")
    data = from_b64(found[2], "a signature")
    if len(data) <= _KEY_ID_BYTES:
        raise CheckpointError("a signature is too short")
    if found[1] != key.name or data[:_KEY_ID_BYTES] != key.key_id:
        return None
    return data[_KEY_ID_BYTES:]


def _check_signature(key: VerifierKey, text: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except (InvalidSignature, ValueError):
        raise CheckpointError(f"the signature by {key.name} does not verify") from None


def _parse_text(text: str) -> Checkpoint:
    """Read the three lines; nothing but their one canonical form passes."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise CheckpointError("a checkpoint's text is three lines")
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) >= MAX_SIZE:
        raise CheckpointError("the tree size is not a plain decimal number below 2^63")
    root = from_b64(lines[2], "the root")
    checkpoint = Checkpoint(lines[0], int(lines[1]), root)
    if not hmac.compare_digest(checkpoint_text(checkpoint).encode(), text.encode()):
        raise CheckpointError("the checkpoint's text is not in its canonical form")
    return checkpoint
