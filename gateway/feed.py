"""THE SHELF: what a consumer may collect, and its acknowledgement.

    1 authenticate   who is asking, and is this their feed?
    2 wait           until there is something after the cursor, or the time is over
    3 enter          the look itself is a ledger entry, durable before anything is shown
    4 show           join the stored bytes of the groups the purposes allow; digests of the others
    5 prove          block by block, against the ledger entry of the submission

What a consumer may see was decided when the submission was committed and is stored with it; nothing
is decided here.

If an attacker controls this module they can show a consumer what was routed to another; every page
they build still stands in the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from gateway.core import disclosure, merkle
from gateway.core.canonical import b64u
from gateway.core.cursor import read_cursor, write_cursor
from gateway.core.disclosure import View
from gateway.core.envelope import Envelope
from gateway.core.identity import Caller
from gateway.core.limits import FEED_PAGE_RECORDS_MAX, LONG_POLL_SECONDS
from gateway.core.refusal import Reason, Refused

SCOPE: Final = "feeds"


class AlteredViewError(Exception):
    """The database says that a feed may show what the ledger does not."""


class Item(msgspec.Struct, frozen=True):
    """A stretch of a feed: what a view shows of one block of one submission."""

    first: int
    count: int
    submission: int
    n: int
    view: View


class Source(msgspec.Struct, frozen=True):
    """A submission as a feed speaks of it."""

    id: str
    organisation: str
    provider_class: str
    format: str
    request: str | None
    recorded_at: str
    entry: int
    records: int
    wrapped_key: bytes


class Shelf(Protocol):
    """Holds feeds in sequence, from 1 without gaps, in ledger order.

    `delivered` and `retrieved` are durable ledger entries when they return. `end` is the next
    number that will be given. `path` leads from a block to the record tree's root. `changed` returns when a commit has happened, or after the seconds.
    """

    def end(self, feed: str) -> int: ...
    def items(self, feed: str, first: int, limit: int) -> list[Item]: ...
    def source(self, submission: int) -> Source: ...
    def frame(self, submission: int, n: int) -> tuple[bytes, int]: ...
    def path(self, submission: int, n: int) -> list[bytes]: ...
    async def changed(self, seconds: float) -> None: ...
    async def delivered(self, feed: str, caller: Caller, first: int, last: int) -> int: ...
    async def retrieved(self, feed: str, caller: Caller, upto: int) -> int: ...
    def acknowledged(self, feed: str, consumer: str) -> int: ...


class Ledger(Protocol):
    """Shows the committed ledger: its newest checkpoint, entries, and inclusion proofs."""

    def checkpoint(self) -> tuple[int, str]: ...
    def entry(self, index: int) -> bytes: ...
    def inclusion(self, index: int, size: int) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Counter:
    """What the shelf is made of; built once by `gateway.wiring`. `feeds` are those that exist."""

    shelf: Shelf
    ledger: Ledger
    unwrap: Callable[[bytes, bytes], bytes]
    feeds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a feed: its lines, and where to go on."""

    lines: list[bytes]
    next: str
    count: int


def check_reader(caller: Caller, feed: str, counter: Counter) -> None:
    """Step 1: a consumer reads its own feed and no other; absent and forbidden look the same."""
    if feed not in counter.feeds or caller.kind != "consumer" or feed not in caller.classes:
        raise Refused(Reason.NOT_FOUND)


async def read_page(
    caller: Caller,
    feed: str,
    counter: Counter,
    *,
    after: str | None,
    limit: int,
    wait: float = 0.0,
    proofs: bool = True,
    present: Callable[[], bool] = lambda: True,
) -> Page:
    """A page of up to `limit` records after a cursor; waits up to `wait` seconds for the first.

    `present` says whether the reader is still there: what nobody will see is not entered as shown.
    Without a cursor it goes on after what the consumer acknowledged last. Raises
    Refused(NOT_FOUND) and Refused(PARAMETER_NOT_VALID).
    """
    check_reader(caller, feed, counter)  # 1
    shelf = counter.shelf
    if not 1 <= limit <= FEED_PAGE_RECORDS_MAX:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"limit is from 1 to {FEED_PAGE_RECORDS_MAX}.")
    seen = shelf.acknowledged(feed, caller.party) if after is None else read_cursor(after, feed)
    if seen >= shelf.end(feed):
        raise Refused(Reason.PARAMETER_NOT_VALID, "The cursor is beyond the end of this feed.")
    await _wait(shelf, feed, seen, min(wait, LONG_POLL_SECONDS))  # 2
    last = min(seen + limit, shelf.end(feed) - 1)
    read = None
    if last > seen and not present():
        return Page([], write_cursor(feed, seen), 0)
    if last > seen:
        read = await shelf.delivered(feed, caller, seen + 1, last)  # 3
    size, note = counter.ledger.checkpoint()
    lines: list[bytes] = []
    for item in shelf.items(feed, seen + 1, limit) if last > seen else ():
        _check_view(feed, item, counter)
        lines += _show(item, seen + 1, last, size, counter, proofs=proofs)  # 4, 5
    cursor = write_cursor(feed, last)
    page = {
        "feed": feed,
        "consumer": caller.party,
        "first": seen + 1,
        "next": cursor,
        "more": last < shelf.end(feed) - 1,
        "count": last - seen,
        "read": read,
        "checkpoint": note,
    }
    lines.append(msgspec.json.encode({"page": page}))
    return Page(lines, cursor, last - seen)


async def _wait(shelf: Shelf, feed: str, seen: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while shelf.end(feed) - 1 <= seen and (left := until - loop.time()) > 0:
        await shelf.changed(left)


def _check_view(feed: str, item: Item, counter: Counter) -> None:
    """What is about to be shown must be what was entered when the submission was relayed.

    Whoever can write to the database could otherwise widen a view unseen.
    """
    relayed = counter.ledger.entry(counter.shelf.source(item.submission).entry + 1)
    run = msgspec.json.decode(relayed)["feeds"].get(feed, {})
    if run.get("view") != disclosure.view_hash(item.view):
        raise AlteredViewError(f"feed {feed}, record {item.first}")


def _show(
    item: Item,
    first: int,
    last: int,
    size: int,
    counter: Counter,
    *,
    proofs: bool,
) -> list[bytes]:
    """The lines of one item: its block line, and the records within `first` and `last`."""
    shelf = counter.shelf
    source = shelf.source(item.submission)
    frame, count = shelf.frame(item.submission, item.n)
    leaves = frame[: merkle.HASH_BYTES * count]
    data_key = counter.unwrap(source.wrapped_key, source.id.encode())
    sealed = frame[merkle.HASH_BYTES * count :]
    block = disclosure.unpack(Envelope(data_key, source.id).open(b"block", item.n, sealed))
    lines = disclosure.lines(block, item.view, source.id, item.first)
    lines = lines[max(0, first - item.first) : last - item.first + 1]
    if not lines:
        return lines
    members: dict[str, Any] = {
        "submission": source.id,
        "organisation": source.organisation,
        "class": source.provider_class,
        "format": source.format,
        "request": source.request,
        "recorded_at": source.recorded_at,
    }
    if not proofs:
        return [msgspec.json.encode({"block": members}), *lines]
    members |= {
        "first": block.first,
        "records": source.records,
        "path": [b64u(h) for h in shelf.path(item.submission, item.n)],
        "index": source.entry,
        "entry": b64u(counter.ledger.entry(source.entry)),
        "inclusion": [b64u(h) for h in counter.ledger.inclusion(source.entry, size)],
    }
    return [disclosure.block_line(members, leaves), *lines]


async def acknowledge(caller: Caller, feed: str, cursor: str, counter: Counter) -> int:
    """Take note, in the ledger, that a consumer has everything up to a cursor; returns the number.

    Going back is allowed (a consumer that lost its state reads again); going beyond the end is not.
    """
    check_reader(caller, feed, counter)
    upto = read_cursor(cursor, feed)
    if upto >= counter.shelf.end(feed):
        raise Refused(Reason.PARAMETER_NOT_VALID, "The cursor is beyond the end of this feed.")
    await counter.shelf.retrieved(feed, caller, upto)
    return upto
