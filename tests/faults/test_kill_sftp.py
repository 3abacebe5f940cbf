"""kill -9 while files come by SFTP: what was closed is taken, what was not is gone on with."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import asyncssh

from certs import development
from tests.conftest import ROOT
from tests.edge.sftp_client import outcome, registered, session, sftp_house
from tests.schedules import schedule

ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Surname,1.00,1.00,"


def body(number: int) -> bytes:
    rows = 3 if number % 3 else 1_500
    return schedule(*(ROW.format(number * 10_000 + n) for n in range(1, rows + 1)))


async def _send(
    port: int, key: asyncssh.SSHKey, first: int, closed: set[int], begun: asyncio.Event
) -> None:
    async with (
        asyncssh.connect(
            "127.0.0.1", port, username="employer", client_keys=[key], known_hosts=None,
            agent_path=None, config=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):  # fmt: skip
        begun.set()
        for number in range(first, first + 1_000):
            data, name = body(number), f"/inbox/{number}.csv"
            there = await sftp.stat(name) if await sftp.exists(name) else None
            at = (there.size or 0) if there is not None else 0
            file = await sftp.open(name, "ab" if at else "wb")
            while at < len(data):
                await file.write(data[at : at + 30_000])
                at += 30_000
            await file.close()
            closed.add(number)


async def _life(
    directory: Path, key: asyncssh.SSHKey, seconds: float, first: int, closed: set[int]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.gateway_process", str(directory)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        begun = asyncio.Event()  # on a busy machine a connection alone may take seconds
        sender = asyncio.create_task(_send(int(line.split()[1]), key, first, closed, begun))
        await asyncio.wait({sender, asyncio.create_task(begun.wait())},
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        await asyncio.sleep(seconds)
        process.kill()
        await asyncio.gather(sender, return_exceptions=True)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_files_that_were_closed_are_taken_whenever_the_gateway_is_killed(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    chance, closed = random.Random(5), set[int]()
    async with sftp_house(tmp_path, pki, names=("employer", "tracing")) as house:
        key = await registered(house, "employer")
    for life in range(40):  # on a busy machine little is done in one
        if life >= 3 and len(closed) > 5:
            break
        first = max(closed, default=0) + 1
        await _life(tmp_path, key, chance.uniform(0.3, 1.2), first, closed)
    assert len(closed) > 5
    async with (
        sftp_house(tmp_path, pki, names=()) as house,
        session(house, "employer", key) as sftp,
    ):
        for number in closed:
            found = await outcome(sftp, f"/inbox/{number}.csv", 60)
            rows = 3 if number % 3 else 1_500
            assert found["state"] == "accepted"
            assert found["rows"]["accepted"] == rows
