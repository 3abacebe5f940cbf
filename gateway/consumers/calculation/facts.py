"""What the feed says of one paying parent, as far as a calculation needs it.

Only the members that are used are read from a group; what else it holds, or comes to hold, does not
matter here. A record is tied to a case by the first identifier that both have: National Insurance
number, then CMS reference, then surname and date of birth.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final, Generic, TypeVar

import msgspec

from gateway.consumers.calculation.book import Case, Person
from gateway.consumers.standing import Stands

HMRC: Final = "gov_hmrc_dwp"
_NINO_WITHOUT_SUFFIX: Final = 8


class Who(msgspec.Struct, frozen=True):
    """Whom a record is about."""

    surname: str | None = None
    date_of_birth: dt.date | None = None
    nino: str | None = None
    cms_reference: str | None = None


class Work(msgspec.Struct, frozen=True):
    """The employment that pay comes from."""

    employer_reference: str | None = None
    employer_name: str | None = None
    paye_reference: str | None = None
    sequence: int | None = None
    leave_date: dt.date | None = None


class Pay(msgspec.Struct, frozen=True):
    """Pay in a period."""

    frequency: str | None = None
    tax_year: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    pay_date: dt.date | None = None
    periods_covered: int | None = None
    taxable_pence: int | None = None
    taxable_to_date_pence: int | None = None
    pension_not_net_pay_pence: int | None = None
    pension_not_net_pay_to_date_pence: int | None = None
    is_pension: bool | None = None
    is_irregular: bool | None = None
    withdrawn_date: dt.date | None = None
    payment_id: str | None = None


class Earning(msgspec.Struct, frozen=True):
    """Pay, and from which employment."""

    pay: Pay
    work: Work


class Contribution(msgspec.Struct, frozen=True):
    """What was paid into a pension."""

    scheme: str | None = None
    tax_year: str | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    employee_pence: int | None = None
    relief: str | None = None


class Pension(msgspec.Struct, frozen=True):
    """A pension in payment."""

    scheme: str | None = None
    scheme_kind: str | None = None
    reference: str | None = None
    in_payment: bool | None = None
    started: dt.date | None = None
    ended: dt.date | None = None
    frequency: str | None = None
    gross_pence: int | None = None


class Business(msgspec.Struct, frozen=True):
    """The business that accounts are of."""

    business_name: str | None = None
    form: str | None = None


class Statement(msgspec.Struct, frozen=True):
    """What accounts say."""

    period_start: dt.date
    period_end: dt.date
    profit_pence: int | None = None
    salary_pence: int | None = None
    dividends_pence: int | None = None


class Accounts(msgspec.Struct, frozen=True):
    """Accounts, and of which business."""

    statement: Statement
    business: Business


class Income(msgspec.Struct, frozen=True):
    """Income that is not earned."""

    category: str
    tax_year: str
    gross_pence: int
    allowable_costs_pence: int = 0
    payer: str | None = None
    paid_on: dt.date | None = None


class Benefit(msgspec.Struct, frozen=True):
    """A benefit in payment."""

    kind: str
    award_pence: int | None = None
    frequency: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None


class Custody(msgspec.Struct, frozen=True):
    """Whether somebody is in prison."""

    status: str
    since: dt.date | None = None
    released: dt.date | None = None


class Investment(msgspec.Struct, frozen=True):
    """Something held."""

    kind: str
    reference: str | None = None
    name: str | None = None
    isin: str | None = None
    value_pence: int | None = None
    valued_on: dt.date | None = None
    currency: str | None = None
    until: dt.date | None = None


class Balance(msgspec.Struct, frozen=True):
    """What stands in an account."""

    currency: str | None = None
    as_of: dt.date | None = None
    booked_pence: int | None = None


class Declared(msgspec.Struct, frozen=True):
    """What somebody told a lender they earned in a year."""

    income_pence: int
    declared_on: dt.date | None = None


class Doubt(msgspec.Struct, frozen=True):
    """What a record that a number ties to a case says of the person, otherwise than the case does."""

    name: str
    says: str
    case_says: str


Part = TypeVar("Part")


class Fact(msgspec.Struct, Generic[Part], frozen=True, kw_only=True):
    """One thing told, by whom, and when it came."""

    seq: int
    told: Part
    source: str
    organisation: str
    submission: str
    on: dt.date
    disputed: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything told of one paying parent that stands, each kind in the order of the feed."""

    earnings: tuple[Fact[Earning], ...]
    contributions: tuple[Fact[Contribution], ...]
    pensions: tuple[Fact[Pension], ...]
    accounts: tuple[Fact[Accounts], ...]
    unearned: tuple[Fact[Income], ...]
    benefits: tuple[Fact[Benefit], ...]
    custody: tuple[Fact[Custody], ...]
    investments: tuple[Fact[Investment], ...]
    balances: tuple[Fact[Balance], ...]
    declared: tuple[Fact[Declared], ...]
    doubtful: tuple[Fact[Doubt], ...]

    def disputed(self) -> frozenset[int]:
        """The events that their sender says are disputed."""
        kinds: tuple[tuple[Fact[Any], ...], ...] = msgspec.structs.astuple(self)
        return frozenset(fact.seq for kind in kinds for fact in kind if fact.disputed)


def last_words(
    facts: Iterable[Fact[Part]], thing: Callable[[Fact[Part]], Hashable]
) -> list[Fact[Part]]:
    """What was told last of each thing, in the order of the feed.

    An organisation that is asked twice answers twice: of one thing its later file counts, whole.
    """
    told: dict[Hashable, list[Fact[Part]]] = {}
    for fact in facts:
        told.setdefault((fact.organisation, thing(fact)), []).append(fact)
    last: list[Fact[Part]] = []
    for group in told.values():
        newest = max(group, key=lambda one: one.seq).submission
        last += [fact for fact in group if fact.submission == newest]
    return sorted(last, key=lambda one: one.seq)


def facts_of(case: Case, stands: Iterable[Stands]) -> Facts:
    """What stands on the feed of the paying parent of a case."""
    mine = [one for one in stands if _is_of(case.paying_parent, one)]
    names = _names(mine)
    return Facts(
        earnings=tuple(
            Fact(
                seq=fact.seq,
                told=Earning(fact.told, _named(work.told, names)),
                source=fact.source,
                organisation=fact.organisation,
                submission=fact.submission,
                on=fact.on,
                disputed=fact.disputed,
            )
            for one in mine
            for fact in _parts([one], "earnings", "pay", Pay)
            for work in _parts([one], "earnings", "work", Work)
        ),
        contributions=_parts(mine, "pension_contribution", "contribution", Contribution),
        pensions=_parts(mine, "pension", "pension", Pension),
        accounts=tuple(_accounts(mine)),
        unearned=_parts(mine, "unearned_income", "income", Income),
        benefits=_parts(mine, "benefit", "benefit", Benefit),
        custody=_parts(mine, "custody", "custody", Custody),
        investments=_parts(mine, "holding", "investment", Investment),
        balances=_parts(mine, "balance", "balance", Balance)
        + _parts(mine, "account", "balance", Balance),
        declared=_parts(mine, "mortgage", "declared", Declared),
        doubtful=tuple(doubt for one in mine for doubt in _doubts(case.paying_parent, one)),
    )


def _names(mine: Iterable[Stands]) -> dict[str, str]:
    """The name of each employer that any record gives one for, by its PAYE reference."""
    names: dict[str, str] = {}
    for one in mine:
        for fact in _parts([one], one.event.type, "work", Work):
            work = fact.told
            if work.paye_reference is not None and work.employer_name is not None:
                names[work.paye_reference] = work.employer_name
    return names


def _named(work: Work, names: dict[str, str]) -> Work:
    """An employment by its employer's name, where that is known."""
    name = names.get(work.paye_reference or "")
    if work.employer_name is not None or name is None:
        return work
    return msgspec.structs.replace(work, employer_name=name)


def _is_of(person: Person, one: Stands) -> bool:
    group = one.event.groups.get("who")
    if group is None:
        return False
    who = msgspec.convert(group, Who)
    if person.nino is not None and who.nino is not None:
        return person.nino[:_NINO_WITHOUT_SUFFIX] == who.nino[:_NINO_WITHOUT_SUFFIX]
    if person.cms_reference is not None and who.cms_reference is not None:
        return person.cms_reference == who.cms_reference
    return (
        who.surname is not None
        and who.date_of_birth is not None
        and who.surname.casefold() == person.surname.casefold()
        and who.date_of_birth == person.date_of_birth
    )


def _doubts(person: Person, one: Stands) -> Iterable[Fact[Doubt]]:
    """Where a record that is tied by a number says another surname or date of birth than the case."""
    who = msgspec.convert(one.event.groups.get("who", {}), Who)
    if who.surname is not None and _letters(who.surname) != _letters(person.surname):
        yield _fact(one, Doubt("surname", who.surname, person.surname))
    born, known = who.date_of_birth, person.date_of_birth
    if born is not None and known is not None and born != known:
        yield _fact(one, Doubt("date of birth", born.isoformat(), known.isoformat()))


def _letters(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalpha())


def _parts(
    mine: Iterable[Stands], record_type: str, group: str, part: type[Part]
) -> tuple[Fact[Part], ...]:
    """One group of the records of a type; what was withheld is passed over."""
    return tuple(
        _fact(one, msgspec.convert(one.event.groups[group], part))
        for one in mine
        if one.event.type == record_type and group in one.event.groups
    )


def _accounts(mine: Iterable[Stands]) -> Iterable[Fact[Accounts]]:
    for one in mine:
        for fact in _parts([one], "accounts_statement", "statement", Statement):
            business = msgspec.convert(one.event.groups.get("business", {}), Business)
            yield _fact(one, Accounts(fact.told, business))


def _fact(one: Stands, told: Part) -> Fact[Part]:
    return Fact(
        seq=one.event.seq,
        told=told,
        source=one.event.organisation_class,
        organisation=one.event.organisation,
        submission=one.event.submission,
        on=one.event.recorded_at.date(),
        disputed=one.disputed,
    )
