"""What is wrong with a row that could not be read: every rule it breaks, one for each cell.

Only a row that `adapters.employers.schedule` has turned down comes here; the values are read by the
same functions there and here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.employers.columns import RARE, Rare, Usual
from adapters.employers.law import ScheduleLaw
from adapters.employers.period import Fault
from adapters.syntax.values import are_texts, day_of, pence_of
from gateway.core import identifiers, rules
from gateway.core.identifiers import IdentifierError
from gateway.core.rules import Rule

REASON_MISSING: Final = Rule(
    "REASON_MISSING",
    "The amount deducted is not the amount due, and no reason is given.",
    "Give a reason code from the published list.",
)
NOTE_MISSING: Final = Rule(
    "NOTE_MISSING",
    "The reason OTHER needs a note.",
    "Say in reason_note, in a few words, why the amount differs.",
)
CHARGE_TOO_HIGH: Final = Rule(
    "CHARGE_TOO_HIGH",
    "The administration charge is higher than the law allows.",
    "Charge no more than one pound for a deduction (SI 1992/1989 reg 12(6)).",
)
NINO_TEMPORARY: Final = Rule(
    "NINO_TEMPORARY",
    "The National Insurance number is a temporary one.",
    "Leave it out; the child maintenance reference says who it is.",
)

Canonical = Callable[[str], str]


def faults_of(
    usual: Usual,
    rare: Rare,
    charge_limit_pence: int | None,
    law: ScheduleLaw,
) -> list[Fault]:
    """The faults of trimmed cells, in the order of `COLUMNS`.

    The limit is that of the row's pay-day, or nothing where it is not known.
    """
    reference, surname, due_text, taken_text, nino, forename, payroll, net, charge_text = usual
    reason, note, left, *payment_and_address = rare
    faults: list[Fault] = []
    _identifier(reference, "employee_cm_ref", identifiers.cms_reference, faults)
    _text(surname, "surname", faults)
    due = _amount(due_text, "ndr_due", faults)
    taken = _amount(taken_text, "amount_deducted", faults)
    if nino:
        _identifier(nino, "nino", identifiers.nino, faults)
    _text(forename or "-", "forename", faults)
    _text(payroll or "-", "payroll_no", faults)
    _amount(net or "0", "net_earnings", faults)
    charge = _amount(charge_text or "0", "admin_charge", faults)
    limit = charge if charge_limit_pence is None else charge_limit_pence
    if charge is not None and limit is not None and charge > limit:
        faults.append((CHARGE_TOO_HIGH, "admin_charge"))
    differs = due is not None and taken is not None and due != taken
    faults += unexplained(differs, reason, note, law)
    _text(note or "-", "reason_note", faults)
    _day(left, "left_date", faults)
    payment_ref, payment_method, payment_date, *address, postcode = payment_and_address
    _text(payment_ref or "-", "payment_ref", faults)
    _text(payment_method or "-", "payment_method", faults)
    _day(payment_date, "payment_date", faults)
    for field, text in zip(RARE[6:10], address, strict=True):
        _text(text or "-", field, faults)
    if postcode:
        _identifier(postcode, "postcode", identifiers.postcode, faults)
    return faults


def unexplained(differs: bool, reason: str, note: str, law: ScheduleLaw) -> list[Fault]:  # noqa: FBT001 - one of three facts
    """What is missing, or wrong, in the explanation of an amount that is not the one due."""
    if differs and not reason:
        return [(REASON_MISSING, "reason_code")]
    if reason and reason not in law.reasons:
        return [(rules.CODE_NOT_KNOWN, "reason_code")]
    if reason == "OTHER" and not note:
        return [(NOTE_MISSING, "reason_note")]
    return []


_IDENTIFIER_RULES: Final[dict[str, Rule]] = {
    "CMS_REFERENCE_NOT_VALID": rules.CMS_REFERENCE_NOT_VALID,
    "NINO_NOT_VALID": rules.NINO_NOT_VALID,
    "NINO_TEMPORARY": NINO_TEMPORARY,
    "POSTCODE_NOT_VALID": rules.POSTCODE_NOT_VALID,
}


def _identifier(text: str, field: str, canonical: Canonical, faults: list[Fault]) -> None:
    if not text:
        faults.append((rules.VALUE_MISSING, field))
        return
    try:
        canonical(text)
    except IdentifierError as error:
        faults.append((_IDENTIFIER_RULES[error.code], field))


def _amount(text: str, field: str, faults: list[Fault]) -> int | None:
    pence = pence_of(text)
    if pence is None:
        faults.append((rules.MONEY_NOT_VALID if text else rules.VALUE_MISSING, field))
    return pence


def _day(text: str, field: str, faults: list[Fault]) -> None:
    if text and day_of(text) is None:
        faults.append((rules.DATE_NOT_VALID, field))


def _text(text: str, field: str, faults: list[Fault]) -> None:
    if not text:
        faults.append((rules.VALUE_MISSING, field))
    elif not are_texts(text):
        faults.append((rules.TEXT_NOT_VALID, field))
