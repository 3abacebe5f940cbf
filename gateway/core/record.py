"""What every record is; what is said of a row that is no record, and of a whole file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from gateway.core.groups.group import Group


class Record(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
    tag_field="type",
):
    """One typed fact. `row` is its place in the file, counted from 1 as its sender counts.

    `key` is the sender's own name for the row, by which it can be sent again once it is mended.
    """

    row: int
    key: str | None = None

    group_names: ClassVar[tuple[str, ...]] = ()
    groups_of: ClassVar[Callable[[Any], tuple[Group | None, ...]]]
    type_name: ClassVar[str] = ""


class RowError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One row that could not be accepted: where, which rule, and how to mend it.

    It never holds the offending value. `key` is the sender's own name for the row.
    """

    row: int
    key: str | None = None
    field: str
    code: str
    message: str
    fix: str


class RuleCount(msgspec.Struct, frozen=True):
    """How often a rule was broken in a field, and the first rows that broke it."""

    code: str
    field: str
    message: str
    fix: str
    count: int
    rows: tuple[int, ...]


class Note(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something the outcome should say about the whole file, such as the character set read."""

    code: str
    message: str


Item = Record | RowError | Note
