"""A gateway whose feeds are pushed, in a process of its own, that kills itself where it is told to.

Between a message that the broker has acknowledged and the settling of it, or between a webhook's yes
and the settling, after so many of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from certs import development
from gateway import config
from gateway.config import Notices
from gateway.edge import logs
from gateway.edge.courier import Courier
from gateway.edge.jetstream import JetStream
from gateway.wiring import running
from tests.conftest import settings_in


def fatal(call: Any, left: list[int]) -> Any:
    """A call, and after so many of them the end."""

    async def called(*args: Any, **more: Any) -> Any:
        told = await call(*args, **more)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return told

    return called


async def main(directory: Path, server: str, left: int) -> None:
    """Serve until killed."""
    count = [left]
    # The real ones are used, and end the process: nothing else sees this instant.
    JetStream.publish = fatal(JetStream.publish, count)  # type: ignore[method-assign]
    Courier.deliver = fatal(Courier.deliver, count)  # type: ignore[method-assign]
    with (directory / "log").open("a") as stream:
        logs.configure(stream)
        pki = development.open_existing(directory / "pki")
        settings = settings_in(
            directory,
            pki,
            jetstream=config.JetStream(servers=(server,), ca=pki.server_ca, duplicate_seconds=1),
            notices=Notices(webhook_ca=pki.server_ca, webhook_networks=("127.0.0.1/32",)),
        )
        async with running(settings) as gateway:
            print(gateway.port, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
