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


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened to a request, and the index of its ledger entry."""

    event: str
    state: str
    at: str
    entry: int
    submission: str | None = None
    notice: str | None = None


class Clarification(msgspec.Struct, frozen=True):
    """A question to the officer, and the answer if there is one."""

    asked: str
    question: str
    answered: str | None = None
    answer: str | None = None


class Request(msgspec.Struct, frozen=True):
    """An information request, or an order.

    `subject` is what we are told of the person asked about: for an organisation no more than it needs
    to find them, None once that is erased. `terms` are those of an order. `due` is the day that holds
    now; the clock stands still since `clock_stopped`. `history` and `clarifications` are given for one
    request, and not in a list.
    """

    id: str
    organisation: str
    consumer: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    raised: str
    due: dt.date
    subject: dict[str, object] | None = None
    kind: str = "information"
    state: str = "issued"
    still_to_come: tuple[str, ...] = ()
    terms: dict[str, object] | None = None
    batch: str | None = None
    served_on: str | None = None
    clock_stopped: str | None = None
    ended: str | None = None
    reference: str | None = None
    history: tuple[Happened, ...] = ()
    clarifications: tuple[Clarification, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """Where a request stands after a step; its clock stands still since `clock_stopped`."""

    id: str
    state: str
    due: dt.date
    clock_stopped: str | None = None


class RaisedRow(msgspec.Struct, frozen=True):
    """A request that was raised from a file: of which row (None for a file sent again), and its list."""

    row: int | None
    id: str
    batch: str
    due: dt.date


class RefusedRow(msgspec.Struct, frozen=True):
    """A row for which no request was raised, and why."""

    row: int
    code: str
    message: str


class Raised(msgspec.Struct, frozen=True):
    """What became of a file of requests; `batches` has the organisation of each list.

    `repeat` says that the file had been sent before, and nothing was raised anew.
    """

    requests: tuple[RaisedRow, ...]
    refused: tuple[RefusedRow, ...]
    batches: dict[str, str]
    repeat: bool


class Listed(msgspec.Struct, frozen=True):
    """One request of a list that was asked of an organisation in one file."""

    request: str
    state: str
    due: dt.date
    record_types: tuple[str, ...]
    subject: dict[str, object] | None


class Closed(msgspec.Struct, frozen=True):
    """A list that was closed: how many requests that answered, and the outcome of the nil return."""

    closed: int
    outcome: Outcome


class Match(msgspec.Struct, frozen=True):
    """A record that was tied to a request, or may be about the same person, and what speaks for it."""

    submission: str
    row: int
    verdict: str
    by: str
    score: float
    agreed: tuple[str, ...]
    disagreed: tuple[str, ...]
    at: str
    period: str | None = None


class Obligations(msgspec.Struct, frozen=True):
    """What is owed on a day: how many stand how, and each of them."""

    day: str
    totals: dict[str, int]
    owed: tuple[dict[str, Any], ...]


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


class FeedStanding(msgspec.Struct, frozen=True):
    """Where a consumer stands on a feed: numbers of records, and since when the oldest waits (UTC).

    `waiting` are records not collected, `unused` those not taken into use.
    """

    feed: str
    end: int
    delivered: int
    used: int
    rejected: int
    waiting: int
    unused: int
    waiting_since: dt.datetime | None = None
    unused_since: dt.datetime | None = None


class RejectedRow(msgspec.Struct, frozen=True):
    """A row that a team could not use: why, and what to do; `correct` asks for it to be mended."""

    row: int
    record_type: str
    code: str
    message: str
    fix: str
    correct: bool
    at: dt.datetime
    field: str | None = None
