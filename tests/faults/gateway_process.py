"""A gateway in a process of its own, on a directory that is already onboarded; killed by its test."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from certs import development
from gateway.config import Notices, Notify, Sftp
from gateway.edge import logs
from gateway.wiring import running
from tests.conftest import settings_in


async def main(directory: Path) -> None:
    """Serve until killed."""
    with (directory / "log").open("a") as stream:
        logs.configure(stream)
        pki = development.open_existing(directory / "pki")
        notices = Notices()
        if (directory / "notify.url").exists():
            url, key = (directory / "notify.url").read_text(), directory / "notify.key"
            notices = Notices(notify=Notify(url=url, key=key))
        settings = settings_in(directory, pki, sftp=Sftp(port=0), notices=notices)
        async with running(settings) as gateway:
            print(gateway.port, gateway.sftp_port, flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
