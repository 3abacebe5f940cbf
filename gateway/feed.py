"""THE SHELF: what a consumer may collect.

    1 authenticate   who is asking, and is this their feed?
    2 wait           until there is something after the cursor, or the time is over
    3 enter          the look itself is a ledger entry, durable before anything is shown
    4 show           join the stored bytes of the groups the purposes allow; digests of the others
    5 prove          block by block, against the ledger entry of the submission
    6 sign           the page as a whole, in the words of HTTP (RFC 9421)

What a consumer may see was decided when the submission was committed and is stored with it; nothing
is decided here. What became of it is told to `gateway.uptake`.

If an attacker controls this module they can show a consumer what was routed to another; every page
they build still stands in the ledger.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import msgspec

from gateway.core import disclosure, feed_event, merkle
from gateway.core.canonical import b64u
from gateway.core.cursor import read_cursor, write_cursor
from gateway.core.disclosure import View
from gateway.core.envelope import Envelope
from gateway.core.feed_event import Origin, Tie
from gateway.core.identity import Caller
from gateway.core.limits import FEED_PAGE_RECORDS_MAX, LONG_POLL_SECONDS
from gateway.core.page_signature import sign_page
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

    `delivered` is a durable ledger entry when it returns. `end` is the next number that will be
    given. `path` leads from a block to the record tree's root. `ties` are the records of a
    submission, by row, that were found to be about a request which their sender did not name.
    `changed` returns when a commit has happened, or after the seconds.
    """

    def end(self, feed: str) -> int: ...
    def items(self, feed: str, first: int, limit: int) -> list[Item]: ...
    def source(self, submission: int) -> Source: ...
    def frame(self, submission: int, n: int) -> tuple[bytes, int]: ...
    def path(self, submission: int, n: int) -> list[bytes]: ...
    def ties(self, submission: int, first_row: int, last_row: int) -> Mapping[int, Tie]: ...
    async def changed(self, seconds: float) -> None: ...
    async def delivered(self, feed: str, caller: Caller, first: int, last: int) -> int: ...
    def acknowledged(self, feed: str, consumer: str) -> int: ...


class Ledger(Protocol):
    """Shows the committed ledger: its newest checkpoint, entries, and inclusion proofs."""

    def checkpoint(self) -> tuple[int, str]: ...
    def entry(self, index: int) -> bytes: ...
    def inclusion(self, index: int, size: int) -> list[bytes]: ...


class Signer(Protocol):
    """The key of receipts and checkpoints, by whose signature a page is known to be ours."""

    @property
    def kid(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Counter:
    """What the shelf is made of; built once by `gateway.wiring`.

    `feeds` are those that exist; `issuer` is the URL of this gateway, and `clock` says now in UTC.
    """

    shelf: Shelf
    ledger: Ledger
    unwrap: Callable[[bytes, bytes], bytes]
    feeds: frozenset[str]
    issuer: str
    signer: Signer
    clock: Callable[[], dt.datetime]


@dataclass(frozen=True)
class Page:
    """A page of a feed: its lines, and where to go on."""

    lines: list[bytes]
    next: str
    count: int

    @cached_property
    def content(self) -> bytes:
        """The page as it travels: each line with its line feed."""
        return b"\n".join(self.lines) + b"\n"


def check_reader(caller: Caller, feed: str, counter: Counter) -> None:
    """Step 1: a consumer reads its own feed and no other; absent and forbidden look the same."""
    if feed not in counter.feeds or caller.kind != "consumer" or feed not in caller.classes:
        raise no_such_feed(caller, counter.feeds)


def no_such_feed(caller: Caller, feeds: frozenset[str]) -> Refused:
    """That a feed is not there for a caller: a consumer is told those that are."""
    own = ", ".join(sorted(caller.classes & feeds))
    if caller.kind != "consumer" or not own:
        return Refused(Reason.NOT_FOUND)
    return Refused(Reason.NOT_FOUND, f"You have no feed of this name. What you have: {own}.")


async def read_page(
    caller: Caller,
    feed: str,
    counter: Counter,
    *,
    after: str | None,
    limit: int,
    first: int | None = None,
    wait: float = 0.0,
    proofs: bool = True,
    present: Callable[[], bool] = lambda: True,
) -> Page:
    """A page of up to `limit` records after a cursor; waits up to `wait` seconds for the first.

    `present` says whether the reader is still there: what nobody will see is not entered as shown.
    With `first` it begins at the record of that number; without it and a cursor it goes on after what
    the consumer acknowledged last. Raises Refused(NOT_FOUND) and Refused(PARAMETER_NOT_VALID).
    """
    check_reader(caller, feed, counter)  # 1
    shelf = counter.shelf
    if not 1 <= limit <= FEED_PAGE_RECORDS_MAX:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"limit is from 1 to {FEED_PAGE_RECORDS_MAX}.")
    seen = _seen(caller, feed, after, first, shelf)
    await _wait(shelf, feed, seen, min(wait, LONG_POLL_SECONDS))  # 2
    last = min(seen + limit, shelf.end(feed) - 1)
    read = None
    if last > seen and not present():
        return Page([], write_cursor(feed, seen), 0)
    if last > seen:
        read = await shelf.delivered(feed, caller, seen + 1, last)  # 3
    size, note = counter.ledger.checkpoint()
    source = f"{counter.issuer}/v1/feeds/{feed}"
    lines: list[bytes] = []
    # What came while the look was entered was not entered with it, and waits for the next page.
    for item in shelf.items(feed, seen + 1, last - seen) if last > seen else ():
        _check_view(feed, item, counter)
        lines += _show(item, seen + 1, last, size, counter, source, proofs=proofs)  # 4, 5
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
    lines.append(feed_event.event(feed_event.PAGE, source, f"page-{seen + 1}-{last}-{size}", page))
    return Page(lines, cursor, last - seen)


def signed(page: Page, counter: Counter) -> dict[str, str]:
    """Step 6: the header fields of a page, wherever it goes: its type, digest and signature."""
    return sign_page(page.content, counter.clock(), counter.signer.kid, counter.signer.sign)


def _seen(caller: Caller, feed: str, after: str | None, first: int | None, shelf: Shelf) -> int:
    """The number of the record after which a page begins."""
    if after is not None and first is not None:
        raise Refused(Reason.PARAMETER_NOT_VALID, "Give 'after' or 'from', not both.")
    if first is not None:
        seen = first - 1
    elif after is not None:
        seen = read_cursor(after, feed)
    else:
        seen = shelf.acknowledged(feed, caller.party)
    if not 0 <= seen < shelf.end(feed):
        end = shelf.end(feed) - 1
        raise Refused(
            Reason.PARAMETER_NOT_VALID, f"That is beyond the end of this feed, which is at {end}."
        )
    return seen


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
    url: str,
    *,
    proofs: bool,
) -> list[bytes]:
    """The lines of one item: its block line, and the records within `first` and `last`."""
    shelf = counter.shelf
    source = shelf.source(item.submission)
    block, leaves = opened(item, source, counter)
    origin = _origin(item, source, block, url, shelf)
    lines = disclosure.lines(block, item.view, origin, item.first)
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
    identity = f"block-{max(first, item.first)}-{size}"
    if not proofs:
        return [disclosure.block_line(origin, identity, members), *lines]
    members |= {
        "first": block.first,
        "records": source.records,
        "path": [b64u(h) for h in shelf.path(item.submission, item.n)],
        "index": source.entry,
        "entry": b64u(counter.ledger.entry(source.entry)),
        "inclusion": [b64u(h) for h in counter.ledger.inclusion(source.entry, size)],
    }
    return [disclosure.block_line(origin, identity, members, leaves), *lines]


def opened(item: Item, source: Source, counter: Counter) -> tuple[disclosure.Block, bytes]:
    """The block of an item, and the hashes of its leaves in a row."""
    frame, count = counter.shelf.frame(item.submission, item.n)
    data_key = counter.unwrap(source.wrapped_key, source.id.encode())
    sealed = frame[merkle.HASH_BYTES * count :]
    block = disclosure.unpack(Envelope(data_key, source.id).open(b"block", item.n, sealed))
    return block, frame[: merkle.HASH_BYTES * count]


def _origin(item: Item, source: Source, block: disclosure.Block, url: str, shelf: Shelf) -> Origin:
    """Where the records of a block come from, as their envelopes say it."""
    named = source.request is not None
    # Who names one request has said what the file is about; a list is a question about many.
    ties: Mapping[int, Tie] = {}
    if source.request is None or source.request.startswith("bat_"):
        rows = [row for run in block.runs for row in run.rows]
        ties = shelf.ties(item.submission, min(rows), max(rows))
    return Origin(
        source=url,
        submission=source.id,
        time=source.recorded_at,
        organisation=source.organisation,
        provider_class=source.provider_class,
        entry=source.entry,
        tie=Tie("named", source.request) if named else Tie("unasked"),
        ties=ties,
    )
