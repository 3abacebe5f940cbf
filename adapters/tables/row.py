"""Rows to records: what a header says is worked out once, a row is then a few look-ups.

A row is first read as if all were well. One that is not is read again, slowly, for every rule it
breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from adapters.syntax.conventions import Conventions, Rows, Spelt
from adapters.syntax.values import is_text
from adapters.tables.cells import Read, WrongError, reader, unquoted
from adapters.tables.shape import GroupShape, Kind
from adapters.tables.template import RECORD_TYPE, ROW_KEY, Column, Part, Template
from gateway.core import rules
from gateway.core.groups.group import Group
from gateway.core.limits import ROW_KEY_CHARS
from gateway.core.record import Note, Record, RowError
from gateway.core.rules import Rule

# Errors told of one row; beyond them it is another kind of file.
ROW_FAULTS_TOLD: Final = 20

_SPELT: Final = {Kind.DATE: Spelt.DATE, Kind.MONEY: Spelt.MONEY}

Fault = tuple[Rule, str]


class _Cell(NamedTuple):
    """A column of a group as a header has it."""

    place: int
    column: Column
    read: Read


class _Group:
    """The columns of one group that a header has."""

    def __init__(self, part: Part, cells: list[_Cell]) -> None:
        self.name, self.shape, self.required = part
        self.cells = cells
        self.texts_of = _getter([cell.place for cell in cells])
        self.plain = all(len(cell.column.path) == 1 for cell in cells)
        self.fields: list[Any] = [
            cell.column.path[0] if len(cell.column.path) == 1 else cell.column.path
            for cell in cells
        ]
        self.reads = [cell.read for cell in cells]
        self.texts: tuple[str, ...] = ()
        self.group: Group | None = None

    def read(self, texts: tuple[str, ...]) -> Group | None:
        """The group of these cells; raises ValueError or TypeError where anything is wrong."""
        if texts == self.texts:
            return self.group
        values = {
            field: read(text)
            for text, field, read in zip(texts, self.fields, self.reads, strict=True)
            if text
        }
        group = self._made(values) if values else None
        self.texts, self.group = texts, group
        return group

    def _made(self, values: dict[Any, Any]) -> Group:
        if not self.plain:
            values, faults = nested(self.shape, values)
            if faults:
                raise ValueError
        shape = self.shape
        if shape.needs and shape.needs.isdisjoint(values):
            raise ValueError
        for first, last in shape.days:
            if first in values and last in values and values[last] < values[first]:
                raise ValueError
        return shape.cls(**values)


def _getter(places: list[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """What takes the cells at some places out of a row; itemgetter gives one without a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda cells: tuple(cells[place] for place in places)


class RowReader:
    """Reads the rows of one file under one header; `rows` opens the file again for its rows."""

    def __init__(self, template: Template, header: Sequence[str], rows: Rows) -> None:
        columns = [template.by_name[name] for name in header]
        self.template = template
        self.header = tuple(header)
        self.width = len(header)
        self.key_place = header.index(ROW_KEY) if ROW_KEY in header else None
        self._type_place = header.index(RECORD_TYPE) if RECORD_TYPE in header else None
        kinds = {
            place: (one.name, _SPELT[one.leaf.kind])
            for place, one in enumerate(columns)
            if one.leaf.kind in _SPELT
        }
        self._conventions = Conventions(rows, kinds)
        cells = [
            _Cell(place, column, reader(column.leaf, self._conventions, place))
            for place, column in enumerate(columns)
        ]
        self._settling = {
            cell.place: cell for cell in cells if cell.column.leaf.kind in {Kind.DATE, Kind.MONEY}
        }
        found = {
            name: list(of_group)
            for name, of_group in groupby(
                sorted(cells, key=lambda cell: cell.column.group),
                key=lambda cell: cell.column.group,
            )
        }
        self._groups = [
            _Group(part, found.get(part.name, []))
            for part in template.parts
            if part.required or part.name in found
        ]

    def notes(self) -> Iterator[Note]:
        """What was assumed of the columns, once all rows are read."""
        return self._conventions.notes()

    def settled(self, place: int, text: str) -> Any:
        """The date or amount that a cell is, by what its whole column says; nothing where it is none."""
        cell = self._settling.get(place)
        if cell is None or not text.strip():
            return None
        try:
            return cell.read(text)
        except WrongError:
            return None

    def read(self, number: int, cells: Sequence[str]) -> Record | list[RowError]:
        """The record of a row that is as wide as the header, or its errors."""
        key = None
        if self.key_place is not None and cells[self.key_place]:
            key = cells[self.key_place]
            if (
                len(key) > ROW_KEY_CHARS
                or not key.isprintable()
                or key != key.strip()
                or key[0] == "'"
            ):
                return self._slow(number, cells)
        if self._type_place is not None and cells[self._type_place] != self.template.name:
            return self._slow(number, cells)
        groups: dict[str, Group] = {}
        try:
            for part in self._groups:
                group = part.read(part.texts_of(cells))
                if group is not None:
                    groups[part.name] = group
            return self.template.record(row=number, key=key, **groups)
        except (ValueError, TypeError):
            return self._slow(number, cells)

    def _slow(self, number: int, cells: Sequence[str]) -> Record | list[RowError]:
        """A row again, cell by cell; its record, if nothing was wrong but spaces."""
        trimmed = [cell.strip() for cell in cells]
        key, faults = self._key(trimmed)
        if self._type_place is not None and _plain(trimmed[self._type_place]) != self.template.name:
            faults.append((rules.RECORD_TYPE_NOT_KNOWN, RECORD_TYPE))
        groups: dict[str, Any] = {}
        for part in self._groups:
            groups[part.name] = self._group(part, trimmed, faults)
        if not faults:
            present = {name: group for name, group in groups.items() if group is not None}
            return self.template.record(row=number, key=key, **present)
        told: dict[str, Rule] = {}
        for rule, field in faults:
            told.setdefault(field, rule)
        named = list(told.items())[:ROW_FAULTS_TOLD]
        return [rule.broken(number, field, key) for field, rule in named]

    def key_of(self, cells: Sequence[str]) -> str | None:
        """The sender's own name of a row, if it is one that can be told."""
        if self.key_place is None or self.key_place >= len(cells):
            return None
        key = unquoted(cells[self.key_place].strip())
        return key if key and is_text(key, ROW_KEY_CHARS) else None

    def _key(self, cells: Sequence[str]) -> tuple[str | None, list[Fault]]:
        key = self.key_of(cells)
        if key is None and self.key_place is not None and cells[self.key_place]:
            return None, [(rules.KEY_NOT_VALID, ROW_KEY)]
        return key, []

    def _group(self, part: _Group, cells: Sequence[str], faults: list[Fault]) -> Group | None:
        values: dict[Any, Any] = {}
        wrong: set[Any] = set()
        for cell, field in zip(part.cells, part.fields, strict=True):
            text = cells[cell.place]
            if not text:
                continue
            try:
                values[field] = cell.read(text)
            except WrongError as error:
                wrong.add(field)
                faults.append((error.rule, cell.column.name))
        if not values and not wrong and not part.required:
            return None
        names = {field if isinstance(field, str) else field[0] for field in wrong}
        known = {str(cell.column.path[0]) for cell in part.cells}
        made, inner = nested(part.shape, values)
        faults += [(rules.VALUE_MISSING, self._name(part, path)) for path in inner]
        faults += [
            (rule, self._name(part, (field,)))
            for field, rule in lacking(part.shape, made, names, known)
        ]
        return None if faults else part.shape.cls(**made)

    def _name(self, part: _Group, path: tuple[Any, ...]) -> str:
        """The column of a path, or the first that begins with it."""
        for column in self.template.columns:
            if column.group == part.name and column.path[: len(path)] == path:
                return column.name
        return part.name


def _plain(text: str) -> str:
    return text.lower().replace(" ", "_").replace("-", "_")


def lacking(
    shape: GroupShape, values: dict[str, Any], wrong: set[str], known: set[str]
) -> Iterator[tuple[str, Rule]]:
    """What is wrong with a group as a whole; `wrong` are fields that are there and cannot be read.

    Where any of several fields would do, the error is at the first of those that are `known`.
    """
    present = values.keys() | wrong
    for member in shape.members:
        if member.required and member.name not in present:
            yield member.name, rules.VALUE_MISSING
    if shape.needs and shape.needs.isdisjoint(present):
        listed = [member.name for member in shape.members if member.name in shape.needs]
        yield next((name for name in listed if name in known), listed[0]), rules.VALUE_MISSING
    for first, last in shape.days:
        if first in values and last in values and values[last] < values[first]:
            yield last, rules.PERIOD_REVERSED


def nested(
    shape: GroupShape, values: dict[Any, Any], path: tuple[Any, ...] = ()
) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Fields of a group from values by their paths; with them the paths of what is missing within.

    A path of one step may be its bare name. The items of a list stand in the order of their columns.
    """
    flat: dict[str, Any] = {}
    deep: dict[str, dict[Any, Any]] = {}
    for where, value in values.items():
        if isinstance(where, str):
            flat[where] = value
        elif len(where) == 1:
            flat[where[0]] = value
        else:
            deep.setdefault(where[0], {})[where[1:]] = value
    missing: list[tuple[Any, ...]] = []
    for member in shape.members:
        inside = deep.get(member.name)
        if inside is None:
            continue
        if not member.many:
            assert isinstance(member.inner, GroupShape)
            flat[member.name] = _inner(member.inner, inside, (*path, member.name), missing)
            continue
        items: dict[int, dict[Any, Any]] = {}
        for where, value in inside.items():
            items.setdefault(where[0], {})[where[1:]] = value
        flat[member.name] = tuple(
            _inner(member.inner, item, (*path, member.name, number), missing)
            if isinstance(member.inner, GroupShape)
            else item[()]
            for number, item in sorted(items.items())
        )
    return flat, missing


def _inner(
    shape: GroupShape, values: dict[Any, Any], path: tuple[Any, ...], missing: list[tuple[Any, ...]]
) -> Group | None:
    made, below = nested(shape, values, path)
    missing += below
    found = [(*path, name) for name, _ in lacking(shape, made, set(), set())]
    missing += found
    return None if below or found else shape.cls(**made)
