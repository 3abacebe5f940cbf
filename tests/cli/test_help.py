from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli.command import PROGRAM, Command
from gateway.cli.exits import MEANING, Exit
from gateway.cli.manual import COLUMNS, PAGE, help_of, reference
from gateway.cli.root import every_command, root
from tests.cli.conftest import run

COMMANDS = every_command()


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_help_has_an_example_of_the_command_and_its_exit_codes(
    name: str, command: click.Command
) -> None:
    assert isinstance(command, Command)
    told = run(*name.split(), "--help")
    assert told.code == 0
    assert f"cms-gateway {name}" in told.out.partition("Example:")[2]
    assert "Exit codes:" in told.out
    assert f"  {Exit.OK.value}  {MEANING[Exit.OK][:20]}" in told.out


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_result_can_be_had_as_json(name: str, command: click.Command) -> None:
    if name not in {"demo", "serve", "sandbox serve"}:
        assert any("--json" in parameter.opts for parameter in command.params)


def test_the_help_of_all_tells_each_command_in_a_line_that_fits() -> None:
    told = run("--help").out
    assert max(map(len, told.splitlines())) <= COLUMNS
    for commands in root.sections.values():
        for name, lazy in commands.items():
            (line,) = re.findall(rf"^  {name} +(.*)$", told, re.MULTILINE)
            assert line == lazy.line


def test_the_help_of_all_imports_no_command() -> None:
    code = (
        "import sys\nfrom gateway.cli.root import root\n"
        "root(['--help'], standalone_mode=False)\n"
        "assert not {'gateway.wiring', 'gateway.client.api', 'aiohttp'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Exit)


def test_the_document_says_what_the_commands_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == reference(), "run: python -m gateway.cli.manual"


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_the_document_says_what_a_terminal_shows(name: str) -> None:
    # The runner's own terminal is 80 wide, whatever the environment says.
    words = [*name.split(), "--help"]
    shown = CliRunner().invoke(root, words, prog_name=PROGRAM, terminal_width=COLUMNS).stdout
    assert shown.rstrip("\n") == help_of(name).rstrip("\n")
    assert shown.startswith(f"Usage: cms-gateway {name} [OPTIONS]")


def test_version() -> None:
    assert run("version", "--json").json["cms-gateway"]
    assert run("version").out.startswith("cms-gateway")
    assert run("--version").out.startswith("cms-gateway ")


def test_a_command_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    assert run("sbumit").code == Exit.USAGE
    missing = run("check", tmp_path / "nothing.csv")
    assert missing.code == Exit.USAGE
    assert "nothing.csv" in missing.err
