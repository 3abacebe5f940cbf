"""The members of HMRC's real-time-income messages: what each may hold, and how it is read.

A member is read from its JSON value into a typed one, or breaks its rule; the value is never told.
They are HMRC's schemas v1.0 of the real-time-income-information API, with every pattern anchored.
A table rather than a typed struct, because a decoder would take "12.34" for an amount, and says in
words of its own, with the value in them, what it does not like.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from adapters.syntax.hmrc_codes import FREQUENCIES
from gateway.core import identifiers, rules
from gateway.core.rules import Rule

MONEY_NOT_VALID: Final = Rule(
    "MONEY_NOT_VALID",
    "The amount is not a number of pounds and pence, or is beyond the limits of its member.",
    "Write a JSON number with at most two decimals, as in 1234.50 or -12.05.",
)
NUMBER_NOT_VALID: Final = Rule(
    "NUMBER_NOT_VALID",
    "The number is not a whole number within the limits of its member.",
    "Write a JSON number without quotes, as the source's schema has it.",
)
CODE_NOT_KNOWN: Final = Rule(
    "CODE_NOT_KNOWN",
    "The code is not one that the source's schema lists for this member.",
    "Send the code as the source gave it; letters are in upper case.",
)
TEXT_NOT_VALID: Final = Rule(
    "TEXT_NOT_VALID",
    "The text does not have the form that the source's schema gives for this member.",
    "Send it as the source gave it, as text on one line.",
)
TAX_YEAR_NOT_VALID: Final = Rule(
    "TAX_YEAR_NOT_VALID",
    "The tax year is not two years that follow each other.",
    "Write the last two digits of each year, as in 26-27.",
)
INSTANT_NOT_VALID: Final = Rule(
    "INSTANT_NOT_VALID",
    "The date and time cannot be read.",
    "Write it as in 2026-10-31T09:30:00Z (RFC 3339).",
)

_DATE_FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
)
_YEARS_FORM: Final = re.compile(r"([0-9]{2})-([0-9]{2})")

Code = TypeVar("Code")


class Member(NamedTuple):
    """One member: the rule it may break, and its reader; breaking it is a ValueError or TypeError."""

    rule: Rule
    read: Callable[[Any], Any]


def _text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _matched(value: Any, pattern: re.Pattern[str]) -> re.Match[str]:
    found = pattern.fullmatch(_text_of(value))
    if found is None:
        raise ValueError("another form")
    return found


def _ratio(value: Any) -> tuple[int, int]:
    """A number as numerator and denominator: exact, whatever the context of Decimal is."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError("not a number")
    return value.as_integer_ratio()


def _text(pattern: str) -> Member:
    form = re.compile(pattern)

    def read(value: Any) -> str:
        text = _matched(value, form)[0]
        if not text.isprintable():
            raise ValueError("control characters")
        return text.strip()

    return Member(TEXT_NOT_VALID, read)


def _coded(codes: Mapping[str, Code]) -> Member:
    def read(value: Any) -> Code:
        text = _text_of(value)
        if text not in codes:
            raise ValueError("not in the list")
        return codes[text]

    return Member(CODE_NOT_KNOWN, read)


def _code(*codes: str) -> Member:
    return _coded({code: code for code in codes})


def _money(least_pence: int, most_pence: int, step_pence: int = 1) -> Member:
    def read(value: Any) -> int:
        pounds, parts = _ratio(value)
        pence, rest = divmod(pounds * 100, parts)
        if rest or pence % step_pence or not least_pence <= pence <= most_pence:
            raise ValueError("beyond the limits")
        return pence

    return Member(MONEY_NOT_VALID, read)


def _whole(least: int, most: int) -> Member:
    def read(value: Any) -> int:
        number, parts = _ratio(value)
        if parts != 1 or not least <= number <= most:
            raise ValueError("beyond the limits")
        return number

    return Member(NUMBER_NOT_VALID, read)


def _read_date(value: Any) -> dt.date:
    return dt.date.fromisoformat(_matched(value, _DATE_FORM)[0])


def _read_instant(value: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(_matched(value, _INSTANT_FORM)[0].upper())


def _read_tax_year(value: Any) -> str:
    years = _matched(value, _YEARS_FORM)
    if (int(years[1]) + 1) % 100 != int(years[2]):
        raise ValueError("not consecutive")
    return f"20{years[0]}"


def _read_nino(value: Any) -> str:
    return identifiers.nino(_text_of(value))


_YES: Final = _coded({"Y": True})
_YES_NO: Final = _code("Y", "N")
_GENDER: Final = _code("M", "F")
_DATE: Final = Member(rules.DATE_NOT_VALID, _read_date)
_INSTANT: Final = Member(INSTANT_NOT_VALID, _read_instant)
_TAX_YEAR: Final = Member(TAX_YEAR_NOT_VALID, _read_tax_year)
_NINO: Final = Member(rules.NINO_NOT_VALID, _read_nino)
_NAME: Final = _text(r"[A-Za-z][A-Za-z '-]{0,34}")
_INITIALS: Final = _text(r"[A-Za-z][A-Za-z ]{0,4}")
_ASKED_NAME: Final = _text(r"[A-Za-z &`\-'.^]{1,35}")
_EMPLOYER_NAME: Final = _text(r".{0,28}")
_WEEK: Final = _whole(1, 56)
# The names of the schema's amounts count the digits of pounds and pence together.
_MONEY_11: Final = _money(-999_999_999_99, 999_999_999_99)
_MONEY_12: Final = _money(-9_999_999_999_99, 9_999_999_999_99)
_MONEY_POSITIVE: Final = _money(0, 999_999_999_99)
_MONEY_POSITIVE_8: Final = _money(0, 999_999_99)
_POUNDS_7: Final = _money(-99_999_00, 99_999_00, step_pence=100)
# Scotland's and Wales's codes, which begin with S and C, are newer than the schema.
_TAX_CODE: Final = _text(
    r"[SC]?(?:[1-9][0-9]{0,5}[LMNPTY]|BR|0T|NT|FT|D[0-8]|K[1-9][0-9]{0,5})",
)

PAYMENT: Final[dict[str, Member]] = {
    "taxYear": _TAX_YEAR,
    "taxYearIndicator": _code("P", "C"),
    "hmrcOfficeNumber": _text(r"(?!000)[0-9]{3}"),
    "employerPayeRef": _text(r"[^ ].{1,9}"),
    "employerName1": _text(r".{1,28}"),
    "employerName2": _EMPLOYER_NAME,
    "employerTradeName1": _EMPLOYER_NAME,
    "employerTradeName2": _EMPLOYER_NAME,
    "nationalInsuranceNumber": _NINO,
    "surname": _NAME,
    "forename": _NAME,
    "secondForename": _NAME,
    "initials": _INITIALS,
    "dateOfBirth": _DATE,
    "gender": _GENDER,
    "uniqueEmploymentSequenceNumber": _whole(1, 9_999),
    "payrollId": _text(r"[^ ].{0,34}"),
    "employmentStartDate": _DATE,
    "employmentEndDate": _DATE,
    "taxablePayInPeriod": _MONEY_11,
    "paymentsNotSubjectToTaxOrNICS": _MONEY_11,
    "valueOfDeductions": _MONEY_11,
    "payAfterStatutoryDeductions": _MONEY_11,
    "benefitsTaxedViaPayroll": _MONEY_11,
    "employeePensionContributions": _MONEY_11,
    "itemsSubjectToClass1NIC": _MONEY_11,
    "employeePensionContributionsNotPaid": _MONEY_11,
    "taxDeductedOrRefunded": _MONEY_12,
    "grossEarningsForNICs": _MONEY_11,
    "employeesContributionsInPeriod": _MONEY_12,
    "taxablePayToDate": _MONEY_11,
    "totalTaxToDate": _MONEY_12,
    "employeesContributionsYearToDate": _MONEY_12,
    "numberOfNormalHoursWorked": _code(*"ABCDE"),
    "payFrequency": _coded(FREQUENCIES),
    "paymentDate": _DATE,
    "weeklyPeriodNumber": _WEEK,
    "monthlyPeriodNumber": _whole(1, 12),
    "earningsPeriodsCovered": _whole(1, 99),
    "paymentAfterLeaving": _YES,
    "irregularPayment": _YES,
    "uniquePaymentId": _whole(1, (1 << 63) - 1),
    "paymentConfidenceStatus": _code(*"12345"),
    "occPenIndicator": _YES,
    "onStrikeWithinPayPeriod": _YES,
    "unpaidAbsencePayPeriod": _YES,
    "benefitsTaxedYeartoDate": _MONEY_11,
    "pensionContributionsYearToDate": _MONEY_11,
    "pensionContributionsNotPaidYeartoDate": _MONEY_11,
    "taxCode": _TAX_CODE,
    "multipleIPSIndicator": _YES_NO,
    "bacsPaymentAmount": _whole(0, 99_999_999_999),
    "statutoryMaternityPayYeartoDate": _MONEY_POSITIVE_8,
    "niLetter": _text(r"[A-EG-RTV-Z]"),
    "directorsNIC": _code("AN", "AL"),
    "latePayeReportingReason": _code(*"ABCDEFGH"),
    "schemeExemptFromElectronicFiling": _YES_NO,
    "flexiblyAccessingPensionRights": _YES,
    "pensionsDeathBenefit": _YES,
    "flexibleDrawdownTaxablePayment": _MONEY_11,
    "flexibleDrawdownNonTaxablePayment": _MONEY_11,
    "taxRegime": _code("S"),
    "annualAmountOfOccupationalPension": _MONEY_POSITIVE,
    "taxCodeBasisisNonCumulative": _YES,
    "statutoryPaternityPayYearToDate": _MONEY_POSITIVE_8,
    "valueofStatutoryAdoptionPayYearToDate": _MONEY_POSITIVE_8,
    "sharedParentalPayYearToDate": _MONEY_POSITIVE_8,
    "partnerSurnameOrFamilyName": _NAME,
    "partnerForenameOrGivenName": _NAME,
    "partnerInitials": _INITIALS,
    "partnerSecondForename": _NAME,
    "partnerNINO": _NINO,
    "grossEarningsForNICsYearToDate": _MONEY_POSITIVE,
    "taxWeekNumberOfAppointmentOfDirector": _WEEK,
    "totalEmployerNIContributionsInPeriod": _MONEY_11,
    "trivialCommutationPaymentTypeA": _POUNDS_7,
    "trivialCommutationPaymentTypeB": _POUNDS_7,
    "trivialCommutationPaymentTypeC": _POUNDS_7,
    "seriousillHealthLumpSum": _YES,
    "hmrcReceiptTimestamp": _INSTANT,
    "rtiReceivedDate": _DATE,
    "apiAvailableTimestamp": _INSTANT,
    "paymentNoLongerValid": _DATE,
}


def _read_asked(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    asked = tuple(_text_of(name) for name in value)
    if not asked or len(set(asked)) != len(asked) or not set(asked) <= PAYMENT.keys():
        raise ValueError("not in the list")
    return asked


QUESTION: Final[dict[str, Member]] = {
    "nino": _NINO,
    "serviceName": _text(r".{1,140}"),
    "fromDate": _DATE,
    "toDate": _DATE,
    "surname": _ASKED_NAME,
    "firstName": _ASKED_NAME,
    "middleName": _ASKED_NAME,
    "gender": _GENDER,
    "initials": _ASKED_NAME,
    "dateOfBirth": _DATE,
    "filterFields": Member(CODE_NOT_KNOWN, _read_asked),
}
QUESTION_NEEDS: Final = ("nino", "serviceName", "fromDate", "toDate", "surname", "filterFields")
