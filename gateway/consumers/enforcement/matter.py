"""What one look at the feed has before it: what stands, the book, the law, and the day it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cached_property
from typing import TypeVar

import msgspec

from gateway.consumers.enforcement.book import Book, Case, Debt, EarningsOrder, Receipt
from gateway.consumers.enforcement.days import month_of
from gateway.consumers.enforcement.told import (
    CaseNumbers,
    EarningsRow,
    T,
    Told,
    Who,
    keys_of,
    same_person,
    told,
)
from gateway.consumers.proposal import Proposal, Step, day
from gateway.consumers.rates import NoRateError, Rate, Rates
from gateway.consumers.standing import Stands

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
P = TypeVar("P", Case, EarningsOrder)


class Law(msgspec.Struct, frozen=True):
    """The rates, asked for as the rules here need them: whole numbers, switches and steps."""

    rates: Rates

    def number(self, code: str, on: dt.date) -> int:
        """The whole number that a code has on a day; raises NoRateError."""
        return int(self.rates.at(code, on).value)

    def allows(self, code: str, on: dt.date) -> bool:
        """Whether a switch is on on a day; off where the tables have no line for it then."""
        found = self.line(code, on)
        return found is not None and found.value == 1

    def line(self, code: str, on: dt.date) -> Rate | None:
        """The line of a code on a day, if there is one."""
        try:
            return self.rates.at(code, on)
        except NoRateError:
            return None

    def step(self, code: str, on: dt.date, what: str, value: str, how: str) -> Step:
        """A step of a reason that stands on the line of a code."""
        rate = self.rates.at(code, on)
        return Step(
            what=what, how=how, value=value, citation=rate.citation, confidence=rate.confidence
        )


class Matter(msgspec.Struct, frozen=True, dict=True):
    """Everything the rules are given; they look at nothing else.

    What is looked up often is put in order once, so that a month of schedules takes seconds.
    """

    stands: list[Stands]
    book: Book
    law: Law
    today: dt.date

    def told(self, record_type: str, shape: type[T]) -> list[Told[T]]:
        """What stands of one record type, in the order of the feed."""
        return told(self._by_type.get(record_type, ()), record_type, shape)

    def case(self, reference: str) -> Case:
        """A case that the book is known to have."""
        return self._cases[reference]

    def cases_of(self, who: Who, numbers: CaseNumbers) -> list[Case]:
        """The cases that something told is about: the one it names, else those of the person."""
        named = self._cases.get(numbers.reference or "")
        return [named] if named is not None else _those(self._cases_by_person, who)

    def orders_of(self, who: Who) -> list[EarningsOrder]:
        """The earnings orders about somebody, in the order of the book."""
        return _those(self._orders_by_person, who)

    def receipts(self, order: str, month: str) -> list[Receipt]:
        """What the bank received under an earnings order for a month of deduction."""
        return self._receipts.get((order, month), [])

    def earnings_of(self, order: EarningsOrder) -> list[Told[EarningsRow]]:
        """What was told of the pay of an order's employee, in the order of the feed."""
        found = {
            one.seq: one
            for key in keys_of(order.nino, order.cms_reference)
            for one in self._earnings_by_person.get(key, ())
            if same_person(one.said.who, order.nino, order.cms_reference)
        }
        return [found[seq] for seq in sorted(found)]

    def organisations_of(self, employer: str) -> frozenset[str]:
        """Under which names on the gateway the book knows an employer."""
        return frozenset(
            order.organisation
            for order in self._orders_by_employer.get(employer, ())
            if order.organisation is not None
        )

    def debts_of(self, case: str) -> list[Debt]:
        """The debts of a case."""
        return self._debts.get(case, [])

    @cached_property
    def _by_type(self) -> dict[str, list[Stands]]:
        return _grouped(self.stands, lambda one: (one.event.type,))

    @cached_property
    def _cases(self) -> dict[str, Case]:
        return {case.reference: case for case in self.book.case}

    @cached_property
    def _cases_by_person(self) -> dict[str, list[Case]]:
        return _grouped(self.book.case, lambda case: keys_of(case.nino, case.cms_reference))

    @cached_property
    def _orders_by_person(self) -> dict[str, list[EarningsOrder]]:
        return _grouped(
            self.book.earnings_order, lambda order: keys_of(order.nino, order.cms_reference)
        )

    @cached_property
    def _orders_by_employer(self) -> dict[str, list[EarningsOrder]]:
        return _grouped(self.book.earnings_order, lambda order: (order.employer,))

    @cached_property
    def _receipts(self) -> dict[tuple[str, str], list[Receipt]]:
        return _grouped(
            self.book.receipt,
            lambda one: (
                ((one.order, month_of(one.deducted_in)),) if one.order and one.deducted_in else ()
            ),
        )

    @cached_property
    def _earnings_by_person(self) -> dict[str, list[Told[EarningsRow]]]:
        return _grouped(
            self.told("earnings", EarningsRow),
            lambda one: keys_of(one.said.who.nino, one.said.who.cms_reference),
        )

    @cached_property
    def _debts(self) -> dict[str, list[Debt]]:
        return _grouped(self.book.debt, lambda debt: (debt.case,))


def _grouped(things: Iterable[V], keys: Callable[[V], Iterable[K]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for thing in things:
        for key in keys(thing):
            found.setdefault(key, []).append(thing)
    return found


def _those(index: dict[str, list[P]], who: Who) -> list[P]:
    """Those of an index that are about somebody, each once, in the order of the book."""
    found: list[P] = []
    for key in keys_of(who.nino, who.cms_reference):
        for one in index.get(key, ()):
            if one not in found and same_person(who, one.nino, one.cms_reference):
                found.append(one)
    return found


def worked(about: str, found: Iterator[Proposal]) -> Iterator[Proposal]:
    """What was found of one thing; where the tables lack a line for its day, that, and the rest goes on."""
    try:
        yield from found
    except NoRateError as error:
        how = f"{str(error).capitalize()}. What rests on it is not worked out; enter it in schemas/rates."
        step = fact("No law in the tables", "not worked", how)
        lacks = {"rate": error.code, "on": day(error.on)}
        yield Proposal(code="NO_LAW", about=about, figures=lacks, steps=(step,))


def fact(what: str, value: str, how: str) -> Step:
    """A step that is no law: what the book or a record says, and how we read it."""
    return Step(
        what=what,
        how=how,
        value=value,
        citation="The department's records and the feed",
        confidence="P",
    )
