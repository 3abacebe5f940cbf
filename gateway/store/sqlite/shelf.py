"""Feeds in the database (`gateway.feed.Shelf`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import apsw
import msgspec

from gateway.core import ledger, merkle
from gateway.core.disclosure import View
from gateway.core.feed_event import Tie
from gateway.core.identity import Caller
from gateway.feed import Item, Source
from gateway.store.bodies import Bodies
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer

_VIEW: Final = msgspec.json.Decoder(View)


class Shelf:
    """Reads feeds through its own connection; its one write goes through the one writer."""

    def __init__(self, writer: Writer, reader: apsw.Connection, bodies: Bodies) -> None:
        self._writer = writer
        self._reader = reader
        self._bodies = bodies
        self._ends: dict[str, int] = {}
        self._bell = asyncio.Event()
        self.view = lru_cache(1_000)(self._read_view)
        self.source = lru_cache(10_000)(self._read_source)
        self._trees = lru_cache(16)(self._read_tree)
        writer.on_commit.append(self._ring)

    def _ring(self) -> None:
        self._ends.clear()
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def changed(self, seconds: float) -> None:
        """Return when a commit has happened, or after the seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), seconds)

    def end(self, feed: str) -> int:
        """The next sequence number that will be given."""
        if feed not in self._ends:
            rows = fetch(
                self._reader,
                "SELECT first + count FROM feed_item WHERE feed = ? ORDER BY first DESC LIMIT 1",
                (feed,),
            )
            self._ends[feed] = rows[0][0] if rows else 1
        return self._ends[feed]

    def items(self, feed: str, first: int, limit: int) -> list[Item]:
        """The stretches that hold `limit` records from sequence number `first` on."""
        rows = fetch(
            self._reader,
            "SELECT first, count, submission, n, view FROM feed_item WHERE feed = ? AND first >= "
            "ifnull((SELECT max(first) FROM feed_item WHERE feed = ? AND first <= ?), 0) "
            "AND first < ? ORDER BY first",
            (feed, feed, first, first + limit),
        )
        return [Item(row[0], row[1], row[2], row[3], self.view(row[4])) for row in rows]

    def _read_view(self, number: int) -> View:
        rows = fetch(self._reader, "SELECT spec FROM view WHERE id = ?", (number,))
        return _VIEW.decode(rows[0][0])

    def _read_source(self, submission: int) -> Source:
        row = fetch(
            self._reader,
            "SELECT id, organisation, class, format, request, recorded_at, entry, accepted, "
            "wrapped_key FROM submission WHERE number = ?",
            (submission,),
        )[0]
        return Source(*row)

    def path(self, submission: int, n: int) -> list[bytes]:
        """The audit path of a block in its submission's record tree."""
        return self._trees(submission).path(n)

    def _read_tree(self, submission: int) -> merkle.Levels:
        rows = fetch(
            self._reader, "SELECT root FROM block WHERE submission = ? ORDER BY n", (submission,)
        )
        return merkle.Levels(row[0] for row in rows)

    def frame(self, submission: int, n: int) -> tuple[bytes, int]:
        """The frame of a block (leaf hashes, then its envelope) and its number of records."""
        count, frame, place, length = fetch(
            self._reader,
            "SELECT count, frame, place, length FROM block WHERE submission = ? AND n = ?",
            (submission, n),
        )[0]
        if frame is None:
            frame = self._bodies.frame(self.source(submission).id, place, length)
        return frame, count

    def ties(self, submission: int, first_row: int, last_row: int) -> Mapping[int, Tie]:
        """Records that were found to be about a request, by their rows; the surest tie of each."""
        rows = fetch(
            self._reader,
            "SELECT row, verdict, request FROM match WHERE submission = ? AND row BETWEEN ? AND ? "
            "AND verdict <> 'rejected' ORDER BY row, verdict = 'possible' DESC, at",
            (submission, first_row, last_row),
        )
        return {
            row: Tie("possible" if verdict == "possible" else "matched", request)
            for row, verdict, request in rows
        }

    def acknowledged(self, feed: str, consumer: str) -> int:
        """The number a consumer acknowledged last; 0 before the first."""
        rows = fetch(
            self._reader,
            "SELECT upto FROM acknowledgement WHERE feed = ? AND consumer = ?",
            (feed, consumer),
        )
        return rows[0][0] if rows else 0

    async def delivered(self, feed: str, caller: Caller, first: int, last: int) -> int:
        """Enter in the ledger that a page is shown; returns the entry's index."""
        return int(await self._writer.do(_Delivered(feed, caller, first, last)))


class _Delivered:
    rows = 1

    def __init__(self, feed: str, caller: Caller, first: int, last: int) -> None:
        self._members = {
            "feed": feed,
            "consumer": caller.party,
            "client": caller.client,
            "first": first,
            "last": last,
            "count": last - first + 1,
        }

    def prepare(self, turn: Turn) -> None:
        self._index = turn.enter(ledger.DELIVERED, **self._members)

    def write(self, turn: Turn) -> None:
        """The entry is all there is."""

    def answer(self, _turn: Turn) -> int:
        return self._index
