"""A consumer's inbox: every event of a feed kept once, whatever comes twice, late or out of order.

The number of an event is its name: what comes again is known, what comes early waits for what is
before it. `reach` is how far the inbox is whole; only so far is anything acknowledged. All that a
page brings is one transaction with one flush, so that a process can be killed at any moment and goes
on where it was. Events are sealed (AES-256-GCM) under a key that is not in the database, and what
tells a repeat from something else is a digest under that key, from which nothing can be guessed.

If an attacker controls the database they can withhold the newest events; they cannot read one, or
change or remove one unseen.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import apsw
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.client.events import Event, FeedPage

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
# SQLite before this can corrupt a database when its log is reset.
_OLDEST: Final = (3, 51, 3)
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_DECODE: Final = msgspec.json.Decoder(Event).decode
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS inbox (
    feed     TEXT PRIMARY KEY,
    reach    INTEGER NOT NULL,
    answered INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    seq    INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cursor (upto INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS page (
    upto    INTEGER NOT NULL,
    digest  TEXT NOT NULL,
    headers TEXT NOT NULL,
    PRIMARY KEY (upto, digest)
) STRICT, WITHOUT ROWID;
"""


class InboxError(Exception):
    """The inbox cannot be used as it is; the message says what to do."""


class AlteredError(InboxError):
    """A record came again and was not what it had been; one of the two is forged."""


class Inbox:
    """The inbox of one feed, in a file; one process at a time uses it.

    `key` is 32 bytes, kept elsewhere. `chance` gives so many random bytes. Raises InboxError for the
    inbox of another feed, and for a key that is not its own.
    """

    def __init__(self, path: Path, feed: str, key: bytes, chance: Callable[[int], bytes]) -> None:
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < _OLDEST:
            raise InboxError("This SQLite can lose data; install apsw with 3.51.3 or newer.")
        if len(key) != KEY_BYTES:
            raise InboxError(
                f"The key of {path} is not whole; put back the one that was made with it."
            )
        self.feed = feed
        self._seal = AESGCM(key)
        self._mark = hmac.digest(key, b"what an event is", "sha256")
        self._chance = chance
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with _usable():
            self._db = apsw.Connection(str(path))
            try:
                self._open(path)
            except BaseException:
                self._db.close()
                raise

    def _open(self, path: Path) -> None:
        db = self._db
        db.set_busy_timeout(5_000)
        db.transaction_mode = "IMMEDIATE"  # what is read before it writes is still so when it does
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", 2)
        db.pragma("secure_delete", 1)
        if (db.pragma("journal_mode"), db.pragma("synchronous")) != ("wal", 2):
            raise InboxError(f"{path} cannot be written durably; is this a local disk?")
        with db:
            db.execute(_SCHEMA)
            db.execute("INSERT OR IGNORE INTO inbox SELECT ?, 0, 0 WHERE NOT EXISTS "
                       "(SELECT 1 FROM inbox)", (self.feed,))  # fmt: skip
        ((feed,),) = db.execute("SELECT feed FROM inbox").fetchall()
        if feed != self.feed:
            raise InboxError(f"{path} is the inbox of {feed}, not of {self.feed}. Name another.")
        for _ in self.events(1, 2):
            """The first event opens, so the key is the one it was sealed with."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @property
    def reach(self) -> int:
        """The number up to which every event is here."""
        return self._numbers()[0]

    @property
    def answered(self) -> int:
        """The number up to which the gateway has been told what became of the events."""
        return self._numbers()[1]

    def answer(self, upto: int) -> None:
        """Keep that the gateway has been told of everything up to a number."""
        with _usable():
            self._db.execute("UPDATE inbox SET answered = ?", (upto,))

    def _numbers(self) -> tuple[int, int]:
        with _usable():
            rows: list[Any] = self._db.execute("SELECT reach, answered FROM inbox").fetchall()
        return rows[0][0], rows[0][1]

    @property
    def cursor(self) -> str | None:
        """From where to go on, and up to where all is safe; None before the first whole page."""
        return self._place()[1]

    @property
    def upto(self) -> int:
        """The number of the last event before `cursor`."""
        return self._place()[0]

    def _place(self) -> tuple[int, str | None]:
        with _usable():
            rows: list[Any] = self._db.execute(
                "SELECT upto, text FROM cursor WHERE upto <= (SELECT reach FROM inbox) "
                "ORDER BY upto DESC LIMIT 1"
            ).fetchall()
        return rows[0] if rows else (0, None)

    def take(self, page: FeedPage) -> int:
        """Keep what a page brings, durably; returns how many of its events are new.

        Raises AlteredError and InboxError, as for a page of another feed, and then keeps nothing of it.
        """
        if page.feed != self.feed:  # genuine all the same: whoever carries pages can exchange them
            raise InboxError(
                f"The page is of {page.feed}, and this is the inbox of {self.feed}. Nothing of it was "
                "kept; look at whatever brought it."
            )
        events = page.events
        with _usable(), self._db:
            new = sum(self._keep(event) for event in events)
            if events:
                self._db.execute(
                    "INSERT OR IGNORE INTO cursor VALUES (?, ?)", (events[-1].seq, page.next)
                )
                self._db.execute(
                    "INSERT OR IGNORE INTO page VALUES (?, ?, ?)",
                    (
                        events[-1].seq,
                        hashlib.sha256(page.content).hexdigest(),
                        _ENCODE(page.headers).decode(),
                    ),
                )
            self._db.execute("UPDATE inbox SET reach = ?", (self._reached(),))
        return new

    def _keep(self, event: Event) -> bool:
        # How it is tied to a request may be found out later; all else is as it was sent.
        fixed = msgspec.structs.replace(event, confidence="unasked", request=None)
        digest = hmac.digest(self._mark, _ENCODE(fixed), "sha256")
        known = self._db.execute("SELECT digest FROM event WHERE seq = ?", (event.seq,)).fetchall()
        if known and known[0][0] != digest:
            raise AlteredError(
                f"Record {event.seq} of {self.feed} came again and is not what it was. Keep the "
                "inbox as it is, and tell the operator of the gateway and the auditor."
            )
        nonce = self._chance(_NONCE_BYTES)
        sealed = nonce + self._seal.encrypt(nonce, _ENCODE(event), self._about(event.seq))
        self._db.execute(
            "INSERT INTO event VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
            (event.seq, digest, sealed),
        )
        return not known

    def _reached(self) -> int:
        reach = self.reach
        with closing(
            self._db.execute("SELECT seq FROM event WHERE seq > ? ORDER BY seq", (reach,))
        ) as rows:
            for (seq,) in rows:
                if seq != reach + 1:
                    break
                reach = seq
        return reach

    def events(self, first: int = 1, end: int | None = None) -> Iterator[Event]:
        """Events in order, from a number up to `reach`, or up to before `end`; raises InboxError."""
        upto = self.reach if end is None else min(end - 1, self.reach)
        due = first
        with _usable():
            for seq, sealed in self._db.execute(
                "SELECT seq, sealed FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (first, upto),
            ):
                if seq != due:
                    break
                due += 1
                yield self._opened(seq, sealed)
        if due <= upto:
            raise InboxError(
                f"Event {due} is gone from the inbox. Begin another, which collects all of it again."
            )

    def _opened(self, seq: int, sealed: bytes) -> Event:
        try:
            plain = self._seal.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._about(seq)
            )
        except InvalidTag:
            raise InboxError(
                f"Event {seq} of the inbox does not open: this is not its key, or it was altered."
            ) from None
        return _DECODE(plain)

    def _about(self, seq: int) -> bytes:
        return f"{self.feed}\0{seq}".encode()


@contextmanager
def _usable() -> Iterator[None]:
    """Say of a database that cannot be used what is wrong with it."""
    try:
        yield
    except apsw.Error as error:
        # Where the database has already taken back a transaction, leaving it is a second fault.
        first = error.__context__ if isinstance(error.__context__, apsw.Error) else error
        raise InboxError(
            f"The inbox cannot be used: {first}. Check that nobody else uses it, and that its disk "
            "has room; then run the same again."
        ) from error


def digest_of(events: Sequence[Event]) -> str:
    """One hash of many events, by which two inboxes can be compared."""
    whole = hashlib.sha256()
    for event in events:
        whole.update(_ENCODE(event) + b"\n")
    return whole.hexdigest()
