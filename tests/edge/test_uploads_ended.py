"""What became of an upload is told as often as it is asked, and its bytes are written once."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
import io
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway import upload as uploading
from gateway.wiring import clock, new_id
from tests.conftest import House
from tests.edge.refused import slug
from tests.schedules import schedule

TUS = {"Tus-Resumable": "1.0.0"}
ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Name,1.00,1.00,"
LARGE = schedule(*(ROW.format(n) for n in range(1, 8_001)))
SMALL = schedule(*(ROW.format(n) for n in range(1, 4)))


async def begin(house: House, data: bytes, **more: str) -> str:
    said = {"content-type": "text/csv"} | {name.replace("_", "-"): v for name, v in more.items()}
    metadata = ",".join(f"{n} {base64.b64encode(v.encode()).decode()}" for n, v in said.items())
    headers = TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": metadata}
    status, answer, told = await house.employer.call("POST", "/v1/uploads", headers=headers)
    assert status == 201, answer
    return str(told["Location"])


async def part(house: House, path: str, offset: int, data: Any = b"", wait: int = 30) -> Any:
    headers = TUS | {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Prefer": f"wait={wait}",
    }
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    return await house.employer.call("PATCH", path, headers=headers, data=data)


async def stands(house: House, path: str) -> int:
    status, _, headers = await house.employer.call("HEAD", path, headers=TUS)
    assert status == 200
    return int(headers["Upload-Offset"])


def files(house: House) -> dict[str, int]:
    """Every sealed file, with its inode."""
    return {p.name: p.stat().st_ino for p in house.gateway.store.bodies.directory.iterdir()}


async def sent(house: House) -> list[str]:
    _, listed, _ = await house.employer.call("GET", "/v1/submissions")
    return [one["id"] for one in listed["submissions"]]


async def test_whoever_asks_again_hears_the_same(house: House) -> None:
    path = await begin(house, LARGE)
    status, answer, headers = await part(house, path, 0, LARGE)
    assert status == 201
    assert not answer["repeat"]
    size = house.gateway.store.evidence.size
    for _ in range(3):
        assert await stands(house, path) == len(LARGE)
        again = await part(house, path, len(LARGE))
        assert again[:2] == (201, answer)
        assert again[2]["Location"] == headers["Location"]
    assert house.gateway.store.evidence.size == size
    assert await sent(house) == [answer["id"]]


async def test_what_was_received_is_told_with_its_outcome_once_there_is_one(house: House) -> None:
    path = await begin(house, LARGE)
    status, first, _ = await part(house, path, 0, LARGE, wait=0)
    assert (status, first["state"]) == (202, "received")
    status, then, _ = await part(house, path, len(LARGE))
    assert (status, then["state"], then["id"]) == (201, "accepted", first["id"])


async def test_a_refusal_is_told_again_with_its_receipt(house: House) -> None:
    wrong = SMALL.replace(b"TOTAL,3", b"TOTAL,9")
    path = await begin(house, wrong)
    status, answer, _ = await part(house, path, 0, wrong)
    assert (status, answer["receipt"][:4]) == (422, "c2sp")
    size = house.gateway.store.evidence.size
    again = await part(house, path, len(wrong))
    assert again[0] == 422
    answer["instance"] = again[1]["instance"]
    assert again[1] == answer
    assert house.gateway.store.evidence.size == size
    assert files(house) == {}


async def test_the_bytes_of_a_large_upload_are_not_written_a_second_time(house: House) -> None:
    path = await begin(house, LARGE)
    await part(house, path, 0, LARGE[:500_000])
    (name, inode), *others = files(house).items()
    assert others == []
    _, answer, _ = await part(house, path, 500_000, LARGE[500_000:])
    assert name == f"{answer['id']}.body"
    assert files(house)[name] == inode


@pytest.mark.parametrize("how", ["small", "compressed", "twice"])
async def test_bytes_that_are_not_a_bodys_go_when_the_upload_ends(house: House, how: str) -> None:
    data, more = SMALL if how == "small" else LARGE, {}
    if how == "compressed":
        data, more = gzip.compress(LARGE, 1), {"content_encoding": "gzip"}
    if how == "twice":
        await house.employer.submit(data, "text/csv", Prefer="wait=30")
    path = await begin(house, data, **more)
    status, answer, _ = await part(house, path, 0, data)
    assert status == (200 if how == "twice" else 201), answer
    assert (await part(house, path, len(data)))[:2] == (status, answer)
    kept = set() if how == "small" else {f"{answer['id']}.body", f"{answer['id']}.blocks"}
    assert set(files(house)) == kept


async def test_all_who_ask_at_once_hear_of_one_submission(house: House) -> None:
    path = await begin(house, LARGE, idempotency_key="october")
    await part(house, path, 0, LARGE[:-1])
    answers = await asyncio.gather(
        part(house, path, len(LARGE) - 1, LARGE[-1:]),
        *(_eventually(house, path) for _ in range(5)),
    )
    assert {status for status, _, _ in answers} == {201}
    assert await sent(house) == [answers[0][1]["id"]]
    assert {answer["receipt"] for _, answer, _ in answers} == {answers[0][1]["receipt"]}


async def _eventually(house: House, path: str) -> Any:
    await _until(house, path, len(LARGE))
    return await part(house, path, len(LARGE))


async def _until(house: House, path: str, offset: int) -> None:
    """Ask until so much is durable."""
    while True:
        if await stands(house, path) >= offset:
            return
        await asyncio.sleep(0)


async def test_who_would_wait_too_long_is_told_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await begin(house, LARGE)
    with monkeypatch.context() as hasty:
        hasty.setattr(uploading, "UPLOAD_WAIT_SECONDS", 0)
        status, _, headers = await part(house, path, 0, LARGE)
        assert (status, headers["Upload-Offset"]) == (204, str(len(LARGE)))
        assert int(headers["Retry-After"]) > 0
    status, answer, _ = await part(house, path, len(LARGE))
    assert (status, answer["rows"]["accepted"]) == (201, 8_000)


async def test_a_file_is_taken_although_its_sender_has_gone(house: House) -> None:
    path = await begin(house, LARGE)
    await part(house, path, 0, LARGE[:-1])
    async with house.employer.connected() as session:
        token = await house.employer.token()
        headers = TUS | {
            "Authorization": f"Bearer {token}",
            "Upload-Offset": str(len(LARGE) - 1),
            "Content-Type": "application/offset+octet-stream",
        }
        gone = asyncio.create_task(
            session.patch(house.url + path, headers=headers, data=LARGE[-1:])
        )
        await _until(house, path, len(LARGE))
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    status, answer, _ = await part(house, path, len(LARGE))
    assert (status, answer["rows"]["accepted"]) == (201, 8_000)
    assert await sent(house) == [answer["id"]]


async def test_a_part_under_way_is_waited_for_and_not_sent_again(house: House) -> None:
    path = await begin(house, LARGE)
    asked = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield LARGE[:100_000]
        await asyncio.sleep(0.5)
        asked.set()
        yield LARGE[100_000:200_000]

    first = asyncio.create_task(part(house, path, 0, slowly()))
    await _arriving(house)
    assert not asked.is_set()
    assert await stands(house, path) == 200_000
    assert (await first)[0] == 204
    status, answer, _ = await part(house, path, 0, LARGE)
    assert (status, slug(answer)) == (409, "offset-mismatch")


async def _arriving(house: House) -> None:
    """Wait until a part has begun to be written."""
    while True:
        if files(house):
            return
        await asyncio.sleep(0.01)


async def test_nothing_can_be_put_behind_the_last_byte(house: House) -> None:
    path = await begin(house, SMALL)
    assert (await part(house, path, 0, SMALL))[0] == 201
    assert slug((await part(house, path, len(SMALL), b"x"))[1]) == "body-too-large"
    assert (await part(house, path, len(SMALL)))[0] == 201


async def test_an_upload_that_ended_is_forgotten_and_its_submission_is_not(house: House) -> None:
    path = await begin(house, LARGE)
    _, answer, _ = await part(house, path, 0, LARGE)
    before = files(house)
    assert (await house.employer.call("DELETE", path, headers=TUS))[0] == 204
    assert (await house.employer.call("HEAD", path, headers=TUS))[0] == 404
    assert files(house) == before
    status, found, _ = await house.employer.call("GET", f"/v1/submissions/{answer['id']}")
    assert (status, found["receipt"]) == (200, answer["receipt"])


async def test_what_expires_takes_no_bytes_of_a_submission_with_it(house: House) -> None:
    store = house.gateway.store
    path = await begin(house, LARGE)
    await part(house, path, 0, LARGE)
    kept = files(house)
    other = await begin(house, LARGE)
    await part(house, other, 0, LARGE[:100_000])
    # As after a crash between the commit of a submission and the end of its upload.
    store._db.execute("UPDATE upload SET state = 'begun', ending = NULL WHERE offset = length")
    later = clock() + dt.timedelta(days=2)
    depot = uploading.Depot(
        store.uploads, store.bodies, house.gateway.ring, lambda: later, os.urandom, new_id
    )
    assert set(files(house)) > set(kept)
    uploading.expire(depot)
    assert files(house) == kept


async def test_uploads_that_ended_do_not_count_as_open(house: House) -> None:
    for n in range(22):
        data = schedule(ROW.format(1_000 + n))
        path = await begin(house, data)
        assert (await part(house, path, 0, data))[0] == 201


def test_an_upload_names_the_submission_that_it_becomes() -> None:
    upload = uploading.Upload("upl_ABC", "x", "x", 1, 0, "{}", b"", 0)
    assert upload.submission == "sub_ABC"
