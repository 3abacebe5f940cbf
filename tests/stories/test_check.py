"""The rehearsal: the same verdict as a submission, and nothing kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import SAMPLES, House
from tests.schedules import schedule

GOOD = "E1,M,2026-10-01,2026-10-31,2026-10-30,000000000017,Marsh,150.00,150.00,"
BAD = "E1,M,2026-10-01,2026-10-31,2026-10-30,WRONG,Okafor,150.00,150.00,"
MANY = [f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},S{n},9.00,9.00," for n in range(1, 1_500)]

BODIES = {
    "good": (schedule(GOOD), "text/csv"),
    "in part": (schedule(GOOD, BAD), "text/csv"),
    "all wrong": (schedule(BAD), "text/csv"),
    "no totals": (schedule(GOOD).partition(b"TOTAL")[0], "text/csv"),
    "not a schedule": (b"a,b\n1,2\n", "text/csv"),
    "unknown type": (b"hello", "text/plain"),
    "empty": (b"", "text/csv"),
    "not well-formed": (b"<a", "application/xml"),
    "xml": ((SAMPLES / "schedule.xml").read_bytes(), "application/xml"),
    "another's format": ((SAMPLES / "bank-answer.xml").read_bytes(), "application/xml"),
    "large": (schedule(*MANY, BAD), "text/csv"),
    "large and wrong": (schedule(*MANY)[:-1], "text/csv"),
}
SAME = ("rows", "notes", "rules", "errors", "type", "title", "detail", "fix", "error_count")


async def post(house: House, path: str, body: bytes, kind: str) -> tuple[int, dict[str, Any]]:
    status, answer, _ = await house.employer.call(
        "POST", path, data=body, headers={"Content-Type": kind, "Prefer": "wait=30"}
    )
    return status, answer


@pytest.mark.parametrize("name", BODIES)
async def test_the_verdict_is_that_of_a_submission(house: House, name: str) -> None:
    body, kind = BODIES[name]
    before = house.gateway.store.evidence.size
    checked_status, checked = await post(house, "/v1/check", body, kind)
    assert house.gateway.store.evidence.size == before, "a rehearsal is not entered"
    status, submitted = await post(house, "/v1/submissions", body, kind)
    if submitted.get("state") == "accepted":
        assert (checked_status, status) == (200, 201)
        assert checked["state"] == "accepted"
    elif submitted.get("state") == "refused":  # a large file's refusal comes as its outcome
        assert checked_status == 422
        assert submitted["errors"] == checked.get("errors", [])
        return
    else:
        assert checked_status == status
    assert {k: checked[k] for k in SAME if k in checked} == {
        k: submitted[k] for k in SAME if k in submitted
    }


async def test_nothing_of_a_rehearsal_is_left(house: House) -> None:
    bodies = house.gateway.store.bodies.directory
    for body, kind in BODIES.values():
        await post(house, "/v1/check", body, kind)
    assert list(bodies.iterdir()) == []
    _, sent, _ = await house.employer.call("GET", "/v1/submissions")
    assert sent["submissions"] == []
    assert [line for line in await house.tracing.feed("tracing") if "record" in line] == []


async def test_a_stranger_hears_no_verdict(house: House) -> None:
    body, kind = BODIES["good"]
    status, answer, _ = await house.tracing.call(
        "POST", "/v1/check", data=body, headers={"Content-Type": kind}
    )
    assert status in {403, 415}
    assert "errors" not in answer
