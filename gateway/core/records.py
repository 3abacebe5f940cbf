"""The typed facts an organisation sends, and the disclosure groups they are made of.

A record is a frozen value of one type (`deduction`, `account`, ...). Its members are *disclosure
groups* (`who`, `where`, `pay`, ...): the units in which the law's table lets a consumer see it.
Money is integer pence; dates are calendar dates without a zone; text is as it was sent, trimmed.

The JSON Schemas in `schemas/json` are generated from these types.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable
from typing import Any, ClassVar, Final, Literal

import msgspec

Frequency = Literal[
    "weekly",
    "fortnightly",
    "four_weekly",
    "monthly",
    "quarterly",
    "half_yearly",
    "annual",
    "one_off",
    "irregular",
]


class Group(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """A disclosure group: members that are always shown, or withheld, together."""


class Identifier(Group, frozen=True, kw_only=True):
    """An identifier in a scheme that is not one of ours, such as another country's."""

    scheme: str
    value: str
    issuer: str | None = None


class Who(Group, frozen=True, kw_only=True):
    """Which person or body the record is about, by name and identifiers."""

    kind: Literal["person", "organisation"] = "person"
    name: str | None = None
    surname: str | None = None
    forenames: str | None = None
    date_of_birth: dt.date | None = None
    gender: str | None = None
    nino: str | None = None
    cms_reference: str | None = None
    payroll_number: str | None = None
    nationality: str | None = None
    identifiers: tuple[Identifier, ...] = ()


class Where(Group, frozen=True, kw_only=True):
    """A postal address."""

    kind: str | None = None
    lines: tuple[str, ...] = ()
    town: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None


class Contact(Group, frozen=True, kw_only=True):
    """Ways to reach somebody other than by post."""

    phones: tuple[str, ...] = ()
    email: str | None = None


class Work(Group, frozen=True, kw_only=True):
    """An employment: for whom, and from when to when."""

    employer_reference: str | None = None
    employer_name: str | None = None
    paye_office: str | None = None
    paye_reference: str | None = None
    sequence: int | None = None
    start_date: dt.date | None = None
    leave_date: dt.date | None = None


class Pay(Group, frozen=True, kw_only=True):
    """What was earned in a period; amounts in pence."""

    frequency: Frequency | None = None
    tax_year: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    pay_date: dt.date | None = None
    periods_covered: int | None = None
    net_pence: int | None = None
    taxable_pence: int | None = None
    taxable_to_date_pence: int | None = None
    tax_pence: int | None = None
    tax_to_date_pence: int | None = None
    national_insurance_pence: int | None = None
    gross_for_national_insurance_pence: int | None = None
    pension_pence: int | None = None
    pension_to_date_pence: int | None = None
    pension_not_net_pay_pence: int | None = None
    pension_not_net_pay_to_date_pence: int | None = None
    benefits_in_kind_pence: int | None = None
    benefits_in_kind_to_date_pence: int | None = None
    not_taxed_pence: int | None = None
    deductions_pence: int | None = None
    after_statutory_deductions_pence: int | None = None
    hours_band: str | None = None
    tax_code: str | None = None
    payment_id: str | None = None
    is_pension: bool | None = None
    is_irregular: bool | None = None
    after_leaving: bool | None = None
    withdrawn_date: dt.date | None = None


class Deducted(Group, frozen=True, kw_only=True):
    """What was taken from earnings under an order, beside what was due; amounts in pence."""

    due_pence: int
    deducted_pence: int
    charge_pence: int = 0
    reason: str | None = None
    note: str | None = None
    payment_reference: str | None = None
    payment_method: str | None = None
    payment_date: dt.date | None = None


class Account(Group, frozen=True, kw_only=True):
    """An account at a deposit taker, and the party's role in it."""

    iban: str | None = None
    sort_code: str | None = None
    number: str | None = None
    other: str | None = None
    servicer: Identifier | None = None
    name: str | None = None
    currency: str | None = None
    status: str | None = None
    kind: str | None = None
    role: str | None = None
    role_from: dt.date | None = None
    role_to: dt.date | None = None
    opened: dt.date | None = None
    closed: dt.date | None = None


class Balance(Group, frozen=True, kw_only=True):
    """What stands in an account and what moves through it each month; amounts in pence."""

    currency: str | None = None
    average_pence: int | None = None
    monthly_received_pence: int | None = None
    monthly_paid_pence: int | None = None
    monthly_transactions: int | None = None


class Holding(Group, frozen=True, kw_only=True):
    """Something held that is not an account, such as a safe-deposit box."""

    kind: str
    reference: str
    servicer: Identifier | None = None
    role: str | None = None
    role_from: dt.date | None = None
    role_to: dt.date | None = None
    opened: dt.date | None = None
    closed: dt.date | None = None


class Relation(Group, frozen=True, kw_only=True):
    """How a party stands to a body: customer or beneficial owner of it."""

    role: Literal["customer", "beneficial_owner"]
    body: Who | None = None
    role_from: dt.date | None = None
    role_to: dt.date | None = None


class Case(Group, frozen=True, kw_only=True):
    """References that tie a record to a case, and nothing about a person."""

    reference: str | None = None
    response: str | None = None
    order: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    asked: tuple[str, ...] = ()


class Answer(Group, frozen=True, kw_only=True):
    """An answer that carries no facts: nothing held, or a refusal with a coded reason."""

    code: str
    detail: str | None = None
    asked: str | None = None


class Record(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="type",
):
    """One typed fact. `row` is its place in the file, counted from 1 as its sender counts."""

    row: int

    group_names: ClassVar[tuple[str, ...]] = ()
    groups_of: ClassVar[Callable[[Any], tuple[Group | None, ...]]]
    type_name: ClassVar[str] = ""


class Deduction(Record, frozen=True, kw_only=True, tag="deduction"):
    """One employee's line in a deduction-from-earnings payment schedule."""

    who: Who
    deduction: Deducted
    work: Work
    pay: Pay | None = None
    where: Where | None = None
    case: Case | None = None


class Earnings(Record, frozen=True, kw_only=True, tag="earnings"):
    """Pay in one period of one employment."""

    who: Who
    pay: Pay
    work: Work
    case: Case | None = None


class AccountRecord(Record, frozen=True, kw_only=True, tag="account"):
    """One party's role in one account."""

    account: Account
    who: Who | None = None
    where: Where | None = None
    contact: Contact | None = None
    balance: Balance | None = None
    case: Case | None = None


class SafeDepositBox(Record, frozen=True, kw_only=True, tag="safe_deposit_box"):
    """One party's role in one safe-deposit box."""

    holding: Holding
    who: Who | None = None
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class PartyRecord(Record, frozen=True, kw_only=True, tag="party"):
    """A party known to the organisation: a customer, or the beneficial owner of one."""

    who: Who
    relation: Relation
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class Enquiry(Record, frozen=True, kw_only=True, tag="enquiry"):
    """The question, as the organisation received it and gives it back beside its answer."""

    case: Case
    who: Who | None = None
    account: Account | None = None


class Dispute(Record, frozen=True, kw_only=True, tag="dispute"):
    """A statement that what is held about an identifier is disputed."""

    who: Who
    case: Case | None = None


class NilReturn(Record, frozen=True, kw_only=True, tag="nil_return"):
    """Nothing is held of what was asked."""

    answer: Answer
    who: Who | None = None
    account: Account | None = None
    case: Case | None = None


class RefusalRecord(Record, frozen=True, kw_only=True, tag="refusal"):
    """The organisation does not answer, and says why with a code."""

    answer: Answer
    case: Case | None = None


RECORD_TYPES: Final[dict[str, type[Record]]] = {}


def _register(*types: type[Record]) -> None:
    """Give each record type its group names, in sorted order, and a getter for them."""
    for cls in types:
        names = tuple(sorted(name for name in cls.__struct_fields__ if name != "row"))
        cls.group_names = names
        cls.type_name = str(cls.__struct_config__.tag)
        getter = operator.attrgetter(*names)
        cls.groups_of = getter if len(names) > 1 else staticmethod(lambda r, g=getter: (g(r),))
        RECORD_TYPES[cls.type_name] = cls


_register(
    Deduction,
    Earnings,
    AccountRecord,
    SafeDepositBox,
    PartyRecord,
    Enquiry,
    Dispute,
    NilReturn,
    RefusalRecord,
)

GROUP_NAMES: Final[tuple[str, ...]] = tuple(
    sorted({name for cls in RECORD_TYPES.values() for name in cls.group_names}),
)


class RowError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row that could not be accepted: where, which rule, and how to mend it.

    It never holds the offending value.
    """

    row: int
    field: str
    code: str
    message: str
    fix: str


class Note(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something the outcome should say about the whole file, such as the character set read."""

    code: str
    message: str


Item = Record | RowError | Note
