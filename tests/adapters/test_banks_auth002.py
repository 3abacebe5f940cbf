"""Answers of banks: what is read out of them, what is refused of them, and what is never told."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.banks import auth002
from adapters.banks.auth001 import AUTH_001
from adapters.banks.auth002 import AUTH_002
from adapters.banks.elements import LARGEST_PENCE, pence
from adapters.banks.faults import RULES, Faults
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import DISPUTED, FIN_002, FIN_013, HEAD, LIMIT_BYTES, SOAP, SUPL_027
from gateway.core.adapter import ReadContext
from gateway.core.records import (
    AccountRecord,
    Balance,
    Contact,
    Dispute,
    Identifier,
    Item,
    NilReturn,
    Note,
    PartyRecord,
    Record,
    RowError,
    SafeDepositBox,
    Where,
)
from gateway.core.refusal import Reason, Refused

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "schemas" / "samples"
REFERENCE = REPOSITORY.parent / "shared" / "reference" / "iso20022"
NOW = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)
MARK = "MARKED7431"


class Bytes:
    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.content)


def read(content: bytes | etree._Element) -> list[Item]:
    given = content if isinstance(content, bytes) else etree.tostring(content)
    return list(AUTH_002.read(Bytes(given), ReadContext(now=NOW)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def errors(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.field, item.code) for item in items if isinstance(item, RowError)]


def sample() -> etree._Element:
    return etree.parse(SAMPLES / "bank-answer.xml").getroot()


def first(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path)
    assert found is not None, path
    return found


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# ----------------------------------------------------------------- what is read


def test_the_sample_gives_its_records_in_order() -> None:
    items = read((SAMPLES / "bank-answer.xml").read_bytes())
    assert [type(item) for item in items] == [
        Note, AccountRecord, AccountRecord, SafeDepositBox, PartyRecord, PartyRecord, NilReturn,
    ]  # fmt: skip
    assert [record.row for record in records(items)] == [1, 2, 3, 4, 5, 6]


def test_soap_changes_nothing() -> None:
    plain, in_soap = (
        read((SAMPLES / name).read_bytes()) for name in ("bank-answer.xml", "bank-answer-soap.xml")
    )
    assert plain == in_soap


def test_a_document_alone_is_read_too() -> None:
    alone = read(first(sample(), f"{ANSWER}Document"))
    assert alone == read(sample())


def test_a_joint_account_is_one_record_for_each_holder() -> None:
    one, other = (r for r in records(read(sample())) if isinstance(r, AccountRecord))
    assert one.account.iban == other.account.iban == "GB45EXPL00000000001234"
    assert (one.account.sort_code, one.account.number) == ("000000", "00001234")
    assert one.account.servicer == Identifier(scheme="BIC", value="EXPLGB2LXXX")
    assert (one.account.role, one.account.status, one.account.kind) == ("POWN", "ENAB", "CACC")
    assert (one.account.opened, one.account.role_from) == (day("2015-06-01"), day("2015-06-01"))
    assert other.account.role_from == day("2017-01-09")
    assert one.balance == other.balance
    assert one.balance == Balance(
        currency="GBP", average_pence=64275, monthly_received_pence=195000,
        monthly_paid_pence=180420, monthly_transactions=41,
    )  # fmt: skip


def test_who_where_and_contact_of_a_holder() -> None:
    one, other = (r for r in records(read(sample())) if isinstance(r, AccountRecord))
    assert one.who is not None
    assert other.who is not None
    assert (one.who.name, one.who.nino) == ("Alex Sample", "AA000001A")
    assert one.who.date_of_birth == day("1988-02-29")
    assert one.where == Where(
        kind="HOME", lines=("12 Example Street",), town="Exampleton", postcode="YY9 9YY", country="GB",
    )  # fmt: skip
    assert one.contact == Contact(
        phones=("+44-2079460018", "+44-7700900018"), email="alex.sample@example.com"
    )
    issued = Identifier(scheme="CUST", value="000012345", issuer="Example Bank plc")
    assert other.who.identifiers == (issued,)
    assert other.where is not None
    assert other.where.lines == ("Flat 3", "40 Example Street", "Exampleton YY9 9YX")


def test_case_and_period_are_on_each_record() -> None:
    for record in records(read(sample())):
        assert record.case is not None
        assert record.case.reference == "EXAMPLE-REQUEST-0001"
        assert record.case.response == "EXAMPLE-ANSWER-0001"
        period = (record.case.period_start, record.case.period_end)
        held = (day("2026-04-06"), day("2026-10-04"))
        assert period == (held if isinstance(record, AccountRecord) else (None, None))


def test_a_box_a_customer_an_owner_and_a_nil_return() -> None:
    box, customer, owner, nil = records(read(sample()))[2:]
    assert isinstance(box, SafeDepositBox)
    assert (box.holding.reference, box.holding.role) == ("EXAMPLE-BOX-17", "OWNE")
    assert isinstance(customer, PartyRecord)
    assert (customer.relation.role, customer.who.kind) == ("customer", "organisation")
    assert isinstance(owner, PartyRecord)
    assert owner.relation.role == "beneficial_owner"
    assert owner.relation.body == customer.who
    assert isinstance(nil, NilReturn)
    assert (nil.answer.code, nil.answer.asked) == ("NFOU", "camt.052.001.06")
    assert nil.who is not None
    assert nil.who.nino == "AA000001A"


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the ISO 20022 reference folder is not here")
def test_every_reference_example_is_accepted_whole() -> None:
    for path in sorted((REFERENCE / "examples").glob("*.xml")):
        content = path.read_bytes()
        adapters = [a for a in (AUTH_001, AUTH_002) if a.recognises(content[:4096])]
        assert len(adapters) == 1
        items = list(adapters[0].read(Bytes(content), ReadContext(now=NOW)))
        assert [i.code for i in items if isinstance(i, Note)] == ["SIGNATURE_UNTRUSTED"]
        assert errors(items) == []
        assert records(items)
        assert {record.type_name for record in records(items)} <= adapters[0].record_types


def other_account(root: etree._Element, value: str, scheme: str = "") -> etree._Element:
    names = first(root, f".//{SUPL_027}Acct/{SUPL_027}Id")
    names.clear()
    other = etree.SubElement(names, f"{SUPL_027}Othr")
    etree.SubElement(other, f"{SUPL_027}Id").text = value
    if scheme:
        name = etree.SubElement(other, f"{SUPL_027}SchmeNm")
        kind = "Cd" if len(scheme) <= 4 else "Prtry"
        etree.SubElement(name, f"{SUPL_027}{kind}").text = scheme
    return root


@pytest.mark.parametrize(
    ("value", "scheme", "expected"),
    [
        ("00000000001234", "UK.OBIE.SortCodeAccountNumber", ("000000", "00001234", None)),
        ("00-00-00 00001234", "SortCodeAccountNumber", ("000000", "00001234", None)),
        ("EXPL00000000001234", "BBAN", ("000000", "00001234", None)),
        ("20041010050500013M02606", "BBAN", (None, None, "20041010050500013M02606")),
        ("SAVER 7", "", (None, None, "SAVER 7")),
    ],
)
def test_an_account_without_iban(
    value: str, scheme: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    record = records(read(other_account(sample(), value, scheme)))[0]
    assert isinstance(record, AccountRecord)
    account = record.account
    assert (account.sort_code, account.number, account.other) == expected
    assert account.iban is None


def set_identifier(
    root: etree._Element, value: str, scheme: str, *, code: bool, issuer: str = ""
) -> etree._Element:
    """Give the first holder one identifier in this scheme."""
    other = first(root, f".//{SUPL_027}PrvtId/{SUPL_027}Othr")
    other.clear()
    etree.SubElement(other, f"{SUPL_027}Id").text = value
    name = etree.SubElement(other, f"{SUPL_027}SchmeNm")
    etree.SubElement(name, f"{SUPL_027}{'Cd' if code else 'Prtry'}").text = scheme
    if issuer:
        etree.SubElement(other, f"{SUPL_027}Issr").text = issuer
    return root


@pytest.mark.parametrize(
    ("scheme", "code", "issuer"),
    [
        ("NINO", True, ""), ("NINO", False, ""), ("NIDN", True, ""), ("SOSE", True, ""),
        ("NIDN", True, "GB"), ("SOSE", True, "hmrc"),
    ],
)  # fmt: skip
def test_each_scheme_of_a_national_insurance_number(
    scheme: str, issuer: str, *, code: bool
) -> None:
    root = set_identifier(sample(), "aa 00 00 02 b", scheme, code=code, issuer=issuer)
    record = records(read(root))[0]
    assert isinstance(record, AccountRecord)
    assert record.who is not None
    assert record.who.nino == "AA000002B"
    assert record.who.identifiers == ()


@pytest.mark.parametrize("issuer", ["FI", ""])
def test_a_foreign_national_number_stays_an_identifier(issuer: str) -> None:
    root = set_identifier(sample(), "010190-999X", "NIDN", code=True, issuer=issuer)
    record = records(read(root))[0]
    assert isinstance(record, AccountRecord)
    assert record.who is not None
    assert record.who.nino is None
    assert record.who.identifiers[0].value == "010190-999X"


def test_a_cms_reference_and_a_nationality_have_their_places() -> None:
    root = set_identifier(sample(), "120000000001", "CMS", code=True)
    record = records(read(root))[0]
    assert isinstance(record, AccountRecord)
    assert record.who is not None
    assert record.who.cms_reference == "120000000001"
    record = records(read(set_identifier(sample(), "SE", "NATI", code=True)))[0]
    assert isinstance(record, AccountRecord)
    assert record.who is not None
    assert record.who.nationality == "SE"


def supplement(root: etree._Element, content: str) -> etree._Element:
    extra = etree.SubElement(first(root, f".//{ANSWER}InfReqRspn"), f"{ANSWER}SplmtryData")
    etree.SubElement(extra, f"{ANSWER}Envlp").append(etree.fromstring(content))
    return root


DISPUTE = f"""<Document xmlns="{DISPUTED[1:-1]}"><Disputed>
  <DisputedEntityId><Id>AA000003C</Id><Code>NINO</Code></DisputedEntityId>
  <DisputedEntityId><Id>00000000</Id><Code>COID</Code></DisputedEntityId>
  <FinancialInstitutionId><Id>EXAMPLE</Id><Code>Y</Code></FinancialInstitutionId>
</Disputed></Document>"""


def test_disputes_are_read() -> None:
    one, other = records(read(supplement(sample(), DISPUTE)))[6:]
    assert isinstance(one, Dispute)
    assert isinstance(other, Dispute)
    assert (one.row, one.who.nino) == (7, "AA000003C")
    assert other.who.identifiers == (Identifier(scheme="COID", value="00000000", issuer="EXAMPLE"),)


def test_part_of_an_answer_is_noted() -> None:
    root = sample()
    first(root, f".//{ANSWER}RspnSts").text = "PART"
    notes = [item.code for item in read(root) if isinstance(item, Note)]
    assert notes == ["SIGNATURE_ABSENT", "PARTIAL_RESPONSE"]


def without_results(root: etree._Element, status: str) -> etree._Element:
    for result in root.iter(f"{ANSWER}InvstgtnRslt"):
        result.clear()
        etree.SubElement(result, f"{ANSWER}InvstgtnSts").text = status
    return root


def test_no_response_and_not_applicable_are_nil_returns() -> None:
    root = without_results(sample(), "NOAP")
    first(root, f".//{ANSWER}RspnSts").text = "NRES"
    nils = records(read(root))
    assert [nil.answer.code for nil in nils if isinstance(nil, NilReturn)] == [
        "NRES",
        *["NOAP"] * 4,
    ]


# ----------------------------------------------------------------- what is wrong with a row

Change = Callable[[etree._Element], object]


def text(path: str, value: str) -> Change:
    def change(root: etree._Element) -> None:
        first(root, path).text = value

    return change


def removed(*paths: str) -> Change:
    def change(root: etree._Element) -> None:
        for path in paths:
            element = first(root, path)
            element.getparent().remove(element)

    return change


def inserted_end(root: etree._Element) -> None:
    first(root, f".//{SUPL_027}StartDt").addnext(end := etree.Element(f"{SUPL_027}EndDt"))
    end.text = "2014-01-01"


def inserted_closing(root: etree._Element) -> None:
    first(root, f".//{SUPL_027}AvrgBal").addnext(end := etree.Element(f"{SUPL_027}ClsgDt"))
    end.text = "2010-01-01"


def second_nino(root: etree._Element) -> None:
    other = first(root, f".//{SUPL_027}PrvtId/{SUPL_027}Othr")
    again = etree.fromstring(etree.tostring(other))
    other.addnext(again)
    first(again, f"{SUPL_027}Id").text = "AA000002A"


PARTY_ID = f".//{SUPL_027}PrvtId/{SUPL_027}Othr/{SUPL_027}Id"
BAD_ROWS: dict[str, tuple[Change, list[tuple[int, str, str]]]] = {
    "a NINO with a prefix not in use": (
        text(PARTY_ID, "QQ123456C"), [(1, "NINO", "NINO_NOT_VALID")],
    ),
    "a temporary NINO": (text(PARTY_ID, "TN010190M"), [(1, "NINO", "NINO_TEMPORARY")]),
    "two NINOs": (second_nino, [(1, "NINO", "NINO_CONTRADICTED")]),
    "a UK number under NIDN with a prefix not in use": (
        lambda root: set_identifier(root, "QQ123456C", "NIDN", code=True),
        [(1, "NIDN", "NINO_NOT_VALID")],
    ),
    "a CMS reference too short": (
        lambda root: set_identifier(root, "12", "CMS", code=True),
        [(1, "CMS", "CMS_REFERENCE_NOT_VALID")],
    ),
    "an IBAN with wrong check digits, of both holders": (
        text(f".//{SUPL_027}IBAN", "GB46EXPL00000000001234"),
        [(1, "IBAN", "IBAN_NOT_VALID"), (2, "IBAN", "IBAN_NOT_VALID")],
    ),
    "a sort code and account number of thirteen digits": (
        lambda root: other_account(root, "0000000000123", "SortCodeAccountNumber"),
        [(1, "Othr", "ACCOUNT_NUMBER_NOT_VALID"), (2, "Othr", "ACCOUNT_NUMBER_NOT_VALID")],
    ),
    "a year of five digits": (
        text(f".//{SUPL_027}BirthDt", "12026-01-01"), [(1, "BirthDt", "DATE_NOT_VALID")],
    ),
    "a birth tomorrow": (
        text(f".//{SUPL_027}BirthDt", "2026-10-06"), [(1, "BirthDt", "BIRTH_DATE_IN_FUTURE")],
    ),
    "a role that ends before it begins": (inserted_end, [(1, "EndDt", "ROLE_DATES_REVERSED")]),
    "an account closed before it was opened": (
        inserted_closing,
        [(1, "ClsgDt", "CLOSED_BEFORE_OPENED"), (2, "ClsgDt", "CLOSED_BEFORE_OPENED")],
    ),
    "a period reversed": (
        text(f".//{ANSWER}ToDt", "2026-01-01"),
        [(1, "RspnPrd", "PERIOD_REVERSED"), (2, "RspnPrd", "PERIOD_REVERSED")],
    ),
    "a fraction of a penny": (
        text(f".//{SUPL_027}AvrgBal", "1.005"),
        [(1, "AvrgBal", "AMOUNT_NOT_WHOLE_PENCE"), (2, "AvrgBal", "AMOUNT_NOT_WHOLE_PENCE")],
    ),
    "an amount beyond exact numbers": (
        text(f".//{SUPL_027}AvrgBal", "90071992547410.00"),
        [(1, "AvrgBal", "AMOUNT_TOO_LARGE"), (2, "AvrgBal", "AMOUNT_TOO_LARGE")],
    ),
    "a holder without name and identifier": (
        removed(f".//{SUPL_027}Pty/{SUPL_027}Nm", f".//{SUPL_027}PrvtId/{SUPL_027}Othr"),
        [(1, "Nm", "HOLDER_UNIDENTIFIED")],
    ),
    "a box closed before it was opened": (
        lambda root: first(root, f".//{FIN_002}OpngDt").addnext(
            etree.fromstring(f'<ClsgDt xmlns="{FIN_002[1:-1]}">2000-01-01</ClsgDt>')
        ),
        [(3, "ClsgDt", "CLOSED_BEFORE_OPENED")],
    ),
    "a result of another investigation": (
        text(f".//{FIN_002}InvstgtnId", "EXAMPLE-REQUEST-0002"),
        [(3, "InvstgtnId", "CASE_MISMATCH")],
    ),
    "an owner with a bad NINO": (
        text(f".//{FIN_013}PrvtId/{FIN_013}Othr/{FIN_013}Id", "ZZ123456A"),
        [(5, "NINO", "NINO_NOT_VALID")],
    ),
    "found, but nothing sent": (
        text(f".//{ANSWER}InvstgtnSts", "FOUN"), [(6, "InvstgtnSts", "RESULT_MISSING")],
    ),
    "an unknown extension": (
        lambda root: supplement(root, '<Document xmlns="urn:x"/>'),
        [(7, "Envlp", "EXTENSION_UNKNOWN")],
    ),
    "two faults in one row": (
        lambda root: [text(PARTY_ID, "QQ123456C")(root), inserted_end(root)],
        [(1, "EndDt", "ROLE_DATES_REVERSED"), (1, "NINO", "NINO_NOT_VALID")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BAD_ROWS))
def test_a_bad_row_is_told_and_the_others_are_accepted(name: str) -> None:
    change, expected = BAD_ROWS[name]
    root = sample()
    rows = max(6, expected[-1][0])
    change(root)
    items = read(root)
    assert errors(items) == expected
    bad = {row for row, _, _ in expected}
    assert [record.row for record in records(items)] == [
        row for row in range(1, rows + 1) if row not in bad
    ]


def test_every_rule_is_shown_by_a_case() -> None:
    shown = {code for _, expected in BAD_ROWS.values() for _, _, code in expected}
    assert shown == set(RULES)


def test_an_error_never_tells_the_value() -> None:
    root = sample()
    text(PARTY_ID, MARK)(root)
    told = [item for item in read(root) if isinstance(item, RowError)]
    assert told
    assert MARK not in repr(told)


@given(st.decimals(min_value=0, max_value=Decimal("1e13"), places=5))
def test_amounts_are_exact_pence_or_refused(amount: Decimal) -> None:
    element = etree.fromstring(f"<a><b>{amount}</b></a>")
    faults = Faults()
    found = pence(element, "b", faults)
    if (amount * 100) % 1:
        assert found is None
        assert faults.found == (("b", "AMOUNT_NOT_WHOLE_PENCE"),)
    else:
        assert found == int(amount * 100)
        assert faults.found == ()


@pytest.mark.parametrize("sent", ["+1.50", "1.5", "01.50000", " 1.50 "])
def test_each_writing_of_an_amount_is_the_same(sent: str) -> None:
    assert pence(etree.fromstring(f"<a><b>{sent}</b></a>"), "b", Faults()) == 150


def test_the_largest_amount_is_kept() -> None:
    element = etree.fromstring(f"<a><b>{Decimal(LARGEST_PENCE) / 100}</b></a>")
    assert pence(element, "b", Faults()) == LARGEST_PENCE


@pytest.mark.parametrize(
    "sent", ["2026-02-28", "2026-02-28Z", "2026-02-28+14:00", "2026-02-28T23:59:59.9-05:00"]
)
def test_a_date_loses_its_zone(sent: str) -> None:
    assert auth002.period(
        etree.fromstring(f"<a><p><Dt><FrDt>{sent}</FrDt></Dt></p></a>"), "p", Faults()
    ) == (day("2026-02-28"), None)


# ----------------------------------------------------------------- what is refused whole


def moved_into_fault(root: etree._Element) -> etree._Element:
    envelope = etree.Element(f"{SOAP}Envelope")
    etree.SubElement(etree.SubElement(envelope, f"{SOAP}Body"), f"{SOAP}Fault")
    return envelope


def two_bodies(root: etree._Element) -> etree._Element:
    envelope = etree.Element(f"{SOAP}Envelope")
    etree.SubElement(envelope, f"{SOAP}Body").append(root)
    etree.SubElement(envelope, f"{SOAP}Body")
    return envelope


def two_documents(root: etree._Element) -> etree._Element:
    document = first(root, f"{ANSWER}Document")
    document.addnext(etree.fromstring(etree.tostring(document)))
    return root


def other_message_named(root: etree._Element) -> etree._Element:
    text(f".//{HEAD}MsgDefIdr", "auth.001.001.01")(root)
    return root


def bad_header(root: etree._Element) -> etree._Element:
    text(f".//{HEAD}CreDt", MARK)(root)
    return root


def bad_document(root: etree._Element) -> etree._Element:
    text(f".//{ANSWER}RspnSts", MARK)(root)
    return root


def bad_extension(root: etree._Element) -> etree._Element:
    text(f".//{SUPL_027}Ccy", MARK)(root)
    return root


def bad_supplement(root: etree._Element) -> etree._Element:
    return supplement(root, f'<Document xmlns="{DISPUTED[1:-1]}"/>')


def question(root: etree._Element) -> etree._Element:
    return etree.fromstring('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:auth.001.001.01"/>')


def nested_wrapper(root: etree._Element) -> etree._Element:
    outer = etree.Element("{urn:x}outer")
    outer.append(root)
    return outer


@pytest.mark.parametrize(
    "spoil",
    [moved_into_fault, two_bodies, two_documents, other_message_named, bad_header, bad_document,
     bad_extension, bad_supplement, question, nested_wrapper],
)  # fmt: skip
def test_another_structure_is_refused_whole(
    spoil: Callable[[etree._Element], etree._Element],
) -> None:
    with pytest.raises(Refused) as refused:
        read(spoil(sample()))
    assert refused.value.reason is Reason.XML_NOT_VALID
    assert MARK not in str(refused.value)


def test_a_refusal_names_the_line_and_the_element() -> None:
    lines = (SAMPLES / "bank-answer.xml").read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if "<Ccy>" in line)
    lines[at] = lines[at].replace("GBP", "pounds")
    with pytest.raises(Refused, match=f"Line {at + 1}: element Ccy does not have the form"):
        read("\n".join(lines).encode())


def test_no_response_with_a_result_is_refused() -> None:
    root = sample()
    text(f".//{ANSWER}RspnSts", "NRES")(root)
    with pytest.raises(Refused) as refused:
        read(root)
    assert refused.value.reason is Reason.FILE_RULE


def with_accounts(count: int) -> etree._Element:
    root = sample()
    found = first(root, f".//{SUPL_027}AcctAndPties")
    del found[2]
    for _ in range(count - 1):
        found.addnext(etree.fromstring(etree.tostring(found)))
    return root


def test_the_limit_on_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched, because 10,000 accounts would take seconds. The sample has a box and a customer too.
    monkeypatch.setattr(auth002, "ACCOUNTS_LIMIT", 30)
    assert len(records(read(with_accounts(28)))) == 28 + 4
    with pytest.raises(Refused) as refused:
        read(with_accounts(29))
    assert refused.value.reason is Reason.FILE_RULE


def test_a_message_beyond_the_limit_is_refused() -> None:
    content = etree.tostring(sample())
    left = LIMIT_BYTES - len(content)
    content += b"<!-- -->" * (left // 8) + b" " * (left % 8)
    assert len(read(content)) == 7
    with pytest.raises(Refused) as refused:
        read(content + b" ")
    assert refused.value.reason is Reason.BODY_TOO_LARGE


@given(st.integers(0, 2**32), st.binary(min_size=1, max_size=3))
def test_a_message_with_bytes_overwritten_is_read_or_refused(at: int, by: bytes) -> None:
    content = bytearray((SAMPLES / "bank-answer.xml").read_bytes())
    at %= len(content)
    content[at : at + len(by)] = by
    try:
        read(bytes(content))
    except Refused:
        return


def test_threads_read_side_by_side() -> None:
    content = (SAMPLES / "bank-answer.xml").read_bytes()
    expected = read(content)
    with ThreadPoolExecutor(4) as pool:
        assert all(items == expected for items in pool.map(lambda _: read(content), range(40)))


# ----------------------------------------------------------------- the adapter


def test_an_answer_is_recognised_and_no_question() -> None:
    content = (SAMPLES / "bank-answer-soap.xml").read_bytes()[:4096]
    assert AUTH_002.recognises(content)
    assert not AUTH_001.recognises(content)
    assert not AUTH_002.recognises(b"<a/>")


def test_the_adapter_names_what_it_reads() -> None:
    made = records(read(supplement(sample(), DISPUTE)))
    assert {record.type_name for record in made} == AUTH_002.record_types
    assert AUTH_002.schema is not None
    assert (REPOSITORY / "schemas" / AUTH_002.schema).is_file()
