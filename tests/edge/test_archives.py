"""Archives at the door: each file is a submission of its own, and a bad archive is none at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from certs import development
from gateway.judge.receipt import verify_receipt
from tests.archives import archive, listed, manifest_of, zipped
from tests.conftest import House, house_in
from tests.edge.refused import SCHEDULE, slug
from tests.schedules import schedule

ZIP = "application/zip"
ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Surname,1.00,1.00,"
LARGE = schedule(*(ROW.format(n) for n in range(1, 2_001)))
WRONG = SCHEDULE.replace(b"TOTAL,", b"TOTAL,9")


def other(number: int) -> bytes:
    return SCHEDULE.replace(b"Marsh", b"Marsh %d" % number)


async def sent(house: House, data: bytes, **headers: str) -> tuple[int, Any]:
    status, answer, _ = await house.employer.submit(data, ZIP, **headers)
    return status, answer


async def count(house: House) -> int:
    _, answer, _ = await house.employer.call("GET", "/v1/submissions")
    return len(answer["submissions"])


async def test_each_file_is_a_submission_with_an_outcome_of_its_own(house: House) -> None:
    files = {"a.csv": SCHEDULE, "sub/b.csv": WRONG, "c.csv": LARGE, "d.csv": b""}
    status, answer = await sent(house, archive(files), Prefer="wait=30")
    assert status == 207
    found = {one["name"]: one for one in answer["files"]}
    assert list(found) == list(files)
    assert {name: one["status"] for name, one in found.items()} == {
        "a.csv": 201,
        "sub/b.csv": 422,
        "c.csv": 201,
        "d.csv": 400,
    }
    vkey = house.gateway.ring.evidence.vkey
    for name in ("a.csv", "c.csv"):
        digest = hashlib.sha256(files[name]).digest()
        assert verify_receipt(found[name]["outcome"]["receipt"], vkey, digest=digest).ok
    assert found["c.csv"]["outcome"]["rows"]["accepted"] == 2_000
    problem = found["sub/b.csv"]["problem"]
    assert problem["errors"]
    assert verify_receipt(problem["receipt"], vkey).ok
    assert await count(house) == 2


async def test_the_same_archive_twice_gives_the_same_submissions(house: House) -> None:
    data = archive({"a.csv": SCHEDULE, "b.csv": LARGE})
    _, first = await sent(house, data, Idempotency_Key="month", Prefer="wait=30")
    _, again = await sent(house, data, Idempotency_Key="month")
    assert [one["status"] for one in again["files"]] == [200, 200]
    for a, b in zip(first["files"], again["files"], strict=True):
        assert a["outcome"]["id"] == b["outcome"]["id"]
        assert a["outcome"]["receipt"] == b["outcome"]["receipt"]
    _, changed = await sent(house, archive({"a.csv": other(1)}), Idempotency_Key="month")
    assert slug(changed["files"][0]["problem"]) == "idempotency-key-reused"
    assert await count(house) == 2


async def test_twins_at_the_same_time_are_one(house: House) -> None:
    data = archive({f"{n}.csv": other(n) for n in range(20)})
    await house.employer.token()
    answers = await asyncio.gather(*(sent(house, data) for _ in range(4)))
    ids = {tuple(one["outcome"]["id"] for one in answer["files"]) for _, answer in answers}
    assert len(ids) == 1
    assert await count(house) == 20


async def test_a_large_file_without_waiting_is_received_and_read_later(house: House) -> None:
    status, answer = await sent(house, archive({"c.csv": LARGE}))
    (found,) = answer["files"]
    assert (status, found["status"], found["outcome"]["state"]) == (207, 202, "received")
    where = f"/v1/submissions/{found['outcome']['id']}"
    _, outcome, _ = await house.employer.call("GET", where, params={"wait": 30})
    assert outcome["rows"]["accepted"] == 2_000


async def test_a_request_is_named_for_each_file(house: House) -> None:
    _, answer = await sent(house, archive({"a.csv": SCHEDULE}, request="req_0"))
    assert slug(answer["files"][0]["problem"]) == "request-not-found"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (zipped([("a.csv", SCHEDULE)], None), "archive-not-valid"),
        (
            zipped(
                [("a.csv", SCHEDULE), ("b.csv", other(1))],
                manifest_of(listed("a.csv", SCHEDULE), listed("b.csv", SCHEDULE)),
            ),
            "digest-mismatch",
        ),
        (archive({"a.csv": SCHEDULE})[:-30], "archive-not-valid"),
        (b"PK", "archive-not-valid"),
        (b"", "body-empty"),
        (archive({"a.csv": SCHEDULE, "b.csv": bytes(5_000_000)}), "decompression-limit"),
    ],
)
async def test_an_archive_that_is_refused_whole_leaves_nothing(
    house: House, data: bytes, found: str
) -> None:
    size = house.gateway.store.evidence.size
    status, answer = await sent(house, data)
    assert status >= 400
    assert slug(answer) == found
    assert house.gateway.store.evidence.size == size
    assert await count(house) == 0
    assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_headers_of_an_archive_are_checked(house: House) -> None:
    data = archive({"a.csv": SCHEDULE})
    wrong = base64.b64encode(bytes(32)).decode()
    for headers, found in (
        ({"Content_Encoding": "gzip"}, "content-encoding-unknown"),
        ({"Content_Digest": f"sha-256=:{wrong}:"}, "digest-mismatch"),
        ({"Content_Digest": "x"}, "digest-not-valid"),
        ({"Idempotency_Key": "x" * 65}, "idempotency-key-not-valid"),
    ):
        _, answer = await sent(house, data, **headers)
        assert slug(answer) == found
    _, answer, _ = await house.tracing.submit(data, ZIP)
    assert slug(answer["files"][0]["problem"]) == "class-not-entitled"


async def test_nothing_of_an_archive_is_in_the_clear_on_the_disk(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n}.csv": other(n) for n in range(600)}
    data = zipped(
        list(files.items()),
        manifest_of(*(listed(*one) for one in files.items())),
        zipfile.ZIP_STORED,
    )
    seen: list[bytes] = []
    discard = house.gateway.store.bodies.discard

    def watched(name: str) -> None:
        seen.extend(path.read_bytes() for path in tmp_path.rglob("zip_*"))
        discard(name)

    monkeypatch.setattr(house.gateway.store.bodies, "discard", watched)
    status, answer = await sent(house, data)
    assert (status, len(answer["files"])) == (207, 600)
    assert any(len(each) > len(data) for each in seen)
    assert not any(word in each for each in seen for word in (b"Marsh", b"manifest", b"PK\x01\x02"))
    assert not list(tmp_path.rglob("zip_*"))


async def test_an_archive_comes_in_parts_too(house: House) -> None:
    tus = {"Tus-Resumable": "1.0.0"}
    data = archive({"a.csv": SCHEDULE, "b.csv": other(2)})
    kind = base64.b64encode(ZIP.encode()).decode()
    head = tus | {"Upload-Length": str(len(data)), "Upload-Metadata": f"content-type {kind}"}
    _, _, headers = await house.employer.call("POST", "/v1/uploads", headers=head)
    status, answer = 0, None
    for at in range(0, len(data), 500):
        part = tus | {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
        status, answer, _ = await house.employer.call(
            "PATCH", headers["Location"], headers=part, data=data[at : at + 500]
        )
    assert status == 207
    assert [one["status"] for one in answer["files"]] == [201, 201]
    _, _, stands = await house.employer.call("HEAD", headers["Location"], headers=tus)
    assert stands["Upload-Offset"] == str(len(data))
    part = tus | {
        "Upload-Offset": str(len(data)),
        "Content-Type": "application/offset+octet-stream",
    }
    again = await house.employer.call("PATCH", headers["Location"], headers=part, data=b"")
    assert again[:2] == (207, answer)
    assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_an_archive_too_large_is_refused_by_length_and_by_count(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    data = zipped([("a.csv", bytes(200_000))], b"{}", zipfile.ZIP_STORED)

    async def streamed() -> Any:
        for at in range(0, len(data), 10_000):
            yield data[at : at + 10_000]

    async with house_in(tmp_path, pki, names=("employer",), body_limit_bytes=100_000) as house:
        for body in (data, streamed()):
            call = house.employer.call(
                "POST", "/v1/submissions", headers={"Content-Type": ZIP}, data=body
            )
            status, answer, _ = await call
            assert (status, slug(answer)) == (413, "body-too-large")


async def test_a_file_of_an_archive_brings_refused_rows_again(house: House) -> None:
    in_part = SCHEDULE.replace(b"AA000017A", b"QQ1")
    _, first, _ = await house.employer.submit(in_part, "text/csv")
    _, answer = await sent(house, archive({"a.csv": SCHEDULE}, completes=first["id"]))
    (file,) = answer["files"]
    assert file["outcome"]["rows"] == {"accepted": 1, "refused": 0, "nil": 0}
    _, answer = await sent(house, archive({"a.csv": SCHEDULE}, completes="sub_0"))
    assert answer["files"][0]["problem"]["type"].endswith("/not-open")
