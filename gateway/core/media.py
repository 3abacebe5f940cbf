"""The few request headers that decide something, read strictly; and a guess where none does.

Content-Type (RFC 9110 section 8.3), Content-Digest (RFC 9530) and Idempotency-Key (IETF draft, a
structured-field string of RFC 8941); and Upload-Checksum (tus 1.0.0, checksum extension).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from gateway.core.limits import IDEMPOTENCY_KEY_CHARS
from gateway.core.refusal import Reason, Refused

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE: Final = re.compile(rf"({_NAME}/{_NAME})[ \t]*(?:;[^\r\n]*)?", re.ASCII)
_DIGEST_MEMBER: Final = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):", re.ASCII)
_DIGEST_BYTES: Final = {"sha-256": 32, "sha-512": 64}
# tus asks every server for SHA-1. It finds what a line garbled; it protects against nobody.
CHECKSUM_BYTES: Final = {"sha1": 20, "sha256": 32, "sha512": 64}

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


def media_type(header: str | None) -> str:
    """The type and subtype, in lower case; parameters are left out."""
    if header is None or not header.strip():
        raise Refused(Reason.CONTENT_TYPE_MISSING)
    match = _MEDIA_TYPE.fullmatch(header.strip()[:512])
    if match is None:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, "The Content-Type cannot be read.")
    return match[1].lower()


def content_digest(header: str | None) -> tuple[tuple[str, bytes], ...]:
    """The digests that were sent, as (hashlib name, bytes); algorithms we do not know are skipped.

    Raises Refused(DIGEST_NOT_VALID) when the header cannot be read or none of its algorithms is
    SHA-256 or SHA-512.
    """
    if header is None:
        return ()
    found: dict[str, bytes] = {}
    for member in header[:1_024].split(","):
        match = _DIGEST_MEMBER.fullmatch(member.strip())
        if match is None:
            raise Refused(Reason.DIGEST_NOT_VALID)
        size = _DIGEST_BYTES.get(match[1])
        if size is None:
            continue
        try:
            digest = base64.b64decode(match[2], validate=True)
        except binascii.Error as error:
            raise Refused(Reason.DIGEST_NOT_VALID) from error
        if len(digest) != size:
            raise Refused(Reason.DIGEST_NOT_VALID)
        found[match[1].replace("-", "")] = digest
    if not found:
        raise Refused(Reason.DIGEST_NOT_VALID, "Use sha-256 or sha-512.")
    return tuple(found.items())


def upload_checksum(header: str | None) -> tuple[str, bytes] | None:
    """The checksum of a part, as (hashlib name, bytes); raises Refused(DIGEST_NOT_VALID)."""
    if header is None:
        return None
    name, _, text = header.strip()[:256].partition(" ")
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _checksum_refused() from error
    if CHECKSUM_BYTES.get(name) != len(digest):
        raise _checksum_refused()
    return name, digest


def _checksum_refused() -> Refused:
    known = ", ".join(CHECKSUM_BYTES)
    return Refused(Reason.DIGEST_NOT_VALID, f"Upload-Checksum is one of {known}, and its base64.")


def idempotency_key(header: str | None) -> str | None:
    """The key without its quotes; a bare token is read too, since many clients send one."""
    if header is None:
        return None
    text = header.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if (
        not 1 <= len(text) <= IDEMPOTENCY_KEY_CHARS
        or not text.isascii()
        or not text.isprintable()
        or '"' in text
        or "\\" in text
    ):
        raise Refused(Reason.IDEMPOTENCY_KEY_NOT_VALID)
    return text


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
