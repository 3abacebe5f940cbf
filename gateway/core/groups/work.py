"""Employment, services and business: what is done, earned, deducted and owed."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from gateway.core.groups.group import Frequency, Group, Pence, SignedPence


class Work(Group, frozen=True, kw_only=True):
    """An employment: for whom, and from when to when."""

    employer_reference: str | None = None
    employer_name: str | None = None
    paye_office: str | None = None
    paye_reference: str | None = None
    sequence: int | None = None
    start_date: dt.date | None = None
    leave_date: dt.date | None = None
    job_title: str | None = None
    place_of_work: str | None = None
    new_employer: str | None = None


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
    deducted_on: dt.date | None = None
    charge_pence: int = 0
    reason: str | None = None
    note: str | None = None
    payment_reference: str | None = None
    payment_method: str | None = None
    payment_date: dt.date | None = None


class OrderStatus(Group, frozen=True, kw_only=True):
    """How a deduction from earnings order stands at the employer (SI 1992/1989 reg 16)."""

    order: str | None = None
    code: Literal[
        "set_up", "not_our_employee", "cannot_set_up", "left", "ceased_trading", "insolvent"
    ]
    on: dt.date | None = None
    detail: str | None = None


class Engagement(Group, frozen=True, kw_only=True):
    """A contract for services: what is done for whom, and from when to when (SI 2008/2551 reg 4(2)(c))."""

    reference: str | None = None
    description: str | None = None
    engager_name: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    is_current: bool | None = None


class Payment(Group, frozen=True, kw_only=True):
    """A sum paid, or due, under a contract for services; amounts in pence."""

    status: Literal["due", "payable", "paid"]
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    due_on: dt.date | None = None
    paid_on: dt.date | None = None
    gross_pence: Pence
    vat_pence: Pence | None = None
    tax_deducted_pence: Pence | None = None
    net_pence: Pence | None = None
    invoice: str | None = None


class Insolvency(Group, frozen=True, kw_only=True):
    """That an employer has become insolvent or stopped trading, and who acts for it."""

    kind: Literal[
        "administration",
        "liquidation",
        "receivership",
        "voluntary_arrangement",
        "bankruptcy",
        "sequestration",
        "dissolved",
        "ceased_trading",
    ]
    on: dt.date
    practitioner: str | None = None
    practitioner_reference: str | None = None
    court_reference: str | None = None


class Unpaid(Group, frozen=True, kw_only=True):
    """What an employer deducted under an order and did not pay over; amounts in pence."""

    order: str | None = None
    deducted_pence: Pence
    paid_over_pence: Pence | None = None
    first_pay_date: dt.date | None = None
    last_pay_date: dt.date | None = None


class Business(Group, frozen=True, kw_only=True):
    """A business that somebody runs, and in which form."""

    business_name: str | None = None
    form: (
        Literal["sole_trader", "partnership", "limited_partnership", "company", "other"] | None
    ) = None
    company_number: str | None = None
    vat_number: str | None = None
    trade: str | None = None


class Statement(Group, frozen=True, kw_only=True):
    """What the accounts of a business say for a period; amounts in pence, a loss below nought."""

    period_start: dt.date
    period_end: dt.date
    basis: Literal["cash", "accruals"] | None = None
    turnover_pence: Pence | None = None
    profit_pence: SignedPence | None = None
    drawings_pence: Pence | None = None
    salary_pence: Pence | None = None
    dividends_pence: Pence | None = None
    directors_loan_pence: SignedPence | None = None


class Worth(Group, frozen=True, kw_only=True):
    """What a business owns and is owed; amounts in pence."""

    as_of: dt.date
    assets_pence: Pence | None = None
    debtors_pence: Pence | None = None
    creditors_pence: Pence | None = None
    cash_pence: SignedPence | None = None
