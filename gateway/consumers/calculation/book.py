"""What the department's own systems know of cases, and the feed does not: children, nights, dates.

It is read from TOML, strictly: a member that is not known is refused, so that a slip of the pen does
not become a wrong amount. Amounts are pence.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Annotated, Literal

import msgspec

from gateway.consumers.keys import CmsReference, Nino

Ground = Literal["unearned_income", "assets"]
NilGroup = Literal["child", "young_on_benefit", "training", "care_home"]
Pence = Annotated[int, msgspec.Meta(ge=0)]
Nights = Annotated[int, msgspec.Meta(ge=0, le=366)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+\Z")]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Person(_Strict, frozen=True, kw_only=True):
    """The paying parent, by what a record can be tied to them with."""

    surname: str
    date_of_birth: dt.date | None = None
    nino: Nino | None = None
    cms_reference: CmsReference | None = None


class Child(_Strict, frozen=True, kw_only=True):
    """A qualifying child: who receives for it, and its nights a year with the paying parent."""

    receiving_parent: Name
    nights: Nights = 0


class Present(_Strict, frozen=True, kw_only=True):
    """The calculation now in force: the gross weekly income that it rests on."""

    income_pence: Pence


class Variation(_Strict, frozen=True, kw_only=True):
    """A variation: asked for, or agreed to by an officer."""

    ground: Ground
    status: Literal["requested", "agreed"]


class Case(_Strict, frozen=True, kw_only=True):
    """A case as the department knows it.

    `hmrc_asked_on` is the day on which HMRC was last asked, where that is on file; without it the
    day of HMRC's answer stands for it. Cases of the schemes of 1993 and 2003 are arrears alone.
    """

    reference: Name
    paying_parent: Person
    effective_date: dt.date
    child: Annotated[tuple[Child, ...], msgspec.Meta(min_length=1)]
    scheme: Literal[1993, 2003, 2012] = 2012
    service: Literal["direct_pay", "collect_and_pay"] = "direct_pay"
    relevant_other_children: Annotated[int, msgspec.Meta(ge=0)] = 0
    on_prescribed_benefit: bool = False
    nil_group: NilGroup | None = None
    asks_pension_deduction: bool = False
    hmrc_asked_on: dt.date | None = None
    review_date: dt.date | None = None
    present: Present | None = None
    variation: tuple[Variation, ...] = ()

    def variation_status(self, ground: Ground) -> Literal["requested", "agreed"] | None:
        """How a variation on a ground stands; None where nobody asked for one."""
        found = {variation.status for variation in self.variation if variation.ground == ground}
        if "agreed" in found:
            return "agreed"
        return "requested" if found else None


class Book(_Strict, frozen=True, kw_only=True):
    """All cases that calculation knows."""

    case: tuple[Case, ...] = ()


def read_book(text: str) -> Book:
    """A book from TOML.

    Raises ValueError for what is no TOML, for what is not of this shape, and for two cases of one
    reference.
    """
    book = msgspec.convert(tomllib.loads(text), Book)
    references = [case.reference for case in book.case]
    for reference in references:
        if references.count(reference) > 1:
            raise ValueError(f"case {reference} stands twice")
    return book
