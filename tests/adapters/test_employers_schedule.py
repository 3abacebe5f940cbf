"""The rules of a payment schedule, each just inside and just outside; CSV and XML judge alike."""

from __future__ import annotations

import datetime as dt
import json

import msgspec
import pytest

from adapters.employers import schedule as schedule_module
from adapters.employers.columns import COLUMNS
from adapters.employers.law import law_of, schedule_law
from adapters.employers.schedule import ROW_FAULTS_TOLD
from gateway.core.records import Deduction, NilReturn
from gateway.core.refusal import Reason, Refused
from tests.adapters.schedule_files import (
    MARK,
    code_of,
    csv_of,
    errors,
    faults,
    notes,
    read_csv,
    read_xml,
    records,
    row,
    rows,
    told,
    unnumbered,
    xml_of,
)
from tests.conftest import SAMPLES


def only(**changes: str) -> Deduction:
    (record,) = unnumbered(read_csv(csv_of([row(**changes)])))
    assert isinstance(record, Deduction)
    assert unnumbered(read_xml(xml_of([row(**changes)]))) == [record]
    return record


# --- one cell -----------------------------------------------------------------------------------

GOOD = [
    {},
    {"employer_ref": "A" * 20},
    {"employer_ref": "120/AB-456"},
    {"employer_ref": " E1234567 "},
    {"pay_frequency": "W", "period_end": "2026-10-07"},
    {"pay_frequency": "2W", "period_end": "2026-10-14"},
    {"pay_frequency": "4W", "period_end": "2026-10-28"},
    {"pay_frequency": "M", "period_end": "2026-10-28"},
    {"period_start": "2028-02-01", "period_end": "2028-02-29", "pay_date": "2028-02-29"},
    {"employee_cm_ref": "1000 0000 0017"},
    {"nino": ""},
    {"nino": " aa 00 00 17 a "},
    {"nino": "AA000017"},
    {"surname": "x" * 140},
    {"surname": "  O'Śliwa-Łoś  "},
    {"surname": "Mary\u00a0Ann"},
    {"surname": "=1+1", "forename": "@SUM(A1)", "payroll_no": "-1"},
    {"surname": "TOTAL"},
    {"ndr_due": "150", "amount_deducted": "150.00"},
    {"ndr_due": "0.00", "amount_deducted": "0"},
    {"ndr_due": "999999999.99", "amount_deducted": "999999999.99"},
    {"net_earnings": "0.00"},
    {"net_earnings": " "},
    {"admin_charge": "1.00"},
    {"admin_charge": "0"},
    {"amount_deducted": "149.99", "reason_code": "PROTECTED_EARNINGS"},
    {"amount_deducted": "150.01", "reason_code": " ARREARS_INCLUDED "},
    {"reason_code": "LEFT_EMPLOYMENT"},
    {"amount_deducted": "1.00", "reason_code": "OTHER", "reason_note": "Strike"},
    {"left_date": "2026-10-16"},
    {"payment_ref": "AA000017A", "payment_method": "BACS", "payment_date": "2026-11-02"},
    {"address_2": "3 Example Street", "town": "Exampleton", "postcode": "sw1a1aa"},
]


@pytest.mark.parametrize("changes", GOOD, ids=repr)
def test_a_good_cell_is_taken(changes: dict[str, str]) -> None:
    assert faults(**changes) == []
    assert only(**changes).who.cms_reference == "100000000017"


MISSING = [(name, "VALUE_MISSING") for name in COLUMNS[:9]]
BAD = [
    *[({name: blank}, name, code) for name, code in MISSING for blank in ("", "  ")],
    ({"employer_ref": "A" * 21}, "employer_ref", "EMPLOYER_NOT_VALID"),
    ({"employer_ref": "E123 4567"}, "employer_ref", "EMPLOYER_NOT_VALID"),
    ({"employer_ref": "Ä1234567"}, "employer_ref", "EMPLOYER_NOT_VALID"),
    ({"employer_ref": "//--"}, "employer_ref", "EMPLOYER_NOT_VALID"),
    ({"pay_frequency": "3W"}, "pay_frequency", "CODE_NOT_KNOWN"),
    ({"pay_frequency": "m"}, "pay_frequency", "CODE_NOT_KNOWN"),
    ({"pay_frequency": "W", "period_end": "2026-10-06"}, "period_end", "PERIOD_NOT_OF_FREQUENCY"),
    ({"pay_frequency": "W", "period_end": "2026-10-08"}, "period_end", "PERIOD_NOT_OF_FREQUENCY"),
    ({"pay_frequency": "4W", "period_end": "2026-10-29"}, "period_end", "PERIOD_NOT_OF_FREQUENCY"),
    ({"period_end": "2026-10-27"}, "period_end", "PERIOD_NOT_OF_FREQUENCY"),
    ({"period_end": "2026-11-01"}, "period_end", "PERIOD_NOT_OF_FREQUENCY"),
    ({"period_end": "2026-09-30"}, "period_end", "PERIOD_REVERSED"),
    ({"period_start": "2026-02-29"}, "period_start", "DATE_NOT_VALID"),
    ({"pay_date": "30/13/2026"}, "pay_date", "DATE_NOT_VALID"),
    ({"pay_date": "20261330"}, "pay_date", "DATE_NOT_VALID"),
    ({"employee_cm_ref": "1" * 11}, "employee_cm_ref", "CMS_REFERENCE_NOT_VALID"),
    ({"employee_cm_ref": "1" * 13}, "employee_cm_ref", "CMS_REFERENCE_NOT_VALID"),
    ({"employee_cm_ref": "\u0661" * 12}, "employee_cm_ref", "CMS_REFERENCE_NOT_VALID"),
    ({"nino": "QQ000017A"}, "nino", "NINO_NOT_VALID"),
    ({"nino": "AA000017E"}, "nino", "NINO_NOT_VALID"),
    ({"nino": "TN010180M"}, "nino", "NINO_TEMPORARY"),
    ({"surname": "x" * 141}, "surname", "TEXT_NOT_VALID"),
    ({"surname": "a\u202eb"}, "surname", "TEXT_NOT_VALID"),
    ({"forename": "x" * 141}, "forename", "TEXT_NOT_VALID"),
    ({"payroll_no": "a\tb"}, "payroll_no", "TEXT_NOT_VALID"),
    ({"ndr_due": "-1.00"}, "ndr_due", "MONEY_NOT_VALID"),
    ({"ndr_due": "£150.00p"}, "ndr_due", "MONEY_NOT_VALID"),
    ({"amount_deducted": "1,00.00"}, "amount_deducted", "MONEY_NOT_VALID"),
    ({"amount_deducted": "150.0.0"}, "amount_deducted", "MONEY_NOT_VALID"),
    ({"net_earnings": "1000000000.00"}, "net_earnings", "MONEY_NOT_VALID"),
    ({"admin_charge": "1.01"}, "admin_charge", "CHARGE_TOO_HIGH"),
    ({"admin_charge": "free"}, "admin_charge", "MONEY_NOT_VALID"),
    ({"amount_deducted": "149.99"}, "reason_code", "REASON_MISSING"),
    ({"amount_deducted": "150.01"}, "reason_code", "REASON_MISSING"),
    ({"amount_deducted": "1.00", "reason_code": " "}, "reason_code", "REASON_MISSING"),
    ({"amount_deducted": "1.00", "reason_code": "other"}, "reason_code", "CODE_NOT_KNOWN"),
    ({"reason_code": "BECAUSE"}, "reason_code", "CODE_NOT_KNOWN"),
    ({"amount_deducted": "1.00", "reason_code": "OTHER"}, "reason_note", "NOTE_MISSING"),
    ({"reason_code": "OTHER", "reason_note": " "}, "reason_note", "NOTE_MISSING"),
    ({"reason_note": "x" * 141}, "reason_note", "TEXT_NOT_VALID"),
    ({"left_date": "2026-13-01"}, "left_date", "DATE_NOT_VALID"),
    ({"payment_ref": "x" * 141}, "payment_ref", "TEXT_NOT_VALID"),
    ({"payment_method": "a\nb"}, "payment_method", "TEXT_NOT_VALID"),
    ({"payment_date": "soon"}, "payment_date", "DATE_NOT_VALID"),
    ({"address_1": "x" * 141}, "address_1", "TEXT_NOT_VALID"),
    ({"address_3": "a\nb"}, "address_3", "TEXT_NOT_VALID"),
    ({"town": "x" * 141}, "town", "TEXT_NOT_VALID"),
    ({"postcode": "75001"}, "postcode", "POSTCODE_NOT_VALID"),
]


@pytest.mark.parametrize(("changes", "field", "code"), BAD, ids=repr)
def test_a_bad_cell_is_told_by_field_and_code(
    changes: dict[str, str], field: str, code: str
) -> None:
    assert faults(**changes) == [(field, code)]


def test_every_broken_cell_of_a_row_is_told_and_no_value_with_it() -> None:
    wrong = dict.fromkeys(COLUMNS, MARK) | {"employer_ref": f"£{MARK}", "surname": ""}
    found = errors(read_csv(csv_of([row(**wrong)], total="0.00")))
    assert {error.row for error in found} == {2}
    # All but those that may be any text.
    texts = {"forename", "payroll_no", "reason_note", "payment_ref", "payment_method", "town"}
    texts |= {"address_1", "address_2", "address_3"}
    assert sorted(error.field for error in found) == sorted(set(COLUMNS) - texts)
    assert MARK not in msgspec.json.encode(found).decode()


def test_a_row_tells_at_most_so_many_faults() -> None:
    wrong = dict.fromkeys(COLUMNS, "\x01" * 141)
    assert len(errors(read_csv(csv_of([row(**wrong)], total="0.00")))) == ROW_FAULTS_TOLD


def test_what_a_row_says_stands_in_its_groups() -> None:
    record = only(
        nino="AA000017A", forename="Tamsin", payroll_no="0017", net_earnings="1200.00",
        amount_deducted="100.00", admin_charge="0.50", reason_code="OTHER", reason_note="Strike",
        left_date="2026-10-16", payment_ref="R", payment_method="BACS", payment_date="2026-11-02",
        address_1="Flat 1", address_3="Close", town="Exampleton", postcode="SW1A 1AA",
    )  # fmt: skip
    assert json.loads(msgspec.json.encode(record)) == {
        "type": "deduction",
        "row": 1,
        "who": {
            "surname": "Marsh", "forenames": "Tamsin", "nino": "AA000017A",
            "cms_reference": "100000000017", "payroll_number": "0017",
        },
        "work": {"employer_reference": "E1234567", "leave_date": "2026-10-16"},
        "pay": {
            "frequency": "monthly", "period_start": "2026-10-01", "period_end": "2026-10-31",
            "pay_date": "2026-10-30", "net_pence": 120_000,
        },
        "where": {"lines": ["Flat 1", "Close"], "town": "Exampleton", "postcode": "SW1A 1AA"},
        "deduction": {
            "due_pence": 15_000, "deducted_pence": 10_000, "deducted_on": "2026-10-30",
            "charge_pence": 50, "reason": "OTHER",
            "note": "Strike", "payment_reference": "R", "payment_method": "BACS",
            "payment_date": "2026-11-02",
        },
        "case": {"period_start": "2026-10-01", "period_end": "2026-10-31"},
    }  # fmt: skip


# --- several rows -------------------------------------------------------------------------------


def test_the_same_employee_and_pay_day_twice_is_a_duplicate() -> None:
    given = [row(), row(ndr_due="1.00", amount_deducted="1.00"), row(pay_date="2026-10-31")]
    given[2] |= {"pay_frequency": "W", "period_end": "2026-10-07"}
    assert told(read_csv(csv_of(given))) == [(3, "employee_cm_ref", "DUPLICATE_ROW")]
    assert told(read_xml(xml_of(given))) == [(2, "EmployeeCMRef", "DUPLICATE_ROW")]


def test_another_frequency_does_not_make_the_same_pay_day_another() -> None:
    given = [row(), row(pay_frequency="W", period_end="2026-10-07")]
    assert told(read_csv(csv_of(given))) == [(3, "employee_cm_ref", "DUPLICATE_ROW")]


def test_a_row_with_errors_of_its_own_is_nobodys_duplicate() -> None:
    given = [row(nino="wrong"), row()]
    assert told(read_csv(csv_of(given))) == [(2, "nino", "NINO_NOT_VALID")]


@pytest.mark.parametrize(
    ("count", "total", "code"),
    [
        ("2", "300.00", None),
        (" 2 ", " 300 ", None),
        ("1", "300.00", "CONTROL_TOTAL_MISMATCH"),
        ("3", "300.00", "CONTROL_TOTAL_MISMATCH"),
        ("2", "299.99", "CONTROL_TOTAL_MISMATCH"),
        ("2", "300.01", "CONTROL_TOTAL_MISMATCH"),
        ("2", "£300.00", None),
        ("two", "300.00", "CONTROL_TOTAL_MISMATCH"),
        ("", "300.00", "CONTROL_TOTAL_MISSING"),
        ("2", " ", "CONTROL_TOTAL_MISSING"),
    ],
)
def test_the_control_totals_are_those_of_all_rows(count: str, total: str, code: str | None) -> None:
    content = csv_of(rows(2)).replace("TOTAL,2,300.00", f"TOTAL,{count},{total}")
    if code is None:
        assert len(records(read_csv(content))) == 2
        return
    with pytest.raises(Refused) as refused:
        read_csv(content)
    assert refused.value.reason is Reason.FILE_RULE
    assert code_of(refused.value) == code


def test_the_totals_may_be_of_more_than_any_one_row_could_have() -> None:
    given = rows(3, ndr_due="999999999.99", amount_deducted="999999999.99")
    assert len(records(read_csv(csv_of(given, total="2999999999.97")))) == 3


def test_refused_rows_count_in_the_totals_and_unreadable_amounts_may_be_anything() -> None:
    given = [*rows(2), row(employee_cm_ref="x"), row(amount_deducted="?")]
    items = read_csv(csv_of(given, total="460.00"))
    assert len(records(items)) == 2
    with pytest.raises(Refused):
        read_csv(csv_of(given, total="449.99"))


def test_a_schedule_without_totals_is_refused() -> None:
    content = csv_of(rows(1)).rsplit("TOTAL", 1)[0]
    with pytest.raises(Refused) as refused:
        read_csv(content)
    assert code_of(refused.value) == "CONTROL_TOTAL_MISSING"


@pytest.mark.parametrize("total", ["0.00", "0"])
def test_a_nil_schedule_is_a_nil_return(total: str) -> None:
    for items in (read_csv(csv_of([], total=total)), read_xml(xml_of([], total=total))):
        (record,) = items
        assert isinstance(record, NilReturn)
        assert record.answer.code == "NOTHING_DEDUCTED"
    with pytest.raises(Refused):
        read_csv(csv_of([], total="0.01"))


def test_frequencies_may_be_mixed_but_periods_of_one_may_not_be_merged() -> None:
    weekly = {"pay_frequency": "W", "period_start": "2026-10-05", "period_end": "2026-10-11"}
    given = rows(3)
    given[1] |= weekly
    assert len(records(read_csv(csv_of(given)))) == 3
    given[2] |= weekly | {"period_start": "2026-10-12", "period_end": "2026-10-18"}
    for reader, content in ((read_csv, csv_of(given)), (read_xml, xml_of(given))):
        with pytest.raises(Refused) as refused:
            reader(content)
        assert code_of(refused.value) == "FILE_MERGES_PERIODS"


def test_two_pay_days_of_one_period_are_not_two_periods() -> None:
    given = rows(2)
    given[1]["pay_date"] = "2026-10-29"
    assert len(records(read_csv(csv_of(given)))) == 2


@pytest.mark.parametrize(
    "change",
    [{"nino": "wrong"}, {"employer_ref": "E9", "surname": ""}, {"period_end": "2026-09-27"}],
)
def test_rows_with_errors_of_their_own_do_not_merge_periods_or_mix_employers(
    change: dict[str, str],
) -> None:
    given = rows(2)
    given[1] |= {"period_start": "2026-09-01", "period_end": "2026-09-30"} | change
    items = read_csv(csv_of(given))
    assert len(records(items)) == 1
    assert {error.row for error in errors(items)} == {3}


def test_several_employers_are_refused() -> None:
    given = rows(2)
    given[1]["employer_ref"] = "E7654321"
    with pytest.raises(Refused) as refused:
        read_csv(csv_of(given))
    assert code_of(refused.value) == "FILE_MIXES_EMPLOYERS"


def test_there_is_an_end_to_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    given = rows(4)
    for number, one in enumerate(given):
        one["pay_date"] = f"2026-10-{number + 1:02d}"
    monkeypatch.setattr(schedule_module, "PERIODS", 4)
    assert len(records(read_csv(csv_of(given)))) == 4
    monkeypatch.setattr(schedule_module, "PERIODS", 3)
    with pytest.raises(Refused):
        read_csv(csv_of(given))
    wrong = rows(4)
    for number, one in enumerate(wrong):
        one["pay_date"] = f"day {number}"
    assert len(errors(read_csv(csv_of(wrong)))) == 4


# --- the law, by date ---------------------------------------------------------------------------


def at(year: int, month: int, day: int, hour: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, tzinfo=dt.UTC)


def test_late_is_after_the_19th_of_the_month_after_the_deduction() -> None:
    content = csv_of([row()])
    assert notes(read_csv(content, at(2026, 11, 19, 23))) == []
    (late,) = notes(read_csv(content, at(2026, 11, 20)))
    assert late.code == "RECEIVED_LATE"
    assert "2026-11-19" in late.message


def test_the_earliest_pay_day_accepted_decides() -> None:
    given = rows(3)
    given[1]["pay_date"] = "2026-09-30"
    given[2] |= {"pay_date": "2026-08-30", "nino": "wrong"}
    (late,) = notes(read_csv(csv_of(given)))
    assert "2026-10-19" in late.message
    (december,) = notes(read_csv(csv_of([row(pay_date="2025-12-31")])))
    assert "2026-01-19" in december.message


def test_the_last_day_of_the_calendar_has_no_deadline() -> None:
    assert notes(read_csv(csv_of([row(pay_date="9999-12-31")]))) == []


def test_before_there_was_a_law_no_charge_was_allowed() -> None:
    assert schedule_law().charge_limit_pence(dt.date(1993, 4, 5)) == 100
    assert schedule_law().charge_limit_pence(dt.date(1993, 4, 4)) == 0
    assert schedule_law().due_to_be_paid(dt.date(1993, 4, 4)) is None
    early = {"period_start": "1993-03-05", "period_end": "1993-04-04"}
    assert faults(**early, pay_date="1993-04-05", admin_charge="1.00") == []
    assert faults(**early, pay_date="1993-04-04", admin_charge="0.01") == [
        ("admin_charge", "CHARGE_TOO_HIGH"),
    ]


def test_a_new_number_in_the_table_counts_from_its_day() -> None:
    law = law_of(
        "frequency = []\nreason = []\nday = []\n"
        "limit = [{name = 'admin_charge', pence = 200, in_force = 2027-04-06},"
        " {name = 'admin_charge', pence = 100, in_force = 1993-04-05}]",
    )
    assert law.charge_limit_pence(dt.date(2027, 4, 5)) == 100
    assert law.charge_limit_pence(dt.date(2027, 4, 6)) == 200


def test_the_sample_reads_whole() -> None:
    items = read_csv((SAMPLES / "schedule.csv").read_bytes())
    assert len(records(items)) == len(items) == 3
    assert unnumbered(read_xml((SAMPLES / "schedule.xml").read_bytes())) == unnumbered(items)
