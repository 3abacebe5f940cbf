"""The typed facts an organisation sends; each is made of disclosure groups.

A record is a frozen value of one type (`deduction`, `account`, ...). Its members are *disclosure
groups* (`who`, `where`, `pay`, ...; see `gateway.core.groups`): the units in which the law's table
lets a consumer see it. The JSON Schemas in `schemas/json` are generated from these types.
"""

from __future__ import annotations

import operator
from typing import Final

from gateway.core.groups.circumstance import (
    Care,
    Cover,
    Credit,
    Custody,
    Debts,
    Disqualification,
    Passport,
    School,
    Supply,
    Vehicle,
)
from gateway.core.groups.money import (
    Account,
    Balance,
    Benefit,
    BenefitDeduction,
    Contribution,
    Declared,
    Fund,
    Holding,
    Income,
    Investment,
    Mortgage,
    OrderAnswer,
    Pension,
    Transaction,
)
from gateway.core.groups.person import Answer, Case, Change, Contact, Relation, Where, Who
from gateway.core.groups.work import (
    Business,
    Deducted,
    Engagement,
    Insolvency,
    OrderStatus,
    Pay,
    Payment,
    Statement,
    Unpaid,
    Work,
    Worth,
)
from gateway.core.record import Record


class Identity(Record, frozen=True, kw_only=True, tag="identity"):
    """Who somebody is, and by what names they are or were known."""

    who: Who
    contact: Contact | None = None
    case: Case | None = None


class Address(Record, frozen=True, kw_only=True, tag="address"):
    """Where somebody lives or lived, from when to when."""

    who: Who
    where: Where
    contact: Contact | None = None
    case: Case | None = None


class Employment(Record, frozen=True, kw_only=True, tag="employment"):
    """That somebody works or worked for an employer, from when to when."""

    who: Who
    work: Work
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class Earnings(Record, frozen=True, kw_only=True, tag="earnings"):
    """Pay in one period of one employment."""

    who: Who
    pay: Pay
    work: Work
    case: Case | None = None


class Deduction(Record, frozen=True, kw_only=True, tag="deduction"):
    """One employee's line in a deduction-from-earnings payment schedule."""

    who: Who
    deduction: Deducted
    work: Work
    pay: Pay | None = None
    where: Where | None = None
    case: Case | None = None


class OrderStatusRecord(Record, frozen=True, kw_only=True, tag="order_status"):
    """How a deduction from earnings order stands with an employer."""

    who: Who
    status: OrderStatus
    work: Work | None = None
    pay: Pay | None = None
    where: Where | None = None
    case: Case | None = None


class EngagementRecord(Record, frozen=True, kw_only=True, tag="engagement"):
    """That somebody provides or provided services under a contract for services."""

    who: Who
    engagement: Engagement
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class EngagementPayment(Record, frozen=True, kw_only=True, tag="engagement_payment"):
    """A sum paid or due to somebody under a contract for services."""

    who: Who
    payment: Payment
    engagement: Engagement | None = None
    case: Case | None = None


class AccountRecord(Record, frozen=True, kw_only=True, tag="account"):
    """One party's role in one account."""

    account: Account
    who: Who | None = None
    where: Where | None = None
    contact: Contact | None = None
    balance: Balance | None = None
    case: Case | None = None


class BalanceRecord(Record, frozen=True, kw_only=True, tag="balance"):
    """What stands in an account on a day, and what is held of it."""

    account: Account
    balance: Balance
    who: Who | None = None
    case: Case | None = None


class TransactionRecord(Record, frozen=True, kw_only=True, tag="transaction"):
    """One movement on an account."""

    account: Account
    transaction: Transaction
    who: Who | None = None
    case: Case | None = None


class OrderAnswerRecord(Record, frozen=True, kw_only=True, tag="order_answer"):
    """What a deposit taker answers to a deduction order."""

    order: OrderAnswer
    account: Account | None = None
    who: Who | None = None
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


class MortgageRecord(Record, frozen=True, kw_only=True, tag="mortgage"):
    """A mortgage, the property it is secured on, and the income declared for it."""

    who: Who
    mortgage: Mortgage
    where: Where | None = None
    declared: Declared | None = None
    contact: Contact | None = None
    case: Case | None = None


class PensionRecord(Record, frozen=True, kw_only=True, tag="pension"):
    """A pension in payment, or a right to one."""

    who: Who
    pension: Pension
    fund: Fund | None = None
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class PensionContribution(Record, frozen=True, kw_only=True, tag="pension_contribution"):
    """What was paid into a pension in a period."""

    who: Who
    contribution: Contribution
    case: Case | None = None


class HoldingRecord(Record, frozen=True, kw_only=True, tag="holding"):
    """Something held with an investment firm."""

    who: Who
    investment: Investment
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class UnearnedIncome(Record, frozen=True, kw_only=True, tag="unearned_income"):
    """Income that is not earned, in a tax year: dividends, interest, property and others."""

    who: Who
    income: Income
    case: Case | None = None


class AccountsStatement(Record, frozen=True, kw_only=True, tag="accounts_statement"):
    """What an accountant's statement of a business says."""

    who: Who
    statement: Statement
    business: Business | None = None
    worth: Worth | None = None
    where: Where | None = None
    case: Case | None = None


class BenefitRecord(Record, frozen=True, kw_only=True, tag="benefit"):
    """A benefit in payment, and what is taken from it."""

    who: Who
    benefit: Benefit
    benefit_deduction: BenefitDeduction | None = None
    where: Where | None = None
    case: Case | None = None


class SupplyRecord(Record, frozen=True, kw_only=True, tag="supply"):
    """Gas or electricity supplied to somebody at an address."""

    who: Who
    where: Where
    supply: Supply
    contact: Contact | None = None
    case: Case | None = None


class VehicleRecord(Record, frozen=True, kw_only=True, tag="vehicle"):
    """A vehicle, its keeper and its insurer."""

    vehicle: Vehicle
    who: Who | None = None
    where: Where | None = None
    cover: Cover | None = None
    case: Case | None = None


class SchoolStatus(Record, frozen=True, kw_only=True, tag="school_status"):
    """Whether a child is at a school; who cares for the child, and where."""

    who: Who
    school: School
    carer: Who | None = None
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class CareRecord(Record, frozen=True, kw_only=True, tag="care"):
    """Who has the day-to-day care of a child, and how much of it."""

    who: Who
    care: Care
    carer: Who | None = None
    where: Where | None = None
    contact: Contact | None = None
    case: Case | None = None


class CustodyRecord(Record, frozen=True, kw_only=True, tag="custody"):
    """Whether somebody is in prison."""

    who: Who
    custody: Custody
    case: Case | None = None


class CreditReference(Record, frozen=True, kw_only=True, tag="credit_reference"):
    """An address, and what a credit reference agency links to it."""

    who: Who
    where: Where | None = None
    credit: Credit | None = None
    debts: Debts | None = None
    case: Case | None = None


class PassportRecord(Record, frozen=True, kw_only=True, tag="passport"):
    """A passport, and the disqualification it is needed for."""

    who: Who
    passport: Passport
    disqualification: Disqualification | None = None
    case: Case | None = None


class InsolvencyRecord(Record, frozen=True, kw_only=True, tag="insolvency"):
    """That an employer is insolvent, and what it deducted from one employee and did not pay."""

    work: Work
    insolvency: Insolvency
    who: Who | None = None
    unpaid: Unpaid | None = None
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


class Correction(Record, frozen=True, kw_only=True, tag="correction"):
    """That a record sent before is disputed, incorrect, withdrawn or superseded."""

    change: Change
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
        names = tuple(sorted(name for name in cls.__struct_fields__ if name not in {"row", "key"}))
        cls.group_names = names
        cls.type_name = str(cls.__struct_config__.tag)
        getter = operator.attrgetter(*names)
        cls.groups_of = getter if len(names) > 1 else staticmethod(lambda r, g=getter: (g(r),))
        RECORD_TYPES[cls.type_name] = cls


_register(*Record.__subclasses__())

GROUP_NAMES: Final[tuple[str, ...]] = tuple(
    sorted({name for cls in RECORD_TYPES.values() for name in cls.group_names}),
)
