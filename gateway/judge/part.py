"""What every ledger entry is made of, as the judge reads it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.judge.strict import HASH_CHARS, INSTANT_CHARS

_MAX_SAFE: Final = (1 << 53) - 1  # beyond it RFC 8785 has no whole numbers

Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
Hash = Annotated[str, Meta(min_length=HASH_CHARS, max_length=HASH_CHARS)]
Instant = Annotated[str, Meta(min_length=INSTANT_CHARS, max_length=INSTANT_CHARS)]
Count = Annotated[int, Meta(ge=0, le=_MAX_SAFE)]
Place = Annotated[int, Meta(ge=1, le=_MAX_SAFE)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A part of an entry."""


class Entry(Part, frozen=True, tag_field="kind"):
    """What every entry has."""

    v: Literal[1]
    time: Instant
