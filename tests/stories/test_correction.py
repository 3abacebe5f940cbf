"""Corrections: told to exactly those who received the record, and followed until all know."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from gateway import correction
from gateway.core.correcting import Wording
from gateway.core.cursor import write_cursor
from gateway.core.identity import Caller
from gateway.judge.receipt import verify_receipt
from gateway.wiring import clock
from tests.conftest import SAMPLES, House
from tests.schedules import schedule

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
ANSWER = (SAMPLES / "bank-answer.xml").read_bytes()
XML = "application/xml"
FEEDS = ("tracing", "calculation", "enforcement")


async def correct(house: House, submission: str, **said: Any) -> tuple[int, Any]:
    body = {"submission": submission, "status": "incorrect"} | said
    status, answer, _ = await house.employer.call(
        "POST", f"/v1/submissions/{submission}/corrections", json=body
    )
    return status, answer


async def follow(house: House, submission: str) -> list[dict[str, Any]]:
    _, told, _ = await house.employer.call("GET", f"/v1/submissions/{submission}/amendments")
    return list(told["amendments"])


async def corrections(house: House, feed: str) -> list[dict[str, Any]]:
    lines = await house.parties[feed].feed(feed, after=write_cursor(feed, 0))
    return [
        line["record"]["groups"]["change"]["value"]
        for line in lines
        if line.get("record", {}).get("type") == "correction"
    ]


async def test_a_row_that_is_incorrect_is_told_to_everybody_who_received_it(house: House) -> None:
    _, sent, _ = await house.employer.submit(SCHEDULE, "text/csv")
    status, answer = await correct(house, sent["id"], rows=[3], reason="Another employee")
    assert status == 201, answer
    assert verify_receipt(answer["receipt"], house.gateway.ring.evidence.vkey).ok
    for feed in FEEDS:
        assert await corrections(house, feed) == [
            {
                "submission": sent["id"],
                "row": 3,
                "status": "incorrect",
                "reason": "Another employee",
            }
        ]


async def test_a_team_that_did_not_receive_the_record_hears_nothing_of_it(house: House) -> None:
    request = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    _, sent, _ = await house.bank.submit(ANSWER, XML, Request_Id=request)
    status, answer, _ = await house.bank.call(
        "POST", f"/v1/submissions/{sent['id']}/corrections",
        json={"submission": sent["id"], "status": "disputed"},
    )  # fmt: skip
    assert status == 201, answer
    assert len(await corrections(house, "tracing")) == 1
    assert await corrections(house, "calculation") == []
    assert await corrections(house, "enforcement") == []


async def test_the_organisation_sees_when_all_have_taken_note(house: House) -> None:
    _, sent, _ = await house.employer.submit(SCHEDULE, "text/csv")
    await correct(house, sent["id"], status="withdrawn")
    (told,) = await follow(house, sent["id"])
    assert (told["how"], told["acknowledged"]) == ("withdrawn", False)
    assert [feed["feed"] for feed in told["feeds"]] == sorted(FEEDS)
    for number, feed in enumerate(FEEDS, start=1):
        lines = await house.parties[feed].feed(feed, after=write_cursor(feed, 0))
        cursor = lines[-1]["page"]["next"]
        await house.parties[feed].call("POST", f"/v1/feeds/{feed}/ack", json={"delivered": cursor})
        (told,) = await follow(house, sent["id"])
        assert sum(each["acknowledged"] for each in told["feeds"]) == number
    assert told["acknowledged"] is True


async def test_a_submission_is_superseded_by_a_later_one_of_the_same_sender(house: House) -> None:
    _, old, _ = await house.employer.submit(SCHEDULE, "text/csv")
    row = "E1,M,2026-10-01,2026-10-31,2026-10-30,000000000017,Marsh,150.00,150.00,"
    _, new, _ = await house.employer.submit(schedule(row), "text/csv")
    status, _ = await correct(house, old["id"], status="superseded", replaced_by=new["id"])
    assert status == 201
    (change,) = await corrections(house, "tracing")
    assert (change["status"], change["replaced_by"]) == ("superseded", new["id"])
    for said in (
        {"status": "superseded"},
        {"status": "superseded", "replaced_by": old["id"]},
        {"status": "superseded", "replaced_by": "sub_00000000000000000000000000"},
        {"status": "incorrect", "replaced_by": new["id"]},
    ):
        status, answer = await correct(house, old["id"], **said)
        assert (status, answer["type"].rpartition("/")[2]) == (400, "parameter-not-valid")


async def test_the_same_correction_twice_is_one(house: House) -> None:
    _, sent, _ = await house.employer.submit(SCHEDULE, "text/csv")
    _, first = await correct(house, sent["id"], rows=[2])
    status, second = await correct(house, sent["id"], rows=[2])
    assert status == 200
    assert (second["id"], second["receipt"]) == (first["id"], first["receipt"])
    assert len(await corrections(house, "tracing")) == 1


async def test_nobody_corrects_what_is_not_theirs_or_not_there(house: House) -> None:
    _, sent, _ = await house.employer.submit(SCHEDULE, "text/csv")
    path = f"/v1/submissions/{sent['id']}/corrections"
    body = {"submission": sent["id"], "status": "withdrawn"}
    status, answer, _ = await house.bank.call("POST", path, json=body)
    assert (status, answer["type"].rpartition("/")[2]) == (404, "not-found")
    status, _, _ = await house.bank.call("GET", f"/v1/submissions/{sent['id']}/amendments")
    assert status == 404
    status, _ = await correct(house, sent["id"], rows=[999])
    assert status == 400
    _, done = await correct(house, sent["id"], status="withdrawn")
    status, _ = await correct(house, done["id"], status="withdrawn")
    assert status == 400, "a correction is not corrected"
    for feed in FEEDS:
        assert len(await corrections(house, feed)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"status":"withdrawn"}', b'{"submission":"X","status":"lost"}',
        b'{"submission":"X","status":"withdrawn","rows":[0]}',
        b'{"submission":"X","status":"withdrawn","rows":["2"]}',
        b'{"submission":"X","status":"withdrawn","extra":1}',
        b'{"submission":"X","status":"withdrawn","status":"disputed"}',
        json.dumps({"submission": "X", "status": "disputed", "reason": "r" * 501}).encode(),
        json.dumps({"submission": "X", "status": "disputed", "rows": [*range(1, 1_002)]}).encode(),
    ],
    ids=range(11),
)  # fmt: skip
async def test_a_correction_that_cannot_be_read_is_refused(house: House, body: bytes) -> None:
    _, sent, _ = await house.employer.submit(SCHEDULE, "text/csv")
    status, answer, _ = await house.employer.call(
        "POST",
        f"/v1/submissions/{sent['id']}/corrections",
        data=body.replace(b'"X"', json.dumps(sent["id"]).encode()),
    )
    assert status in {400, 422}
    assert answer["fix"]
    assert await follow(house, sent["id"]) == []


async def test_a_row_of_several_records_is_told_to_who_received_any_of_them(house: House) -> None:
    types = ("employment", "earnings")
    request = await house.ask("calculation", "employer", *types)
    content = (SAMPLES / "fps.xml").read_bytes()
    status, sent, _ = await house.employer.submit(content, XML, Request_Id=request)
    assert status == 201, sent
    gateway = house.gateway
    clerk = correction.Clerk(
        gateway.store.corrections, gateway.ring, gateway.law.version, clock, os.urandom, str
    )
    caller = Caller("employer", "organisation", frozenset({"employer"}), "", frozenset(), "")
    found = correction.find(caller, sent["id"], clerk)
    shown = found.views["calculation"]
    for feed, name in zip(("calculation", "tracing"), types, strict=True):
        found.views[feed] = {name: shown[name]}
    said = Wording(sent["id"], "incorrect", rows=(1,))
    told = await correction.receivers(found, said, clerk)
    assert sorted(told) == ["calculation", "tracing"]
