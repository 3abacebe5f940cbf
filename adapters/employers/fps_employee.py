"""One Employee of a Full Payment Submission: what is yielded for each of their employments.

| Employment | Records |
|---|---|
| any but a pension | `earnings`, and `employment` |
| with OccPenInd | `pension`, and `address`: who pays a pension is no employer |

Both have the row of the employment, which is its running number in the file. A row with anything
wrong gives errors and no record. Of NI letters the sums over all letters are kept. PartnerDetails
are somebody else's and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from lxml import etree

from adapters.employers import fps_elements as elements
from adapters.employers.fps_elements import Broken
from adapters.syntax.one_line import is_line
from adapters.syntax.values import TEXT_CHARS
from gateway.core import rules
from gateway.core.groups.group import PENCE_MOST
from gateway.core.groups.money import Pension
from gateway.core.groups.person import Identifier, Where, Who
from gateway.core.groups.work import Pay, Work
from gateway.core.record import Item
from gateway.core.records import Address, Earnings, Employment, PensionRecord
from gateway.core.rules import Rule

PASSPORT: Final = "PASSPORT"

LEFT_BEFORE_START: Final = Rule(
    "LEFT_BEFORE_START",
    "The leaving date is before the start date.",
    "Check both dates.",
)
PENSION_BELOW_NOUGHT: Final = Rule(
    "PENSION_BELOW_NOUGHT",
    "A pension in payment cannot be below nought.",
    "Send a correction of an earlier payment as HMRC asks for it, and leave it out here.",
)

# What Pay takes as it was read; the rest of an employment and its parts goes elsewhere.
_OF_WORK: Final = frozenset({"payroll_number", "leave_date", "place_of_work"})
_BLANK_PAY: Final = Pay()


class Frame(NamedTuple):
    """What the employees of one file share: the namespace in braces, the employer, the year.

    `unknown` gathers the names of elements that no table has.
    """

    prefix: str
    office: str
    reference: str
    tax_year: str
    unknown: set[str]

    def find(self, parent: etree._Element, name: str) -> etree._Element | None:
        """The first child of this name."""
        return parent.find(self.prefix + name)

    def texts(self, parent: etree._Element, name: str, broken: Broken) -> list[str]:
        """The texts of the children of this name that have any, each on one line."""
        found = [(child.text or "").strip() for child in parent.iterfind(self.prefix + name)]
        if not all(is_line(text, TEXT_CHARS) for text in found):
            broken.append((name, rules.TEXT_NOT_VALID))
        return [text for text in found if text]

    def read(
        self, element: etree._Element | None, table: elements.Table, broken: Broken
    ) -> dict[str, Any]:
        """The fields of an element's children."""
        return elements.read(element, table, self.prefix, broken, self.unknown)


def items_of(employee: etree._Element, frame: Frame, row: int) -> Iterator[tuple[int, list[Item]]]:
    """Each employment's row and items; the first has the row given."""
    shared: Broken = []
    frame.read(employee, {"EmployeeDetails": None, "Employment": None}, shared)
    details = frame.find(employee, "EmployeeDetails")
    who, where = _who(details, frame, shared), _where(details, frame, shared)
    if frame.find(employee, "Employment") is None:
        yield row, [rules.VALUE_MISSING.broken(row, "Employment")]
    for number, employment in enumerate(employee.iterfind(frame.prefix + "Employment"), row):
        yield number, list(_employment(number, employment, who, where, frame, shared))


def _who(details: etree._Element | None, frame: Frame, broken: Broken) -> Who:
    fields = frame.read(details, elements.DETAILS, broken)
    name = None if details is None else frame.find(details, "Name")
    names = frame.read(name, elements.NAME, broken)
    forenames = [] if name is None else frame.texts(name, "Fore", broken)
    if "surname" not in names and all(name != "Sur" for name, _ in broken):
        broken.append(("Sur", rules.VALUE_MISSING))
    passport = fields.get("passport")
    return Who(
        surname=names.get("surname"),
        forenames=" ".join(forenames) or names.get("initials"),
        date_of_birth=fields.get("date_of_birth"),
        gender=fields.get("gender"),
        nino=fields.get("nino"),
        identifiers=(Identifier(scheme=PASSPORT, value=passport),) if passport else (),
    )


def _where(details: etree._Element | None, frame: Frame, broken: Broken) -> Where | None:
    address = None if details is None else frame.find(details, "Address")
    if address is None:
        return None
    fields = frame.read(address, elements.ADDRESS, broken)
    where = Where(lines=tuple(frame.texts(address, "Line", broken)), **fields)
    return None if where == Where() else where


def _employment(
    row: int,
    employment: etree._Element,
    who: Who,
    where: Where | None,
    frame: Frame,
    shared: Broken,
) -> Iterator[Item]:
    """The records of one employment, or its errors."""
    broken: Broken = [*shared]
    fields = frame.read(employment, elements.EMPLOYMENT, broken)
    starter = frame.read(frame.find(employment, "Starter"), elements.STARTER, broken)
    pay = _pay(employment, fields, frame, broken)
    start, leave = starter.get("start_date"), fields.get("leave_date")
    if start is not None and leave is not None and leave < start:
        broken.append(("LeavingDate", LEFT_BEFORE_START))
    is_pension = "is_pension" in fields
    if is_pension and (pay.taxable_pence or 0) < 0:
        broken.append(("TaxablePay", PENSION_BELOW_NOUGHT))
    if broken:
        yield from (rule.broken(row, field) for field, rule in dict.fromkeys(broken))
        return
    who = _with_payroll(who, fields.get("payroll_number"))
    if is_pension:
        yield PensionRecord(
            row=row,
            who=who,
            pension=Pension(
                scheme_kind="occupational",
                reference=fields.get("payroll_number"),
                in_payment=leave is None,
                started=start,
                ended=leave,
                frequency=pay.frequency,
                gross_pence=pay.taxable_pence,
            ),
            where=where,
        )
        if where is not None:
            yield Address(row=row, who=who, where=where)
        return
    work = Work(
        paye_office=frame.office,
        paye_reference=frame.reference,
        start_date=start,
        leave_date=leave,
        place_of_work=fields.get("place_of_work"),
    )
    if pay is not _BLANK_PAY:
        yield Earnings(row=row, who=who, work=work, pay=pay)
    yield Employment(row=row, who=who, work=work, where=where)


def _pay(
    employment: etree._Element, fields: Mapping[str, Any], frame: Frame, broken: Broken
) -> Pay:
    """What was earned in the period and the year, or a blank one where no figures stand."""
    payment = frame.find(employment, "Payment")
    to_date = frame.find(employment, "FiguresToDate")
    if payment is None and to_date is None:
        return _BLANK_PAY
    paid = frame.read(payment, elements.PAYMENT, broken)
    figures = frame.read(to_date, elements.TO_DATE, broken)
    sums: dict[str, int] = {}
    for letter in employment.iterfind(frame.prefix + "NIlettersAndValues"):
        for field, pence in frame.read(letter, elements.NATIONAL_INSURANCE, broken).items():
            sums[field] = sums.get(field, 0) + pence
    if any(abs(pence) > PENCE_MOST for pence in sums.values()):
        broken.append(("NIlettersAndValues", elements.MONEY_NOT_VALID))
    regime = None if payment is None else frame.find(payment, "TaxCode")
    if regime is not None and "tax_code" in paid and regime.get("TaxRegime") in {"S", "C"}:
        paid["tax_code"] = f"{regime.get('TaxRegime')}{paid['tax_code']}"
    return Pay(
        tax_year=frame.tax_year,
        national_insurance_pence=sums.get("contribution"),
        gross_for_national_insurance_pence=sums.get("gross"),
        **{name: value for name, value in fields.items() if name not in _OF_WORK},
        **paid,
        **figures,
    )


def _with_payroll(who: Who, number: str | None) -> Who:
    if number is None:
        return who
    return Who(
        surname=who.surname,
        forenames=who.forenames,
        date_of_birth=who.date_of_birth,
        gender=who.gender,
        nino=who.nino,
        identifiers=who.identifiers,
        payroll_number=number,
    )
