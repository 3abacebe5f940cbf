"""Every scenario of enforcement is true, and none shares a person with another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.consumers.enforcement.said import FOLDER, run

FILES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_scenario_is_true(path: Path) -> None:
    for said in run(path):
        assert said.lines == said.expected, said.day
        for proposal in said.explained:
            assert proposal.steps, proposal.line()
            assert all(step.value and "None" not in step.value for step in proposal.steps)
            assert len(proposal.line().split()) == 2 + len(proposal.figures), proposal.line()


def test_no_two_scenarios_are_about_the_same_person() -> None:
    seen: dict[str, str] = {}
    for path in FILES:
        for nino in set(re.findall(r"\bAA\d{6}[A-D]", path.read_text("utf-8"))):
            assert seen.setdefault(nino, path.name) == path.name


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_amounts_in_steps_are_in_pounds_and_in_the_line_plain_numbers(path: Path) -> None:
    for one in (proposal for said in run(path) for proposal in said.explained):
        for step in one.steps:
            assert not re.search(r"(?<![£\d.,])\d[\d,]*\.\d\d\b", f"{step.value} {step.how}"), step
        assert "£" not in one.line()
