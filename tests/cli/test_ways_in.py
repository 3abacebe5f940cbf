"""What docs/ways-in.md shows is run as it stands, against a gateway."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from gateway.wiring import clock
from tests.cli.conftest import profile_of
from tests.conftest import ROOT, SAMPLES, House
from tests.schedules import schedule

TOOLS = ("bash", "curl", "openssl", "zip")
ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Name,1.00,1.00,"
needs_tools = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs curl and zip")


def shown(title: str) -> list[str]:
    """The commands that a section of the page shows."""
    page = (ROOT / "docs" / "ways-in.md").read_text(encoding="utf-8")
    section = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", section, re.MULTILINE)
    texts = ["\n".join(line[4:] for line in block.splitlines()) for block in blocks]
    parts = [part for text in texts for part in text.split("\n\n")]
    return [part for part in parts if not part.lstrip().startswith("{")]


async def run(blocks: list[str], where: Path, **known: str) -> str:
    """What the commands write; each block must succeed."""
    where.mkdir(exist_ok=True)
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", "\n".join(["set -e -o pipefail", *blocks])],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        | {name.upper(): text for name, text in known.items()},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def known(house: House, file: Path) -> dict[str, str]:
    issued = house.employer.issued
    return {
        "url": house.url,
        "token": await house.employer.token(),
        "tls": f"--cacert {house.pki.server_ca} --cert {issued.certificate} --key {issued.key}",
        "file": str(file),
    }


@needs_tools
async def test_an_upload_in_parts_is_made_and_asked_about_as_the_page_shows(
    house: House, tmp_path: Path
) -> None:
    told = await known(house, SAMPLES / "schedule.csv")
    out = await run(shown("An upload in parts"), tmp_path / "here", **told)
    first, headers, again = re.fullmatch(
        r"(\{.*\})(HTTP/1.1 200 .*?)\s*(\{.*\})\s*", out, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    assert json.loads(first)["rows"]["accepted"] == 3
    assert json.loads(again) == json.loads(first)
    stands = dict(line.split(": ", 1) for line in headers.splitlines() if ": " in line)
    assert stands["Upload-Offset"] == stands["Upload-Length"]
    left = parsedate_to_datetime(stands["Upload-Expires"]) - clock()
    assert dt.timedelta(hours=23) < left <= dt.timedelta(days=1)


@needs_tools
async def test_a_checksum_that_does_not_match_is_told_as_the_page_says(
    house: House, tmp_path: Path
) -> None:
    told = await known(house, SAMPLES / "schedule.csv")
    making, *_ = shown("An upload in parts")
    garbled = making.replace('--data-binary @"$FILE"', "--data-binary garbled")
    assert garbled != making
    answer = json.loads(await run([garbled], tmp_path / "here", **told))
    assert answer["status"] == 460
    answer = json.loads(await run([making], tmp_path / "here", **told))
    assert answer["rows"]["accepted"] == 3


@needs_tools
async def test_an_archive_is_made_and_sent_as_the_page_shows(house: House, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "example-employer").mkdir(parents=True)
    profile = profile_of(house, "employer", tmp_path)
    shutil.copy(profile, here / "example-employer" / "profile.toml")
    for n in (1, 2):
        (here / f"{n}.csv").write_bytes(schedule(ROW.format(n)))
    await run(shown("An archive with a manifest"), here)
    _, listed, _ = await house.employer.call("GET", "/v1/submissions")
    assert [one["state"] for one in listed["submissions"]] == ["accepted", "accepted"]
