"""A request from draft to its end, over HTTP: every change is an entry, and the judge agrees."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from gateway.judge.receipt import verify_receipt
from tests.asking import LINES, MARSH, Story, address_of, identity, lines, story_in

PEOPLE = ("bank", "employer", "tracing", "enforcement")
LARGE = lines(*(identity(forenames=f"Tamsin {n}", nino=f"AA{n:06d}A") for n in range(700)))


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki, names=PEOPLE) as opened:
        await opened.connected("bank", "employer")
        yield opened


def entered(story: Story, request: str) -> list[dict[str, Any]]:
    """The entries that a request's own history names."""
    evidence = story.store.evidence
    return [json.loads(evidence.entry(e.entry)) for e in story.store.requests.history(request)]


async def code(story: Story, name: str, request: str, step: str, **body: Any) -> tuple[int, str]:
    """The status of a step, and the last part of its problem's type."""
    status, told = await story.do(name, request, step, **body)
    return status, str(told.get("type", "")).rsplit("/", 1)[-1]


# --- from draft to answered -----------------------------------------------------------------------


async def test_from_a_draft_to_the_whole_answer_each_change_is_an_entry(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address", draft=True)
    assert story.state(request) == "drafted"
    await story.sent()
    assert story.notices(request) == []
    assert (await code(story, "bank", request, "acknowledge"))[0] == 404
    status, _, _ = await story.house.bank.submit(lines(identity()), LINES, Request_Id=request)
    assert status == 404

    assert (await story.do("tracing", request, "issue"))[1]["state"] == "issued"
    assert story.state(request) == "served"
    assert (await story.do("bank", request, "acknowledge"))[1]["state"] == "acknowledged"
    part = await story.send("bank", lines(identity()), Request_Id=request)
    assert (await story.look("bank", request))["still_to_come"] == ["address"]
    whole = await story.send("bank", lines(address_of()), Request_Id=request)

    told = await story.look("tracing", request)
    assert (told["state"], told["still_to_come"]) == ("answered", [])
    assert told["ended"] == told["history"][-1]["at"]
    assert [(each["event"], each["state"]) for each in told["history"]] == [
        ("raised", "drafted"),
        ("issued", "issued"),
        ("served", "served"),
        ("acknowledged", "acknowledged"),
        ("part_answered", "part_answered"),
        ("answered", "answered"),
    ]
    assert [each.get("submission") for each in told["history"][4:]] == [part["id"], whole["id"]]
    entries = entered(story, request)
    assert [entry["kind"] for entry in entries] == [
        f"request.{each['event']}" for each in told["history"]
    ]
    assert [entry["n"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert all(
        (entry["id"], entry["state"], entry["time"]) == (request, each["state"], each["at"])
        for entry, each in zip(entries, told["history"], strict=True)
    )
    (notice,) = story.notices(request)
    assert entries[2]["notice"] == notice.id
    said = json.dumps(entries)
    assert not any(value in said for value in MARSH.values())


async def test_a_draft_is_issued_once_and_can_be_dropped(story: Story) -> None:
    first = await story.ask("tracing", "bank", "identity", draft=True)
    assert (await code(story, "tracing", first, "issue"))[0] == 200
    assert await code(story, "tracing", first, "issue") == (409, "request-state")
    second = await story.ask("tracing", "bank", "identity", draft=True)
    assert (await story.do("tracing", second, "withdraw"))[1]["state"] == "withdrawn"
    assert await code(story, "tracing", second, "issue") == (409, "request-state")
    await story.sent()
    assert story.notices(second) == []  # nobody heard of it, so nobody is told


async def test_to_acknowledge_twice_is_once(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    for _ in range(2):
        assert (await story.do("bank", request, "acknowledge"))[1]["state"] == "acknowledged"
    assert story.events(request).count("acknowledged") == 1


async def test_who_answers_needs_no_proof_of_service(story: Story) -> None:
    await story.reached("bank")  # no address of any kind
    await story.store.correspondents.end("agr_bank_1", story.time.day)
    request = await story.ask("tracing", "bank", "identity")
    assert (story.state(request), story.store.notices.stuck()) == ("issued", 1)
    await story.send("bank", lines(identity()), Request_Id=request)
    assert story.events(request) == ["raised", "issued", "answered"]


# --- parts, refused rows --------------------------------------------------------------------------


async def test_mended_rows_make_a_part_the_whole(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    wrong = identity(surname="Okafor", nino="WRONG")
    first = await story.send("bank", lines(identity(), wrong), Request_Id=request)
    assert (first["open"], story.state(request)) == (1, "part_answered")
    mended = identity(surname="Okafor", nino="AA000025B")
    second = await story.send("bank", lines(identity(), mended), Completes=first["id"])
    assert (second["rows"]["accepted"], story.state(request)) == (1, "answered")
    assert story.events(request)[-2:] == ["part_answered", "answered"]


async def test_a_row_that_is_still_wrong_leaves_a_part(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address")
    wrong = [identity(surname=name, nino="WRONG") for name in ("Okafor", "Reyes")]
    first = await story.send("bank", lines(address_of(), identity(), *wrong), Request_Id=request)
    mended = identity(surname="Okafor", nino="AA000025B")
    second = await story.send(
        "bank", lines(address_of(), identity(), mended, wrong[1]), Completes=first["id"]
    )
    assert (second["rows"]["refused"], story.state(request)) == (1, "part_answered")


# --- nothing, and no ------------------------------------------------------------------------------


async def test_nothing_held_is_one_call_with_a_receipt(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address")
    status, told = await story.do("bank", request, "nil")
    assert (status, told["rows"]) == (201, {"accepted": 2, "refused": 0, "nil": 2})
    assert verify_receipt(told["receipt"], story.vkey).ok
    assert story.state(request) == "answered"
    feed = await story.house.tracing.feed("tracing")
    found = [line["record"] for line in feed if "record" in line]
    assert [record["type"] for record in found] == ["nil_return"] * 2
    status, again = await story.do("bank", request, "nil")  # as after a lost answer
    assert (status, again["repeat"], again["receipt"]) == (200, True, told["receipt"])


async def test_nothing_of_one_kind_and_the_facts_of_the_other(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address")
    assert (await story.do("bank", request, "nil", record_types=["address"]))[0] == 201
    assert story.state(request) == "part_answered"
    assert (await story.look("bank", request))["still_to_come"] == ["identity"]
    await story.send("bank", lines(identity()), Request_Id=request)
    assert story.state(request) == "answered"
    assert (await code(story, "bank", request, "nil", record_types=["deduction"]))[0] == 400


async def test_no_is_said_with_a_code_and_can_be_thought_better_of(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    told = await story.do("bank", request, "refusal", code="WE_WILL_NOT")
    assert told[0] == 400
    assert "LEGAL_PRIVILEGE" in told[1]["detail"]
    status, told = await story.do("bank", request, "refusal", code="LEGAL_PRIVILEGE", detail="Ours")
    assert status == 201
    assert verify_receipt(told["receipt"], story.vkey).ok
    assert story.state(request) == "refused"
    feed = await story.house.tracing.feed("tracing")
    (answer,) = [line["record"]["groups"]["answer"]["value"] for line in feed if "record" in line]
    assert (answer["code"], answer["detail"]) == ("LEGAL_PRIVILEGE", "Ours")
    await story.send("bank", lines(identity()), Request_Id=request)
    assert story.state(request) == "answered"


# --- late, withdrawn ------------------------------------------------------------------------------


async def test_a_late_answer_is_taken_and_marked(story: Story) -> None:
    due = story.time.day + dt.timedelta(days=2)
    request = await story.ask("tracing", "bank", "identity", due=due.isoformat())
    on_time = await story.ask("tracing", "bank", "address", due=due.isoformat())
    await story.sent()
    assert (await story.send("bank", lines(address_of()), Request_Id=on_time))["notes"] == []
    story.on(3)
    await story.run("reminders")
    assert story.state(request) == "overdue"
    told = await story.send("bank", lines(identity()), Request_Id=request)
    assert [note["code"] for note in told["notes"]] == ["ANSWERED_LATE"]
    assert story.state(request) == "answered"
    _, owed, _ = await story.house.bank.call("GET", "/v1/obligations")
    assert {line["request"]: line["was_late"] for line in owed["owed"]} == {
        request: True,
        on_time: False,
    }


async def test_what_is_withdrawn_is_not_answered_any_more(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    assert (await story.do("tracing", request, "withdraw"))[1]["state"] == "withdrawn"
    assert [notice.kind for notice in story.notices(request)] == [
        "information_request",
        "withdrawn",
    ]
    size = story.store.evidence.size
    status, told, _ = await story.house.bank.submit(lines(identity()), LINES, Request_Id=request)
    assert (status, told["type"].rsplit("/", 1)[-1]) == (409, "request-withdrawn")
    assert await code(story, "bank", request, "nil") == (409, "request-withdrawn")
    assert await code(story, "bank", request, "clarifications", text="Who?") == (
        409,
        "request-state",
    )
    assert await code(story, "tracing", request, "withdraw") == (409, "request-state")
    assert story.store.evidence.size == size
    assert not [line for line in await story.house.tracing.feed("tracing") if "record" in line]


async def test_a_large_file_held_before_the_withdrawal_is_refused_when_it_is_read(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with story_in(tmp_path, pki, names=("bank", "tracing"), resume_seconds=1) as story:
        request = await story.ask("tracing", "bank", "identity")
        held = await story.send("bank", LARGE, Request_Id=request)
        assert held["state"] == "received"
        assert (await story.do("tracing", request, "withdraw"))[0] == 200
        async with asyncio.timeout(15):
            found = await story.outcome("bank", held["id"])
        assert (found["state"], found["rows"]["accepted"]) == ("refused", 0)
        assert [note["code"] for note in found["notes"]] == ["REQUEST_WITHDRAWN"]
        assert story.events(request) == ["raised", "issued", "withdrawn"]
        assert not [line for line in await story.house.tracing.feed("tracing") if "record" in line]


async def test_a_large_file_answers_when_it_has_been_read(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    told = await story.send("bank", LARGE, Request_Id=request, Prefer="wait=20")
    assert (told["state"], told["rows"]["accepted"]) == ("accepted", 700)
    assert story.state(request) == "answered"


# --- questions to the officer ---------------------------------------------------------------------


async def test_a_question_stops_the_clock_and_the_answer_gives_the_days_back(story: Story) -> None:
    due = story.time.day + dt.timedelta(days=10)
    request = await story.ask("tracing", "bank", "identity", due=due.isoformat())
    asked_on = story.on(1)
    status, told = await story.do("bank", request, "clarifications", text="Which Marsh?")
    assert (status, told["clock_stopped"]) == (201, asked_on.isoformat())
    assert await code(story, "bank", request, "clarifications", text="And?") == (
        409,
        "request-state",
    )
    story.on(4)
    status, told = await story.do("tracing", request, "clarifications/answer", text="Tamsin")
    assert (status, told["clock_stopped"]) == (200, None)
    assert told["due"] == (due + dt.timedelta(days=4)).isoformat()
    assert await code(story, "tracing", request, "clarifications/answer", text="Again") == (
        409,
        "request-state",
    )
    (line,) = (await story.look("bank", request))["clarifications"]
    assert (line["question"], line["answer"]) == ("Which Marsh?", "Tamsin")
    assert entered(story, request)[-1]["due"] == told["due"]
    await story.sent()
    assert [notice.kind for notice in story.notices(request)][1:] == ["clarification_answered"]
    # A second question, once the first has its answer.
    assert (await story.do("bank", request, "clarifications", text="Flat 2?"))[0] == 201
    raw = (story.house.settings.data / "gateway.sqlite-wal").read_bytes()
    assert b"Which Marsh?" not in raw


async def test_questions_have_words_and_an_end(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    for text in ("", "   ", "x" * 4_001):
        assert (await code(story, "bank", request, "clarifications", text=text))[0] == 400
    assert (await code(story, "tracing", request, "clarifications/answer", text="x"))[0] == 409


async def test_an_answer_with_an_open_question_ends_the_wait(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    await story.do("bank", request, "clarifications", text="Which Marsh?")
    await story.send("bank", lines(identity()), Request_Id=request)
    told = await story.look("tracing", request)
    assert (told["state"], told["clock_stopped"]) == ("answered", None)


async def test_while_a_question_is_open_no_answer_is_late(story: Story) -> None:
    due = story.time.day + dt.timedelta(days=2)
    request = await story.ask("tracing", "bank", "identity", "address", due=due.isoformat())
    await story.do("bank", request, "clarifications", text="Which Marsh?")
    story.on(5)
    await story.run("reminders")
    assert story.state(request) == "served"
    assert (await story.send("bank", lines(identity()), Request_Id=request))["notes"] == []
    await story.do("tracing", request, "clarifications/answer", text="Tamsin")
    assert (await story.look("bank", request))["due"] == (due + dt.timedelta(days=5)).isoformat()


# --- nobody else ----------------------------------------------------------------------------------


async def test_nobody_else_may_do_any_of_it(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    draft = await story.ask("tracing", "bank", "identity", draft=True)
    before = story.store.evidence.size
    for name in ("employer", "enforcement"):
        status, _, _ = await story.house.parties[name].call("GET", f"/v1/requests/{request}")
        assert status == 404
    text = {"text": "x"}
    for step, body in (("issue", {}), ("withdraw", {}), ("clarifications/answer", text)):
        assert (await code(story, "enforcement", draft, step, **body))[0] == 404
        assert (await code(story, "bank", request, step, **body)) == (403, "not-permitted")
    refusal = {"code": "NOT_HELD"}
    for step, body in (
        ("acknowledge", {}),
        ("clarifications", text),
        ("nil", {}),
        ("refusal", refusal),
    ):
        assert (await code(story, "employer", request, step, **body))[0] == 404
        assert (await code(story, "tracing", request, step, **body)) == (403, "not-permitted")
    status, _, _ = await story.house.employer.submit(lines(identity()), LINES, Request_Id=request)
    assert status == 404
    for path in ("matches", "evidence"):
        status, _, _ = await story.house.bank.call("GET", f"/v1/requests/{request}/{path}")
        assert status == 403
        status, _, _ = await story.house.enforcement.call("GET", f"/v1/requests/{request}/{path}")
        assert status == 404
    assert story.store.evidence.size == before


async def test_each_sees_its_own_and_the_organisation_sees_the_least(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    _, found, _ = await story.house.employer.call("GET", "/v1/requests")
    assert found["requests"] == []
    subject = (await story.look("bank", request))["subject"]
    assert subject.keys() == {"kind", "surname", "forenames", "date_of_birth"}
    assert (await story.look("tracing", request))["subject"]["nino"] == MARSH["nino"]
    _, found, _ = await story.house.bank.call("GET", "/v1/requests", params={"state": "answered"})
    assert found["requests"] == []
