"""Large submissions on their way to an outcome: begun, waited for, and begun again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from gateway.core.stages import Recorded
from gateway.outcome import conclude
from gateway.store.sqlite.store import Store
from gateway.submission import Intake

log = structlog.get_logger("gateway")


@dataclass(slots=True)
class Conclusions:
    """Large submissions on their way to an outcome; each is taken by one task."""

    store: Store
    intake: Intake
    unwrap: Callable[[bytes, bytes], bytes]
    tasks: dict[str, asyncio.Task[Recorded]] = field(default_factory=dict)

    def begin(self, submission: str) -> None:
        """Start, unless it is under way."""
        if submission not in self.tasks:
            task = asyncio.get_running_loop().create_task(self._conclude(submission))
            self.tasks[submission] = task
            task.add_done_callback(lambda done: self._ended(submission, done))

    def _ended(self, submission: str, task: asyncio.Task[Recorded]) -> None:
        self.tasks.pop(submission, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Not the sender's doing: it stays received, and `resume` begins it again.
            log.error("not_concluded", submission=submission, error=type(error).__name__)

    async def _conclude(self, submission: str) -> Recorded:
        for identity, wrapped, sealed in self.store.journal.pending():
            if identity == submission:
                key = self.unwrap(wrapped, submission.encode())
                recorded = await conclude(submission, key, sealed, self.intake)
                log.info("concluded", submission=submission, status=recorded.state)
                return recorded
        raise LookupError("it is not pending")

    async def wait(self, submission: str, seconds: float) -> Recorded | None:
        """The outcome, if it comes within the seconds."""
        task = self.tasks.get(submission)
        if task is None:
            return None
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done or task.exception() is not None:
            return None
        return task.result()

    def resume(self) -> None:
        """Begin whatever is received and not under way: after a restart, or trouble of our own."""
        for identity, _, _ in self.store.journal.pending():
            self.begin(identity)

    async def stop(self) -> None:
        """Leave what is under way; it goes on after the next start."""
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
