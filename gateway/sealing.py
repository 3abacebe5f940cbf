"""THE SEAL: the stored ledger, read again, and signed again.

Every commit signs a checkpoint over what it believes it wrote. This story, run by a timer, believes
nothing: it reads the entries that were stored since it last looked, hashes them anew, and signs the
root it finds. Ed25519 gives one signature for one text, so what it signs must be the newest
checkpoint, byte for byte. If it is not, the gateway must stop taking submissions: what is on disk is
not what was signed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core import merkle
from gateway.core.checkpoint import Checkpoint, Sign, VerifierKey, sign_checkpoint


class BrokenSealError(Exception):
    """The stored ledger is not the one that was signed."""


class Ledger(Protocol):
    """Shows the committed ledger, as stored."""

    def checkpoint(self) -> tuple[int, str]: ...
    def entries(self, first: int, end: int) -> list[bytes]: ...


@dataclass(slots=True)
class Seal:
    """How far the ledger has been read again.

    `opened` gives the ledger to one look. A look takes long and happens on a thread, so it must not read
    where others read at the same time.
    """

    opened: Callable[[], AbstractContextManager[Ledger]]
    key: VerifierKey
    sign: Sign
    frontier: merkle.Frontier = field(default_factory=merkle.Frontier)

    # Entries read at a time, so that a long ledger is read without being held.
    _STEP = 4_096

    def check(self) -> int:
        """Read on to the newest checkpoint; returns its size. Raises BrokenSealError."""
        with self.opened() as ledger:
            size, note = ledger.checkpoint()
            while self.frontier.size < size:
                first = self.frontier.size
                entries = ledger.entries(first, min(first + self._STEP, size))
                if not entries:
                    raise BrokenSealError(f"entry {first} is missing")
                self.frontier.extend(merkle.leaf_hashes(entries))
        found = Checkpoint(self.key.name, size, self.frontier.root())
        if sign_checkpoint(found, self.key, self.sign) != note:
            raise BrokenSealError(f"the first {size} entries are not those that were signed")
        return size
