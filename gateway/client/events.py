"""The events of a feed as a consumer's program uses them: typed, with where each came from.

A page is JSON lines, each a CloudEvent 1.0 in structured mode. An event of a record is what an
organisation sent, in the parts that the consumer's purposes allow; `withheld` names the parts that
they do not. docs/feeds.md has every attribute.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from gateway.core import feed_event

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


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that cannot be used: its number on the feed, a code of docs/feeds.md, and a field."""

    seq: int
    code: str
    field: str | None = None


class FeedPage(msgspec.Struct, frozen=True, dict=True):
    """A page of a feed: its lines exactly as they came, the last being the page line.

    `headers` are those under the page's signature, and the signature. `first` is the number of its
    first record, or of the one that is to come. `next` is the cursor to go on
    from, and to acknowledge once everything before it is safe.
    """

    lines: tuple[bytes, ...]
    headers: dict[str, str]
    feed: str
    first: int
    next: str
    count: int
    more: bool

    @cached_property
    def content(self) -> bytes:
        """The bytes of the page, as they were signed."""
        return b"\n".join(self.lines) + b"\n"

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """What organisations sent, in the order of the feed."""
        return tuple(events_of(self.lines))


# SQLite has no number that is greater, and neither has the ledger.
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class _Group(msgspec.Struct):
    """A group that is shown."""

    value: dict[str, Any]


class _Block(msgspec.Struct):
    """What an event of a block holds that a consumer needs."""

    submission: str
    format: str


class _Data(msgspec.Struct):
    """What an event of a record holds."""

    seq: Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
    row: _Number
    submission: str
    type: str
    purposes: tuple[str, ...]
    groups: dict[str, _Group]
    withheld: dict[str, str]


class _Line(msgspec.Struct):
    """One event, whatever it is of."""

    type: str
    data: msgspec.Raw
    time: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    organisation: str = ""
    organisationclass: str = ""
    ledgerentry: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,16}\Z")] = "0"
    confidence: Tie = "unasked"
    request: str | None = None


_LINE = msgspec.json.Decoder(_Line)
_DATA = msgspec.json.Decoder(_Data)
_BLOCK = msgspec.json.Decoder(_Block)


def events_of(lines: Iterable[bytes]) -> Iterator[Event]:
    """The records among the lines of a page; raises msgspec.DecodeError for what is no page."""
    formats: dict[str, str] = {}
    for raw in lines:
        line = _LINE.decode(raw)
        if line.type == feed_event.BLOCK:
            block = _BLOCK.decode(line.data)
            formats[block.submission] = block.format
        elif line.type.startswith(feed_event.RECORD):
            data = _DATA.decode(line.data)
            if data.submission not in formats or line.time is None:
                raise msgspec.ValidationError("a record without its block, or without its time")
            yield Event(
                seq=data.seq,
                type=data.type,
                submission=data.submission,
                row=data.row,
                organisation=line.organisation,
                organisation_class=line.organisationclass,
                format=formats[data.submission],
                recorded_at=line.time,
                purposes=data.purposes,
                entry=int(line.ledgerentry),
                confidence=line.confidence,
                groups={name: group.value for name, group in data.groups.items()},
                withheld=tuple(sorted(data.withheld)),
                request=line.request,
            )
