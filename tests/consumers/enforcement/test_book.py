"""The book is read strictly: what it does not know, or what leads nowhere, is refused."""

from __future__ import annotations

import msgspec
import pytest

from gateway.consumers.enforcement.book import read_book
from tests.consumers.enforcement.making import CASE, ORDER


def test_an_empty_book_is_a_book() -> None:
    assert read_book("").case == ()


def test_a_book_is_read_with_its_types() -> None:
    book = read_book(CASE + ORDER)
    assert book.earnings_order[0].normal[0].rate("four_weekly") == 14000
    assert [book.earnings_order[0].normal[0].rate(name) for name in ("weekly", "fortnightly", "monthly")] == [3500, 7000, 15000]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE.replace("scheme", "shceme"), "shceme"),
        (CASE.replace('"2012"', '"2013"'), "scheme"),
        (CASE.replace("case-1", "case 1"), "reference"),
        (CASE + CASE, "two of case case-1"),
        (ORDER, "no case case-1"),
        (CASE + ORDER + ORDER, "two of earnings_order deo-1"),
        (CASE + ORDER.replace('nino = "AA000017A"\n', ""), "names nobody"),
        (CASE + ORDER.replace("normal = [{since = 2026-01-30", "normal = [{since = 2026-02-01"),
         "no rate on its first pay-day"),
        (CASE + ORDER.replace("15000}]", "15000}, {since = 2026-01-30, weekly_pence = 1, "
         "fortnightly_pence = 2, four_weekly_pence = 4, monthly_pence = 4}]"), "from a later day"),
        (CASE + '[[receipt]]\ncase = "case-1"\norder = "deo-9"\npence = 1\nreceived_on = 2026-01-01',
         "no earnings_order deo-9"),
        (CASE + "[[debt]]\nid = 'd'\ncase = 'case-1'\npence = -1", "pence"),
    ],
)  # fmt: skip
def test_what_is_no_book_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=words):
        read_book(text)
