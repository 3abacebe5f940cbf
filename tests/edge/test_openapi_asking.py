"""What asking answers is what the OpenAPI document says: a whole story, each answer compared."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import House
from tests.edge.guests import code_for, guest, stranger
from tests.edge.test_openapi import DOCUMENT, fits, resolved
from tests.party import days_ahead

LINES = "application/vnd.cms-gateway.records+jsonl"
QUESTION = "application/vnd.iso20022.auth.001.001.01+xml"
SUBJECT = {"surname": "Example", "forenames": "Robin", "date_of_birth": "1990-02-28"}
NUMBER = {"nino": "AA000001A"}
ACCOUNT = {"type": "account", "account": {"sort_code": "000000", "number": "00000001"}}
DEO = {
    "order": "DEO-0001",
    "start": "2027-01-04",
    "weekly_pence": 1_200,
    "two_weekly_pence": 2_400,
    "four_weekly_pence": 4_800,
    "monthly_pence": 5_200,
}


class Story:
    """Calls by those who take part, each held against the document."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.told: set[tuple[str, str]] = set()

    async def call(
        self, caller: Any, method: str, path: str, expected: int, identity: str = "", **more: Any
    ) -> Any:
        status, body, headers = await caller.call(method, path.replace("{id}", identity), **more)
        assert status == expected, (path, body)
        described = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
        kind = headers["Content-Type"].partition(";")[0]
        content = described["content"][kind]
        if kind == "application/x-ndjson":
            lines = [json.loads(line) for line in body.splitlines()]
            assert lines
            assert all(fits(line, content["schema"]) for line in lines), lines
        elif kind.endswith("json"):
            assert fits(body, content["schema"]), body
        if status < 400:
            self.told.add((method, path))
        else:
            assert body["type"].rpartition("/")[2] in described["x-problems"]
        return body

    async def bank(self, method: str, path: str, expected: int, *of: str, **more: Any) -> Any:
        return await self.call(self.house.bank, method, path, expected, *of, **more)

    async def team(self, method: str, path: str, expected: int, *of: str, **more: Any) -> Any:
        return await self.call(self.house.tracing, method, path, expected, *of, **more)


def wanted(**more: Any) -> dict[str, Any]:
    return {
        "organisation": "bank",
        "purposes": ["IDENTIFY_TRACE"],
        "citation": "SI 2008/2551 reg 4(1)",
        "record_types": ["account"],
        "subject": SUBJECT | NUMBER,
        "due": days_ahead(70),
    } | more


async def of_one_request(story: Story) -> None:
    asked = wanted(draft=True, addresses=[{"lines": ["1 Example Street"], "postcode": "ZZ1 1ZZ"}])
    request = (await story.team("POST", "/v1/requests", 201, json=asked))["id"]
    one = "/v1/requests/{id}"
    await story.bank("GET", one, 404, request)
    await story.team("GET", one, 200, request)
    await story.team("POST", f"{one}/issue", 200, request)
    await story.team("POST", f"{one}/issue", 409, request)
    await story.bank("POST", f"{one}/acknowledge", 200, request)
    await story.bank("POST", f"{one}/clarifications", 201, request, json={"text": "Which?"})
    await story.bank("POST", f"{one}/clarifications", 409, request, json={"text": "Which?"})
    answer = {"text": "All of them."}
    await story.team("POST", f"{one}/clarifications/answer", 200, request, json=answer)
    xml = {"Accept": QUESTION}
    await story.bank("GET", one, 200, request, headers=xml)
    await story.bank("POST", f"{one}/refusal", 400, request, json={"code": "NONE"})
    await story.bank("POST", f"{one}/refusal", 201, request, json={"code": "LEGAL_PRIVILEGE"})
    await story.bank("POST", f"{one}/refusal", 200, request, json={"code": "LEGAL_PRIVILEGE"})
    for caller in (story.bank, story.team):
        found = await caller("GET", one, 200, request)
        assert found["clarifications"][0]["answer"] == "All of them."
        assert found["state"] == "refused"
    _, pack, headers = await story.house.tracing.call("GET", f"/v1/requests/{request}/evidence")
    assert headers["Content-Type"] == "application/zip"
    assert pack[:2] == b"PK"
    story.told.add(("GET", f"{one}/evidence"))


async def of_a_list(story: Story) -> None:
    rows = [wanted(), wanted(subject=SUBJECT | {"forenames": "Kim"}), wanted(organisation="none")]
    many = {
        "data": b"".join(json.dumps(row).encode() + b"\n" for row in rows),
        "headers": {"Content-Type": "application/x-ndjson"},
    }
    raised = await story.team("POST", "/v1/requests/bulk", 207, **many)
    again = await story.team("POST", "/v1/requests/bulk", 200, **many)
    assert {one["id"] for one in raised["requests"]} == {one["id"] for one in again["requests"]}
    batch = next(iter(raised["batches"]))
    await story.bank("GET", "/v1/batches/{id}", 200, batch)
    await story.bank("GET", "/v1/batches/{id}", 200, batch, headers={"Accept": "text/csv"})
    # The number is the same, and nothing else bears it out: an officer has to look.
    who = NUMBER | {"surname": "Otherwise", "date_of_birth": "1961-07-04"}
    sent = {"data": json.dumps(ACCOUNT | {"who": who}).encode() + b"\n"}
    kind = {"Content-Type": LINES}
    found = await story.bank("POST", "/v1/requests/matches", 200, headers=kind, **sent)
    assert found["matches"] == []  # what it was not told it cannot find out by looking up
    named = {"headers": kind | {"Request-Id": batch}}
    outcome = await story.bank("POST", "/v1/submissions", 201, **named, **sent)
    assert (await story.bank("POST", "/v1/batches/{id}/close", 201, batch))["closed"] == 1
    request, path = raised["requests"][0]["id"], "/v1/requests/{id}/matches"
    (possible,) = (await story.team("GET", path, 200, request))["matches"]
    said = {"submission": outcome["id"], "row": possible["row"], "verdict": "confirmed"}
    (judged,) = (await story.team("POST", path, 200, request, json=said))["matches"]
    assert (possible["verdict"], judged["verdict"]) == ("possible", "confirmed")
    await story.team("POST", path, 404, request, json=said)


async def of_an_order(story: Story) -> None:
    order = wanted(organisation="employer", purposes=["COLLECT_ENFORCE"], kind="deo", terms=DEO)
    del order["due"], order["record_types"]
    team, employer = story.house.enforcement, story.house.employer
    made = await story.call(team, "POST", "/v1/requests", 201, json=order)
    listed = await story.call(employer, "GET", "/v1/requests", 200)
    assert [one["terms"] for one in listed["requests"]] == [DEO]
    for caller in (team, employer):
        owed = await story.call(caller, "GET", "/v1/obligations", 200)
        assert owed["totals"]["due"] == 1
    await story.call(team, "POST", "/v1/requests/{id}/withdraw", 200, made["id"])
    await story.call(employer, "POST", "/v1/requests/{id}/nil", 409, made["id"], json={})


async def of_a_guest(story: Story) -> None:
    request = await story.house.ask("tracing", "bank", "account")
    async with stranger(story.house) as caller:
        code = {"code": await code_for(story.house, request)}
        await story.call(caller, "POST", "/v1/access", 201, json=code)
        await story.call(caller, "POST", "/v1/access", 403, json=code)
        await story.call(caller, "POST", "/v1/access", 422, json={})
        await story.call(caller, "POST", "/v1/access/again", 202, json=code)
    async with guest(story.house, request) as caller:
        await story.call(caller, "POST", "/v1/requests/{id}/nil", 201, request)
        await story.call(caller, "GET", "/v1/requests", 200)
        await story.call(caller, "GET", "/v1/obligations", 200)


async def test_every_answer_of_asking_is_as_it_is_described(house: House) -> None:
    story = Story(house)
    await of_one_request(story)
    await of_a_list(story)
    await of_an_order(story)
    await of_a_guest(story)
    asking = {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
        if path.startswith(("/v1/requests", "/v1/batches", "/v1/obligations", "/v1/access"))
    }
    assert story.told >= asking, asking - story.told


def test_a_request_in_full_is_a_request_and_more() -> None:
    full, plain = (
        resolved({"$ref": f"#/components/schemas/{name}"}) for name in ("RequestInFull", "Request")
    )
    assert plain["properties"].items() <= full["properties"].items()
    assert full["properties"].keys() - plain["properties"].keys() == {"history", "clarifications"}
