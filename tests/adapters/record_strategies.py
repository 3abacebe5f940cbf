"""Records of every type as hypothesis makes them, each one that a row of its template can say."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from adapters.tables.shape import GroupShape, Kind, Leaf, Member
from adapters.tables.template import EXAMPLE, Part, template, words
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Note, Record, RowError

CONTEXT = ReadContext(dt.datetime(2026, 11, 2, tzinfo=dt.UTC))

# Of each identifier a few that are valid; none is anybody's.
VALID = {
    "nino": ["AA000017A", "AA000025B", "CE123456"],
    "cms_reference": ["100000000017", "000000000000"],
    "postcode": ["SW1A 1AA", "M1 1AE"],
    "paye_reference": ["123/AB456", "000/A", "AB456"],
    "iban": ["GB82WEST12345698765432"],
    "sort_code": ["000017", "010203"],
    "number": ["00000017", "12345678"],
    "isin": ["GB0002634946"],
    "registration": ["ZZ99ZZZ", "A1"],
    "tax_year": ["2025-26", "1999-00"],
}
texts = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Cn", "Co"]),
    min_size=1,
    max_size=12,
).map(lambda text: text.replace("_x", "_y"))
spaced = st.builds("{} {}".format, texts, texts)
lookalikes = st.sampled_from(
    ["=1+1", "+44 7700", "-x", "@SUM(A1)", "'=x", "''=", "'x", '"', ",", "#REF!"]
)
anything = texts | spaced | lookalikes


def leaves(member: Member, leaf: Leaf) -> st.SearchStrategy[Any]:
    match leaf.kind:
        case Kind.IDENTIFIER:
            return st.sampled_from(VALID[member.name])
        case Kind.CODE:
            return st.sampled_from(leaf.codes)
        case Kind.DATE:
            return st.dates()
        case Kind.YES_NO:
            return st.booleans()
        case Kind.MONEY | Kind.COUNT:
            return st.integers(leaf.low, leaf.high)
        case _:
            return anything


def members(member: Member) -> st.SearchStrategy[Any]:
    inner = member.inner
    one = groups(inner) if isinstance(inner, GroupShape) else leaves(member, inner)
    if not member.many:
        return one
    return st.lists(one, min_size=1, max_size=words()["columns_of"][member.name]).map(tuple)


@st.composite
def groups(draw: st.DrawFn, shape: GroupShape) -> Any:
    """A group with what it needs, and its days in order."""
    least = draw(st.sampled_from(sorted(shape.needs))) if shape.needs else None
    values = {
        member.name: draw(members(member))
        for member in shape.members
        if member.required or member.name == least or draw(st.integers(0, 3)) == 0
    }
    for first, last in shape.days * 2:
        if first in values and last in values:
            values[first], values[last] = sorted((values[first], values[last]))
    if any(
        first in values and last in values and values[last] < values[first]
        for first, last in shape.days
    ):
        values = {name: value for name, value in values.items() if not isinstance(value, dt.date)}
    return shape.cls(**values)


@st.composite
def records(draw: st.DrawFn, name: str) -> Record:
    """A record of a type; its row is 0."""

    def of(part: Part) -> Any:
        return draw(groups(part.shape))

    one = template(name)
    held = {part.name: of(part) for part in one.parts if part.required or draw(st.booleans())}
    key = draw(st.none() | anything.filter(lambda text: text != EXAMPLE))
    return one.record(row=0, key=key, **held)


def split(items: list[Item]) -> tuple[list[Record], list[RowError], list[Note]]:
    """Records, errors and notes."""
    return (
        [item for item in items if isinstance(item, Record)],
        [item for item in items if isinstance(item, RowError)],
        [item for item in items if isinstance(item, Note)],
    )
