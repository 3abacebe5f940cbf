"""THE UPTAKE: what became of what was collected, and what nobody collected.

    1 authenticate   who speaks, and is this their feed?
    2 understand     up to where they have it, up to where they use it, what they cannot use
    3 find           which row of which submission each rejected record was
    4 enter          each of these is a ledger entry, and an organisation that is asked to mend
                     something is told, in one commit

Two acknowledgements: `delivered` says that records are in the consumer's hands, `used` that they are
in use; nothing is used that was not delivered. Whoever lost their state may go back, never beyond the
end. `watch` finds feeds that nobody collects, and says so once for each place at which one stands.

If an attacker controls this module they can say that a team took what it did not; each such word
stands in the ledger under the name of whose session it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from gateway.core import disclosure
from gateway.core.cursor import read_cursor
from gateway.core.disclosure import Block, View
from gateway.core.identity import Caller
from gateway.core.instant import read, written
from gateway.core.notice_item import Draft
from gateway.core.refusal import Reason, Refused
from gateway.core.rejection import GROUNDS, Rejection, Uptake


class Found(msgspec.Struct, frozen=True):
    """A record that a consumer rejected: whose row it was."""

    rejection: Rejection
    submission: int
    submission_id: str
    organisation: str
    row: int
    type: str


class Standing(msgspec.Struct, frozen=True):
    """Where a consumer stands on a feed: the last number there is, the last it has, the last in use.

    `oldest` is when the first record that it has not collected was recorded, `oldest_unused` when
    the first that it does not use was; None where there is none.
    """

    feed: str
    consumer: str
    end: int
    delivered: int
    used: int
    rejected: int
    oldest: str | None
    oldest_unused: str | None


class Rejected(msgspec.Struct, frozen=True):
    """A row that a team could not use, as its organisation is told of it."""

    row: int
    type: str
    code: str
    field: str | None
    at: str


class Place(Protocol):
    """A stretch of a feed, as `gateway.feed` has it."""

    @property
    def first(self) -> int: ...
    @property
    def submission(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def view(self) -> View: ...


class Sent(Protocol):
    """A submission, as `gateway.feed` has it."""

    @property
    def id(self) -> str: ...
    @property
    def organisation(self) -> str: ...


class Shelf(Protocol):
    """Finds what stands at a number of a feed."""

    def end(self, feed: str) -> int: ...
    def items(self, feed: str, first: int, limit: int) -> Sequence[Place]: ...
    def source(self, submission: int) -> Sent: ...


class Uptakes(Protocol):
    """Remembers what consumers said; `take` and `alarm` are durable, with their entries, on return.

    `take` leaves out rejections of records that this consumer rejected before, and returns where it
    then stands. What several say at once it takes one after the other, and checks each by
    `check_order` in its turn; `told` makes the notices about the rejections that count.
    `standings` are those of every consumer of every feed. `alarmed` is the number up to which a feed
    had been collected when that was last said to be too long ago; `alarm` says whether it still was
    so far and no further.
    """

    def standing(self, feed: str, consumer: str) -> Standing: ...
    def standings(self) -> list[Standing]: ...
    def rejections(self, organisation: str, submission: str) -> list[Rejected] | None: ...
    def rejected(self, feed: str, consumer: str, seqs: Sequence[int]) -> set[int]: ...
    def alarmed(self, feed: str, consumer: str) -> int | None: ...
    async def take(
        self,
        feed: str,
        caller: Caller,
        delivered: int | None,
        used: int | None,
        found: Sequence[Found],
        told: Callable[[Sequence[Found]], Sequence[Draft]],
    ) -> Standing: ...
    async def alarm(self, standing: Standing, notice: Draft) -> bool: ...


@dataclass(frozen=True, slots=True)
class Taking:
    """What acknowledging is made of; built once by `gateway.shelving`.

    `check` raises Refused(NOT_FOUND) for a feed that is not the caller's. `block` opens a stretch of a
    feed. `tell` makes the notice to a party, of a kind and its values, and `sent` is called when one waits. What is not collected for `uncollected` is late.
    """

    shelf: Shelf
    uptakes: Uptakes
    check: Callable[[Caller, str], None]
    block: Callable[[Any, Any], Block]
    tell: Callable[[str, str, Mapping[str, str]], Draft]
    uncollected: dt.timedelta
    sent: Callable[[], None]


async def take(caller: Caller, feed: str, said: Uptake, taking: Taking) -> Standing:
    """Take note of what a consumer says; returns where it then stands.

    Raises Refused(NOT_FOUND) and Refused(PARAMETER_NOT_VALID).
    """
    taking.check(caller, feed)  # 1
    delivered, used = _upto(said.delivered, feed, taking), _upto(said.used, feed, taking)  # 2
    before = taking.uptakes.standing(feed, caller.party)
    seqs = [each.seq for each in said.errors]
    check_order(before.delivered if delivered is None else delivered, used, seqs)
    known = taking.uptakes.rejected(feed, caller.party, seqs)
    found = [_find(each, feed, taking) for each in said.errors if each.seq not in known]  # 3
    stands = await taking.uptakes.take(
        feed, caller, delivered, used, found, lambda counted: _told(counted, taking)
    )  # 4
    if found:
        taking.sent()
    return stands


def check_order(has: int, used: int | None, seqs: Sequence[int]) -> None:
    """Raise Refused(PARAMETER_NOT_VALID) for what is said of records that are not in its hands."""
    if used is not None and used > has:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "What is in use is in your hands: acknowledge it as delivered too.",
        )
    if seqs and max(seqs) > has:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "A record is rejected once it was acknowledged as delivered.",
        )


def standing_of(caller: Caller, feed: str, taking: Taking) -> Standing:
    """Where a consumer stands on its feed; raises Refused(NOT_FOUND)."""
    taking.check(caller, feed)
    return taking.uptakes.standing(feed, caller.party)


def rejections(caller: Caller, submission: str, taking: Taking) -> list[dict[str, Any]]:
    """Rows of a submission that teams could not use, for its organisation; raises Refused(NOT_FOUND).

    Which team it was is not said here; the ledger, which is public, names it.
    """
    rows = taking.uptakes.rejections(caller.party, submission)
    if caller.kind != "organisation" or rows is None:
        raise Refused(Reason.NOT_FOUND)
    return [
        {
            "row": each.row,
            "record_type": each.type,
            "code": each.code,
            "field": each.field,
            "message": GROUNDS[each.code].message,
            "fix": GROUNDS[each.code].fix,
            "correct": GROUNDS[each.code].correct,
            "at": each.at,
        }
        for each in rows
    ]


async def watch(taking: Taking, now: dt.datetime) -> list[Standing]:
    """Say of each feed that was not collected in time that it was not, once for where it stands.

    Returns those that were said now; `now` is UTC.
    """
    late = []
    for standing in taking.uptakes.standings():
        oldest = standing.oldest
        if oldest is None or now - read(oldest) < taking.uncollected:
            continue
        if taking.uptakes.alarmed(standing.feed, standing.consumer) == standing.delivered:
            continue
        values = {
            "feed": standing.feed,
            "waiting": str(standing.end - standing.delivered),
            "since": written(read(oldest))[:16].replace("T", " "),
        }
        notice = taking.tell(standing.consumer, "feed_uncollected", values)
        if await taking.uptakes.alarm(standing, notice):
            late.append(standing)
    if late:
        taking.sent()
    return late


def _upto(cursor: str | None, feed: str, taking: Taking) -> int | None:
    if cursor is None:
        return None
    upto = read_cursor(cursor, feed)
    if upto >= taking.shelf.end(feed):
        raise Refused(Reason.PARAMETER_NOT_VALID, "The cursor is beyond the end of this feed.")
    return upto


def _find(rejection: Rejection, feed: str, taking: Taking) -> Found:
    (item,) = taking.shelf.items(feed, rejection.seq, 1)
    source = taking.shelf.source(item.submission)
    block = taking.block(item, source)
    row, kind = disclosure.shown_at(block, item.view, rejection.seq - item.first)
    group = (rejection.field or "").partition(".")[0]
    if group and group not in item.view[kind].groups:
        raise Refused(
            Reason.PARAMETER_NOT_VALID, f"Record {rejection.seq} shows you no group {group}."
        )
    return Found(rejection, item.submission, source.id, source.organisation, row, kind)


def _told(found: Sequence[Found], taking: Taking) -> list[Draft]:
    """One notice for each submission of which something is to be mended."""
    counts: dict[tuple[str, str], int] = {}
    for each in found:
        if GROUNDS[each.rejection.code].correct:
            place = (each.organisation, each.submission_id)
            counts[place] = counts.get(place, 0) + 1
    return [
        taking.tell(organisation, "rows_rejected", {"submission": submission, "rows": str(count)})
        for (organisation, submission), count in sorted(counts.items())
    ]
