"""What consumers said of what they were shown, in the database (`gateway.uptake.Uptakes`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import apsw

from gateway.core import ledger
from gateway.core.identity import Caller
from gateway.core.notice_item import Draft
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.notices import insert_notices
from gateway.store.sqlite.shelf import Shelf
from gateway.store.sqlite.writer import Turn, Writer
from gateway.uptake import Found, Rejected, Standing, check_order


class Uptakes:
    """Reads through its own connection; its writes go through the one writer."""

    def __init__(self, writer: Writer, reader: apsw.Connection, shelf: Shelf) -> None:
        self._writer = writer
        self._reader = reader
        self._shelf = shelf

    def standing(self, feed: str, consumer: str) -> Standing:
        """Where a consumer stands on a feed."""
        rows = fetch(
            self._reader,
            "SELECT upto, used FROM acknowledgement WHERE feed = ? AND consumer = ?",
            (feed, consumer),
        )
        delivered, used = rows[0] if rows else (0, 0)
        rejected = fetch(
            self._reader,
            "SELECT count(*) FROM rejection WHERE feed = ? AND consumer = ?",
            (feed, consumer),
        )
        return Standing(
            feed=feed,
            consumer=consumer,
            end=self._shelf.end(feed) - 1,
            delivered=delivered,
            used=used,
            rejected=rejected[0][0],
            oldest=self._recorded(feed, delivered + 1),
            oldest_unused=self._recorded(feed, used + 1),
        )

    def _recorded(self, feed: str, seq: int) -> str | None:
        """When the record with a number was recorded; None where there is none yet."""
        if seq >= self._shelf.end(feed):
            return None
        (item,) = self._shelf.items(feed, seq, 1)
        return self._shelf.source(item.submission).recorded_at

    def standings(self) -> list[Standing]:
        """Where each consumer stands on each of its feeds."""
        rows = fetch(
            self._reader,
            "SELECT DISTINCT class, party FROM party_class JOIN party ON party.id = party "
            "WHERE kind = 'consumer' ORDER BY class, party",
        )
        return [self.standing(feed, consumer) for feed, consumer in rows]

    def rejections(self, organisation: str, submission: str) -> list[Rejected] | None:
        """Rows of a submission that teams could not use; None unless it is of this organisation."""
        known = fetch(
            self._reader,
            "SELECT number FROM submission WHERE id = ? AND organisation = ?",
            (submission, organisation),
        )
        if not known:
            return None
        rows = fetch(
            self._reader,
            "SELECT row, type, code, field, min(at) FROM rejection WHERE submission = ? "
            "GROUP BY row, type, code, field ORDER BY row, type, code",
            (known[0][0],),
        )
        return [Rejected(*row) for row in rows]

    def rejected(self, feed: str, consumer: str, seqs: Sequence[int]) -> set[int]:
        """Those of some numbers that a consumer rejected before."""
        marks = ", ".join("?" * len(seqs))
        rows = fetch(
            self._reader,
            f"SELECT seq FROM rejection WHERE feed = ? AND consumer = ? AND seq IN ({marks})",  # noqa: S608 - only marks
            (feed, consumer, *seqs),
        )
        return {row[0] for row in rows}

    def alarmed(self, feed: str, consumer: str) -> int | None:
        """Up to where a feed had been collected when that was last said to be too long ago."""
        rows = fetch(
            self._reader,
            "SELECT upto FROM uncollected WHERE feed = ? AND consumer = ?",
            (feed, consumer),
        )
        return rows[0][0] if rows else None

    async def take(
        self,
        feed: str,
        caller: Caller,
        delivered: int | None,
        used: int | None,
        found: Sequence[Found],
        told: Callable[[Sequence[Found]], Sequence[Draft]],
    ) -> Standing:
        """Enter what a consumer said, and return where it then stands."""
        await self._writer.do(_Taken(feed, caller, delivered, used, found, told))
        return self.standing(feed, caller.party)

    async def alarm(self, standing: Standing, notice: Draft) -> bool:
        """Enter that a feed was not collected in time, with the notice; unless it was meanwhile."""
        return bool(await self._writer.do(_Alarm(standing, notice)))


def _has(turn: Turn, feed: str, consumer: str) -> int:
    """Up to where a consumer has a feed, by all that was said before in this turn or earlier."""
    said: int | None = turn.decided.get(("has", feed, consumer))
    if said is not None:
        return said
    rows = fetch(
        turn.db,
        "SELECT upto FROM acknowledgement WHERE feed = ? AND consumer = ?",
        (feed, consumer),
    )
    return int(rows[0][0]) if rows else 0


class _Taken:
    def __init__(
        self,
        feed: str,
        caller: Caller,
        delivered: int | None,
        used: int | None,
        found: Sequence[Found],
        told: Callable[[Sequence[Found]], Sequence[Draft]],
    ) -> None:
        self._said: dict[str, Any] = {
            "feed": feed, "consumer": caller.party, "client": caller.client,
        }  # fmt: skip
        self._delivered, self._used = delivered, used
        self._found = found
        self._told = told
        self.rows = 1 + 2 * len(found)

    def prepare(self, turn: Turn) -> None:
        """One entry for each thing that was said; of what two say at once, the first counts.

        Others may have spoken since it was looked at: what they said is what it follows.
        """
        feed, consumer = self._said["feed"], self._said["consumer"]
        has = _has(turn, feed, consumer) if self._delivered is None else self._delivered
        check_order(has, self._used, [each.rejection.seq for each in self._found])
        turn.decided["has", feed, consumer] = has
        if self._delivered is not None:
            turn.enter(ledger.RETRIEVED, **self._said, upto=self._delivered)
        if self._used is not None:
            turn.enter(ledger.USED, **self._said, upto=self._used)
        self._rows = [
            (each, self._rejected(turn, each)) for each in self._found if self._is_new(turn, each)
        ]
        self._notices = tuple(self._told([each for each, _ in self._rows]))

    def _is_new(self, turn: Turn, each: Found) -> bool:
        place = (self._said["feed"], self._said["consumer"], each.rejection.seq)
        if turn.decided.setdefault(("rejected", *place), self) is not self:
            return False
        sql = "SELECT 1 FROM rejection WHERE feed = ? AND consumer = ? AND seq = ?"
        return not fetch(turn.db, sql, place)

    def _rejected(self, turn: Turn, each: Found) -> int:
        return turn.enter(
            ledger.REJECTED,
            **self._said,
            seq=each.rejection.seq,
            submission=each.submission_id,
            row=each.row,
            type=each.type,
            code=each.rejection.code,
            field=each.rejection.field,
        )

    def write(self, turn: Turn) -> None:
        """The newest word of this consumer, and its rejections."""
        feed, consumer = self._said["feed"], self._said["consumer"]
        if self._delivered is not None:
            # What was given back is not in use.
            turn.db.execute(
                "INSERT INTO acknowledgement VALUES (?, ?, ?, ?, 0, NULL) ON CONFLICT DO UPDATE SET "
                "upto = excluded.upto, at = excluded.at, used = min(used, excluded.upto)",
                (feed, consumer, self._delivered, turn.written),
            )
        if self._used is not None:
            turn.db.execute(
                "UPDATE acknowledgement SET used = min(upto, ?), used_at = ? "
                "WHERE feed = ? AND consumer = ?",
                (self._used, turn.written, feed, consumer),
            )
        for each, entry in self._rows:
            told = each.rejection
            turn.db.execute(
                "INSERT INTO rejection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    feed, consumer, told.seq, each.submission, each.row, each.type, told.code,
                    told.field, entry, turn.written,
                ),
            )  # fmt: skip
        insert_notices(turn, self._notices)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class _Alarm:
    rows = 2

    def __init__(self, standing: Standing, notice: Draft) -> None:
        self._standing = standing
        self._notice = notice

    def prepare(self, turn: Turn) -> None:
        standing = self._standing
        self._is_so = _has(turn, standing.feed, standing.consumer) == standing.delivered
        if not self._is_so:
            return
        self._entry = turn.enter(
            ledger.UNCOLLECTED,
            feed=standing.feed,
            consumer=standing.consumer,
            upto=standing.delivered,
            end=standing.end,
        )

    def write(self, turn: Turn) -> None:
        standing = self._standing
        if not self._is_so:
            return
        turn.db.execute(
            "INSERT INTO uncollected VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "upto = excluded.upto, entry = excluded.entry, at = excluded.at",
            (standing.feed, standing.consumer, standing.delivered, self._entry, turn.written),
        )
        insert_notices(turn, (self._notice,))

    def answer(self, _turn: Turn) -> bool:
        return self._is_so
