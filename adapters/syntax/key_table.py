"""A set of whole numbers in a small, flat piece of memory.

Looking for duplicates in a million rows with a Python set costs some hundred megabytes; here a key
costs about sixteen bytes. Where a key goes is decided by its salted hash, so that nobody who sends
a file can choose keys that collide.
"""

from __future__ import annotations

from array import array
from typing import Final

_FIRST_SLOTS: Final = 64
# The golden ratio of 2^64: neighbouring keys land far apart.
_SPREAD: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1


class KeyTable:
    """Keys from 1 to 2^64 - 1."""

    __slots__ = ("_count", "_mask", "_salt", "_slots")

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FIRST_SLOTS))
        self._mask = _FIRST_SLOTS - 1
        self._count = 0
        # The hash of a text is salted anew in each process (PYTHONHASHSEED).
        self._salt = hash("gateway") & _WORD

    def add(self, key: int) -> bool:
        """Add a key; False if it was there."""
        slots, mask = self._slots, self._mask
        at = self._place(key)
        while found := slots[at]:
            if found == key:
                return False
            at = (at + 1) & mask
        slots[at] = key
        self._count += 1
        if self._count * 3 > mask * 2:
            self._grow()
        return True

    def _place(self, key: int) -> int:
        return ((((key ^ self._salt) * _SPREAD) & _WORD) >> 24) & self._mask

    def _grow(self) -> None:
        old = self._slots
        self._mask = self._mask * 2 + 1
        slots = self._slots = array("Q", bytes(8 * (self._mask + 1)))
        mask = self._mask
        for key in old:
            if key:
                at = self._place(key)
                while slots[at]:
                    at = (at + 1) & mask
                slots[at] = key

    def __len__(self) -> int:
        return self._count
