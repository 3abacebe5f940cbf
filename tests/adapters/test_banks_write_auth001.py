"""A question to a bank, written, read back by our own reader, signed and verified."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from adapters.banks.elements import find, find_all, text
from adapters.banks.sign_message import CannotSign, sign
from adapters.banks.write_auth001 import MESSAGES, can_be_asked, left_out, write
from certs import development
from gateway.core.groups.money import Account
from gateway.core.groups.person import Identifier, Who
from gateway.core.question import NotAskable, Question
from gateway.core.record import Note, RowError
from gateway.core.records import RECORD_TYPES, Enquiry
from gateway.core.refusal import Refused
from tests.adapters.bank_messages import NOW
from tests.adapters.bank_signing import AUTHORITY, BANK, EC_BANK, STRANGER, certify, rsa_key
from tests.adapters.questions import QUESTION, QUESTIONS, SUBJECT, read

BOX = Account(other="BOX-1", kind="safe_deposit_box")


def enquiries(content: bytes) -> list[Enquiry]:
    note, *items = read(content)
    assert isinstance(note, Note)
    assert not [item for item in items if isinstance(item, RowError)]
    return [item for item in items if isinstance(item, Enquiry)]


def code_of(question: Question) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(NotAskable) as refused:
        write(question)
    return refused.value.code, refused.value.what


def opening(content: bytes) -> etree._Element:
    found = find(etree.fromstring(content), "Body/*/Document/InfReqOpng")
    assert found is not None
    return found


@given(question=QUESTIONS)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_the_same(question: Question) -> None:
    (enquiry,) = enquiries(write(question))
    first, last = question.period or (NOW.date(), NOW.date())
    assert enquiry.case.reference == question.id
    assert (enquiry.case.period_start, enquiry.case.period_end) == (first, last)
    assert enquiry.case.asked == tuple(
        message for name, message in MESSAGES.items() if name in question.record_types
    )
    assert enquiry.who == question.subject
    assert enquiry.account == question.account
    assert write(question) == write(question)


def test_who_asks_whom_and_when_stands_in_the_header() -> None:
    root = etree.fromstring(write(QUESTION))
    header = find(root, "Body/*/AppHdr")
    assert header is not None
    assert text(header, "Fr/OrgId/Nm") == "Child Maintenance Service"
    assert text(header, "To/OrgId/Nm") == "example-bank"
    assert text(header, "To/OrgId/Id/OrgId/Othr/Id") == "example-bank"
    assert text(header, "BizMsgIdr") == QUESTION.id
    assert text(header, "MsgDefIdr") == "auth.001.001.01"
    assert text(header, "CreDt") == "2026-10-05T12:00:00.000Z"


def test_an_organisation_with_a_long_id_is_named_all_the_same() -> None:
    root = etree.fromstring(write(replace(QUESTION, organisation="b" * 63)))
    side = find(root, "Body/*/AppHdr/To")
    assert side is not None
    assert text(side, "OrgId/Nm") == "b" * 63
    assert find(side, "OrgId/Id") is None


def test_the_power_the_due_date_and_the_reference_are_said() -> None:
    question = opening(write(replace(QUESTION, reference="CASE-7")))
    assert text(question, "LglMndtBsis/Prgrph") == QUESTION.citation
    said = text(question, "LglMndtBsis/Dsclmr")
    assert said == "Purposes: IDENTIFY_TRACE. Our reference: CASE-7."
    assert text(question, "CnfdtltySts") == "true"
    assert text(question, "DueDt/DueDt") == "2026-11-02"


def test_a_long_citation_begins_in_the_paragraph_and_stands_whole_beside_it() -> None:
    citation = "SI 2008/2551 reg 4(2) as amended by SI 2012/2785 reg 4, for reg 3(1)(a)"
    question = opening(write(replace(QUESTION, citation=citation)))
    assert text(question, "LglMndtBsis/Prgrph") == "SI 2008/2551 reg 4(2) as ..."
    said = text(question, "LglMndtBsis/Dsclmr")
    assert said is not None
    assert said.startswith(f"{citation}. ")


def test_a_citation_of_one_long_word_is_told_to_go_on() -> None:
    question = opening(write(replace(QUESTION, citation="x" * 36)))
    assert text(question, "LglMndtBsis/Prgrph") == "x" * 31 + " ..."


def test_surname_and_forenames_make_a_name() -> None:
    subject = Who(surname="Ó Briain", forenames="Siân Élise")
    (enquiry,) = enquiries(write(replace(QUESTION, subject=subject)))
    assert enquiry.who == Who(name="Siân Élise Ó Briain")


def test_former_names_are_told_with_each_message_asked_for() -> None:
    subject = replace(SUBJECT, former_names=("Alex Former", "Alex Other"))
    types = ("account", "party")
    content = write(replace(QUESTION, subject=subject, record_types=types))
    told = [
        text(one, "AddtlInf") for one in find_all(opening(content), "SchCrit/CstmrId/AuthrtyReq")
    ]
    assert told == ["Former names: Alex Former; Alex Other"] * 2


def test_a_company_is_asked_about_by_its_number_and_bic() -> None:
    number = Identifier(scheme="COID", value="00000000", issuer="Companies House")
    bic = Identifier(scheme="BIC", value="EXPLGB2LXXX")
    subject = Who(kind="organisation", name="Example Ltd", identifiers=(bic, number))
    (enquiry,) = enquiries(write(replace(QUESTION, subject=subject)))
    assert enquiry.who == subject


def test_an_account_is_asked_about_by_iban_with_its_owner() -> None:
    account = Account(iban="GB45EXPL00000000001234", currency="GBP", name="A Sample")
    (enquiry,) = enquiries(write(replace(QUESTION, account=account)))
    assert enquiry.account == replace(account, sort_code="000000", number="00001234")
    assert enquiry.who == SUBJECT


def test_a_safe_deposit_box_brings_who_asks_and_which_box() -> None:
    asked = replace(QUESTION, record_types=("safe_deposit_box", "account"))
    customer, box = enquiries(write(replace(asked, account=BOX)))
    assert customer.who == SUBJECT
    assert box.account == BOX
    (alone,) = enquiries(write(asked))
    assert alone.who == SUBJECT
    officials = find(opening(write(asked)), "SplmtryData/Envlp/Document/InfReqFin012/*")
    assert officials is not None
    assert text(officials, "OfficialId") == "tracing"
    assert find(opening(write(QUESTION)), "SplmtryData") is None


@pytest.mark.parametrize("name", sorted(RECORD_TYPES))
def test_a_record_type_is_asked_for_or_named_as_one_that_cannot_be(name: str) -> None:
    together = ("account", name)
    if can_be_asked(together):
        assert enquiries(write(replace(QUESTION, record_types=together)))
    else:
        assert code_of(replace(QUESTION, record_types=together)) == (
            "RECORD_TYPE_NOT_ASKABLE", (name,),
        )  # fmt: skip


def test_nothing_but_what_comes_by_itself_is_no_question() -> None:
    assert not can_be_asked(())
    assert not can_be_asked({"nil_return", "refusal"})
    assert code_of(replace(QUESTION, record_types=("nil_return",)))[0] == "RECORD_TYPE_NOT_ASKABLE"


def about(**members: object) -> Question:
    return replace(QUESTION, subject=replace(SUBJECT, **members))


@pytest.mark.parametrize(
    ("question", "code", "what"),
    [
        (replace(QUESTION, id="r" * 36), "TEXT_TOO_LONG", "id"),
        (replace(QUESTION, citation="c" * 351), "TEXT_TOO_LONG", "citation"),
        (replace(QUESTION, citation="c" * 330), "TEXT_TOO_LONG", "citation, purposes and reference"),
        (replace(QUESTION, citation="  "), "TEXT_MISSING", "citation"),
        (replace(QUESTION, order="ORD-1"), "ORDER_NOT_ASKABLE", "order"),
        (replace(QUESTION, period=(NOW.date(), dt.date(2026, 1, 1))), "PERIOD_REVERSED", "period"),
        (about(name="n" * 141), "TEXT_TOO_LONG", "subject.name"),
        (about(name="A\u202eB"), "TEXT_NOT_VALID", "subject.name"),
        (about(name="A\x00B"), "TEXT_NOT_VALID", "subject.name"),
        (about(name="A\uffffB"), "TEXT_NOT_VALID", "subject.name"),
        (about(name="A\nB"), "TEXT_NOT_VALID", "subject.name"),
        (about(name=None, nino=None), "SUBJECT_UNIDENTIFIED", "subject"),
        (about(nino="QQ123456A"), "NINO_NOT_VALID", "subject.nino"),
        (about(cms_reference="1"), "CMS_REFERENCE_NOT_VALID", "subject.cms_reference"),
        (about(date_of_birth=dt.date(2027, 1, 1)), "BIRTH_DATE_IN_FUTURE", "subject.date_of_birth"),
        (about(former_names=("f" * 500,)), "TEXT_TOO_LONG", "subject.former_names"),
        (replace(QUESTION, account=Account()), "ACCOUNT_NOT_NAMED", "account"),
        (replace(QUESTION, account=Account(sort_code="000000")), "ACCOUNT_NOT_NAMED", "account"),
        (replace(QUESTION, account=Account(other="1", kind="card")), "ACCOUNT_NOT_NAMED", "account"),
        (replace(QUESTION, account=Account(iban="GB46EXPL00000000001234")), "IBAN_NOT_VALID",
         "account.iban"),
        (replace(QUESTION, account=Account(iban="GB45EXPL00000000001234", number="00000009")),
         "ACCOUNT_CONTRADICTED", "account.iban"),
        (replace(QUESTION, account=Account(iban="GB45EXPL00000000001234", currency="pounds")),
         "TEXT_NOT_VALID", "account.currency"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_never_cut(
    question: Question, code: str, what: str
) -> None:
    assert code_of(question) == (code, (what,))


def test_a_refusal_tells_the_member_and_the_mending_but_no_value() -> None:
    with pytest.raises(NotAskable) as refused:
        write(about(name="MARKED" * 40))
    assert "subject.name" in str(refused.value)
    assert "140" in str(refused.value)
    assert "MARKED" not in str(refused.value)


def test_what_has_no_element_is_named() -> None:
    question = replace(about(gender="F", payroll_number="7"), account=Account(
        iban="GB45EXPL00000000001234", status="open"))  # fmt: skip
    assert left_out(question) == ("subject.gender", "subject.payroll_number", "account.status")
    assert left_out(QUESTION) == ()
    assert left_out(replace(QUESTION, account=BOX)) == ()


# --- signed ---------------------------------------------------------------------------------------


def outcome(content: bytes, *signers: bytes) -> tuple[str, list[object]]:
    note, *items = read(content, *signers)
    assert isinstance(note, Note)
    return note.code, list(items)


@pytest.mark.parametrize("ours", [BANK, EC_BANK], ids=["RSA", "P-256"])
def test_our_signature_is_verified_by_our_reader(ours) -> None:
    content = write(QUESTION)
    signed = sign(content, ours.key, ours.der, NOW)
    assert outcome(signed, AUTHORITY.der) == ("SIGNATURE_VALID", outcome(content)[1])
    assert outcome(signed, ours.der)[0] == "SIGNATURE_VALID"
    assert outcome(signed, STRANGER.der)[0] == "SIGNATURE_UNTRUSTED"


def test_the_development_certificate_signs(tmp_path) -> None:
    pki = development.create(tmp_path, now=NOW)
    made = development.message_signer(pki, now=NOW)
    key = serialization.load_pem_private_key(made.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    ours, authority = (
        x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)
        for path in (made.certificate, made.authority)
    )
    signed = sign(write(QUESTION), key, ours, NOW)
    assert outcome(signed, authority)[0] == "SIGNATURE_VALID"


SIGNED = sign(write(QUESTION), EC_BANK.key, EC_BANK.der, NOW)
TRUE = outcome(SIGNED, AUTHORITY.der)


def seen(content: bytes) -> tuple[str, list[object]] | None:
    try:
        return outcome(content, AUTHORITY.der)
    except Refused:
        return None


@given(at=st.integers(0, len(SIGNED) - 1), to=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_makes_another_question_pass_for_signed(at: int, to: int) -> None:
    changed = SIGNED[:at] + bytes([to]) + SIGNED[at + 1 :]
    found = seen(changed)
    assert found is None or found[0] != "SIGNATURE_VALID" or found == TRUE


def test_a_change_of_any_text_of_the_question_is_found() -> None:
    document = SIGNED.index(b"<doc:Document")
    places = [
        at for at in range(document, SIGNED.index(b"</msg:")) if SIGNED[at : at + 1].isalnum()
    ]
    for at in places[::7]:
        other = b"7" if SIGNED[at : at + 1] != b"7" else b"8"
        found = seen(SIGNED[:at] + other + SIGNED[at + 1 :])
        assert found is None, SIGNED[at - 10 : at + 10]


def test_what_cannot_be_signed_is_told() -> None:
    content = write(QUESTION)
    with pytest.raises(CannotSign, match="not that of the key"):
        sign(content, BANK.key, EC_BANK.der, NOW)
    with pytest.raises(CannotSign, match="not in force"):
        sign(content, BANK.key, BANK.der, NOW + dt.timedelta(days=3650))
    with pytest.raises(CannotSign, match="signed already"):
        sign(SIGNED, EC_BANK.key, EC_BANK.der, NOW)
    with pytest.raises(CannotSign, match="no AppHdr"):
        sign(b"<a/>", BANK.key, BANK.der, NOW)


def test_a_wrapper_alone_is_signed_too() -> None:
    wrapper = etree.fromstring(write(QUESTION))[1][0]
    ours = certify("Gateway", rsa_key(), AUTHORITY)
    signed = sign(etree.tostring(wrapper), ours.key, ours.der, NOW)
    assert outcome(signed, AUTHORITY.der) == TRUE
