"""The process that makes what is given back to be mended, off the event loop and off the readers' way.

It is handed one data key and opens one submission with it; what it makes goes back through a pipe and
is never on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVarTuple

from adapters.catalogue import by_name
from gateway.core.adapter import Body, ReadContext
from gateway.core.excerpt import refused_rows
from gateway.core.mending import OpenRows
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody, Outcome
from gateway.reading_process import Processes
from gateway.returning import Returns, Sent
from gateway.store.bodies import Bodies
from gateway.store.sqlite.store import Store
from gateway.submission import Intake

Arguments = TypeVarTuple("Arguments")


def made(intake: Intake, store: Store) -> Returns:
    """What gives back the submissions of a store."""
    maker = ReturningProcess(store.bodies.directory, intake.signers)
    return Returns(store.journal, intake.vault.unwrap, intake.formats, maker)


def mark(directory: Path, sent: Sent, outcome: Outcome) -> bytes:
    """A workbook with its errors marked. Raises Refused."""
    adapter = by_name(sent.format)
    assert adapter.mark is not None
    return adapter.mark(_body(directory, sent), outcome.errors, outcome.rules)


def excerpt(directory: Path, sent: Sent, signers: tuple[bytes, ...], tags: bytes) -> bytes:
    """The rows that are still open. Raises Refused."""
    body, still_open = _body(directory, sent), OpenRows(sent.data_key, tags)
    context = ReadContext(sent.received_at, signers)
    return refused_rows(body, by_name(sent.format), context, still_open)


def _body(directory: Path, sent: Sent) -> Body:
    if sent.body is not None:
        return MemoryBody(sent.body)
    try:
        return Bodies(directory).body(sent.submission, sent.data_key)
    except FileNotFoundError:
        raise Refused(Reason.CONTENT_GONE) from None


class ReturningProcess:
    """Runs `mark` and `excerpt` in a process of their own (`gateway.returning.Maker`)."""

    def __init__(self, directory: Path, signers: tuple[bytes, ...]) -> None:
        self._directory = directory
        self._signers = signers
        self._processes = Processes(1)

    async def marked(self, sent: Sent, outcome: Outcome) -> bytes:
        """A workbook with its errors marked. Raises Refused."""
        return await self._run(mark, self._directory, sent, outcome)

    async def refused_rows(self, sent: Sent, tags: bytes) -> bytes:
        """The rows that are still open. Raises Refused."""
        return await self._run(excerpt, self._directory, sent, self._signers, tags)

    async def _run(self, work: Callable[[*Arguments], bytes], *arguments: *Arguments) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._processes.ready(), work, *arguments)
        except BrokenProcessPool:
            self.close()  # the next call starts a new one
            raise

    def close(self) -> None:
        """Let the process go."""
        self._processes.close()
