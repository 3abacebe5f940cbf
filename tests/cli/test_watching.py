"""The watched folder: what is put there is sent once, put away, and survives being killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.client.connection import Patience
from gateway.client.drop_folder import DropFolder, DropFolderError, digest_of
from gateway.judge.receipt import verify_receipt
from tests.archives import archive
from tests.cli.conftest import Cli, buffered, profile_of, wire_to
from tests.cli.test_sending import in_part, large, mistaken
from tests.conftest import ROOT, SAMPLES, House

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


def other(number: int) -> bytes:
    return SCHEDULE.replace(b"Marsh", b"Marsh %d" % number)


def folder(directory: Path, **files: bytes) -> Path:
    """A drop folder with these files in its inbox."""
    path = directory / "drop"
    (path / "inbox").mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (path / "inbox" / name.replace("_", ".")).write_bytes(data)
    return path


def names(path: Path) -> list[str]:
    return sorted(each.relative_to(path).as_posix() for each in path.rglob("*") if each.is_file())


async def once(cli: Cli, house: House, directory: Path, path: Path, name: str = "employer") -> Any:
    profile = profile_of(house, name, directory)
    return await cli("watch", path, "--once", "--settle", "0", "--profile", profile)


async def count(house: House) -> int:
    _, answer, _ = await house.employer.call("GET", "/v1/submissions", params={"limit": 500})
    return len(answer["submissions"])


async def test_files_are_sent_and_put_away_with_their_results(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    path = folder(
        tmp_path,
        good_csv=SCHEDULE,
        part_csv=in_part(tmp_path).read_bytes(),
        bad_csv=mistaken(tmp_path).read_bytes(),
        large_csv=large(tmp_path).read_bytes(),
        month_zip=archive({"a.csv": other(1), "b.csv": other(2)}),
    )
    ran = await once(cli, house, tmp_path, path)
    assert ran.code == Exit.REFUSED, ran.err
    assert names(path / "inbox") == []
    assert names(path / "done") == [
        "good.csv", "good.csv.outcome.json", "good.csv.tlog-proof",
        "large.csv", "large.csv.outcome.json", "large.csv.tlog-proof",
        "month.zip", "month.zip.outcome.json",
        "part.csv", "part.csv.errors.csv", "part.csv.outcome.json", "part.csv.tlog-proof",
    ]  # fmt: skip
    assert names(path / "refused") == [
        "bad.csv", "bad.csv.errors.csv", "bad.csv.outcome.json", "bad.csv.tlog-proof",
    ]  # fmt: skip
    vkey = house.gateway.ring.evidence.vkey
    for proof in path.rglob("*.tlog-proof"):
        assert verify_receipt(proof.read_text(), vkey).ok
    assert (path / "done" / "good.csv").read_bytes() == SCHEDULE
    told = json.loads((path / "done" / "large.csv.outcome.json").read_bytes())
    assert told["rows"]["accepted"] == 10_000


async def test_a_request_is_named_by_the_folder(house: House, tmp_path: Path, cli: Cli) -> None:
    request = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    path = folder(tmp_path)
    for name in (request, "req_0", "another"):
        (path / "inbox" / name).mkdir()
        answer = (SAMPLES / "bank-answer.xml").read_bytes()
        (path / "inbox" / name / "answer.xml").write_bytes(answer)
    ran = await once(cli, house, tmp_path, path, "bank")
    assert ran.code == Exit.REFUSED
    assert f"{request}/answer.xml" in names(path / "done")
    assert "req_0/answer.xml" in names(path / "refused")
    assert names(path / "inbox") == ["another/answer.xml"]


async def test_refused_rows_are_named_by_the_folder(house: House, tmp_path: Path, cli: Cli) -> None:
    path = folder(tmp_path)
    in_part = SCHEDULE.replace(b"AA000017A", b"QQ1")
    _, first, _ = await house.employer.submit(in_part, "text/csv")
    (path / "inbox" / first["id"]).mkdir()
    (path / "inbox" / first["id"] / "mended.csv").write_bytes(SCHEDULE)
    ran = await once(cli, house, tmp_path, path)
    assert ran.code == Exit.OK, ran.err
    told = json.loads((path / "done" / first["id"] / "mended.csv.outcome.json").read_bytes())
    assert told["completes"] == first["id"]
    assert told["rows"]["accepted"] == 1


async def test_links_folders_and_unfinished_files_are_left_alone(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    path = folder(tmp_path, a_part=SCHEDULE, b_tmp=SCHEDULE, c_filepart=SCHEDULE)
    (path / "inbox" / ".hidden.csv").write_bytes(SCHEDULE)
    (path / "inbox" / "link.csv").symlink_to(SAMPLES / "schedule.csv")
    (path / "inbox" / "req_link").symlink_to(SAMPLES)
    (path / "inbox" / "dir.csv").mkdir()
    os.mkfifo(path / "inbox" / "pipe.csv")
    ran = await once(cli, house, tmp_path, path)
    assert ran.code == Exit.OK, ran.err
    assert await count(house) == 0
    assert names(path / "done") == []
    assert (path / "inbox" / "link.csv").is_symlink()


async def test_a_name_that_is_taken_is_never_replaced(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    for n in (1, 2, 2, 1):
        path = folder(tmp_path, a_csv=other(n))
        assert (await once(cli, house, tmp_path, path)).code == Exit.OK
    files = [name for name in names(path / "done") if name.endswith(".csv")]
    assert len(files) == 4
    assert await count(house) == 2
    assert (path / "done" / "a.csv").read_bytes() == other(1)


async def test_a_file_put_back_is_sent_again(house: House, tmp_path: Path, cli: Cli) -> None:
    path = folder(tmp_path, a_csv=mistaken(tmp_path).read_bytes())
    await once(cli, house, tmp_path, path)
    first = json.loads((path / "refused" / "a.csv.outcome.json").read_bytes())
    (path / "refused" / "a.csv").rename(path / "inbox" / "a.csv")
    await once(cli, house, tmp_path, path)
    again = json.loads((path / "refused" / "a.csv.outcome.json").read_bytes())
    assert again["submission"] != first["submission"]


async def test_trouble_leaves_a_file_where_it_is(
    house: House, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gateway.cli.keeping.Patience", partial(Patience, attempts=1, first_seconds=0.01)
    )
    path = folder(tmp_path, a_csv=SCHEDULE)
    call = ("watch", path, "--once", "--settle", "0", "--profile")
    async with wire_to(house.gateway.port) as wire:
        away = profile_of(house, "employer", tmp_path, url=wire.url)
    assert (await cli(*call, away)).code == Exit.UNAVAILABLE
    unknown = profile_of(house, "employer", tmp_path, kid="another")
    assert (await cli(*call, unknown)).code == Exit.UNAVAILABLE
    assert names(path / "inbox") == ["a.csv"]
    profile = profile_of(house, "employer", tmp_path)
    ran = await cli(*call, profile, "--json")
    assert (ran.code, ran.json["end"]) == (Exit.OK, "accepted")
    assert names(path / "inbox") == []


async def test_a_file_that_still_grows_is_waited_for(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    path = folder(tmp_path, a_csv=SCHEDULE[:100])
    profile = profile_of(house, "employer", tmp_path)
    ran = asyncio.create_task(cli("watch", path, "--once", "--settle", "2", "--profile", profile))
    for at in range(100, len(SCHEDULE), 100):
        await asyncio.sleep(0.4)
        with (path / "inbox" / "a.csv").open("ab") as file:
            file.write(SCHEDULE[at : at + 100])
    assert (await ran).code == Exit.OK
    assert (path / "done" / "a.csv").read_bytes() == SCHEDULE
    assert await count(house) == 1


async def test_two_watchers_exclude_each_other(house: House, tmp_path: Path, cli: Cli) -> None:
    path = folder(tmp_path, a_csv=SCHEDULE)
    with DropFolder(path):
        ran = await once(cli, house, tmp_path, path)
        assert ran.code == Exit.UNAVAILABLE
        assert "Another watcher" in ran.err
    assert (await once(cli, house, tmp_path, path)).code == Exit.OK


@pytest.mark.parametrize("linked", [True, False])
async def test_what_was_begun_is_finished_and_not_sent_again(
    house: House, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, *, linked: bool
) -> None:
    """A watcher killed once the results were written: before the file was linked, or after."""
    path = folder(tmp_path, a_csv=SCHEDULE)
    monkeypatch.setattr(DropFolder, "_finish", lambda *_: None)
    with DropFolder(path) as held:
        (file,) = held.found()
        outcome = {"sha256": digest_of(file.path), "end": "accepted", "id": "sub_1"}
        target = held.put_away(file, "done", outcome, {".tlog-proof": b"x"})
    if linked:
        os.link(file.path, target)
    monkeypatch.undo()
    assert names(path / "inbox") == ["a.csv"]
    assert (await once(cli, house, tmp_path, path)).code == Exit.OK
    assert names(path / "inbox") == []
    assert len(names(path / "done")) == 3
    assert await count(house) == 0


def test_folders_that_are_links_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (path / "done").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DropFolderError, match="link"), DropFolder(path):
        pass


def _start(path: Path, profile: Path) -> subprocess.Popen[bytes]:
    code = "import sys; from gateway.cli import main; sys.argv[0] = 'cms-gateway'; main()"
    arguments = ["watch", str(path), "--settle", "0", "--profile", str(profile)]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=buffered(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def _tormented(house: House, directory: Path, kills: int, files: int, seed: int) -> None:
    chance = random.Random(seed)
    path = folder(directory)
    profile = profile_of(house, "employer", directory)
    bodies = {f"{n}.csv": other(n) for n in range(files)}
    waiting = list(bodies.items())
    for _ in range(kills):
        process = _start(path, profile)
        try:
            until = time.monotonic() + chance.uniform(0.6, 1.6)
            while time.monotonic() < until:
                if waiting:
                    name, data = waiting.pop()
                    (path / f".{name}").write_bytes(data)
                    (path / f".{name}").rename(path / "inbox" / name)
                await asyncio.sleep(0.02)
        finally:
            process.kill()
            process.wait()
    for name, data in waiting:
        (path / "inbox" / name).write_bytes(data)
    process = _start(path, profile)
    try:
        for _ in range(600):
            if not names(path / "inbox"):
                break
            await asyncio.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    assert names(path / "inbox") == []
    with DropFolder(path):
        pass  # what was being made is cleared away
    assert names(path / "done") == sorted(
        name + ending for name in bodies for ending in ("", ".outcome.json", ".tlog-proof")
    )
    vkey = house.gateway.ring.evidence.vkey
    for name, data in bodies.items():
        assert (path / "done" / name).read_bytes() == data
        assert verify_receipt((path / "done" / f"{name}.tlog-proof").read_text(), vkey).ok
    assert await count(house) == files


async def test_killed_at_any_moment_nothing_is_lost_and_nothing_sent_twice(
    house: House, tmp_path: Path
) -> None:
    await _tormented(house, tmp_path, kills=6, files=60, seed=3)


@pytest.mark.slow
async def test_forty_kills_of_a_watcher(house: House, tmp_path: Path) -> None:
    await _tormented(house, tmp_path, kills=40, files=400, seed=4)
