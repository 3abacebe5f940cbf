"""The uptake: two acknowledgements, what cannot be used, how far behind, and what nobody collects."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from certs import development
from gateway.core.cursor import write_cursor
from gateway.core.page_signature import NotGenuine, verify_page
from gateway.judge.store import verify_store
from gateway.wiring import Annex, clock
from tests.conftest import House, house_in
from tests.judgement import statements
from tests.schedules import schedule


def cursor(seq: int, feed: str = "tracing") -> str:
    return write_cursor(feed, seq)


async def sent(house: House, count: int = 6, first: int = 1) -> str:
    body = schedule(
        *(
            f"E1,M,2026-10-01,2026-10-31,2026-10-30,{n:012d},Surname,150.00,150.00,"
            for n in range(first, first + count)
        )
    )
    status, answer, _ = await house.employer.submit(body, "text/csv")
    assert status == 201, answer
    return str(answer["id"])


async def ack(house: House, feed: str = "tracing", **said: Any) -> tuple[int, Any]:
    party = house.parties[feed]
    status, answer, _ = await party.call("POST", f"/v1/feeds/{feed}/ack", json=said)
    return status, answer


def kinds(house: House, since: int) -> list[str]:
    evidence = house.gateway.store.evidence
    return [json.loads(evidence.entry(at))["kind"] for at in range(since, evidence.size)]


async def test_what_is_in_hand_and_what_is_in_use_are_two_things(house: House) -> None:
    await sent(house)
    before = house.gateway.store.evidence.size
    status, stands = await ack(house, delivered=cursor(5))
    assert (status, stands["delivered"], stands["used"]) == (200, 5, 0)
    status, stands = await ack(house, used=cursor(3))
    assert (status, stands["delivered"], stands["used"]) == (200, 5, 3)
    assert (stands["waiting"], stands["unused"], stands["end"]) == (1, 3, 6)
    assert stands["waiting_since"] is not None
    status, stands = await ack(house, delivered=cursor(6), used=cursor(6))
    assert (stands["waiting_since"], stands["unused_since"]) == (None, None)
    assert kinds(house, before) == [
        "feed.retrieved", "feed.used", "feed.retrieved", "feed.used",
    ]  # fmt: skip


async def test_nothing_is_in_use_that_is_not_in_hand(house: House) -> None:
    await sent(house)
    await ack(house, delivered=cursor(2))
    status, problem = await ack(house, used=cursor(3))
    assert status == 400
    assert "acknowledge it as delivered too" in problem["detail"]
    status, stands = await ack(house, delivered=cursor(3), used=cursor(3))
    assert (status, stands["used"]) == (200, 3)
    # Whoever lost their state goes back; what they no longer have is not in use.
    _, stands = await ack(house, delivered=cursor(1))
    assert (stands["delivered"], stands["used"]) == (1, 1)


async def test_whoever_first_says_that_nothing_is_in_use_raises_no_alarm(house: House) -> None:
    status, stands = await ack(house, used=cursor(0))
    assert (status, stands["delivered"], stands["used"]) == (200, 0, 0)
    await sent(house, 3)
    status, stands = await ack(house, delivered=cursor(2))
    assert (status, stands["delivered"], stands["used"]) == (200, 2, 0)


async def test_each_team_stands_for_itself(house: House) -> None:
    await sent(house)
    await ack(house, delivered=cursor(6))
    status, stands, _ = await house.enforcement.call("GET", "/v1/feeds/enforcement/status")
    assert (status, stands["delivered"], stands["waiting"]) == (200, 0, 6)
    for party in (house.enforcement, house.bank):
        status, _, _ = await party.call("GET", "/v1/feeds/tracing/status")
        assert status in {403, 404}


async def test_a_record_that_cannot_be_used_comes_back_to_its_sender(house: House) -> None:
    await sent(house, 3)
    identity = await sent(house, 3, first=10)
    before = house.gateway.store.evidence.size
    errors = [
        {"seq": 5, "code": "IMPLAUSIBLE", "field": "who.surname"},
        {"seq": 6, "code": "NOT_NEEDED"},
    ]
    status, stands = await ack(house, delivered=cursor(6), errors=errors)
    assert (status, stands["rejected"]) == (200, 2)
    entry = json.loads(house.gateway.store.evidence.entry(before + 1))
    assert entry["kind"] == "feed.rejected"
    assert (entry["submission"], entry["row"], entry["code"]) == (identity, 3, "IMPLAUSIBLE")
    status, answer, _ = await house.employer.call("GET", f"/v1/submissions/{identity}/rejections")
    assert status == 200
    told = [(each["row"], each["code"], each["correct"]) for each in answer["rejections"]]
    assert told == [(3, "IMPLAUSIBLE", True), (4, "NOT_NEEDED", False)]
    assert answer["rejections"][0]["field"] == "who.surname"
    assert "Compare the record" in answer["rejections"][0]["fix"]
    assert "tracing" not in json.dumps(answer)
    for other in (house.bank, house.tracing):
        status, _, _ = await other.call("GET", f"/v1/submissions/{identity}/rejections")
        assert status in {403, 404}


async def test_its_sender_is_told_once_for_each_file(house: House) -> None:
    identity = await sent(house)
    errors = [{"seq": n, "code": "INCOMPLETE"} for n in (1, 2, 3)]
    await ack(house, delivered=cursor(6), errors=errors)
    await ack(house, errors=errors)  # said again: nothing new
    rows = house.gateway.store._reader.execute(
        "SELECT correspondent, kind, purpose FROM notice WHERE kind = 'rows_rejected'"
    ).fetchall()
    assert rows == [("employer", "rows_rejected", "corrections")]
    rejected = house.gateway.store._reader.execute("SELECT count(*) FROM rejection").fetchall()
    assert rejected == [(3,)]
    # What asks for nothing is not told.
    await ack(house, errors=[{"seq": 4, "code": "ALREADY_KNOWN"}])
    assert len(house.gateway.store._reader.execute("SELECT 1 FROM notice").fetchall()) == 1
    status, answer, _ = await house.employer.call("GET", f"/v1/submissions/{identity}/rejections")
    assert (status, len(answer["rejections"])) == (200, 4)


async def test_the_row_is_found_wherever_it_stands(house: House) -> None:
    """In the third block of a file, after another file, by a feed of which it shows a part."""
    await sent(house, 5)
    identity = await sent(house, 600, first=1_000)
    for feed in ("tracing", "enforcement"):
        await ack(house, feed, delivered=cursor(605, feed))
        errors = [{"seq": seq, "code": "IMPLAUSIBLE"} for seq in (6, 261, 262, 605)]
        status, answer = await ack(house, feed, errors=errors)
        assert status == 200, answer
    rows = house.gateway.store._reader.execute(
        "SELECT feed, seq, row, id FROM rejection JOIN submission ON number = submission "
        "ORDER BY feed, seq"
    ).fetchall()
    # Row 1 of the file is its heading.
    wanted = [(6, 2), (261, 257), (262, 258), (605, 601)]
    assert rows == [
        (feed, seq, row, identity) for feed in ("enforcement", "tracing") for seq, row in wanted
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"errors": [{"seq": 7, "code": "IMPLAUSIBLE"}]},
        {"errors": [{"seq": 0, "code": "IMPLAUSIBLE"}]},
        {"errors": [{"seq": 1, "code": "BECAUSE"}]},
        {"errors": [{"seq": 1}]},
        {"errors": [{"seq": 1, "code": "IMPLAUSIBLE", "why": "words"}]},
        {"errors": [{"seq": 1, "code": "IMPLAUSIBLE", "field": "Ash, Alex"}]},
        {"errors": [{"seq": 1, "code": "IMPLAUSIBLE"}] * 2},
        {"errors": [{"seq": n, "code": "IMPLAUSIBLE"} for n in range(1, 258)]},
        {"errors": [{"seq": 1, "code": "IMPLAUSIBLE", "field": "pay.net_pence"}]},
        {"errors": "all"},
        {"errors": []},
        {"cursor": cursor(1)},
        {"delivered": cursor(7)},
        {"delivered": cursor(1, "enforcement")},
        {"used": None},
    ],
)
async def test_what_cannot_be_said_is_refused_whole(house: House, said: dict[str, Any]) -> None:
    await sent(house)
    await ack(house, delivered=cursor(6))
    size = house.gateway.store.evidence.size
    status, problem = await ack(house, **said)
    assert status == 400, problem
    assert problem["type"].endswith("/parameter-not-valid")
    assert house.gateway.store.evidence.size == size


async def test_what_was_not_shown_cannot_be_rejected(house: House) -> None:
    await sent(house)
    status, problem = await ack(house, errors=[{"seq": 1, "code": "IMPLAUSIBLE"}])
    assert status == 400
    assert "acknowledged as delivered" in problem["detail"]


async def test_what_nobody_collects_is_said_once_for_where_it_stands(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    time = [clock()]
    annex = Annex(clock=lambda: time[0])
    async with house_in(tmp_path, pki, annex=annex, uncollected_hours=24) as house:
        await sent(house)
        time[0] += dt.timedelta(hours=23, minutes=59)
        await house.gateway.asking.jobs.run_now("uncollected")
        assert "feed.uncollected" not in kinds(house, 0)
        time[0] += dt.timedelta(minutes=2)
        for _ in range(3):
            await house.gateway.asking.jobs.run_now("uncollected")
        assert kinds(house, 0).count("feed.uncollected") == 3  # once for each team
        notices = house.gateway.store._reader.execute(
            "SELECT correspondent FROM notice WHERE kind = 'feed_uncollected' ORDER BY 1"
        ).fetchall()
        assert [row[0] for row in notices] == ["calculation", "enforcement", "tracing"]
        _, figures, _ = await house.bank.call("GET", "/metrics")
        assert b'cms_gateway_feed_waiting{consumer="tracing",feed="tracing"} 6.0' in figures
        # Tracing goes on, and stops again at another place: that is said too.
        await ack(house, delivered=cursor(2))
        await house.gateway.asking.jobs.run_now("uncollected")
        assert kinds(house, 0).count("feed.uncollected") == 4
        await ack(house, delivered=cursor(6))
        time[0] += dt.timedelta(days=30)
        await house.gateway.asking.jobs.run_now("uncollected")
        assert kinds(house, 0).count("feed.uncollected") == 4


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE acknowledgement SET upto = 2",
        "UPDATE acknowledgement SET used = 6",
        "DELETE FROM acknowledgement",
        "INSERT INTO acknowledgement VALUES ('tracing', 'other', 1, 'x', 0, NULL)",
        "UPDATE rejection SET row = 9",
        "UPDATE rejection SET code = 'NOT_NEEDED'",
        "UPDATE rejection SET seq = 2",
        "UPDATE rejection SET field = 'pay.net_pence'",
        "UPDATE rejection SET at = '2026-01-01T00:00:00.000000Z'",
        "UPDATE acknowledgement SET at = '2026-01-01T00:00:00.000000Z'",
        "UPDATE acknowledgement SET used_at = NULL",
        "DELETE FROM rejection",
    ],
)
async def test_the_judge_names_what_was_changed_of_it(
    tmp_path: Path, pki: development.DevelopmentPki, change: str
) -> None:
    async with house_in(tmp_path, pki, judged=False) as house:
        await sent(house)
        errors = [{"seq": 3, "code": "IMPLAUSIBLE", "field": "who.surname"}]
        await ack(house, delivered=cursor(6), used=cursor(4), errors=errors)
        vkey, data = house.gateway.ring.evidence.vkey, house.settings.data
        opened = lambda identity, n: statements(house.gateway, identity, n)  # noqa: E731
        assert verify_store(data, vkey, opened).ok
        house.gateway.store._db.execute(change)
        verdict = verify_store(data, vkey, opened)
        assert not verdict.ok
        assert "the ledger's entries" in str(verdict.findings[0])


async def test_a_page_is_signed_as_a_whole(house: House) -> None:
    await sent(house)
    _, raw, headers = await house.tracing.call("GET", "/v1/feeds/tracing")
    key = house.gateway.ring.evidence
    at = verify_page(headers, raw, key.kid, key.public)
    assert abs(clock() - at) < dt.timedelta(minutes=5)
    for altered in (raw + b"\n", raw.replace(b"Surname", b"Nurname", 1)):
        with pytest.raises(NotGenuine):
            verify_page(headers, altered, key.kid, key.public)


@pytest.mark.parametrize("field", ["john.smith", "smith", "who.", "who.surname.x", "Who.surname"])
async def test_nothing_but_a_name_of_the_schemas_reaches_the_ledger(
    house: House, field: str
) -> None:
    await sent(house)
    await ack(house, delivered=cursor(6))
    size = house.gateway.store.evidence.size
    errors = [{"seq": 1, "code": "IMPLAUSIBLE", "field": field}]
    status, _ = await ack(house, errors=errors)
    assert (status, house.gateway.store.evidence.size) == (400, size)
