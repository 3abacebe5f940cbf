"""Large bodies and the gateway's own troubles: what was acknowledged is kept, and read in the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from certs import development
from gateway.edge import tls
from gateway.store.bodies import BodyWriter
from tests.conftest import House, house_in
from tests.faults.test_writes import _Broken
from tests.party import days_ahead
from tests.schedules import schedule

TUS = {"Tus-Resumable": "1.0.0"}


def large(rows: int = 2_000) -> bytes:
    return schedule(
        *(
            f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Surname,1.00,1.00,"
            for n in range(1, rows + 1)
        )
    )


async def outcome(house: House, identity: str, seconds: float = 20) -> dict[str, Any]:
    """Ask until there is an outcome."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        _, found, _ = await house.employer.call(
            "GET",
            f"/v1/submissions/{identity}",
            params={"wait": 2},
        )
        if found["state"] != "received" or asyncio.get_running_loop().time() > until:
            return dict(found)
        await asyncio.sleep(0.2)


async def test_bytes_whose_commit_is_unknown_stay_and_are_read_after_a_restart(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    body = large()
    async with house_in(tmp_path, pki, names=("employer",), judged=False) as house:
        party, store = house.employer, house.gateway.store
        await party.token()
        store.writer._db = _Broken(store._db, after=True)
        status, _, _ = await party.submit(body, "text/csv", Idempotency_Key="k")
        assert status == 503
        assert len(list(store.bodies.directory.iterdir())) == 1
    async with house_in(tmp_path, pki, names=()) as house:
        house.parties["employer"] = party
        context = tls.client_context(pki.server_ca, party.issued.certificate, party.issued.key)
        connector = aiohttp.TCPConnector(ssl=context)
        party.session = aiohttp.ClientSession(connector=connector)
        party.url, party._token = house.url, None
        status, answer, _ = await party.submit(body, "text/csv", Idempotency_Key="k")
        assert status in {200, 202}
        assert answer["repeat"]
        assert (await outcome(house, answer["id"]))["rows"]["accepted"] == 2_000


async def test_a_reading_process_that_dies_refuses_nothing(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(
        tmp_path,
        pki,
        names=("employer", "tracing"),
        resume_seconds=1,
    ) as house:
        ids = []
        for number in range(3):
            body = large(12_000).replace(b"Surname", b"Name%d" % number)
            _, answer, _ = await house.employer.submit(body, "text/csv")
            assert answer["state"] == "received"
            ids.append(answer["id"])
            for child in _readers():
                os.kill(child, signal.SIGKILL)
        for identity in ids:
            found = await outcome(house, identity)
            assert found["state"] == "accepted", found
            assert found["rows"]["accepted"] == 12_000


def _readers() -> list[int]:
    """Pids of the processes below this one that read bodies: children of a fork server."""
    found, todo = [], [os.getpid()]
    while todo:
        pid = todo.pop()
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        todo += map(int, children)
        if b"forkserver" in line and pid != os.getpid() and not children:
            found.append(pid)
    return found


async def test_a_disk_that_fills_while_a_body_arrives_is_told_and_leaves_nothing(
    house: House,
    monkeypatch: Any,
) -> None:
    await house.employer.token()
    write = BodyWriter.write
    monkeypatch.setattr(
        BodyWriter,
        "write",
        lambda self, piece: (setattr(self, "_file", _Full(self._file)), write(self, piece))[1],
    )
    status, answer, headers = await house.employer.submit(large(), "text/csv")
    assert (status, headers["Retry-After"]) == (503, "30")
    assert "receipt" not in answer
    monkeypatch.undo()
    assert list(house.gateway.store.bodies.directory.iterdir()) == []
    assert (await house.employer.submit(large(), "text/csv", Prefer="wait=30"))[0] == 201


class _Full:
    """A file on a full disk: it cannot be written, nor closed without an error."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self._file.close()
        raise OSError(28, "No space left on device")


async def test_an_outcome_that_could_not_be_committed_is_committed_later(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(
        tmp_path,
        pki,
        names=("employer", "tracing"),
        resume_seconds=1,
    ) as house:
        db = house.gateway.store._db
        _, answer, _ = await house.employer.submit(large(16_000), "text/csv")
        pages = db.pragma("page_count")
        db.pragma("max_page_count", pages)
        await asyncio.sleep(3)
        db.pragma("max_page_count", 1 << 30)
        found = await outcome(house, answer["id"])
        assert found["state"] == "accepted"


# --- uploads in parts -----------------------------------------------------------------------------


async def _begin(house: House, length: int) -> str:
    status, _, headers = await house.employer.call(
        "POST",
        "/v1/uploads",
        headers=TUS
        | {
            "Upload-Length": str(length),
            "Upload-Metadata": "content-type dGV4dC9jc3Y=",
        },
    )
    assert status == 201
    return str(headers["Location"])


async def _part(house: House, path: str, offset: int, data: Any) -> Any:
    return await house.employer.call(
        "PATCH",
        path,
        data=data,
        headers=TUS
        | {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Prefer": "wait=30",
        },
    )


async def test_a_body_in_parts_takes_the_same_way_in(house: House) -> None:
    body = large()
    path = await _begin(house, len(body))
    at = 0
    for size in (1, 70_000, 12_345, len(body)):
        status, answer, headers = await _part(house, path, at, body[at : at + size])
        at = min(len(body), at + size)
        assert headers["Upload-Offset"] == str(at)
    assert (status, answer["rows"]["accepted"]) == (201, 2_000)
    _, _, stands = await house.employer.call("HEAD", path, headers=TUS)
    assert stands["Upload-Offset"] == str(len(body))
    assert (await _part(house, path, len(body), b""))[:2] == (201, answer)
    files = [path.suffix for path in house.gateway.store.bodies.directory.iterdir()]
    assert sorted(files) == [".blocks", ".body"]


async def test_a_part_at_the_wrong_place_or_too_long_is_refused(house: House) -> None:
    body = large()
    path = await _begin(house, len(body))
    await _part(house, path, 0, body[:1_000])
    for offset in (0, 999, 1_001, len(body)):
        assert (await _part(house, path, offset, b"x"))[0] == 409
    assert (await _part(house, path, 1_000, body))[0] == 413
    _, _, headers = await house.employer.call("HEAD", path, headers=TUS)
    assert int(headers["Upload-Offset"]) < len(body)


async def test_an_upload_cannot_be_cancelled_under_a_part(house: House) -> None:
    body = large()
    path = await _begin(house, len(body))

    async def slowly() -> Any:
        yield body[:100_000]
        await asyncio.sleep(1)
        yield body[100_000:110_000]

    part = asyncio.create_task(_part(house, path, 0, slowly()))
    await asyncio.sleep(0.4)
    assert (await house.employer.call("DELETE", path, headers=TUS))[0] == 409
    assert (await part)[0] == 204
    assert (await house.employer.call("DELETE", path, headers=TUS))[0] == 204
    assert (await house.employer.call("HEAD", path, headers=TUS))[0] == 404
    assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_an_organisation_has_so_many_uploads_open_and_no_more(house: House) -> None:
    for _ in range(20):
        await _begin(house, 10)
    status, answer, _ = await house.employer.call(
        "POST",
        "/v1/uploads",
        headers=TUS
        | {
            "Upload-Length": "10",
            "Upload-Metadata": "content-type dGV4dC9jc3Y=",
        },
    )
    assert (status, answer["type"].rsplit("/", 1)[1]) == (429, "rate-limited")


async def test_a_request_leaves_no_free_text_in_the_ledger(house: House) -> None:
    await house.ask("tracing", "bank", "account", citation="about John Smith AA000001A")
    status, _, _ = await house.tracing.call(
        "POST",
        "/v1/requests",
        json={
            "organisation": "bank",
            "purposes": ["IDENTIFY_TRACE"],
            "citation": "x" * 60_000,
            "record_types": ["account"],
            "subject": {"surname": "X"},
            "due": days_ahead(30),
        },
    )
    assert status == 400
    evidence = house.gateway.store.evidence
    entries = [json.loads(evidence.entry(n)) for n in range(evidence.size)]
    assert "Smith" not in json.dumps(entries)


async def test_a_row_with_several_faults_is_one_row_and_a_key_is_kept_for_a_repeat(
    house: House,
) -> None:
    body = schedule(
        "E1,M,2026-10-01,2026-10-31,2026-10-30,100000000017,Marsh,1.00,1.00,",
        "E1,M,2026-10-01,2026-10-31,2026-10-30,1,,1.00,2.00,",
    )
    _, answer, _ = await house.employer.submit(body, "text/csv")
    assert answer["rows"] == {"accepted": 1, "refused": 1, "nil": 0}
    assert len(answer["errors"]) > 1
    status, _, _ = await house.employer.submit(body, "text/csv", Idempotency_Key="later")
    assert status == 200
    status, answer, _ = await house.employer.submit(large(3), "text/csv", Idempotency_Key="later")
    assert (status, answer["type"].rsplit("/", 1)[1]) == (422, "idempotency-key-reused")
