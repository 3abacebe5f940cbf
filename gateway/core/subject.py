"""Whom a request is about, and the least an organisation needs to be told to find them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core.groups.person import Where, Who

# Names of identifiers as `finds_by` in the duty table has them, beside the members of `Who`.
ADDRESS: Final = "address"
IDENTIFIERS: Final = frozenset(
    {
        "name",
        "surname",
        "forenames",
        "date_of_birth",
        "nino",
        "cms_reference",
        "payroll_number",
        "identifiers",
        ADDRESS,
    }
)


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the asking team knows of a person, and whether the parents were asked first.

    Parents are asked before others are (CMS information charter); `why_not` says why they were not.
    """

    who: Who
    where: tuple[Where, ...] = ()
    parent_asked_first: bool | None = None
    why_not: str | None = None


def least(subject: Subject, finds_by: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What of a subject an organisation is told: the first way of finding that is complete.

    `finds_by` are ways in which its class finds a person, the least telling first. Where none is
    complete, the way of which most is known; nothing beyond it is ever told.
    """
    known = _known(subject)
    best: tuple[str, ...] = ()
    for way in finds_by:
        found = tuple(name for name in way if name in known)
        if len(found) == len(way):
            best = found
            break
        if len(found) > len(best):
            best = found
    return {name: known[name] for name in best} | {"kind": subject.who.kind}


def _known(subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value
        for name, value in msgspec.to_builtins(subject.who).items()
        if value and name in IDENTIFIERS
    }
    if subject.where:
        found[ADDRESS] = [
            {name: value for name, value in place.items() if value}
            for place in msgspec.to_builtins(subject.where)
        ]
    return found
