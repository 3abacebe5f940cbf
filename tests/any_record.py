"""Records of any type with any values, by the annotations of their types."""

from __future__ import annotations

import datetime as dt
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation of `gateway.core.records`."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        int: st.integers(-(2**53) + 1, 2**53 - 1),
        bool: st.booleans(),
        dt.date: st.dates(),
        NoneType: st.none(),
    }
    if kind in plain:
        return plain[kind]
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0]), max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    return st.one_of([values_of(option) for option in get_args(kind)])


def structs(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    needed: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for field in msgspec.structs.fields(cls):
        (needed if field.required else optional)[field.name] = st.deferred(
            lambda kind=field.type: values_of(kind),
        )
    return st.fixed_dictionaries(needed, optional=optional).map(lambda given_: cls(**given_))
