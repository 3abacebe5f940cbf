"""The shelf: pages in order without gaps, cursors, waiting, acknowledgement, and proofs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.core.cursor import write_cursor
from gateway.judge.feed import verify_feed
from tests.conftest import SAMPLES, House
from tests.schedules import schedule

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


def rows(first: int, count: int) -> bytes:
    return schedule(
        *(
            f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Surname,150.00,150.00,"
            for n in range(first, first + count)
        )
    )


async def read_all(
    house: House, limit: int, **query: Any
) -> tuple[list[dict[str, Any]], list[int]]:
    found: list[dict[str, Any]] = []
    sizes = []
    cursor = None
    while True:
        lines = await house.tracing.feed(
            "tracing",
            limit=limit,
            **({} if cursor is None else {"after": cursor}),
            **query,
        )
        page = lines[-1]["page"]
        found += [line["record"] for line in lines if "record" in line]
        sizes.append(page["count"])
        cursor = page["next"]
        if not page["more"]:
            return found, sizes


async def test_pages_of_any_size_show_every_record_once_and_in_order(house: House) -> None:
    for first, count in ((1, 300), (1_000, 1), (2_000, 700)):
        status, _, _ = await house.employer.submit(rows(first, count), "text/csv", Prefer="wait=30")
        assert status == 201
    for limit in (1_000, 257, 256, 100, 1_001):
        found, sizes = await read_all(house, limit)
        assert [record["seq"] for record in found] == list(range(1, 1_002))
        assert sum(sizes) == 1_001
        assert len({(r["submission"], r["row"]) for r in found}) == 1_001


async def test_a_saved_feed_verifies_with_the_key_alone(house: House) -> None:
    await house.employer.submit(rows(1, 600), "text/csv", Prefer="wait=30")
    _, raw, _ = await house.tracing.call("GET", "/v1/feeds/tracing", params={"limit": 400})
    vkey = house.gateway.ring.evidence.vkey
    verdict = verify_feed(raw.splitlines(), vkey)
    assert verdict.ok, verdict.findings
    assert verdict.records == 400
    lines = [json.loads(line) for line in raw.splitlines()]
    shown = next(line for line in lines if ".record." in line["type"])
    shown["data"]["groups"]["who"]["value"]["surname"] = "Other"
    forged = [json.dumps(line, separators=(",", ":")).encode() for line in lines]
    assert not verify_feed(forged, vkey).ok


async def test_an_empty_feed_has_an_empty_page_with_a_cursor(house: House) -> None:
    lines = await house.tracing.feed("tracing")
    assert len(lines) == 1
    assert lines[0]["page"]["count"] == 0
    assert not lines[0]["page"]["more"]
    again = await house.tracing.feed("tracing", after=lines[0]["page"]["next"])
    assert again[0]["page"]["count"] == 0


async def test_a_long_poll_ends_when_something_arrives(house: House) -> None:
    await house.tracing.token()
    waiting = asyncio.create_task(house.tracing.feed("tracing", wait=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await house.employer.submit(SCHEDULE, "text/csv")
    lines = await asyncio.wait_for(waiting, 5)
    assert lines[-1]["page"]["count"] == 3


async def test_a_long_poll_ends_empty_when_its_time_is_over(house: House) -> None:
    lines = await house.tracing.feed("tracing", wait=1)
    assert lines[-1]["page"]["count"] == 0


async def test_without_a_cursor_reading_goes_on_after_the_acknowledgement(house: House) -> None:
    await house.employer.submit(rows(1, 10), "text/csv")
    lines = await house.tracing.feed("tracing", limit=4)
    status, answer, _ = await house.tracing.call(
        "POST",
        "/v1/feeds/tracing/ack",
        json={"delivered": lines[-1]["page"]["next"]},
    )
    assert (status, answer["delivered"], answer["waiting"]) == (200, 4, 6)
    lines = await house.tracing.feed("tracing", limit=4)
    assert [line["record"]["seq"] for line in lines if "record" in line] == [5, 6, 7, 8]


async def test_each_look_and_each_acknowledgement_is_a_ledger_entry(house: House) -> None:
    await house.employer.submit(SCHEDULE, "text/csv")
    before = house.gateway.store.evidence.size
    lines = await house.tracing.feed("tracing", limit=2)
    entry = json.loads(house.gateway.store.evidence.entry(before))
    assert entry["kind"] == "feed.delivered"
    assert (entry["consumer"], entry["first"], entry["last"]) == ("tracing", 1, 2)
    assert lines[-1]["page"]["read"] == before
    await house.tracing.call(
        "POST",
        "/v1/feeds/tracing/ack",
        json={"delivered": lines[-1]["page"]["next"]},
    )
    entry = json.loads(house.gateway.store.evidence.entry(before + 1))
    assert (entry["kind"], entry["upto"]) == ("feed.retrieved", 2)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"},
        {"after": "MTp0cmFjaW5nOjk5"},
        {"limit": "0"},
        {"limit": "10001"},
        {"limit": "many"},
        {"wait": "31"},
        {"proofs": "2"},
        {"after": "MTpjYWxjdWxhdGlvbjow"},
    ],
)
async def test_a_parameter_that_is_not_valid(house: House, query: dict[str, str]) -> None:
    status, answer, _ = await house.tracing.call("GET", "/v1/feeds/tracing", params=query)
    assert status == 400
    assert answer["type"].endswith("/problems/parameter-not-valid")


async def test_an_acknowledgement_beyond_the_end_is_refused(house: House) -> None:
    for body in ({"delivered": "MTp0cmFjaW5nOjE"}, {"used": 1}, {}, {"used": "x", "y": 1}, []):
        status, _, _ = await house.tracing.call("POST", "/v1/feeds/tracing/ack", json=body)
        assert status in {400, 422}


async def test_proofs_can_be_left_out(house: House) -> None:
    await house.employer.submit(SCHEDULE, "text/csv")
    lines = await house.tracing.feed("tracing", proofs=0)
    assert "leaves" not in lines[0]["block"]
    assert lines[0]["block"]["organisation"] == "employer"


async def test_what_a_reader_who_has_left_never_saw_is_not_entered_as_shown(house: House) -> None:
    await house.tracing.token()
    waiting = asyncio.create_task(house.tracing.feed("tracing", wait=20))
    await asyncio.sleep(0.3)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.2)
    await house.employer.submit(SCHEDULE, "text/csv")
    await asyncio.sleep(0.3)
    evidence = house.gateway.store.evidence
    kinds = [json.loads(evidence.entry(n))["kind"] for n in range(evidence.size)]
    assert "feed.delivered" not in kinds


async def test_reading_begins_at_any_number_whatever_was_acknowledged(house: House) -> None:
    await house.employer.submit(rows(1, 10), "text/csv")
    lines = await house.tracing.feed("tracing")
    cursor = lines[-1]["page"]["next"]
    await house.tracing.call("POST", "/v1/feeds/tracing/ack", json={"delivered": cursor})
    for first, seqs in ((1, range(1, 11)), (7, range(7, 11)), (10, range(10, 11)), (11, ())):
        lines = await house.tracing.feed("tracing", **{"from": first})
        assert [line["record"]["seq"] for line in lines if "record" in line] == list(seqs)
    for wrong in ({"from": 12}, {"from": 0}, {"from": "x"}, {"from": 1, "after": cursor}):
        status, problem, _ = await house.tracing.call("GET", "/v1/feeds/tracing", params=wrong)
        assert status == 400, problem


async def test_a_page_ends_where_its_entry_does_whatever_comes_meanwhile(house: House) -> None:
    await house.employer.submit(rows(1, 4), "text/csv")
    for turn in range(1, 9):
        first = 100 * turn
        got = await asyncio.gather(
            house.employer.submit(rows(first, 1), "text/csv"),
            house.tracing.call("GET", f"/v1/feeds/tracing?after={write_cursor('tracing', 0)}"),
            house.employer.submit(rows(first + 10, 10), "text/csv"),
            house.tracing.call("GET", f"/v1/feeds/tracing?after={write_cursor('tracing', 0)}"),
            house.employer.submit(rows(first + 50, 5), "text/csv"),
        )
        for status, raw, _ in (got[1], got[3]):
            assert status == 200
            assert verify_feed(raw.splitlines(), house.gateway.ring.evidence.vkey).ok
