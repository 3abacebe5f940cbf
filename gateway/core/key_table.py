"""A set of whole numbers in a small, flat piece of memory.

Looking for duplicates in a million rows with a Python set costs some seventy megabytes; here a key
costs nine bytes. Keys are kept in order, in short runs: there is no hash, so nobody who sends a file
can choose keys that collide.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Final

# Short enough to insert into at no cost, long enough for a million keys to make few runs.
_RUN_KEYS: Final = 256


class KeyTable:
    """Keys from 0 to 2^64 - 1; adding one takes time in the logarithm of how many there are."""

    __slots__ = ("_ends", "_runs")

    def __init__(self) -> None:
        # Run n holds what is above `_ends[n - 1]` and not above `_ends[n]`; the last has no end.
        self._runs = [array("Q")]
        self._ends: list[int] = []

    def add(self, key: int) -> bool:
        """Add a key; False if it was there."""
        runs = self._runs
        place = len(runs) - 1
        run = runs[place]
        # Most files are in some order; then the place is the last, or the first of the last run.
        if run and key <= run[0]:
            place = bisect_left(self._ends, key)
            run = runs[place]
        at = bisect_left(run, key) if not run or key <= run[-1] else len(run)
        if at == len(run):
            run.append(key)
        elif run[at] == key:
            return False
        else:
            run.insert(at, key)
        if len(run) > _RUN_KEYS:
            self._split(place, run)
        return True

    def _split(self, place: int, run: array[int]) -> None:
        # Keys that come in order fill the last run, of which then only the newest key moves on.
        half = len(run) // 2 if place < len(self._ends) else len(run) - 1
        self._runs[place : place + 1] = [run[:half], run[half:]]
        self._ends.insert(place, run[half - 1])

    def __len__(self) -> int:
        return sum(map(len, self._runs))
