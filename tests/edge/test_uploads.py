"""Uploads in parts: what a checksum protects, what a disk without room says, and sizes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from gateway.core.limits import MIB
from gateway.store import bodies
from tests.conftest import House
from tests.edge.refused import slug
from tests.schedules import schedule

TUS = {"Tus-Resumable": "1.0.0"}
BODY = schedule(
    *(f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Name,1.00,1.00," for n in range(1, 2_001))
)


async def begin(house: House, length: int) -> tuple[int, Any, dict[str, str]]:
    kind = base64.b64encode(b"text/csv").decode()
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": f"content-type {kind}"}
    return await house.employer.call("POST", "/v1/uploads", headers=headers)


async def part(house: House, path: str, offset: int, data: Any, checksum: str) -> Any:
    headers = TUS | {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Upload-Checksum": checksum,
        "Prefer": "wait=30",
    }
    return await house.employer.call("PATCH", path, headers=headers, data=data)


async def standing(house: House, path: str) -> int:
    _, _, headers = await house.employer.call("HEAD", path, headers=TUS)
    return int(headers["Upload-Offset"])


def checksum(data: bytes, name: str = "sha256") -> str:
    return f"{name} {base64.b64encode(hashlib.new(name, data).digest()).decode()}"


async def test_what_is_spoken_is_told(house: House) -> None:
    _, _, headers = await house.employer.call("OPTIONS", "/v1/uploads")
    assert "checksum" in headers["Tus-Extension"].split(",")
    assert headers["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512"


async def test_parts_whose_checksums_match_become_the_file(house: House) -> None:
    _, _, headers = await begin(house, len(BODY))
    path, at, status, answer = headers["Location"], 0, 0, None
    for name, size in (("sha1", 70_001), ("sha512", 5), ("sha256", len(BODY))):
        piece = BODY[at : at + size]
        status, answer, _ = await part(house, path, at, piece, checksum(piece, name))
        at += len(piece)
    assert (status, answer["rows"]["accepted"]) == (201, 2_000)


async def test_a_part_that_does_not_match_is_not_kept_and_can_be_sent_again(house: House) -> None:
    _, _, headers = await begin(house, len(BODY))
    path = headers["Location"]
    first = BODY[:100_000]
    assert (await part(house, path, 0, first, checksum(first)))[0] == 204
    rest = BODY[100_000:]
    garbled = rest[:-1] + b"x"
    status, answer, _ = await part(house, path, 100_000, garbled, checksum(rest))
    assert (status, slug(answer)) == (460, "checksum-mismatch")
    assert await standing(house, path) == 100_000
    status, answer, _ = await part(house, path, 100_000, rest, checksum(rest))
    assert (status, answer["rows"]["accepted"]) == (201, 2_000)


async def test_a_part_with_a_checksum_that_is_longer_than_the_upload_is_not_kept(
    house: House,
) -> None:
    _, _, headers = await begin(house, 100_000)
    path = headers["Location"]
    assert (await part(house, path, 0, BODY[:150_000], checksum(BODY[:150_000])))[0] == 413
    assert await standing(house, path) == 0


@pytest.mark.parametrize(
    "header", ["md5 AAAA", "sha256", "sha256 AAAA", "sha256 %%%%", "", "sha256 " + "A" * 500]
)
async def test_a_checksum_that_cannot_be_read_is_refused(house: House, header: str) -> None:
    _, _, headers = await begin(house, 10)
    status, answer, _ = await part(house, headers["Location"], 0, b"x", header)
    assert (status, slug(answer)) == (400, "digest-not-valid")
    assert await standing(house, headers["Location"]) == 0


class _Usage(NamedTuple):
    free: int


async def test_a_disk_without_room_says_so_before_a_byte_is_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.employer.token()
    monkeypatch.setattr(bodies.shutil, "disk_usage", lambda _: _Usage(600 * MIB))
    assert (await begin(house, 10 * MIB))[0] == 201
    status, answer, headers = await begin(house, 100 * MIB)
    assert (status, slug(answer), headers["Retry-After"]) == (503, "store-unavailable", "300")
    monkeypatch.setattr(bodies.shutil, "disk_usage", lambda _: _Usage(500 * MIB))

    async def streamed() -> AsyncIterator[bytes]:
        yield BODY

    for body in (BODY, streamed()):
        kind = {"Content-Type": "text/csv"}
        status, answer, _ = await house.employer.call(
            "POST", "/v1/submissions", headers=kind, data=body
        )
        assert (status, slug(answer)) == (503, "store-unavailable")
    assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_five_gibibytes_may_be_sent_and_not_a_byte_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies.shutil, "disk_usage", lambda _: _Usage(1 << 50))
    assert (await begin(house, 5 * 1024 * MIB))[0] == 201
    status, answer, _ = await begin(house, 5 * 1024 * MIB + 1)
    assert (status, slug(answer)) == (413, "body-too-large")
