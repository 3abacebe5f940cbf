"""What the department's own systems know of collection: orders, cases, debts, letters and receipts.

The gateway holds none of it. It comes as one TOML text, is read strictly, and each reference from one
table to another must lead somewhere. Money is in pence, days are dates.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

Pence = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
# It ends at a space where a proposal is printed, so it holds none.
Name = Annotated[str, msgspec.Meta(pattern=r"^\S+$", max_length=64)]
Scheme = Literal["1993", "2003", "2012"]
Nation = Literal["england_wales", "scotland", "northern_ireland"]
Frequency = Literal["weekly", "fortnightly", "four_weekly", "monthly"]
Ownership = Literal[
    "sole", "joint", "sole_trader", "partnership_england_wales", "partnership_scotland",
    "company", "trustee", "other",
]  # fmt: skip
EndedUnder = Literal["s4(5)", "s4(6)", "s7(6)", "s7(7)", "sch1_para16(1)"]
WriteOffCase = Literal[
    "asked_to_stop",
    "person_with_care_dead",
    "non_resident_parent_dead",
    "interim_1993_1995",
    "told_never_pursued",
    "trust_deed_expired",
]
ActionKind = Literal[
    "enforcement_agent", "charging_order", "order_for_sale", "attachment", "driving_licence",
    "prison", "bill_of_inhibition", "arrestment",
]  # fmt: skip


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the book: what it does not know it does not take."""


class Part(Table, frozen=True, kw_only=True):
    """A table that belongs to a case."""

    case: Name


class Case(Table, frozen=True, kw_only=True):
    """One case: who pays, under which scheme, how it ended, and what is owed in all.

    `maintenance_until` is the last day for which ongoing maintenance is payable; none where it goes
    on. `superseded` says that the decision was superseded because jurisdiction was lost.
    """

    reference: Name
    scheme: Scheme
    started_on: dt.date
    nino: str | None = None
    cms_reference: str | None = None
    arrears_pence: Pence = 0
    last_payment_on: dt.date | None = None
    maintenance_until: dt.date | None = None
    ended_on: dt.date | None = None
    ended_under: EndedUnder | None = None
    jurisdiction_lost_on: dt.date | None = None
    superseded: bool = False
    gross_weekly_income_pence: Pence | None = None
    is_default: bool = False
    is_flat_rate: bool = False
    earnings_order_inappropriate: str | None = None
    nation: Nation = "england_wales"


class Normal(Table, frozen=True, kw_only=True):
    """The normal deduction rates of an order from a day on: one figure for each pay frequency."""

    since: dt.date
    weekly_pence: Pence
    fortnightly_pence: Pence
    four_weekly_pence: Pence
    monthly_pence: Pence

    def rate(self, frequency: Frequency) -> int:
        """The figure of one frequency."""
        match frequency:
            case "weekly":
                return self.weekly_pence
            case "fortnightly":
                return self.fortnightly_pence
            case "four_weekly":
                return self.four_weekly_pence
            case "monthly":
                return self.monthly_pence


class EarningsOrder(Part, frozen=True, kw_only=True):
    """A deduction from earnings order at one employer.

    `employer` is the reference that the department uses, `organisation` the employer's name on the
    gateway where it is known. `ended_on` is the last day on which a deduction was to be made.
    """

    id: Name
    employer: Name
    served_on: dt.date
    first_pay_day: dt.date
    frequency: Frequency
    normal: tuple[Normal, ...]
    organisation: str | None = None
    nino: str | None = None
    cms_reference: str | None = None
    ended_on: dt.date | None = None


class BankOrder(Part, frozen=True, kw_only=True):
    """A deduction order to a deposit taker, made or proposed.

    `noticed_on` is the day of the newest notice to joint holders that a regular order is to be made,
    varied or revived; of a lump sum order the service of the interim order counts. `setoff_formed_on`
    is the day on which the bank's right to set off was formed, where the bank has told it.
    """

    id: Name
    kind: Literal["regular", "lump_sum_interim", "lump_sum_final"]
    pence: Pence
    account: str
    ownership: Ownership
    organisation: str | None = None
    nation: Nation = "england_wales"
    weekly_pence: Pence | None = None
    made_on: dt.date | None = None
    noticed_on: dt.date | None = None
    represented: bool = False
    served_on: dt.date | None = None
    varied_on: dt.date | None = None
    revived_on: dt.date | None = None
    lapsed_on: dt.date | None = None
    discharged_on: dt.date | None = None
    deduction_dates: tuple[dt.date, ...] = ()
    setoff_formed_on: dt.date | None = None


class Debt(Part, frozen=True, kw_only=True):
    """An amount owed from one application to one payee; it is never added to another (reg 13F).

    `letter_on` is the day of the letter to the receiving parent, `notice_on` that of the notice of a
    write-off, `asked_payer_on` that on which the paying parent was asked.
    """

    id: Name
    pence: Pence
    owed_to: Literal["parent", "government"] = "parent"
    payee_reachable: bool = True
    last_payment_on: dt.date | None = None
    letter_on: dt.date | None = None
    reply_on: dt.date | None = None
    reply: Literal["collect", "stop"] | None = None
    asked_payer_on: dt.date | None = None
    write_off_case: WriteOffCase | None = None
    estate_exhausted: bool = False
    notice_on: dt.date | None = None
    represented: bool = False


class LiabilityOrder(Part, frozen=True, kw_only=True):
    """A liability order, applied for or made by a court."""

    id: Name
    applied_on: dt.date
    made_on: dt.date | None = None
    closed_on: dt.date | None = None


class PassportOrder(Part, frozen=True, kw_only=True):
    """A court's order that somebody may not hold a passport (CSA 1991 s39B), and what led to it."""

    id: Name
    made_on: dt.date
    ends_on: dt.date
    liability_order: str | None = None
    earlier_recovery_attempted: bool = False
    found_by_court: Literal["wilful_refusal", "culpable_neglect"] | None = None
    notified_on: dt.date | None = None
    suspended_on: dt.date | None = None
    ended_on: dt.date | None = None


class Receipt(Part, frozen=True, kw_only=True):
    """A payment as the department's bank knows it.

    Of a payment under an earnings order `deducted_in` is any day of the month of deduction.
    """

    received_on: dt.date
    pence: Pence
    order: str | None = None
    deducted_in: dt.date | None = None


class Due(Part, frozen=True, kw_only=True):
    """Maintenance that falls due on a day: collected by the department, or paid directly."""

    on: dt.date
    pence: Pence
    service: Literal["collect_and_pay", "direct_pay"] = "collect_and_pay"


class Action(Part, frozen=True, kw_only=True):
    """Another civil enforcement action, from its start until it is closed."""

    kind: ActionKind
    started_on: dt.date
    closed_on: dt.date | None = None


class Book(Table, frozen=True, kw_only=True):
    """All of it.

    `schedules_from` is the first day of pay for which schedules come by the gateway: of older pay-days
    none is missing. `receipts_to` is the day up to which every receipt is in the book.
    """

    schedules_from: dt.date | None = None
    receipts_to: dt.date | None = None
    cost_of_collection_pence: Pence | None = None
    case: tuple[Case, ...] = ()
    earnings_order: tuple[EarningsOrder, ...] = ()
    bank_order: tuple[BankOrder, ...] = ()
    debt: tuple[Debt, ...] = ()
    liability_order: tuple[LiabilityOrder, ...] = ()
    passport_order: tuple[PassportOrder, ...] = ()
    receipt: tuple[Receipt, ...] = ()
    due: tuple[Due, ...] = ()
    action: tuple[Action, ...] = ()


def read_book(text: str) -> Book:
    """The book in a TOML text.

    Raises ValueError (msgspec.ValidationError is one) for what is no such book: a member that is not
    known, a name that is there twice, a reference that leads nowhere, or an order without a rate or
    without a person.
    """
    book = msgspec.convert(tomllib.loads(text), Book)
    cases = _unique("case", (case.reference for case in book.case))
    orders = _unique("earnings_order", (order.id for order in book.earnings_order))
    _unique("bank_order", (order.id for order in book.bank_order))
    _unique("debt", (debt.id for debt in book.debt))
    _unique("liability_order", (order.id for order in book.liability_order))
    _unique("passport_order", (order.id for order in book.passport_order))
    parts: tuple[Part, ...] = (
        *book.earnings_order, *book.bank_order, *book.debt, *book.liability_order,
        *book.passport_order, *book.receipt, *book.due, *book.action,
    )  # fmt: skip
    for part in parts:
        if part.case not in cases:
            raise ValueError(f"the book has no case {part.case}")
    for receipt in book.receipt:
        if receipt.order is not None and receipt.order not in orders:
            raise ValueError(f"the book has no earnings_order {receipt.order}")
    for order in book.earnings_order:
        _check_order(order)
    return book


def _unique(table: str, names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the book has two of {table} {name}")
        seen.add(name)
    return seen


def _check_order(order: EarningsOrder) -> None:
    if order.nino is None and order.cms_reference is None:
        raise ValueError(f"{order.id} names nobody")
    days = [normal.since for normal in order.normal]
    if not days or days != sorted(set(days)):
        raise ValueError(f"{order.id} needs normal deduction rates, each from a later day")
    if days[0] > order.first_pay_day:
        raise ValueError(f"{order.id} has no rate on its first pay-day")
