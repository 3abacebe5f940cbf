"""Facts of living: supplies, vehicles, schools, care, custody, credit and passports."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from gateway.core.groups.group import Count, Group, Pence


class Supply(Group, frozen=True, kw_only=True):
    """Gas or electricity supplied at an address."""

    fuel: Literal["gas", "electricity", "both"]
    account_reference: str | None = None
    is_bill_payer: bool | None = None
    supplied_from: dt.date | None = None
    supplied_to: dt.date | None = None


class Vehicle(Group, frozen=True, kw_only=True):
    """A vehicle, and since when somebody has kept it."""

    registration: str
    make: str | None = None
    model: str | None = None
    colour: str | None = None
    keeper_since: dt.date | None = None
    keeper_until: dt.date | None = None


class Cover(Group, frozen=True, kw_only=True):
    """Who insures a vehicle."""

    insurer: str | None = None
    policy: str | None = None
    cover_from: dt.date | None = None
    cover_to: dt.date | None = None


class School(Group, frozen=True, kw_only=True):
    """Whether a child is at a school, and in approved education."""

    school: str
    urn: str | None = None
    status: Literal["enrolled", "left", "never_enrolled", "excluded"]
    is_approved_education: bool | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    course: str | None = None


class Care(Group, frozen=True, kw_only=True):
    """How much of the day-to-day care of a child somebody has; nights in a year."""

    nights_per_year: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    pattern: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None


class Custody(Group, frozen=True, kw_only=True):
    """Whether somebody is in prison, and until when."""

    status: Literal["remand", "sentenced", "licence", "released", "not_in_custody"]
    establishment: str | None = None
    prison_number: str | None = None
    since: dt.date | None = None
    release_expected: dt.date | None = None
    released: dt.date | None = None


class Credit(Group, frozen=True, kw_only=True):
    """What a credit reference agency links an address or a person to."""

    source: str | None = None
    last_confirmed: dt.date | None = None
    is_on_electoral_roll: bool | None = None
    associations: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Debts(Group, frozen=True, kw_only=True):
    """What a credit reference agency knows of accounts and judgments."""

    accounts_active: Count | None = None
    judgments: Count | None = None
    judgments_pence: Pence | None = None
    last_judgment_on: dt.date | None = None


class Passport(Group, frozen=True, kw_only=True):
    """A passport."""

    number: str
    country: str | None = None
    issued: dt.date | None = None
    expires: dt.date | None = None
    status: Literal["valid", "expired", "cancelled", "surrendered", "lost", "none_held"] | None = (
        None
    )


class Disqualification(Group, frozen=True, kw_only=True):
    """That somebody may not hold or obtain a passport (Child Support Act 1991 s39B)."""

    order: str
    court: str | None = None
    made_on: dt.date | None = None
    ends_on: dt.date | None = None
    status: Literal["in_force", "suspended", "ended", "set_aside"] | None = None
    surrendered_on: dt.date | None = None
