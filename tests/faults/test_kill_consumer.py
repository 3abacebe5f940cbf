"""kill -9 of a consumer, with repeats and disorder: it ends as one that was never disturbed."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from certs import development
from gateway.client.api import Client
from gateway.client.profile import load
from gateway.consumers.collecting import collect
from gateway.consumers.enforcement.book import read_book
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.inbox import Inbox, digest_of
from gateway.consumers.rates import installed
from tests.cli.conftest import profile_of
from tests.conftest import ROOT, House, house_in
from tests.faults.consumer_process import KEY

BOOK = read_book((ROOT / "schemas" / "books" / "enforcement.toml").read_text())
TODAY = dt.date(2026, 11, 23)
FEED = "enforcement"


async def sent(house: House, first: int, files: int) -> None:
    """Rows that are right, short, for nobody; some withdrawn later, and some that cannot be right."""
    header = "record_type,surname,nino,cms_reference,due,deducted,deducted_on,employer_reference,leave_date"
    for n in range(first, first + files):
        rows = [
            f"deduction,Marsh,AA000017A,100000000017,150.00,{150 - n}.00,2026-10-30,E1234567,",
            f"deduction,Okafor,AA000025B,100000000025,220.00,192.00,2026-10-{1 + n % 28:02d},E1234567,",
            f"deduction,Nobody,AA3000{n:02d}A,3000000000{n:02d},10.00,10.00,2026-10-30,E1234567,",
        ]
        body = "\n".join((header, *rows, "")).encode()
        media_type = "application/vnd.cms-gateway.records+csv"
        status, answer, _ = await house.employer.submit(body, media_type)
        assert status == 201, answer
        status, told, _ = await house.employer.submit(
            f"record_type,surname,nino,code,date_of_birth\n"
            f"order_status,Left,AA3100{n:02d}A,left,2099-04-01\n".encode(),
            media_type,
        )
        assert status == 201, told
        if n % 3 == 0:
            path = f"/v1/submissions/{answer['id']}/corrections"
            said = {"submission": answer["id"], "status": "withdrawn", "rows": [2]}
            status, told, _ = await house.employer.call("POST", path, json=said)
            assert status == 201, told


def state(path: Path) -> tuple[str, list[str], int]:
    """All that a consumer has come to: its events, what it proposes, how far it answered."""
    with Inbox(path, FEED, KEY, os.urandom) as inbox:
        events = list(inbox.events())
        made = proposals(events, BOOK, installed(), TODAY)
        return digest_of(events), [each.line() for each in made], inbox.answered


async def live(arguments: list[str], seconds: float | None) -> bool:
    """One life of the consumer, killed after some seconds; whether it came to its end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.consumer_process", *arguments],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        if seconds is None:
            assert await asyncio.to_thread(process.wait) == 0
        else:
            await asyncio.sleep(seconds)
        return process.poll() == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def killed_often(directory: Path, pki: development.DevelopmentPki, kills: int) -> None:
    chance = random.Random(kills)
    async with house_in(directory, pki, calls_per_minute=1_000_000) as house:
        await sent(house, 0, 10)
        profile = profile_of(house, FEED, directory)
        path = directory / "disturbed.sqlite"
        killed = 0
        for life in range(kills):
            arguments = [str(profile), str(path), FEED, str(life)]
            killed += not await live(arguments, chance.uniform(0.0, 0.4))
            await sent(house, 10 + life, 1)
        await live([str(profile), str(path), FEED, "-1"], None)
        async with Client(load(profile)) as client:
            stands = await client.feed_standing(FEED)
            assert (stands.waiting, stands.unused) == (0, 0)
            with Inbox(directory / "calm.sqlite", FEED, KEY, os.urandom) as calm:
                # It begins at the beginning, whatever the other has acknowledged.
                await collect(client, calm)
        disturbed, undisturbed = state(path), state(directory / "calm.sqlite")
        assert disturbed == undisturbed
        assert disturbed[1], "nothing was proposed: the test shows nothing"
        rejected = house.gateway.store._reader.execute("SELECT seq FROM rejection").fetchall()
        assert len(rejected) == 10 + kills, "each record that cannot be right was told, once"
    print(f"{killed} kills, {stands.end} records, {len(rejected)} rejected once each, one state")


async def test_a_consumer_that_is_killed_ends_as_one_never_disturbed(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    await killed_often(tmp_path, pki, kills=6)


@pytest.mark.slow
async def test_a_consumer_that_is_killed_eighty_times(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    await killed_often(tmp_path, pki, kills=80)
