from __future__ import annotations

from pathlib import Path

import click
import pytest

from gateway.cli.command import Command
from gateway.cli.exits import MEANING, Exit
from gateway.cli.manual import renewed
from gateway.cli.root import every_command
from tests.cli.conftest import run
from tests.conftest import ROOT

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
    if name not in {"demo", "serve"}:
        assert any("--json" in parameter.opts for parameter in command.params)


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Exit)


def test_the_document_says_what_the_commands_say() -> None:
    document = ROOT / "docs" / "commands.md"
    text = document.read_text(encoding="utf-8")
    assert renewed(text) == text, "run: python -m gateway.cli.manual docs/commands.md"


def test_version() -> None:
    assert run("version", "--json").json["cms-gateway"]
    assert run("version").out.startswith("cms-gateway")


def test_a_command_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    assert run("sbumit").code == Exit.USAGE
    missing = run("check", tmp_path / "nothing.csv")
    assert missing.code == Exit.USAGE
    assert "nothing.csv" in missing.err
