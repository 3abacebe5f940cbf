"""kill -9 while requests are raised, answered and noticed: nothing said is lost, nothing is said twice."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from certs import development
from gateway.core.request_life import ENDED
from gateway.judge.receipt import verify_receipt
from gateway.notify_stand_in.serving import StandIn, opened
from tests.asking import ADDRESS, MARSH, Clock, Story, identity, lines, stand_in, story_in
from tests.conftest import ROOT
from tests.party import Party, days_ahead

NAMES = ("bank", "tracing")
LINES = "application/x-ndjson"
LATER = dt.timedelta(minutes=6)  # when what was in hand at a kill may be taken up again


@dataclass
class Said:
    """What the gateway said yes to: requests, the last step of each, and receipts."""

    raised: set[str] = field(default_factory=set)
    answered: dict[str, str] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)


async def one_after_another(parties: dict[str, Party], said: Said, chance: random.Random) -> None:
    """Raise requests, and take each a step or two further, until the gateway is gone."""
    bank, tracing = parties["bank"], parties["tracing"]
    body = {
        "organisation": "bank",
        "purposes": ["IDENTIFY_TRACE"],
        "citation": "SI 2008/2551 reg 4(1)",
        "record_types": ["identity"],
        "subject": MARSH,
        "due": days_ahead(300),
    }
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        while True:
            status, told, _ = await tracing.call("POST", "/v1/requests", json=body)
            assert status == 201, told
            request = str(told["id"])
            said.raised.add(request)
            path = f"/v1/requests/{request}"
            if chance.random() < 0.5:
                status, told, _ = await bank.call("POST", f"{path}/acknowledge", json={})
                assert status == 200, told
                said.acknowledged.add(request)
            step = chance.random()
            if step < 0.3:
                status, told, _ = await bank.call("POST", f"{path}/nil", json={})
            elif step < 0.6:
                record = lines(identity(forenames=f"Tamsin {request[-6:]}"))
                status, told, _ = await bank.submit(record, LINES, Request_Id=request)
            elif step < 0.7:
                status, told, _ = await tracing.call("POST", f"{path}/withdraw", json={})
                assert status == 200, told
                said.withdrawn.add(request)
                continue
            else:
                continue
            assert status == 201, told
            assert told["state"] == "accepted"
            said.answered[request] = told["receipt"]


async def live(
    directory: Path, parties: dict[str, Party], seconds: float, said: Said, seed: int
) -> None:
    """One life of a gateway process: started, put to work, killed."""
    # Who starts elsewhere has no leases to wait for, so that notices go at once.
    (directory / "data" / "jobs.sqlite").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.gateway_process", str(directory)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.to_thread(process.stdout.readline)
        async with contextlib.AsyncExitStack() as stack:
            for party in parties.values():
                party.url, party._token = f"https://localhost:{int(line.split()[0])}", None
                party.session = await stack.enter_async_context(party.connected())
                await party.token()
            chance = random.Random(seed)
            work = [
                asyncio.create_task(
                    one_after_another(parties, said, random.Random(chance.random()))
                )
                for _ in range(4)
            ]
            await asyncio.sleep(seconds)
            process.kill()
            done = await asyncio.gather(*work, return_exceptions=True)
        assert [each for each in done if each is not None] == []
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def _after(story: Story, post: StandIn, said: Said) -> None:
    """Everything that was said is so, and every letter was posted once."""
    for request in said.raised:
        stored = story.stored(request)
        assert stored is not None, request
        events = story.events(request)
        assert events[:2] == ["raised", "issued"]
        assert (request not in said.acknowledged) or "acknowledged" in events
        assert (request not in said.withdrawn) or stored.state == "withdrawn"
    for request, receipt in said.answered.items():
        assert story.state(request) == "answered"
        assert verify_receipt(receipt, story.vkey).ok
    letters = Counter(message.reference for message in post.messages.newest())
    assert not [reference for reference, times in letters.items() if times > 1]
    rows = story.store._reader.execute("SELECT id FROM request").fetchall()
    for (request,) in rows:
        (notice, *_) = story.notices(request)
        if notice.state == "dropped":
            assert story.stored(request).state in ENDED
        else:
            assert notice.state in {"sent", "delivered"}
            assert letters[notice.id] == 1
            assert notice.entry is not None


async def _torture(directory: Path, pki: development.DevelopmentPki, kills: int, seed: int) -> int:
    chance, said = random.Random(seed), Said()
    post = stand_in(Clock())
    post.messages._kept = 1_000_000
    async with opened(post) as url:
        (directory / "notify.url").write_text(url)
        (directory / "notify.key").write_text(post._keys[0].text)
        async with story_in(directory, pki, names=NAMES) as story:
            await story.reached("bank", address=ADDRESS)
            parties = dict(story.house.parties)
        for number in range(kills):
            await live(directory, parties, chance.uniform(0.05, 0.9), said, seed * 1_000 + number)
    (directory / "data" / "jobs.sqlite").unlink(missing_ok=True)
    async with story_in(directory, pki, names=(), post=post) as story:
        await story.quiet()
        story.to(story.time() + LATER)
        await story.quiet()
        await _after(story, post, said)
    return len(said.raised)


async def test_nothing_said_of_requests_is_lost_when_the_gateway_is_killed(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    assert await _torture(tmp_path, pki, kills=2, seed=3) > 10


@pytest.mark.slow
async def test_forty_kills_while_requests_live(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    raised = await _torture(tmp_path, pki, kills=40, seed=4)
    print(f"\n40 kills, {raised} requests, 0 lost, no letter twice")
