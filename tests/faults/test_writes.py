"""Durable writes that fail: one that did not happen, one of which nobody knows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import apsw

import gateway.store.sqlite.writer as module
from certs import development
from tests.conftest import SAMPLES, House, house_in

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


def many(count: int) -> list[bytes]:
    return [SCHEDULE.replace(b"Tamsin", f"Tamsin {n}".encode()) for n in range(count)]


async def test_a_full_disk_is_told_and_passes_by_itself(house: House) -> None:
    db = house.gateway.store._db
    assert (await house.employer.submit(SCHEDULE, "text/csv"))[0] == 201
    pages = db.pragma("page_count")
    db.pragma("max_page_count", pages)
    size = house.gateway.store.evidence.size
    refused = accepted = 0
    for body in many(40):
        status, answer, headers = await house.employer.submit(body, "text/csv")
        if status == 201:
            accepted += 1
            continue
        refused += 1
        assert (status, headers["Retry-After"]) == (503, "5")
        assert answer["type"].endswith("/problems/store-unavailable")
        assert "receipt" not in answer
    assert refused
    assert house.gateway.store.evidence.size == size + 2 * accepted
    db.pragma("max_page_count", 1 << 30)
    for body in many(40):
        assert (await house.employer.submit(body, "text/csv"))[0] in {200, 201}


class _Broken:
    """A connection whose COMMIT reports an error: before it happens, or after."""

    def __init__(self, db: apsw.Connection, *, after: bool) -> None:
        self._db = db
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql == "COMMIT":
            if self._after:
                self._db.execute("COMMIT")
            else:
                self._db.execute("ROLLBACK")
            raise apsw.IOError("flush failed")
        return self._db.execute(sql, *parameters)


async def _fail(directory: Path, pki: development.DevelopmentPki, *, after: bool) -> int:
    async with house_in(directory, pki, names=("employer",), judged=False) as house:
        store = house.gateway.store
        key, party = "k", house.employer
        await party.token()
        store.writer._db = _Broken(store._db, after=after)
        status, answer, _ = await party.submit(SCHEDULE, "text/csv", Idempotency_Key=key)
        assert status == 503
        assert "receipt" not in answer
        # What the page cache holds now says nothing about the disk: nothing more is taken.
        status, _, _ = await party.submit(b"x", "text/csv")
        assert status in {422, 503}
        assert (await party.call("GET", "/health/ready"))[0] == 503
        assert house.gateway.stopped.is_set()
        assert (await party.submit(SCHEDULE, "text/csv", Idempotency_Key=key))[0] == 503
        rows = store._reader.execute("SELECT count(*) FROM submission").fetchall()
        return int(rows[0][0])


async def test_a_flush_that_failed_stops_the_gateway_and_nothing_was_acknowledged(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    assert await _fail(tmp_path, pki, after=False) == 0
    await _again(tmp_path, pki, repeat=False)


async def test_a_commit_that_happened_but_reported_failure_is_found_by_its_key(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    assert await _fail(tmp_path, pki, after=True) == 1
    await _again(tmp_path, pki, repeat=True)


async def _again(directory: Path, pki: development.DevelopmentPki, *, repeat: bool) -> None:
    """After a restart everything verifies, and the submission is there, or is not."""
    async with house_in(directory, pki, names=("bank",)) as house:
        rows = house.gateway.store._reader.execute("SELECT count(*) FROM submission").fetchall()
        assert rows[0][0] == (1 if repeat else 0)


async def test_too_much_waiting_is_told_to_come_back(house: House) -> None:
    await house.employer.token()
    writer = house.gateway.store.writer
    gate = asyncio.Event()
    commit = writer._commit

    async def held(group: Any) -> None:
        await gate.wait()
        await commit(group)

    writer._commit = held
    before, module.WRITER_QUEUE = module.WRITER_QUEUE, 3
    try:
        sending = [
            asyncio.create_task(house.employer.submit(body, "text/csv")) for body in many(10)
        ]
        await asyncio.sleep(0.5)
        gate.set()
        statuses = [(await task)[0] for task in sending]
    finally:
        module.WRITER_QUEUE = before
    assert set(statuses) == {201, 503}
