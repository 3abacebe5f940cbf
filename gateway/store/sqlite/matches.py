"""Which record answers which request, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from gateway.core import ledger
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.request_life import Event, event_of_answer
from gateway.matching import Source, Tie
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.request_turn import Live, live
from gateway.store.sqlite.requests import Requests
from gateway.store.sqlite.shelf import Shelf
from gateway.store.sqlite.writer import Turn, Writer

_SURE = ("certain", "confirmed")


class Matches:
    """What the gateway remembers of matches (`gateway.matching.Matches`)."""

    def __init__(
        self, writer: Writer, reader: apsw.Connection, requests: Requests, shelf: Shelf
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._requests = requests
        self._shelf = shelf

    def unmatched(self, limit: int) -> list[Source]:
        """Accepted submissions after the last that was looked through, which name no request."""
        rows = fetch(
            self._reader,
            "SELECT number, id, organisation, request, entry, wrapped_key, "
            "(SELECT count(*) FROM block WHERE submission = number) FROM submission "
            "WHERE entry > (SELECT entry FROM matched) AND state = 'accepted' "
            "AND (request IS NULL OR request LIKE 'bat\\_%' ESCAPE '\\') ORDER BY entry LIMIT ?",
            (limit,),
        )
        return [Source(*row) for row in rows]

    def frame(self, number: int, n: int) -> tuple[bytes, int]:
        """The frame of a block, and its number of records."""
        return self._shelf.frame(number, n)

    def open_requests(self, organisation: str, batch: str | None) -> list[Stored]:
        """Requests to an organisation, or of one list, that wait for an answer."""
        return self._requests.select(
            "WHERE organisation = ?1 AND (?2 IS NULL OR batch = ?2) AND erased IS NULL AND state IN "
            "('issued', 'served', 'acknowledged', 'part_answered', 'overdue', 'escalated')",
            (organisation, batch),
        )

    def orders(self, organisation: str) -> list[Stored]:
        """Deduction from earnings orders that an organisation was sent, whether answered or not."""
        return self._requests.select(
            "WHERE organisation = ? AND kind = 'deo' AND erased IS NULL "
            "AND state NOT IN ('drafted', 'withdrawn')",
            (organisation,),
        )

    def by_order(self, tag: bytes) -> list[Stored]:
        """Requests about one order, the oldest first."""
        return self._requests.select(
            "WHERE order_tag = ? AND state NOT IN ('drafted', 'withdrawn') ORDER BY id", (tag,)
        )

    def of_request(self, request: str) -> list[dict[str, Any]]:
        """Records tied to a request, or that may be about it."""
        rows = fetch(
            self._reader,
            "SELECT submission.id, row, verdict, by, score, agreed, disagreed, period, at FROM match "
            "JOIN submission ON submission.number = match.submission WHERE match.request = ? "
            "ORDER BY at, row LIMIT 1000",
            (request,),
        )
        names = (
            "submission", "row", "verdict", "by", "score", "agreed", "disagreed", "period", "at",
        )  # fmt: skip
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for each in found:
            for name in ("agreed", "disagreed"):
                each[name] = each[name].split()
        return found

    async def tie(self, source: Source, ties: Sequence[Tie]) -> None:
        """Keep what was tied, answer what is certain, and go on after this submission."""
        await self._writer.do(_Ties(source, tuple(ties)))

    async def judge(
        self, request: str, submission: str, row: int, by: str, *, confirmed: bool
    ) -> None:
        """What an officer says of a possible match; raises Refused(NOT_FOUND)."""
        await self._writer.do(_Judged(request, submission, row, by, confirmed=confirmed))


class _Ties:
    """The ties of one submission."""

    def __init__(self, source: Source, ties: tuple[Tie, ...]) -> None:
        self._source = source
        self._ties = ties
        self._answered: list[Live] = []
        self.rows = 2 + 2 * len(ties)

    def prepare(self, turn: Turn) -> None:
        """One entry for each request, with how many records and the verdicts."""
        by_request: dict[str, list[Tie]] = {}
        for tie in self._ties:
            by_request.setdefault(tie.request, []).append(tie)
        for request, ties in sorted(by_request.items()):
            sure = sum(tie.verdict in _SURE for tie in ties)
            turn.enter(
                ledger.REQUEST_MATCHED,
                id=request,
                submission=self._source.id,
                certain=sure,
                possible=len(ties) - sure,
                by=sorted({tie.by for tie in ties}),
            )
            covers = {tie.type for tie in ties if tie.verdict in _SURE}
            found = _covered(turn, request, covers, self._source.organisation, self._source.id)
            if found is not None:
                self._answered.append(found)

    def write(self, turn: Turn) -> None:
        """The ties, the requests they answer, and how far we are."""
        turn.db.executemany(
            "INSERT OR IGNORE INTO match VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    self._source.number,
                    tie.row,
                    tie.request,
                    tie.type,
                    tie.verdict,
                    tie.by,
                    tie.score,
                    " ".join(tie.agreed),
                    " ".join(tie.disagreed),
                    tie.period,
                    turn.written,
                )
                for tie in self._ties
            ],
        )
        for found in self._answered:
            found.write(turn)
        turn.db.execute("UPDATE matched SET entry = max(entry, ?)", (self._source.entry,))

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


class _Judged:
    """A possible match that an officer confirms, or rejects."""

    rows = 4

    def __init__(
        self, request: str, submission: str, row: int, by: str, *, confirmed: bool
    ) -> None:
        self._request, self._submission, self._row, self._by = request, submission, row, by
        self._verdict = "confirmed" if confirmed else "rejected"
        self._live: Live | None = None

    def prepare(self, turn: Turn) -> None:
        """Find it; only what is possible is judged, and once."""
        rows = fetch(
            turn.db,
            "SELECT number, organisation, type FROM match JOIN submission ON number = submission "
            "WHERE match.request = ? AND id = ? AND row = ? AND verdict = 'possible'",
            (self._request, self._submission, self._row),
        )
        place = ("match", self._request, self._submission, self._row)
        if not rows or place in turn.decided:
            raise Refused(Reason.NOT_FOUND, "There is no possible match to judge.")
        turn.decided[place] = True
        self._number, organisation = rows[0][:2]
        kinds = {row[2] for row in rows}  # what one row said of one person is judged together
        turn.enter(
            ledger.REQUEST_MATCHED,
            id=self._request,
            submission=self._submission,
            row=self._row,
            verdict=self._verdict,
            by=[self._by],
        )
        if self._verdict == "confirmed":
            self._live = _covered(turn, self._request, kinds, organisation, self._submission)

    def write(self, turn: Turn) -> None:
        """The verdict, and the request it answers."""
        turn.db.execute(
            "UPDATE match SET verdict = ? WHERE submission = ? AND row = ? AND request = ? "
            "AND verdict = 'possible'",
            (self._verdict, self._number, self._row, self._request),
        )
        if self._live is not None:
            self._live.write(turn)

    def answer(self, _turn: Turn) -> None:
        """Nothing but that it is durable."""
        return


def _covered(
    turn: Turn, request: str, covers: set[str], organisation: str, submission: str
) -> Live | None:
    """Let records answer a request, where they cover something it still waits for."""
    found = live(turn, request)
    if found is None or not found.can(Event.ANSWERED):
        return None
    new = covers & set(found.record_types) - set(found.covered)
    if not new:
        return None
    found.covered = tuple(sorted({*found.covered, *new}))
    event = event_of_answer(found.record_types, found.covered, open_rows=0)
    found.happens(turn, event, organisation, submission=submission)
    return found
