"""Any record as JSON lines: one record to a line, in the shape of `schemas/json`, types mixed.

    {"type":"employment","key":"0017","who":{"surname":"Marsh"},"work":{"employer_name":"Example Ltd"}}

`type` says what it is, `key` is the sender's own name of the row, and `row` is left out: it is the
number of the line. Money is integer pence and dates are YYYY-MM-DD, as in the schemas. A line that
is wrong is refused alone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from adapters.syntax.lines import lines
from adapters.syntax.values import day_of, is_text
from adapters.tables.cells import WrongError, identifiers
from adapters.tables.excerpt_jsonl import excerpt
from adapters.tables.records_csv import example_note
from adapters.tables.row import ROW_FAULTS_TOLD, Fault, lacking
from adapters.tables.shape import GroupShape, Kind, Leaf, Member
from adapters.tables.template import EXAMPLE, Template, template
from gateway.core import rules
from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.groups.group import Group
from gateway.core.limits import (
    MIB,
    RECORD_LINE_BYTES,
    RECORD_LIST_ITEMS,
    RECORD_TEXT_CHARS,
    ROW_KEY_CHARS,
)
from gateway.core.record import Item, Record, RowError
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Refused
from gateway.core.rules import Rule
from gateway.core.strict_json import strict_object

_NUMBER_RULES: Final = {Kind.MONEY: rules.SHAPE_NOT_VALID, Kind.COUNT: rules.NUMBER_NOT_VALID}
_RECORD: Final = re.compile(rb'[ \t]*\{.{0,500}?"type"[ \t]*:[ \t]*"([a-z_]{1,40})"', re.DOTALL)


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Read the lines of a body; blank lines are counted and passed over."""
    for number, line in enumerate(lines(body, RECORD_LINE_BYTES), start=1):
        if line is None:
            yield rules.LINE_NOT_VALID.broken(number, "line")
        elif line.strip():
            yield from _line(number, line)


def _line(number: int, line: bytes) -> Iterator[Item]:
    try:
        told = strict_object(line)
    except Refused:
        yield rules.LINE_NOT_VALID.broken(number, "line")
        return
    key = told.pop("key", None)
    if key == EXAMPLE:
        yield example_note(number)
        return
    faults: list[Fault] = []
    if key is not None and not (isinstance(key, str) and key and is_text(key, ROW_KEY_CHARS)):
        key = None
        faults.append((rules.KEY_NOT_VALID, "key"))
    name = told.pop("type", None)
    if not isinstance(name, str) or name not in RECORD_TYPES:
        yield rules.RECORD_TYPE_NOT_KNOWN.broken(number, "type", key)
        return
    record = _record(number, key, template(name), told, faults)
    if record is not None:
        yield record
    else:
        yield from _errors(number, key, faults)


def _errors(number: int, key: str | None, faults: list[Fault]) -> Iterator[RowError]:
    told: dict[str, Rule] = {}
    for rule, field in faults:
        told.setdefault(field, rule)
    for field, rule in list(told.items())[:ROW_FAULTS_TOLD]:
        yield rule.broken(number, field, key)


def _record(
    number: int, key: str | None, one: Template, told: dict[str, Any], faults: list[Fault]
) -> Record | None:
    groups: dict[str, Group] = {}
    for part in one.parts:
        if part.name in told:
            group = _group(part.shape, told.pop(part.name), part.name, faults)
            if group is not None:
                groups[part.name] = group
        elif part.required:
            faults.append((rules.VALUE_MISSING, part.name))
    if told:
        faults.append((rules.MEMBER_NOT_KNOWN, "record"))
    return None if faults else one.record(row=number, key=key, **groups)


@cache
def _members(shape: GroupShape) -> dict[str, Member]:
    return {member.name: member for member in shape.members}


def _group(shape: GroupShape, told: Any, where: str, faults: list[Fault]) -> Group | None:
    """A group of its members; a name that is not known is not told."""
    if not isinstance(told, dict):
        faults.append((rules.SHAPE_NOT_VALID, where))
        return None
    members = _members(shape)
    values: dict[str, Any] = {}
    wrong: set[str] = set()
    before = len(faults)
    for name, value in told.items():
        member = members.get(name)
        if member is None:
            faults.append((rules.MEMBER_NOT_KNOWN, where))
            continue
        try:
            values[name] = _value(member, value, f"{where}.{name}", faults)
        except WrongError as error:
            wrong.add(name)
            faults.append((error.rule, f"{where}.{name}"))
    faults += [(rule, f"{where}.{name}") for name, rule in lacking(shape, values, wrong, set())]
    return shape.cls(**values) if len(faults) == before else None


def _value(member: Member, value: Any, where: str, faults: list[Fault]) -> Any:
    inner = member.inner
    if not member.many:
        if isinstance(inner, GroupShape):
            return _group(inner, value, where, faults)
        return _leaf(inner, value)
    if not isinstance(value, list) or len(value) > RECORD_LIST_ITEMS:
        raise WrongError(rules.SHAPE_NOT_VALID)
    if isinstance(inner, GroupShape):
        return tuple(_group(inner, item, where, faults) for item in value)
    return tuple(_leaf(inner, item) for item in value)


def _leaf(leaf: Leaf, value: Any) -> Any:
    """The value of a member as its type has it; raises WrongError."""
    kind = leaf.kind
    if kind in _NUMBER_RULES:
        if type(value) is not int or not leaf.low <= value <= leaf.high:
            raise WrongError(_NUMBER_RULES[kind])
        return value
    if kind is Kind.YES_NO:
        if not isinstance(value, bool):
            raise WrongError(rules.YES_NO_NOT_VALID)
        return value
    if not isinstance(value, str):
        raise WrongError(rules.SHAPE_NOT_VALID)
    if kind is Kind.IDENTIFIER:
        assert leaf.identifier is not None
        return identifiers(leaf.identifier)(value)
    if kind is Kind.CODE:
        if value not in leaf.codes:
            raise WrongError(rules.CODE_NOT_KNOWN)
        return value
    return _day(value) if kind is Kind.DATE else _text(value)


def _day(value: str) -> dt.date:
    day = day_of(value)
    if day is None:
        raise WrongError(rules.DATE_NOT_VALID)
    return day


def _text(value: str) -> str:
    plain = value.strip()
    if not plain:
        raise WrongError(rules.VALUE_MISSING)
    if not is_text(plain, RECORD_TEXT_CHARS):
        raise WrongError(rules.TEXT_NOT_VALID)
    return plain


def _recognises(head: bytes) -> bool:
    first = head.lstrip(b" \t\r\n").partition(b"\n")[0]
    match = _RECORD.match(first)
    return match is not None and match[1].decode() in RECORD_TYPES


RECORDS_JSONL: Final = Adapter(
    name="records.jsonl.v1",
    title="Any record, as JSON lines in the shape of its schema",
    media_types=("application/vnd.cms-gateway.records+jsonl",),
    general_media_types=("application/jsonl", "application/x-ndjson"),
    provider_classes=EVERY_CLASS,
    record_types=frozenset(RECORD_TYPES),
    partial=True,
    limit_bytes=5 * 1024 * MIB,
    read=read,
    recognises=_recognises,
    excerpt=excerpt,
)
