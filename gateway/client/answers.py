"""What a gateway answers, in types of this client's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec


class RowError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row that was not accepted: where, which rule, and how to mend it."""

    row: int
    field: str
    code: str
    message: str
    fix: str
    key: str | None = None


class RuleCount(msgspec.Struct, frozen=True):
    """How often a rule was broken in a field, and the first rows that broke it."""

    code: str
    field: str
    message: str
    fix: str
    count: int
    rows: tuple[int, ...]


class Note(msgspec.Struct, frozen=True):
    """Something said about the whole file."""

    code: str
    message: str


class Rows(msgspec.Struct, frozen=True):
    """How many records were accepted (`nil` of them nil returns) and how many rows refused."""

    accepted: int = 0
    refused: int = 0
    nil: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """What became of a submission.

    `state` is `accepted`, `refused`, or `received` while the outcome of a large file is still to
    come. `errors` are the first row errors; `Client.errors` gives them all. `receipt` is the text
    of the receipt file. `repeat` says that these bytes had been sent before. `rules` counts what was
    wrong; `open` rows can still be mended and sent again.
    """

    id: str
    state: str
    recorded_at: str
    rows: Rows
    repeat: bool
    notes: tuple[Note, ...]
    errors: tuple[RowError, ...]
    receipt: str
    rules: tuple[RuleCount, ...] = ()
    open: int = 0


class Noted(msgspec.Struct, frozen=True):
    """A feed that holds an amendment, and whether all its consumers have acknowledged it."""

    feed: str
    seq: int
    consumers: int
    acknowledged: bool


class Amendment(msgspec.Struct, frozen=True):
    """A later submission that completes or corrects an earlier one."""

    submission: str
    how: str
    recorded_at: str
    feeds: tuple[Noted, ...]
    acknowledged: bool


class ArchiveFile(msgspec.Struct, frozen=True):
    """What became of one file of an archive: its outcome, or the problem document (RFC 9457).

    `status` is what the file would have had by itself.
    """

    name: str
    status: int
    outcome: Outcome | None = None
    problem: dict[str, Any] | None = None


class Sent(msgspec.Struct, frozen=True):
    """A submission in the list of what was sent."""

    id: str
    state: str
    accepted: int
    refused: int
    nil: int
    recorded_at: str
    format: str | None = None
    request: str | None = None


class Request(msgspec.Struct, frozen=True):
    """An information request; `subject` holds what is known of the person asked about."""

    id: str
    organisation: str
    consumer: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    subject: dict[str, object]
    raised: str
    due: dt.date
    reference: str | None = None


class Format(msgspec.Struct, frozen=True):
    """A format the gateway reads."""

    name: str
    title: str
    media_types: tuple[str, ...]
    general_media_types: tuple[str, ...]
    classes: tuple[str, ...]
    record_types: tuple[str, ...]
    accepted_in_part: bool
    limit_bytes: int


class FeedPage(msgspec.Struct, frozen=True):
    """A page of a feed: its lines exactly as they came, the last being the page line.

    `next` is the cursor to go on from, and to acknowledge once everything before it is safe.
    """

    lines: tuple[bytes, ...]
    next: str
    count: int
    more: bool
