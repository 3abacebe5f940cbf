"""The figures of the law: each used, each cited, and none in the code."""

from __future__ import annotations

import re
import tomllib

import pytest

from gateway.consumers.enforcement.earnings_orders import KNOWN_REASONS
from tests.conftest import ROOT
from tests.consumers.enforcement.making import RATES, TABLE

LINES = tomllib.loads(TABLE)["rate"]
SOURCES = sorted((ROOT / "gateway" / "consumers" / "enforcement").glob("*.py"))
SOURCE = "\n".join(path.read_text("utf-8") for path in SOURCES)
# Codes that are put together from what the book or a record says.
MADE = ("REACH_", "BENEFIT_", "WRITE_OFF_", "DEO_CARRY_")


@pytest.mark.parametrize(
    "line", LINES, ids=[f"{line['code']}-{line['values'][0]}" for line in LINES]
)
def test_every_line_is_cited_and_used(line: dict[str, str]) -> None:
    assert line["citation"]
    assert not line["title"].endswith(".")
    code = line["code"].removesuffix("_QUIET")
    assert f'"{code}"' in SOURCE or code.startswith(MADE)


def test_every_code_in_the_source_is_in_the_table() -> None:
    codes = set(
        re.findall(r'"((?:DEO|RDO|LSDO|SETOFF|SMALL|LAST|PASSPORT|LIABILITY)_[A-Z0-9_]+)"', SOURCE)
    )
    # The codes of proposals are in the same letters.
    known = {line["code"] for line in LINES}
    wanted = {code for code in codes if f'code="{code}"' not in SOURCE and f'"{code}",' in SOURCE}
    assert {code for code in wanted if code not in known} <= {
        "SETOFF_ASK", "SETOFF_MAY_BE_RELEASED", "SETOFF_NOT_RELEASED", "LAST_CHANCE_LETTER",
    }  # fmt: skip
    assert codes & known


def test_no_figure_of_the_law_stands_in_the_code() -> None:
    """The thresholds, days and rates, but for the 14 that are the days of a fortnight."""
    found = re.findall(r"(?<![\w.])(?:700|840|1000|5500|50000|100000|8000|0\.4|0\.6|19|40|60|30)(?![\w.(])", SOURCE)  # fmt: skip
    assert found == []


def test_our_reasons_are_the_ones_of_the_payment_schedule() -> None:
    table = tomllib.loads((ROOT / "schemas" / "schedule.toml").read_text("utf-8"))
    assert {reason["code"] for reason in table["reason"]} == KNOWN_REASONS


def test_what_is_recalled_is_not_told_as_read() -> None:
    assert not [line["code"] for line in LINES if "recalled" in line["citation"] and line["confidence"] == "V"]  # fmt: skip
    assert RATES
