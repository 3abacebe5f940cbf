"""Messages that are refused whole, and the limits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from lxml import etree

from adapters.banks import auth002
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import DISPUTED, HEAD, LIMIT_BYTES, SOAP, SUPL_027
from gateway.core.refusal import Reason, Refused
from tests.adapters.bank_messages import (
    MARK,
    SAMPLES,
    first,
    read,
    records,
    sample,
    supplement,
    text,
)
from tests.adapters.damage import overwritten
from tests.adapters.schedule_files import survives


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


@given(overwritten((SAMPLES / "bank-answer.xml").read_bytes()))
def test_a_message_with_bytes_overwritten_is_read_or_refused(content: bytes) -> None:
    survives(read, content)


def test_threads_read_side_by_side() -> None:
    content = (SAMPLES / "bank-answer.xml").read_bytes()
    expected = read(content)
    with ThreadPoolExecutor(4) as pool:
        assert all(items == expected for items in pool.map(lambda _: read(content), range(40)))
