"""What organisations told, as enforcement reads it: the few members it uses of each disclosure group.

A member that is not used is not read, so a group may grow. The days on which things came are days in
the United Kingdom.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from gateway.consumers.standing import Stands

LONDON: Final = ZoneInfo("Europe/London")


# Whom a record is about that has no identifier.
NOBODY: Final = "-"


def word(text: str) -> str:
    """A text as one word, so that a figure of a proposal ends at a space."""
    return "_".join(text.split()) or NOBODY


def on_one_line(text: str) -> str:
    """A text without line breaks: what is told cannot look like a step of ours."""
    return " ".join(text.split())


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what was told; what else it holds is passed over."""


class Who(Part, frozen=True, kw_only=True):
    """Whom it is about."""

    name: str | None = None
    surname: str | None = None
    nino: str | None = None
    cms_reference: str | None = None
    payroll_number: str | None = None

    def label(self) -> str:
        """The best identifier that there is, as one word."""
        best = self.cms_reference or self.nino or self.payroll_number or self.surname or self.name
        return word(best or "")


class CaseNumbers(Part, frozen=True, kw_only=True):
    """What ties it to a case, an order and a period."""

    reference: str | None = None
    order: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None


class Work(Part, frozen=True, kw_only=True):
    """For whom somebody works, and until when."""

    employer_reference: str | None = None
    leave_date: dt.date | None = None
    new_employer: str | None = None


class Pay(Part, frozen=True, kw_only=True):
    """A pay period, and net pay."""

    frequency: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    pay_date: dt.date | None = None
    net_pence: int | None = None


class Deducted(Part, frozen=True, kw_only=True):
    """What was taken under an order."""

    due_pence: int
    deducted_pence: int
    deducted_on: dt.date | None = None
    charge_pence: int = 0
    reason: str | None = None
    payment_date: dt.date | None = None


class Status(Part, frozen=True, kw_only=True):
    """How an order stands at the employer."""

    code: str
    order: str | None = None
    on: dt.date | None = None


class Account(Part, frozen=True, kw_only=True):
    """An account, and whose it is."""

    iban: str | None = None
    number: str | None = None
    other: str | None = None
    status: str | None = None
    kind: str | None = None
    role: str | None = None
    role_to: dt.date | None = None
    ownership: str | None = None
    closed: dt.date | None = None

    def label(self) -> str:
        """Its last four characters: enough to tell one from another on a page."""
        return f"...{word(self.number or self.iban or self.other or '')[-4:]}"


class Answered(Part, frozen=True, kw_only=True):
    """What a deposit taker says of a deduction order."""

    order: str
    kind: str
    event: str
    exists: bool | None = None
    traceable: bool | None = None
    closed_on: dt.date | None = None
    formerly_in_name: bool | None = None
    new_name: str | None = None
    is_sufficient: bool | None = None
    sum_available_pence: int | None = None
    setoff_claimed_pence: int | None = None
    deduction_date: dt.date | None = None
    fee_pence: int | None = None
    outcome: str | None = None


class Insolvent(Part, frozen=True, kw_only=True):
    """How an employer became insolvent, and who acts for it."""

    kind: str
    on: dt.date
    practitioner: str | None = None


class Unpaid(Part, frozen=True, kw_only=True):
    """What was deducted and not paid over."""

    deducted_pence: int
    order: str | None = None
    paid_over_pence: int = 0


class Award(Part, frozen=True, kw_only=True):
    """A benefit in payment."""

    kind: str
    until: dt.date | None = None
    status: str | None = None


class Taken(Part, frozen=True, kw_only=True):
    """What is taken from a benefit."""

    weekly_pence: int = 0
    what_for: Literal["maintenance", "arrears"] | None = None
    until: dt.date | None = None


class Passport(Part, frozen=True, kw_only=True):
    """How a passport stands."""

    status: str | None = None


class Disqualified(Part, frozen=True, kw_only=True):
    """A disqualification as HM Passport Office has it."""

    order: str
    status: str | None = None
    surrendered_on: dt.date | None = None


class DeductionRow(Part, frozen=True, kw_only=True):
    """A line of a payment schedule; enforcement is not shown the pay, another purpose may be."""

    who: Who
    deduction: Deducted
    work: Work = Work()
    pay: Pay | None = None
    case: CaseNumbers = CaseNumbers()


class EarningsRow(Part, frozen=True, kw_only=True):
    """Pay of one period."""

    who: Who
    pay: Pay
    work: Work = Work()


class StatusRow(Part, frozen=True, kw_only=True):
    """How an earnings order stands."""

    who: Who
    status: Status
    work: Work = Work()
    case: CaseNumbers = CaseNumbers()


class AccountRow(Part, frozen=True, kw_only=True):
    """An account of somebody."""

    account: Account
    who: Who = Who()
    case: CaseNumbers = CaseNumbers()


class AnswerRow(Part, frozen=True, kw_only=True):
    """An answer to a deduction order."""

    order: Answered


class InsolvencyRow(Part, frozen=True, kw_only=True):
    """An insolvency, and what it left unpaid for one employee."""

    insolvency: Insolvent
    work: Work = Work()
    who: Who = Who()
    unpaid: Unpaid | None = None
    case: CaseNumbers = CaseNumbers()


class BenefitRow(Part, frozen=True, kw_only=True):
    """A benefit, and what is taken from it."""

    who: Who
    benefit: Award
    benefit_deduction: Taken | None = None
    case: CaseNumbers = CaseNumbers()


class PassportRow(Part, frozen=True, kw_only=True):
    """A passport, and the disqualification it was asked about for."""

    who: Who
    passport: Passport
    disqualification: Disqualified | None = None


T = TypeVar("T", bound=Part)


class Told(msgspec.Struct, Generic[T], frozen=True):
    """Something told: its number on the feed, the day it came, who sent it, and what it says."""

    seq: int
    came_on: dt.date
    organisation: str
    organisation_class: str
    said: T


def told(stands: Iterable[Stands], record_type: str, shape: type[T]) -> list[Told[T]]:
    """All that stands of one record type, in the order of the feed.

    What may be about somebody else (its tie is `possible`) is left out: a person has to look first.
    """
    return [
        Told(
            one.event.seq,
            one.event.recorded_at.astimezone(LONDON).date(),
            one.event.organisation,
            one.event.organisation_class,
            msgspec.convert(one.event.groups, shape),
        )
        for one in stands
        if one.event.type == record_type and one.event.confidence != "possible"
    ]


def same_person(who: Who, nino: str | None, cms_reference: str | None) -> bool:
    """Whether an identifier that both sides have is the same: our reference first, then the NINO.

    The last letter of a National Insurance number may be missing.
    """
    if who.cms_reference and cms_reference:
        return who.cms_reference == cms_reference
    if who.nino and nino:
        return _number(who.nino) == _number(nino)
    return False


def keys_of(nino: str | None, cms_reference: str | None) -> tuple[str, ...]:
    """Under what somebody is found in an index; whom it finds, `same_person` has still to confirm."""
    found = () if cms_reference is None else (cms_reference,)
    return found if nino is None else (*found, _number(nino))


def _number(nino: str) -> str:
    return "".join(nino.split()).upper()[:8]
