"""Zip archives in the one form that an evidence pack has: stored members, end to end.

Every byte of such a file is accounted for: there is nothing between its members, no compression that
could make much of little, no extra fields, no comments, no links. What differs anywhere is refused,
so that no two files can be the same evidence.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from gateway.judge.strict import Unsound

MAX_MEMBERS: Final = 4_000
MAX_NAME_CHARS: Final = 100

# APPNOTE 4.3.7, 4.3.12 and 4.3.16; what follows the signature, up to and without the name.
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 20
_MADE_BY: Final = 3 << 8 | _VERSION  # Unix
_FILE: Final = 0o100644 << 16
_NAME: Final = re.compile(r"[a-z0-9]+(?:[a-z0-9_-]*/)?[a-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Members:
    """The members by name, in the order of the file, and the one date and time they all bear."""

    files: dict[str, bytes]
    date: int
    time: int


def read_stored_zip(data: bytes) -> Members:
    """Read an archive; raises `Unsound` for any that is not of this form to the last byte."""
    if len(data) < _END.size:
        raise Unsound("is not a zip archive")
    signature, disk, first, here, count, size, start, comment = _END.unpack(data[-_END.size :])
    if signature != b"PK\x05\x06":
        raise Unsound("is not a zip archive, or has something behind its end")
    if (disk, first, comment) != (0, 0, 0) or here != count:
        raise Unsound("is split, or has a comment")
    if not 0 < count <= MAX_MEMBERS or start + size != len(data) - _END.size:
        raise Unsound(f"has no members or more than {MAX_MEMBERS}, or a directory in another place")
    files: dict[str, bytes] = {}
    stamps = set()
    at, offset = start, 0
    for _ in range(count):
        name, stamp, at, offset = _member(data, at, offset, start, files)
        stamps.add(stamp)
        if len(stamps) > 1:
            raise Unsound(f"has another time on {name!a} than on those before it")
    if offset != start or at != start + size:
        raise Unsound("has something between its members and its directory")
    time, date = stamps.pop()
    return Members(files, date, time)


def _member(
    data: bytes, at: int, offset: int, start: int, files: dict[str, bytes]
) -> tuple[str, tuple[int, int], int, int]:
    """Read the member whose directory entry is at `at`, and which must itself begin at `offset`.

    Gives its name, its time and date, and where the next ones are to begin.
    """
    try:
        (signature, made_by, version, flags, method, time, date, crc, packed, size, name_size,
         extra, comment, disk, inside, outside, where) = _CENTRAL.unpack_from(data, at)  # fmt: skip
        local = _LOCAL.unpack_from(data, offset)
    except struct.error:
        raise Unsound("ends in the middle of a member") from None
    raw = data[at + _CENTRAL.size : at + _CENTRAL.size + name_size]
    name = raw.decode("ascii", "replace")
    if signature != b"PK\x01\x02" or name_size > MAX_NAME_CHARS or not _NAME.fullmatch(name):
        raise Unsound(f"has a member whose name cannot be in a pack: {name[:MAX_NAME_CHARS]!a}")
    if name in files:
        raise Unsound(f"has two members of the name {name!a}")
    if (method, packed) != (0, size):
        raise Unsound(f"holds {name!a} compressed, which a pack never does")
    if outside != _FILE:
        raise Unsound(f"holds {name!a}, which is not an ordinary file")
    plain = (made_by, version, flags, extra, comment, disk, inside, where)
    if plain != (_MADE_BY, _VERSION, 0, 0, 0, 0, 0, offset):
        raise Unsound(f"holds {name!a} in another form or place than a pack does")
    wanted = (b"PK\x03\x04", version, flags, method, time, date, crc, packed, size, name_size, 0)
    begin = offset + _LOCAL.size
    end = begin + name_size + size
    if local != wanted or data[begin : begin + name_size] != raw or end > start:
        raise Unsound(f"says two things of {name!a}: there, and in its directory")
    content = data[begin + name_size : end]
    if zlib.crc32(content) != crc:
        raise Unsound(f"holds {name!a}, whose checksum is another")
    files[name] = content
    return name, (time, date), at + _CENTRAL.size + name_size, end
