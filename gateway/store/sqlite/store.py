"""The SQLite store, opened: one object with everything that remembers."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from gateway.core import ledger
from gateway.core.checkpoint import VerifierKey
from gateway.store.bodies import Bodies
from gateway.store.sqlite.codes import Codes
from gateway.store.sqlite.commits import Attest
from gateway.store.sqlite.connection import StoreError, fetch, open_reader, open_writer
from gateway.store.sqlite.corrections import Corrections
from gateway.store.sqlite.correspondents import Correspondents
from gateway.store.sqlite.duties import Duties
from gateway.store.sqlite.evidence import Evidence
from gateway.store.sqlite.fading import Fading
from gateway.store.sqlite.inbox import Inbox
from gateway.store.sqlite.journal import Journal
from gateway.store.sqlite.mailbox import Mailboxes
from gateway.store.sqlite.matches import Matches
from gateway.store.sqlite.notices import Notices
from gateway.store.sqlite.pushes import Pushes
from gateway.store.sqlite.registry import Registry
from gateway.store.sqlite.requests import Requests
from gateway.store.sqlite.shelf import Shelf
from gateway.store.sqlite.subscriptions import Subscriptions
from gateway.store.sqlite.tree import Tree
from gateway.store.sqlite.uploads import Uploads
from gateway.store.sqlite.uptake import Uptakes
from gateway.store.sqlite.writer import Turn, Writer

log = structlog.get_logger("store")


class Store:
    """Owns the database of a directory, and the sealed files beside it.

    Raises StoreError when the directory is in use, damaged, or belongs to another origin.
    """

    def __init__(
        self,
        directory: Path,
        key: VerifierKey,
        sign: Callable[[bytes], bytes],
        attest: Attest,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._db, self._lock = open_writer(directory)
        self._reader = open_reader(directory)
        self._directory = directory
        self._key = key
        self._tree = tree = Tree(self._db, self._reader)
        self.writer = Writer(self._db, tree, key, sign, clock)
        self.bodies = Bodies(directory / "bodies")
        self.evidence = Evidence(self._reader, tree)
        self.journal = Journal(self.writer, self._reader, self.evidence, attest)
        self.shelf = Shelf(self.writer, self._reader, self.bodies)
        self.uptakes = Uptakes(self.writer, self._reader, self.shelf)
        self.corrections = Corrections(self._reader, self.journal, self.shelf)
        self.requests = Requests(self.writer, self._reader)
        self.notices = Notices(self.writer, self._reader)
        self.pushes = Pushes(self.writer, self._reader)
        self.subscriptions = Subscriptions(self.writer, self.pushes)
        self.correspondents = Correspondents(self.writer, self._reader)
        self.codes = Codes(self.writer, self._reader)
        self.fading = Fading(self.writer, self._reader, self.codes)
        self.matches = Matches(self.writer, self._reader, self.requests, self.shelf)
        self.registry = Registry(self.writer, self._reader)
        self.duties = Duties(self.writer, self._reader)
        self.uploads = Uploads(self.writer, self._reader)
        self.mailboxes = Mailboxes(self.writer, self._reader)
        self.inbox = Inbox(self.writer, self._reader)

    async def start(self) -> None:
        """Begin to write; open the ledger if it is new; remove what was never acknowledged."""
        self.writer.start()
        if self.evidence.size == 0:
            await self.writer.do(_Open(self._key.name))
        _, note = self.evidence.checkpoint()
        if note.split("\n", 1)[0] != self._key.name:
            raise StoreError("This store belongs to another origin; check the settings.")
        known = {row[0] for row in fetch(self._reader, "SELECT id FROM submission")}
        known |= {*self.uploads.open_files(), *self.mailboxes.open_files(), *self.inbox.ids()}
        gone = await asyncio.to_thread(self.bodies.sweep, known)
        if gone:
            log.info("unacknowledged_files_removed", count=len(gone))

    @contextmanager
    def apart(self) -> Iterator[Evidence]:
        """The ledger by a connection of its own, for a thread: SQLite serves one thread at a time."""
        with closing(open_reader(self._directory)) as reader:
            yield Evidence(reader, self._tree)

    async def stop(self) -> None:
        """Finish what waits and let go of the directory."""
        await self.writer.stop()
        self._reader.close()
        self._db.close()
        os.close(self._lock)


class _Open:
    rows = 1

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def prepare(self, turn: Turn) -> None:
        turn.enter(ledger.OPENED, origin=self._origin)

    def write(self, turn: Turn) -> None:
        """The entry is all there is."""

    def answer(self, _turn: Turn) -> None:
        return None
