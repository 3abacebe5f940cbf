"""What consumers said of what they were shown: one story, and the tables against the entries.

Nothing is in use that was not in the consumer's hands, nothing is rejected that was not, and the
database says of each consumer what it said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from gateway.judge.entries import Rejected, Retrieved, Uncollected, Used

Rows = Callable[..., Iterator[tuple[Any, ...]]]
Say = Callable[[str, str], None]
Said = Retrieved | Used | Rejected | Uncollected

_UNSEEN: Final = "it is not what the ledger's entries say"


class Uptakes:
    """Follows what each consumer said of each feed; memory grows with rejections alone."""

    def __init__(self) -> None:
        self._has: dict[tuple[str, str], int] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._used: dict[tuple[str, str], str] = {}
        self._uses: dict[tuple[str, str], int] = {}
        self._late: dict[tuple[str, str], tuple[int, int, str]] = {}
        self._rejected: dict[tuple[str, str, int], tuple[Any, ...]] = {}

    def take(self, index: int, fact: Said, *, whole: bool) -> str | None:
        """What is wrong with an entry after those before it; None where nothing is.

        `whole` says that every entry before it could be read.
        """
        place = (fact.feed, fact.consumer)
        known = self._has.get(place, 0 if whole else None)
        if isinstance(fact, Retrieved):
            self._has[place], self._said[place] = fact.upto, fact.time
            self._uses[place] = min(self._uses.get(place, 0), fact.upto)
        elif isinstance(fact, Used):
            self._uses[place] = fact.upto
            if place in self._has:  # else it is kept nowhere
                self._used[place] = fact.time
            if known is not None and fact.upto > known:
                return f"it takes into use up to {fact.upto} what was acknowledged up to {known}"
        elif isinstance(fact, Rejected):
            return self._reject(index, fact, known)
        else:
            self._late[place] = (fact.upto, index, fact.time)
            if fact.upto >= fact.end:
                return "it says that nothing was collected where there was nothing to collect"
            if known is not None and known != fact.upto:
                return f"it says that {fact.upto} was collected, but {known} was"
        return None

    def _reject(self, index: int, fact: Rejected, known: int | None) -> str | None:
        place = (fact.feed, fact.consumer, fact.seq)
        if place in self._rejected:
            return f"record {fact.seq} was rejected before"
        self._rejected[place] = (
            fact.submission, fact.row, fact.type, fact.code, fact.field, index, fact.time,
        )  # fmt: skip
        if known is not None and fact.seq > known:
            return f"it rejects record {fact.seq}, but {known} was acknowledged"
        return None

    def compare(self, rows: Rows, say: Say) -> None:
        """Compare the tables with the entries."""
        stands = {
            (feed, consumer): tuple(said)
            for feed, consumer, *said in rows(
                "SELECT feed, consumer, upto, used, at, used_at FROM acknowledgement"
            )
        }
        told = {
            place: (upto, self._uses.get(place, 0), self._said[place], self._used.get(place))
            for place, upto in self._has.items()
        }
        for feed, consumer in _differ(stands, told):
            say(f"acknowledgement of {feed} by {consumer}", _UNSEEN)
        kept = {
            (feed, consumer, seq): tuple(said)
            for feed, consumer, seq, *said in rows(
                "SELECT feed, consumer, seq, submission.id, row, type, code, field, rejection.entry, at "
                "FROM rejection JOIN submission ON submission.number = rejection.submission"
            )
        }
        for feed, consumer, seq in _differ(kept, self._rejected):
            say(f"rejection of record {seq} of {feed} by {consumer}", _UNSEEN)
        late = {
            (feed, consumer): tuple(said)
            for feed, consumer, *said in rows(
                "SELECT feed, consumer, upto, entry, at FROM uncollected"
            )
        }
        for feed, consumer in _differ(late, self._late):
            say(f"alarm about {feed} of {consumer}", _UNSEEN)


def _differ(one: dict[Any, Any], other: dict[Any, Any]) -> list[Any]:
    """The keys of which two dictionaries do not say the same."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
