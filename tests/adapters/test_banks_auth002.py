"""Answers of banks: what is read out of them."""

from __future__ import annotations

import datetime as dt

import pytest
from lxml import etree

from adapters.banks.auth001 import AUTH_001
from adapters.banks.auth002 import AUTH_002
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import SOAP, SOAP_12
from gateway.core.adapter import ReadContext
from gateway.core.groups.money import Balance
from gateway.core.groups.person import Contact, Identifier, Where
from gateway.core.record import Note
from gateway.core.records import AccountRecord, Dispute, NilReturn, PartyRecord, SafeDepositBox
from tests.adapters.bank_messages import (
    DISPUTE,
    NOW,
    REPOSITORY,
    SAMPLES,
    Bytes,
    errors,
    first,
    other_account,
    read,
    records,
    sample,
    set_identifier,
    supplement,
)

REFERENCE = REPOSITORY.parent / "shared" / "reference" / "iso20022"


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def without_results(root: etree._Element, status: str) -> etree._Element:
    for result in root.iter(f"{ANSWER}InvstgtnRslt"):
        result.clear()
        etree.SubElement(result, f"{ANSWER}InvstgtnSts").text = status
    return root


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
    newer = (SAMPLES / "bank-answer-soap.xml").read_bytes()
    assert read(newer.replace(SOAP[1:-1].encode(), SOAP_12[1:-1].encode())) == plain


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


def test_no_response_and_not_applicable_are_nil_returns() -> None:
    root = without_results(sample(), "NOAP")
    first(root, f".//{ANSWER}RspnSts").text = "NRES"
    nils = records(read(root))
    assert [nil.answer.code for nil in nils if isinstance(nil, NilReturn)] == [
        "NRES",
        *["NOAP"] * 4,
    ]


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
