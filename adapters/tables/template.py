"""The template of each record type: its columns, made from the groups it has.

A column is named as its field, or `<group>_<field>` where another group of the record has a field of
that name. Money loses its `_pence`; where that makes it the name of another field of its group, it
ends in `_amount`. A list becomes numbered columns, a value within a value is named after both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from msgspec import inspect

from adapters.tables.shape import PENCE, GroupShape, Kind, Leaf, Member, shape_of, words
from gateway.core.record import Record
from gateway.core.records import RECORD_TYPES

ROW_KEY: Final = "row_key"
RECORD_TYPE: Final = "record_type"
# A row that shows how to fill in a template, and is not read.
EXAMPLE: Final = "EXAMPLE"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where in the record its value goes, and what it is.

    `path` leads from the group; a number in it counts the items of a list, from 0. `group` is empty
    for the two columns that every template has beside those of its groups.
    """

    name: str
    group: str
    path: Path
    leaf: Leaf
    required: bool
    words: str


class Part(NamedTuple):
    """A group of a record type, and whether every record has it."""

    name: str
    shape: GroupShape
    required: bool


@dataclass(frozen=True, slots=True)
class Template:
    """The columns of one record type."""

    record: type[Record]
    parts: tuple[Part, ...]
    columns: tuple[Column, ...]
    by_name: dict[str, Column]
    required: frozenset[str]
    any_of: tuple[frozenset[str], ...]

    @property
    def name(self) -> str:
        """The record type, and the name of its sheet."""
        return self.record.type_name

    def lacks(self, names: Collection[str]) -> list[str]:
        """What a header lacks: a column, or the choice of several, joined by `or`."""
        found = [column.name for column in self.columns if column.name in self.required]
        missing = [name for name in found if name not in names]
        return missing + [
            " or ".join(column.name for column in self.columns if column.name in choice)
            for choice in self.any_of
            if choice.isdisjoint(names)
        ]

    def fits(self, names: Collection[str]) -> bool:
        """Whether a header is one of this type: every name known, and nothing lacking."""
        return self.by_name.keys() >= set(names) and not self.lacks(names)


class _Raw(NamedTuple):
    group: str
    path: Path
    base: str
    money_base: str
    leaf: Leaf
    required: bool
    words: str


@cache
def template(name: str) -> Template:
    """The template of a record type; raises KeyError."""
    record = RECORD_TYPES[name]
    told = inspect.type_info(record)
    assert isinstance(told, inspect.StructType)
    parts = tuple(
        Part(field.name, _shape(field), field.required)
        for field in told.fields
        if field.name in record.group_names
    )
    raw = [column for part in parts for column in _raw_columns(part)]
    taken = Counter(column.base for column in raw)
    shown = [_named(column, taken) for column in raw]
    columns = (*_always(), *shown)
    by_name = {column.name: column for column in columns}
    if len(by_name) != len(columns):
        raise TypeError(f"two columns of {name} have one name")
    needed = frozenset(column.name for column in columns if column.required)
    if name in words()["told_by"][RECORD_TYPE]:
        needed |= {RECORD_TYPE}
    any_of = tuple(
        frozenset(
            column.name
            for column in shown
            if column.group == part.name and column.path[0] in part.shape.needs
        )
        for part in parts
        if part.required and part.shape.needs
    )
    return Template(record, parts, columns, by_name, needed, any_of)


@cache
def templates() -> tuple[Template, ...]:
    """Every template, by name of the record type."""
    return tuple(template(name) for name in sorted(RECORD_TYPES))


def _always() -> tuple[Column, Column]:
    told = words()["row"]
    names = Leaf(Kind.CODE, codes=tuple(sorted(RECORD_TYPES)))
    return (
        Column(ROW_KEY, "", (), Leaf(Kind.TEXT), required=False, words=told[ROW_KEY]),
        Column(RECORD_TYPE, "", (), names, required=False, words=told[RECORD_TYPE]),
    )


def _shape(field: inspect.Field) -> GroupShape:
    found = field.type
    if isinstance(found, inspect.UnionType):
        (found,) = (one for one in found.types if not isinstance(one, inspect.NoneType))
    assert isinstance(found, inspect.StructType)
    return shape_of(found.cls)


def _raw_columns(part: Part) -> list[_Raw]:
    """The columns of one group, before it is known which names another group has too."""
    found = list(_walk(part.name, part.shape, (), "", "", required=part.required))
    taken = Counter(column.base for column in found)
    return [
        column._replace(base=column.money_base) if taken[column.base] > 1 else column
        for column in found
    ]


def _walk(
    group: str, shape: GroupShape, path: Path, prefix: str, told: str, *, required: bool
) -> Iterator[_Raw]:
    meanings = words()[shape.cls.__name__]
    for member in shape.members:
        meaning = f"{told}: {meanings[member.name]}" if told else meanings[member.name]
        for step, called, counted in _steps(member):
            where = (*path, *step)
            if isinstance(member.inner, GroupShape):
                yield from _walk(
                    group, member.inner, where, f"{prefix}{called}_", meaning + counted,
                    required=False,
                )  # fmt: skip
                continue
            base = prefix + called.removesuffix(PENCE)
            amount = f"{base}_amount" if called.endswith(PENCE) else base
            needed = required and member.required
            yield _Raw(group, where, base, amount, member.inner, needed, meaning + counted)


def _steps(member: Member) -> Iterator[tuple[Path, str, str]]:
    """Where the columns of a member lead, what they are called, and what number is said of them."""
    if not member.many:
        yield (member.name,), member.name, ""
        return
    called = words()["called"].get(member.name, member.name)
    for number in range(words()["columns_of"][member.name]):
        yield (member.name, number), f"{called}_{number + 1}", f" ({number + 1})"


def _named(raw: _Raw, taken: Counter[str]) -> Column:
    name = raw.base if taken[raw.base] == 1 else f"{raw.group}_{raw.base}"
    return Column(name, raw.group, raw.path, raw.leaf, raw.required, raw.words)


def header_names(cells: Collection[Any]) -> tuple[str, ...]:
    """The names of a header as the templates write them, without empty cells at its end."""
    names = [str(cell).strip().lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)
