"""kill -9 at the mailbox door: what was acknowledged has its answers, and the rest can be finished."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import aiohttp

from certs import development
from gateway.judge.receipt import verify_receipt
from tests.conftest import ROOT, house_in
from tests.edge.mailbox import SCHEDULE, Mailbox, mailbox_of

HALF = len(SCHEDULE) // 2


@asynccontextmanager
async def alive(directory: Path, shop: Mailbox) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A gateway in a process of its own, killed when the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.gateway_process", str(directory)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        port = int((await asyncio.to_thread(process.stdout.readline)).split()[0])
        shop.house = SimpleNamespace(url=f"https://localhost:{port}")  # type: ignore[assignment]
        async with shop.party.connected() as session:
            shop.party.session = session
            yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def send(
    shop: Mailbox,
    first: int,
    whole: list[str],
    begun: list[tuple[str, int]],
    enough: asyncio.Event,
) -> None:
    """Send until the gateway is gone: a whole message, then the first half of another."""
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        for number in range(first, first + 10_000):
            status, body, _ = await shop.post(SCHEDULE + b"\n" * number)
            if status == 202:
                whole.append(body["message_id"])
            status, body, _ = await shop.post(SCHEDULE[:HALF], Mex_Chunk_Range="1:2")
            if status == 202:
                begun.append((body["message_id"], number))
            if len(whole) >= 12 and len(begun) >= 6:
                enough.set()


async def test_nothing_that_was_acknowledged_is_lost(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with house_in(tmp_path, pki, names=("employer",)) as house:
        shop = await mailbox_of(house, "employer", "SHOP1")
    whole: list[str] = []
    begun: list[tuple[str, int]] = []
    enough = asyncio.Event()
    async with alive(tmp_path, shop) as process:
        senders = [asyncio.create_task(send(shop, n * 50, whole, begun, enough)) for n in range(4)]
        await enough.wait()
        used = shop.token()
        assert (await shop.call("GET", "", token=used))[0] == 200
        process.kill()
        await asyncio.gather(*senders)
    async with house_in(tmp_path, pki, names=()) as house, shop.party.connected() as session:
        shop.house, shop.party.session = house, session
        assert (await shop.call("GET", "", token=used))[0] == 403
        for message, number in begun:
            rest = SCHEDULE[HALF:] + b"\n" * number
            path = f"outbox/{message}/2"
            assert (await shop.post(rest, path, Mex_Chunk_Range="2:2"))[0] == 202
        answers: dict[str, set[str]] = {}
        for headers, text in await shop.collected():
            answers.setdefault(headers["Mex-LinkedMsgID"], set()).add(headers["Mex-WorkflowID"])
            if headers["Mex-WorkflowID"].endswith("RECEIPT"):
                assert verify_receipt(text.decode(), house.gateway.ring.evidence.vkey).ok
        for message in [*whole, *(message for message, _ in begun)]:
            assert answers[message] == {"CMS_SUBMISSION_ACK", "CMS_SUBMISSION_RECEIPT"}
        # What is left is of messages whose first answer never arrived; they expire.
        store = house.gateway.store
        left = {path.stem for path in store.bodies.directory.iterdir()}
        assert left == set(store.mailboxes.open_files())
