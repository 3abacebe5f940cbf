"""SSH public keys as people hand them over: one line, of a kind that is strong enough."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

# NIST SP 800-57 part 1: 128 bits of security, which RSA has from 3072 bits on.
_RSA_BITS: Final = 3_072
_LINE_CHARS: Final = 8_000


class SshKeyError(ValueError):
    """The key is none, or not strong enough; the message says which."""


def read(line: str) -> tuple[str, bytes]:
    """The kind and the blob (RFC 4253 section 6.6) of a key in OpenSSH's form; raises SshKeyError.

    A comment behind it is left out: it often names a person.
    """
    parts = line.split(maxsplit=2)
    if len(line) > _LINE_CHARS or len(parts) < 2 or len(line.strip().splitlines()) != 1:
        raise SshKeyError("give the one line of a .pub file, such as 'ssh-ed25519 AAAA...'")
    try:
        key = load_ssh_public_key(" ".join(parts[:2]).encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeError) as error:
        raise SshKeyError("it is not a public key of a kind that is known") from error
    strong = isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS
    )
    if not strong:
        raise SshKeyError(f"use Ed25519, ECDSA, or RSA of {_RSA_BITS} bits or more")
    kind, blob = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split(b" ")
    return kind.decode(), base64.b64decode(blob)
