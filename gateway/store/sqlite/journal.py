"""Submissions in the database: recording, holding, refusing and finding them again."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import apsw
import msgspec

from gateway.core.duty_table import Ask
from gateway.core.limits import OPEN_LISTED
from gateway.core.mending import TAG_BYTES
from gateway.core.receipt import Rows
from gateway.core.request_life import State
from gateway.core.stages import Draft, Kept, Mended, Recorded
from gateway.store.sqlite.commits import Accept, Attest, Done, Hold, Refuse
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.evidence import Evidence
from gateway.store.sqlite.writer import Writer

_COLUMNS: Final = "id, state, accepted, refused, nil, recorded_at"


class Journal:
    """What the gateway remembers of submissions (`gateway.submission.Journal`)."""

    def __init__(
        self,
        writer: Writer,
        reader: apsw.Connection,
        evidence: Evidence,
        attest: Attest,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._evidence = evidence
        self._attest = attest

    def request_of(self, organisation: str, request: str) -> Ask | None:
        """The request of this id, or the batch, if it was sent to this organisation."""
        rows = fetch(
            self._reader,
            "SELECT purposes, record_types, due, state, stopped FROM request "
            "WHERE (id = ?1 OR batch = ?1) AND organisation = ?2 AND state <> 'drafted'",
            (request, organisation),
        )
        if not rows:
            return None
        # Of a list, whatever of it is still asked may be answered.
        asked = [row for row in rows if row[3] != State.WITHDRAWN] or rows
        purposes, record_types = (
            frozenset(name for row in asked for name in msgspec.json.decode(row[at]))
            for at in (0, 1)
        )
        # While a question about it is open, nothing is late.
        stopped = any(row[4] is not None for row in asked)
        due = None if stopped else dt.date.fromisoformat(max(row[2] for row in asked))
        withdrawn = all(row[3] == State.WITHDRAWN for row in rows)
        return Ask(request, purposes, record_types, due, withdrawn=withdrawn)

    def mended(self, organisation: str, submission: str) -> Mended | None:
        """A submission of this organisation that has open rows, as it is now."""
        rows = fetch(
            self._reader,
            "SELECT wrapped_key, request, version, tags, open_rows.rows FROM submission "
            "JOIN open_rows ON open_rows.submission = submission.number "
            "WHERE id = ? AND organisation = ? AND length(tags) > 0",
            (submission, organisation),
        )
        return Mended(submission, *rows[0]) if rows else None

    def had_refused_rows(self, organisation: str, submission: str) -> bool:
        """Whether rows of a submission of this organisation were refused, mended since or not."""
        return bool(
            fetch(
                self._reader,
                "SELECT 1 FROM submission JOIN open_rows ON open_rows.submission = number "
                "WHERE id = ? AND organisation = ?",
                (submission, organisation),
            )
        )

    def with_refused_rows(self, organisation: str) -> list[str]:
        """An organisation's submissions of which rows were refused, the newest first; not all."""
        rows = fetch(
            self._reader,
            "SELECT id FROM submission JOIN open_rows ON open_rows.submission = number "
            "WHERE organisation = ? ORDER BY number DESC LIMIT ?",
            (organisation, OPEN_LISTED),
        )
        return [row[0] for row in rows]

    async def record(self, draft: Draft) -> Recorded:
        """Commit an accepted submission."""
        return self._answer(await self._writer.do(Accept(draft, self._attest)))

    async def hold(self, draft: Draft) -> Recorded:
        """Commit that the bytes of a large submission are durable."""
        return self._answer(await self._writer.do(Hold(draft, self._attest)))

    async def refuse(self, draft: Draft) -> Recorded:
        """Commit that a submission was refused."""
        return self._answer(await self._writer.do(Refuse(draft, self._attest)))

    def find(self, submission: str, organisation: str) -> Recorded | None:
        """A submission of this organisation; None if there is none, or it is another's."""
        rows = fetch(
            self._reader,
            "SELECT number FROM submission WHERE id = ? AND organisation = ?",
            (submission, organisation),
        )
        return self._recorded(rows[0][0]) if rows else None

    def answers(self, submission: str) -> str | None:
        """The request that a submission answers."""
        rows = fetch(self._reader, "SELECT request FROM submission WHERE id = ?", (submission,))
        return rows[0][0] if rows else None

    def latest(self, organisation: str, before: str | None, limit: int) -> list[dict[str, Any]]:
        """An organisation's submissions, newest first; `before` is the id of the last one seen."""
        rows = fetch(
            self._reader,
            f"SELECT {_COLUMNS}, format, request FROM submission "  # noqa: S608 - a constant
            "WHERE organisation = ? AND number < ifnull((SELECT number FROM submission "
            "WHERE id = ? AND organisation = ?), 1 << 62) ORDER BY number DESC LIMIT ?",
            (organisation, before, organisation, limit),
        )
        names = ("id", "state", "accepted", "refused", "nil", "recorded_at", "format", "request")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def outcome(self, submission: str) -> tuple[bytes, bytes | None]:
        """The wrapped data key and the sealed outcome of a submission."""
        wrapped, sealed = fetch(
            self._reader, "SELECT wrapped_key, outcome FROM submission WHERE id = ?", (submission,)
        )[0]
        return wrapped, sealed

    def kept(self, organisation: str, submission: str) -> Kept | None:
        """What is kept of a submission of this organisation, sealed as it is."""
        rows = fetch(
            self._reader,
            "SELECT state, format, received_at, wrapped_key, outcome, sealed, tags FROM submission "
            "LEFT JOIN body ON body.submission = submission.number "
            "LEFT JOIN open_rows ON open_rows.submission = submission.number "
            "WHERE id = ? AND organisation = ?",
            (submission, organisation),
        )
        if not rows:
            return None
        state, name, received_at, wrapped, outcome, sealed, tags = rows[0]
        received = dt.datetime.fromisoformat(received_at)
        return Kept(state, name, received, wrapped, outcome, sealed, tags or b"")

    def pending(self) -> list[tuple[str, bytes, bytes]]:
        """Id, wrapped key and sealed `pending` of every submission without an outcome yet."""
        return fetch(
            self._reader,
            "SELECT id, wrapped_key, pending FROM submission WHERE state = 'received' "
            "ORDER BY number",
        )

    def _answer(self, done: Done) -> Recorded:
        if done.repeat:
            return self._recorded(done.number, repeat=True)
        statement = done.statement
        return Recorded(
            id=statement.submission,
            state=statement.outcome,
            rows=statement.rows or Rows(),
            recorded_at=done.recorded_at,
            receipt=self._evidence.receipt_under(
                done.jws,
                done.index,
                done.entry,
                done.size,
                done.note,
            ),
            open=done.open_rows,
        )

    def _recorded(self, number: int, *, repeat: bool = False) -> Recorded:
        row = fetch(
            self._reader,
            f"SELECT {_COLUMNS}, receipt, entry, "  # noqa: S608 - a constant
            "(SELECT length(tags) FROM open_rows WHERE submission = number) FROM submission "
            "WHERE number = ?",
            (number,),
        )[0]
        identity, state, accepted, refused, nil, recorded_at, jws, entry, tags = row
        return Recorded(
            id=identity,
            state=state,
            rows=Rows(accepted, refused, nil),
            recorded_at=recorded_at,
            receipt=self._evidence.receipt(jws, entry),
            repeat=repeat,
            open=(tags or 0) // TAG_BYTES,
        )
