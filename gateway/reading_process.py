"""The process that reads large bodies: steps 4 to 6 of the way in, off the event loop.

It is started fresh, opens the sealed body with the data key it is handed, and leaves sealed blocks
in a file. It has no key but that one, and no connection to anything.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from adapters.catalogue import by_name
from gateway.core import disclosure
from gateway.core.adapter import ReadContext
from gateway.core.envelope import Envelope
from gateway.core.mending import Mending
from gateway.core.merkle import HASH_BYTES
from gateway.core.reading import take
from gateway.core.stages import BlockRef, Reading
from gateway.store.bodies import Bodies, FrameFile

_WATCH_SECONDS: Final = 0.5


def end_with(gateway: int) -> None:
    """Make this process end when the gateway's does, however that ends; `gateway` is its pid."""

    def watch() -> None:
        while True:
            time.sleep(_WATCH_SECONDS)
            try:
                os.kill(gateway, 0)
            except OSError:
                os._exit(3)

    threading.Thread(target=watch, daemon=True).start()


def read_body(
    directory: Path,
    submission: str,
    adapter: str,
    allowed: frozenset[str],
    data_key: bytes,
    now: dt.datetime,
    signers: tuple[bytes, ...],
    mending: Mending | None,
) -> Reading:
    """Read a held body; returns references to the blocks it wrote. Raises Refused."""
    bodies = Bodies(directory)
    frames = FrameFile(bodies.path(submission, "blocks"))

    def to_file(_number: int, leaves: bytes, sealed: bytes, types: dict[str, int]) -> BlockRef:
        frame = leaves + sealed
        return BlockRef(
            len(leaves) // HASH_BYTES,
            disclosure.block_root(leaves),
            types,
            place=frames.append(frame),
            length=len(frame),
        )

    try:
        reading = take(
            bodies.body(submission, data_key),
            by_name(adapter),
            ReadContext(now, signers),
            allowed,
            Envelope(data_key, submission),
            os.urandom,
            to_file,
            mending,
        )
        frames.close()
    except BaseException:
        frames.discard()
        raise
    return reading


class Processes:
    """Processes of our own, started when they are first needed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def ready(self) -> ProcessPoolExecutor:
        """Those that are there, or new ones."""
        if self._pool is None:
            # Forked from a clean server process: none of the gateway's keys or sockets are in it.
            context = multiprocessing.get_context("forkserver")
            self._pool = ProcessPoolExecutor(
                self._count, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
            )
        return self._pool

    def close(self) -> None:
        """Let the processes go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


class ReadingProcesses:
    """Runs `read_body` in processes of their own (`gateway.submission.Reader`)."""

    def __init__(self, directory: Path, count: int, signers: tuple[bytes, ...]) -> None:
        self._directory = directory
        self._signers = signers
        self._processes = Processes(count)

    async def read(
        self,
        submission: str,
        adapter: str,
        allowed: frozenset[str],
        data_key: bytes,
        now: dt.datetime,
        mending: Mending | None,
    ) -> Reading:
        """Steps 4 to 6 for one held body; if a process dies, the next call starts a new one."""
        loop = asyncio.get_running_loop()
        arguments = (
            self._directory,
            submission,
            adapter,
            allowed,
            data_key,
            now,
            self._signers,
            mending,
        )
        try:
            return await loop.run_in_executor(self._processes.ready(), read_body, *arguments)
        except BrokenProcessPool:
            self.close()
            raise

    def close(self) -> None:
        """Let the processes go."""
        self._processes.close()
