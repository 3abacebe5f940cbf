"""The one byte form of what is hashed or signed: canonical JSON (RFC 8785), and base64url.

msgspec's sorted encoding is canonical JSON for what we write: names in ASCII, whole numbers up to
2^53, text without lone surrogates. A property test holds it to the `rfc8785` library.
"""

from __future__ import annotations

import binascii
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def canonical(value: Any) -> bytes:
    """Encode a value as canonical JSON."""
    return _ENCODER.encode(value)


def b64u(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return b64u_bytes(data).decode("ascii")


def b64u_bytes(data: bytes) -> bytes:
    """As `b64u`, as bytes."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE).rstrip(b"=")


def from_b64u(text: str, size: int | None = None) -> bytes:
    """Decode base64url without padding; raises ValueError unless it is the canonical form.

    `size` is the number of bytes expected, where it is known.
    """
    try:
        raw = text.encode("ascii")
        plain = raw.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(raw) % 4)
        data = binascii.a2b_base64(plain, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64url") from error
    if b64u_bytes(data) != raw:
        raise ValueError("not canonical base64url")
    if size is not None and len(data) != size:
        raise ValueError(f"expected {size} bytes")
    return data
