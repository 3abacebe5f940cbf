"""Which media type a file is sent under, where its sender does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.client.answers import Format

# The gateway tells formats of one general type apart by the first bytes.
_BY_SUFFIX: Final = {
    ".csv": "text/csv",
    ".txt": "text/csv",
    ".xml": "application/xml",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BY_FIRST: Final = {
    b"<": "application/xml",
    b"{": "application/json",
    b"[": "application/json",
    b"PK": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A whole object on the first line, with its type in it: a record among JSON lines.
_RECORD_LINE: Final = re.compile(rb'\{[^\n]*"type"[ \t]*:[ \t]*"[^\n]*\}[ \t\r]*(?:\n|\Z)')
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class MediaTypeError(ValueError):
    """No media type fits; the message says what to name instead."""


def guess(name: str, head: bytes) -> str:
    """The general media type of a file, by the end of its name, else by its first bytes."""
    dot = name.rfind(".")
    known = _BY_SUFFIX.get(name[dot:].lower()) if dot >= 0 else None
    if known is not None:
        return known
    for mark in _MARKS:
        head = head.removeprefix(mark)
    # UTF-16 puts a zero byte beside each character of the start of a file.
    start = head.replace(b"\0", b"").lstrip()
    if _RECORD_LINE.match(start):
        return "application/jsonl"
    for first, media_type in _BY_FIRST.items():
        if start.startswith(first):
            return media_type
    return "text/csv"


def known(media_type: str, formats: Iterable[Format]) -> str:
    """The same media type, if the gateway reads any format under it; raises MediaTypeError."""
    taken = {name for one in formats for name in (*one.media_types, *one.general_media_types)}
    if media_type in taken:
        return media_type
    raise MediaTypeError(
        f"The file looks like {media_type}, which this gateway does not read. "
        f"Name its media type with --type; known are: {', '.join(sorted(taken))}.",
    )
