"""What one commit writes for a submission: accepted, held, or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from gateway.core import ledger
from gateway.core.disclosure import View, view_hash
from gateway.core.instant import written
from gateway.core.mending import TAG_BYTES
from gateway.core.receipt import Rows, Statement, entry_members
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import BlockRef, Draft
from gateway.store.sqlite.amending import Amending
from gateway.store.sqlite.answering import Answering
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn

# Signs the statement of a receipt, as of the instant of its recording; returns a compact JWS.
Attest = Callable[[Statement, dt.datetime], str]


def _earlier(db: apsw.Connection, organisation: str, key: str | None, tag: bytes) -> int | None:
    """The number of the submission that a new one would repeat.

    Raises Refused(IDEMPOTENCY_KEY_REUSED) when the key was used with other bytes. A submission that
    was refused is never repeated: what failed may be sent again.
    """
    if key is not None:
        rows = fetch(
            db,
            "SELECT content_tag, submission FROM idempotency WHERE organisation = ? AND key = ?",
            (organisation, key),
        )
        if rows:
            if rows[0][0] != tag:
                raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
            return int(rows[0][1])
    rows = fetch(
        db, "SELECT number FROM submission WHERE content_tag = ? AND state <> 'refused'", (tag,)
    )
    return int(rows[0][0]) if rows else None


class Done(msgspec.Struct, frozen=True):
    """What was written, or the number of the submission that this one repeats."""

    number: int
    repeat: bool
    statement: Statement
    jws: str
    index: int
    entry: bytes
    size: int
    note: str
    recorded_at: str
    open_rows: int


class _Draft:
    """What the three kinds of commit have in common."""

    def __init__(self, draft: Draft, attest: Attest) -> None:
        self.draft = draft
        self.statement = draft.statement
        self.attest = attest
        self.rows = 10 + 4 * len(draft.blocks)
        self.number = 0
        self.repeat = False
        self.twin: _Draft | None = None
        self.jws = ""
        self.index = 0
        self.entry = b""

    def find_earlier(self, turn: Turn) -> bool:
        """Look for an earlier submission, in the database and in this group."""
        organisation, key = self.statement.sender.organisation, self.draft.key
        tag = self.draft.content_tag
        for name in (("key", organisation, key), ("tag", tag)):
            found = turn.decided.get(name)
            if found is not None and None not in name:
                if found.draft.content_tag != tag:
                    raise Refused(Reason.IDEMPOTENCY_KEY_REUSED)
                self.twin, self.repeat = found, True
                return True
        number = _earlier(turn.db, organisation, key, tag)
        if number is not None:
            self.number, self.repeat = number, True
            return True
        return False

    def remember(self, turn: Turn) -> None:
        """Let whatever comes after in this group find it; only what is sure to be written may be."""
        turn.decided["tag", self.draft.content_tag] = self
        if self.draft.key is not None:
            place = ("key", self.statement.sender.organisation, self.draft.key)
            turn.decided[place] = self

    def enter(self, turn: Turn, kind: str) -> None:
        """Sign the receipt and append the entry that binds it."""
        self.jws = self.attest(self.statement, turn.now)
        self.entry = ledger.entry(kind, turn.written, **entry_members(self.statement, self.jws))
        self.index = turn.tree.append(self.entry)

    def insert(self, turn: Turn, state: str) -> None:
        """Write the submission itself."""
        draft, statement = self.draft, self.statement
        rows = statement.rows or Rows()
        turn.db.execute(
            "INSERT INTO submission (id, organisation, class, format, request, state, entry, "
            "received_at, recorded_at, content_tag, wrapped_key, records, accepted, refused, nil, "
            "receipt, pending, outcome) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                statement.submission,
                statement.sender.organisation,
                statement.provider_class,
                statement.format,
                statement.request,
                state,
                self.index,
                written(statement.received_at),
                turn.written,
                draft.content_tag,
                draft.wrapped_key,
                statement.records,
                rows.accepted,
                rows.refused,
                rows.nil,
                self.jws,
                draft.pending,
                draft.outcome,
            ),
        )
        self.number = turn.db.last_insert_rowid()
        self.remember_key(turn)

    def remember_key(self, turn: Turn) -> None:
        """Tie the idempotency key to the submission, also where that is an earlier one."""
        draft = self.draft
        number = self.number if self.twin is None else self.twin.number
        if draft.key is not None and draft.content_tag:
            turn.db.execute(
                "INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?, ?)",
                (
                    self.statement.sender.organisation,
                    draft.key,
                    draft.content_tag,
                    number,
                    turn.written,
                ),
            )

    def answer(self, turn: Turn) -> Done:
        """What was recorded, here or by the twin in the same group."""
        number = self.number if self.twin is None else self.twin.number
        return Done(
            number,
            self.repeat,
            self.statement,
            self.jws,
            self.index,
            self.entry,
            turn.tree.committed,
            turn.note,
            turn.written,
            len(self.draft.open_rows) // TAG_BYTES,
        )


class Accept(_Draft):
    """Commit an accepted submission: new, or held before."""

    def prepare(self, turn: Turn) -> None:
        # A draft without a wrapped key ends a submission that was held before.
        self.held = (
            []
            if self.draft.wrapped_key
            else fetch(
                turn.db,
                "SELECT number, state FROM submission WHERE id = ?",
                (self.statement.submission,),
            )
        )
        if self.held and self.held[0][1] != "received":
            self.number, self.repeat = self.held[0][0], True  # concluded before a crash
            return
        if not self.held and self.find_earlier(turn):
            return
        amends = self.draft.amends
        self.amending = None if amends is None else Amending(amends)
        if self.amending is not None:
            self.amending.check(turn, self.statement.sender.organisation)
        request = self.statement.request
        # A correction tells of an answer that was given; it is not another one.
        answers = bool(self.draft.covers) and request is not None
        self.answering = Answering(request or "", self.draft) if answers else None
        if self.answering is not None:
            self.answering.check(turn)
        if not self.held:
            self.remember(turn)
        self.enter(turn, ledger.ACCEPTED)
        feeds: dict[str, dict[str, Any]] = {}
        self.items: list[tuple[str, int, int, int, View]] = []
        for feed, view in self.draft.views.items():
            counts = [_shown(block, view) for block in self.draft.blocks]
            total = sum(counts)
            if total:
                first = turn.feeds.take(feed, total)
                feeds[feed] = {"first": first, "count": total, "view": view_hash(view)}
                for n, count in enumerate(counts):
                    if count:
                        self.items.append((feed, first, count, n, view))
                        first += count
        turn.enter(ledger.RELAYED, submission=self.statement.submission, feeds=feeds)
        if self.amending is not None:
            self.amending.enter(turn, self.statement.submission)
        if self.answering is not None:
            self.answering.enter(turn)

    def write(self, turn: Turn) -> None:
        if self.repeat:
            self.remember_key(turn)
            return
        db, draft = turn.db, self.draft
        if self.held:
            self._conclude(turn)
        else:
            self.insert(turn, "accepted")
        if draft.body is not None:
            db.execute("INSERT INTO body VALUES (?, ?)", (self.number, draft.body))
        db.executemany(
            "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (self.number, n, block.count, block.root, block.frame, block.place, block.length)
                for n, block in enumerate(draft.blocks)
            ],
        )
        if draft.open_rows:
            db.execute(
                "INSERT INTO open_rows VALUES (?, 0, ?, ?)",
                (self.number, draft.file_rows, draft.open_rows),
            )
        if self.amending is not None:
            self.amending.write(turn, self.number)
        if self.answering is not None:
            self.answering.write(turn)
        views = {id(view): turn.views.number(view) for *_, view in self.items}
        db.executemany(
            "INSERT INTO feed_item VALUES (?, ?, ?, ?, ?, ?)",
            [
                (feed, first, count, self.number, n, views[id(view)])
                for feed, first, count, n, view in self.items
            ],
        )

    def _conclude(self, turn: Turn) -> None:
        statement, rows = self.statement, self.statement.rows or Rows()
        self.number = self.held[0][0]
        turn.db.execute(
            "UPDATE submission SET state = 'accepted', received = receipt, received_entry = entry, "
            "entry = ?, recorded_at = ?, records = ?, accepted = ?, refused = ?, nil = ?, "
            "receipt = ?, pending = NULL, outcome = ? WHERE number = ?",
            (
                self.index,
                turn.written,
                statement.records,
                rows.accepted,
                rows.refused,
                rows.nil,
                self.jws,
                self.draft.outcome,
                self.number,
            ),
        )


class Hold(_Draft):
    """Commit that the bytes are durable and the outcome follows."""

    def prepare(self, turn: Turn) -> None:
        if not self.find_earlier(turn):
            self.remember(turn)
            self.enter(turn, ledger.RECEIVED)

    def write(self, turn: Turn) -> None:
        if self.repeat:
            self.remember_key(turn)
        else:
            self.insert(turn, "received")


class Refuse(_Draft):
    """Commit a refusal: an entry alone, or the end of a submission that was held."""

    def prepare(self, turn: Turn) -> None:
        self.enter(turn, ledger.REFUSED)

    def write(self, turn: Turn) -> None:
        turn.db.execute(
            "UPDATE submission SET state = 'refused', received = receipt, received_entry = entry, "
            "entry = ?, recorded_at = ?, receipt = ?, pending = NULL, outcome = ? "
            "WHERE id = ? AND state = 'received'",
            (
                self.index,
                turn.written,
                self.jws,
                self.draft.outcome,
                self.statement.submission,
            ),
        )
        if turn.db.changes():
            turn.db.execute(
                "DELETE FROM idempotency WHERE submission = "
                "(SELECT number FROM submission WHERE id = ?)",
                (self.statement.submission,),
            )


def _shown(block: BlockRef, view: View) -> int:
    return sum(count for name, count in block.types.items() if name in view)
