"""The one thing the judge trusts: a public key, as a C2SP signed-note vkey."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.judge.strict import Unsound, bytes_from_b64


@dataclass(frozen=True, slots=True)
class Key:
    """A ledger's key: its name, which is the origin, its id of four bytes, and its public half."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey

    def check(self, signature: bytes, signed: bytes) -> None:
        """Raise `Unsound` unless the key made this signature over these bytes."""
        try:
            self.public.verify(signature, signed)
        except InvalidSignature:
            raise Unsound("has a signature that does not verify") from None


def read_vkey(line: str) -> Key:
    """Read a vkey, with or without a line feed at its end; its id must be that of its key."""
    name, _, rest = line.removesuffix("\n").partition("+")
    key_id, _, encoded = rest.partition("+")
    if not name.isprintable() or not name or " " in name:
        raise Unsound("is not a vkey: its name is empty or has spaces")
    data = bytes_from_b64(encoded)
    if len(data) != 33 or data[0] != 1:
        raise Unsound("is not the vkey of an Ed25519 key")
    wanted = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if key_id != wanted.hex():
        raise Unsound("has a key id that is not that of its name and key")
    try:
        return Key(name, wanted, Ed25519PublicKey.from_public_bytes(data[1:]))
    except ValueError:
        raise Unsound("has a public key that cannot be used") from None
