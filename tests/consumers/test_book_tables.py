"""The documents show every table and key of each book, as the types that read it have them."""

from __future__ import annotations

import msgspec
import pytest

from gateway.consumers.calculation.book import Book as CalculationBook
from gateway.consumers.enforcement.book import Book as EnforcementBook
from gateway.consumers.tracing.book import Book as TracingBook
from tests.conftest import ROOT
from tests.consumers.book_tables import described


@pytest.mark.parametrize(
    ("document", "book"),
    [
        ("calculation", CalculationBook),
        ("enforcement", EnforcementBook),
        ("tracing", TracingBook),
    ],
)
def test_a_document_has_every_table_and_key_of_its_book(
    document: str, book: type[msgspec.Struct]
) -> None:
    text = (ROOT / "docs" / f"{document}.md").read_text("utf-8")
    shown = described(book)
    assert shown in text, f"docs/{document}.md is to have this:\n\n{shown}"
    for field in msgspec.structs.fields(book):
        assert f"| `{field.name}` |" in shown
