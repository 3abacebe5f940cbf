from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.client import profile as profiles
from gateway.client.api import Client
from gateway.client.connection import Connection
from tests.cli.conftest import Cli, config_of, key_file, profile_of
from tests.conftest import ROOT, SAMPLES, House
from tests.party import days_ahead, told


async def sent(house: House) -> None:
    body = (SAMPLES / "schedule.csv").read_bytes()
    status, answer, _ = await house.employer.submit(body, "text/csv")
    assert status == 201, answer


async def test_a_feed_is_read_acknowledged_and_verified(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    profile = profile_of(house, "tracing", tmp_path)
    key = key_file(house, tmp_path)
    first = await cli("feed", "read", "tracing", "--profile", profile, "--limit", 2, "--ack")
    assert first.code == Exit.OK, first.err
    lines = [told(line) for line in first.out.splitlines()]
    assert [next(iter(line)) for line in lines] == ["block", "record", "record", "page"]
    rest = await cli("feed", "read", "tracing", "--profile", profile)
    records = [told(line) for line in rest.out.splitlines()]
    assert [line["record"]["seq"] for line in records if "record" in line] == [3]
    cursor = lines[-1]["page"]["next"]
    after = await cli("feed", "read", "tracing", "--profile", profile, "--after", cursor)
    assert after.out.count(".record.") == 1
    both = (first.out + rest.out).encode()
    verified = await cli("feed", "verify", "-", "--key", key, stdin=both)
    assert verified.code == Exit.OK, verified.err
    bare = await cli("feed", "read", "tracing", "--profile", profile, "--no-proofs")
    assert "inclusion" not in bare.out
    unproved = await cli("feed", "verify", "-", "--key", key, stdin=bare.out.encode())
    assert "read the page again with its proofs" in unproved.err
    both = await cli(
        "feed", "read", "tracing", "--profile", profile, "--from", 1, "--after", cursor
    )
    assert both.code == Exit.USAGE


async def test_the_program_of_the_page_about_feeds_runs_as_it_is_printed(
    house: House, tmp_path: Path
) -> None:
    await sent(house)
    profile = profile_of(house, "tracing", tmp_path)
    page = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    code = page.partition("## In Python\n")[2].partition("`client add`")[0]
    (profile.parent / "profile.toml").write_text(profile.read_text())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code),
        cwd=profile.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert [line.split()[1] for line in out.decode().splitlines()] == ["deduction"] * 3
    _, stands, _ = await house.tracing.call("GET", "/v1/feeds/tracing/status")
    assert stands["delivered"] == 3


async def test_a_flipped_bit_in_a_feed_is_named(house: House, tmp_path: Path, cli: Cli) -> None:
    await sent(house)
    profile = profile_of(house, "tracing", tmp_path)
    read = await cli("feed", "read", "tracing", "--profile", profile)
    file = tmp_path / "feed.jsonl"
    file.write_text(read.out.replace("Okafor", "Nkafor"))
    found = await cli("feed", "verify", file, "--profile", profile)
    assert found.code == Exit.REFUSED
    assert "line 3, record 2" in found.err
    assert "not what the organisation sent" in found.err


async def test_anothers_feed_is_not_there(house: House, tmp_path: Path, cli: Cli) -> None:
    profile = profile_of(house, "tracing", tmp_path)
    other = await cli("feed", "read", "calculation", "--profile", profile)
    assert other.code == Exit.REFUSED
    assert "What you have: tracing" in other.err
    bank = profile_of(house, "bank", tmp_path)
    assert (await cli("feed", "read", "tracing", "--profile", bank)).code != Exit.OK


async def test_requests_are_raised_listed_and_shown(house: House, tmp_path: Path, cli: Cli) -> None:
    tracing = profile_of(house, "tracing", tmp_path)
    bank = profile_of(house, "bank", tmp_path)
    words = (
        "request",
        "raise",
        "bank",
        "--record",
        "account",
        "--citation",
        "SI 2008/2551 reg 4(1)",
        "--due",
        days_ahead(70),
        "--nino",
        "AA000001A",
        "--profile",
        tracing,
    )
    raised = await cli(*words, "--purpose", "IDENTIFY_TRACE")
    assert raised.code == Exit.OK, raised.err
    identity = raised.out.strip()
    listed = await cli("request", "list", "--profile", bank, "--json")
    assert [one["id"] for one in listed.json["requests"]] == [identity]
    assert identity in (await cli("request", "list", "--profile", bank)).out
    shown = await cli("request", "show", identity, "--profile", bank)
    assert "nino=AA000001A" in shown.out
    refused = await cli(*words, "--purpose", "CALCULATE")
    assert refused.code != Exit.OK
    assert "IDENTIFY_TRACE" in refused.err
    nobody = await cli(*words[:-4], "--profile", tracing, "--purpose", "IDENTIFY_TRACE")
    assert nobody.code == Exit.USAGE
    other = profile_of(house, "employer", tmp_path)
    assert (await cli("request", "show", identity, "--profile", other)).code == Exit.REFUSED


async def test_the_ledger_is_copied_verified_and_proved(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    auditor = tmp_path / "auditor.toml"
    auditor.write_text(
        f'url = "{house.url}"\nca = "{house.pki.server_ca}"\n'
        f'vkey = "{house.gateway.ring.evidence.vkey}"\n'
    )
    config = config_of(house, tmp_path)
    online, offline = tmp_path / "online", tmp_path / "offline"
    assert (await cli("ledger", "export", online, "--profile", auditor)).code == Exit.OK
    assert (await cli("ledger", "export", offline, "--config", config)).code == Exit.OK
    for copy in (online, offline):
        verified = await cli("ledger", "verify", copy, "--profile", auditor)
        assert verified.code == Exit.OK, verified.err
    again = await cli("ledger", "export", online, "--profile", auditor)
    assert again.code == Exit.USAGE
    assert "not empty" in again.err
    one = await cli("ledger", "prove", 3, "--directory", online)
    assert one.out == (await cli("ledger", "prove", 3, "--config", config)).out
    assert one.out == (await cli("ledger", "prove", 3, "--profile", auditor)).out
    beyond = await cli("ledger", "prove", 999_999, "--directory", online)
    assert beyond.code == Exit.REFUSED


async def test_a_flipped_bit_in_the_ledger_is_named(house: House, tmp_path: Path, cli: Cli) -> None:
    await sent(house)
    config, copy = config_of(house, tmp_path), tmp_path / "copy"
    assert (await cli("ledger", "export", copy, "--config", config)).code == Exit.OK
    bundle = next((copy / "tile" / "entries" / "000.p").iterdir())
    data = bytearray(bundle.read_bytes())
    data[20] ^= 1
    bundle.write_bytes(data)
    found = await cli("ledger", "verify", copy, "--key", key_file(house, tmp_path))
    assert found.code == Exit.REFUSED
    assert "entry 0" in found.err


async def test_nothing_is_verified_without_a_key_from_elsewhere(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    copy = tmp_path / "copy"
    await cli("ledger", "export", copy, "--config", config_of(house, tmp_path))
    found = await cli("ledger", "verify", copy, "--profile", tmp_path / "none.toml")
    assert found.code == Exit.USAGE
    assert "--key" in found.err


async def test_where_nobody_waits_the_end_of_a_feed_is_asked_for_once_a_second(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feed.LONG_POLL_SECONDS", 0)
    asked = 0
    call = Connection.call

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        return await call(*args, **more)

    monkeypatch.setattr(Connection, "call", counted)
    async with Client(profiles.load(profile_of(house, "tracing", tmp_path))) as client:
        pages = client.feed("tracing", follow=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await anext(pages)
    assert 2 <= asked <= 4, "at once, then at the end, and once a second from then on"
