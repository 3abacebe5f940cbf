"""Requests in the hands of those who press every button at once, or after the bell."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import CIMultiDict

from certs.development import DevelopmentPki
from gateway.core.request_life import Event
from tests.asking import LINES, MARSH, Story, identity, lines, story_in
from tests.edge.guests import code_for, stranger

ADDRESS = {
    "type": "address",
    "who": MARSH,
    "where": {"lines": ["3 Example Street"], "town": "Exampleton", "postcode": "SW1A 1AA"},
}


@pytest.fixture
async def story(tmp_path: Path, pki: DevelopmentPki) -> AsyncIterator[Story]:
    async with story_in(tmp_path, pki, names=("bank", "tracing")) as opened:
        await opened.connected("bank")
        yield opened


# --- everything at once ---------------------------------------------------------------------------


async def test_of_many_questions_at_once_one_is_asked_and_the_store_writes_on(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    asked = await asyncio.gather(
        *(story.do("bank", request, "clarifications", text=f"Which one, {n}?") for n in range(6))
    )
    assert Counter(status for status, *_ in asked) == {201: 1, 409: 5}
    answered = await asyncio.gather(
        *(story.do("tracing", request, "clarifications/answer", text="That.") for _ in range(6))
    )
    assert Counter(status for status, *_ in answered) == {200: 1, 409: 5}
    assert len(story.store.requests.clarifications(request)) == 1
    assert (await story.send("bank", lines(identity()), Request_Id=request))["state"] == "accepted"


async def test_who_is_told_of_a_request_is_told_of_its_withdrawal(story: Story) -> None:
    due = (story.time.day + dt.timedelta(days=30)).isoformat()
    for _ in range(10):
        request = await story.house.ask("tracing", "bank", "account", draft=True, due=due)
        officer = story.house.tracing
        await asyncio.gather(
            officer.call("POST", f"/v1/requests/{request}/issue"),
            officer.call("POST", f"/v1/requests/{request}/withdraw"),
        )
        told = [notice.kind for notice in story.notices(request)]
        if story.state(request) == "withdrawn" and "issued" in story.events(request):
            assert "withdrawn" in told
        assert story.state(request) in {"served", "issued", "withdrawn"}


# --- after the day --------------------------------------------------------------------------------


async def test_nobody_stops_the_clock_once_the_day_has_passed(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity")
    due = dt.date.fromisoformat(story.stored(request).due)
    story.on((due - story.time.day).days + 1)
    status, _ = await story.do("bank", request, "clarifications", text="Which one?")
    assert status == 409
    await story.run("reminders")
    assert story.state(request) == "overdue"


async def test_a_part_of_an_answer_after_a_refusal_and_the_day_lets_time_go_on(
    story: Story,
) -> None:
    request = await story.ask("tracing", "bank", "account", "address")
    due = dt.date.fromisoformat(story.stored(request).due)
    story.on((due - story.time.day).days + 1)
    await story.run("reminders")
    await story.do("bank", request, "refusal", code="NO_MATCH")
    await story.send("bank", lines(ADDRESS), Request_Id=request)
    story.on(1)
    async with asyncio.timeout(30):  # it once went round for ever
        await story.run("reminders")
    for n in range(20):
        story.on(1, hour=n % 24)
        await story.run("reminders")
    assert story.events(request).count("lapsed") == 1


# --- letters with codes ---------------------------------------------------------------------------


async def test_a_letter_lost_is_sent_again_once_however_often_it_is_asked_for(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with (
        # The code is made by the test, and no ledger knows of it.
        story_in(tmp_path, pki, judged=False, names=("bank", "tracing")) as story,
        stranger(story.house) as client,
    ):
        request = await story.ask("tracing", "bank", "account")
        code = await code_for(story.house, request)
        await story.store.requests.step(request, Event.SERVED, "gateway")
        story.on(3)
        await asyncio.gather(
            *(client.call("POST", "/v1/access/again", json={"code": code}) for _ in range(10))
        )
        assert [notice.kind for notice in story.notices(request)].count("reminder") == 1


async def test_behind_a_proxy_only_the_address_that_the_proxy_saw_is_counted(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with (
        story_in(tmp_path, pki, judged=False, proxies=("127.0.0.1/32",)) as story,
        stranger(story.house) as client,
    ):
        found = []
        for n in range(30):
            headers = CIMultiDict(
                [("X-Forwarded-For", f"203.0.113.{n}"), ("X-Forwarded-For", "198.51.100.7")]
            )
            url, guess = f"{story.house.url}/v1/access", {"code": "0000-0000-0000-0000"}
            async with client.session.post(url, headers=headers, json=guess) as answer:
                found.append(answer.status)
    assert found[-1] == 429, found


# --- what may be found out by trying --------------------------------------------------------------


async def test_a_look_up_does_not_confirm_what_the_organisation_was_not_told(story: Story) -> None:
    request = await story.ask("tracing", "bank", "account")
    subject = (await story.look("bank", request))["subject"]
    assert "nino" not in str(subject)
    found = []
    for guess in ("AA000017A", "AA000018A"):
        body = lines({"type": "identity", "who": {**MARSH, "nino": guess}})
        status, answer, _ = await story.house.bank.call(
            "POST", "/v1/requests/matches", data=body, headers={"Content-Type": LINES}
        )
        assert status == 200
        found.append(answer)
    assert found[0] == found[1]
