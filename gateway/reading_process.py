"""The process that reads large bodies: steps 4 to 6 of the way in, off the event loop.

It is started fresh, opens the sealed body with the data key it is handed, and leaves sealed blocks
in a file. It has no key but that one, and no connection to anything.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from pathlib import Path
from typing import Final

from adapters.catalogue import by_name
from gateway.core import disclosure
from gateway.core.adapter import ReadContext
from gateway.core.envelope import Envelope
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
        )
        frames.close()
    except BaseException:
        frames.discard()
        raise
    return reading
