"""One-time access codes: sixteen letters and digits that open one request, once.

Crockford's base 32 leaves out what people take for something else, and forgives it when they write
it. Sixteen of them are 80 bits: nobody guesses one, and only a keyed hash of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FORGIVEN: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CHARS: Final = 16
_GROUP: Final = 4
# As it is written on paper, with room for spaces and dashes.
MOST_WRITTEN_CHARS: Final = 40


class Tags(Protocol):
    """Makes look-up tags under a key of our own."""

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        """A tag, the same for the same parts."""


def fresh_code(entropy: Callable[[int], bytes]) -> str:
    """A new code, in groups of four."""
    number = int.from_bytes(entropy(_CHARS * 5 // 8))
    letters = "".join(_ALPHABET[number >> 5 * at & 31] for at in range(_CHARS))
    return "-".join(letters[at : at + _GROUP] for at in range(0, _CHARS, _GROUP))


def plain(text: str) -> str | None:
    """A code as it was typed, in its one form; None for what cannot be one."""
    if len(text) > MOST_WRITTEN_CHARS or not text.isascii():
        return None
    found = text.upper().translate(_FORGIVEN)
    return found if len(found) == _CHARS and set(found) <= set(_ALPHABET) else None


def tag_of(code: str, tags: Tags) -> bytes:
    """What is kept of a code; `code` in any form that `plain` reads."""
    found = plain(code)
    assert found is not None, "a code of ours"
    return tags.tag("access code", found.encode())
