"""Many requests from one file, and one answer to a list of them."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from gateway.judge.receipt import verify_receipt
from tests.asking import LINES, Story, address_of, identity, lines, story_in

BULK = "/v1/requests/bulk"
PEOPLE = [
    {"surname": "Marsh", "forenames": "Tamsin", "date_of_birth": "1988-03-14", "nino": "AA000017A"},
    {"surname": "Okafor", "forenames": "Daniel", "date_of_birth": "1979-11-02"},
    {"surname": "Reyes", "forenames": "Ines", "date_of_birth": "1990-01-31"},
]


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki) as opened:
        await opened.connected("bank", "employer")
        yield opened


def row(story: Story, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "organisation": "bank",
        "purposes": ["IDENTIFY_TRACE"],
        "citation": "SI 2008/2551 reg 4(1)",
        "record_types": ["identity"],
        "subject": subject,
        "due": (story.time.day + dt.timedelta(days=20)).isoformat(),
    } | more


def as_csv(story: Story, *people: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    names = "organisation,purposes,record_types,citation,due,surname,forenames,date_of_birth,nino"
    writer = csv.DictWriter(text, names.split(","), restval="")
    writer.writeheader()
    for person in people:
        told = row(story, {})
        del told["subject"]
        lists = {name: " ".join(told[name]) for name in ("purposes", "record_types")}
        writer.writerow(told | lists | person)
    return text.getvalue().encode()


async def raised(story: Story, body: bytes, kind: str, status: int = 207) -> Any:
    headers = {"Content-Type": kind}
    found, told, _ = await story.house.tracing.call("POST", BULK, data=body, headers=headers)
    assert found == status, told
    await story.quiet()
    return told


async def a_list(story: Story, **more: Any) -> tuple[str, list[str]]:
    """A list of three people for the bank; its id, and those of its requests."""
    body = lines(*(row(story, person, **more) for person in PEOPLE))
    told = await raised(story, body, LINES)
    return batch_of(told, "bank"), [each["id"] for each in told["requests"]]


def batch_of(told: Any, organisation: str) -> str:
    """The one list that a file made for an organisation."""
    (batch,) = [batch for batch, party in told["batches"].items() if party == organisation]
    return str(batch)


async def listed(story: Story, name: str, batch: str, accept: str) -> bytes:
    headers = {"Accept": accept}
    party = story.house.parties[name]
    status, body, _ = await party.call("GET", f"/v1/batches/{batch}", headers=headers)
    assert status == 200, body
    return bytes(body)


# --- raised ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/csv", LINES, "application/jsonl"])
async def test_each_row_is_a_request_and_the_same_file_raises_once(story: Story, kind: str) -> None:
    people = [row(story, person) for person in PEOPLE]
    body = as_csv(story, *PEOPLE) if kind == "text/csv" else lines(*people)
    told = await raised(story, body, kind)
    assert (told["repeat"], [each["row"] for each in told["requests"]]) == (False, [1, 2, 3])
    assert told["refused"] == []
    requests = [each["id"] for each in told["requests"]]
    assert {story.state(request) for request in requests} == {"served"}
    subjects = [(await story.look("tracing", each))["subject"]["surname"] for each in requests]
    assert subjects == ["Marsh", "Okafor", "Reyes"]
    size = story.store.evidence.size
    again = await raised(story, body, kind, 200)
    assert again["repeat"]
    assert {each["id"] for each in again["requests"]} == set(requests)
    assert again["batches"] == told["batches"]
    assert story.store.evidence.size == size
    assert len(story.store.requests.requests(consumer="tracing")) == 3


async def test_a_long_file_sent_twice_at_once_is_raised_once_and_whole(story: Story) -> None:
    people = [row(story, PEOPLE[0] | {"surname": f"Marsh{n}"}) for n in range(450)]
    headers, body = {"Content-Type": LINES}, lines(*people)
    answers = await asyncio.gather(
        *(story.house.tracing.call("POST", BULK, data=body, headers=headers) for _ in range(3))
    )
    assert sorted(status for status, _, _ in answers) == [200, 200, 207]
    told = [{each["id"] for each in answer["requests"]} for _, answer, _ in answers]
    assert told[0] == told[1] == told[2]
    assert len(told[0]) == 450
    await story.quiet()
    assert len(story.entries("request.raised")) == 450


async def test_rows_that_the_law_does_not_allow_are_named_and_the_others_go(story: Story) -> None:
    wrong = [
        row(story, PEOPLE[0], purposes=["COLLECT_ENFORCE"]),
        row(story, PEOPLE[0], record_types=["earnings"]),
        row(story, PEOPLE[0], organisation="nobody"),
        row(story, PEOPLE[0], due="2020-01-01"),
        row(story, PEOPLE[0] | {"nino": "WRONG"}),
    ]
    told = await raised(story, lines(*wrong, row(story, PEOPLE[1])), LINES)
    assert [each["row"] for each in told["refused"]] == [1, 2, 3, 4, 5]
    assert told["refused"][0]["code"] == "no-purpose"
    assert [each["row"] for each in told["requests"]] == [6]
    said = json.dumps(told["refused"])
    assert "Marsh" not in said
    assert "WRONG" not in said


async def test_each_organisation_has_its_own_list(story: Story) -> None:
    body = lines(row(story, PEOPLE[0]), row(story, PEOPLE[1], organisation="employer"))
    told = await raised(story, body, LINES)
    assert sorted(told["batches"].values()) == ["bank", "employer"]
    assert b"Okafor" not in await listed(story, "bank", batch_of(told, "bank"), LINES)
    path = f"/v1/batches/{batch_of(told, 'employer')}"
    assert (await story.house.bank.call("GET", path))[0] == 404
    assert (await story.house.enforcement.call("GET", path))[0] == 404
    assert (await story.house.bank.call("POST", f"{path}/close"))[0] == 404


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"", LINES, "body-empty"),
        (b"{", LINES, "json-not-well-formed"),
        (b"[]", LINES, "json-not-valid"),
        (b"surname\r\nMarsh\r\n", "text/csv", "csv-not-well-formed"),
        (b"organisation,shoe_size\r\nbank,9\r\n", "text/csv", "csv-not-well-formed"),
        (b"\xff\xfe", "text/csv", "character-set"),
        (b"<x/>", "application/xml", "content-type-unknown"),
    ],
)
async def test_a_file_that_cannot_be_read_raises_nothing(
    story: Story, body: bytes, kind: str, code: str
) -> None:
    headers = {"Content-Type": kind}
    status, told, _ = await story.house.tracing.call("POST", BULK, data=body, headers=headers)
    assert 400 <= status < 500
    assert told["type"].endswith(f"/{code}")
    assert story.store.requests.requests() == []


async def test_only_consumers_ask(story: Story) -> None:
    headers, body = {"Content-Type": LINES}, lines(row(story, PEOPLE[0]))
    status, told, _ = await story.house.bank.call("POST", BULK, data=body, headers=headers)
    assert (status, told["type"].rsplit("/", 1)[-1]) == (403, "not-permitted")


# --- fetched --------------------------------------------------------------------------------------


async def test_the_list_tells_the_least_of_each(story: Story) -> None:
    batch, requests = await a_list(story)
    told = [json.loads(line) for line in (await listed(story, "bank", batch, LINES)).splitlines()]
    assert [each["request"] for each in told] == sorted(requests)
    assert told[0]["subject"].keys() == {"kind", "surname", "forenames", "date_of_birth"}
    assert b"AA000017A" not in await listed(story, "bank", batch, LINES)
    text = (await listed(story, "bank", batch, "text/csv")).decode()
    found = list(csv.DictReader(io.StringIO(text)))
    assert sorted(each["surname"] for each in found) == ["Marsh", "Okafor", "Reyes"]
    assert found[0].keys() == {"reference", "due", "surname", "forenames", "date_of_birth"}
    assert [each["reference"] for each in found] == sorted(requests)


async def test_no_cell_of_the_list_is_a_formula(story: Story) -> None:
    person = {"surname": "=1+1", "forenames": "@SUM(A1)", "date_of_birth": "1988-03-14"}
    told = await raised(story, lines(row(story, person)), LINES)
    text = (await listed(story, "bank", batch_of(told, "bank"), "text/csv")).decode()
    (found,) = csv.DictReader(io.StringIO(text))
    assert (found["surname"], found["forenames"]) == ("'=1+1", "'@SUM(A1)")


# --- answered -------------------------------------------------------------------------------------


async def test_hits_alone_are_sent_and_the_rest_is_closed(story: Story) -> None:
    batch, requests = await a_list(story)
    sent = await story.send("bank", lines(identity(nino="AA000017A")), Request_Id=batch)
    await story.quiet()
    assert [story.state(each) for each in requests] == ["answered", "served", "served"]
    status, told, _ = await story.house.bank.call("POST", f"/v1/batches/{batch}/close")
    assert (status, told["closed"]) == (201, 2)
    assert verify_receipt(told["outcome"]["receipt"], story.vkey).ok
    assert {story.state(each) for each in requests} == {"answered"}
    last = [story.store.requests.history(each)[-1].submission for each in requests]
    assert last == [sent["id"], told["outcome"]["id"], told["outcome"]["id"]]
    _, owed, _ = await story.house.tracing.call("GET", "/v1/obligations")
    assert owed["totals"]["received"] == 1
    assert owed["totals"]["nil"] == 2
    # Once more closes nothing more, and is the same nil return.
    status, again, _ = await story.house.bank.call("POST", f"/v1/batches/{batch}/close")
    assert (again["closed"], again["outcome"]["id"]) == (0, told["outcome"]["id"])
    feed = await story.house.tracing.feed("tracing")
    assert [line["record"]["type"] for line in feed if "record" in line] == [
        "identity",
        "nil_return",
    ]


async def test_what_was_sent_and_not_yet_looked_at_is_no_nil(story: Story) -> None:
    batch, requests = await a_list(story)
    await story.send("bank", lines(identity()), Request_Id=batch)
    await story.house.bank.call("POST", f"/v1/batches/{batch}/close")
    _, owed, _ = await story.house.tracing.call("GET", "/v1/obligations")
    standing = {line["request"]: line["standing"] for line in owed["owed"]}
    assert standing == {requests[0]: "received", requests[1]: "nil", requests[2]: "nil"}


async def test_what_is_asked_for_otherwise_is_another_list(story: Story) -> None:
    body = lines(
        row(story, PEOPLE[0]),
        row(story, PEOPLE[1], record_types=["address"]),
        row(story, PEOPLE[2]),
    )
    told = await raised(story, body, LINES)
    assert list(told["batches"].values()) == ["bank", "bank"]
    by_list = {batch: [] for batch in told["batches"]}
    for each in told["requests"]:
        by_list[each["batch"]].append(each["row"])
    assert sorted(by_list.values()) == [[1, 3], [2]]
    (addresses,) = [batch for batch, rows in by_list.items() if rows == [2]]
    answer = await story.send(
        "bank", lines(address_of(**PEOPLE[1]), identity()), Request_Id=addresses
    )
    assert [error["code"] for error in answer["errors"]] == ["RECORD_TYPE_NOT_ASKED"]


async def test_a_list_of_which_one_is_withdrawn_is_answered_for_the_others(story: Story) -> None:
    batch, requests = await a_list(story)
    for at, request in enumerate(requests):
        if at != 1:
            await story.do("tracing", request, "withdraw")
    ines = identity(surname="Okafor", forenames="Daniel", date_of_birth="1979-11-02")
    del ines["who"]["nino"]
    ines["case"] = {"reference": requests[1]}
    await story.send("bank", lines(ines), Request_Id=batch)
    await story.quiet()
    assert [story.state(each) for each in requests] == ["withdrawn", "answered", "withdrawn"]
    status, told, _ = await story.house.bank.submit(lines(identity()), LINES, Request_Id=batch)
    assert status in {200, 201}, told
    await story.quiet()
    assert story.state(requests[0]) == "withdrawn"


async def test_a_list_that_is_withdrawn_whole_is_not_answered(story: Story) -> None:
    batch, requests = await a_list(story)
    for request in requests:
        await story.do("tracing", request, "withdraw")
    status, told, _ = await story.house.bank.submit(lines(identity()), LINES, Request_Id=batch)
    assert (status, told["type"].rsplit("/", 1)[-1]) == (409, "request-withdrawn")
    status, _, _ = await story.house.bank.call("POST", f"/v1/batches/{batch}/close")
    assert status == 409
