"""JSON read strictly (RFC 8259): one meaning for one text, within bounds.

Refused, beside what is not JSON at all: a byte order mark, UTF-16 and every encoding but UTF-8,
names that occur twice in an object, NaN and Infinity, whole numbers beyond 64 bits, halves of
surrogate pairs, NUL, and nesting deeper than 32. Numbers with a fraction become Decimal, never
float.
"""

from __future__ import annotations

import json
import re
from array import array
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, Final, NoReturn

from gateway.core.limits import JSON_BYTES, JSON_DEPTH
from gateway.core.refusal import Reason, Refused

# Possessive, and content with a text that never ends: were that no match, each quote in it would be
# tried as the start of another, and the time would grow with the square of the size.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
# A bracket as a step of depth, up or down, in a signed byte.
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[{]}"))
_NOT_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_NUMBER_CHARS: Final = 40


def loads(data: bytes) -> Any:
    """Decode; raises Refused(JSON_NOT_WELL_FORMED) or Refused(CHARACTER_SET), naming the place."""
    if len(data) > JSON_BYTES:
        raise Refused(Reason.BODY_TOO_LARGE, f"JSON is read up to {JSON_BYTES} bytes.")
    text = _decoded(data)
    _check_depth(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except json.JSONDecodeError as error:
        raise Refused(
            Reason.JSON_NOT_WELL_FORMED,
            f"At line {error.lineno}, column {error.colno}.",
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    if "\\" in text:
        _check_text(value)
    return value


def strict_object(data: bytes) -> dict[str, Any]:
    """As `loads`, for a body that must be an object."""
    value = loads(data)
    if not isinstance(value, dict):
        raise Refused(Reason.JSON_NOT_VALID, "The body must be a JSON object.")
    return value


def _decoded(data: bytes) -> str:
    if data[:3] == b"\xef\xbb\xbf" or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise Refused(Reason.CHARACTER_SET, "JSON is UTF-8 without a byte order mark.")
    if b"\0" in data:
        raise Refused(Reason.CHARACTER_SET, "JSON is UTF-8; there are NUL bytes in the body.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            Reason.CHARACTER_SET,
            f"The byte at {error.start} is not UTF-8.",
        ) from error


def _check_depth(data: bytes) -> None:
    steps = _STRING.sub(b"", data).translate(_STEPS, _NO_BRACKETS)
    if max(accumulate(array("b", steps)), default=0) > JSON_DEPTH:
        raise _too_deep()


def _too_deep() -> Refused:
    return Refused(Reason.JSON_NOT_WELL_FORMED, f"It is nested deeper than {JSON_DEPTH}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused(Reason.JSON_NOT_WELL_FORMED, "A name occurs twice in one object.")
    return members


def _constant(_: str) -> NoReturn:
    raise Refused(Reason.JSON_NOT_WELL_FORMED, "NaN and Infinity are not JSON.")


def _whole(text: str) -> int:
    if len(text) <= 20:
        number = int(text)
        if -(1 << 63) <= number < 1 << 63:
            return number
    raise Refused(Reason.JSON_NOT_WELL_FORMED, "A whole number does not fit in 64 bits.")


def _fraction(text: str) -> Decimal:
    if len(text) <= _NUMBER_CHARS:
        try:
            number = Decimal(text)
        except InvalidOperation:  # an exponent that not even Decimal can hold
            number = None
        if number is not None and abs(number.adjusted()) <= _NUMBER_CHARS:
            return number
    raise Refused(Reason.JSON_NOT_WELL_FORMED, "A number is longer than any amount.")


def _check_text(value: Any) -> None:
    """Refuse what only escapes can spell: halves of surrogate pairs, and NUL."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += item.keys()
            todo += item.values()
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str) and _NOT_TEXT.search(item):
            raise Refused(
                Reason.JSON_NOT_WELL_FORMED,
                "A text holds NUL or half a surrogate pair.",
            )
