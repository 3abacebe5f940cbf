"""Records to the cells of their template: the way back of `adapters.tables.row`."""

from __future__ import annotations

from typing import Any

from adapters.tables.shape import GroupShape
from adapters.tables.template import RECORD_TYPE, ROW_KEY, Column, Part, Template, template
from gateway.core.record import Record


def values_of(record: Record) -> dict[str, Any]:
    """The values of a record by the names of their columns; those it does not have are left out.

    Raises ValueError for what no row can say: a list with more items than it has columns, or a group
    that is there and empty.
    """
    one = template(record.type_name)
    found: dict[str, Any] = {RECORD_TYPE: record.type_name}
    if record.key is not None:
        found[ROW_KEY] = record.key
    for part in one.parts:
        group = getattr(record, part.name)
        if group is None:
            continue
        values = _values(one, part, group)
        if not values:
            raise ValueError(f"the group {part.name} is empty, which no row can say")
        found |= values
    return found


def _values(one: Template, part: Part, group: Any) -> dict[str, Any]:
    _check_lists(one, part, part.shape, group, ())
    found = {}
    for column in one.columns:
        if column.group != part.name:
            continue
        value = _at(group, column, part)
        if value is not None:
            found[column.name] = value
    return found


def _at(group: Any, column: Column, part: Part) -> Any:
    """What stands at a column's path, or nothing; a default that is not needed is nothing."""
    value = group
    for step in column.path:
        if value is None:
            return None
        if isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            value = getattr(value, step)
    if len(column.path) == 1:
        (member,) = (one for one in part.shape.members if one.name == column.path[0])
        if not member.required and value == member.default:
            return None
    return value


def _check_lists(
    one: Template, part: Part, shape: GroupShape, group: Any, path: tuple[Any, ...]
) -> None:
    for member in shape.members:
        value = getattr(group, member.name)
        where = (*path, member.name)
        if isinstance(member.inner, GroupShape):
            for number, inner in enumerate(value if member.many else (value,)):
                if inner is not None:
                    step = (*where, number) if member.many else where
                    _check_lists(one, part, member.inner, inner, step)
        if member.many:
            room = {
                column.path[len(where)]
                for column in one.columns
                if column.group == part.name and column.path[: len(where)] == where
            }
            if len(value) > len(room):
                raise ValueError(f"the list {member.name} has more items than a row has columns")
