"""The way in, end to end: what is accepted, what comes out, and what a repeat gets."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
from typing import Any

import pytest

from gateway.judge.receipt import verify_receipt
from tests.conftest import SAMPLES, House
from tests.schedules import HEADER, schedule, total

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
CSV = "text/csv"


def records(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line["record"] for line in lines if "record" in line]


async def test_a_schedule_is_accepted_and_every_team_sees_only_its_groups(house: House) -> None:
    status, answer, headers = await house.employer.submit(SCHEDULE, CSV)
    assert status == 201
    assert answer["rows"] == {"accepted": 3, "refused": 0, "nil": 0}
    assert headers["Location"] == f"/v1/submissions/{answer['id']}"
    seen = {}
    for feed in ("tracing", "calculation", "enforcement"):
        found = records(await house.parties[feed].feed(feed))
        assert [record["row"] for record in found] == [2, 3, 4]
        seen[feed] = found[2]
    assert set(seen["tracing"]["groups"]) == {"who", "where", "work", "case"}
    assert set(seen["calculation"]["groups"]) == {"who", "work", "pay", "case"}
    assert set(seen["enforcement"]["groups"]) == {"who", "work", "deduction", "case"}
    assert seen["tracing"]["groups"]["where"]["value"]["postcode"] == "SW1A 1AA"
    assert seen["calculation"]["groups"]["pay"]["value"]["net_pence"] == 31_040
    assert set(seen["tracing"]["withheld"]) == {"pay", "deduction"}
    assert "31040" not in str(seen["tracing"])
    assert "Example Street" not in str(seen["calculation"])


async def test_rows_in_error_come_back_and_the_others_are_kept(house: House) -> None:
    body = schedule(
        "E1,M,2026-10-01,2026-10-31,2026-10-30,100000000017,Marsh,150.00,150.00,",
        "E1,M,2026-10-01,2026-10-31,2026-10-30,100000000025,Okafor,150.00,100.00,",
        "E1,M,2026-10-01,2026-10-31,2026-10-30,SECRET-12345,Reyes,150.00,150.00,",
    )
    status, answer, _ = await house.employer.submit(body, CSV)
    assert status == 201
    assert answer["rows"] == {"accepted": 1, "refused": 2, "nil": 0}
    assert [(e["row"], e["field"], e["code"]) for e in answer["errors"]] == [
        (3, "reason_code", "REASON_MISSING"),
        (4, "employee_cm_ref", "CMS_REFERENCE_NOT_VALID"),
    ]
    assert all(e["message"] and e["fix"] for e in answer["errors"])
    assert "SECRET-12345" not in str(answer)
    status, later, _ = await house.employer.call(
        "GET",
        f"/v1/submissions/{answer['id']}/errors",
    )
    assert status == 200
    assert later["errors"] == answer["errors"]


async def test_row_errors_can_be_had_as_csv(house: House) -> None:
    body = schedule(
        "E1,M,2026-10-01,2026-10-31,2026-10-30,100000000017,Marsh,150.00,150.00,",
        "E1,M,2026-10-01,2026-10-31,2026-10-30,1,Reyes,150.00,150.00,",
    )
    _, answer, _ = await house.employer.submit(body, CSV)
    _, text, _ = await house.employer.call(
        "GET",
        f"/v1/submissions/{answer['id']}/errors",
        headers={"Accept": "text/csv"},
    )
    lines = text.decode().splitlines()
    assert lines[0] == "row,field,code,message,fix,row_key"
    assert lines[1].startswith("3,employee_cm_ref,CMS_REFERENCE_NOT_VALID,")


async def test_a_file_refused_whole_leaves_nothing_but_its_ledger_entry(house: House) -> None:
    body = HEADER + b"E1,M,2026-10-01,2026-10-31,2026-10-30,100000000017,Marsh,150.00,150.00,\r\n"
    status, answer, _ = await house.employer.submit(body, CSV)
    assert status == 422
    assert answer["type"].endswith("/problems/file-rule")
    assert answer["errors"][0]["code"] == "CONTROL_TOTAL_MISSING"
    assert answer["receipt"].startswith("c2sp.org/tlog-proof@v1\n")
    for table in ("submission", "body", "block", "feed_item", "idempotency"):
        rows = house.gateway.store._reader.execute(f"SELECT count(*) FROM {table}").fetchall()
        assert rows == [(0,)], table
    assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_the_same_key_and_bytes_get_the_first_answer_and_say_so(house: House) -> None:
    first = await house.employer.submit(SCHEDULE, CSV, Idempotency_Key='"pay-2026-10"')
    again = await house.employer.submit(SCHEDULE, CSV, Idempotency_Key='"pay-2026-10"')
    assert (first[0], again[0]) == (201, 200)
    assert again[2]["Idempotency-Replayed"] == "true"
    assert again[1]["repeat"]
    assert not first[1]["repeat"]
    assert again[1] | {"repeat": False} == first[1]


async def test_the_same_file_twice_without_a_key_is_one_submission(house: House) -> None:
    first = await house.employer.submit(SCHEDULE, CSV)
    again = await house.employer.submit(SCHEDULE, CSV)
    assert (first[0], again[0]) == (201, 200)
    assert first[1]["receipt"] == again[1]["receipt"]
    assert len(records(await house.tracing.feed("tracing"))) == 3


async def test_the_same_key_with_another_body_is_refused(house: House) -> None:
    await house.employer.submit(SCHEDULE, CSV, Idempotency_Key="k1")
    other = SCHEDULE.replace(b"Tamsin", b"Thomas")
    status, answer, _ = await house.employer.submit(other, CSV, Idempotency_Key="k1")
    assert status == 422
    assert answer["type"].endswith("/problems/idempotency-key-reused")


async def test_a_key_is_the_organisations_own(house: House) -> None:
    await house.employer.submit(SCHEDULE, CSV, Idempotency_Key="shared")
    request = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    body = (SAMPLES / "bank-answer.xml").read_bytes()
    status, _, _ = await house.bank.submit(
        body,
        "application/xml",
        Idempotency_Key="shared",
        Request_Id=request,
    )
    assert status == 201


async def test_a_key_whose_first_request_still_runs_is_refused(house: House) -> None:
    async def slowly() -> Any:
        yield SCHEDULE[:100]
        await asyncio.sleep(0.5)
        yield SCHEDULE[100:]

    await house.employer.token()
    slow = asyncio.create_task(house.employer.submit(slowly(), CSV, Idempotency_Key="k"))
    await asyncio.sleep(0.2)
    status, answer, headers = await house.employer.submit(SCHEDULE, CSV, Idempotency_Key="k")
    assert status == 409
    assert answer["type"].endswith("/problems/idempotency-key-in-flight")
    assert headers["Retry-After"] == "1"
    assert (await slow)[0] == 201


async def test_a_repeat_of_something_that_failed_is_not_a_repeat(house: House) -> None:
    failed = SCHEDULE.replace(b"437.50", b"437.51")
    status, _, _ = await house.employer.submit(failed, CSV, Idempotency_Key="k")
    assert status == 422
    status, answer, _ = await house.employer.submit(failed, CSV, Idempotency_Key="k")
    assert status == 422
    assert answer["type"].endswith("/problems/file-rule")
    status, answer, _ = await house.employer.submit(SCHEDULE, CSV, Idempotency_Key="k")
    assert status == 201
    assert not answer["repeat"]


async def test_a_hundred_at_once_with_one_key_are_one_submission(house: House) -> None:
    await house.employer.token()
    answers = await asyncio.gather(
        *(house.employer.submit(SCHEDULE, CSV, Idempotency_Key="k") for _ in range(100)),
    )
    statuses = [status for status, _, _ in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 409}
    assert len({a["id"] for status, a, _ in answers if status != 409}) == 1


async def test_a_large_file_is_first_received_and_then_accepted(house: House) -> None:
    body = schedule(*many(2_000))
    status, answer, _ = await house.employer.submit(body, CSV)
    assert status == 202
    assert answer["state"] == "received"
    status, later, _ = await house.employer.call(
        "GET",
        f"/v1/submissions/{answer['id']}",
        params={"wait": 30},
    )
    assert later["state"] == "accepted"
    assert later["rows"]["accepted"] == 2_000
    assert later["receipt"] != answer["receipt"]
    assert len(records(await house.tracing.feed("tracing", limit=5_000))) == 2_000


async def test_a_sender_who_prefers_to_wait_hears_the_outcome_at_once(house: House) -> None:
    body = schedule(*many(1_000))
    status, answer, _ = await house.employer.submit(body, CSV, Prefer="wait=30")
    assert status == 201
    assert answer["rows"]["accepted"] == 1_000


async def test_a_large_file_refused_later_says_why_and_keeps_no_content(house: House) -> None:
    body = schedule(*many(1_000)).replace(b"TOTAL,1000", b"TOTAL,1001")
    _, answer, _ = await house.employer.submit(body, CSV)
    _, later, _ = await house.employer.call(
        "GET",
        f"/v1/submissions/{answer['id']}",
        params={"wait": 30},
    )
    assert later["state"] == "refused"
    assert later["errors"][0]["code"] == "CONTROL_TOTAL_MISMATCH"
    assert list(house.gateway.store.bodies.directory.iterdir()) == []
    status, _, _ = await house.employer.submit(schedule(*many(1_000)), CSV, Prefer="wait=30")
    assert status == 201


async def test_gzip_is_undone_and_the_receipt_is_about_the_file(house: House) -> None:
    status, answer, _ = await house.employer.submit(
        gzip.compress(SCHEDULE),
        CSV,
        Content_Encoding="gzip",
    )
    assert status == 201
    claims = claims_of(answer["receipt"])
    assert claims["content"]["size"] == len(SCHEDULE)
    digest = base64.urlsafe_b64decode(claims["content"]["sha-256"] + "=")
    assert digest == hashlib.sha256(SCHEDULE).digest()


async def test_a_content_digest_is_checked_on_the_bytes_of_the_wire(house: House) -> None:
    wire = gzip.compress(SCHEDULE)
    digest = base64.b64encode(hashlib.sha256(wire).digest()).decode()
    status, _, _ = await house.employer.submit(
        wire,
        CSV,
        Content_Encoding="gzip",
        Content_Digest=f"sha-256=:{digest}:",
    )
    assert status == 201


async def test_the_receipt_says_who_what_when_and_why(house: House) -> None:
    _, answer, _ = await house.employer.submit(SCHEDULE, CSV)
    claims = claims_of(answer["receipt"])
    assert claims["organisation"] == "employer"
    assert claims["class"] == "employer"
    assert claims["client"] == {
        "id": "employer-client",
        "x5t#S256": house.employer.issued.thumbprint,
    }
    assert claims["outcome"] == "accepted"
    assert claims["rows"] == {"accepted": 3, "refused": 0, "nil": 0}
    assert claims["delivery"] == {
        "instant": "recorded_at",
        "basis": "SI 2009/3151 Sch 1 para 4(1)(a)",
    }
    assert claims["rules"] == house.gateway.law.version


async def test_a_nil_schedule_is_a_nil_return(house: House) -> None:
    status, answer, _ = await house.employer.submit(HEADER + total(0, 0), CSV)
    assert status == 201
    assert answer["rows"] == {"accepted": 1, "refused": 0, "nil": 1}
    found = records(await house.enforcement.feed("enforcement"))
    assert found[0]["type"] == "nil_return"


@pytest.mark.parametrize("sample", ["bank-answer.xml", "bank-answer-soap.xml"])
async def test_a_banks_answer_shows_tracing_the_address_and_calculation_the_money(
    house: House,
    sample: str,
) -> None:
    request = await house.ask(
        "tracing",
        "bank",
        "account",
        "party",
        "safe_deposit_box",
    )
    status, answer, _ = await house.bank.submit(
        (SAMPLES / sample).read_bytes(),
        "application/xml",
        Request_Id=request,
    )
    assert status == 201, answer
    shown = records(await house.tracing.feed("tracing"))
    accounts = [record for record in shown if record["type"] == "account"]
    assert accounts
    assert all("balance" not in record["groups"] for record in accounts)
    assert any("where" in record["groups"] for record in accounts)
    assert records(await house.calculation.feed("calculation")) == []


async def test_an_answer_shows_each_consumer_only_what_it_asked_for(house: House) -> None:
    request = await house.ask("calculation", "bank", "account")
    await house.bank.submit(
        (SAMPLES / "bank-answer.xml").read_bytes(),
        "application/xml",
        Request_Id=request,
    )
    shown = records(await house.calculation.feed("calculation"))
    assert {record["type"] for record in shown} <= {"account", "nil_return"}
    accounts = [record for record in shown if record["type"] == "account"]
    assert any("balance" in record["groups"] for record in accounts)
    assert all("where" not in record["groups"] for record in accounts)
    assert records(await house.tracing.feed("tracing")) == []


async def test_what_an_organisation_sent_is_listed_newest_first(house: House) -> None:
    ids = []
    for name in ("Ann", "Ben", "Cat"):
        body = SCHEDULE.replace(b"Tamsin", name.encode())
        _, answer, _ = await house.employer.submit(body, CSV)
        ids.append(answer["id"])
    _, listed, _ = await house.employer.call("GET", "/v1/submissions", params={"limit": 2})
    assert [one["id"] for one in listed["submissions"]] == [ids[2], ids[1]]
    _, rest, _ = await house.employer.call(
        "GET",
        "/v1/submissions",
        params={"before": ids[1]},
    )
    assert [one["id"] for one in rest["submissions"]] == [ids[0]]


def many(rows: int) -> list[str]:
    return [
        f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Surname,150.00,150.00,"
        for n in range(1, rows + 1)
    ]


def claims_of(receipt: str) -> dict[str, Any]:
    extra = json.loads(base64.b64decode(receipt.split("\n")[1].removeprefix("extra ")))
    payload = extra["receipt"].split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


async def test_the_receipt_of_a_refusal_names_the_file_that_was_refused(house: House) -> None:
    for body, found in (
        (SCHEDULE.replace(b"437.50", b"437.51"), "deduction-schedule.csv.v1"),
        (b"%PDF-1.7 " + bytes(200), None),
        (b"%PDF-1.7 " * 30_000, None),
    ):
        status, answer, _ = await house.employer.submit(body, CSV)
        assert status in {415, 422}
        claims = claims_of(answer["receipt"])
        assert claims["outcome"] == "refused"
        assert claims["format"] == found
        assert claims["content"]["size"] == len(body)
        digest = base64.urlsafe_b64decode(claims["content"]["sha-256"] + "=")
        assert digest == hashlib.sha256(body).digest()
        vkey = house.gateway.ring.evidence.vkey
        assert verify_receipt(answer["receipt"], vkey, digest=digest).ok
        assert list(house.gateway.store.bodies.directory.iterdir()) == []


async def test_every_error_of_a_small_file_that_is_refused_is_told(house: House) -> None:
    rows = [line.replace("Surname", "") for line in many(500)]
    status, answer, _ = await house.employer.submit(schedule(*rows), CSV)
    assert status == 422
    assert len(answer["errors"]) == answer["error_count"] == 500
