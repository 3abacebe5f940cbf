from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from certs import development
from gateway.cli.exits import Exit
from gateway.wiring import clock
from tests.cli.conftest import Cli, buffered, config_of, profile_of, run
from tests.conftest import ROOT, SAMPLES, House

DEMO = "from gateway.cli import main; main()"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A gateway that was set up and does not run."""
    assert run("init", tmp_path / "home").code == Exit.OK
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('key = "pki/server.key"', 'key = "pki/none.key"', ("tls.key", "none.key")),
        ('"pki/server.pem"', '"pki/none.pem"', ("tls.certificate", "none.pem")),
        ('"pki/server.pem"', '"pki/participants.pem"', ("tls.certificate", "participants.pem")),
        ('"pki/participants.pem"', '"pki/server.key"', ("tls.participants", "server.key")),
        ('"pki/participants.crl"', '"pki/none.crl"', ("tls.revocation_lists", "none.crl")),
        ('"pki/participants.crl"', '"schedule.csv"', ("tls.revocation_lists", "schedule.csv")),
        ('keys = "keys"', 'keys = "none"', ("none", "key ring")),
        ('host = "127.0.0.1"', 'host = "no.such.host.invalid"', ("host", "no.such.host")),
        ("port = 8443", 'port = 8443\nlog_level = "loud"', ("log_level", "loud")),
        ("gateway.example/ledger", "gateway example", ("origin", "config.toml")),
    ],
)
def test_settings_of_no_use_are_told_before_anything_is_made(
    home: Path, old: str, new: str, named: tuple[str, ...]
) -> None:
    config = home / "config.toml"
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    found = run("serve", "--config", config)
    assert found.code == Exit.USAGE, found.err
    assert all(name in found.err for name in named)
    assert not (home / "data").exists()


def test_a_port_that_is_taken_is_told(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = home / "config.toml"
        port = taken.getsockname()[1]
        config.write_text(config.read_text().replace("port = 8443", f"port = {port}"))
        found = run("serve", "--config", config)
    assert found.code == Exit.UNAVAILABLE
    assert f"{port} already" in found.err


def test_init_says_what_can_be_done_next(tmp_path: Path) -> None:
    told = run("init", tmp_path / "home")
    assert "schedule.csv" in told.err
    assert (tmp_path / "home" / "schedule.csv").read_bytes() == (
        SAMPLES / "schedule.csv"
    ).read_bytes()
    assert (tmp_path / "home" / "ledger.vkey").read_text() == told.out
    assert tomllib.loads((tmp_path / "home" / "auditor.toml").read_text())["vkey"] in told.out


def test_a_ledger_with_a_name_that_cannot_be_is_not_begun(tmp_path: Path) -> None:
    found = run("init", tmp_path / "home", "--origin", "bad origin")
    assert found.code == Exit.USAGE
    assert "gateway.example/ledger" in found.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("check", SAMPLES / "schedule.csv", "--class", "nonsense"),
        ("request", "raise", "b", "--purpose", "P", "--record", "r", "--citation", "c",
         "--due", "tomorrow", "--nino", "x"),
        ("request", "raise", "b", "--purpose", "P", "--record", "r", "--citation", "c",
         "--due", "20270131", "--nino", "x"),
    ],
)  # fmt: skip
def test_a_choice_or_a_day_that_is_none_is_a_usage_error(words: tuple[object, ...]) -> None:
    found = run(*words)
    assert found.code == Exit.USAGE
    assert "Invalid value" in found.err


async def test_a_gateway_that_is_not_to_be_believed_is_not_tried_twice(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile = profile_of(house, "employer", tmp_path, ca=house.pki.client_ca)
    words = ("submit", SAMPLES / "schedule.csv", "--profile", profile, "--receipts", tmp_path)
    found = await cli(*words)
    assert found.code == Exit.USAGE
    assert "Trying again" not in found.err
    assert "ca in the profile" in found.err


async def test_advice_is_given_in_the_words_of_the_command_line(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile = profile_of(house, "bank", tmp_path)
    answer = SAMPLES / "bank-answer.xml"
    found = await cli("submit", answer, "--profile", profile, "--receipts", tmp_path)
    assert "--request ID" in found.err
    assert "header" not in found.err


async def test_counts_are_those_of_all_rows(house: House, tmp_path: Path, cli: Cli) -> None:
    lines = (SAMPLES / "schedule.csv").read_text().splitlines()
    wrong = lines[1].replace("AA000017A", "QQ1")
    file = tmp_path / "wrong.csv"
    file.write_text("\n".join([lines[0], *[wrong] * 300, "TOTAL,300,45000.00", ""]))
    checked = await cli("check", file)
    assert "and 280 more; --json shows them all." in checked.err
    assert checked.err.count("No row could be accepted") == 1
    assert (await cli("check", file, "--json")).json["error_count"] == 300


async def test_only_a_partys_own_certificate_is_registered(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    other = development.create(tmp_path / "other-pki", now=clock())
    stranger = development.issue(other, development.Party("organisation", "bank"), now=clock())
    for file, why in (
        (house.pki.server_certificate, "did not issue"),
        (stranger.certificate, "did not issue"),
        (house.pki.client_ca, "authority"),
    ):
        found = await cli("cert", "add", "bank", file, *config)
        assert found.code == Exit.REFUSED
        assert why in found.err


def test_the_lists_of_codes_in_the_documents_are_those_of_the_rules() -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    rules = tomllib.loads((ROOT / "schemas" / "schedule.toml").read_text())
    told = dict(re.findall(r"^\| `([A-Z_0-9]+)` \| ([^|]+?) \|", page, re.MULTILINE))
    wanted = {each["code"]: each["name"].replace("_", " ") for each in rules["frequency"]}
    assert told == wanted | {each["code"]: each["title"] for each in rules["reason"]}


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs curl")
async def test_the_way_without_our_client_works_as_it_stands(tmp_path: Path) -> None:
    where = tmp_path / "d"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        DEMO,
        "demo",
        "--directory",
        str(where),
        stdout=subprocess.PIPE,
        env=buffered(),
    )
    assert process.stdout is not None
    try:
        line = b""
        while b"Ctrl-C" not in line:
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, "the demonstration ended before its invitation"
        page = (ROOT / "docs" / "without-our-client.md").read_text(encoding="utf-8")
        blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", page, re.MULTILINE)
        lines = ["set -e -o pipefail"]
        for block in blocks:
            text = "\n".join(line[4:] for line in block.splitlines())
            # The bakery has its key already; this one is made aside.
            lines.append(f'(cd "$(mktemp -d)"\n{text}\n)' if "genpkey" in text else text)
        script = "\n".join(lines).replace("DIRECTORY", str(where))
        ran = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        assert ran.returncode == 0, ran.stderr
        assert "verifies" in ran.stderr
        outcome = json.loads((where / "parties/example-bakery/outcome.json").read_text())
        assert outcome["rows"]["accepted"] == 3
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 20)
