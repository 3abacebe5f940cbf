"""Archives and compressed files from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.client import upload
from gateway.judge.receipt import verify_receipt
from tests.archives import archive
from tests.cli.conftest import Cli, profile_of
from tests.cli.test_sending import large
from tests.conftest import SAMPLES, House

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


def zip_of(directory: Path, **files: bytes) -> Path:
    path = directory / "month.zip"
    path.write_bytes(archive({f"{name}.csv": data for name, data in files.items()}))
    return path


async def test_the_outcome_of_each_file_is_told_and_its_receipt_kept(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    wrong = SCHEDULE.replace(b"TOTAL,", b"TOTAL,9")
    path = zip_of(tmp_path, a=SCHEDULE, b=wrong, c=large(tmp_path).read_bytes())
    kept = tmp_path / "kept"
    call = ("submit", path, "--profile", profile_of(house, "employer", tmp_path))
    sent = await cli(*call, "--receipts", kept)
    assert sent.code == Exit.REFUSED
    assert "a.csv: accepted" in sent.err
    assert "b.csv: refused" in sent.err
    assert "c.csv: accepted; 10000 records" in sent.err
    vkey = house.gateway.ring.evidence.vkey
    for line in sent.out.split():
        assert verify_receipt(Path(line).read_text(), vkey).ok
    again = await cli(*call, "--receipts", kept, "--json")
    assert [file["status"] for file in again.json["files"]] == [200, 422, 200]
    assert {file["receipt"] for file in again.json["files"]} >= {sent.out.split()[0]}


@pytest.mark.parametrize(("files", "code"), [({"a": SCHEDULE}, Exit.OK), ({}, Exit.REFUSED)])
async def test_the_exit_code_says_how_it_went(
    house: House, tmp_path: Path, cli: Cli, files: dict[str, bytes], code: Exit
) -> None:
    profile = profile_of(house, "employer", tmp_path)
    path = zip_of(tmp_path, **files)
    sent = await cli("submit", path, "--profile", profile, "--receipts", tmp_path)
    assert sent.code == code, sent.err


async def test_what_the_manifest_says_cannot_be_said_by_options(tmp_path: Path, cli: Cli) -> None:
    sent = await cli("submit", zip_of(tmp_path, a=SCHEDULE), "--request", "req_1")
    assert sent.code == Exit.USAGE


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_compressed_file_is_the_same_submission(
    house: House, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    monkeypatch.setattr("gateway.client.api.WHOLE_BYTES", 1_000)
    monkeypatch.setattr(upload, "PART_BYTES", 10_000)
    profile = profile_of(house, "employer", tmp_path)
    for file in (SAMPLES / "schedule.csv", large(tmp_path)):
        call = ("submit", file, "--profile", profile, "--receipts", tmp_path, "--json")
        packed = await cli(*call, "--compress", coding)
        assert packed.code == Exit.OK, packed.err
        plain = await cli(*call)
        assert plain.json["id"] == packed.json["id"]
        assert plain.json["repeat"]
