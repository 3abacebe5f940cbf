"""Strict reading of what evidence is written in: base64, canonical JSON, instants.

Each function takes hostile input and gives a value or raises `Unsound`, nothing else. Only one
spelling of each value passes, so that no two files can be the same evidence. Evidence holds no
fractions and no number beyond 2^53; what is left is written by the standard library exactly as
RFC 8785 says, but that names outside the basic plane, which no evidence has, sort by code point.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from typing import Any, Final, NoReturn

HASH_CHARS: Final = 43  # 32 bytes in base64url without padding
INSTANT_CHARS: Final = 27

# The letter at an odd end has bits that stand for nothing; in the one spelling that passes they are 0.
_URL_SAFE: Final = re.compile(
    r"(?:[A-Za-z0-9_-]{4})*+(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?"
)
_LARGEST: Final = (1 << 53) - 1
_SURELY_SMALL: Final = 15  # digits
_CANONICAL: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z",
)


class Unsound(ValueError):  # noqa: N818 - it says what the evidence is, not what we did wrong
    """Evidence that cannot be relied on; the message completes "it ..."."""


def bytes_from_b64(text: str) -> bytes:
    """Decode base64 (RFC 4648 section 4): padded, canonical."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Unsound("is not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise Unsound("is not canonical base64")
    return data


def bytes_from_b64u(text: object, size: int | None = None) -> bytes:
    """Decode base64url (RFC 4648 section 5): no padding, canonical; `size` in bytes if known."""
    if not isinstance(text, str) or not _URL_SAFE.fullmatch(text):
        raise Unsound("is not canonical base64url without padding")
    standard = text.replace("-", "+").replace("_", "/")
    data = binascii.a2b_base64(standard + "=" * (-len(text) % 4))
    if size is not None and len(data) != size:
        raise Unsound(f"has {len(data)} bytes instead of {size}")
    return data


def _refuse(literal: str) -> NoReturn:
    raise Unsound(f"holds {literal[:40]}, which has no canonical form that evidence may have")


def _whole(literal: str) -> int:
    if len(literal) <= _SURELY_SMALL or abs(int(literal)) <= _LARGEST:
        return int(literal)
    _refuse(literal)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unsound("names a member twice")
    return members


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_refuse, parse_int=_whole
)


def json_object(data: bytes | str) -> dict[str, Any]:
    """Decode a JSON object in UTF-8 whose names are unique, without fractions."""
    try:
        value = _DECODER.decode(data.decode("utf-8") if isinstance(data, bytes) else data)
    except Unsound:
        raise
    except (ValueError, RecursionError):
        raise Unsound("is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise Unsound("is not a JSON object")
    return value


def canonical_json(value: object) -> bytes:
    """Encode what `json_object` read in canonical form (RFC 8785)."""
    try:
        return _CANONICAL.encode(value).encode("utf-8")
    except (ValueError, RecursionError):
        raise Unsound("holds a value that has no canonical form") from None


def canonical_object(data: bytes) -> dict[str, Any]:
    """Decode a JSON object that must be in canonical form (RFC 8785)."""
    value = json_object(data)
    if canonical_json(value) != data:
        raise Unsound("is not canonical JSON (RFC 8785)")
    return value


def instant(text: object) -> str:
    """Check an instant, `2026-11-22T21:30:00.123456Z`; their order as texts is that in time."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise Unsound("has an instant that is not written YYYY-MM-DDTHH:MM:SS.ffffffZ")
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        raise Unsound("has an instant that is not in the calendar") from None
    return text


def whole_seconds(text: str) -> int:
    """Give the instant in whole seconds since 1970, rounded down."""
    return int(dt.datetime.fromisoformat(instant(text)).replace(microsecond=0).timestamp())
