"""HMRC's real-time income: the real messages, our sample, every kind of message and what is none."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.government.rti_income import RTI_INCOME
from adapters.government.rti_members import PAYMENT, QUESTION, QUESTION_NEEDS
from gateway.core.groups.person import Case, Who
from gateway.core.groups.work import Pay, Work
from gateway.core.record import Note, RowError
from gateway.core.records import Earnings, Enquiry, NilReturn, RefusalRecord
from gateway.core.refusal import Reason
from gateway.installed import law
from tests.adapters.rti_messages import (
    MARK,
    PAYMENT_1,
    ROOT,
    error,
    read,
    read_json,
    refusal,
)

REFERENCE = ROOT.parent / "shared" / "reference" / "hmrc-rti-income"
SAMPLE = ROOT / "schemas" / "samples" / "rti-income.json"

QUESTION_1 = {
    "nino": "AA000001A",
    "serviceName": "Example",
    "fromDate": "2026-04-06",
    "toDate": "2026-10-05",
    "surname": "Sample",
    "filterFields": ["taxablePayInPeriod", "paymentDate"],
}

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the real messages are not on this machine"
)


# --- the real messages --------------------------------------------------------------------------


def reference(name: str) -> bytes:
    return (REFERENCE / name).read_bytes()


@needs_reference
@pytest.mark.parametrize(
    ("name", "rows"),
    [("200-success-matched-one-year.json", 1), ("200-success-matched-two-years.json", 2)],
)
def test_a_real_answer_is_read_to_the_penny(name: str, rows: int):
    sent = json.loads(reference(name), parse_float=Decimal)["taxYears"]
    records = read(reference(name))
    assert [record.row for record in records] == list(range(1, rows + 1))
    for given_item, record in zip(sent, records, strict=True):
        assert isinstance(record, Earnings)
        assert record.pay.taxable_pence == given_item["taxablePayInPeriod"] * 100
        assert record.pay.tax_pence == given_item["taxDeductedOrRefunded"] * 100 < 0
        assert record.pay.tax_to_date_pence == given_item["totalTaxToDate"] * 100
        assert record.pay.frequency == "monthly"
        assert record.pay.pay_date == dt.date.fromisoformat(given_item["paymentDate"])
        assert record.who.nino == given_item["nationalInsuranceNumber"]
        assert record.who.surname == given_item["surname"]
        assert record.work.employer_name == given_item["employerName1"]
        assert record.work.paye_office == given_item["hmrcOfficeNumber"]
        assert record.work.paye_reference == given_item["employerPayeRef"]
        assert record.work.sequence == given_item["uniqueEmploymentSequenceNumber"]


@needs_reference
def test_a_real_question_is_an_enquiry():
    sent = json.loads(reference("real-time-income-information-post.json"))
    (record,) = read(reference("real-time-income-information-post.json"))
    assert isinstance(record, Enquiry)
    assert record.who is not None
    assert (record.who.nino, record.who.surname) == (sent["nino"], sent["surname"])
    assert record.who.forenames == sent["firstName"]
    assert record.case.period_start == dt.date.fromisoformat(sent["fromDate"])
    assert record.case.asked == tuple(sent["filterFields"])


@needs_reference
def test_real_failures_are_refusals_with_the_source_s_own_code():
    sent = json.loads(reference("400-multiple-errors.json"))["failures"]
    records = read(reference("400-multiple-errors.json"))
    assert [(type(r), r.row, r.answer.code, r.answer.detail) for r in records] == [
        (RefusalRecord, row, "OTHER", failure["code"]) for row, failure in enumerate(sent, 1)
    ]


@needs_reference
def test_our_tables_have_the_members_of_the_real_schemas():
    answer = json.loads(reference("real-time-income-information-response-schema.json"))
    asked = json.loads(reference("real-time-income-information-post-schema.json"))
    assert list(PAYMENT) == list(answer["definitions"]["taxYearItem"]["properties"])
    assert QUESTION.keys() == asked["properties"].keys()
    assert list(QUESTION_NEEDS) == asked["required"]
    assert set(asked["properties"]["filterFields"]["items"]["enum"]) == PAYMENT.keys()


@needs_reference
def test_every_real_file_is_recognised_or_is_no_message():
    for path in REFERENCE.glob("*.json"):
        data = path.read_bytes()
        if "schema" in path.name:
            assert refusal(data).reason is Reason.JSON_NOT_VALID
        else:
            assert RTI_INCOME.recognises(data[:4_096])
            assert not any(isinstance(item, RowError) for item in read(data))


# --- our sample ---------------------------------------------------------------------------------


def test_the_sample_is_read_whole():
    records = read(SAMPLE.read_bytes())
    assert all(isinstance(record, Earnings) for record in records)
    bakery, courier = records[0], records[2]
    assert isinstance(bakery, Earnings)
    assert isinstance(courier, Earnings)
    assert bakery == Earnings(
        row=1,
        who=Who(
            surname="Sample",
            forenames="Alex",
            date_of_birth=dt.date(1990, 2, 28),
            gender="M",
            nino="AA000001A",
            payroll_number="BAKE-0042",
        ),
        work=Work(
            employer_name="Example Bakery Limited trading as The Sample Loaf",
            paye_office="951",
            paye_reference="EX12345",
            sequence=12,
            start_date=dt.date(2024, 3, 4),
        ),
        pay=Pay(
            frequency="monthly",
            tax_year="2026-27",
            pay_date=dt.date(2026, 9, 30),
            periods_covered=1,
            taxable_pence=214_835,
            taxable_to_date_pence=1_289_010,
            tax_pence=21_960,
            tax_to_date_pence=131_760,
            national_insurance_pence=9_696,
            gross_for_national_insurance_pence=226_000,
            pension_pence=11_165,
            pension_to_date_pence=66_990,
            after_statutory_deductions_pence=183_179,
            hours_band="D",
            tax_code="1257L",
            payment_id="7000001",
        ),
    )
    assert courier.work.employer_name == "Specimen Couriers (North) Limited"
    assert courier.pay.is_irregular is True
    assert courier.pay.frequency == "weekly"
    assert len({record.work.sequence for record in records}) == 2


def test_what_the_adapter_declares_is_in_the_duty_table():
    day = dt.date(2026, 11, 22)
    table = law()
    provider = table.entitled(
        {"gov_hmrc_dwp"}, RTI_INCOME.provider_classes, RTI_INCOME.record_types, day
    )
    assert RTI_INCOME.record_types <= table.may_send(provider.slug, day)


# --- nothing, and refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"matchPattern": 0}, "NO_MATCH"),
        ({"matchPattern": 0, "taxYears": []}, "NO_MATCH"),
        ({"matchPattern": 63, "taxYears": []}, "NOT_HELD"),
        ({"taxYears": []}, "NOT_HELD"),
        ({"code": "NOT_FOUND", "reason": MARK}, "NOT_HELD"),
        ({"code": "NOT_FOUND_NINO", "reason": MARK}, "NO_MATCH"),
        ({"failures": [{"code": "NOT_FOUND_NINO"}]}, "NO_MATCH"),
    ],
)
def test_nothing_held(message: Any, code: str):
    (item,) = read_json(message)
    assert isinstance(item, NilReturn)
    assert (item.row, item.answer.code) == (1, code)
    assert MARK not in str(item)


def test_a_match_of_some_details_is_noted():
    note, record = read_json({"matchPattern": 40, "taxYears": [PAYMENT_1]})
    assert isinstance(note, Note)
    assert note.code == "MATCH_PARTIAL"
    assert isinstance(record, Earnings)


@pytest.mark.parametrize(
    ("code", "ours", "detail"),
    [
        ("INVALID_NINO", "NO_MATCH", "INVALID_NINO"),
        ("NON_PRIVILEGED_APPLICATION", "NOT_IN_CLASS", "NON_PRIVILEGED_APPLICATION"),
        ("INVALID_PAYLOAD", "OTHER", "INVALID_PAYLOAD"),
        ("NEVER_HEARD_OF", "OTHER", "NEVER_HEARD_OF"),
        ("invalid", "OTHER", None),
        ("A B", "OTHER", None),
        ("=CMD()", "OTHER", None),
        ("A" * 65, "OTHER", None),
        ("CODE\n", "OTHER", None),
    ],
)
def test_a_failure_is_a_refusal(code: str, ours: str, detail: str | None):
    for message in (
        {"code": code, "reason": MARK},
        {"failures": [{"reason": MARK, "code": code}]},
    ):
        (item,) = read_json(message)
        assert isinstance(item, RefusalRecord)
        assert (item.answer.code, item.answer.detail) == (ours, detail)
        assert MARK not in str(item)


@pytest.mark.parametrize("code", ["SERVER_ERROR", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"])
def test_trouble_at_the_source_is_no_answer(code: str):
    (item,) = read_json({"code": code, "reason": "x"})
    assert error(item) == (1, "code", "SOURCE_UNAVAILABLE")


@pytest.mark.parametrize(
    ("failure", "field", "code"),
    [
        (1, "failures", "ITEM_NOT_OBJECT"),
        ({"code": "A_CODE", MARK: 1}, "failures", "MEMBER_NOT_KNOWN"),
        ({"reason": "x"}, "code", "VALUE_MISSING"),
        ({"code": ""}, "code", "VALUE_MISSING"),
        ({"code": 7}, "code", "VALUE_MISSING"),
    ],
)
def test_a_failure_that_cannot_be_read(failure: Any, field: str, code: str):
    first, second = read_json({"failures": [failure, {"code": "A_CODE"}]})
    assert error(first) == (1, field, code)
    assert isinstance(second, RefusalRecord)


# --- the question -------------------------------------------------------------------------------


def test_a_question_in_full():
    (item,) = read_json(
        QUESTION_1
        | {"firstName": "Alex", "middleName": "Jo", "gender": "F", "dateOfBirth": "1990-02-28"}
    )
    assert item == Enquiry(
        row=1,
        case=Case(
            period_start=dt.date(2026, 4, 6),
            period_end=dt.date(2026, 10, 5),
            asked=("taxablePayInPeriod", "paymentDate"),
        ),
        who=Who(
            surname="Sample",
            forenames="Alex Jo",
            date_of_birth=dt.date(1990, 2, 28),
            gender="F",
            nino="AA000001A",
        ),
    )


def test_a_number_whose_suffix_is_left_blank():
    (item,) = read_json(QUESTION_1 | {"nino": "AA000001 "})
    assert isinstance(item, Enquiry)
    assert item.who is not None
    assert item.who.nino == "AA000001"


@pytest.mark.parametrize("name", [n for n in QUESTION_NEEDS if n != "filterFields"])
def test_a_question_without_what_it_needs(name: str):
    (item,) = read_json({k: v for k, v in QUESTION_1.items() if k != name})
    assert error(item) == (1, name, "VALUE_MISSING")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"toDate": "2026-04-05"}, "toDate", "PERIOD_REVERSED"),
        ({"fromDate": "2026-13-01"}, "fromDate", "DATE_NOT_VALID"),
        ({"surname": "Sample7"}, "surname", "TEXT_NOT_VALID"),
        ({"serviceName": ""}, "serviceName", "TEXT_NOT_VALID"),
        ({"filterFields": []}, "filterFields", "CODE_NOT_KNOWN"),
        ({"filterFields": "taxYear"}, "filterFields", "CODE_NOT_KNOWN"),
        ({"filterFields": [MARK]}, "filterFields", "CODE_NOT_KNOWN"),
        ({"filterFields": ["taxYear", "taxYear"]}, "filterFields", "CODE_NOT_KNOWN"),
        ({"filterFields": [["taxYear"]]}, "filterFields", "CODE_NOT_KNOWN"),
        ({MARK: 1}, "body", "MEMBER_NOT_KNOWN"),
        ({"Gender": "M"}, "gender", "MEMBER_NOT_KNOWN"),
    ],
)
def test_a_question_with_a_fault(change: dict[str, Any], field: str, code: str):
    (item,) = read_json(QUESTION_1 | change)
    assert error(item) == (1, field, code)
    assert MARK not in str(item)


# --- bodies that are no message -----------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        {},
        [],
        [PAYMENT_1],
        None,
        "a",
        {"a": 1},
        {"taxYears": {}},
        {"taxYears": None},
        {"taxYears": [], MARK: 1},
        {"taxYears": [], "failures": []},
        {"matchPattern": 64, "taxYears": [PAYMENT_1]},
        {"matchPattern": -1},
        {"matchPattern": True},
        {"matchPattern": "63"},
        {"matchPattern": None},
        {"failures": []},
        {"failures": {"code": "A"}},
        {"reason": "x"},
        {"nino": "AA000001A"},
    ],
)
def test_a_body_that_is_no_message(message: Any):
    found = refusal(json.dumps(message).encode())
    assert found.reason is Reason.JSON_NOT_VALID
    assert MARK not in str(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.JSON_NOT_WELL_FORMED),
        (b'{"taxYears":[{"taxablePayInPeriod":NaN}]}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"taxYears":[{"gender":"M","gender":"F"}]}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"taxYears":[{"surname":"\\u0000"}]}', Reason.JSON_NOT_WELL_FORMED),
        (b'\xef\xbb\xbf{"taxYears":[]}', Reason.CHARACTER_SET),
        ('{"taxYears":[]}'.encode("utf-16"), Reason.CHARACTER_SET),
    ],
)
def test_a_body_that_is_not_strict_json(data: bytes, reason: Reason):
    assert refusal(data).reason is reason


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b'{"taxYears":', True),
        (b'\n {\n"matchPattern" : 63', True),
        (b'{"nino":"AA000001A","serviceName":"x"', True),
        (b'{"failures":[', True),
        (b'{"code":"A","reason":"b"}', True),
        (b'{"code":"A"}', False),
        (b'["taxYears"]', False),
        (b'{"records":[]}', False),
        (b"", False),
        (b"<taxYears/>", False),
    ],
)
def test_recognition(head: bytes, ours: bool):  # noqa: FBT001
    assert RTI_INCOME.recognises(head) is ours
