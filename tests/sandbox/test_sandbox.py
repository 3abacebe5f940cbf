"""Practising: joining, moving time, meeting faults, and a verdict that onboarding accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.client import profile as profiles
from gateway.client.api import Client
from gateway.client.problem import Problem
from gateway.client.sandbox import Sandbox
from gateway.core import conformance
from gateway.sandbox.memory import Memory
from gateway.wiring import Gateway, clock
from tests.cli.conftest import Cli
from tests.conftest import SAMPLES
from tests.sandbox.conftest import reopened

SCHEDULE = SAMPLES / "schedule.csv"


def mistaken(directory: Path) -> Path:
    path = directory / "mistaken.csv"
    path.write_text(SCHEDULE.read_text().replace("AA000017A", "QQ1"))
    return path


async def test_whoever_goes_through_every_step_gets_a_certificate(
    sandbox: Gateway, joined: Path, tmp_path: Path, cli: Cli
) -> None:
    early = await cli("sandbox", "conformance", "--profile", joined, "--json")
    assert early.code == Exit.PARTIAL
    assert "mended" in early.json["missing"]
    ran = await cli("sandbox", "rehearse", SCHEDULE, mistaken(tmp_path), "--profile", joined)
    assert ran.code == Exit.OK, ran.err
    assert "Every step was seen." in ran.err
    kept = tmp_path / "conformance.jws"
    done = await cli("sandbox", "conformance", "--profile", joined, "--certificate", kept)
    assert done.code == Exit.OK, done.err
    vkey = sandbox.ring.evidence.vkey
    found = conformance.verify(kept.read_text(), [vkey], clock())
    assert (found.sub, found.classes) == ("bakery", ("employer",))
    assert found.rules == sandbox.law.version


async def test_no_certificate_is_given_for_steps_that_were_not_seen(joined: Path) -> None:
    async with Sandbox(profiles.load(joined)) as there:
        with pytest.raises(Problem) as refused:
            await there.certificate()
    assert "accepted" in refused.value.detail


async def test_a_deadline_passes_when_time_is_moved(joined: Path, cli: Cli) -> None:
    async with Sandbox(profiles.load(joined)) as there, Client(profiles.load(joined)) as client:
        first = await there.ask("COLLECT_ENFORCE")
        moved = await cli("sandbox", "clock", "3w", "--profile", joined)
        assert moved.code == Exit.OK, moved.err
        late = await client.submit(SCHEDULE, request=first["id"])
    assert "ANSWERED_LATE" in {note.code for note in late.notes}


async def test_a_certificate_expires_when_time_is_moved_and_another_is_had(
    joined: Path, cli: Cli
) -> None:
    moved = await cli("sandbox", "clock", "91d", "--profile", joined)
    assert moved.code == Exit.OK, moved.err
    async with Client(profiles.load(joined)) as client:
        with pytest.raises(Problem) as refused:
            await client.submit(SCHEDULE)
    assert refused.value.slug == "certificate-not-valid"
    renewed = await cli("sandbox", "renew", "--profile", joined)
    assert renewed.code == Exit.OK, renewed.err
    async with Client(profiles.load(joined)) as client:
        assert (await client.submit(SCHEDULE)).state == "accepted"


async def test_time_only_moves_forward(joined: Path) -> None:
    async with Sandbox(profiles.load(joined)) as there:
        for seconds in (0, -60, 10**12):
            with pytest.raises(Problem) as refused:
                await there.move(seconds)
            assert refused.value.slug == "parameter-not-valid"


async def test_a_sandbox_remembers_over_a_restart(practice: Path, tmp_path: Path, cli: Cli) -> None:
    async with reopened(practice) as gateway:
        ran = await cli(
            "sandbox", "join", f"https://localhost:{gateway.port}", "--id", "bakery", "--class",
            "employer", "--ca", practice / "pki" / "server-ca.pem", "--directory", tmp_path / "b",
        )  # fmt: skip
        profile = profiles.load(Path(ran.out.splitlines()[-1]))
        async with Sandbox(profile) as there, Client(profile) as client:
            await there.move(86_400)
            await client.submit(SCHEDULE)
            before = await there.verdict()
            first = (await there.ask("COLLECT_ENFORCE"))["subject"]
    async with reopened(practice) as gateway, Sandbox(profile) as there:
        assert (await there.verdict()) == before
        assert (await there.show())["moved_seconds"] == 86_400
        assert (await there.ask("COLLECT_ENFORCE"))["subject"] != first


async def test_the_same_seed_makes_up_the_same_people(tmp_path: Path) -> None:
    from gateway.sandbox.people import subject  # noqa: PLC0415

    assert [subject(7, n) for n in range(50)] == [subject(7, n) for n in range(50)]
    assert len({json.dumps(subject(7, n)) for n in range(50)}) == 50
    assert subject(7, 1) != subject(8, 1)


async def test_only_who_joined_gets_another_certificate(joined: Path, cli: Cli) -> None:
    (joined.parent / "sandbox-secret").write_text("guessed")
    refused = await cli("sandbox", "renew", "--profile", joined)
    assert refused.code == Exit.NOT_PERMITTED
    assert "secret" in refused.err


async def test_a_name_is_given_once(
    sandbox: Gateway, joined: Path, practice: Path, cli: Cli
) -> None:
    again = await cli(
        "sandbox", "join", f"https://localhost:{sandbox.port}", "--id", "bakery", "--class",
        "employer", "--ca", practice / "pki" / "server-ca.pem", "--directory", joined.parent / "x",
    )  # fmt: skip
    assert again.code == Exit.REFUSED
    assert "already" in again.err


async def test_what_a_sandbox_says_is_signed_as_a_sandbox(sandbox: Gateway) -> None:
    assert sandbox.settings.origin.startswith("sandbox.")


def test_memory_is_on_the_disk_when_a_call_returns(tmp_path: Path) -> None:
    memory = Memory(tmp_path, 3, clock)
    memory.move(60)
    memory.passes("a", "token")
    again = Memory(tmp_path, 99, clock)
    assert (again.kept.seed, again.kept.moved_seconds) == (3, 60)
    assert set(again.passed("a")) == {"token"}
