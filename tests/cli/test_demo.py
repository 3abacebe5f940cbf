from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from gateway.cli.demo.cast import SAMPLES as CAST
from gateway.cli.exits import Exit
from tests.cli.conftest import buffered, run
from tests.conftest import ROOT, SAMPLES

DEMO = (sys.executable, "-c", "from gateway.cli import main; main()", "demo")


def test_the_story_is_told_to_its_end() -> None:
    told = run("demo", "--once")
    assert told.code == Exit.OK, told.out + told.err
    steps = [int(number) for number in re.findall(r"^ ?(\d+)  ", told.out, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 12
    assert "withheld" in told.out
    assert re.search(r"entry \d+: its bytes in tile/entries/", told.out)
    assert all(line == line.rstrip() for line in told.out.splitlines())


def test_the_story_is_not_told_over_something(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    told = run("demo", "--once", "--directory", tmp_path)
    assert told.code == Exit.USAGE
    assert "not empty" in told.err


def test_every_sample_has_its_part() -> None:
    assert {sample.file for sample in CAST} == {
        path.name for path in SAMPLES.iterdir() if path.is_file()
    }


async def test_the_commands_it_prints_work_as_they_stand(tmp_path: Path) -> None:
    where = tmp_path / "d"
    process = await asyncio.create_subprocess_exec(
        *DEMO,
        "--directory",
        str(where),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=buffered(),
    )
    assert process.stdout is not None
    printed: list[str] = []
    try:
        while not printed or "Ctrl-C" not in printed[-1]:
            printed.append((await asyncio.wait_for(process.stdout.readline(), 60)).decode())
            assert printed[-1], "the demonstration ended before its invitation"
        commands = [line.split() for line in printed if re.match(r" {4}\S*cms-gateway ", line)]
        assert len(commands) >= 5
        assert all(shutil.which(command[0]) for command in commands)
        for command in commands:
            if "--follow" in command:
                command.remove("--follow")
            ran = await asyncio.to_thread(run, *command[1:])
            expected = Exit.REFUSED if command[1] == "check" else Exit.OK
            assert ran.code == expected, (command, ran.err)
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, errors
