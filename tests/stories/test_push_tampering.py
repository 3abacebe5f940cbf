"""Whoever can write to the database and not to the ledger is found: subscriptions and the outbox."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from certs import development
from gateway.config import JetStream
from gateway.judge.store import verify_store
from gateway.wiring import clock
from tests.pushing import Pushed, pushed_in
from tests.receivers import receiving
from tests.stories.test_push_outbox import Stream

SUBSCRIPTION, PUSH, NEXT = "subscription ", "push ", "the stretch that comes next"
TAMPERED = [
    ("UPDATE subscription SET upto = upto + 1 WHERE kind = 'jetstream'", SUBSCRIPTION),
    ("UPDATE subscription SET upto = upto - 1 WHERE kind = 'jetstream'", SUBSCRIPTION),
    ("UPDATE subscription SET since = 1 WHERE kind = 'jetstream'", SUBSCRIPTION),
    ("UPDATE subscription SET state = 'active' WHERE state = 'disabled'", SUBSCRIPTION),
    ("UPDATE subscription SET state = 'paused' WHERE state = 'removed'", SUBSCRIPTION),
    ("UPDATE subscription SET target = x'00' WHERE state = 'active'", SUBSCRIPTION),
    ("UPDATE subscription SET feed = 'tracing'", SUBSCRIPTION),
    ("UPDATE subscription SET consumer = 'employer'", SUBSCRIPTION),
    ("DELETE FROM subscription WHERE state = 'removed'", SUBSCRIPTION),
    (("INSERT INTO subscription SELECT 'sub_x', consumer, feed, kind, state, NULL, NULL, since, upto,"
     " 0, 1, '', added FROM subscription WHERE kind = 'jetstream'"), SUBSCRIPTION),
    ("DELETE FROM push WHERE state = 'dead'", PUSH),
    ("UPDATE push SET state = 'waiting' WHERE state = 'dead'", PUSH),
    ("UPDATE push SET reason = 'REFUSED' WHERE state = 'dead'", PUSH),
    ("UPDATE push SET last = last + 1 WHERE state = 'dead'", PUSH),
    ("UPDATE push SET first = first + 1 WHERE state = 'waiting'", NEXT),
    ("UPDATE push SET last = last + 1 WHERE state = 'waiting'", NEXT),
    ("UPDATE push SET state = 'dead' WHERE state = 'waiting'", PUSH),
    (("INSERT INTO push SELECT 'psh_x', subscription, first, last, state, replayed, made, begun,"
     " tries, next_try, reason FROM push WHERE state = 'waiting'"), NEXT),
]  # fmt: skip


async def live(pushed: Pushed, pki: development.DevelopmentPki) -> None:
    """One that works, one that failed, one that is gone, one that was removed, and a stream."""
    async with receiving(pki) as well, receiving(pki) as ill:
        await pushed.submit(2)
        await pushed.subscribe(well.url)
        gone = await pushed.subscribe(ill.url)
        removed = await pushed.subscribe(well.url)
        stream = await pushed.subscribe()
        ill.will(410)
        streams = Stream()
        await pushed.step(streams=streams)
        assert (await pushed.show(gone))["state"] == "disabled"
        await pushed.steer(removed, "pause")
        await pushed.steer(removed, "remove")
        await pushed.rewind(stream, 0)
        await pushed.step(streams=streams)
        failing = await pushed.subscribe(ill.url, after=1)
        ill.will(500)
        await pushed.step(streams=streams)
        assert [each["state"] for each in (await pushed.show(failing))["pushes"]] == ["waiting"]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    directory = tmp_path_factory.mktemp("lived")
    pki = development.create(directory / "pki", now=clock())
    keys: list[str] = []

    async def fill() -> None:
        nowhere = JetStream(servers=("nats://127.0.0.1:1",))
        async with pushed_in(directory, pki, jetstream=nowhere) as pushed:
            await live(pushed, pki)
            keys.append(pushed.house.gateway.ring.evidence.vkey)

    asyncio.run(fill())
    return directory / "data", keys[0]


@pytest.mark.parametrize(("sql", "expected"), TAMPERED, ids=range(len(TAMPERED)))
def test_what_the_ledger_does_not_say_is_found(
    tmp_path: Path, lived: tuple[Path, str], sql: str, expected: str
) -> None:
    data = tmp_path / "data"
    shutil.copytree(lived[0], data)
    assert verify_store(data, lived[1]).ok
    db = apsw.Connection(str(data / "gateway.sqlite"))
    db.execute(sql)
    assert db.changes()
    db.close()
    verdict = verify_store(data, lived[1])
    assert not verdict.ok
    assert any(expected in str(finding) for finding in verdict.findings), verdict.findings


SUBMISSION = "it is not what its entry says"
UNHEARD_OF = [
    ("UPDATE party SET id = CAST(x'ff' AS TEXT) WHERE kind = 'consumer'", "it cannot be read"),
    ("UPDATE party SET kind = 'x'", "of its classes"),
    ("UPDATE client SET jwks = ''", "client "),
    ("""UPDATE client SET jwks = '{"keys":7}'""", "client "),
    ("UPDATE client SET jwks = '[]'", "client "),
    ("UPDATE duty_table SET files = '7'", "duty table "),
    ("""UPDATE duty_table SET files = '{"x":7}'""", "duty table "),
    ("""UPDATE duty_table SET files = '{"x":"\\ud800"}'""", "duty table "),
    ("UPDATE submission SET state = 'x'", "is not about it"),
    ("UPDATE submission SET organisation = 'enforcement'", SUBMISSION),
    ("UPDATE submission SET class = 'deposit_taker'", SUBMISSION),
    ("UPDATE submission SET format = 'x'", SUBMISSION),
    ("UPDATE submission SET request = 'req_x'", SUBMISSION),
    ("UPDATE submission SET recorded_at = '2026-01-01T00:00:00.000000Z'", SUBMISSION),
]


@pytest.mark.parametrize(("sql", "expected"), UNHEARD_OF, ids=range(len(UNHEARD_OF)))
def test_what_no_gateway_writes_is_found(
    tmp_path: Path, lived: tuple[Path, str], sql: str, expected: str
) -> None:
    """Whoever controls the database is bound by none of its checks, nor by what texts hold."""
    data = tmp_path / "data"
    shutil.copytree(lived[0], data)
    db = apsw.Connection(str(data / "gateway.sqlite"))
    db.pragma("ignore_check_constraints", 1)
    db.execute(sql)
    assert db.changes()
    db.close()
    verdict = verify_store(data, lived[1])
    assert any(expected in str(finding) for finding in verdict.findings), verdict.findings
