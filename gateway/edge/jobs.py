"""What happens in time: a table of jobs, each one call of a story (APScheduler)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger("jobs")


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
