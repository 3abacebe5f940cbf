"""HMRC's real-time income of a person: the messages of the real-time-income-information API v1.0.

| Message | Record |
|---|---|
| answer: taxYears | `earnings`, one for each item, which is one payment in one employment |
| answer without an item; failure NOT_FOUND or NOT_FOUND_NINO | `nil_return` |
| question: nino, serviceName, fromDate, ... | `enquiry` |
| failures, or a single code and reason | `refusal` |

A row is an item's place in its list, from 1; the first fault of an item is told, and the others are
still accepted. A failure's reason is free text, which could name a person, and is not kept.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.government.rti_members import PAYMENT, QUESTION, QUESTION_NEEDS, Member
from gateway.core import rules
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.groups.person import Answer, Case, Who
from gateway.core.groups.work import Pay, Work
from gateway.core.limits import JSON_BYTES
from gateway.core.record import Item, Note, RowError
from gateway.core.records import Earnings, Enquiry, NilReturn, RefusalRecord
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule
from gateway.core.strict_json import strict_object

MEMBER_NOT_KNOWN: Final = Rule(
    "MEMBER_NOT_KNOWN",
    "There is a member that the source's schema does not have.",
    "Write each name exactly as in the schema, and leave out what is not in it.",
)
ITEM_NOT_OBJECT: Final = Rule(
    "ITEM_NOT_OBJECT",
    "The item of the list is not a JSON object.",
    "Send each item as an object with the members of the schema.",
)
ITEM_EMPTY: Final = Rule(
    "ITEM_EMPTY",
    "The item says nothing of a person, an employment or a payment.",
    "Send the fields that were asked for, or leave the item out.",
)
ITEM_REPEATED: Final = Rule(
    "ITEM_REPEATED",
    "The same item is in the list twice.",
    "Leave one of them out; a payment that is counted twice is wrong.",
)
SOURCE_UNAVAILABLE: Final = Rule(
    "SOURCE_UNAVAILABLE",
    "The source was in trouble and did not judge the question, so this is no answer to it.",
    "Ask the source again, and send what it answers then.",
)

# Every detail that the source compared is the same: one bit for each.
_MATCHED_WHOLLY: Final = 63
_MATCHED_PARTLY: Final = Note(
    code="MATCH_PARTIAL",
    message="The source matched the person by some of the details that were given, not by all.",
)

# What a failure says, where a code of ours says the same. No reason in law is read into a technical
# code: the others are OTHER, with the source's own code beside it.
_NOTHING: Final = {"NOT_FOUND": "NOT_HELD", "NOT_FOUND_NINO": "NO_MATCH"}
_REFUSED: Final = {"INVALID_NINO": "NO_MATCH", "NON_PRIVILEGED_APPLICATION": "NOT_IN_CLASS"}
_TROUBLE: Final = frozenset({"SERVER_ERROR", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"})
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,63}")

# No person is paid as often; a list beyond it is not about one person.
ITEMS_LIMIT: Final = 10_000

_ANSWER: Final = frozenset({"matchPattern", "taxYears"})
_FAILURE: Final = frozenset({"code", "reason"})
_MEANT: Final = {name.lower(): name for name in (*PAYMENT, *QUESTION)}


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Yield the records, row errors and notes of a message.

    Refuses with what `strict_object` refuses, with JSON_NOT_VALID what is none of the messages, and
    with FILE_RULE a list that is too long.
    """
    with body.open() as stream:
        message = strict_object(stream.read())
    names = message.keys()
    if names and names <= _ANSWER:
        yield from _answer(message)
    elif names == {"failures"}:
        yield from _failures(_list(message, "failures"))
    elif "code" in names and names <= _FAILURE:
        yield _failure(1, message)
    elif names & {"serviceName", "filterFields"}:
        yield _question(message)
    else:
        raise Refused(
            Reason.JSON_NOT_VALID,
            "The body is none of the messages: an answer, a question or failures.",
        )


def _list(message: Mapping[str, Any], name: str) -> list[Any]:
    found = message[name]
    if not isinstance(found, list):
        raise Refused(Reason.JSON_NOT_VALID, f"The member {name} is not a list.")
    if not found and name == "failures":
        raise Refused(Reason.JSON_NOT_VALID, f"The member {name} is empty.")
    if len(found) > ITEMS_LIMIT:
        raise Refused(Reason.FILE_RULE, f"The member {name} has more than {ITEMS_LIMIT} items.")
    return found


def _answer(message: Mapping[str, Any]) -> Iterator[Item]:
    pattern = message.get("matchPattern", _MATCHED_WHOLLY)
    if type(pattern) is not int or not 0 <= pattern <= _MATCHED_WHOLLY:
        raise Refused(
            Reason.JSON_NOT_VALID,
            f"The member matchPattern is a whole number from 0 to {_MATCHED_WHOLLY}.",
        )
    items = _list(message, "taxYears") if "taxYears" in message else []
    if not items:
        yield NilReturn(row=1, answer=Answer(code="NOT_HELD" if pattern else "NO_MATCH"))
        return
    if pattern != _MATCHED_WHOLLY:
        yield _MATCHED_PARTLY
    seen: set[frozenset[tuple[str, Any]]] = set()
    for row, item in enumerate(items, 1):
        yield _payment(row, item, seen)


def _values(
    row: int,
    given: Any,
    members: Mapping[str, Member],
    within: str,
) -> dict[str, Any] | RowError:
    """The typed values of an object's members, or the error of the first that is wrong.

    A name that is not in the schema is not told, unless only its letter case is wrong.
    """
    if not isinstance(given, dict):
        return ITEM_NOT_OBJECT.broken(row, within)
    values: dict[str, Any] = {}
    for name, value in given.items():
        member = members.get(name)
        if member is None:
            meant = _MEANT.get(name.lower(), "")
            return MEMBER_NOT_KNOWN.broken(row, meant if meant in members else within)
        try:
            values[name] = member.read(value)
        except (TypeError, ValueError):
            return member.rule.broken(row, name)
    return values


def _payment(row: int, item: Any, seen: set[frozenset[tuple[str, Any]]]) -> Item:
    """The earnings of one item; `seen` are the items before it."""
    values = _values(row, item, PAYMENT, "taxYears")
    if isinstance(values, RowError):
        return values
    if _reversed(values, "employmentStartDate", "employmentEndDate"):
        return rules.PERIOD_REVERSED.broken(row, "employmentEndDate")
    content = frozenset(values.items())
    if content in seen:
        return ITEM_REPEATED.broken(row, "taxYears")
    seen.add(content)
    who, work, pay = _who(values), _work(values), _pay(values)
    if who == Who() and work == Work() and pay == Pay():
        return ITEM_EMPTY.broken(row, "taxYears")
    return Earnings(row=row, who=who, work=work, pay=pay)


def _reversed(values: Mapping[str, Any], first: str, last: str) -> bool:
    start: dt.date | None = values.get(first)
    end: dt.date | None = values.get(last)
    return start is not None and end is not None and end < start


def _joined(values: Mapping[str, Any], *names: str) -> str | None:
    return " ".join(values[name] for name in names if values.get(name)) or None


def _who(values: Mapping[str, Any]) -> Who:
    return Who(
        surname=values.get("surname"),
        forenames=_joined(values, "forename", "secondForename") or values.get("initials"),
        date_of_birth=values.get("dateOfBirth"),
        gender=values.get("gender"),
        nino=values.get("nationalInsuranceNumber"),
        payroll_number=values.get("payrollId"),
    )


def _work(values: Mapping[str, Any]) -> Work:
    name = _joined(values, "employerName1", "employerName2")
    trade = _joined(values, "employerTradeName1", "employerTradeName2")
    if name and trade and name != trade:
        name = f"{name} trading as {trade}"
    return Work(
        employer_name=name or trade,
        paye_office=values.get("hmrcOfficeNumber"),
        paye_reference=values.get("employerPayeRef"),
        sequence=values.get("uniqueEmploymentSequenceNumber"),
        start_date=values.get("employmentStartDate"),
        leave_date=values.get("employmentEndDate"),
    )


def _pay(values: Mapping[str, Any]) -> Pay:
    get = values.get
    payment = get("uniquePaymentId")
    return Pay(
        frequency=get("payFrequency"),
        tax_year=get("taxYear"),
        pay_date=get("paymentDate"),
        periods_covered=get("earningsPeriodsCovered"),
        taxable_pence=get("taxablePayInPeriod"),
        taxable_to_date_pence=get("taxablePayToDate"),
        tax_pence=get("taxDeductedOrRefunded"),
        tax_to_date_pence=get("totalTaxToDate"),
        national_insurance_pence=get("employeesContributionsInPeriod"),
        gross_for_national_insurance_pence=get("grossEarningsForNICs"),
        pension_pence=get("employeePensionContributions"),
        pension_to_date_pence=get("pensionContributionsYearToDate"),
        pension_not_net_pay_pence=get("employeePensionContributionsNotPaid"),
        pension_not_net_pay_to_date_pence=get("pensionContributionsNotPaidYeartoDate"),
        benefits_in_kind_pence=get("benefitsTaxedViaPayroll"),
        benefits_in_kind_to_date_pence=get("benefitsTaxedYeartoDate"),
        not_taxed_pence=get("paymentsNotSubjectToTaxOrNICS"),
        deductions_pence=get("valueOfDeductions"),
        after_statutory_deductions_pence=get("payAfterStatutoryDeductions"),
        hours_band=get("numberOfNormalHoursWorked"),
        tax_code=get("taxCode"),
        payment_id=None if payment is None else str(payment),
        is_pension=get("occPenIndicator"),
        is_irregular=get("irregularPayment"),
        after_leaving=get("paymentAfterLeaving"),
        withdrawn_date=get("paymentNoLongerValid"),
    )


def _question(message: Mapping[str, Any]) -> Item:
    values = _values(1, message, QUESTION, "body")
    if isinstance(values, RowError):
        return values
    for name in QUESTION_NEEDS:
        if name not in values:
            return rules.VALUE_MISSING.broken(1, name)
    if _reversed(values, "fromDate", "toDate"):
        return rules.PERIOD_REVERSED.broken(1, "toDate")
    return Enquiry(
        row=1,
        case=Case(
            period_start=values["fromDate"],
            period_end=values["toDate"],
            asked=values["filterFields"],
        ),
        who=Who(
            surname=values["surname"],
            forenames=_joined(values, "firstName", "middleName") or values.get("initials"),
            date_of_birth=values.get("dateOfBirth"),
            gender=values.get("gender"),
            nino=values["nino"],
        ),
    )


def _failures(failures: list[Any]) -> Iterator[Item]:
    for row, failure in enumerate(failures, 1):
        yield _failure(row, failure)


def _failure(row: int, failure: Any) -> Item:
    """What one failure means: nothing held, a refusal, or trouble that is no answer at all."""
    if not isinstance(failure, dict):
        return ITEM_NOT_OBJECT.broken(row, "failures")
    if not failure.keys() <= _FAILURE:
        return MEMBER_NOT_KNOWN.broken(row, "failures")
    code = failure.get("code")
    if not isinstance(code, str) or not code:
        return rules.VALUE_MISSING.broken(row, "code")
    if code in _TROUBLE:
        return SOURCE_UNAVAILABLE.broken(row, "code")
    if code in _NOTHING:
        return NilReturn(row=row, answer=Answer(code=_NOTHING[code], detail=code))
    detail = code if _CODE.fullmatch(code) else None
    return RefusalRecord(
        row=row,
        answer=Answer(code=_REFUSED.get(code, "OTHER"), detail=detail),
    )


def _recognises(head: bytes) -> bool:
    if not head.lstrip(b" \t\r\n").startswith(b"{"):
        return False
    names = (b'"taxYears"', b'"matchPattern"', b'"failures"', b'"filterFields"', b'"serviceName"')
    return any(name in head for name in names) or (b'"code"' in head and b'"reason"' in head)


RTI_INCOME: Final = Adapter(
    name="hmrc.rti-income.v1",
    title="Real-time income of a person, with its question and failures (HMRC, v1.0)",
    media_types=("application/vnd.cms-gateway.rti-income+json",),
    general_media_types=("application/json",),
    provider_classes=frozenset({"gov_hmrc_dwp"}),
    record_types=frozenset({"earnings", "enquiry", "nil_return", "refusal"}),
    partial=True,
    limit_bytes=JSON_BYTES,
    read=read,
    recognises=_recognises,
)
