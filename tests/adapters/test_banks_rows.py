"""Rows that break a rule: each is told with its code, never its value, and the others go in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.banks.elements import LARGEST_PENCE, pence, period
from adapters.banks.faults import RULES, Faults
from adapters.banks.message import AUTH_002 as ANSWER
from adapters.banks.message import FIN_002, FIN_013, SUPL_027
from gateway.core.record import RowError
from tests.adapters.bank_messages import (
    MARK,
    Change,
    errors,
    first,
    other_account,
    read,
    records,
    sample,
    set_identifier,
    supplement,
    text,
)


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
    assert period(
        etree.fromstring(f"<a><p><Dt><FrDt>{sent}</FrDt></Dt></p></a>"), "p", Faults()
    ) == (dt.date(2026, 2, 28), None)
