"""The page that says which scenario shows which rule, and the scenarios: neither without the other."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from tests.conftest import ROOT

SCENARIOS = ROOT / "tests" / "scenarios"
PAGE = (SCENARIOS / "COVERAGE.md").read_text(encoding="utf-8")
FILES = [
    path.stem
    for team in ("calculation", "enforcement")
    for path in sorted((SCENARIOS / team).glob("*.txt"))
]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| Rule ")
]
NAMES = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[-1])}


def test_each_line_has_a_rule_and_its_scenarios() -> None:
    assert [row for row in ROWS if len(row) != 3 or not row[0] or "`" not in row[2]] == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_name_leads_to_a_scenario(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,}[a-z0-9_*]*", name), "a name, or the beginning of some"
    assert [stem for stem in FILES if fnmatchcase(stem, name)]


def test_each_scenario_is_on_the_page() -> None:
    lost = [stem for stem in FILES if not any(fnmatchcase(stem, name) for name in NAMES)]
    assert lost == []


def test_no_name_is_of_two_teams() -> None:
    assert sorted(set(FILES)) == sorted(FILES)
