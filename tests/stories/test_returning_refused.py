"""What is not given back, and to whom: others' submissions, what is to come, what is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certs import development
from gateway.core.limits import RETURNS_WAITING
from gateway.core.refusal import Reason, Refused
from gateway.returning import Returns, _Place
from tests.conftest import SAMPLES, House, house_in
from tests.schedules import schedule
from tests.stories.test_mending import BAD, GOOD, WORSE, row
from tests.stories.test_returning import SCHEDULE, WORKBOOK, XLSX, workbook


@pytest.fixture
async def altered(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    """A gateway whose store a test may alter, so that no judge ends it."""
    async with house_in(tmp_path, pki, names=("employer",), judged=False) as opened:
        yield opened


async def told(house: House, submission: str, party: str = "employer") -> list[tuple[int, str]]:
    """Status and problem of asking for the refused rows, and for the marked workbook."""
    found = []
    for path in ("refused", "errors"):
        status, body, _ = await house.parties[party].call(
            "GET", f"/v1/submissions/{submission}/{path}", headers={"Accept": XLSX}
        )
        slug = body["type"].rpartition("/")[2] if isinstance(body, dict) else ""
        found.append((status, slug))
    return found


async def test_nobody_gets_what_another_sent(house: House) -> None:
    _, first, _ = await house.employer.submit(workbook(), WORKBOOK)
    for party in ("bank", "hmrc", "stranger"):
        assert await told(house, first["id"], party) == [(404, "not-found")] * 2
    assert await told(house, first["id"], "enforcement") == [(404, "not-found")] * 2
    for name in ("sub_00000000000000000000000000", "..%2F" + first["id"], "%00", first["id"] + "'"):
        assert {status for status, _ in await told(house, name)} <= {400, 404}


async def test_without_a_token_nothing_is_given(house: House) -> None:
    _, first, _ = await house.employer.submit(workbook(), WORKBOOK)
    for path in ("refused", "errors"):
        url = f"{house.url}/v1/submissions/{first['id']}/{path}"
        async with house.employer.session.get(url, headers={"Accept": XLSX}) as response:
            assert response.status == 401


async def test_what_was_no_workbook_and_what_has_no_rows_is_told_plainly(house: House) -> None:
    _, first, _ = await house.employer.submit(schedule(*GOOD, BAD), SCHEDULE)
    assert (await told(house, first["id"]))[1] == (406, "not-offered")
    _, clean, _ = await house.employer.submit(schedule(*GOOD), SCHEDULE)
    assert (await told(house, clean["id"]))[0] == (404, "not-open")
    body = (SAMPLES / "schedule.xml").read_bytes()
    kind = "application/vnd.cms-gateway.deduction-schedule+xml"
    status, sent, _ = await house.employer.submit(body, kind)
    assert status == 201, sent
    assert await told(house, sent["id"]) == [(406, "not-offered")] * 2


async def test_a_large_file_refused_whole_is_not_kept(house: House) -> None:
    many = [row(f"WRONG-{n}", f"S{n}") for n in range(1_500)]
    _, first, _ = await house.employer.submit(schedule(*many), SCHEDULE, Prefer="wait=30")
    assert first["state"] == "refused"
    assert (await told(house, first["id"]))[0] == (410, "content-gone")


async def test_what_is_still_to_be_read_is_to_come(altered: House) -> None:
    _, first, _ = await altered.employer.submit(workbook(), WORKBOOK)
    altered.gateway.store.writer._db.execute("UPDATE submission SET state = 'received'")
    assert await told(altered, first["id"]) == [(409, "outcome-to-come")] * 2


async def test_what_was_erased_is_gone(altered: House) -> None:
    _, first, _ = await altered.employer.submit(workbook(), WORKBOOK)
    altered.gateway.store.writer._db.execute("DELETE FROM body")
    assert await told(altered, first["id"]) == [(410, "content-gone")] * 2
    altered.gateway.store.writer._db.execute("UPDATE submission SET wrapped_key = x''")
    assert (await told(altered, first["id"]))[0] == (410, "content-gone")


async def test_a_large_body_that_is_gone_is_told_as_such(altered: House) -> None:
    many = [row(f"{n:012d}", f"S{n}") for n in range(1_500)]
    body = schedule(*many, BAD, WORSE)
    _, first, _ = await altered.employer.submit(body, SCHEDULE, Prefer="wait=30")
    assert first["open"] == 2
    altered.gateway.store.bodies.path(first["id"], "body").unlink()
    assert (await told(altered, first["id"]))[0] == (410, "content-gone")


async def test_nothing_of_what_is_given_back_is_on_disk(house: House, tmp_path: Path) -> None:
    _, first, _ = await house.employer.submit(workbook(), WORKBOOK)
    before = {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert {status for status, _ in await told(house, first["id"])} == {200}
    after = {path: path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    for path in after:
        assert b"WRONG-1" not in path.read_bytes()


async def test_more_than_may_wait_are_told_to_come_back(house: House) -> None:
    returns = Returns(house.gateway.store.journal, house.gateway.ring.unwrap, (), None)  # type: ignore[arg-type]
    places = [_Place(returns) for _ in range(RETURNS_WAITING)]
    for place in places:
        place.__enter__()
    with pytest.raises(Refused) as refused, _Place(returns):
        pass
    assert refused.value.reason is Reason.BUSY
    places[0].__exit__()
    with _Place(returns):
        assert returns.waiting == RETURNS_WAITING
