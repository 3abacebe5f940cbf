"""Whoever can write to the database and not to the ledger is found: duty tables and amendments."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from certs.development import DevelopmentPki
from gateway.judge.store import verify_store
from tests.conftest import SAMPLES, House, house_in
from tests.schedules import schedule

GOOD = "E1,M,2026-10-01,2026-10-31,2026-10-30,000000000017,Marsh,150.00,150.00,"
BAD = "E1,M,2026-10-01,2026-10-31,2026-10-30,WRONG,Okafor,150.00,150.00,"
MENDED = "E1,M,2026-10-01,2026-10-31,2026-10-30,000000000025,Okafor,150.00,150.00,"


async def fill(house: House) -> None:
    _, first, _ = await house.employer.submit(schedule(GOOD, BAD), "text/csv")
    await house.employer.submit(schedule(GOOD, MENDED), "text/csv", Completes=first["id"])
    _, sent, _ = await house.employer.submit((SAMPLES / "schedule.csv").read_bytes(), "text/csv")
    body = {"submission": sent["id"], "status": "withdrawn"}
    status, _, _ = await house.employer.call(
        "POST", f"/v1/submissions/{sent['id']}/corrections", json=body
    )
    assert status == 201


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DELETE FROM amendment WHERE how = 'withdrawn'", "amendments"),
        ("UPDATE amendment SET how = 'disputed' WHERE how = 'withdrawn'", "amendments"),
        ("UPDATE amendment SET entry = entry + 1", "amendments"),
        ("DELETE FROM duty_table", "duty tables"),
        ("UPDATE duty_table SET files = replace(files, 'Bank or', 'Shop or')", "duty table"),
        ("UPDATE duty_table SET version = '2030'", "duty tables"),
        ("INSERT INTO duty_table SELECT 99, version, digest, files, since FROM duty_table", "duty"),
    ],
    ids=range(7),
)
async def test_what_the_ledger_does_not_say_is_found(
    tmp_path: Path, pki: DevelopmentPki, sql: str, expected: str
) -> None:
    (tmp_path / "house").mkdir()
    async with house_in(tmp_path / "house", pki, names=("employer",)) as house:
        await fill(house)
        vkey, data = house.gateway.ring.evidence.vkey, house.settings.data
    assert verify_store(data, vkey).ok
    db = apsw.Connection(str(data / "gateway.sqlite"))
    db.execute(sql)
    assert db.changes()
    db.close()
    verdict = verify_store(data, vkey)
    assert not verdict.ok
    assert any(expected in str(finding) for finding in verdict.findings), verdict.findings
