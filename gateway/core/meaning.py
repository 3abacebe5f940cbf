"""What a reason for refusing means to whoever is refused."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """What a reason is called, its HTTP status, and what the sender should do next."""

    slug: str
    status: int
    title: str
    fix: str
