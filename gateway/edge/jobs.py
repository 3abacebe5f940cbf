"""What happens in time: tables of jobs, each one call of a story (APScheduler).

`Jobs` are each process's own. `SharedJobs` are run by one process at a time of all that share a
store, once for each occurrence.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.edge.job_store import JobStore, opened
from gateway.edge.lease import FENCE, Lease, Leases
from gateway.edge.timetable import Times, Timetable

log = structlog.get_logger("jobs")

LEASE_SECONDS: Final = 30
LOOK_SECONDS: Final = 5


class Jobs:
    """Runs each job every so many seconds, never twice at a time; a late run is run once."""

    def __init__(self, table: dict[str, tuple[Callable[[], Awaitable[None]], int]]) -> None:
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for name, (job, seconds) in table.items():
            self._scheduler.add_job(
                job,
                "interval",
                seconds=seconds,
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin; must be called on the event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop without waiting for what is under way."""
        self._scheduler.shutdown(wait=False)

    @staticmethod
    def _failed(event: JobExecutionEvent) -> None:
        log.error("job_failed", jobs=event.job_id, error=type(event.exception).__name__)


class Ran(enum.StrEnum):
    """What became of a wish to run a shared job."""

    DONE = "done"
    FAILED = "failed"
    ELSEWHERE = "elsewhere"  # another has the lease, or had it and has finished
    LOST = "lost"  # the lease was lost in the middle; another runs it again
    STOPPED = "stopped"  # this process stops; another, or the next start, runs it again


class SharedJobs:
    """Runs each job at its times in one process of all that share the store at `url`.

    A job is given the instant, by `clock`, at which it begins, and finds the number of its lease in
    `gateway.edge.lease.FENCE`. One that fails is logged and runs again at its next time. One whose
    process dies, stops or loses the lease in the middle is run again: within about `lease_seconds`
    and `look_seconds` where another process lives, else when one starts. So it runs at least once
    for each occurrence, exactly once where nobody is killed; of several that were missed, one.

    `holder` is a name that no other process has. `url` is SQLAlchemy's.
    """

    def __init__(
        self,
        url: str,
        table: Mapping[str, tuple[Callable[[dt.datetime], Awaitable[None]], Times]],
        *,
        clock: Callable[[], dt.datetime],
        holder: str,
        lease_seconds: int = LEASE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._url = url
        self._table = dict(table)
        self._clock = clock
        self._holder = holder
        self._lease_seconds = lease_seconds
        self._look_seconds = look_seconds
        self._running: dict[str, asyncio.Task[Ran]] = {}
        self._bodies: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Open the store and begin; must be called on the event loop.

        Raises OSError, ValueError or SQLAlchemyError where the store cannot be used.
        """
        loop = asyncio.get_running_loop()
        self._engine: Engine = opened(self._url)
        self._leases = Leases(self._engine, self._holder, self._lease_seconds, loop.time)
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._store = JobStore(self._engine, self._clock, loop.time, self._running)
        self._scheduler.add_jobstore(self._store)
        for name, (_, times) in self._table.items():
            self._scheduler.add_job(
                self._begin,
                Timetable(times),
                args=(name, True),
                id=name,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        self._store.refresh()
        self._looking = loop.create_task(self._look())

    async def _look(self) -> None:
        """Look every so often, whatever the clocks say: they jump, and others change the store."""
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                await asyncio.to_thread(self._store.refresh)
            except SQLAlchemyError as error:
                log.warning("jobs_not_read", error=type(error).__name__)
            self._scheduler.wakeup()

    async def stop(self) -> None:
        """Stop, with what is under way: it is cancelled, and left to be run again."""
        self._stopping.set()
        self._looking.cancel()
        self._scheduler.pause()
        self._scheduler.wakeup()  # which, paused, takes its timer away
        for body in self._bodies.values():
            body.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await asyncio.sleep(0)
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # its end is the next step on the loop
        self._engine.dispose()

    async def run_now(self, name: str) -> Ran:
        """Run a job now, under its lease; raises LookupError for one that is not in the table.

        If it is due, this counts as that occurrence.
        """
        if name not in self._table:
            raise LookupError(f"there is no job {name}")
        if name in self._running:
            return Ran.ELSEWHERE
        return await asyncio.shield(await self._begin(name, only_if_due=False))

    async def _begin(self, name: str, only_if_due: bool) -> asyncio.Task[Ran]:  # noqa: FBT001
        """Run a job in a task of its own, so that the scheduler neither waits for it nor ends it."""
        running = self._running.get(name)
        if running is None:
            running = asyncio.create_task(self._turn(name, only_if_due=only_if_due))
            self._running[name] = running
            running.add_done_callback(lambda _: self._running.pop(name))
        return running

    async def _turn(self, name: str, *, only_if_due: bool) -> Ran:
        """Take the lease, run the job, give the lease back."""
        try:
            found = await asyncio.to_thread(self._leases.look, name)
            begun = self._clock()
            due = found.next_run <= begun
            if (only_if_due and not due) or self._stopping.is_set():
                return Ran.ELSEWHERE
            asked = asyncio.get_running_loop().time()
            lease = await asyncio.to_thread(self._leases.take, found)
            if lease is None:
                return Ran.ELSEWHERE
            ran = await self._hold(lease, begun, asked)
            following = None
            if due and ran in {Ran.DONE, Ran.FAILED}:
                following = self._table[name][1].after(max(lease.occurrence, self._clock()))
            await asyncio.to_thread(self._leases.release, lease, following)
            await asyncio.to_thread(self._store.refresh)
            self._scheduler.wakeup()  # the next time may be near
        except SQLAlchemyError as error:
            # Nothing is lost: what was not released is run again once the lease has expired.
            _failed(name, error)
            return Ran.FAILED
        return ran

    async def _hold(self, lease: Lease, begun: dt.datetime, asked: float) -> Ran:
        """Run a job for as long as the lease is kept."""
        if self._stopping.is_set():
            return Ran.STOPPED
        FENCE.set(lease.fence)
        body = asyncio.create_task(_called(self._table[lease.name][0], begun))
        self._bodies[lease.name] = body
        keeping = asyncio.create_task(self._keep(lease, asked))
        try:
            await asyncio.wait({body, keeping}, return_when=asyncio.FIRST_COMPLETED)
            lost = not body.done()
            if lost:
                log.error("job_lease_lost", jobs=lease.name)
                body.cancel()
                await asyncio.wait({body})
        finally:
            keeping.cancel()
            del self._bodies[lease.name]
        if lost:
            return Ran.LOST
        if body.cancelled():
            if self._stopping.is_set():
                return Ran.STOPPED
            _failed(lease.name, asyncio.CancelledError())
            return Ran.FAILED
        error = body.exception()
        if error is None:
            return Ran.DONE
        _failed(lease.name, error)
        return Ran.FAILED

    async def _keep(self, lease: Lease, asked: float) -> None:
        """Give signs of life; ends when the lease is lost, or has to be taken for lost."""
        loop = asyncio.get_running_loop()
        sure = self._lease_seconds * 2 / 3
        until = asked + sure
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(min(self._lease_seconds / 4, left))
            asked = loop.time()
            try:
                async with asyncio.timeout_at(until):
                    kept = await asyncio.to_thread(self._leases.renew, lease)
            except (SQLAlchemyError, TimeoutError):
                continue
            if not kept:
                return
            until = asked + sure


async def _called(job: Callable[[dt.datetime], Awaitable[None]], begun: dt.datetime) -> Any:
    return await job(begun)


def _failed(name: str, error: BaseException) -> None:
    log.error("job_failed", jobs=name, error=type(error).__name__)
