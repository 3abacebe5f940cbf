"""What we write follows the schemas: ours, and the published ones where they are beside us."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree

from adapters.banks.message import AUTH_001, FIN_012, HEAD
from adapters.banks.sign_message import sign
from adapters.banks.write_auth001 import MESSAGES, write
from gateway.core.question import Question
from tests.adapters.bank_messages import NOW
from tests.adapters.bank_signing import EC_BANK
from tests.adapters.questions import QUESTION, QUESTIONS
from tests.conftest import REFERENCE, ROOT

OURS = ROOT / "schemas" / "xsd" / "iso20022"
PUBLISHED = REFERENCE / "iso20022"
PARTS = {
    f"{HEAD}AppHdr": "head.001.001.01",
    f"{AUTH_001}Document": "auth.001.001.01",
    f"{FIN_012}Document": "fin.012.001.03",
}

published = pytest.mark.skipif(
    not PUBLISHED.exists(),
    reason="the published ISO 20022 schemas and examples are not beside the project",
)
folders = pytest.mark.parametrize(
    "folder", [OURS, pytest.param(PUBLISHED / "xsd", marks=published)], ids=["ours", "published"]
)


def schemas(folder: Path) -> dict[str, etree.XMLSchema]:
    return {
        tag: etree.XMLSchema(etree.parse(folder / f"{name}.xsd")) for tag, name in PARTS.items()
    }


def check(content: bytes, known: dict[str, etree.XMLSchema]) -> set[str]:
    """Validate each part of a message; returns the parts that were there."""
    root = etree.fromstring(content)
    found = {tag: element for tag in PARTS if (element := root.find(f".//{tag}")) is not None}
    for tag, element in found.items():
        # A copy of its own: libxml2 would look at the document that an element belongs to.
        known[tag].assertValid(etree.fromstring(etree.tostring(element)))
    return set(found)


@folders
def test_any_question_follows_the_schemas(folder: Path) -> None:
    known = schemas(folder)

    @given(question=QUESTIONS)
    @settings(max_examples=60, deadline=None)
    def holds(question: Question) -> None:
        parts = check(write(question), known)
        assert (f"{FIN_012}Document" in parts) == ("safe_deposit_box" in question.record_types)
        assert {f"{HEAD}AppHdr", f"{AUTH_001}Document"} <= parts

    holds()


@folders
def test_a_signed_question_follows_the_schemas(folder: Path) -> None:
    signed = sign(write(QUESTION), EC_BANK.key, EC_BANK.der, NOW)
    assert f"{HEAD}AppHdr" in check(signed, schemas(folder))
    assert b"Sgntr" in signed


def shape(element: etree._Element) -> list[str]:
    return [child.tag for child in element]


@published
@pytest.mark.parametrize(
    "path", sorted(PUBLISHED.glob("examples/Query*.xml")), ids=lambda p: p.name
)
def test_the_envelope_is_that_of_the_published_examples(path: Path) -> None:
    theirs = etree.parse(path).getroot()
    ours = etree.fromstring(sign(write(QUESTION), EC_BANK.key, EC_BANK.der, NOW))
    assert ours.tag == theirs.tag
    assert shape(ours) == shape(theirs)
    assert shape(ours[1][0]) == shape(theirs[1][0])
    assert shape(ours[1][0][0]) == shape(theirs[1][0][0])
    asked = {element.text for element in theirs.iter(f"{AUTH_001}MsgNmId")}
    assert asked == {MESSAGES[name] for name in ("account", "safe_deposit_box", "party")}
