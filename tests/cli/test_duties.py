"""The duty table, as the command line and the documentation show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.duty_page import PAGE, page
from gateway.cli.exits import Exit
from gateway.cli.root import root
from gateway.installed import law


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(root, ["duties", *arguments])
    return result.exit_code, result.output


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == page(law()), "run: make schemas"


def test_every_class_is_listed_with_its_state_and_citation():
    code, output = run("list")
    assert code == Exit.OK
    for item in law().classes.values():
        line = next(line for line in output.splitlines() if line.startswith(f"{item.slug}\t"))
        assert item.citation in line
        assert ("\ton\t" in line) == item.enabled


def test_a_list_for_machines_has_the_whole_table():
    code, output = run("list", "--json")
    assert code == Exit.OK
    assert set(json.loads(output)["classes"]) == set(law().classes)


@pytest.mark.parametrize("slug", sorted(law().classes))
def test_a_class_is_shown_with_all_it_may_be_asked_for(slug: str):
    code, output = run("show", slug)
    assert code == Exit.OK
    for line in law().classes[slug].sends:
        assert f"{line.record_type}\t" in output


def test_a_class_that_is_not_there_is_told_so():
    code, output = run("show", "astrologer")
    assert code == Exit.REFUSED
    assert "duties list" in output


def test_a_class_is_switched_on_by_the_instrument_it_rests_on(tmp_path: Path):
    arguments = ["--citation", "SI 2030/1 reg 2", "--in-force", "2020-04-06"]
    code, output = run("enable", "academy_proprietor", *arguments, "--directory", str(tmp_path))
    assert code == Exit.OK, output
    item = law(tmp_path).classes["academy_proprietor"]
    assert (item.enabled, item.citation, item.confidence) == (True, "SI 2030/1 reg 2", "V")
    assert item.in_force.isoformat() == "2020-04-06"
    assert item.sends == law().classes["academy_proprietor"].sends
    code, output = run("enable", "academy_proprietor", *arguments, "--directory", str(tmp_path))
    assert code == Exit.REFUSED
    assert "change it by hand" in output


@pytest.mark.parametrize("citation", ["", "  ", 'a "quoted" one', "two\nlines", "back\\slash"])
def test_a_citation_that_would_spoil_the_file_is_not_taken(tmp_path: Path, citation: str):
    code, _ = run("enable", "police", "--citation", citation, "--in-force", "2020-04-06",
                  "--directory", str(tmp_path))  # fmt: skip
    assert code == Exit.USAGE
    assert not list(tmp_path.iterdir())
