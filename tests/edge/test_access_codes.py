"""The code from the letter: used once, in time, not guessed, and good for one request alone."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from certs import development
from gateway.core.limits import ACCESS_CALLS, ACCESS_SESSION_MINUTES, CODES_TRIED_EACH
from gateway.wiring import Annex, clock
from tests.conftest import House, house_in
from tests.edge.guests import code_for, guest, stranger
from tests.edge.refused import slug

WRONG = "0000-0000-0000-0000"
NOTHING = b'{"type":"nil_return","answer":{"code":"NOT_HELD","asked":"account"}}\n'
LINES = "application/vnd.cms-gateway.records+jsonl"


@dataclass
class Watch:
    """A clock that stands, and is moved by hand."""

    now: dt.datetime = field(default_factory=clock)

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def house(
    tmp_path: Path, pki: development.DevelopmentPki, watch: Watch
) -> AsyncIterator[House]:
    """A gateway whose clock is the test's."""
    async with house_in(tmp_path, pki, annex=Annex(clock=watch)) as opened:
        yield opened


def words(told: dict[str, Any]) -> dict[str, Any]:
    """A refusal as it reads, without the name of its exchange."""
    return {name: value for name, value in told.items() if name != "instance"}


async def test_a_code_opens_its_request_whose_answer_it_takes(house: House) -> None:
    request = await house.ask("tracing", "bank", "account")
    async with guest(house, request) as caller:
        status, told, _ = await caller.call("GET", f"/v1/requests/{request}")
        assert (status, told["id"], told["state"]) == (200, request, "issued")
        status, outcome, _ = await caller.call("POST", f"/v1/requests/{request}/nil", json={})
        assert (status, outcome["state"]) == (201, "accepted")
        for part, kind in (("", "json"), ("/errors", "json"), ("/receipt", "plain")):
            path = f"/v1/submissions/{outcome['id']}{part}"
            status, _, headers = await caller.call("GET", path)
            assert status == 200
            assert kind in headers["Content-Type"]
        _, told, _ = await caller.call("GET", f"/v1/requests/{request}")
        assert told["state"] == "answered"
        assert told["history"][-1]["submission"] == outcome["id"]


async def test_a_code_is_taken_as_people_type_it(house: House) -> None:
    code = await code_for(house, await house.ask("tracing", "bank", "account"))
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    async with stranger(house) as caller:
        status, session, _ = await caller.exchange(f" {typed} ")
    assert status == 201
    assert session["token_type"] == "Bearer"


async def test_whatever_is_wrong_with_a_code_the_words_are_the_same(
    house: House, watch: Watch
) -> None:
    yesterday = (watch.now.date() - dt.timedelta(days=1)).isoformat()
    asked = [await house.ask("tracing", "bank", "account") for _ in range(3)]
    used, withdrawn = [await code_for(house, request) for request in asked[:2]]
    expired = await code_for(house, asked[2], yesterday)
    await house.tracing.call("POST", f"/v1/requests/{asked[1]}/withdraw")
    async with stranger(house) as caller:
        assert (await caller.exchange(used))[0] == 201
        answers = [
            await caller.exchange(code) for code in (used, withdrawn, expired, WRONG, "no code", "")
        ]
    assert [status for status, _, _ in answers] == [403] * len(answers)
    assert slug(answers[0][1]) == "code-not-valid"
    assert all(words(told) == words(answers[0][1]) for _, told, _ in answers)


async def test_a_code_lasts_until_the_end_of_its_day(house: House, watch: Watch) -> None:
    today = watch.now.date().isoformat()
    code = await code_for(house, await house.ask("tracing", "bank", "account"), today)
    async with stranger(house) as caller:
        assert (await caller.exchange(code))[0] == 201


async def test_of_many_who_come_at_once_with_one_code_one_gets_in(house: House) -> None:
    request = await house.ask("tracing", "bank", "account")
    code = await code_for(house, request)
    async with stranger(house) as caller:
        answers = await asyncio.gather(*(caller.exchange(code) for _ in range(CODES_TRIED_EACH)))
    assert sorted(status for status, _, _ in answers) == [201] + [403] * (CODES_TRIED_EACH - 1)


async def test_a_session_that_ended_is_refused_as_one_that_never_was(
    house: House, watch: Watch
) -> None:
    request = await house.ask("tracing", "bank", "account")
    async with guest(house, request) as caller:
        watch.move(minutes=ACCESS_SESSION_MINUTES, microseconds=-1)
        assert (await caller.call("GET", f"/v1/requests/{request}"))[0] == 200
        watch.move(microseconds=1)
        ended = await caller.call("GET", f"/v1/requests/{request}")
        submitted = await caller.call(
            "POST",
            "/v1/submissions",
            data=NOTHING,
            headers={"Request-Id": request, "Content-Type": LINES},
        )
        caller.token = "acs_" + "A" * 43
        never = await caller.call("GET", f"/v1/requests/{request}")
    assert [each[0] for each in (ended, submitted, never)] == [401] * 3
    assert slug(ended[1]) == "token-expired"
    assert words(ended[1]) == words(submitted[1]) == words(never[1])


async def test_a_session_of_an_earlier_code_holds_when_another_is_sent(house: House) -> None:
    request = await house.ask("tracing", "bank", "account")
    async with guest(house, request) as first, guest(house, request) as second:
        assert first.token != second.token
        for caller in (first, second):
            assert (await caller.call("GET", f"/v1/requests/{request}"))[0] == 200


async def test_after_ten_tries_an_address_waits_whatever_it_comes_with(
    house: House, watch: Watch
) -> None:
    request = await house.ask("tracing", "bank", "account")
    code = await code_for(house, request)
    async with stranger(house) as caller:
        for _ in range(CODES_TRIED_EACH):
            assert (await caller.exchange(WRONG))[0] == 403
        for tried in (WRONG, code):
            status, told, headers = await caller.exchange(tried)
            assert (status, slug(told)) == (429, "rate-limited")
            assert headers["Retry-After"] == "6"
        status, told, _ = await caller.call("POST", "/v1/access/again", json={"code": code})
        assert (status, slug(told)) == (429, "rate-limited")
        watch.move(seconds=6)
        assert (await caller.exchange(code))[0] == 201


async def test_a_session_may_call_so_often_a_minute(house: House, watch: Watch) -> None:
    request = await house.ask("tracing", "bank", "account")
    async with guest(house, request) as caller:
        for _ in range(ACCESS_CALLS):
            assert (await caller.call("GET", "/v1/requests"))[0] == 200
        status, told, headers = await caller.call("GET", "/v1/requests")
        assert (status, slug(told), headers["Retry-After"]) == (429, "rate-limited", "1")
        watch.move(seconds=1)
        assert (await caller.call("GET", "/v1/requests"))[0] == 200


async def test_asking_for_another_code_says_nothing_of_the_one_it_is_for(
    house: House, watch: Watch
) -> None:
    """Whether a code is known, and where its request stands, must not show."""
    asked = [await house.ask("tracing", "bank", "account") for _ in range(2)]
    codes = [await code_for(house, request) for request in asked]
    await house.tracing.call("POST", f"/v1/requests/{asked[1]}/withdraw")
    watch.move(days=2)
    async with stranger(house) as caller:
        answers = [
            await caller.call("POST", "/v1/access/again", json={"code": code})
            for code in (*codes, WRONG, "no code")
        ]
    assert [status for status, _, _ in answers] == [202] * 4
    assert all(told == answers[0][1] for _, told, _ in answers)
