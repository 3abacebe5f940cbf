"""Personal data at rest: AES-256-GCM under a data key of the submission's own.

An envelope is nonce (12 bytes, random) followed by the ciphertext with its tag. The additional data
says what the piece is and where it belongs, so that no piece can stand in for another. Destroying
the data key is how a submission is erased.

If an attacker controls stored envelopes they can withhold them; they cannot read, alter or swap
them unseen.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
OVERHEAD_BYTES: Final = NONCE_BYTES + 16


class EnvelopeError(Exception):
    """A sealed piece does not open: it was altered, or belongs elsewhere."""


class Envelope:
    """Seals and opens the pieces of one submission; `key` is 32 bytes."""

    __slots__ = ("_aead", "_submission", "key")

    def __init__(self, key: bytes, submission: str) -> None:
        self.key = key
        self._aead = AESGCM(key)
        self._submission = submission.encode()

    def seal(self, kind: bytes, number: int, plaintext: bytes, nonce: bytes) -> bytes:
        """Encrypt piece `number` of a kind; the nonce must be fresh and random."""
        return nonce + self._aead.encrypt(nonce, plaintext, self._place(kind, number))

    def open(self, kind: bytes, number: int, sealed: bytes) -> bytes:
        """Decrypt a piece; raises EnvelopeError if it is not exactly what was sealed there."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._aead.decrypt(nonce, ciphertext, self._place(kind, number))
        except (InvalidTag, ValueError) as error:
            raise EnvelopeError(f"{kind.decode()} {number} does not open") from error

    def _place(self, kind: bytes, number: int) -> bytes:
        return b"%b %b %d" % (self._submission, kind, number)


def derive(data_key: bytes, info: bytes) -> bytes:
    """A key for one use, from the data key (HKDF-SHA-256, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(data_key)
