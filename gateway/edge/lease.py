"""Who may run a shared job now: a lease, taken by one statement, and never by two at a time.

No clock on any wall decides about a lease, because clocks jump and differ. The holder counts its signs
of life up in the row; whoever wants the lease watches that count, and may take it once the count has
stood still for as many seconds of the watcher's own monotonic clock as the holder said its silence
was to be borne. The holder in turn stops its job when it could not count up for two thirds of that
time on its own monotonic clock. A process that starts, or whose clock jumps, has to watch first.

What this cannot stop is a process that is frozen in the middle of a job and goes on for an instant
after another took over. Each lease has a number greater than every one before it, the fence, which a
store that remembers the greatest it has seen can refuse the late one by.

One statement takes a lease only if nothing about the job has changed since it was looked at: not the
holder, the count or the fence, and not the occurrence that is to be run. So an occurrence that another
process has finished in the meantime is not run again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, Update, update

from gateway.core.instant import written
from gateway.edge.job_store import JOB, Standing, standing

FENCE: Final[ContextVar[int]] = ContextVar("FENCE")
"""Inside a shared job: the number of the lease it runs under."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken: of which job, by whom, its number, for which occurrence."""

    name: str
    holder: str
    fence: int
    occurrence: dt.datetime


class Leases:
    """Takes, keeps and gives back leases for one process.

    `holder` is this process's name, unlike every other's. `seconds` is how long its silence is to be
    borne; `monotonic` counts seconds and never jumps. Calls wait for the database: use a thread.
    """

    def __init__(
        self, engine: Engine, holder: str, seconds: int, monotonic: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._holder = holder
        self._seconds = seconds
        self._monotonic = monotonic
        self._seen: dict[str, tuple[tuple[str, int, int], float]] = {}

    def look(self, name: str) -> Standing:
        """How a job stands; raises LookupError."""
        found = standing(self._engine, name)
        if found is None:
            raise LookupError(f"there is no job {name}")
        return found

    def take(self, found: Standing) -> Lease | None:
        """Take the lease of a job as it was looked at; None if it is not to be had."""
        if found.holder is not None and not self._silent(found, found.holder):
            return None
        holder = JOB.c.holder
        statement = (
            update(JOB)
            .where(
                JOB.c.name == found.name,
                JOB.c.next_run == written(found.next_run),
                JOB.c.fence == found.fence,
                JOB.c.beat == found.beat,
                holder.is_(None) if found.holder is None else holder == found.holder,
            )
            .values(holder=self._holder, seconds=self._seconds, beat=0, fence=found.fence + 1)
        )
        if not self._changed(statement):
            return None
        return Lease(found.name, self._holder, found.fence + 1, found.next_run)

    def _silent(self, found: Standing, holder: str) -> bool:
        mark = (holder, found.fence, found.beat)
        seen, since = self._seen.get(found.name, (None, 0.0))
        now = self._monotonic()
        if seen != mark:
            self._seen[found.name] = (mark, now)
            return False
        return now - since >= found.seconds

    def renew(self, lease: Lease) -> bool:
        """Give a sign of life; False if the lease is another's now."""
        return self._changed(_mine(lease).values(beat=JOB.c.beat + 1))

    def release(self, lease: Lease, following: dt.datetime | None) -> bool:
        """Give the lease back; False if it is another's now.

        `following` is the occurrence to be run next; None leaves the one that was to be run.
        """
        values: dict[str, Any] = {"holder": None}
        if following is not None:
            values["next_run"] = written(following)
        return self._changed(_mine(lease).values(values))

    def _changed(self, statement: Update) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1


def _mine(lease: Lease) -> Update:
    return update(JOB).where(
        JOB.c.name == lease.name, JOB.c.holder == lease.holder, JOB.c.fence == lease.fence
    )
