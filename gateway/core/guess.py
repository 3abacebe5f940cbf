"""The general media type of a file whose sender names none: by its name, else by its first bytes."""

from __future__ import annotations

from typing import Final

# The gateway tells formats of one general type apart by the first bytes.
_BY_SUFFIX: Final = {
    ".csv": "text/csv",
    ".txt": "text/csv",
    ".xml": "application/xml",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BY_FIRST: Final = {
    b"<": "application/xml",
    b"{": "application/json",
    b"[": "application/json",
    b"PK": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


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
    for first, media_type in _BY_FIRST.items():
        if start.startswith(first):
            return media_type
    return "text/csv"
