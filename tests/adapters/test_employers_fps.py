"""Full Payment Submissions: what is read from them, what a row breaks, what refuses the file."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.employers import fps_elements, fps_employee
from adapters.employers.fps import FPS
from adapters.syntax.hmrc_codes import FREQUENCIES
from gateway.core.adapter import ReadContext
from gateway.core.groups.person import Identifier, Where, Who
from gateway.core.groups.work import Pay, Work
from gateway.core.record import RowError
from gateway.core.records import Address, Earnings, Employment, PensionRecord
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule
from gateway.core.stages import MemoryBody
from tests.adapters.damage import overwritten
from tests.adapters.fps_messages import (
    DETAILS,
    EMPLOYEE,
    HEADER,
    KEYS,
    MARK,
    NOW,
    PAID,
    body_of,
    fps,
    notes,
    part,
    read,
    records,
    told,
)
from tests.adapters.schedule_files import survives
from tests.conftest import SAMPLES

SAMPLE = (SAMPLES / "fps.xml").read_bytes()


def changed(old: str, new: str) -> str:
    """The plain message with one change, which is there to be made."""
    content = fps()
    assert old in content
    return content.replace(old, new, 1)


def refusal(content: str | bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read(content)
    assert MARK not in str(refused.value)
    return refused.value


# --- what is read -------------------------------------------------------------------------------


def test_the_sample_gives_pay_and_employment_of_each_row() -> None:
    paid, employed, left_paid, left = records(read(SAMPLE))
    assert [type(one) for one in (paid, employed, left_paid, left)] == [
        Earnings, Employment, Earnings, Employment,
    ]  # fmt: skip
    assert [one.row for one in (paid, employed, left_paid, left)] == [1, 1, 2, 2]
    assert isinstance(paid, Earnings)
    assert paid.pay == Pay(
        frequency="monthly", tax_year="2026-27", pay_date=dt.date(2026, 10, 30), periods_covered=1,
        taxable_pence=145000, taxable_to_date_pence=435000, tax_pence=8020,
        tax_to_date_pence=24040, national_insurance_pence=3796,
        gross_for_national_insurance_pence=152250, pension_pence=7250,
        pension_to_date_pence=21750, deductions_pence=15000,
        after_statutory_deductions_pence=133784, hours_band="D", tax_code="1257L",
    )  # fmt: skip
    assert paid.work == Work(
        paye_office="123", paye_reference="EX456", start_date=dt.date(2026, 8, 3)
    )
    assert paid.who == Who(
        surname="Sample", forenames="Alex", date_of_birth=dt.date(1988, 2, 29), gender="F",
        nino="AA000001A", payroll_number="BAKE-0017",
    )  # fmt: skip
    assert isinstance(employed, Employment)
    assert employed.where == Where(lines=("12 Example Street", "Exampleton"), postcode="YY9 9YY")


def test_a_leaver_has_a_leave_date_and_a_refund_is_below_nought() -> None:
    _, _, paid, left = records(read(SAMPLE))
    assert isinstance(left, Employment)
    assert left.work.leave_date == dt.date(2026, 10, 16)
    assert isinstance(paid, Earnings)
    assert (paid.pay.tax_pence, paid.pay.after_leaving, paid.pay.tax_code) == (-1205, True, "C0T")
    assert left.where is not None
    assert left.where.country == "Ireland"


def test_two_employments_are_two_rows_of_one_person() -> None:
    two = EMPLOYEE.replace(
        "</Employee>", f"<Employment><PayId>18</PayId>{PAID}</Employment></Employee>"
    )
    items = records(read(fps(two, EMPLOYEE)))
    assert [(one.row, one.who.payroll_number) for one in items if isinstance(one, Earnings)] == [
        (1, "17"), (2, "18"), (3, "17"),
    ]  # fmt: skip


def test_national_insurance_is_the_sum_of_all_letters() -> None:
    letters = "".join(
        part(
            "NIlettersAndValues",
            NIletter=letter,
            GrossEarningsForNICsInPd=gross,
            EmpeeContribnsInPd=paid,
        )
        for letter, gross, paid in (("A", "100.10", "8.01"), ("B", "-0.05", "-0.01"))
    )
    (paid, _) = records(read(fps(EMPLOYEE.replace(PAID, PAID + letters))))
    assert isinstance(paid, Earnings)
    assert paid.pay.gross_for_national_insurance_pence == 10005
    assert paid.pay.national_insurance_pence == 800


def test_an_occupational_pension_is_a_pension_and_an_address() -> None:
    home = "<Address><Line>1 Road</Line></Address></EmployeeDetails>"
    pensioner = EMPLOYEE.replace("<PayId>", "<OccPenInd>yes</OccPenInd><PayId>")
    pension, address = records(read(fps(pensioner.replace("</EmployeeDetails>", home))))
    assert isinstance(pension, PensionRecord)
    assert (pension.pension.gross_pence, pension.pension.frequency) == (145000, "monthly")
    assert (pension.pension.reference, pension.pension.in_payment) == ("17", True)
    assert isinstance(address, Address)
    assert address.where.lines == ("1 Road",)
    assert {type(one) for one in records(read(fps(pensioner)))} == {PensionRecord}


def test_an_employment_without_figures_is_an_employment_only() -> None:
    (employed,) = records(read(fps(EMPLOYEE.replace(PAID, ""))))
    assert isinstance(employed, Employment)


def test_a_passport_stands_in_for_a_number() -> None:
    foreign = EMPLOYEE.replace("<NINO>AA000001A</NINO>", "<PassportNumber>X1</PassportNumber>")
    paid, _ = records(read(fps(foreign)))
    assert isinstance(paid, Earnings)
    assert paid.who.identifiers == (Identifier(scheme="PASSPORT", value="X1"),)


def test_the_partner_is_nobody_here() -> None:
    partner = (
        f"<PartnerDetails><NINO>AA000009D</NINO><Name><Sur>{MARK}</Sur></Name></PartnerDetails>"
    )
    items = read(fps(EMPLOYEE.replace("<Gender>F</Gender>", "<Gender>F</Gender>" + partner)))
    assert MARK not in repr(items)
    assert notes(items) == ["IRMARK_ABSENT"]


@pytest.mark.parametrize("year", ["13-14", "19-20", "24-25", "25-26", "26-27", "27-28"])
def test_every_tax_years_namespace_is_read_alike(year: str) -> None:
    content = fps().replace("FullPaymentSubmission/26-27/1", f"FullPaymentSubmission/{year}/2")
    content = content.replace("<RelatedTaxYear>26-27</RelatedTaxYear>", "")
    paid, _ = records(read(content))
    assert isinstance(paid, Earnings)
    assert paid.pay.tax_year == f"20{year}"


def test_elements_not_known_are_counted_in_a_note() -> None:
    later = EMPLOYEE.replace(PAID, PAID + f"<New>{MARK}</New><New2/>").replace(
        "<Gender>", "<New/><Gender>"
    )
    items = read(fps(later))
    assert notes(items) == ["IRMARK_ABSENT", "ELEMENTS_NOT_KNOWN"]
    assert "2 kinds" in repr(items)
    assert MARK not in repr(items)
    assert len(records(items)) == 2


def test_credentials_are_noted_and_never_told() -> None:
    secret = f"<Authentication><Method>clear</Method><Value>{MARK}</Value></Authentication>"
    items = read(
        changed(
            "<SenderDetails/>",
            f"<SenderDetails><IDAuthentication>{secret}</IDAuthentication></SenderDetails>",
        )
    )
    assert "CREDENTIALS_INCLUDED" in notes(items)
    assert MARK not in repr(items)
    assert "CREDENTIALS_INCLUDED" not in notes(read(fps()))


@pytest.mark.parametrize("test", ["0", "1"])
def test_a_test_for_hmrc_is_noted(test: str) -> None:
    found = notes(read(changed("</Function>", f"</Function><GatewayTest>{test}</GatewayTest>")))
    assert ("GATEWAY_TEST" in found) is (test == "1")


# --- rows ---------------------------------------------------------------------------------------

BAD_ROWS = {
    ("AA000001A", "QQ123456C"): [("NINO", "NINO_NOT_VALID")],
    ("1988-02-29", "1987-02-29"): [("BirthDate", "DATE_NOT_VALID")],
    ("<Gender>F", f"<Gender>{MARK}"): [("Gender", "CODE_NOT_KNOWN")],
    ("<Sur>Sample</Sur>", ""): [("Sur", "VALUE_MISSING")],
    ("<Sur>Sample", "<Sur>Sam\u202eple"): [("Sur", "TEXT_NOT_VALID")],
    ("<Fore>Alex", "<Fore>" + "x" * 141): [("Fore", "TEXT_NOT_VALID")],
    ("<Gender>", "<Address><UKPostcode>SW1</UKPostcode></Address><Gender>"): [("UKPostcode", "POSTCODE_NOT_VALID")],
    ("<PayFreq>M1", "<PayFreq>M2"): [("PayFreq", "CODE_NOT_KNOWN")],
    ("1450.00", "1450.001"): [("TaxablePay", "MONEY_NOT_VALID")],
    ("1450.00", "1,450.00"): [("TaxablePay", "MONEY_NOT_VALID")],
    ("1450.00", "99999999999.00"): [("TaxablePay", "MONEY_NOT_VALID")],
    ("1450.00", "\u0661.00"): [("TaxablePay", "MONEY_NOT_VALID")],
    ("</PmtDate>", "</PmtDate><PeriodsCovered>-1</PeriodsCovered>"): [("PeriodsCovered", "NUMBER_NOT_VALID")],
    ("</PmtDate>", "</PmtDate><PmtDate>2026-10-30</PmtDate>"): [("PmtDate", "ELEMENT_REPEATED")],
    ("<TaxablePay>1450.00", "<TaxablePay><b/>1450.00"): [("TaxablePay", "ELEMENT_NOT_PLAIN")],
    ("</Payment>", "</Payment><Payment/>"): [("Payment", "ELEMENT_REPEATED")],
    ("<PayId>", "<Starter><StartDate>2026-02-02</StartDate></Starter><LeavingDate>2026-02-01</LeavingDate><PayId>"): [("LeavingDate", "LEFT_BEFORE_START")],
    ("<PayId>17</PayId>" + PAID, "<OccPenInd>yes</OccPenInd>" + PAID.replace("1450", "-1450")): [("TaxablePay", "PENSION_BELOW_NOUGHT")],
    (f"<Employment><PayId>17</PayId>{PAID}</Employment>", ""): [("Employment", "VALUE_MISSING")],
}  # fmt: skip


@pytest.mark.parametrize("change", BAD_ROWS)
def test_a_bad_row_is_told_without_its_value_and_the_others_are_accepted(
    change: tuple[str, str],
) -> None:
    assert change[0] in EMPLOYEE
    items = read(fps(EMPLOYEE, EMPLOYEE.replace(*change), EMPLOYEE))
    assert told(items) == [(2, field, code) for field, code in BAD_ROWS[change]]
    assert [one.row for one in records(items)] == [1, 1, 3, 3]
    assert MARK not in repr([one for one in items if isinstance(one, RowError)])


def test_every_rule_of_rows_is_shown() -> None:
    shown = {code for expected in BAD_ROWS.values() for _, code in expected}
    own = {
        value.code
        for module in (fps_elements, fps_employee)
        for value in vars(module).values()
        if isinstance(value, Rule)
    }
    assert own <= shown


# --- whole files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("HMRC-PAYE-RTI-FPS", "HMRC-PAYE-RTI-EPS", "NOT_A_SUBMISSION"),
        ("<Qualifier>request", "<Qualifier>poll", "NOT_A_SUBMISSION"),
        ('"TaxOfficeNumber">123', '"TaxOfficeNumber">124', "PAYE_REFERENCE_MISMATCH"),
        ('"TaxOfficeReference">EX456', '"TaxOfficeReference">EX457', "PAYE_REFERENCE_MISMATCH"),
        ("<PayeRef>EX456", "<PayeRef>EX457", "PAYE_REFERENCE_MISMATCH"),
        ("<OfficeNo>123", f"<OfficeNo>{MARK}", "PAYE_REFERENCE_NOT_VALID"),
    ],
)
def test_what_spoils_the_file_refuses_it(old: str, new: str, code: str) -> None:
    found = refusal(changed(old, new))
    assert found.reason is Reason.FILE_RULE
    assert [error.code for error in found.errors] == [code]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FullPaymentSubmission/26-27/1", "FullPaymentSubmission/26-28/1"),
        ("RTI/FullPaymentSubmission/26-27/1", "RTI/EmployerPaymentSummary/26-27/1"),
        ("CM/envelope", "CM/envelope2"),
        ("<Employee>", "<Employee xmlns='urn:x'>"),
        ("<Employee>", "<x><Employee>"),
        ("<RelatedTaxYear>26-27", "<RelatedTaxYear>26-26"),
        ("<RelatedTaxYear>26-27", f"<RelatedTaxYear>{MARK}"),
        ("</EmpRefs>", "</EmpRefs><EmpRefs/>"),
        (HEADER, HEADER + HEADER),
        (HEADER, ""),
        ("<Body>", "<Body/><Body>"),
        ("<Body>", "<x><Body>"),
    ],
)
def test_another_structure_is_refused(old: str, new: str) -> None:
    content = changed(old, new)
    if new.startswith("<x>"):
        name = new[3:].replace("<", "</")
        content = content.replace(name, name + "</x>")
    assert refusal(content).reason is Reason.XML_NOT_VALID


def test_an_employee_before_the_employer_is_refused() -> None:
    refs = "<EmpRefs><OfficeNo>123</OfficeNo><PayeRef>EX456</PayeRef></EmpRefs>"
    moved = fps().replace(refs, "").replace("</Employee>", f"</Employee>{refs}")
    assert refusal(moved).reason is Reason.XML_NOT_VALID
    assert refusal(fps().replace(refs, "")).reason is Reason.XML_NOT_VALID


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (fps()[:-5], Reason.XML_NOT_WELL_FORMED),
        (fps().replace("<GovTalk", "<!DOCTYPE x><GovTalk", 1), Reason.XML_FORBIDDEN),
        (fps().replace("Sample", "&x;"), Reason.XML_NOT_WELL_FORMED),
        (fps().replace("Sample", "\x00"), Reason.XML_NOT_WELL_FORMED),
        (fps(EMPLOYEE.replace(PAID, "<d>" * 300 + "</d>" * 300)), Reason.XML_NOT_WELL_FORMED),
        (fps(EMPLOYEE.replace(PAID, "<d>" + "y" * 2_000_000 + "</d>")), Reason.XML_NOT_VALID),
        (fps().encode("utf-16"), Reason.CHARACTER_SET),
    ],
)  # fmt: skip
def test_what_is_dangerous_or_too_large_is_refused(content: str | bytes, reason: Reason) -> None:
    assert refusal(content).reason is reason


def test_keys_that_are_left_out_contradict_nothing() -> None:
    content = fps().replace(KEYS, "<Keys/>")
    assert len(records(read(content))) == 2


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(count: int) -> int:
        content = MemoryBody(fps(*[EMPLOYEE] * count).encode())
        tracemalloc.start()
        read_rows = sum(1 for _ in FPS.read(content, ReadContext(now=NOW)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read_rows == 2 * count + 1
        return top

    assert peak(2_000) < peak(100) + 200_000


# --- told apart ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (fps(), True),
        ("\ufeff" + fps(), True),
        (
            fps().replace("GovTalkMessage", "g:GovTalkMessage").replace("xmlns=", "xmlns:g=", 1),
            True,
        ),
        (
            fps().replace("FullPaymentSubmission", "EmployerPaymentSummary").replace("FPS", "EPS"),
            False,
        ),
        (fps().replace("CM/envelope", "CM/other"), False),
        (body_of(EMPLOYEE), False),
        (f"<!-- {fps()[40:400]} -->", False),
    ],
)
def test_a_submission_is_known_by_its_envelope_and_its_body(head: str, *, is_one: bool) -> None:
    assert FPS.recognises(head.encode()[:4096]) is is_one


# --- laws ---------------------------------------------------------------------------------------

POUNDS = st.integers(-(10**9), 10**9)
NAMES = st.text(
    st.characters(categories=("L", "N", "P"), exclude_characters="\u0085"), min_size=1, max_size=35
)


@given(
    NAMES, NAMES, POUNDS, POUNDS, st.sampled_from(sorted(FREQUENCIES)),
    st.dates(dt.date(1990, 1, 1)), st.none() | st.dates(dt.date(1990, 1, 1)),
)  # fmt: skip
@settings(deadline=None)
def test_what_is_written_is_read_back(
    surname: str, payroll: str, pay: int, tax: int, frequency: str, on: dt.date, left: dt.date | None
) -> None:  # fmt: skip
    details = DETAILS.replace(part("Name", Fore="Alex", Sur="Sample"), part("Name", Sur=surname))
    leaving = "" if left is None else f"<LeavingDate>{left}</LeavingDate>"
    payment = part(
        "Payment", PayFreq=frequency, PmtDate=str(on), TaxablePay=f"{Decimal(pay) / 100:.2f}",
        TaxDeductedOrRefunded=f"{Decimal(tax) / 100:.2f}",
    )  # fmt: skip
    employee = (
        f"<Employee>{details}<Employment>{part('x', PayId=payroll)[3:-4]}{leaving}{payment}"
        "</Employment></Employee>"
    )
    paid, employed = records(read(fps(employee)))
    assert isinstance(paid, Earnings)
    assert (paid.who.surname, paid.who.payroll_number) == (surname.strip(), payroll.strip())
    assert paid.pay == Pay(
        frequency=FREQUENCIES[frequency], tax_year="2026-27", pay_date=on, taxable_pence=pay,
        tax_pence=tax,
    )  # fmt: skip
    assert isinstance(employed, Employment)
    assert employed.work.leave_date == left


@given(overwritten(SAMPLE))
@settings(deadline=None)
def test_bytes_overwritten_are_read_or_refused(content: bytes) -> None:
    survives(read, content)
