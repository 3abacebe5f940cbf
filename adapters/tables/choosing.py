"""Which record type a table is of: told by its header, and where that cannot tell, by its rows.

A header is one of a type's if it has only columns of its template and all those that are required.
For some types the same header would do as well for another; these require the column record_type,
which says in each row what the row is. Tests prove that no header is of two types.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.tables.template import RECORD_TYPE, ROW_KEY, Template, template, templates
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused


def fitting(header: Sequence[str]) -> list[Template]:
    """Every template that a header is of; with record_type in it, those it leaves open."""
    return [one for one in templates() if one.fits(header)]


def chosen(header: Sequence[str], told: str | None) -> Template:
    """The one template of a header; `told` is what the first row has under record_type.

    Raises Refused(CSV_NOT_WELL_FORMED), naming columns of ours and places of the sender's.
    """
    if len(set(header)) != len(header):
        raise _refused("the header names a column twice.")
    if RECORD_TYPE in header:
        name = "" if told is None else "_".join(told.lower().replace("-", " ").split())
        if name not in RECORD_TYPES:
            raise _refused("the column record_type does not name a record type in the first row.")
        checked(template(name), header)
        return template(name)
    found = fitting(header)
    if len(found) == 1:
        return found[0]
    assert not found, "no header is of two types"
    nearest = max(templates(), key=lambda one: (_shared(one, header), -len(one.lacks(header))))
    checked(nearest, header)
    raise AssertionError("a header that is in order is of its type")


def checked(one: Template, header: Sequence[str], where: str = "Line 1") -> None:
    """Refuse a header that is not of a template, naming what is wrong with it."""
    for number, name in enumerate(header, start=1):
        if name not in one.by_name:
            raise _refused(
                f"column {number} of the header is not one of the template's for {one.name}.", where
            )
    lacks = one.lacks(header)
    if lacks:
        raise _refused(f"the header of {one.name} lacks {', '.join(lacks)}.", where)


def _shared(one: Template, header: Sequence[str]) -> int:
    return len(one.by_name.keys() & set(header) - {ROW_KEY})


def _refused(detail: str, where: str = "Line 1") -> Refused:
    return Refused(Reason.CSV_NOT_WELL_FORMED, f"{where}: {detail}")
