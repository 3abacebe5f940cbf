"""The book and the tables: what is not known there is refused, and every line says where it stands."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import Any

import pytest

from gateway.consumers.calculation.book import read_book
from gateway.consumers.tracing import book as tracing
from tests.consumers.calculation.made_up import CASE, TABLE
from tests.consumers.offline import ROOT

CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "gateway" / "consumers" / "calculation").glob("*.py"))
)


def test_a_book_is_read() -> None:
    (case,) = read_book(CASE).case
    assert (case.reference, case.scheme, case.child[0].nights) == ("case-1", 2012, 0)
    assert read_book("").case == ()


@pytest.mark.parametrize(
    "text",
    [
        "case = 1",
        "no toml",
        CASE + "nigths = 5\n",
        CASE + CASE,
        CASE.replace('[{ receiving_parent = "parent-a" }]', "[]"),
        CASE.replace('"parent-a" }', '"parent-a", nights = 367 }'),
        CASE.replace('"parent-a"', '"a parent"'),
        CASE + "scheme = 1999\n",
        CASE + 'nil_group = "anybody"\n',
        CASE + "present = { income_pence = -1 }\n",
    ],
)
def test_a_book_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_book(text)


RATES = tomllib.loads(TABLE)["rate"]


def test_what_is_not_read_in_the_law_itself_says_how_it_is_known_or_stands_elsewhere() -> None:
    proposed = [rate["code"] for rate in RATES if rate["confidence"] == "R" and "note" not in rate]
    assert proposed == []
    assert all(rate["citation"] for rate in RATES)


def test_the_code_names_no_rate_that_is_not_in_the_tables_and_leaves_none_out() -> None:
    named = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', CODE))
    begun = set(re.findall(r'f"([a-z_]+(?:\.[a-z_]+)?)\.\{', CODE))
    known = {rate["code"] for rate in RATES}
    assert named <= known
    unused = {
        code for code in known - named if not any(code.startswith(f"{one}.") for one in begun)
    }
    assert unused == set()


def test_no_figure_of_the_law_stands_in_the_code() -> None:
    """What is left are days of a tax year, months, shares of a percent and places in a text."""
    allowed = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "12", "100", "28", "06", "02", "2012",
               "1993", "2003", "366", "10_000", "1_000_000"}  # fmt: skip
    plain = re.sub(r'"""[\s\S]*?"""|#.*|"[^"\n]*"|\bf"[^"\n]*"', "", CODE)
    assert set(re.findall(r"(?<![\w.])\d[\d_]*", plain)) <= allowed


def told(rate: dict[str, Any]) -> str:
    """The values of a rate as the page shows them."""
    values = [Decimal(value) for value in rate["values"]]
    if rate["unit"].startswith("pence"):
        return " / ".join(f"£{value / 100:,.2f}".removesuffix(".00") for value in values)
    after = "%" if rate["unit"] == "percent" else ""
    return " / ".join(f"{value}{after}" for value in values)


def test_the_page_has_every_figure_with_its_source() -> None:
    page = (ROOT / "docs" / "calculation.md").read_text(encoding="utf-8")
    rows = [
        f"| {rate['title']} | {told(rate)} | {rate['citation']} | {rate['confidence']} |\n"
        for rate in RATES
        if rate["unit"] != "switch" and "until" not in rate
    ]
    missing = "".join(row for row in rows if row not in page)
    assert not missing, missing


def test_the_books_that_are_shown_are_about_one_person() -> None:
    books = ROOT / "schemas" / "books"
    (case,) = read_book((books / "calculation.toml").read_text("utf-8")).case
    (subject,) = tracing.read_book((books / "tracing.toml").read_text("utf-8")).subject
    payer = case.paying_parent
    assert (payer.surname, payer.date_of_birth, payer.nino) == (
        subject.surname,
        subject.date_of_birth,
        subject.nino,
    )
