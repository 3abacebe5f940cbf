"""A process that shares jobs: `python -m tests.edge.job_process URL HOLDER DIARY SECONDS`.

Its one job is due every second, takes SECONDS, and writes what it does into the file DIARY, a line
at a time: holder, what (began, goes, ended, stopped), the number of its lease, when.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import time

from gateway.edge.jobs import SharedJobs
from gateway.edge.lease import FENCE
from gateway.edge.timetable import Every

NAME = "job"


async def main(url: str, holder: str, diary: str, seconds: str) -> None:
    file = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(what: str) -> None:
        line = f"{holder} {what} {FENCE.get()} {time.time():.6f}\n"
        os.write(file, line.encode())

    async def job(_now: dt.datetime) -> None:
        note("began")
        try:
            for _ in range(round(float(seconds) * 20)):
                await asyncio.sleep(0.05)
                note("goes")
        except asyncio.CancelledError:
            note("stopped")
            raise
        note("ended")

    jobs = SharedJobs(
        url,
        {NAME: (job, Every(1))},
        clock=lambda: dt.datetime.now(dt.UTC),
        holder=holder,
        lease_seconds=1,
        look_seconds=0.1,
    )
    jobs.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
