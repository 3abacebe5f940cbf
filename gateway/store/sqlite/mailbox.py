"""Mailboxes in the database, what they sent, and what lies in their inboxes.

Chunks are sealed files (`gateway.store.bodies`), named `<message>_<number>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw
import msgspec

from gateway.core import ledger
from gateway.core.canonical import b64u
from gateway.core.limits import MESH_SETTLED
from gateway.core.mesh import OUTCOME, RECEIPT, REQUEST, SUBMISSION
from gateway.core.mesh_message import Chunk, Kind, Sent, Waiting
from gateway.core.refusal import Reason
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer

_SENT: Final = ", ".join(Sent.__struct_fields__)
_WAITING: Final = ", ".join(Waiting.__struct_fields__)
_WORKFLOW: Final[dict[Kind, str]] = {
    "report": SUBMISSION,  # a report has the workflow of what it is about
    "outcome": OUTCOME,
    "receipt": RECEIPT,
    "request": REQUEST,
}


class Mailbox(msgspec.Struct, frozen=True):
    """A mailbox in use; `secret` is sealed under the wrapped key."""

    id: str
    organisation: str
    wrapped_key: bytes
    secret: bytes


class Mailboxes:
    """What the gateway remembers for those who speak MESH (`gateway.mailbox.Messages`)."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader

    # --- administration

    def mailbox(self, identity: str) -> Mailbox | None:
        """A mailbox that has not been removed."""
        rows = fetch(
            self._reader,
            "SELECT id, organisation, wrapped_key, secret FROM mailbox "
            "WHERE id = ? AND removed IS NULL",
            (identity,),
        )
        return Mailbox(*rows[0]) if rows else None

    def mailboxes(self) -> list[dict[str, Any]]:
        """Every mailbox there ever was: id, organisation, added, removed."""
        rows = fetch(
            self._reader, "SELECT id, organisation, added, removed FROM mailbox ORDER BY id"
        )
        names = ("id", "organisation", "added", "removed")
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def add_mailbox(
        self, identity: str, organisation: str, wrapped_key: bytes, secret: bytes
    ) -> None:
        """Give an organisation a mailbox that is not there yet; an entry binds its sealed secret."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, NULL)",
                (identity, organisation, wrapped_key, secret, turn.written),
            )

        digest = b64u(hashlib.sha256(secret).digest())
        members = {"id": identity, "organisation": organisation, "secret": digest}
        await self._writer.do(_Work(write, ledger.MAILBOX_ADDED, members))

    async def remove_mailbox(self, identity: str) -> None:
        """Let nobody into a mailbox any more."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE mailbox SET removed = ? WHERE id = ? AND removed IS NULL",
                (turn.written, identity),
            )

        await self._writer.do(_Work(write, ledger.MAILBOX_REMOVED, {"id": identity}))

    # --- what was sent

    def sent(self, identity: str, mailbox: str) -> Sent | None:
        """A message that a mailbox sent."""
        return self._one("id = ? AND mailbox = ?", identity, mailbox)

    def by_key(self, mailbox: str, key_tag: bytes) -> Sent | None:
        """The latest message of a mailbox with an idempotency key, of those not refused."""
        return self._one(
            "mailbox = ? AND key_tag = ? AND state <> 'refused' AND NOT EXISTS (SELECT 1 "
            "FROM submission WHERE submission.id = mesh_sent.submission AND state = 'refused')",
            mailbox,
            key_tag,
        )

    def by_local_id(self, mailbox: str, local_tag: bytes) -> Sent | None:
        """The latest message of a mailbox under an id of its own."""
        return self._one("mailbox = ? AND local_tag = ?", mailbox, local_tag)

    def _one(self, where: str, *parameters: Any) -> Sent | None:
        rows = fetch(
            self._reader,
            f"SELECT {_SENT} FROM mesh_sent WHERE {where} "  # noqa: S608 - constants
            "ORDER BY number DESC LIMIT 1",
            parameters,
        )
        return None if not rows else Sent(**dict(zip(Sent.__struct_fields__, rows[0], strict=True)))

    def open_of(self, mailbox: str) -> int:
        """How many messages of a mailbox are unfinished."""
        rows = fetch(
            self._reader,
            "SELECT count(*) FROM mesh_sent WHERE mailbox = ? AND state = 'uploading' "
            "AND settled = 0",
            (mailbox,),
        )
        return int(rows[0][0])

    def chunks(self, message: str) -> list[Chunk]:
        """The durable chunks of a message, in their order."""
        rows = fetch(
            self._reader,
            "SELECT n, size, tag FROM mesh_chunk WHERE message = ? ORDER BY n",
            (message,),
        )
        return [Chunk(*row) for row in rows]

    def open_files(self) -> list[str]:
        """Names of the files of every chunk whose message is unfinished."""
        rows = fetch(
            self._reader,
            "SELECT message || '_' || n FROM mesh_chunk JOIN mesh_sent ON id = message "
            "WHERE state = 'uploading'",
        )
        return [row[0] for row in rows]

    async def save(self, sent: Sent, chunk: Chunk | None = None) -> None:
        """Remember a message as it is now, with a chunk that has become durable."""
        names = Sent.__struct_fields__
        upsert = (
            f"INSERT INTO mesh_sent ({_SENT}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
            "submission = excluded.submission, reason = excluded.reason, told = excluded.told, "
            "receipted = excluded.receipted "
            "WHERE mesh_sent.state = 'uploading'"  # what has ended stays as it ended
        )

        def write(turn: Turn) -> None:
            turn.db.execute(upsert, msgspec.structs.astuple(sent))
            if chunk is not None:
                turn.db.execute(
                    "INSERT INTO mesh_chunk VALUES (?, ?, ?, ?)",
                    (sent.id, chunk.n, chunk.size, chunk.tag),
                )

        await self._writer.do(_Work(write))

    async def expire(self, now: int) -> list[str]:
        """End what was never finished, as if refused; returns the names of its files."""
        old = "state = 'uploading' AND expires < ?"
        names = fetch(
            self._reader,
            "SELECT message || '_' || n FROM mesh_chunk JOIN mesh_sent ON id = message "  # noqa: S608
            f"WHERE {old}",
            (now,),
        )

        def write(turn: Turn) -> None:
            turn.db.execute(
                f"UPDATE mesh_sent SET state = 'refused', reason = ? WHERE {old}",  # noqa: S608
                (Reason.BODY_TRUNCATED.value, now),
            )

        if names:
            await self._writer.do(_Work(write))
        return [name[0] for name in names]

    # --- inboxes

    async def settle(self, mailbox: str, new_id: Callable[[str], str]) -> None:
        """Lay into an inbox what became of messages, and what was asked since."""
        while _due(self._reader, mailbox):
            await self._writer.do(_Settle(mailbox, new_id))

    def waiting(
        self, mailbox: str, workflows: Sequence[str], after: int, limit: int
    ) -> list[Waiting]:
        """Messages of some workflows that are not acknowledged, oldest first."""
        marks = ", ".join("?" * len(workflows))
        rows = fetch(
            self._reader,
            f"SELECT {_WAITING} FROM mesh_inbox WHERE mailbox = ? AND number > ? "  # noqa: S608
            f"AND acknowledged IS NULL AND workflow IN ({marks}) ORDER BY number LIMIT ?",
            (mailbox, after, *workflows, limit),
        )
        return [_waiting(row) for row in rows]

    def count(self, mailbox: str) -> int:
        """How many messages are not acknowledged."""
        rows = fetch(
            self._reader,
            "SELECT count(*) FROM mesh_inbox WHERE mailbox = ? AND acknowledged IS NULL",
            (mailbox,),
        )
        return int(rows[0][0])

    def message(self, identity: str, mailbox: str) -> Waiting | None:
        """A message that is, or was, in an inbox."""
        rows = fetch(
            self._reader,
            f"SELECT {_WAITING} FROM mesh_inbox WHERE id = ? AND mailbox = ?",  # noqa: S608
            (identity, mailbox),
        )
        return _waiting(rows[0]) if rows else None

    async def acknowledge(self, identity: str) -> None:
        """Mark a message as collected."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE mesh_inbox SET acknowledged = ? WHERE id = ? AND acknowledged IS NULL",
                (turn.written, identity),
            )

        await self._writer.do(_Work(write))


def _waiting(row: tuple[Any, ...]) -> Waiting:
    return Waiting(**dict(zip(Waiting.__struct_fields__, row, strict=True)))


def _due(db: apsw.Connection, mailbox: str) -> list[tuple[Kind, str]]:
    """What is not in an inbox yet and can be: kind, and what it is about."""
    made: list[tuple[Kind, str]] = []
    for identity, state, has_words, has_receipt in fetch(
        db,
        "SELECT mesh_sent.id, ifnull(submission.state, mesh_sent.state), "
        "told IS NOT NULL OR submission.id IS NOT NULL, receipted OR submission.id IS NOT NULL "
        "FROM mesh_sent LEFT JOIN submission ON submission.id = mesh_sent.submission "
        "WHERE mailbox = ? AND settled = 0 AND mesh_sent.state <> 'uploading' "
        "AND ifnull(submission.state, '') <> 'received' ORDER BY mesh_sent.number LIMIT ?",
        (mailbox, MESH_SETTLED),
    ):
        if state == "refused":
            made.append(("report", identity))
        if has_words:
            made.append(("outcome", identity))
        if has_receipt:
            made.append(("receipt", identity))
    made += [
        ("request", row[0])
        for row in fetch(
            db,
            "SELECT id FROM request WHERE organisation = (SELECT organisation FROM mailbox "
            "WHERE id = ?1) AND state <> 'drafted' AND NOT EXISTS (SELECT 1 FROM mesh_inbox WHERE mailbox = ?1 "
            "AND about = request.id AND kind = 'request') ORDER BY raised LIMIT ?2",
            (mailbox, MESH_SETTLED),
        )
    ]
    return made


class _Work:
    """A change of rows, with a ledger entry where it is an act of administration."""

    rows = 2

    def __init__(
        self,
        write: Callable[[Turn], None],
        kind: str | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        self._write = write
        self._kind = kind
        self._members = members or {}

    def prepare(self, turn: Turn) -> None:
        if self._kind is not None:
            turn.enter(self._kind, **self._members)

    def write(self, turn: Turn) -> None:
        self._write(turn)

    def answer(self, _turn: Turn) -> None:
        return None


class _Settle:
    """Two of them in one group find the same things; the second one's are left out."""

    rows = MESH_SETTLED

    def __init__(self, mailbox: str, new_id: Callable[[str], str]) -> None:
        self._mailbox = mailbox
        self._new_id = new_id

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        made = _due(turn.db, self._mailbox)
        turn.db.executemany(
            "INSERT OR IGNORE INTO mesh_inbox (id, mailbox, kind, about, workflow, made) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    self._new_id("msg").rpartition("_")[2],
                    self._mailbox,
                    kind,
                    about,
                    _WORKFLOW[kind],
                    turn.written,
                )
                for kind, about in made
            ],
        )
        turn.db.executemany(
            "UPDATE mesh_sent SET settled = 1 WHERE id = ?",
            [(about,) for kind, about in made if kind != "request"],
        )

    def answer(self, _turn: Turn) -> None:
        return None
