"""What one look at the feed has before it: what stands, the book, the law, and the day it is."""

from __future__ import annotations

import datetime as dt

import msgspec

from gateway.consumers.enforcement.book import Book, Case
from gateway.consumers.enforcement.told import CaseNumbers, T, Told, Who, same_person, told
from gateway.consumers.proposal import Step
from gateway.consumers.rates import NoRateError, Rate, Rates
from gateway.consumers.standing import Stands


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


class Matter(msgspec.Struct, frozen=True):
    """Everything the rules are given; they look at nothing else."""

    stands: list[Stands]
    book: Book
    law: Law
    today: dt.date

    def told(self, record_type: str, shape: type[T]) -> list[Told[T]]:
        """What stands of one record type, in the order of the feed."""
        return told(self.stands, record_type, shape)

    def case(self, reference: str) -> Case:
        """A case that the book is known to have."""
        return next(case for case in self.book.case if case.reference == reference)

    def cases_of(self, who: Who, numbers: CaseNumbers) -> list[Case]:
        """The cases that something told is about: the one it names, else those of the person."""
        named = [case for case in self.book.case if case.reference == numbers.reference]
        return named or [
            case for case in self.book.case if same_person(who, case.nino, case.cms_reference)
        ]


def fact(what: str, value: str, how: str) -> Step:
    """A step that is no law: what the book or a record says, and how we read it."""
    return Step(
        what=what,
        how=how,
        value=value,
        citation="The department's records and the feed",
        confidence="P",
    )
