"""kill -9 under load: no acknowledged submission is lost, and everything verifies afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from certs import development
from gateway.edge import tls
from gateway.judge.receipt import verify_receipt
from tests.conftest import ROOT, House, house_in
from tests.party import Party
from tests.schedules import schedule


class Killed:
    """One life of a gateway process, and what it acknowledged."""

    def __init__(self, directory: Path, party: Party) -> None:
        self._directory = directory
        self._party = party

    async def live(self, seconds: float, seed: int, acknowledged: dict[str, Any]) -> None:
        """Start, load, and kill after so many seconds of load."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.gateway_process", str(self._directory)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            self._party.url = f"https://localhost:{int(line.split()[0])}"
            context = tls.client_context(
                self._party.pki.server_ca,
                self._party.issued.certificate,
                self._party.issued.key,
            )
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(connector=connector) as session:
                self._party.session = session
                self._party._token = None
                await self._party.token()
                senders = [
                    asyncio.create_task(self._send(seed * 1_000_000 + n * 10_000, acknowledged))
                    for n in range(8)
                ]
                await asyncio.sleep(seconds)
                process.kill()
                for sender in senders:
                    sender.cancel()
                await asyncio.gather(*senders, return_exceptions=True)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    async def _send(self, first: int, acknowledged: dict[str, Any]) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            for number in range(first, first + 10_000):
                large = number % 23 == 0
                count = 1_500 if large else 3
                body = schedule(
                    *(
                        f"E1,M,2026-10-01,2026-10-31,2026-10-30,{number * 10_000 + n:012d},Name,1.00,"
                        "1.00,"
                        for n in range(count)
                    )
                )
                key = f"k{number}"
                status, answer, _ = await self._party.submit(body, "text/csv", Idempotency_Key=key)
                assert status in {200, 201, 202}, answer
                acknowledged[key] = (body, count, answer)


async def _after(house: House, acknowledged: dict[str, Any]) -> None:
    """Every acknowledged submission is there with its receipt, and a repeat is a repeat."""
    vkey = house.gateway.ring.evidence.vkey
    employer = house.employer
    total = 0
    for key, (_, count, answer) in acknowledged.items():
        assert verify_receipt(answer["receipt"], vkey).ok
        _, found, _ = await employer.call(
            "GET",
            f"/v1/submissions/{answer['id']}",
            params={"wait": 30},
        )
        assert found["state"] == "accepted", (key, found)
        assert found["rows"]["accepted"] == count
        if answer["state"] == "accepted":
            assert found["receipt"] == answer["receipt"]
        total += count
    for key, (body, _, answer) in list(acknowledged.items())[-3:]:
        status, again, _ = await employer.submit(body, "text/csv", Idempotency_Key=key)
        assert (status, again["id"]) == (200, answer["id"])
    assert house.gateway.store.shelf.end("tracing") - 1 >= total


async def _torture(directory: Path, pki: development.DevelopmentPki, kills: int, seed: int) -> int:
    chance = random.Random(seed)
    async with house_in(directory, pki, names=("employer", "tracing")) as house:
        parties = dict(house.parties)
    acknowledged: dict[str, Any] = {}
    for life in range(1, kills + 1):
        await Killed(directory, parties["employer"]).live(
            chance.uniform(0.02, 0.8),
            life,
            acknowledged,
        )
    async with house_in(directory, pki, names=()) as house:
        for name, party in parties.items():
            context = tls.client_context(pki.server_ca, party.issued.certificate, party.issued.key)
            party.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
            party.url, party._token = house.url, None
            house.parties[name] = party
        await _after(house, acknowledged)
    return len(acknowledged)


async def test_nothing_acknowledged_is_lost_when_the_gateway_is_killed(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    assert await _torture(tmp_path, pki, kills=4, seed=1) > 20


@pytest.mark.slow
async def test_fifty_kills_at_random_moments(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    acknowledged = await _torture(tmp_path, pki, kills=50, seed=2)
    print(f"\n50 kills, {acknowledged} acknowledged submissions, 0 lost")
