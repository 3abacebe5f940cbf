"""Accounts, what moves through them, and what people own, owe and are paid."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from gateway.core.groups.group import Frequency, Group, Pence, SignedPence
from gateway.core.groups.person import Identifier

# Whose an account is, as far as a deduction order can reach it (SI 1992/1989 regs 25A and 25X).
Ownership = Literal[
    "sole",
    "joint",
    "sole_trader",
    "partnership_england_wales",
    "partnership_scotland",
    "company",
    "trustee",
    "other",
]


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
    ownership: Ownership | None = None
    holders: int | None = None
    opened: dt.date | None = None
    closed: dt.date | None = None


class Balance(Group, frozen=True, kw_only=True):
    """What stands in an account, what is held of it, and what moves through it each month; amounts in pence."""

    currency: str | None = None
    as_of: dt.date | None = None
    kind: str | None = None
    booked_pence: SignedPence | None = None
    available_pence: SignedPence | None = None
    overdraft_limit_pence: Pence | None = None
    held_pence: Pence | None = None
    hold_reason: str | None = None
    hold_until: dt.date | None = None
    average_pence: int | None = None
    monthly_received_pence: int | None = None
    monthly_paid_pence: int | None = None
    monthly_transactions: int | None = None


class Transaction(Group, frozen=True, kw_only=True):
    """One movement on an account; the amount in pence, and which way it went."""

    reference: str | None = None
    direction: Literal["credit", "debit"]
    amount_pence: Pence
    currency: str | None = None
    booked_on: dt.date | None = None
    value_on: dt.date | None = None
    status: Literal["booked", "pending", "rejected"] | None = None
    is_reversal: bool | None = None
    code: str | None = None
    description: str | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    balance_after_pence: SignedPence | None = None


class OrderAnswer(Group, frozen=True, kw_only=True):
    """What a deposit taker says of a deduction order (SI 1992/1989 regs 25E and 25O)."""

    order: str
    kind: Literal["regular", "lump_sum_interim", "lump_sum_final"]
    event: Literal["service", "variation", "revival", "lapse", "discharge", "deduction_date"]
    exists: bool | None = None
    traceable: bool | None = None
    closed_on: dt.date | None = None
    formerly_in_name: bool | None = None
    new_name: str | None = None
    is_sufficient: bool | None = None
    sum_available_pence: SignedPence | None = None
    is_joint: bool | None = None
    is_business: bool | None = None
    setoff_claimed_pence: Pence | None = None
    deduction_date: dt.date | None = None
    deducted_pence: Pence | None = None
    fee_pence: Pence | None = None
    outcome: (
        Literal["deducted", "part_deducted", "not_deducted", "frozen", "not_frozen", "released"]
        | None
    ) = None
    next_action: str | None = None


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


class Investment(Group, frozen=True, kw_only=True):
    """Something held with an investment firm; the value in pence, the quantity as a decimal."""

    reference: str | None = None
    kind: Literal[
        "shares", "fund", "bond", "gilt", "cash", "crypto", "commodity", "property", "other"
    ]
    name: str | None = None
    isin: str | None = None
    quantity: str | None = None
    value_pence: Pence | None = None
    valued_on: dt.date | None = None
    currency: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None


class Income(Group, frozen=True, kw_only=True):
    """Income that is not earned, in a tax year such as 2025-26; amounts in pence."""

    category: Literal["dividends", "interest", "property", "trust", "foreign", "gains", "other"]
    tax_year: str
    gross_pence: SignedPence
    allowable_costs_pence: Pence | None = None
    tax_pence: Pence | None = None
    net_pence: SignedPence | None = None
    payer: str | None = None
    paid_on: dt.date | None = None


class Mortgage(Group, frozen=True, kw_only=True):
    """A loan secured on a property; amounts in pence."""

    reference: str | None = None
    kind: (
        Literal[
            "repayment", "interest_only", "part_and_part", "buy_to_let", "second_charge", "other"
        ]
        | None
    ) = None
    started: dt.date | None = None
    ends: dt.date | None = None
    balance_pence: Pence | None = None
    arrears_pence: Pence | None = None
    monthly_pence: Pence | None = None
    property_value_pence: Pence | None = None
    co_borrowers: tuple[str, ...] = ()


class Declared(Group, frozen=True, kw_only=True):
    """What somebody said they earned when they asked for a loan; amounts in pence a year."""

    declared_on: dt.date | None = None
    income_pence: Pence
    income_kind: str | None = None
    employer_name: str | None = None


class Pension(Group, frozen=True, kw_only=True):
    """A pension in payment, or a right to one; amounts in pence."""

    scheme: str | None = None
    scheme_kind: Literal["occupational", "personal", "state", "other"] | None = None
    reference: str | None = None
    in_payment: bool | None = None
    started: dt.date | None = None
    ended: dt.date | None = None
    frequency: Frequency | None = None
    gross_pence: Pence | None = None
    net_pence: Pence | None = None
    lump_sum_pence: Pence | None = None
    lump_sum_on: dt.date | None = None


class Fund(Group, frozen=True, kw_only=True):
    """What a pension is worth; in pence."""

    value_pence: Pence
    valued_on: dt.date | None = None
    transferable: bool | None = None


class Contribution(Group, frozen=True, kw_only=True):
    """What was paid into a pension in a period; amounts in pence."""

    scheme: str | None = None
    scheme_kind: Literal["occupational", "personal", "state", "other"] | None = None
    tax_year: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    employee_pence: Pence | None = None
    employer_pence: Pence | None = None
    relief: Literal["net_pay", "relief_at_source", "none"] | None = None


class Benefit(Group, frozen=True, kw_only=True):
    """A benefit in payment, such as Universal Credit; the award in pence."""

    kind: str
    award_pence: Pence | None = None
    frequency: Frequency | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    status: str | None = None


class BenefitDeduction(Group, frozen=True, kw_only=True):
    """What is taken from a benefit for maintenance or arrears; pence a week (SI 2019/1084 Part 2)."""

    weekly_pence: Pence | None = None
    what_for: Literal["maintenance", "arrears"] | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    reason: str | None = None
    reference: str | None = None
