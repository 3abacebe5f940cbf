"""Records that nobody named a request for find the one they answer, or wait for an officer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from tests.asking import MARSH, Story, identity, lines, story_in
from tests.party import enrol
from tests.schedules import schedule

NAMED = {name: MARSH[name] for name in ("surname", "forenames", "date_of_birth")}
HOME = {"lines": ["3 Example Street"], "town": "Exampleton", "postcode": "SW1A 1AA"}
RATES = {
    "weekly_pence": 2_500,
    "two_weekly_pence": 5_000,
    "four_weekly_pence": 10_000,
    "monthly_pence": 10_855,
}


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki) as opened:
        await opened.connected("bank", "employer")
        yield opened


def order_status(who: dict[str, Any], order: str | None = None, **more: Any) -> dict[str, Any]:
    status = {"code": "left", "on": "2026-11-01"} | ({} if order is None else {"order": order})
    return {"type": "order_status", "who": who, "status": status} | more


def insolvency(who: dict[str, Any]) -> dict[str, Any]:
    return {"type": "insolvency", "who": who, "insolvency": {"kind": "bankruptcy"}}


async def deo(story: Story, order: str = "DEO-2026-0001") -> str:
    terms = {"order": order, "start": "2026-12-01", **RATES}
    return await story.order("deo", "employer", terms)


async def arrives(story: Story, *records: dict[str, Any], **headers: str) -> dict[str, Any]:
    """The employer sends something unasked, and it is matched."""
    told = await story.send("employer", lines(*records), **headers)
    await story.quiet()
    return told


async def matches(story: Story, request: str, name: str = "enforcement") -> list[dict[str, Any]]:
    _, told, _ = await story.house.parties[name].call("GET", f"/v1/requests/{request}/matches")
    return list(told["matches"])


async def judged(story: Story, request: str, found: dict[str, Any], verdict: str) -> int:
    body = {"submission": found["submission"], "row": found["row"], "verdict": verdict}
    status, _ = await story.do("enforcement", request, "matches", **body)
    return status


# --- certain --------------------------------------------------------------------------------------


async def test_by_the_reference_of_the_request(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status", "insolvency")
    who = {"surname": "Somebody", "forenames": "Else"}
    sent = await arrives(story, order_status(who, case={"reference": request}))
    (found,) = await matches(story, request)
    assert (found["by"], found["verdict"], found["submission"]) == (
        "reference",
        "certain",
        sent["id"],
    )
    assert story.state(request) == "part_answered"
    assert (await story.look("employer", request))["still_to_come"] == ["insolvency"]
    (entry,) = story.entries("request.matched")
    assert (entry["id"], entry["certain"], entry["possible"]) == (request, 1, 0)


@pytest.mark.parametrize("written", ["DEO-2026-0001", " deo-2026-0001 ", "DEO - 2026 - 0001"])
async def test_by_the_order(story: Story, written: str) -> None:
    request = await deo(story)
    other = await deo(story, "DEO-2026-0002")
    await arrives(story, order_status({"surname": "Marsh"}, written.strip()))
    assert [found["by"] for found in await matches(story, request)] == ["order"]
    assert (story.state(request), story.state(other)) == ("answered", "served")
    assert story.store.requests.history(request)[-1].submission is not None


async def test_by_the_national_insurance_number(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status")
    stranger = {"surname": "Okafor", "forenames": "Daniel", "nino": "AA000025B"}
    await arrives(story, order_status(stranger), order_status(MARSH))
    (found,) = await matches(story, request)
    assert (found["by"], found["verdict"], found["row"]) == ("nino", "certain", 2)
    assert "nino" in found["agreed"]
    assert story.state(request) == "answered"


async def test_by_all_that_is_known_of_somebody(story: Story) -> None:
    request = await story.ask(
        "enforcement", "employer", "order_status", subject=NAMED, addresses=[HOME]
    )
    await arrives(story, order_status(NAMED, where=HOME))
    (found,) = await matches(story, request)
    assert (found["by"], found["verdict"]) == ("linkage", "certain")
    assert story.state(request) == "answered"
    assert not [v for v in MARSH.values() if v in json.dumps(story.entries("request.matched"))]


async def test_a_schedule_is_tied_to_its_orders_and_answers_nothing(story: Story) -> None:
    by_reference = await deo(story, "100000000017")
    by_nino = await deo(story, "100000000025")
    row = "E1,M,2026-10-01,2026-10-31,2026-10-30,100000000017,Other,150.00,150.00,"
    await story.send("employer", schedule(row), "text/csv")
    await story.quiet()
    (found,) = await matches(story, by_reference)
    assert (found["by"], found["period"]) == ("order", "2026-10")
    assert await matches(story, by_nino) == []
    assert story.state(by_reference) == "served"


# --- only possible --------------------------------------------------------------------------------


async def test_what_is_only_possible_waits_and_is_confirmed(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status", subject=NAMED)
    await arrives(story, order_status(NAMED))
    (found,) = await matches(story, request)
    assert (found["by"], found["verdict"]) == ("linkage", "possible")
    assert found["score"] > 8
    assert {"surname", "forenames", "date_of_birth"} <= {
        name.split(":")[0] for name in found["agreed"]
    }
    assert story.state(request) == "served"
    assert await judged(story, request, found, "confirmed") == 200
    assert story.state(request) == "answered"
    assert [each["verdict"] for each in await matches(story, request)] == ["confirmed"]
    assert await judged(story, request, found, "rejected") == 404
    assert story.entries("request.matched")[-1]["verdict"] == "confirmed"


async def test_what_is_rejected_answers_nothing(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status", subject=NAMED)
    await arrives(story, order_status(NAMED))
    (found,) = await matches(story, request)
    assert await judged(story, request, found, "rejected") == 200
    assert story.state(request) == "served"
    assert [each["verdict"] for each in await matches(story, request)] == ["rejected"]


async def test_a_confirmed_record_answers_only_for_its_own_kind(story: Story) -> None:
    kinds = ("order_status", "insolvency")
    request = await story.ask("enforcement", "employer", *kinds, subject=NAMED)
    await arrives(story, order_status(NAMED))
    (found,) = await matches(story, request)
    await judged(story, request, found, "confirmed")
    assert story.state(request) == "part_answered"
    assert (await story.look("employer", request))["still_to_come"] == ["insolvency"]


async def test_only_who_asked_looks_and_judges(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status", subject=NAMED)
    await arrives(story, order_status(NAMED))
    (found,) = await matches(story, request)
    body = {"submission": found["submission"], "row": found["row"], "verdict": "confirmed"}
    assert (await story.do("tracing", request, "matches", **body))[0] == 404
    assert (await story.do("employer", request, "matches", **body))[0] == 403
    assert (await story.do("enforcement", request, "matches", **body | {"row": 99}))[0] == 404
    assert story.state(request) == "served"


# --- never ----------------------------------------------------------------------------------------


async def test_what_another_organisation_sends_never_matches(story: Story) -> None:
    asked = await story.ask("enforcement", "employer", "order_status")
    order = await deo(story)
    house = story.house
    rival = await enrol(house.gateway, house.pki, "organisation", "rival", ["employer"], house.url)
    house.parties["rival"] = rival
    record = order_status(MARSH, "DEO-2026-0001", case={"reference": asked})
    await story.send("rival", lines(record))
    await story.quiet()
    assert await matches(story, asked) == await matches(story, order) == []
    assert {story.state(asked), story.state(order)} == {"served"}
    status, told, _ = await rival.call(
        "POST", "/v1/requests/matches", data=lines(record), headers=JSONL
    )
    assert (status, told["matches"]) == (200, [])


async def test_another_number_is_another_person(story: Story) -> None:
    request = await story.ask("enforcement", "employer", "order_status")
    await arrives(story, order_status({**MARSH, "nino": "AA000018A"}))
    assert await matches(story, request) == []


async def test_what_came_before_it_was_asked_is_not_taken_for_an_answer(story: Story) -> None:
    await arrives(story, order_status(MARSH))
    request = await story.ask("enforcement", "employer", "order_status")
    await story.quiet()
    assert (await matches(story, request), story.state(request)) == ([], "served")


# --- large ----------------------------------------------------------------------------------------


async def test_a_large_file_that_ends_after_a_later_small_one_is_matched_too(story: Story) -> None:
    first = await story.ask("enforcement", "employer", "order_status")
    second = await deo(story)
    others = [
        order_status({"surname": f"Other{n}", "forenames": "Jo", "nino": f"AB{n:06d}A"})
        for n in range(900)
    ]
    large = await story.send("employer", lines(*others, order_status(MARSH)))
    assert large["state"] == "received"
    small = await arrives(story, order_status({"surname": "Marsh"}, "DEO-2026-0001"))
    assert story.state(second) == "answered"
    found = await story.outcome("employer", large["id"])
    assert (found["state"], found["rows"]["accepted"]) == ("accepted", 901)
    await story.quiet()
    (tie,) = await matches(story, first)
    assert (tie["submission"], tie["row"], tie["by"]) == (large["id"], 901, "nino")
    assert story.state(first) == "answered"
    assert small["id"] != large["id"]


# --- looking before sending -----------------------------------------------------------------------

JSONL = {"Content-Type": "application/x-ndjson"}


async def test_to_look_up_keeps_nothing_and_names_nobody_who_is_not_asked_about(
    story: Story,
) -> None:
    request = await story.ask("tracing", "bank", "identity")
    body = lines(identity(surname="Okafor", nino="AA000025B"), identity())
    before = story.store.evidence.size
    tables = ("submission", "body", "block", "match")
    counts = [story.store._reader.execute(f"SELECT count(*) FROM {t}").fetchall() for t in tables]
    path = "/v1/requests/matches"
    status, told, _ = await story.house.bank.call("POST", path, data=body, headers=JSONL)
    assert status == 200
    (found,) = told["matches"]
    # A bank is told name and date of birth, so these alone are compared: it cannot try numbers.
    assert (found["row"], found["request"], found["verdict"]) == (2, request, "possible")
    assert "nino" not in {*found["agreed"], *found["disagreed"]}
    assert not [value for value in MARSH.values() if value in json.dumps(found)]
    await story.quiet()
    assert story.store.evidence.size == before
    assert counts == [
        story.store._reader.execute(f"SELECT count(*) FROM {t}").fetchall() for t in tables
    ]
    assert story.state(request) == "served"
    status, _, _ = await story.house.tracing.call("POST", path, data=body, headers=JSONL)
    assert status == 403
