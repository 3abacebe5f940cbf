"""The tables and keys of a book as the documents show them, made from the types that read it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap

import msgspec
from msgspec import inspect

_PATTERNS = {
    r"^\S+\Z": "text without spaces",
    r"^[A-Za-z0-9_-]+\Z": "letters, digits, `_` and `-`",
    r"^[A-Z]{2}[0-9]{6}[A-D]?\Z": "as `AA000017A`, without spaces",
    r"^[0-9]{12}\Z": "12 digits",
}
WORDS = tomllib.loads(Path(__file__).with_name("book_words.toml").read_text("utf-8"))
HEAD = ["| Key | What | Kind | Needed |", "|---|---|---|---|"]


def described(book: type[msgspec.Struct]) -> str:
    """Every table of a book, the outermost first: what it is, then its keys."""
    return "\n".join(_tables(book)).rstrip("\n") + "\n"


def _tables(book: type[msgspec.Struct]) -> Iterator[str]:
    waiting: list[tuple[str, type[msgspec.Struct]]] = [("the book itself", book)]
    for name, shape in waiting:
        told = inspect.type_info(shape)
        assert isinstance(told, inspect.StructType)
        what = f"**{name}**: {' '.join(cleandoc(shape.__doc__ or '').split())}"
        yield from (*wrap(what, 110), "", *HEAD)
        for field in told.fields:
            within, many = _within(field.type)
            if within is not None:
                inner = f"{'' if shape is book else name.strip('`[]') + '.'}{field.encode_name}"
                waiting.append((f"`[[{inner}]]`" if many else f"`[{inner}]`", within))
            needed = "yes" if field.required else f"no{_default(field.default)}"
            key = field.encode_name
            table = "book" if shape is book else name.strip("`[]")
            what = WORDS.get(f"{table}.{key}") or WORDS[key]
            yield f"| `{key}` | {what} | {_kind(field.type, key)} | {needed} |"
        yield ""


def _within(kind: inspect.Type) -> tuple[type[msgspec.Struct] | None, bool]:
    """The table that a key holds, and whether it holds several."""
    if isinstance(kind, inspect.VarTupleType):
        return _within(kind.item_type)[0], True
    if isinstance(kind, inspect.UnionType):
        return next((found for each in kind.types if (found := _within(each))[0]), (None, False))
    return (kind.cls, False) if isinstance(kind, inspect.StructType) else (None, False)


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f"; else {str(value).lower()}"
    return f"; else {_value(value)}" if isinstance(value, str | int) else ""


def _value(value: str | int) -> str:
    """A value as TOML has it: 2012 is not "2012"."""
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _kind(kind: inspect.Type, name: str) -> str:
    """A kind in words."""
    match kind:
        case inspect.UnionType():
            parts = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
            return " or ".join(_kind(each, name) for each in parts)
        case inspect.VarTupleType():
            of = _kind(kind.item_type, name)
            least = f", {kind.min_length} or more" if kind.min_length else ""
            return f"list of: {of}{least}"
        case inspect.LiteralType():
            return ", ".join(_value(value) for value in kind.values)
        case inspect.IntType():
            what = "pence" if name.endswith("pence") else "whole number"
            least = "" if kind.ge is None else f", from {kind.ge}"
            return what + least + ("" if kind.le is None else f" to {kind.le}")
        case inspect.StrType():
            return "text" if kind.pattern is None else _PATTERNS[kind.pattern]
        case inspect.DateType():
            return "day"
        case inspect.BoolType():
            return "true or false"
        case inspect.StructType():
            return "table"
    raise AssertionError(f"no words for {kind}")
