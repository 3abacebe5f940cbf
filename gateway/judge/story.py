"""Whether the entries of a ledger, one after the other, tell a story that can be true.

Memory stays flat but for eight bytes for each submission, which show one that was judged twice, and
some hundred for each request, which show where it stands.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gateway.judge.asked import Happened, Lives, NoticeSent, Raised
from gateway.judge.entries import (
    Accepted,
    Amended,
    Delivered,
    Fact,
    FeedPushed,
    Opened,
    Received,
    Refused,
    Rejected,
    Relayed,
    Retrieved,
    Uncollected,
    Used,
)
from gateway.judge.strict import Unsound
from gateway.judge.uptake import Said, Uptakes
from gateway.judge.verdict import Findings, shown

_SHARDS: Final = 64  # a power of two, so that only a 64th of what is remembered is ever a set
_ALTERED: Final = "Compare it with another copy of the ledger; nothing may be changed in place."
_WRITER: Final = "The writer recorded something that cannot be; ask the operator to explain it."


class Story:
    """Follows the entries in order, and notes what does not agree with what came before."""

    def __init__(self, origin: str, findings: Findings) -> None:
        self._origin = origin
        self._findings = findings
        self._time = ""
        self._waiting: dict[str, tuple[int, int]] = {}  # submission -> entry, records accepted
        self._next: dict[str, int] = {}  # feed -> the next sequence number to be given out
        self._whole = True
        self._lives = Lives()
        self.uptakes = Uptakes()
        self._last_relayed: str | None = None
        self._judged = [array("q") for _ in range(_SHARDS)]
        self._received = [array("q") for _ in range(_SHARDS)]

    def take(self, index: int, facts: Iterable[Fact | Unsound]) -> None:
        """Take the entries from `index` on."""
        for at, fact in enumerate(facts, index):
            if isinstance(fact, Unsound):
                self._findings.add(f"entry {at}", f"it {fact}", _ALTERED)
                self.skip()
                continue
            if fact.time < self._time:
                self._say(at, f"its time is before that of entry {at - 1}")
            self._time = fact.time
            if isinstance(fact, Accepted):
                self._accepted(at, fact)
            elif isinstance(fact, Relayed):
                self._relayed(at, fact)
            elif isinstance(fact, Amended):
                self._amended(at, fact)
            elif isinstance(fact, Delivered | FeedPushed):
                self._delivered(at, fact)
            elif isinstance(fact, Retrieved | Used | Rejected | Uncollected):
                self._said(at, fact)
            elif isinstance(fact, Raised | Happened | NoticeSent):
                self._asked(at, fact)
            else:
                self._other(at, fact)
            if at == 0 and not isinstance(fact, Opened):
                self._say(0, "it is not ledger.opened, with which every ledger begins")

    def skip(self) -> None:
        """Go on after entries that could not be read; others are not blamed for what hung on them."""
        self._whole = False
        self._waiting.clear()
        self._next.clear()
        self._last_relayed = None

    def finish(self) -> None:
        """Note what is still open at the end."""
        for submission, (index, _) in self._waiting.items():
            self._say(index, f"submission {shown(submission)} was accepted, never relayed")

    def repeated(self) -> frozenset[int]:
        """Hashes of submissions that seem to have been judged, or received, twice."""
        found: set[int] = set()
        for shard in (*self._judged, *self._received):
            if len(set(shard)) < len(shard):
                found.update(value for value, times in Counter(shard).items() if times > 1)
        return frozenset(found)

    def _say(self, index: int, what: str) -> None:
        self._findings.add(f"entry {index}", what, _WRITER)

    def _accepted(self, index: int, fact: Accepted) -> None:
        _remember(self._judged, fact.submission)
        rows = fact.rows
        if not rows.accepted or rows.nil > rows.accepted:
            self._say(index, "its counts of rows cannot be: accepted is 0 or less than nil")
        self._waiting[fact.submission] = (index, rows.accepted)

    def _relayed(self, index: int, fact: Relayed) -> None:
        waiting = self._waiting.pop(fact.submission, None)
        if waiting is None and self._whole:
            self._say(index, f"no submission {shown(fact.submission)} was waiting to be relayed")
        self._last_relayed = fact.submission
        for feed, run in fact.feeds.items():
            expected = self._next.get(feed, 1 if self._whole else run.first)
            if run.first != expected:
                self._say(
                    index,
                    f"feed {shown(feed)} goes on at {run.first} instead of {expected}",
                )
            if waiting is not None and run.count > waiting[1]:
                self._say(index, f"feed {shown(feed)} got more records than were accepted")
            self._next[feed] = run.first + run.count

    def _amended(self, index: int, fact: Amended) -> None:
        if fact.by == fact.submission:
            self._say(index, f"submission {shown(fact.by)} amends itself")
        elif self._last_relayed not in {None, fact.by}:
            self._say(index, f"it does not follow the entries of submission {shown(fact.by)}")

    def _delivered(self, index: int, fact: Delivered | FeedPushed) -> None:
        if fact.last - fact.first + 1 != fact.count:
            self._say(index, f"it counts {fact.count} records from {fact.first} to {fact.last}")
        self._within(index, fact.feed, fact.last)

    def _said(self, index: int, fact: Said) -> None:
        if isinstance(fact, Retrieved | Used):
            last = fact.upto
        else:
            last = fact.seq if isinstance(fact, Rejected) else fact.end
        self._within(index, fact.feed, last)
        wrong = self.uptakes.take(index, fact, whole=self._whole)
        if wrong is not None:
            self._say(index, wrong)

    def _asked(self, index: int, fact: Raised | Happened | NoticeSent) -> None:
        if isinstance(fact, Raised):
            wrong = self._lives.raised(fact)
        elif isinstance(fact, Happened):
            wrong = self._lives.happened(fact, whole=self._whole)
        else:
            wrong = self._lives.about(fact, whole=self._whole)
        if wrong is not None:
            self._say(index, wrong)

    def _within(self, index: int, feed: str, last: int) -> None:
        """Check that a feed has been filled up to a sequence number."""
        if feed not in self._next and not self._whole:
            return
        if last >= self._next.get(feed, 1):
            self._say(index, f"feed {shown(feed)} had no record {last} yet")

    def _other(self, index: int, fact: Fact) -> None:
        if isinstance(fact, Refused):
            _remember(self._judged, fact.submission)
        elif isinstance(fact, Received):
            _remember(self._received, fact.submission)
        elif isinstance(fact, Opened):
            if index:
                self._say(index, "the ledger is opened a second time")
            elif fact.origin != self._origin:
                self._say(index, "the ledger was opened under another origin than the key's name")


class Repeats:
    """The second look: which entries really judge, or receive, the same submission twice."""

    def __init__(self, suspects: frozenset[int], findings: Findings) -> None:
        self._suspects = suspects
        self._findings = findings
        self._first: dict[tuple[bool, str], int] = {}

    def take(self, index: int, facts: Iterable[Fact | Unsound]) -> None:
        """Take the entries from `index` on."""
        for at, fact in enumerate(facts, index):
            if not isinstance(fact, Accepted | Refused | Received):
                continue
            if hash(fact.submission) not in self._suspects:
                continue
            first = self._first.setdefault((isinstance(fact, Received), fact.submission), at)
            if first != at:
                what = f"submission {shown(fact.submission)} is already in entry {first}"
                self._findings.add(f"entry {at}", what, _WRITER)


def _remember(shards: list[array[int]], submission: str) -> None:
    value = hash(submission)
    shards[value & (_SHARDS - 1)].append(value)
