"""Our schemas of the ISO 20022 messages give the same verdict as the official ones.

The official schemas and examples are not part of the project: where their folder is absent, what
needs them is skipped.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.banks.message import DISPUTED, FIN_012, namespace_of, schema_for
from gateway.core.hardened_xml import parse

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY.parent / "shared" / "reference" / "iso20022"
SAMPLES = REPOSITORY / "schemas" / "samples"
XS = "{http://www.w3.org/2001/XMLSchema}"

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the ISO 20022 reference folder is not here"
)

MADE_UP = (
    f"""<Document xmlns="{DISPUTED[1:-1]}"><Disputed>
      <DisputedEntityId><Id>AA000001A</Id><Code>NINO</Code></DisputedEntityId>
      <FinancialInstitutionId><Id>EXAMPLE</Id><Code>Y</Code></FinancialInstitutionId>
    </Disputed></Document>""",
    f"""<Document xmlns="{FIN_012[1:-1]}"><InfReqFin012>
      <AuthorityInquiry><OfficialId>A</OfficialId><OfficialSuperiorId>B</OfficialSuperiorId>
      </AuthorityInquiry>
      <AdditionalSearchCriteria><SafetyDepositBoxId>C</SafetyDepositBoxId>
      </AdditionalSearchCriteria></InfReqFin012></Document>""",
)


def official_files() -> list[Path]:
    return sorted((REFERENCE / "xsd").glob("*.xsd")) if REFERENCE.is_dir() else []


OFFICIAL = {
    f"{{{etree.parse(path).getroot().get('targetNamespace')}}}": path for path in official_files()
}
_official: dict[str, etree.XMLSchema] = {}


def official(namespace: str) -> etree.XMLSchema:
    if namespace not in _official:
        _official[namespace] = etree.XMLSchema(file=str(OFFICIAL[namespace]))
    return _official[namespace]


def parts_of(content: bytes) -> Iterator[bytes]:
    """Yield each message inside a file, on its own: header, document, extensions."""
    for element in parse(content, 1 << 24).iter("{*}AppHdr", "{*}Document"):
        yield etree.tostring(element, with_tail=False)


def example_files() -> list[Path]:
    examples = (REFERENCE / "examples").glob("*.xml") if REFERENCE.is_dir() else ()
    return sorted([*examples, *SAMPLES.glob("bank-answer*.xml")])


PARTS = [part for path in example_files() for part in parts_of(path.read_bytes())]
PARTS += [made.encode() for made in MADE_UP]


def verdicts(element: etree._Element) -> tuple[bool, bool]:
    namespace = namespace_of(element)
    return schema_for(namespace).validate(element), official(namespace).validate(element)


@needs_reference
def test_every_official_message_has_a_schema_of_ours() -> None:
    for namespace in OFFICIAL:
        schema_for(namespace)
    assert len(OFFICIAL) == 8


@pytest.mark.parametrize("part", PARTS, ids=range(len(PARTS)))
def test_every_example_and_sample_is_valid_by_ours(part: bytes) -> None:
    element = parse(part, 1 << 24)
    schema = schema_for(namespace_of(element))
    assert schema.validate(element), list(schema.error_log)


# ----------------------------------------------------------------- mutations

TEXTS = [
    "", " ", "x", "A", "GB", "GBP", "GBPX", "EXPLGB2L", "GB45EXPL00000000001234", "gb45", "+44-1",
    "+44 1", "ADDR", "COMP", "ALLP", "ENAB", "CACC", "POWN", "NFOU", "DTTX", "true", "1", "yes",
    "12.34", "-0.01", "1.123456", "1234567890123456789", "1e3", "12345678", "1234567", "123456",
    "2026-01-01", "2026-02-30", "2026-01-01Z", "26-01-01", "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00", "2026-01-01T24:00:01Z", *("y" * n for n in
    (4, 5, 6, 16, 17, 34, 35, 36, 70, 71, 140, 141, 256, 257, 350, 351, 500, 501, 2048, 2049)),
]  # fmt: skip


def vocabulary() -> list[str]:
    names: set[str] = set()
    for path in official_files():
        elements = etree.parse(path).iter(f"{XS}element")
        names.update(name for element in elements if (name := element.get("name")))
    return [*sorted(names), "Unheard"]


NAMES = vocabulary()


def mutate(root: etree._Element, chance: random.Random) -> None:
    """Change one thing: drop, repeat, move, rename, insert, or put another text."""
    nodes = list(root.iter())[1:] or [root]
    node = chance.choice(nodes)
    parent = node.getparent()
    way = chance.choice(["drop", "repeat", "move", "rename", "insert", "text", "attribute"])
    namespace = namespace_of(root)
    if way == "text" or parent is None:
        leaf = chance.choice([each for each in nodes if len(each) == 0])
        leaf.text = chance.choice(TEXTS)
    elif way == "drop":
        parent.remove(node)
    elif way == "repeat":
        node.addnext(parse(etree.tostring(node, with_tail=False), 1 << 24))
    elif way == "move":
        parent.insert(chance.randrange(len(parent)), node)
    elif way == "rename":
        node.tag = namespace + chance.choice(NAMES)
    elif way == "insert":
        added = etree.Element(namespace + chance.choice(NAMES))
        added.text = chance.choice(TEXTS)
        parent.insert(chance.randrange(len(parent) + 1), added)
    else:
        node.set(chance.choice(["id", "Ccy"]), "x")


@needs_reference
@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(PARTS) - 1), st.integers(1, 3), st.integers(0, 2**32))
def test_a_changed_message_has_the_same_verdict_by_both(part: int, changes: int, seed: int) -> None:
    chance = random.Random(seed)
    element = parse(PARTS[part], 1 << 24)
    for _ in range(changes):
        mutate(element, chance)
    ours, theirs = verdicts(element)
    assert ours == theirs


# ----------------------------------------------------------------- documents grown from a schema

FORMS = {
    "AnyBICIdentifier": "EXPLGB2LXXX",
    "BICFIIdentifier": "EXPLGB2L",
    "BICIdentifier": "EXPLGB2L",
    "IBAN2007Identifier": "GB45EXPL00000000001234",
    "CountryCode": "GB",
    "ActiveOrHistoricCurrencyCode": "GBP",
    "ActiveCurrencyCode": "GBP",
    "PhoneNumber": "+44-2079460018",
    "Min8Max28NumericText": "00000000",
    "Max5NumericText": "41",
    "Max4AlphaNumericText": "Ab1",
    "ImpliedCurrencyAndAmount": "123.45",
    "ISODate": "2026-02-28",
    "ISODateTime": "2026-02-28T10:00:00",
    "ISONormalisedDateTime": "2026-02-28T10:00:00Z",
    "YesNoIndicator": "true",
}


class Grower:
    """Grows random documents out of an official schema, as far as each one allows."""

    def __init__(self, namespace: str, chance: random.Random) -> None:
        self.root = etree.parse(OFFICIAL[namespace]).getroot()
        self.types = {
            t.get("name"): t for t in self.root if t.get("name") and t.tag != f"{XS}element"
        }
        self.namespace, self.chance = namespace, chance

    def document(self) -> etree._Element:
        declared = self.root.find(f"{XS}element")
        assert declared is not None
        return self.element(declared)

    def element(self, declared: etree._Element) -> etree._Element:
        grown = etree.Element(self.namespace + str(declared.get("name")))
        name = declared.get("type")
        inner = self.types.get(name) if name else declared[0]
        assert inner is not None
        if inner.tag == f"{XS}complexType":
            self.fill(grown, inner[0])
        else:
            grown.text = self.text(str(name), inner)
        return grown

    def fill(self, parent: etree._Element, group: etree._Element) -> None:
        if group.tag == f"{XS}choice":
            self.particle(parent, self.chance.choice(list(group)))
            return
        members = list(group)
        if group.tag == f"{XS}all":
            self.chance.shuffle(members)
        for member in members:
            self.particle(parent, member)

    def particle(self, parent: etree._Element, particle: etree._Element) -> None:
        least = int(particle.get("minOccurs", "1"))
        most = particle.get("maxOccurs", "1")
        count = self.chance.randint(least, 3 if most == "unbounded" else min(int(most), 7))
        for _ in range(count):
            if particle.tag == f"{XS}element":
                parent.append(self.element(particle))
            elif particle.tag == f"{XS}any":
                lead = particle.get("namespace", "##any")
                parent.append(etree.Element(f"{{{'urn:x' if lead == '##any' else lead}}}Any"))
            else:
                self.fill(parent, particle)

    def text(self, name: str, declared: etree._Element) -> str:
        if name in FORMS:
            return FORMS[name]
        codes = [code.get("value") for code in declared.iter(f"{XS}enumeration")]
        if codes:
            return str(self.chance.choice(codes))
        longest = declared.find(f".//{XS}maxLength")
        most = 9 if longest is None else int(str(longest.get("value")))
        return "z" * self.chance.choice([1, most])


@needs_reference
@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(0, 3), st.integers(0, 2**32))
def test_a_message_grown_from_the_official_schema_is_valid_by_ours(
    data: st.DataObject, changes: int, seed: int
) -> None:
    chance = random.Random(seed)
    element = Grower(data.draw(st.sampled_from(sorted(OFFICIAL))), chance).document()
    if not changes:
        assert verdicts(element) == (True, True)
    for _ in range(changes):
        mutate(element, chance)
        ours, theirs = verdicts(element)
        assert ours == theirs
