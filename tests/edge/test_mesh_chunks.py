"""Messages in chunks: each made durable, none twice, none beyond the last, and restarts between."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs import development
from gateway import mailbox
from gateway.core.limits import MESH_CHUNKS, MESH_MESSAGES_OPEN, MIB
from gateway.inboxes import post
from gateway.judge.receipt import verify_receipt
from gateway.wiring import clock, new_id
from tests.conftest import House, house_in
from tests.edge.mailbox import SCHEDULE, Mailbox, code_of, mailbox_of, rows

HALF = len(SCHEDULE) // 2
FIRST, LAST = SCHEDULE[:HALF], SCHEDULE[HALF:]


@pytest.fixture
async def shop(house: House) -> Mailbox:
    return await mailbox_of(house, "employer", "SHOP1")


async def begun(shop: Mailbox, total: int = 2, **headers: str) -> str:
    status, body, _ = await shop.post(FIRST, Mex_Chunk_Range=f"1:{total}", **headers)
    assert status == 202, body
    return str(body["message_id"])


def files(shop: Mailbox) -> list[str]:
    return sorted(path.name for path in shop.house.gateway.store.bodies.directory.iterdir())


def submissions(shop: Mailbox) -> list[str]:
    return [one["state"] for one in shop.house.gateway.store.journal.latest("employer", None, 9)]


async def test_chunks_wait_sealed_and_are_gone_once_they_are_a_submission(shop: Mailbox) -> None:
    sent = await begun(shop)
    (name,) = files(shop)
    assert name == f"{sent}_1.body"
    kept = (shop.house.gateway.store.bodies.directory / name).read_bytes()
    assert b"employer_ref" not in kept
    assert submissions(shop) == []
    status, body, _ = await shop.post(LAST, f"outbox/{sent}/2", Mex_Chunk_Range="2:2")
    assert (status, body) == (202, b"")
    assert submissions(shop) == ["accepted"]
    assert files(shop) == []


async def test_version_one_names_message_and_block(shop: Mailbox) -> None:
    one = {"Accept": "application/json"}
    status, body, _ = await shop.post(FIRST, **one, Mex_Chunk_Range="1:2")
    assert (status, list(body)) == (202, ["messageID"])
    path = f"outbox/{body['messageID']}/2"
    status, block, _ = await shop.post(LAST, path, **one, Mex_Chunk_Range="2:2")
    assert (status, block) == (202, body | {"blockID": 2})


async def test_each_chunk_may_be_compressed_by_itself(shop: Mailbox) -> None:
    zipped = gzip.compress(FIRST)
    status, body, _ = await shop.post(zipped, Mex_Chunk_Range="1:2", Content_Encoding="gzip")
    assert status == 202
    path = f"outbox/{body['message_id']}/2"
    assert (await shop.post(LAST, path, Mex_Chunk_Range="2:2"))[0] == 202
    assert submissions(shop) == ["accepted"]


@pytest.mark.parametrize(
    ("path", "chunk_range", "status"),
    [
        ("3", "3:2", 406),
        ("3", "3:3", 406),
        ("999999", "2:2", 417),
        ("2", "2:3", 417),
        ("2", "1:2", 417),
        ("2", None, 417),
        ("2", "two:2", 417),
        ("2", "2:0", 417),
        ("1", "1:2", 417),
        ("0", "0:2", 417),
        ("-2", "2:2", 417),
        ("2x", "2:2", 417),
    ],
)
async def test_a_chunk_out_of_its_range_is_not_taken(
    shop: Mailbox, path: str, chunk_range: str | None, status: int
) -> None:
    sent = await begun(shop)
    headers = {} if chunk_range is None else {"Mex_Chunk_Range": chunk_range}
    found, body, _ = await shop.post(LAST, f"outbox/{sent}/{path}", **headers)
    assert found == status, body
    assert files(shop) == [f"{sent}_1.body"]
    assert (await shop.post(LAST, f"outbox/{sent}/2", Mex_Chunk_Range="2:2"))[0] == 202


@pytest.mark.parametrize("chunk_range", ["2:2", "0:2", "1:0", f"1:{MESH_CHUNKS + 1}", "1:2:3", "1"])
async def test_a_message_begins_with_the_first_of_a_bounded_number(
    shop: Mailbox, chunk_range: str
) -> None:
    assert (await shop.post(FIRST, Mex_Chunk_Range=chunk_range))[0] == 417
    assert files(shop) == []


async def test_chunks_come_in_their_order(shop: Mailbox) -> None:
    sent = await begun(shop, 3)
    status, body, _ = await shop.post(LAST, f"outbox/{sent}/3", Mex_Chunk_Range="3:3")
    assert (status, code_of(body)) == (417, "06")
    assert "the next is 2" in body["detail"][0]["msg"]


async def test_a_chunk_that_comes_again_changes_nothing(shop: Mailbox) -> None:
    sent = await begun(shop, 3)
    middle = f"outbox/{sent}/2"
    for _ in range(2):
        assert (await shop.post(LAST[:10], middle, Mex_Chunk_Range="2:3"))[0] == 202
    for other in (LAST[:9], LAST[:9] + b"x", LAST[:11]):
        assert (await shop.post(other, middle, Mex_Chunk_Range="2:3"))[0] == 423
    for _ in range(2):  # also once the message is complete
        last = f"outbox/{sent}/3"
        assert (await shop.post(LAST[10:], last, Mex_Chunk_Range="3:3"))[0] == 202
    assert (await shop.post(LAST, last, Mex_Chunk_Range="3:3"))[0] == 423
    assert submissions(shop) == ["accepted"]


async def test_two_first_chunks_with_one_key_are_one_message(shop: Mailbox) -> None:
    key = {"Idempotency_Key": '"october"'}
    sent = await begun(shop, **key)
    assert await begun(shop, **key) == sent
    assert await begun(shop) != sent
    status, body, _ = await shop.post(FIRST + b"x", Mex_Chunk_Range="1:2", **key)
    assert (status, code_of(body)) == (422, "idempotency-key-reused")
    assert (await shop.post(FIRST, Mex_Chunk_Range="1:3", **key))[0] == 422
    path = f"outbox/{sent}/2"
    assert (await shop.post(LAST, path, Mex_Chunk_Range="2:2"))[0] == 202
    assert await begun(shop, **key) == sent  # its answer was lost: the same one again
    assert (await shop.post(LAST, path, Mex_Chunk_Range="2:2"))[0] == 202
    assert submissions(shop) == ["accepted"]


async def test_the_same_chunk_at_the_same_time_is_taken_once(shop: Mailbox) -> None:
    sent = await begun(shop)
    sends = (shop.post(LAST, f"outbox/{sent}/2", Mex_Chunk_Range="2:2") for _ in range(4))
    statuses = [status for status, _, _ in await asyncio.gather(*sends)]
    assert 202 in statuses
    assert set(statuses) <= {202, 409}
    assert submissions(shop) == ["accepted"]


async def test_an_empty_chunk_and_a_bomb_are_dropped(shop: Mailbox) -> None:
    sent = await begun(shop)
    path = f"outbox/{sent}/2"
    assert (await shop.post(b"", path, Mex_Chunk_Range="2:2"))[0] == 417
    bomb = gzip.compress(bytes(64 * MIB))
    status, body, _ = await shop.post(bomb, path, Mex_Chunk_Range="2:2", Content_Encoding="gzip")
    assert (status, code_of(body)) == (413, "decompression-limit")
    torn = gzip.compress(LAST)[:-9]
    status, body, _ = await shop.post(torn, path, Mex_Chunk_Range="2:2", Content_Encoding="gzip")
    assert (status, code_of(body)) == (400, "body-truncated")
    assert files(shop) == [f"{sent}_1.body"]
    status, body, _ = await shop.post(LAST, path, Mex_Chunk_Range="2:2", Content_Encoding="br")
    assert (status, code_of(body)) == (422, "message-encoding-unknown")
    assert (await shop.post(LAST, path, Mex_Chunk_Range="2:2"))[0] == 202
    assert submissions(shop) == ["accepted"]


async def test_chunks_together_are_bounded(tmp_path: Path, pki: development.DevelopmentPki) -> None:
    async with house_in(tmp_path, pki, names=("employer",), body_limit_bytes=1_000) as house:
        shop = await mailbox_of(house, "employer", "SHOP1")
        status, body, _ = await shop.post(b"x" * 600, Mex_Chunk_Range="1:2")
        assert status == 202
        path = f"outbox/{body['message_id']}/2"
        assert (await shop.post(b"x" * 401, path, Mex_Chunk_Range="2:2"))[0] == 413
        assert (await shop.post(b"x" * 1_001, Mex_Chunk_Range="1:2"))[0] == 413
        assert files(shop) == [f"{body['message_id']}_1.body"]


async def test_unfinished_messages_are_bounded(shop: Mailbox) -> None:
    for _ in range(MESH_MESSAGES_OPEN):
        await begun(shop)
    status, body, headers = await shop.post(FIRST, Mex_Chunk_Range="1:2")
    assert (status, code_of(body)) == (429, "rate-limited")
    assert int(headers["Retry-After"]) > 0
    assert (await shop.post())[0] == 202  # a whole message is not held up by them


async def test_what_is_never_finished_ends_in_a_report(shop: Mailbox) -> None:
    sent = await begun(shop, Mex_LocalID="lost")
    store = shop.house.gateway.store
    now = int(clock().timestamp())
    assert await store.mailboxes.expire(now) == []
    for name in await store.mailboxes.expire(now + 90_000):
        store.bodies.discard(name)
    assert files(shop) == []
    ((headers, body),) = await shop.collected()
    assert (headers["Mex-MessageType"], headers["Mex-LinkedMsgID"], body) == ("REPORT", sent, b"")
    assert headers["Mex-LocalID"] == "lost"
    assert (await shop.post(LAST, f"outbox/{sent}/2", Mex_Chunk_Range="2:2"))[0] == 423
    _, tracked, _ = await shop.call("GET", f"outbox/tracking?messageID={sent}")
    assert tracked["status"] == "error"


async def test_a_wrong_checksum_of_the_whole_ends_in_a_report(shop: Mailbox) -> None:
    sent = await begun(shop, Mex_Content_Checksum="sha256:" + "0" * 64)
    assert (await shop.post(LAST, f"outbox/{sent}/2", Mex_Chunk_Range="2:2"))[0] == 202
    (report, _), (outcome, _), (_, receipt) = await shop.collected()
    assert report["Mex-StatusCode"] == "digest-mismatch"
    assert outcome["Mex-LinkedMsgID"] == sent
    assert verify_receipt(receipt.decode(), shop.house.gateway.ring.evidence.vkey).ok
    assert submissions(shop) == []
    assert files(shop) == []


async def test_chunks_survive_a_restart_and_so_does_the_inbox(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    data = rows(2_000)
    at = len(data) // 2
    async with house_in(tmp_path, pki, names=("employer",)) as house:
        shop = await mailbox_of(house, "employer", "SHOP1")
        status, body, _ = await shop.post(data[:at], Mex_Chunk_Range="1:2", Mex_LocalID="a")
        assert status == 202
        used = shop.token()
        assert (await shop.call("GET", "", token=used))[0] == 200
        issued = house.employer
    async with house_in(tmp_path, pki, names=()) as house:
        shop.house = house
        async with issued.connected() as session:
            shop.party.session = session
            assert (await shop.call("GET", "", token=used))[0] == 403
            path = f"outbox/{body['message_id']}/2"
            assert (await shop.post(data[at:], path, Mex_Chunk_Range="2:2"))[0] == 202
            _, tracked, _ = await shop.call("GET", "outbox/tracking/a")
            while tracked["status"] == "accepted":
                _, tracked, _ = await shop.call("GET", "outbox/tracking/a")
            assert tracked["status"] == "acknowledged"
            outcome, receipt = await shop.inbox()
            assert (await shop.call("PUT", f"inbox/{outcome}/status/acknowledged"))[0] == 200
    async with house_in(tmp_path, pki, names=()) as house:
        shop.house = house
        async with issued.connected() as session:
            shop.party.session = session
            assert await shop.inbox() == [receipt]
            assert (await shop.call("GET", f"inbox/{outcome}"))[0] == 410


async def test_a_crash_before_the_last_chunk_was_answered_costs_nothing(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with house_in(tmp_path, pki, names=("employer",)) as house:
        shop = await mailbox_of(house, "employer", "SHOP1")
        sent = await begun(shop)
        post = posting_of(house)
        found = mailbox.find(sent, "SHOP1", post)
        # Chunk 2 is durable, and then the gateway is gone.
        assert await mailbox.add(found, 2, 2, arriving(LAST), post)
        party = house.employer
    async with house_in(tmp_path, pki, names=()) as house:
        shop.house = house
        async with party.connected() as session:
            shop.party.session = session
            assert len(files(shop)) == 2
            path = f"outbox/{sent}/2"
            assert (await shop.post(LAST, path, Mex_Chunk_Range="2:2"))[0] == 202
            assert submissions(shop) == ["accepted"]
            assert len(await shop.inbox()) == 2


async def arriving(data: bytes) -> AsyncIterator[bytes]:
    yield data


def posting_of(house: House) -> mailbox.Post:
    return post(house.settings, house.gateway.ring, house.gateway.store, clock, os.urandom, new_id)
