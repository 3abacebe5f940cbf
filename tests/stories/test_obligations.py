"""What is owed, by when and on which ground: the same for who owes it and who waits for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from certs.development import DevelopmentPki
from tests.asking import Story, address_of, at, identity, lines, story_in
from tests.schedules import schedule

ORDER = "100000000017"
TERMS = {
    "order": ORDER,
    "start": "2026-12-01",
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


async def owed(story: Story, name: str) -> Any:
    status, told, _ = await story.house.parties[name].call("GET", "/v1/obligations")
    assert status == 200, told
    assert told["day"] == story.time.day.isoformat()
    return told


async def totals(story: Story, name: str) -> dict[str, int]:
    """What stands how, without what is nought."""
    return {each: count for each, count in (await owed(story, name))["totals"].items() if count}


def in_days(story: Story, days: int) -> str:
    return (story.time.day + dt.timedelta(days=days)).isoformat()


async def test_each_standing_is_counted_for_both_sides(story: Story) -> None:
    soon, later = in_days(story, 2), in_days(story, 20)
    due = await story.ask("tracing", "bank", "identity", due=later)
    late = await story.ask("tracing", "bank", "identity", due=soon)
    received = await story.ask("tracing", "bank", "identity", due=soon)
    nil = await story.ask("tracing", "bank", "identity", due=soon)
    refused = await story.ask("tracing", "bank", "identity", due=soon)
    withdrawn = await story.ask("tracing", "bank", "identity", due=soon)
    draft = await story.ask("tracing", "bank", "identity", due=soon, draft=True)
    await story.send("bank", lines(identity()), Request_Id=received)
    await story.do("bank", nil, "nil")
    await story.do("bank", refused, "refusal", code="LEGAL_PRIVILEGE")
    await story.do("tracing", withdrawn, "withdraw")
    assert await totals(story, "bank") == {"due": 2, "received": 1, "nil": 1, "refused": 1}
    story.on(3, hour=0, minute=5)  # late from midnight on, whether or not a job has run
    for run in (False, True):
        if run:
            await story.run("reminders")
        for name in ("bank", "tracing"):
            told = await owed(story, name)
            assert told["totals"] == {"due": 1, "late": 1, "received": 1, "nil": 1, "refused": 1}
            assert {line["request"]: line["standing"] for line in told["owed"]} == {
                due: "due",
                late: "late",
                received: "received",
                nil: "nil",
                refused: "refused",
            }
            assert told["owed"][-1]["request"] == due  # what is due first stands first
    assert await totals(story, "employer") == await totals(story, "enforcement") == {}
    line = next(line for line in told["owed"] if line["request"] == late)
    assert (line["ground"], line["due"]) == ("SI 2008/2551 reg 4(1)", soon)
    assert line["was_late"]
    assert draft not in {line["request"] for line in told["owed"]}


async def test_an_answer_of_which_a_part_is_there_is_still_owed(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address", due=in_days(story, 2))
    await story.send("bank", lines(identity()), Request_Id=request)
    assert await totals(story, "bank") == {"due": 1}
    story.on(3)
    await story.run("reminders")
    assert await totals(story, "bank") == {"late": 1}
    await story.send("bank", lines(address_of()), Request_Id=request)
    (line,) = (await owed(story, "bank"))["owed"]
    assert (line["standing"], line["was_late"]) == ("received", True)


async def test_nothing_for_one_kind_and_facts_for_another_is_received(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", "address")
    await story.do("bank", request, "nil", record_types=["address"])
    await story.send("bank", lines(identity()), Request_Id=request)
    assert await totals(story, "bank") == {"received": 1}


async def test_while_a_question_is_open_nothing_is_late(story: Story) -> None:
    request = await story.ask("tracing", "bank", "identity", due=in_days(story, 2))
    await story.do("bank", request, "clarifications", text="Which Marsh?")
    stopped = story.time.day
    story.on(10)
    await story.run("reminders")
    for name in ("bank", "tracing"):
        (line,) = (await owed(story, name))["owed"]
        assert (line["standing"], line["clock_stopped"]) == ("due", stopped.isoformat())
        assert await totals(story, name) == {"due": 1}
    await story.do("tracing", request, "clarifications/answer", text="Tamsin")
    assert await totals(story, "bank") == {"due": 1}
    story.on(3)
    assert await totals(story, "bank") == {"late": 1}


async def test_who_was_never_reached_is_never_late(story: Story) -> None:
    await story.reached("bank")
    for each in story.store.correspondents.agreements("bank"):
        await story.store.correspondents.end(each.id, story.time.day)
    await story.ask("tracing", "bank", "identity", due=in_days(story, 1))
    story.on(20)
    await story.run("reminders")
    assert await totals(story, "bank") == {"due": 1}


# --- schedules ------------------------------------------------------------------------------------


def paid(year: int, month: int) -> bytes:
    day = f"{year}-{month:02d}-28"
    row = f"E1,M,{year}-{month:02d}-01,{day},{day},{ORDER},Marsh,108.55,108.55,"
    return schedule(row)


def months(story: Story, told: Any) -> dict[str, tuple[str, str, bool]]:
    return {
        line["period"]: (line["standing"], line["due"], line["was_late"])
        for line in told["owed"]
        if line["kind"] == "schedule"
    }


def after(first: dt.date, count: int) -> list[dt.date]:
    """The first days of so many months, from one on."""
    found = [first.replace(day=1)]
    while len(found) < count:
        found.append((found[-1] + dt.timedelta(days=32)).replace(day=1))
    return found


async def test_an_order_wants_a_schedule_for_each_month_by_the_nineteenth(story: Story) -> None:
    request = await story.order("deo", "employer", TERMS)
    served = dt.date.fromisoformat(story.stored(request).served_on)
    first, second, third, fourth = after(served, 4)
    assert months(story, await owed(story, "employer")).keys() <= {f"{first:%Y-%m}"}

    # The month of service is paid over by the 19th of the next, and is late the day after.
    story.to(at(second.replace(day=19), 23, 50))
    due = second.replace(day=19).isoformat()
    found = months(story, await owed(story, "employer"))
    assert found[f"{first:%Y-%m}"] == ("due", due, False)
    story.to(at(second.replace(day=20), 0, 10))
    assert months(story, await owed(story, "employer"))[f"{first:%Y-%m}"][0] == "late"

    await story.send("employer", paid(first.year, first.month), "text/csv")
    await story.send("employer", paid(second.year, second.month), "text/csv")
    await story.quiet()
    for name in ("employer", "enforcement"):
        found = months(story, await owed(story, name))
        assert found[f"{first:%Y-%m}"] == ("received", due, True)
        assert found[f"{second:%Y-%m}"] == ("received", third.replace(day=19).isoformat(), False)
    line = next(line for line in (await owed(story, "employer"))["owed"] if "period" in line)
    assert "reg 14(1)" in line["ground"]

    # Discharged in the third month: the fourth is not asked for.
    story.to(at(third.replace(day=10)))
    ending = {"order": ORDER, "on": third.replace(day=10).isoformat()}
    await story.order("deo_discharged", "employer", ending)
    story.to(at(fourth.replace(day=25)))
    found = months(story, await owed(story, "employer"))
    assert found.keys() == {f"{each:%Y-%m}" for each in (first, second, third)}
    assert found[f"{third:%Y-%m}"][0] == "late"


async def test_an_order_that_is_withdrawn_or_not_served_wants_no_schedule(story: Story) -> None:
    request = await story.order("deo", "employer", TERMS)
    assert months(story, await owed(story, "employer")) or story.time.day.day >= 28
    await story.do("enforcement", request, "withdraw")
    assert months(story, await owed(story, "employer")) == {}
    await story.reached("employer")
    for each in story.store.correspondents.agreements("employer"):
        await story.store.correspondents.end(each.id, story.time.day)
    await story.order("deo", "employer", TERMS | {"order": "100000000025"})
    story.on(10)
    assert months(story, await owed(story, "employer")) == {}


async def test_the_totals_are_of_all_and_the_list_of_a_thousand(story: Story) -> None:
    row = {
        "organisation": "bank",
        "purposes": ["IDENTIFY_TRACE"],
        "citation": "SI 2008/2551 reg 4(1)",
        "record_types": ["identity"],
        "due": in_days(story, 20),
    }
    body = lines(*({**row, "subject": {"surname": f"Marsh{n}"}} for n in range(1_100)))
    headers = {"Content-Type": "application/x-ndjson"}
    bulk = "/v1/requests/bulk"
    status, told, _ = await story.house.tracing.call("POST", bulk, data=body, headers=headers)
    assert (status, len(told["requests"])) == (207, 1_100)
    told = await owed(story, "bank")
    assert (told["totals"]["due"], len(told["owed"])) == (1_100, 1_000)
