"""What a disclosure group holds, as its type says it: members, their kinds, bounds and needs.

Tables and JSON lines are both read by this, so that the same rules hold for both. Nothing is listed
here by hand but names that carry an identifier, pairs of days, and what the type cannot say, which
is in `schemas/columns.toml`.
"""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from gateway.core import identifiers, rules
from gateway.core.groups.group import PENCE_MOST, Group
from gateway.core.rules import Rule

PENCE: Final = "_pence"
# A number without bounds of its own.
_COUNT_MOST: Final = 1_000_000_000


class Kind(enum.Enum):
    """What a value is; the words are for people."""

    TEXT = "text"
    CODE = "one of a list"
    DATE = "date"
    MONEY = "pounds and pence"
    COUNT = "whole number"
    YES_NO = "yes or no"
    IDENTIFIER = "identifier"


class Identifier(NamedTuple):
    """An identifier that has a canonical form; `digits` where it has just so many, and no letters."""

    canonical: Callable[[str], str]
    digits: int | None = None


def _paye_reference(text: str) -> str:
    """As `identifiers.paye_reference`, or its second half, where the tax office is held apart."""
    plain = text.replace(" ", "").upper()
    if plain.isascii() and plain.isalnum() and len(plain) <= 10:
        return plain
    return identifiers.paye_reference(text)


IDENTIFIERS: Final[dict[str, Identifier]] = {
    "nino": Identifier(identifiers.nino),
    "cms_reference": Identifier(identifiers.cms_reference, 12),
    "postcode": Identifier(identifiers.postcode),
    "paye_reference": Identifier(_paye_reference),
    "iban": Identifier(identifiers.iban),
    "sort_code": Identifier(identifiers.sort_code, 6),
    "isin": Identifier(identifiers.isin),
    "registration": Identifier(identifiers.vehicle_registration),
    "tax_year": Identifier(identifiers.tax_year),
    # Only an account's number is one; other numbers, such as a passport's, are texts.
    "Account.number": Identifier(identifiers.account_number, 8),
}
IDENTIFIER_RULES: Final[dict[str, Rule]] = {
    rule.code: rule
    for rule in (
        rules.NINO_NOT_VALID,
        rules.NINO_TEMPORARY,
        rules.CMS_REFERENCE_NOT_VALID,
        rules.POSTCODE_NOT_VALID,
        rules.PAYE_REFERENCE_NOT_VALID,
        rules.IBAN_NOT_VALID,
        rules.SORT_CODE_NOT_VALID,
        rules.ACCOUNT_NUMBER_NOT_VALID,
        rules.ISIN_NOT_VALID,
        rules.REGISTRATION_NOT_VALID,
        rules.TAX_YEAR_NOT_VALID,
    )
}

# Of two days of one group, the one that comes first.
DAYS_IN_ORDER: Final = (
    ("period_start", "period_end"),
    ("since", "until"),
    ("role_from", "role_to"),
    ("start_date", "leave_date"),
    ("opened", "closed"),
    ("started", "ended"),
    ("started", "ends"),
    ("supplied_from", "supplied_to"),
    ("keeper_since", "keeper_until"),
    ("cover_from", "cover_to"),
    ("issued", "expires"),
    ("made_on", "ends_on"),
    ("since", "released"),
    ("first_pay_date", "last_pay_date"),
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without parts: its kind, its bounds if it is a number, its codes or its identifier."""

    kind: Kind
    low: int = 0
    high: int = 0
    codes: tuple[str, ...] = ()
    identifier: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a group: a value, or a group within it; `many` says that it is a list of them."""

    name: str
    inner: Leaf | GroupShape
    many: bool
    required: bool
    default: Any


@dataclass(frozen=True, slots=True, eq=False)  # there is one for each type, and it is looked up by
class GroupShape:
    """A group: its fields in order, which it needs any one of, and which days follow which."""

    cls: type[Group]
    members: tuple[Member, ...]
    required: frozenset[str]
    needs: frozenset[str]
    days: tuple[tuple[str, str], ...]


@cache
def words() -> dict[str, Any]:
    """The table of what the types cannot say, as it is installed."""
    return tomllib.loads((files("schemas") / "columns.toml").read_text(encoding="utf-8"))


@cache
def shape_of(cls: type[Group]) -> GroupShape:
    """The shape of a group's type; raises TypeError for a field of a kind that no table can hold."""
    told = inspect.type_info(cls)
    assert isinstance(told, inspect.StructType)
    members = tuple(_member(cls, field) for field in told.fields)
    names = {member.name for member in members}
    required = frozenset(member.name for member in members if member.required)
    listed = words()["needs"].get(cls.__name__)
    needs = frozenset(names if listed is None and not required else listed or ())
    if not needs <= names:
        raise TypeError(f"{cls.__name__} is said to need what it does not have")
    days = tuple(pair for pair in DAYS_IN_ORDER if names.issuperset(pair))
    return GroupShape(cls, members, required, needs, days)


def _member(cls: type[Group], field: inspect.Field) -> Member:
    found = field.type
    if isinstance(found, inspect.UnionType):
        (found,) = (one for one in found.types if not isinstance(one, inspect.NoneType))
    many = isinstance(found, inspect.VarTupleType)
    if isinstance(found, inspect.VarTupleType):
        found = found.item_type
    inner: Leaf | GroupShape
    if isinstance(found, inspect.StructType):
        inner = shape_of(found.cls)
    else:
        inner = _leaf(cls.__name__, field.name, found)
    default = () if many else field.default
    return Member(
        field.name, inner, many, field.required, None if default is msgspec.NODEFAULT else default
    )


def _leaf(group: str, name: str, found: inspect.Type) -> Leaf:
    match found:
        case inspect.LiteralType():
            return Leaf(Kind.CODE, codes=tuple(str(value) for value in found.values))
        case inspect.DateType():
            return Leaf(Kind.DATE)
        case inspect.BoolType():
            return Leaf(Kind.YES_NO)
        case inspect.IntType() if name.endswith(PENCE):
            low = -PENCE_MOST if found.ge is None else found.ge
            return Leaf(Kind.MONEY, low, PENCE_MOST if found.le is None else found.le)
        case inspect.IntType():
            return Leaf(Kind.COUNT, found.ge or 0, _COUNT_MOST if found.le is None else found.le)
        case inspect.StrType():
            known = IDENTIFIERS.get(f"{group}.{name}", IDENTIFIERS.get(name))
            return Leaf(Kind.TEXT if known is None else Kind.IDENTIFIER, identifier=known)
        case _:
            raise TypeError(f"{group}.{name} is of a kind that no table holds")
