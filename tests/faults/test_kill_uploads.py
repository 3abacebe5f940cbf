"""kill -9 around the end of an upload: who asks again hears of exactly one submission."""

from __future__ import annotations

import asyncio
import io
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certs import development
from tests.conftest import ROOT, House, house_in
from tests.party import Party
from tests.schedules import schedule

TUS = {"Tus-Resumable": "1.0.0"}
ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Name,1.00,1.00,"
ROWS = 15_000


@dataclass
class Sent:
    """An upload whose last part was sent while the gateway was killed."""

    path: str
    body: bytes


async def _begin(party: Party, body: bytes) -> Sent:
    headers = TUS | {
        "Upload-Length": str(len(body)),
        "Upload-Metadata": "content-type dGV4dC9jc3Y=",
    }
    status, answer, told = await party.call("POST", "/v1/uploads", headers=headers)
    assert status == 201, answer
    return Sent(told["Location"], body)


async def _part(party: Party, sent: Sent, offset: int, end: int) -> Any:
    headers = TUS | {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Prefer": "wait=30",
    }
    data = io.BytesIO(sent.body[offset:end])
    return await party.call("PATCH", sent.path, headers=headers, data=data)


async def _finish(party: Party, sent: Sent) -> tuple[int, Any]:
    """Go on where the gateway stands, as any client of the protocol does."""
    _, _, headers = await party.call("HEAD", sent.path, headers=TUS)
    offset = int(headers["Upload-Offset"])
    assert offset >= len(sent.body) - 100, "what was told to be durable is lost"
    status, answer, _ = await _part(party, sent, offset, len(sent.body))
    return status, answer


async def _life(directory: Path, party: Party, number: int, seconds: float) -> Sent:
    """One life of a gateway process, which ends so long after the last part has left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.gateway_process", str(directory)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        party.url = f"https://localhost:{int(line.split()[0])}"
        async with party.connected() as session:
            party.session, party._token = session, None
            rows = (ROW.format(number * 1_000_000 + n) for n in range(ROWS))
            sent = await _begin(party, schedule(*rows))
            size = len(sent.body) - 100
            assert (await _part(party, sent, 0, size))[0] == 204
            last = asyncio.create_task(_part(party, sent, size, len(sent.body)))
            await asyncio.sleep(seconds)
            process.kill()
            await asyncio.gather(last, return_exceptions=True)
        return sent
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def _all_told_once(house: House, sent: list[Sent]) -> None:
    party, found = house.employer, set()
    for one in sent:
        status, answer = await _finish(party, one)
        assert status in {200, 201}, answer
        assert answer["rows"]["accepted"] == ROWS
        assert (await _finish(party, one))[1]["receipt"] == answer["receipt"]
        found.add(answer["id"])
    _, listed, _ = await party.call("GET", "/v1/submissions")
    assert {one["id"] for one in listed["submissions"]} == found
    assert len(listed["submissions"]) == len(sent)
    names = {path.name for path in house.gateway.store.bodies.directory.iterdir()}
    assert names == {f"{one}.{kind}" for one in found for kind in ("body", "blocks")}


async def test_an_upload_whose_gateway_was_killed_at_its_end_is_one_submission(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    chance = random.Random(7)
    async with house_in(tmp_path, pki, names=("employer", "tracing")) as house:
        party = house.employer
    sent = [await _life(tmp_path, party, n, chance.uniform(0.0, 0.12)) for n in range(1, 5)]
    async with house_in(tmp_path, pki, names=()) as house, party.connected() as session:
        party.session, party.url, party._token = session, house.url, None
        house.parties["employer"] = party
        await _all_told_once(house, sent)


async def test_an_attempt_that_had_no_end_is_made_again_under_another_id(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with house_in(tmp_path, pki, names=("employer", "tracing")) as house:
        sent = await _begin(house.employer, schedule(*(ROW.format(n) for n in range(ROWS))))
        await _part(house.employer, sent, 0, len(sent.body) - 1)
        # As a crash leaves it that came after the attempt had begun and before its commit.
        house.gateway.store._db.execute("UPDATE upload SET state = 'begun'")
        await _all_told_once(house, [sent])
