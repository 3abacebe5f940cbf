"""The elements of a Full Payment Submission: what each may hold, and which field it becomes.

An element is read into a typed value, or breaks its rule; the value is never told. One that is
known and not kept stands in the tables with no field; one that stands in no table is counted, since
every tax year adds a few. Sources: HMRC's FPS schemas from 13-14 on, and its RTI data items guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lxml import etree

from adapters.syntax.hmrc_codes import FREQUENCIES
from adapters.syntax.one_line import is_line
from adapters.syntax.values import TEXT_CHARS, day_of, pence_of
from gateway.core import identifiers, rules
from gateway.core.rules import Rule

MONEY_NOT_VALID: Final = Rule(
    "MONEY_NOT_VALID",
    "The amount is not pounds and pence.",
    "Write pounds, a point and two digits of pence, as in 1234.50 or -12.05.",
)
NUMBER_NOT_VALID: Final = Rule(
    "NUMBER_NOT_VALID",
    "The number is not a whole number from 1 to 99.",
    "Write it in digits, without a sign.",
)
ELEMENT_REPEATED: Final = Rule(
    "ELEMENT_REPEATED",
    "The element stands twice where there may be one.",
    "Send it once, as HMRC's schema has it.",
)
ELEMENT_NOT_PLAIN: Final = Rule(
    "ELEMENT_NOT_PLAIN",
    "The element holds other elements, where it should hold a value.",
    "Send it as HMRC's schema has it.",
)

# HMRC's amounts have up to eleven digits of pounds; ten billion pounds is more than anybody's pay.
_POUND_DIGITS: Final = 10
_NUMBER: Final = re.compile(r"[1-9][0-9]?", re.ASCII)
_TAX_CODE: Final = re.compile(r"[A-Z0-9]{1,7}", re.ASCII)

# Names of elements that are counted as not known: more say no more.
UNKNOWN_COUNTED: Final = 100

# What a row broke: the element and the rule.
Broken = list[tuple[str, Rule]]


class Kept(NamedTuple):
    """What becomes of an element's text: a field, read so; a ValueError breaks the rule."""

    field: str
    read: Callable[[str], Any]
    rule: Rule


def signed_pence(text: str) -> int:
    """Pence of pounds and pence, which may be below nought; raises ValueError."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    pence = pence_of(digits, _POUND_DIGITS)
    if pence is None:
        raise ValueError("not an amount")
    return sign * pence


def _line(text: str) -> str:
    if not is_line(text, TEXT_CHARS):
        raise ValueError("not a line of text")
    return text


def _day(text: str) -> Any:
    found = day_of(text)
    if found is None:
        raise ValueError("not a day")
    return found


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("not yes")
    return True


def _one_of(codes: Mapping[str, Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text not in codes:
            raise ValueError("not in the list")
        return codes[text]

    return read


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("not a number")
    return int(text)


def _tax_code(text: str) -> str:
    if _TAX_CODE.fullmatch(text) is None:
        raise ValueError("not a tax code")
    return text


def _letters(letters: str) -> Callable[[str], Any]:
    return _one_of({letter: letter for letter in letters})


def _money(field: str) -> Kept:
    return Kept(field, signed_pence, MONEY_NOT_VALID)


def _text(field: str) -> Kept:
    return Kept(field, _line, rules.TEXT_NOT_VALID)


def _date(field: str) -> Kept:
    return Kept(field, _day, rules.DATE_NOT_VALID)


def _flag(field: str) -> Kept:
    return Kept(field, _yes, rules.CODE_NOT_KNOWN)


def _ignored(names: str) -> dict[str, Kept | None]:
    return dict.fromkeys(names.split())


Table = dict[str, Kept | None]

DETAILS: Final[Table] = {
    "NINO": Kept("nino", identifiers.nino, rules.NINO_NOT_VALID),
    "BirthDate": _date("date_of_birth"),
    "Gender": Kept("gender", _letters("MF"), rules.CODE_NOT_KNOWN),
    "PassportNumber": _text("passport"),
    **_ignored("Name Address PartnerDetails"),
}
NAME: Final[Table] = {
    "Initials": _text("initials"),
    "Sur": _text("surname"),
    **_ignored("Ttl Fore"),
}
ADDRESS: Final[Table] = {
    "UKPostcode": Kept("postcode", identifiers.postcode, rules.POSTCODE_NOT_VALID),
    "ForeignCountry": _text("country"),
    **_ignored("Line"),
}
EMPLOYMENT: Final[Table] = {
    "OccPenInd": _flag("is_pension"),
    "PayId": _text("payroll_number"),
    "IrrEmp": _flag("is_irregular"),
    "LeavingDate": _date("leave_date"),
    "EmployeeWorkplacePostcode": Kept(
        "place_of_work", identifiers.postcode, rules.POSTCODE_NOT_VALID
    ),
    **_ignored(
        "OffPayrollWorker DirectorsNIC TaxWkOfApptOfDirector Starter PayIdChgd FiguresToDate"
        " PaymentToANonIndividual Payment NIlettersAndValues"
    ),
}
STARTER: Final[Table] = {
    "StartDate": _date("start_date"),
    **_ignored("StartDec StudentLoan PostgradLoan Seconded OccPension StatePension"),
}
TO_DATE: Final[Table] = {
    "TaxablePay": _money("taxable_to_date_pence"),
    "TotalTax": _money("tax_to_date_pence"),
    "BenefitsTaxedViaPayrollYTD": _money("benefits_in_kind_to_date_pence"),
    "EmpeePenContribnsPaidYTD": _money("pension_to_date_pence"),
    "EmpeePenContribnsNotPaidYTD": _money("pension_not_net_pay_to_date_pence"),
    **_ignored(
        "StudentLoansTD PostgradLoansTD SMPYTD OSPPYTD ASPPYTD SPPYTD SAPYTD ShPPYTD SPBPYTD SNCPYTD"
    ),
}
PAYMENT: Final[Table] = {
    "PayFreq": Kept("frequency", _one_of(FREQUENCIES), rules.CODE_NOT_KNOWN),
    "PmtDate": _date("pay_date"),
    "PeriodsCovered": Kept("periods_covered", _number, NUMBER_NOT_VALID),
    "PmtAfterLeaving": _flag("after_leaving"),
    "HoursWorked": Kept("hours_band", _letters("ABCDE"), rules.CODE_NOT_KNOWN),
    "TaxCode": Kept("tax_code", _tax_code, rules.CODE_NOT_KNOWN),
    "TaxablePay": _money("taxable_pence"),
    "NonTaxOrNICPmt": _money("not_taxed_pence"),
    "DednsFromNetPay": _money("deductions_pence"),
    "PayAfterStatDedns": _money("after_statutory_deductions_pence"),
    "BenefitsTaxedViaPayroll": _money("benefits_in_kind_pence"),
    "EmpeePenContribnsPaid": _money("pension_pence"),
    "EmpeePenContribnsNotPaid": _money("pension_not_net_pay_pence"),
    "TaxDeductedOrRefunded": _money("tax_pence"),
    **_ignored(
        "BacsHashCode LateReason WeekNo MonthNo AggregatedEarnings Benefits ItemsSubjectToClass1NIC"
        " StudentLoanRecovered PostgradLoanRecovered OnStrike UnpaidAbsence SMPYTD"
        " TrivialCommutationPayment FlexibleDrawdown"
    ),
}
NATIONAL_INSURANCE: Final[Table] = {
    "GrossEarningsForNICsInPd": _money("gross"),
    "EmpeeContribnsInPd": _money("contribution"),
    **_ignored(
        "NIletter SCON GrossEarningsForNICsYTD AtLELYTD LELtoPTYTD PTtoUAPYTD UAPtoUELYTD"
        " PTtoUELYTD TotalEmpNICInPd TotalEmpNICYTD EmpeeContribnsYTD"
    ),
}

# Those that may stand more than once; none is read by the tables.
_MANY: Final = frozenset(
    [
        "Fore",
        "Line",
        "Employment",
        "NIlettersAndValues",
        "StudentLoanRecovered",
        "TrivialCommutationPayment",
    ]
)


def read(
    element: etree._Element | None, table: Table, prefix: str, broken: Broken, unknown: set[str]
) -> dict[str, Any]:
    """The fields of an element's children; what is wrong goes to `broken`.

    `prefix` is the namespace in braces; names that the table does not have are added to `unknown`.
    An element left out and an empty one are the same.
    """
    fields: dict[str, Any] = {}
    seen: set[str] = set()
    for child in element if element is not None else ():
        tag: str = child.tag
        name = tag[len(prefix) :] if tag.startswith(prefix) else ""
        if name not in table:
            if len(unknown) < UNKNOWN_COUNTED:
                unknown.add(tag)
            continue
        if name in seen and name not in _MANY:
            broken.append((name, ELEMENT_REPEATED))
        seen.add(name)
        kept = table[name]
        if kept is None:
            continue
        if len(child):
            broken.append((name, ELEMENT_NOT_PLAIN))
            continue
        text = (child.text or "").strip()
        if not text:
            continue
        try:
            fields[kept.field] = kept.read(text)
        except ValueError:
            broken.append((name, kept.rule))
    return fields
