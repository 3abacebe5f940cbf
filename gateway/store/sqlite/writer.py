"""The one writer: what waits goes into one transaction with one flush.

Statements run on the event loop, where they cost microseconds. The COMMIT waits for the disk: where
that has lately been slow it runs in a thread, and while one group is being flushed the next one
gathers; where it is quicker than the way to a thread and back, it runs on the loop too.

A commit whose outcome is unknown is never tried again: everybody who waited is told to send again
with the same idempotency key. A failed flush stops the writer for good, because what the page cache
then holds says nothing about the disk (trust.md, crash consistency, item 5).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import apsw
import msgspec
import structlog

from gateway.core import ledger
from gateway.core.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from gateway.core.disclosure import View
from gateway.core.instant import written
from gateway.core.limits import GROUP_COMMIT, WRITER_QUEUE
from gateway.core.refusal import Reason, Refused
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.tree import Tree

log = structlog.get_logger("store")

# Work heavier than this many rows is written in the commit thread, so that it does not hold up
# the event loop.
HEAVY_ROWS: Final = 2_000


# A flush that is quicker than this costs the event loop less than handing it to a thread and back.
QUICK_FLUSH_SECONDS: Final = 0.001


class Turn:
    """One group: its instant, the database, the ledger, and what this group has already decided.

    `now` never runs backwards, whatever the clock does. `feeds` gives the next free sequence number
    of each feed, `decided` what this group has found, and `note` is the checkpoint that covers it.
    """

    def __init__(
        self, db: apsw.Connection, tree: Tree, now: dt.datetime, feeds: Feeds, views: Views
    ) -> None:
        self.db = db
        self.tree = tree
        self.now = now
        self.written = written(now)
        self.feeds = feeds
        self.views = views
        self.decided: dict[Any, Any] = {}
        self.note = ""

    def enter(self, kind: str, **members: Any) -> int:
        """Append an entry to the ledger; returns its index."""
        return self.tree.append(ledger.entry(kind, self.written, **members))


class Feeds:
    """The next free sequence number of each feed, as of the group being committed."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._next: dict[str, int] = {}
        self._kept: dict[str, int] = {}

    def take(self, feed: str, count: int) -> int:
        """Reserve a stretch of `count` numbers; returns the first."""
        first = self.end(feed)
        self._next[feed] = first + count
        return first

    def end(self, feed: str) -> int:
        """The next free number."""
        if feed not in self._next:
            rows = fetch(
                self._db,
                "SELECT first + count FROM feed_item WHERE feed = ? ORDER BY first DESC LIMIT 1",
                (feed,),
            )
            self._next[feed] = self._kept[feed] = rows[0][0] if rows else 1
        return self._next[feed]

    def keep(self) -> None:
        """The commit happened."""
        self._kept = dict(self._next)

    def forget(self) -> None:
        """The commit did not happen."""
        self._next = dict(self._kept)


class Views:
    """The numbers of the views that feeds show; each is written once."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._known: dict[int, tuple[View, int]] = {}

    def number(self, view: View) -> int:
        """The number of a view, inside a transaction."""
        # The law hands out the same object for the same view; it is kept, so its id stays its own.
        known = self._known.get(id(view))
        if known is not None and known[0] is view:
            return known[1]
        spec = msgspec.json.encode(view, order="sorted").decode()
        self._db.execute("INSERT OR IGNORE INTO view (spec) VALUES (?)", (spec,))
        number = int(fetch(self._db, "SELECT id FROM view WHERE spec = ?", (spec,))[0][0])
        self._known[id(view)] = (view, number)
        return number

    def forget(self) -> None:
        """The commit did not happen."""
        self._known.clear()


class Work(Protocol):
    """Something to be committed.

    `prepare` may read and decide, and raises to withdraw; `write` runs inside the transaction and
    may fail only with the database; `answer` is what the waiter gets once all is durable. `rows`
    says how heavy it is.
    """

    rows: int

    def prepare(self, turn: Turn) -> None:
        """Read and decide; append ledger entries only once nothing can be refused any more."""

    def write(self, turn: Turn) -> None:
        """Insert what was decided."""

    def answer(self, turn: Turn) -> Any:
        """What the waiter hears."""


class Change:
    """One statement to be committed, with nothing to decide and nothing to hear but that it was."""

    rows = 1

    def __init__(self, statement: str, parameters: tuple[Any, ...]) -> None:
        self._statement = statement
        self._parameters = parameters

    def prepare(self, turn: Turn) -> None:
        """Nothing to decide."""

    def write(self, turn: Turn) -> None:
        """Run the statement."""
        turn.db.execute(self._statement, self._parameters)

    def answer(self, _turn: Turn) -> None:
        """Nothing to hear."""


class Writer:
    """Groups work into transactions, extends the ledger and signs its checkpoints."""

    def __init__(
        self,
        db: apsw.Connection,
        tree: Tree,
        key: VerifierKey,
        sign: Callable[[bytes], bytes],
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._db = db
        self._key = key
        self._sign = sign
        self._clock = clock
        self._tree = tree
        self._feeds = Feeds(db)
        self._views = Views(db)
        self._last = self._last_time()
        self._flush_seconds = 1.0  # a running mean; slow until it has been measured
        self._waiting: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._emptying: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._task: asyncio.Task[None] | None = None
        self.broken: BaseException | None = None
        self.on_commit: list[Callable[[], None]] = []
        self.on_broken: list[Callable[[], None]] = []

    def _last_time(self) -> dt.datetime:
        rows = fetch(
            self._db,
            "SELECT json_extract(CAST(bytes AS TEXT), '$.time') FROM entry ORDER BY idx DESC LIMIT 1",
        )
        if not rows:
            return dt.datetime.min.replace(tzinfo=dt.UTC)
        return dt.datetime.fromisoformat(str(rows[0][0]))

    def start(self) -> None:
        """Begin to write; must be called on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="writer")

    async def stop(self) -> None:
        """Finish what waits, then stop."""
        if self._waiting and self.broken is None:
            self._idle.clear()
            await self._idle.wait()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(wait=True)

    @property
    def depth(self) -> int:
        """How much work waits."""
        return len(self._waiting)

    async def do(self, work: Work) -> Any:
        """Commit a piece of work; returns its answer once it is durable.

        Raises what its `prepare` raises, Refused(BUSY) when too much waits, and
        Refused(STORE_UNAVAILABLE) when the commit failed or its outcome is unknown.
        """
        if self.broken is not None:
            raise Refused(Reason.STORE_UNAVAILABLE, retry_after=60)
        if len(self._waiting) >= WRITER_QUEUE:
            raise Refused(Reason.BUSY, retry_after=1)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        self._wake.set()
        return await future

    async def empty_log(self) -> None:
        """Bring the write-ahead log into the database and make it empty.

        What was overwritten there is then nowhere on the disk. Raises apsw.BusyError where somebody
        reads for longer than the database waits.
        """
        if self.broken is not None:
            raise Refused(Reason.STORE_UNAVAILABLE, retry_after=60)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._emptying.append(future)
        self._wake.set()
        await future

    async def _empty(self, future: asyncio.Future[None]) -> None:
        loop, mode = asyncio.get_running_loop(), apsw.SQLITE_CHECKPOINT_TRUNCATE
        try:
            await loop.run_in_executor(self._thread, self._db.wal_checkpoint, None, mode)
        except apsw.Error as error:
            _fail(future, error)
        else:
            if not future.done():
                future.set_result(None)

    async def _run(self) -> None:
        while self.broken is None:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and self.broken is None:
                group = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_COMMIT))
                ]
                await self._commit(group)
            while self._emptying and self.broken is None:
                await self._empty(self._emptying.pop())
            self._idle.set()
        self._idle.set()
        for _, future in self._waiting:
            _fail(future, Refused(Reason.STORE_UNAVAILABLE, retry_after=60))
        for future in self._emptying:
            _fail(future, Refused(Reason.STORE_UNAVAILABLE, retry_after=60))

    async def _commit(self, group: list[tuple[Work, asyncio.Future[Any]]]) -> None:
        turn = Turn(self._db, self._tree, max(self._clock(), self._last), self._feeds, self._views)
        ready = self._prepare(group, turn)
        if not ready:
            return
        loop = asyncio.get_running_loop()
        heavy = sum(work.rows for work, _ in ready) > HEAVY_ROWS
        try:
            if heavy:
                await loop.run_in_executor(self._thread, self._write, ready, turn)
            else:
                self._write(ready, turn)
            began = loop.time()
            if heavy or self._flush_seconds > QUICK_FLUSH_SECONDS:
                await loop.run_in_executor(self._thread, self._db.execute, "COMMIT")
            else:
                self._db.execute("COMMIT")
            self._flush_seconds += (loop.time() - began - self._flush_seconds) / 8
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            self._give_up(ready, error)
            return
        self._last = turn.now
        self._tree.keep()
        self._feeds.keep()
        for work, future in ready:
            if not future.done():
                try:
                    future.set_result(work.answer(turn))
                except Exception as error:  # noqa: BLE001 - told to whoever waits for it
                    _fail(future, error)
        for call in self.on_commit:
            call()

    def _prepare(
        self,
        group: list[tuple[Work, asyncio.Future[Any]]],
        turn: Turn,
    ) -> list[tuple[Work, asyncio.Future[Any]]]:
        ready = []
        for work, future in group:
            try:
                work.prepare(turn)
            except Exception as error:  # noqa: BLE001 - told to whoever waits for it
                _fail(future, error)
            else:
                ready.append((work, future))
        return ready

    def _write(self, ready: list[tuple[Work, asyncio.Future[Any]]], turn: Turn) -> None:
        before = self._tree.committed
        self._db.execute("BEGIN IMMEDIATE")
        for work, _ in ready:
            work.write(turn)
        if self._tree.size > before:
            root = self._tree.write()
            point = Checkpoint(self._key.name, self._tree.size, root)
            turn.note = sign_checkpoint(point, self._key, self._sign)
            self._db.execute("INSERT INTO checkpoint VALUES (?, ?)", (self._tree.size, turn.note))

    def _give_up(
        self,
        ready: list[tuple[Work, asyncio.Future[Any]]],
        error: Exception,
    ) -> None:
        log.error("commit_failed", error=type(error).__name__, work=len(ready))
        for _, future in ready:
            _fail(future, Refused(Reason.STORE_UNAVAILABLE, retry_after=5))
        # Only a full disk is known to leave the database as it was and to pass by itself.
        if isinstance(error, apsw.FullError | apsw.BusyError | apsw.CantOpenError):
            with contextlib.suppress(apsw.Error):
                self._db.execute("ROLLBACK")
            self._tree.forget()
            self._feeds.forget()
            self._views.forget()
            return
        self.broken = error
        for call in self.on_broken:
            call()


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
