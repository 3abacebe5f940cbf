"""Who a record is about, where they are, and what ties it to a case."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from gateway.core.groups.group import Group


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
    former_names: tuple[str, ...] = ()
    payroll_number: str | None = None
    nationality: str | None = None
    identifiers: tuple[Identifier, ...] = ()


class Where(Group, frozen=True, kw_only=True):
    """A postal address; `since` and `until` are the days it held."""

    kind: str | None = None
    lines: tuple[str, ...] = ()
    town: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None


class Contact(Group, frozen=True, kw_only=True):
    """Ways to reach somebody other than by post."""

    phones: tuple[str, ...] = ()
    email: str | None = None


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


class Change(Group, frozen=True, kw_only=True):
    """What became of a record that was sent before: which one, and what holds of it now."""

    submission: str
    row: int | None = None
    status: Literal["disputed", "incorrect", "withdrawn", "superseded"]
    reason: str | None = None
    replaced_by: str | None = None
