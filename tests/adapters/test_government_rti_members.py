"""The items of HMRC's real-time income: exact values, hostile values, any valid answer."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.government import rti_income, rti_members
from adapters.government.rti_members import PAYMENT, QUESTION
from adapters.syntax.hmrc_codes import FREQUENCIES
from gateway.core.groups.person import Who
from gateway.core.groups.work import Pay, Work
from gateway.core.record import Note, RowError
from gateway.core.records import Earnings
from gateway.core.refusal import Reason, Refused
from tests.adapters.rti_messages import (
    MARK,
    PAYMENT_1,
    error,
    one,
    read,
    read_json,
    refusal,
)

# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "word"), FREQUENCIES.items())
def test_frequencies(code: str, word: str):
    item = one(payFrequency=code)
    assert isinstance(item, Earnings)
    assert item.pay.frequency == word


@pytest.mark.parametrize(
    ("written", "pence"),
    [
        ("0", 0),
        ("-0.00", 0),
        ("0.01", 1),
        ("0.10", 10),
        ("1.1", 110),
        ("-12.05", -1205),
        ("1e2", 10_000),
        ("12.3400", 1234),
        ("1.15", 115),
        ("2.675e1", 2675),
        ("999999999.99", 99_999_999_999),
        ("-999999999.99", -99_999_999_999),
    ],
)
def test_amounts_are_exact(written: str, pence: int):
    (item,) = read(f'{{"taxYears":[{{"taxablePayInPeriod":{written}}}]}}'.encode())
    assert isinstance(item, Earnings)
    assert item.pay.taxable_pence == pence


@pytest.mark.parametrize(
    "written",
    [
        "0.001",
        "12.345",
        "1000000000",
        "-999999999.991",
        "1e30",
        "0." + "0" * 35 + "1",
        "999999999.99" + "0" * 20 + "1",
        '"12.34"',
        '"12"',
        "true",
        "null",
        "[]",
        '{"a":1}',
    ],
)
def test_what_is_not_an_amount(written: str):
    (item,) = read(f'{{"taxYears":[{{"taxablePayInPeriod":{written}}}]}}'.encode())
    assert error(item) == (1, "taxablePayInPeriod", "MONEY_NOT_VALID")


HOSTILE: list[tuple[str, Any, str]] = [
    ("nationalInsuranceNumber", "GB123456A", "NINO_NOT_VALID"),
    ("nationalInsuranceNumber", "TN010190M", "NINO_NOT_VALID"),
    ("nationalInsuranceNumber", "AA000001E", "NINO_NOT_VALID"),
    ("nationalInsuranceNumber", 123, "NINO_NOT_VALID"),
    ("partnerNINO", MARK, "NINO_NOT_VALID"),
    ("paymentDate", "2026-02-29", "DATE_NOT_VALID"),
    ("paymentDate", "20260228", "DATE_NOT_VALID"),
    ("paymentDate", "2026-W09-1", "DATE_NOT_VALID"),
    ("paymentDate", "0000-01-01", "DATE_NOT_VALID"),
    ("paymentDate", "2026-02-28\n", "DATE_NOT_VALID"),
    ("paymentDate", "２026-02-28", "DATE_NOT_VALID"),  # noqa: RUF001 - a wide digit is the point
    ("paymentDate", 20260228, "DATE_NOT_VALID"),
    ("paymentNoLongerValid", "Y", "DATE_NOT_VALID"),
    ("hmrcReceiptTimestamp", "2026-10-29T25:00:00Z", "INSTANT_NOT_VALID"),
    ("hmrcReceiptTimestamp", "2026-10-29", "INSTANT_NOT_VALID"),
    ("apiAvailableTimestamp", "2026-10-29T08:00:00", "INSTANT_NOT_VALID"),
    ("taxYear", "26-28", "TAX_YEAR_NOT_VALID"),
    ("taxYear", "2026-27", "TAX_YEAR_NOT_VALID"),
    ("taxYear", 26, "TAX_YEAR_NOT_VALID"),
    ("taxYearIndicator", "X", "CODE_NOT_KNOWN"),
    ("gender", "m", "CODE_NOT_KNOWN"),
    ("payFrequency", "M2", "CODE_NOT_KNOWN"),
    ("payFrequency", ["M1"], "CODE_NOT_KNOWN"),
    ("payFrequency", {"M1": 1}, "CODE_NOT_KNOWN"),
    ("occPenIndicator", "N", "CODE_NOT_KNOWN"),
    ("irregularPayment", True, "CODE_NOT_KNOWN"),
    ("numberOfNormalHoursWorked", "F", "CODE_NOT_KNOWN"),
    ("uniqueEmploymentSequenceNumber", 0, "NUMBER_NOT_VALID"),
    ("uniqueEmploymentSequenceNumber", 10_000, "NUMBER_NOT_VALID"),
    ("uniqueEmploymentSequenceNumber", "12", "NUMBER_NOT_VALID"),
    ("uniqueEmploymentSequenceNumber", True, "NUMBER_NOT_VALID"),
    ("earningsPeriodsCovered", 1.5, "NUMBER_NOT_VALID"),
    ("uniquePaymentId", -1, "NUMBER_NOT_VALID"),
    ("weeklyPeriodNumber", 57, "NUMBER_NOT_VALID"),
    ("hmrcOfficeNumber", "000", "TEXT_NOT_VALID"),
    ("hmrcOfficeNumber", "99", "TEXT_NOT_VALID"),
    ("hmrcOfficeNumber", 99, "TEXT_NOT_VALID"),
    ("employerPayeRef", " A1", "TEXT_NOT_VALID"),
    ("employerPayeRef", "A", "TEXT_NOT_VALID"),
    ("employerName1", "", "TEXT_NOT_VALID"),
    ("employerName1", "x" * 29, "TEXT_NOT_VALID"),
    ("employerName1", "two\nlines", "TEXT_NOT_VALID"),
    ("employerName1", "bell\x07", "TEXT_NOT_VALID"),
    ("employerName1", "turned\u202eround", "TEXT_NOT_VALID"),
    ("surname", "=cmd()", "TEXT_NOT_VALID"),
    ("surname", "Sample\n", "TEXT_NOT_VALID"),
    ("surname", None, "TEXT_NOT_VALID"),
    ("initials", "ABCDEF", "TEXT_NOT_VALID"),
    ("taxCode", "1257", "TEXT_NOT_VALID"),
    ("taxCode", "xBRx", "TEXT_NOT_VALID"),
    ("taxDeductedOrRefunded", 10_000_000_000, "MONEY_NOT_VALID"),
    ("statutoryMaternityPayYeartoDate", -1, "MONEY_NOT_VALID"),
    ("trivialCommutationPaymentTypeA", 1.5, "MONEY_NOT_VALID"),
    ("bacsPaymentAmount", 1.5, "NUMBER_NOT_VALID"),
]


@pytest.mark.parametrize(("member", "value", "code"), HOSTILE)
def test_a_hostile_value_is_an_error_of_its_item_alone(member: str, value: Any, code: str):
    good, bad = PAYMENT_1 | {"uniquePaymentId": 1}, PAYMENT_1 | {member: value}
    first, second, third = read_json({"taxYears": [good, bad, good | {"uniquePaymentId": 3}]})
    assert isinstance(first, Earnings)
    assert error(second) == (2, member, code)
    assert isinstance(third, Earnings)
    assert third.row == 3


@pytest.mark.parametrize("member", sorted(PAYMENT))
def test_no_error_repeats_a_value(member: str):
    item = one(**{member: MARK * 20})
    assert isinstance(item, RowError)
    assert item.field == member
    assert "7431" not in str(item)
    assert re.fullmatch(r"[A-Z][A-Z_]+", item.code)


def test_a_member_that_is_not_known_is_not_named():
    item = one(**PAYMENT_1, **{MARK: 1})
    assert error(item) == (1, "taxYears", "MEMBER_NOT_KNOWN")
    assert MARK not in str(item)


def test_a_member_in_another_letter_case_is_named_as_the_schema_has_it():
    assert error(one(TAXYEAR="26-27")) == (1, "taxYear", "MEMBER_NOT_KNOWN")


@pytest.mark.parametrize("item", [None, 1, "a", [], [{}], True])
def test_an_item_that_is_no_object(item: Any):
    (found,) = read_json({"taxYears": [item]})
    assert error(found) == (1, "taxYears", "ITEM_NOT_OBJECT")


def test_an_item_without_a_fact():
    assert error(one()) == (1, "taxYears", "ITEM_EMPTY")
    assert error(one(niLetter="A")) == (1, "taxYears", "ITEM_EMPTY")


def test_an_item_that_is_there_twice_is_counted_once():
    again = dict(reversed(PAYMENT_1.items())) | {"taxablePayInPeriod": 10.00}
    first, second = read_json({"taxYears": [PAYMENT_1, again]})
    assert isinstance(first, Earnings)
    assert error(second) == (2, "taxYears", "ITEM_REPEATED")


def test_an_employment_that_ends_before_it_begins():
    item = one(employmentStartDate="2026-05-02", employmentEndDate="2026-05-01")
    assert error(item) == (1, "employmentEndDate", "PERIOD_REVERSED")


def test_more_items_than_a_person_can_have():
    limit = rti_income.ITEMS_LIMIT
    assert len(read_json({"taxYears": [0] * limit})) == limit
    found = refusal(json.dumps({"taxYears": [0] * (limit + 1)}).encode())
    assert found.reason is Reason.FILE_RULE


def test_the_first_fault_of_an_item_is_told():
    assert error(one(gender="X", taxYear="x")) == (1, "gender", "CODE_NOT_KNOWN")


def test_flags_and_a_payment_that_was_withdrawn():
    item = one(
        occPenIndicator="Y",
        irregularPayment="Y",
        paymentAfterLeaving="Y",
        paymentNoLongerValid="2026-10-31",
    )
    assert isinstance(item, Earnings)
    assert item.pay == Pay(
        is_pension=True,
        is_irregular=True,
        after_leaving=True,
        withdrawn_date=dt.date(2026, 10, 31),
    )


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"employerName1": "One"}, "One"),
        ({"employerName1": "One ", "employerName2": " Two"}, "One Two"),
        ({"employerName1": "One", "employerName2": ""}, "One"),
        ({"employerTradeName1": "Shop"}, "Shop"),
        ({"employerName1": "One", "employerTradeName1": "One"}, "One"),
        (
            {"employerName1": "One", "employerTradeName1": "Shop", "employerTradeName2": "Front"},
            "One trading as Shop Front",
        ),
    ],
)
def test_employer_names_are_joined(members: dict[str, str], name: str):
    item = one(**members)
    assert isinstance(item, Earnings)
    assert item.work.employer_name == name


def test_forenames_are_joined_and_initials_stand_in_for_them():
    item = one(forename="Alex", secondForename="Jo", initials="A J")
    assert isinstance(item, Earnings)
    assert item.who.forenames == "Alex Jo"
    item = one(initials="A J")
    assert isinstance(item, Earnings)
    assert item.who.forenames == "A J"


# --- any answer ---------------------------------------------------------------------------------

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NAMES = st.from_regex(r"[A-Za-z]([A-Za-z '\-]{0,20}[A-Za-z])?", fullmatch=True)
LINES = st.text("abcXYZ019&()./é", min_size=2, max_size=10)
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31))
PENCE = st.integers(-99_999_999_999, 99_999_999_999)
NINOS = st.from_regex(r"[ABCEGHJL-PR-TW-Y][ABCEHJLMPRSW-Y][0-9]{6}[A-D]?", fullmatch=True).filter(
    lambda text: text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}
)
# How a record writes what a member says: the member, our member, values, and how each is sent.
PARTS: dict[str, dict[str, tuple[str, st.SearchStrategy[Any]]]] = {
    "who": {
        "surname": ("surname", NAMES),
        "forename": ("forenames", NAMES),
        "nationalInsuranceNumber": ("nino", NINOS),
        "dateOfBirth": ("date_of_birth", DATES),
        "gender": ("gender", st.sampled_from("MF")),
        "payrollId": ("payroll_number", LINES),
    },
    "work": {
        "employerName1": ("employer_name", LINES),
        "hmrcOfficeNumber": ("paye_office", st.integers(1, 999).map("{:03}".format)),
        "employerPayeRef": ("paye_reference", LINES),
        "uniqueEmploymentSequenceNumber": ("sequence", st.integers(1, 9_999)),
        "employmentStartDate": ("start_date", DATES),
    },
    "pay": {
        "taxYear": ("tax_year", st.integers(0, 98).map(lambda y: f"20{y:02}-{y + 1:02}")),
        "paymentDate": ("pay_date", DATES),
        "earningsPeriodsCovered": ("periods_covered", st.integers(1, 99)),
        "taxablePayInPeriod": ("taxable_pence", PENCE),
        "taxDeductedOrRefunded": ("tax_pence", PENCE),
        "totalTaxToDate": ("tax_to_date_pence", PENCE),
        "employeePensionContributionsNotPaid": ("pension_not_net_pay_pence", PENCE),
        "pensionContributionsNotPaidYeartoDate": ("pension_not_net_pay_to_date_pence", PENCE),
        "benefitsTaxedYeartoDate": ("benefits_in_kind_to_date_pence", PENCE),
        "paymentNoLongerValid": ("withdrawn_date", DATES),
    },
}


def sent(name: str, value: Any) -> str:
    if name.endswith("_pence"):
        pounds, pence = divmod(abs(value), 100)
        return f"{'-' if value < 0 else ''}{pounds}.{pence:02}"
    if name == "tax_year":  # a record writes its century too
        return json.dumps(value[2:])
    return json.dumps(value.isoformat() if isinstance(value, dt.date) else value)


@st.composite
def payments(draw: st.DrawFn) -> tuple[str, dict[str, dict[str, Any]]]:
    members, groups = [], {"who": {}, "work": {}, "pay": {}}
    for group, parts in PARTS.items():
        for member, (name, values) in parts.items():
            if draw(st.booleans()):
                groups[group][name] = value = draw(values)
                members.append(f'"{member}":{sent(name, value)}')
    code = draw(st.sampled_from(sorted(FREQUENCIES)))
    groups["pay"]["frequency"] = FREQUENCIES[code]
    members.append(f'"payFrequency":"{code}"')
    return "{" + ",".join(draw(st.permutations(members))) + "}", groups


@given(st.lists(payments(), min_size=1, max_size=4, unique_by=lambda pair: repr(pair[1])))
def test_any_valid_answer_reads_back_exactly(items: list[tuple[str, dict[str, dict[str, Any]]]]):
    body = '{"matchPattern":63,"taxYears":[' + ",".join(text for text, _ in items) + "]}"
    assert read(body.encode()) == [
        Earnings(row=row, who=Who(**g["who"]), work=Work(**g["work"]), pay=Pay(**g["pay"]))
        for row, (_, g) in enumerate(items, 1)
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
NAMES_KNOWN = st.sampled_from(sorted({*PAYMENT, *QUESTION, "code", "reason"}))
ANY_ITEM = st.dictionaries(NAMES_KNOWN | st.text(max_size=4), JSON, max_size=4) | JSON


@given(
    st.dictionaries(
        st.sampled_from(["taxYears", "failures", "matchPattern", "filterFields", "nino", "code"]),
        st.lists(ANY_ITEM, max_size=3) | JSON,
        max_size=3,
    )
)
def test_any_json_gives_records_row_errors_or_a_refusal(message: dict[str, Any]):
    try:
        items = read_json(message)
    except Refused:
        return
    assert items
    rules_known = {
        rule.code
        for module in (rti_income, rti_members, rti_income.rules)
        for rule in vars(module).values()
        if isinstance(rule, rti_income.Rule)
    }
    for item in items:
        assert isinstance(item, Note) or item.row >= 1
        if isinstance(item, RowError):
            assert item.code in rules_known
