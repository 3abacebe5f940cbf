"""Payment schedules as XML: the schema in force, the rules of CSV, and nothing kept of the file."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.banks.auth001 import AUTH_001
from adapters.banks.auth002 import AUTH_002
from adapters.employers.columns import COLUMNS
from adapters.employers.schedule_csv import SCHEDULE_CSV
from adapters.employers.schedule_xml import ELEMENTS, NAMESPACE, SCHEDULE_XML
from gateway.core.adapter import ReadContext
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.schedule_files import (
    MARK,
    NOW,
    ORDER,
    code_of,
    csv_of,
    read_csv,
    read_xml,
    records,
    row,
    rows,
    survives,
    told,
    unnumbered,
    xml_of,
)
from tests.conftest import ROOT, SAMPLES

PLAIN = xml_of(rows(3))
FULL = row(
    nino="AA000017A", forename="Tamsin", payroll_no="0017", net_earnings="1200.00",
    amount_deducted="100.00", admin_charge="0.50", reason_code="OTHER", reason_note="A & B <c>",
    left_date="2026-10-16", payment_ref="R", payment_method="BACS", payment_date="2026-11-02",
    address_1="Flat 1", address_2="2 Road", address_3="Close", town="Town", postcode="SW1A 1AA",
)  # fmt: skip


def refusal(content: str | bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read_xml(content)
    assert MARK not in refused.value.detail
    return refused.value


def test_every_column_has_its_element_in_the_schema_in_the_order_told() -> None:
    schema = etree.parse(str(ROOT / "schemas" / SCHEDULE_XML.schema))
    xs = "{http://www.w3.org/2001/XMLSchema}"
    of_row = schema.findall(f"{xs}complexType[@name='Deduction']//{xs}element")
    assert [element.get("name") for element in of_row] == [ELEMENTS[name] for name in ORDER]
    needed = {element.get("name") for element in of_row if element.get("minOccurs") is None}
    assert needed == {ELEMENTS[name] for name in COLUMNS[1:9]}
    assert set(ELEMENTS) == set(COLUMNS[1:])


@pytest.mark.parametrize("prefix", ["", "s"])
def test_csv_and_xml_say_the_same(prefix: str) -> None:
    given_rows = [FULL, *rows(2)]
    assert unnumbered(read_xml(xml_of(given_rows, prefix=prefix))) == unnumbered(
        read_csv(csv_of(given_rows)),
    )


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_the_declared_character_set_is_read(charset: str) -> None:
    content = f'<?xml version="1.0" encoding="{charset}"?>' + xml_of([row(surname="Müller")])
    (record,) = records(read_xml(content.encode(charset)))
    assert record.who.surname == "Müller"  # type: ignore[attr-defined]


def test_rows_are_counted_from_one_and_told_by_element() -> None:
    given_rows = rows(3)
    given_rows[1] |= {"nino": MARK, "ndr_due": ""}
    items = read_xml(xml_of(given_rows))
    assert told(items) == [(2, "NDRDue", "VALUE_MISSING"), (2, "NINO", "NINO_NOT_VALID")]
    assert [record.row for record in records(items)] == [1, 3]


def test_a_wrong_employer_is_told_of_every_row() -> None:
    given_rows = [one | {"employer_ref": "?"} for one in rows(2)]
    assert told(read_xml(xml_of(given_rows))) == [
        (1, "Employer", "EMPLOYER_NOT_VALID"),
        (2, "Employer", "EMPLOYER_NOT_VALID"),
    ]


def test_an_element_left_out_or_left_empty_is_the_same() -> None:
    empty = dict.fromkeys(COLUMNS, "") | row()
    assert read_xml(xml_of([empty])) == read_xml(xml_of([row()]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Header>", "<Header><Extra/>"),
        ("<Rows>3</Rows>", ""),
        ("<Surname>Marsh</Surname>", ""),
        ("<Surname>", "<Surname><b/>"),
        ("<Surname>Marsh</Surname><NDRDue>150.00</NDRDue>", "<NDRDue>1</NDRDue><Surname>x</Surname>"),
        ("<Deduction>", f"<Deduction {MARK}='1'>"),
        ("<Deduction>", f"<Deduction>{MARK}"),
        ("<PayFrequency>M</PayFrequency>", "<PayFrequency>M</PayFrequency><PayFrequency/>"),
        ("<Header>", "<Deduction/><Header>"),
        (f'"{NAMESPACE}"', f'"{NAMESPACE}1"'),
        ("<Surname>Marsh", "<Surname>" + "x" * 2_001),
    ],
)  # fmt: skip
def test_what_breaks_the_schema_refuses_the_file(old: str, new: str) -> None:
    assert old in PLAIN
    assert refusal(PLAIN.replace(old, new, 1)).reason is Reason.XML_NOT_VALID


def test_a_text_of_just_the_schemas_limit_is_judged_as_a_value() -> None:
    content = PLAIN.replace("<Surname>Marsh", "<Surname>" + "x" * 2_000, 1)
    assert told(read_xml(content)) == [(1, "Surname", "TEXT_NOT_VALID")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        *((PLAIN[:-cut], Reason.XML_NOT_WELL_FORMED) for cut in (1, 10, 11, 12, 20, 24, 40, 400)),
        (PLAIN + "<x/>", Reason.XML_NOT_WELL_FORMED),
        ("", Reason.XML_NOT_WELL_FORMED),
        ("<!DOCTYPE Schedule>" + PLAIN, Reason.XML_FORBIDDEN),
        (PLAIN.replace("Marsh", "&x;"), Reason.XML_NOT_WELL_FORMED),
        (PLAIN.encode("utf-16"), Reason.CHARACTER_SET),
    ],
)
def test_what_is_not_xml_or_forbidden_in_it_is_refused(
    content: str | bytes, reason: Reason
) -> None:
    assert refusal(content).reason is reason


@pytest.mark.parametrize("total", ["449.99", "450.01", "", "x"])
def test_control_totals_are_those_of_the_elements(total: str) -> None:
    code = code_of(refusal(xml_of(rows(3), total=total)))
    assert code == ("CONTROL_TOTAL_MISMATCH" if total else "CONTROL_TOTAL_MISSING")


def test_comments_and_character_data_do_not_cut_a_value() -> None:
    content = xml_of([row(surname="Marsh")])
    for cut in ("Mar<!-- x -->sh", "Mar<?x y?>sh", "<![CDATA[Marsh]]>", "M&#97;rsh"):
        assert read_xml(content.replace("Marsh", cut)) == read_xml(content)


# --- told apart from other formats --------------------------------------------------------------

COMMENTED = f'<?xml version="1.0"?>\n<!-- auth.002.001.01 -->\n{PLAIN}'


@pytest.mark.parametrize("content", [PLAIN, xml_of(rows(1), prefix="ns0"), "\ufeff" + PLAIN])
def test_a_schedule_is_known_and_no_other_format_takes_it(content: str) -> None:
    head = content.encode()[:4096]
    known = [a.name for a in (AUTH_001, AUTH_002, SCHEDULE_CSV, SCHEDULE_XML) if a.recognises(head)]
    assert known == [SCHEDULE_XML.name]


def test_the_sample_is_known_and_no_bank_takes_it() -> None:
    head = (SAMPLES / "schedule.xml").read_bytes()[:4096]
    assert SCHEDULE_XML.recognises(head)
    assert not AUTH_001.recognises(head)
    assert not AUTH_002.recognises(head)
    assert SCHEDULE_XML.recognises(COMMENTED.encode())


@pytest.mark.parametrize(
    "head",
    [
        (SAMPLES / "bank-answer.xml").read_bytes()[:4096],
        (SAMPLES / "bank-answer-soap.xml").read_bytes()[:4096],
        f"<Document xmlns='urn:iso'><!-- <Schedule xmlns='{NAMESPACE}'> --></Document>".encode(),
        f"<!-- <Schedule xmlns='{NAMESPACE}'> -->".encode(),
        f"<x><Schedule xmlns='{NAMESPACE}'></x>".encode(),
        f"<ScheduleX xmlns='{NAMESPACE}'>".encode(),
        b"<Schedule xmlns='urn:other'>",
        b"<!---->" * 600,
        b"<?x?> " * 600,
        b" " * 4_096,
        b"<!--" * 1_000,
        b"",
    ],
)
def test_what_is_no_schedule_is_not_taken_for_one(head: bytes) -> None:
    assert not SCHEDULE_XML.recognises(head)


# --- laws ---------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    survives(read_xml, data)
    survives(read_xml, PLAIN.encode() + data)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PLAIN)), st.binary(max_size=3)), max_size=4))
def test_a_damaged_schedule_is_read_or_refused(damage: list[tuple[int, bytes]]) -> None:
    data = PLAIN.encode()
    for place, put in damage:
        data = data[:place] + put + data[place + 1 :]
    survives(read_xml, data)


def test_memory_does_not_grow_with_the_rows() -> None:
    """But for nine bytes a row, by which duplicates are found; the tree is let go as it is read."""
    kept = []
    for count in (1_000, 20_000):
        items = SCHEDULE_XML.read(MemoryBody(xml_of(rows(count)).encode()), ReadContext(NOW))
        tracemalloc.start()
        for last, _ in enumerate(items, start=1):
            if last == count - 10:
                kept.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert kept[1] - kept[0] < 20_000 * 20
