"""Where the times of shared jobs are remembered: APScheduler's job store, without a pickle.

APScheduler's own SQLAlchemy store keeps each job as a pickle, so that whoever can write to the
database can run code in the gateway. Here a job's function and its times come from the table in
code, and the database holds plain values: what runs when, and who is running it. An attacker who has
the database can keep a job from running, or run it too often; they cannot run anything else.

So a job that is no longer in the code is no longer a job, though its row stays, with its fence; a
new one appears when it is first added; other times take effect when the process starts; and for the
rest `next_run`, the earliest occurrence that no run has finished yet, survives. What was missed is
due once. Only a finished run moves `next_run` (`gateway.edge.lease`): the scheduler, which counts an
occurrence as dealt with as soon as it is begun, has no say in it.

Clocks may jump. Where `next_run` is further away than the occurrence after the next, a clock was
ahead when it was written: it is set back to the next one, at once when a process starts, and in a
running process after it has stood still for a whole period of that process's own monotonic clock.
Thus a clock set back by less than a period runs nothing twice, one set back by more stalls nothing
for longer than that, and two processes whose clocks differ do not set it back and forth.

The file of an SQLite store is ours alone (0600) and keeps a rollback journal: the SQLite that many
Pythons carry can corrupt a write-ahead log (versions below 3.51.3).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    create_engine,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from gateway.core.instant import read, written
from gateway.edge.timetable import Times

JOB: Final = Table(
    "job",
    MetaData(),
    Column("name", String(100), primary_key=True),
    Column("times", String(100), nullable=False),
    Column("next_run", String(27), nullable=False),
    # The lease: who runs it now, how long their silence is borne, a count of their signs of life,
    # and a number that grows with each lease.
    Column("holder", String(100)),
    Column("seconds", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
)
_BUSY_SECONDS: Final = 5
_LONG_PAST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MOST_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class Standing:
    """A job's row as it was read; `next_run` in UTC, `seconds` of silence after which it is free."""

    name: str
    times: str
    next_run: dt.datetime
    holder: str | None
    seconds: int
    beat: int
    fence: int


def opened(url: str) -> Engine:
    """The engine of a store, with its table made; raises OSError or SQLAlchemyError.

    Raises ValueError for an SQLite database that is not a file: nobody could share it.
    """
    place = make_url(url)
    if place.get_backend_name() != "sqlite":
        engine = create_engine(place, pool_pre_ping=True)
    elif not place.database or place.database == ":memory:":
        raise ValueError("the store of jobs is a file, or a database that other processes reach")
    else:
        file = os.open(place.database, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(file, 0o600)
        os.close(file)
        engine = create_engine(place, connect_args={"timeout": _BUSY_SECONDS})
    # Several processes may start at once, and each finds no table.
    with suppress(IntegrityError), engine.begin() as connection:
        connection.execute(CreateTable(JOB, if_not_exists=True))
    return engine


def standing(engine: Engine, name: str) -> Standing | None:
    """How a job stands, if there is such a row."""
    with engine.begin() as connection:
        row = connection.execute(select(JOB).where(JOB.c.name == name)).one_or_none()
    return None if row is None else _standing(row)


def _standing(row: Row[Any]) -> Standing:
    """A row as it is meant; what somebody else wrote into it counts as long past, and as free soon."""
    times = row.times
    try:
        next_run = read(row.next_run)
    except (TypeError, ValueError):
        next_run, times = _LONG_PAST, ""  # at other times than ours: they are set anew at a start
    numbers = [each if isinstance(each, int) else 0 for each in (row.beat, row.fence)]
    seconds = row.seconds if isinstance(row.seconds, int) else 0
    return Standing(
        row.name, times, next_run, row.holder, min(max(seconds, 0), _MOST_SECONDS), *numbers
    )


class JobStore(BaseJobStore):  # type: ignore[misc]  # APScheduler has no types
    """Jobs of this process, with their times from the database.

    `clock` gives the time that counts; the scheduler's own may be another. `busy` names what runs
    here now, and is not due. Jobs have a `Timetable` as their trigger.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], dt.datetime],
        monotonic: Callable[[], float],
        busy: Container[str],
    ) -> None:
        super().__init__()
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._busy = busy
        self._jobs: dict[str, Job] = {}
        self._rows: list[Standing] = []
        self._ahead: dict[str, tuple[Standing, float]] = {}
        self._coming: list[dt.datetime] = []  # by the scheduler's clock

    def add_job(self, job: Job) -> None:
        """Take a job in; its row is made, or mended where its times are others."""
        times, here = job.trigger.times, self._clock()
        found = standing(self._engine, job.id) or self._new(job.id, times, here)
        if found.times != str(times):
            # What is due stays due, under whatever times it became so.
            self._set(found, times, min(found.next_run, times.after(here)))
        elif _too_far(found, times, here):
            self._set(found, times, times.after(here))
        self._jobs[job.id] = job

    def _new(self, name: str, times: Times, here: dt.datetime) -> Standing:
        made = Standing(name, str(times), times.after(here), None, 0, 0, 0)
        values = {
            "name": name,
            "times": made.times,
            "next_run": written(made.next_run),
            "seconds": 0,
            "beat": 0,
            "fence": 0,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(JOB).values(values))
        except IntegrityError:  # another process was first
            return standing(self._engine, name) or made
        return made

    def _set(self, found: Standing, times: Times, next_run: dt.datetime) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(JOB)
                .where(JOB.c.name == found.name, JOB.c.next_run == written(found.next_run))
                .values(times=str(times), next_run=written(next_run))
            )

    def refresh(self) -> None:
        """Read how every job stands; waits for the database, so use a thread."""
        with self._engine.begin() as connection:
            rows = [_standing(row) for row in connection.execute(select(JOB))]
        here = self._clock()
        ours = sorted((row for row in rows if row.name in self._jobs), key=lambda row: row.next_run)
        for row in ours:
            self._watch(row, here)
        self._rows = ours

    def get_due_jobs(self, now: dt.datetime) -> list[Job]:
        """The jobs whose time has come by what was read last, the longest due first.

        The scheduler asks on the event loop, which must never wait for the database.
        """
        here = self._clock()
        ahead = here - now
        self._coming = [row.next_run - ahead for row in self._rows if row.next_run > here]
        due = [row for row in self._rows if row.next_run <= here and row.name not in self._busy]
        for row in due:
            self._jobs[row.name].next_run_time = row.next_run - ahead
        return [self._jobs[row.name] for row in due]

    def _watch(self, row: Standing, here: dt.datetime) -> None:
        """Set a time back that is too far away, once it has been so for a whole period."""
        times = self._jobs[row.name].trigger.times
        if not _too_far(row, times, here):
            self._ahead.pop(row.name, None)
            return
        seen, since = self._ahead.setdefault(row.name, (row, self._monotonic()))
        if seen != row:
            self._ahead[row.name] = (row, self._monotonic())
            return
        following = times.after(here)
        if self._monotonic() - since >= (times.after(following) - following).total_seconds():
            self._set(row, times, following)

    def get_next_run_time(self) -> dt.datetime | None:
        """When the next job is due that is not due already, by what was read last."""
        return min(self._coming, default=None)

    def lookup_job(self, job_id: str) -> Job | None:
        """A job of this process."""
        return self._jobs.get(job_id)

    def get_all_jobs(self) -> list[Job]:
        """The jobs of this process."""
        return list(self._jobs.values())

    def update_job(self, job: Job) -> None:
        """Nothing: only a finished run moves a job's time."""

    def remove_job(self, job_id: str) -> None:
        """Forget a job in this process; others may still have it."""
        self._jobs.pop(job_id, None)

    def remove_all_jobs(self) -> None:
        """Forget every job in this process."""
        self._jobs.clear()

    def shutdown(self) -> None:
        """Nothing: the engine is closed by who opened it."""


def _too_far(row: Standing, times: Times, here: dt.datetime) -> bool:
    """Whether a job's time is beyond the occurrence after the next."""
    return row.next_run > times.after(times.after(here))
