"""Signed messages: whose signature counts, and that nothing wrapped, moved or changed gets by."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable

import pytest
from lxml import etree

from adapters.banks.auth002 import AUTH_002
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import HEAD, SOAP, SUPL_027
from adapters.banks.signature import DS, ENVELOPED, EXCLUSIVE
from gateway.core.adapter import ReadContext
from gateway.core.record import Note, Record
from gateway.core.records import AccountRecord
from gateway.core.refusal import Reason, Refused
from tests.adapters.bank_messages import NOW, Bytes, first
from tests.adapters.bank_signing import (
    AUTHORITY,
    BANK,
    EC_BANK,
    FALSE_BANK,
    ISSUED_BY_BANK,
    NO_SIGNER,
    STRANGER,
    YEAR,
    Identity,
    answer,
    signed,
    wrapper_of,
)


def read(
    root: etree._Element, *signers: Identity, now: dt.datetime = NOW
) -> tuple[str, list[Record]]:
    """Return the code of the note about the signature, and the records."""
    context = ReadContext(now=now, signers=tuple(identity.der for identity in signers))
    items = list(AUTH_002.read(Bytes(etree.tostring(root)), context))
    notes = [item.code for item in items if isinstance(item, Note)]
    assert len(notes) == 1
    return notes[0], [item for item in items if isinstance(item, Record)]


# ----------------------------------------------------------------- whose signature counts


@pytest.mark.parametrize("name", ["bank-answer.xml", "bank-answer-soap.xml"])
@pytest.mark.parametrize("bank", [BANK, EC_BANK], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
def test_a_signature_of_a_trusted_signer_is_valid(
    name: str, bank: Identity, hash_name: str
) -> None:
    unsigned = read(answer(name))
    code, records = read(signed(answer(name), bank, hash_name=hash_name), bank)
    assert unsigned[0] == "SIGNATURE_ABSENT"
    assert code == "SIGNATURE_VALID"
    assert records == unsigned[1]
    assert len(records) == 6


def test_a_signer_is_trusted_through_its_authority() -> None:
    assert read(signed(answer(), BANK), AUTHORITY)[0] == "SIGNATURE_VALID"


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_may_come_in_any_order(*, backwards: bool) -> None:
    root = signed(answer(), BANK, chain=(AUTHORITY,))
    data = root.find(f".//{DS}X509Data")
    if backwards:
        data[:] = list(reversed(data))
    assert len(data) == 2
    assert read(root, AUTHORITY)[0] == "SIGNATURE_VALID"
    assert read(root, BANK)[0] == "SIGNATURE_VALID"


@pytest.mark.parametrize(
    ("signer", "trusted", "now"),
    [
        pytest.param(STRANGER, (), NOW, id="nobody is trusted"),
        pytest.param(STRANGER, (BANK, AUTHORITY), NOW, id="a stranger"),
        pytest.param(BANK, (BANK,), NOW + 2 * YEAR, id="own certificate expired"),
        pytest.param(BANK, (BANK,), NOW - 2 * YEAR, id="own certificate not yet valid"),
        pytest.param(BANK, (AUTHORITY,), NOW + 2 * YEAR, id="certificate of an authority expired"),
        pytest.param(FALSE_BANK, (AUTHORITY,), NOW, id="an authority of the same name"),
        pytest.param(NO_SIGNER, (AUTHORITY,), NOW, id="a key that is not for signatures"),
        pytest.param(ISSUED_BY_BANK, (BANK,), NOW, id="issued by what is no authority"),
    ],
)
def test_a_signature_of_anybody_else_is_accepted_as_untrusted(
    signer: Identity, trusted: tuple[Identity, ...], now: dt.datetime
) -> None:
    code, records = read(signed(answer(), signer), *trusted, now=now)
    assert code == "SIGNATURE_UNTRUSTED"
    assert len(records) == 6


# ----------------------------------------------------------------- tampering

Tamper = Callable[[etree._Element], etree._Element]


def signature_in(root: etree._Element) -> etree._Element:
    return first(root, f".//{HEAD}Sgntr/{DS}Signature")


def changed_text(root: etree._Element) -> etree._Element:
    first(root, f".//{SUPL_027}Nm").text = "Somebody Else"
    return root


def changed_header(root: etree._Element) -> etree._Element:
    first(root, f".//{HEAD}BizMsgIdr").text = "EXAMPLE-ANSWER-0002"
    return root


def added_namespace_attribute(root: etree._Element) -> etree._Element:
    first(root, f".//{SUPL_027}Document").set("{urn:x}id", "")
    return root


def changed_digest(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}DigestValue").text = "A" * 43 + "="
    return root


def changed_value(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}SignatureValue").text = "AAAA"
    return root


def value_not_base64(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}SignatureValue").text = "*"
    return root


def value_missing(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}SignatureValue").text = None
    return root


def certificate_swapped(root: etree._Element) -> etree._Element:
    """A stranger signs, but shows the trusted bank's certificate."""
    forged = signed(answer(), STRANGER)
    theirs = first(forged, f".//{DS}X509Certificate")
    theirs.text = first(root, f".//{DS}X509Certificate").text
    return forged


def certificate_added(root: etree._Element) -> etree._Element:
    """A stranger signs, and shows the trusted bank's certificate beside their own."""
    forged = signed(answer(), STRANGER)
    first(forged, f".//{DS}X509Data").append(first(root, f".//{DS}X509Certificate"))
    return forged


def certificate_unreadable(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}X509Certificate").text = "AAAA"
    return root


def certificates_too_many(root: etree._Element) -> etree._Element:
    data = first(root, f".//{DS}X509Data")
    data.extend(copy.deepcopy(data[0]) for _ in range(8))
    return root


# ----------------------------------------------------------------- wrapping


def forged_copy(root: etree._Element, identity: str) -> etree._Element:
    """Return a wrapper that says something else and carries the true signature."""
    forged = changed_text(copy.deepcopy(wrapper_of(root)))
    forged.set("id", identity)
    return forged


def true_in_header(root: etree._Element, identity: str) -> etree._Element:
    """Put the signed wrapper into the SOAP header, and a forged one into the body."""
    envelope = etree.Element(f"{SOAP}Envelope")
    etree.SubElement(envelope, f"{SOAP}Header").append(copy.deepcopy(root))
    etree.SubElement(envelope, f"{SOAP}Body").append(forged_copy(root, identity))
    return envelope


def wrapped_beside(root: etree._Element) -> etree._Element:
    return true_in_header(root, "forged")


def wrapped_with_the_same_id(root: etree._Element) -> etree._Element:
    return true_in_header(root, "answer")


def wrapped_unsigned(root: etree._Element) -> etree._Element:
    """The forged body has no signature; the true one stands in the SOAP header."""
    envelope = true_in_header(root, "forged")
    body = first(envelope, f"{SOAP}Body")
    sgntr = first(body, f".//{HEAD}Sgntr")
    sgntr.getparent().remove(sgntr)
    return envelope


def wrapped_in_object(root: etree._Element) -> etree._Element:
    """The signed wrapper hides inside ds:Object of the signature that it carries."""
    forged = forged_copy(root, "forged")
    etree.SubElement(signature_in(forged), f"{DS}Object").append(copy.deepcopy(root))
    return forged


def wrapped_in_extension(root: etree._Element) -> etree._Element:
    """The signed wrapper hides where the answer may carry any element."""
    forged = forged_copy(root, "forged")
    supplement = etree.SubElement(first(forged, f".//{ANSWER}InfReqRspn"), f"{ANSWER}SplmtryData")
    etree.SubElement(supplement, f"{ANSWER}Envlp").append(copy.deepcopy(root))
    return forged


def wrapped_with_xml_id(root: etree._Element) -> etree._Element:
    """The reference could mean the wrapper or an element with xml:id."""
    xml_id = "{http://www.w3.org/XML/1998/namespace}id"
    first(root, f".//{SUPL_027}Document").set(xml_id, "answer")
    return root


def reference_to_the_document(root: etree._Element) -> etree._Element:
    """Only the Document is signed; the header beside it is free to change."""
    plain = answer()
    first(plain, f"{ANSWER}Document").set("id", "document")
    return signed(plain, BANK, target="document")


def reference_to_nothing(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}Reference").set("URI", "#elsewhere")
    return root


def reference_to_the_whole(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}Reference").set("URI", "")
    return root


def reference_outside(root: etree._Element) -> etree._Element:
    first(root, f".//{DS}Reference").set("URI", "http://127.0.0.1:9/answer.xml")
    return root


def reference_missing(root: etree._Element) -> etree._Element:
    reference = first(root, f".//{DS}Reference")
    reference.getparent().remove(reference)
    return root


def reference_twice(root: etree._Element) -> etree._Element:
    reference = first(root, f".//{DS}Reference")
    reference.addnext(copy.deepcopy(reference))
    return root


def two_signatures(root: etree._Element) -> etree._Element:
    signature = signature_in(root)
    signature.addnext(copy.deepcopy(signature))
    return root


def signature_elsewhere(root: etree._Element) -> etree._Element:
    supplement = etree.SubElement(first(root, f".//{ANSWER}InfReqRspn"), f"{ANSWER}SplmtryData")
    etree.SubElement(supplement, f"{ANSWER}Envlp").append(copy.deepcopy(signature_in(root)))
    return root


def transform_added(root: etree._Element) -> etree._Element:
    transform = etree.SubElement(first(root, f".//{DS}Transforms"), f"{DS}Transform")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
    return root


def transform_replaced(root: etree._Element) -> etree._Element:
    algorithm = "http://www.w3.org/TR/1999/REC-xpath-19991116"
    first(root, f".//{DS}Transforms")[1].set("Algorithm", algorithm)
    return root


def transform_missing(root: etree._Element) -> etree._Element:
    del first(root, f".//{DS}Transforms")[0]
    return root


def weak_method(root: etree._Element) -> etree._Element:
    algorithm = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
    first(root, f".//{DS}SignatureMethod").set("Algorithm", algorithm)
    return root


def symmetric_method(root: etree._Element) -> etree._Element:
    algorithm = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    first(root, f".//{DS}SignatureMethod").set("Algorithm", algorithm)
    return root


def weak_digest(root: etree._Element) -> etree._Element:
    algorithm = "http://www.w3.org/2000/09/xmldsig#sha1"
    first(root, f".//{DS}DigestMethod").set("Algorithm", algorithm)
    return root


def comments_canonical(root: etree._Element) -> etree._Element:
    method = first(root, f".//{DS}CanonicalizationMethod")
    method.set("Algorithm", f"{EXCLUSIVE}WithComments")
    return root


TAMPERINGS: list[Tamper] = [
    changed_text, changed_header, changed_digest, changed_value, value_not_base64, value_missing,
    certificate_swapped, certificate_added, certificate_unreadable, certificates_too_many,
]  # fmt: skip
FORMS: list[Tamper] = [
    wrapped_beside, wrapped_with_the_same_id, wrapped_unsigned, wrapped_in_object,
    wrapped_in_extension, wrapped_with_xml_id, reference_to_the_document, reference_to_nothing,
    reference_to_the_whole, reference_outside, reference_missing, reference_twice, two_signatures,
    signature_elsewhere, transform_added, transform_replaced, transform_missing, weak_method,
    symmetric_method, weak_digest, comments_canonical,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS + FORMS, ids=lambda tamper: tamper.__name__)
@pytest.mark.parametrize("bank", [BANK, EC_BANK], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize("through_authority", [False, True], ids=["own", "authority"])
def test_no_tampering_passes_for_a_trusted_signer(
    tamper: Tamper, bank: Identity, *, through_authority: bool
) -> None:
    root = tamper(signed(answer(), bank))
    trusted = (AUTHORITY,) if through_authority else (BANK, EC_BANK)
    with pytest.raises(Refused) as refused:
        read(root, *trusted)
    assert refused.value.reason is Reason.SIGNATURE_NOT_VALID
    assert "Somebody" not in str(refused.value)


@pytest.mark.parametrize("tamper", FORMS, ids=lambda tamper: tamper.__name__)
def test_the_form_counts_even_if_the_signer_is_unknown(tamper: Tamper) -> None:
    root = tamper(signed(answer(), STRANGER))
    with pytest.raises(Refused) as refused:
        read(root)
    assert refused.value.reason is Reason.SIGNATURE_NOT_VALID


def test_a_foreign_attribute_breaks_the_schema_before_the_signature() -> None:
    with pytest.raises(Refused) as refused:
        read(added_namespace_attribute(signed(answer(), BANK)), BANK)
    assert refused.value.reason is Reason.XML_NOT_VALID


def test_a_comment_neither_breaks_a_signature_nor_cuts_a_text() -> None:
    root = signed(answer(), BANK)
    iban = first(root, f".//{SUPL_027}IBAN")
    iban.text, rest = iban.text[:4], iban.text[4:]
    comment = etree.Comment(" cut here ")
    comment.tail = rest
    iban.append(comment)
    code, records = read(root, BANK)
    assert code == "SIGNATURE_VALID"
    assert isinstance(records[0], AccountRecord)
    assert records[0].account.iban == "GB45EXPL00000000001234"


def test_the_signature_of_the_question_quoted_is_not_the_answers() -> None:
    root = signed(answer(), BANK)
    header = first(root, f"{HEAD}AppHdr")
    related = copy.deepcopy(header)
    related.tag = f"{HEAD}Rltd"
    sgntr = first(header, f"{HEAD}Sgntr")
    header.remove(sgntr)
    header.append(related)
    code, records = read(root, BANK)
    assert code == "SIGNATURE_ABSENT"
    assert len(records) == 6


def test_a_signature_beside_a_quoted_one_is_the_answers() -> None:
    plain = answer()
    header = first(plain, f"{HEAD}AppHdr")
    quoted = copy.deepcopy(first(signed(answer(), STRANGER), f"{HEAD}AppHdr"))
    quoted.tag = f"{HEAD}Rltd"
    root = signed(plain, BANK)
    header = first(root, f"{HEAD}AppHdr")
    header.append(quoted)
    with pytest.raises(Refused) as refused:  # appended after signing
        read(root, BANK)
    assert refused.value.reason is Reason.SIGNATURE_NOT_VALID
    assert read(root, STRANGER)[0] == "SIGNATURE_UNTRUSTED"


def test_the_form_that_is_checked_is_the_form_that_banks_send() -> None:
    transforms = first(signed(answer(), BANK), f".//{DS}Transforms")
    assert [transform.get("Algorithm") for transform in transforms] == [ENVELOPED, EXCLUSIVE]
