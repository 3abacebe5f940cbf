"""What a commit changes of an earlier submission: its open rows, and who amended it."""

from __future__ import annotations

from gateway.core import ledger
from gateway.core.mending import TAG_BYTES
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Amends
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn


class Amending:
    """One amendment within a commit: checked first, entered, then written."""

    def __init__(self, amends: Amends) -> None:
        self._amends = amends
        self._number = 0
        self._entry = 0

    def check(self, turn: Turn, organisation: str) -> None:
        """Find what is amended; raises Refused(AMENDED_MEANWHILE) where its rows have changed."""
        amends = self._amends
        rows = fetch(
            turn.db,
            "SELECT submission.number, version FROM submission LEFT JOIN open_rows "
            "ON open_rows.submission = submission.number WHERE id = ? AND organisation = ?",
            (amends.submission, organisation),
        )
        assert rows, "what does not exist was amended"
        self._number, version = rows[0]
        if amends.open_rows is None:
            return
        # Two of them in one group: the second was read against rows that the first has closed.
        place = ("amended", self._number)
        if version != amends.version or place in turn.decided:
            raise Refused(Reason.AMENDED_MEANWHILE)
        turn.decided[place] = self

    def enter(self, turn: Turn, by: str) -> None:
        """Append the entry that says which submission amends which."""
        left = self._amends.open_rows
        self._entry = turn.enter(
            ledger.AMENDED,
            submission=self._amends.submission,
            by=by,
            how=self._amends.how,
            open=None if left is None else len(left) // TAG_BYTES,
        )

    def write(self, turn: Turn, number: int) -> None:
        """Tie the two together, and leave open what is left."""
        turn.db.execute(
            "INSERT INTO amendment VALUES (?, ?, ?, ?)",
            (number, self._number, self._amends.how, self._entry),
        )
        if self._amends.open_rows is not None:
            turn.db.execute(
                "UPDATE open_rows SET tags = ?, version = version + 1 WHERE submission = ?",
                (self._amends.open_rows, self._number),
            )
