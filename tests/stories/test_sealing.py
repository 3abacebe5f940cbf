"""The seal: what is stored is read again, and must be what was signed."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import apsw
import pytest

from certs import development
from gateway.core.checkpoint import parse_vkey
from gateway.judge.store import verify_store
from gateway.sealing import BrokenSealError, Seal
from gateway.wiring import clock
from tests.conftest import SAMPLES, House, house_in

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


def seal_of(house: House) -> Seal:
    evidence = house.gateway.ring.evidence
    return Seal(house.gateway.store.apart, parse_vkey(evidence.vkey), evidence.sign)


async def test_a_sound_ledger_is_sealed_again_and_again(house: House) -> None:
    seal = seal_of(house)
    first = seal.check()
    await house.employer.submit(SCHEDULE, "text/csv")
    assert seal.check() > first


async def test_the_store_is_read_while_another_thread_reads_the_ledger_again(house: House) -> None:
    store = house.gateway.store
    day = clock().date()
    for name in range(200):
        await store.registry.add_party(f"firm-{name}", "organisation", "Firm", ["employer"], day)

    def looked() -> int:
        return [seal_of(house).check() for _ in range(100)][-1]

    looking = asyncio.create_task(asyncio.to_thread(looked))
    await asyncio.sleep(0)
    while not looking.done():
        for index in range(200):
            assert store.evidence.entry(index)
        await asyncio.sleep(0)
    assert await looking == store.evidence.size


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (
            "UPDATE entry SET bytes = replace(bytes, 'employer', 'employee') WHERE idx = 5",
            "entry 5",
        ),
        ("DELETE FROM entry WHERE idx = 7", "checkpoint"),
        ("UPDATE checkpoint SET note = replace(note, 'a', 'b')", "checkpoint"),
        ("UPDATE submission SET accepted = 4", "submission"),
        ("UPDATE submission SET receipt = replace(receipt, 'A', 'B')", "JWS"),
        ("UPDATE block SET frame = zeroblob(length(frame))", "block 0"),
        ("DELETE FROM block", "record tree"),
        ("DELETE FROM submission", "not in the store"),
        ("UPDATE feed_item SET first = first + 1", "feed"),
        ("DELETE FROM feed_item WHERE feed = 'tracing'", "feed tracing"),
        ('UPDATE view SET spec = replace(spec, \'"who"\', \'"pay","who"\')', "shows more"),
        ("DELETE FROM body", "are gone"),
        (
            "INSERT INTO party_class VALUES ('tracing', 'enforcement', '2020-01-01', NULL)",
            "consumer tracing",
        ),
        ("UPDATE client SET party = 'tracing' WHERE id = 'bank-client'", "client bank-client"),
        ("UPDATE certificate SET party = 'tracing' WHERE party = 'bank'", "certificate"),
    ],
)
async def test_whatever_is_altered_in_the_database_is_found_and_named(
    tmp_path: Path,
    pki: development.DevelopmentPki,
    change: str,
    where: str,
) -> None:
    async with house_in(tmp_path, pki) as house:
        await house.employer.submit(SCHEDULE, "text/csv")
        vkey, data = house.gateway.ring.evidence.vkey, house.settings.data
    db = apsw.Connection(str(data / "gateway.sqlite"))
    assert verify_store(data, vkey).ok
    db.execute("PRAGMA foreign_keys=0")
    db.execute(
        change.replace("replace(bytes, ", "CAST(replace(CAST(bytes AS TEXT), ").replace(
            "'employee')",
            "'employee') AS BLOB)",
        )
    )
    db.close()
    verdict = verify_store(data, vkey)
    assert not verdict.ok
    assert any(where in str(finding) for finding in verdict.findings), verdict.findings


async def test_an_entry_altered_under_a_running_gateway_breaks_the_seal(
    tmp_path: Path,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(tmp_path, pki) as house:
        await house.employer.submit(SCHEDULE, "text/csv")
        db = apsw.Connection(str(house.settings.data / "gateway.sqlite"))
        (original,) = db.execute("SELECT bytes FROM entry WHERE idx = 3").fetchall()[0]
        altered = bytes([*original[:-1], original[-1] ^ 1])
        db.execute("UPDATE entry SET bytes = ? WHERE idx = 3", (altered,))
        with pytest.raises(BrokenSealError):
            seal_of(house).check()
        db.execute("UPDATE entry SET bytes = ? WHERE idx = 3", (original,))
        db.close()


async def test_assertions_uploads_and_old_keys_are_forgotten_in_time(house: House) -> None:
    await house.employer.submit(SCHEDULE, "text/csv", Idempotency_Key="k")
    registry, now = house.gateway.store.registry, clock()
    assert await registry.expire(now, now - dt.timedelta(days=400)) == 0
    later = now + dt.timedelta(days=500)
    assert await registry.expire(later, later - dt.timedelta(days=400)) >= 2
    status, answer, _ = await house.employer.submit(SCHEDULE, "text/csv", Idempotency_Key="k")
    assert (status, answer["repeat"]) == (200, True), "the same bytes are still the same"
