"""The events of a feed as a consumer's program uses them: typed, with where each came from.

A page is JSON lines, each a CloudEvent 1.0 in structured mode. An event of a record is what an
organisation sent, in the parts that the consumer's purposes allow; `withheld` names the parts that
they do not. docs/feeds.md has every attribute.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec

Tie = Literal["named", "matched", "possible", "unasked"]
"""How a record is tied to the request: named by its sender, or found to be about it, certainly or
possibly; or sent because the law asks for it without a request."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One record as a feed showed it.

    `seq` is its number on the feed, from 1 without gaps: the same number is the same event, however
    often it comes. `type` is that of the record (`employment`, `deduction`, ...) and `groups` its
    disclosure groups by name, amounts in pence and days as in 2026-11-28. `row` is its row in the
    file of `submission`; `entry` the place of that submission in the ledger; `recorded_at` is UTC.
    """

    seq: int
    type: str
    submission: str
    row: int
    organisation: str
    organisation_class: str
    format: str
    recorded_at: dt.datetime
    purposes: tuple[str, ...]
    entry: int
    confidence: Tie
    groups: dict[str, dict[str, Any]]
    withheld: tuple[str, ...] = ()
    request: str | None = None
