"""Cells to values: for each kind of column one function, made once for a file and column.

Each takes a text that is not empty and gives its value, or raises `WrongError` with the rule that is
broken. What a million rows repeat, such as dates and codes, is remembered by its text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from adapters.syntax.conventions import Conventions
from adapters.syntax.spelling import POUND_DIGITS, AmbiguousError, NotReadError
from adapters.syntax.values import is_text, pence_of
from adapters.tables.shape import IDENTIFIER_RULES, Identifier, Kind, Leaf
from gateway.core import rules
from gateway.core.identifiers import IdentifierError
from gateway.core.limits import RECORD_TEXT_CHARS, REMEMBERED_VALUES
from gateway.core.rules import Rule

Read = Callable[[str], Any]

# What a spreadsheet would take for a formula is written with an apostrophe in front (OWASP); any more
# apostrophes there are the text's own.
FORMULA: Final = ("=", "+", "-", "@")
_YES: Final = frozenset({"y", "yes", "true", "1"})
_NO: Final = frozenset({"n", "no", "false", "0"})
_COUNT_DIGITS: Final = 10


class WrongError(ValueError):
    """A value that is not what its column holds; the value is not kept."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.code)
        self.rule = rule


class _Remembered(dict[str, Any]):
    """Values by their texts, as far as there is room; asked for by `[]`, at the cost of a look-up."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Any:
        value = self._read(text)
        if len(self) < REMEMBERED_VALUES:
            self[text] = value
        return value


def reader(leaf: Leaf, conventions: Conventions, place: int) -> Read:
    """What reads the cells of one column of a file."""
    match leaf.kind:
        case Kind.TEXT:
            return text
        case Kind.CODE:
            return _Remembered(_codes(leaf.codes)).__getitem__
        case Kind.DATE:
            return _Remembered(_days(conventions, place)).__getitem__
        case Kind.MONEY:
            return _amounts(leaf, conventions, place)
        case Kind.COUNT:
            return _Remembered(_counts(leaf)).__getitem__
        case Kind.YES_NO:
            return _Remembered(yes_no).__getitem__
        case Kind.IDENTIFIER:
            assert leaf.identifier is not None
            read = identifiers(leaf.identifier)
            # A tax year, and often an employer, stands in every row.
            return _Remembered(read).__getitem__


def text(cell: str) -> str:
    """A text on one line, trimmed."""
    plain = cell.strip()
    if plain[:1] == "'":
        plain = unquoted(plain)
    if not is_text(plain, RECORD_TEXT_CHARS):
        raise WrongError(rules.TEXT_NOT_VALID)
    return plain


def unquoted(plain: str) -> str:
    """A text without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    if plain[:1] == "'" and plain.lstrip("'")[:1] in FORMULA:
        return plain[1:]
    return plain


def yes_no(cell: str) -> bool:
    """Yes or no, as people and programs write it."""
    plain = cell.strip().lower()
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise WrongError(rules.YES_NO_NOT_VALID)


def identifiers(known: Identifier) -> Read:
    """What reads an identifier into its canonical form."""
    canonical = known.canonical

    def read(cell: str) -> str:
        try:
            return canonical(cell)
        except IdentifierError as error:
            raise WrongError(IDENTIFIER_RULES[error.code]) from None

    return read


def _codes(codes: tuple[str, ...]) -> Read:
    by_text = {code.lower(): code for code in codes}

    def read(cell: str) -> str:
        code = by_text.get("_".join(cell.lower().replace("-", " ").replace("_", " ").split()))
        if code is None:
            raise WrongError(rules.CODE_NOT_KNOWN)
        return code

    return read


def _counts(leaf: Leaf) -> Read:
    low, high = leaf.low, leaf.high

    def read(cell: str) -> int:
        plain = cell.strip()
        if not (plain.isascii() and plain.isdigit() and len(plain) <= _COUNT_DIGITS):
            raise WrongError(rules.NUMBER_NOT_VALID)
        number = int(plain)
        if not low <= number <= high:
            raise WrongError(rules.NUMBER_NOT_VALID)
        return number

    return read


def _days(conventions: Conventions, place: int) -> Read:
    def read(cell: str) -> dt.date:
        try:
            return conventions.day(cell.strip(), place)
        except NotReadError:
            raise WrongError(rules.DATE_NOT_VALID) from None
        except AmbiguousError:
            raise WrongError(rules.DATE_AMBIGUOUS) from None

    return read


def _amounts(leaf: Leaf, conventions: Conventions, place: int) -> Read:
    low, high = leaf.low, leaf.high
    wrong = rules.SIGNED_MONEY_NOT_VALID if low < 0 else rules.MONEY_NOT_VALID

    def read(cell: str) -> int:
        pence = pence_of(cell, POUND_DIGITS)
        if pence is None:
            pence = written(cell.strip())
        if not low <= pence <= high:
            raise WrongError(wrong)
        return pence

    def written(plain: str) -> int:
        if plain[:2] in {"'-", "'+"}:
            plain = plain[1:]
        try:
            return conventions.pence(plain, place)
        except NotReadError:
            raise WrongError(wrong) from None
        except AmbiguousError:
            raise WrongError(rules.MONEY_AMBIGUOUS) from None

    return read
