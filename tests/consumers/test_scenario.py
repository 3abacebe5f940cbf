"""The format of scenarios: what keeps to it is read, and what does not is named with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.consumers.scenario import Clock, Knows, Says, ScenarioError, Sends, read_scenario

GOOD = """A title.
Law: an Act s1

# a remark
Clock 2026-05-01 09:00

prison_service sends custody
    surname,status
    # another
    Marsh,remand

employer answers tracing with employment
    surname,employer_name
    Marsh,X

Book tracing
    [[person]]
    name = "x"

On 2026-05-02 tracing says
    FOUND x

    LOST y
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "one.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_is_read(tmp_path: Path) -> None:
    found = read_scenario(written(tmp_path, GOOD))
    assert (found.title, found.law) == ("A title.", "an Act s1")
    assert found.steps == (
        Clock(dt.datetime(2026, 5, 1, 9, tzinfo=dt.UTC)),
        Sends("prison_service", "custody", "surname,status\nMarsh,remand\n"),
        Sends("employer", "employment", "surname,employer_name\nMarsh,X\n", "tracing"),
        Knows("tracing", '[[person]]\nname = "x"\n'),
        Says("tracing", dt.date(2026, 5, 2), ("FOUND x", "LOST y")),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("A title.\n", "begins"),
        ("A title.\nClock 2026-05-01 09:00\n", "begins"),
        ("A title.\nLaw: x\n    a,b\n", ":3"),
        ("A title.\nLaw: x\nClock today\n", ":3"),
        ("A title.\nLaw: x\n\nHMRC says nothing\n", ":4"),
    ],
)
def test_what_is_no_scenario_is_named(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(ScenarioError, match=where):
        read_scenario(written(tmp_path, text))
