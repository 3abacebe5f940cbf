"""docs/enforcement.md says what the tables and the proposals say."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.consumers.proposal import explained, pounds
from gateway.consumers.rates import Rate
from tests.conftest import ROOT
from tests.consumers.enforcement.making import RATES
from tests.consumers.enforcement.said import FOLDER, run
from tests.consumers.enforcement.test_rates_of_enforcement import LINES

PAGE = (ROOT / "docs" / "enforcement.md").read_text("utf-8")


def value(rate: Rate) -> str:
    number = rate.values[0]
    match rate.unit:
        case "pence":
            return f"£{pounds(int(number))}"
        case "pence_a_week":
            return f"£{pounds(int(number))} a week"
        case "percent":
            return f"{number}%"
        case "switch":
            return "yes" if number == "1" else "no"
        case "day_of_month":
            return f"day {number}"
        case "count":
            return number
        case _:
            return f"{number} {rate.unit}"


def line_of(rate: Rate) -> str:
    return f"| {rate.title} | {value(rate)} | {rate.citation} | {rate.confidence} |"


@pytest.mark.parametrize("code", sorted({line["code"] for line in LINES}))
def test_every_rule_stands_on_the_page_with_its_source(code: str) -> None:
    assert line_of(RATES.at(code, dt.date(2026, 11, 1))) in PAGE


def test_the_example_is_what_is_printed() -> None:
    (said,) = run(FOLDER / "deo_protected_earnings_explain.txt")
    (short,) = [one for one in said.explained if one.code == "SHORT"]
    told = "".join(f"    {line}\n" for line in explained(short).splitlines())
    assert told in PAGE


def test_every_code_of_a_proposal_is_told() -> None:
    codes = {
        one.code for path in FOLDER.glob("*.txt") for said in run(path) for one in said.explained
    }
    assert {code for code in codes if f"`{code}`" not in PAGE} == set()
