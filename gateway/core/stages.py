"""The stages of a submission: each type is a promise already kept.

    Arrival -> Admitted -> Spooled -> Reading -> Draft -> Recorded -> Answer

`gateway.submission` is the only place that makes them, in this order.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec

from gateway.core.adapter import Adapter, Body
from gateway.core.disclosure import View
from gateway.core.duty_table import Ask, Grounds
from gateway.core.identity import Caller, Credentials
from gateway.core.receipt import Rows, Statement
from gateway.core.record import Note, RowError, RuleCount


@dataclass(frozen=True, slots=True)
class Presealed:
    """The id and the data key under which a body is sealed already; never from the wire."""

    submission: str
    data_key: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came in on the wire; nothing of it is believed yet."""

    credentials: Credentials
    content_type: str | None
    content_encoding: str | None
    content_digest: str | None
    idempotency_key: str | None
    request: str | None
    length: int | None
    chunks: AsyncIterator[bytes]
    completes: str | None = None
    presealed: Presealed | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller who may send one of these formats, for these purposes, in this class."""

    submission: str
    caller: Caller
    media_type: str
    formats: tuple[Adapter, ...]
    encoding: str | None
    digests: tuple[tuple[str, bytes], ...]
    key: str | None
    request: Ask | None
    limit_bytes: int
    completes: str | None = None


@dataclass(frozen=True, slots=True)
class Spooled:
    """The whole body, hashed; in memory if small, else in a sealed and flushed file."""

    admitted: Admitted
    body: Body
    digest: bytes
    data_key: bytes
    received_at: dt.datetime

    @property
    def inline(self) -> bool:
        """Whether the body is in memory."""
        return isinstance(self.body, MemoryBody)


@dataclass(frozen=True, slots=True)
class Grounded:
    """A spooled body whose format is known, and on what ground in law it is sent."""

    spooled: Spooled
    adapter: Adapter
    grounds: Grounds
    statement: Statement
    content_tag: bytes


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A sealed block: leaf hashes followed by the envelope, here or at a place in a file."""

    count: int
    root: bytes
    types: dict[str, int]
    frame: bytes | None = None
    place: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body said: sealed blocks of accepted records, and what was refused.

    `open_rows` are the names of the rows that can still be sent again (`gateway.core.mending`): of
    this submission, or of the one that it completes, of which `version` was read against.
    `file_rows` is the number of the file's last row. `covers` is what it settles of a request, in the
    words of `gateway.core.request_life.event_of_answer`.
    """

    rows: Rows
    root: bytes
    blocks: tuple[BlockRef, ...]
    errors: tuple[RowError, ...]
    notes: tuple[Note, ...]
    rules: tuple[RuleCount, ...] = ()
    open_rows: bytes = b""
    file_rows: int = 0
    version: int = 0
    covers: tuple[str, ...] = ()


class Pending(msgspec.Struct, frozen=True):
    """A large body whose bytes are durable and whose outcome is still to come."""

    statement: Statement
    adapter: str
    record_types: tuple[str, ...]
    key: str | None
    completes: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What was refused of a submission, and what else there is to say of it."""

    errors: tuple[RowError, ...] = ()
    notes: tuple[Note, ...] = ()
    rules: tuple[RuleCount, ...] = ()


class Mended(msgspec.Struct, frozen=True):
    """An earlier submission with rows that are still open, as the journal holds it.

    `version` counts how often it was amended; `tags` are its open rows, `rows` the number of the last.
    """

    submission: str
    wrapped_key: bytes
    request: str | None
    version: int
    tags: bytes
    rows: int


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a submission that was sent, for who sent it; `tags` are its open rows.

    `body` is its sealed bytes where it is small; those of a large one are in a file, if at all.
    """

    state: str
    format: str | None
    received_at: dt.datetime
    wrapped_key: bytes
    outcome: bytes | None
    body: bytes | None
    tags: bytes


@dataclass(frozen=True, slots=True)
class Amends:
    """What a submission changes of an earlier one of the same organisation.

    `how` is `completes`, or the status that a correction gives. For `completes`, `version` is that
    of the open rows it was read against and `open_rows` those that are left.
    """

    submission: str
    how: str
    version: int = 0
    open_rows: bytes | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything one commit writes for a submission."""

    statement: Statement
    content_tag: bytes = b""
    wrapped_key: bytes = b""
    key: str | None = None
    body: bytes | None = None
    blocks: tuple[BlockRef, ...] = ()
    views: dict[str, View] = field(default_factory=dict)
    outcome: bytes | None = None
    pending: bytes | None = None
    open_rows: bytes = b""
    file_rows: int = 0
    covers: tuple[str, ...] = ()
    amends: Amends | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the journal holds of a submission, durably."""

    id: str
    state: str
    rows: Rows
    recorded_at: str
    receipt: str
    repeat: bool = False
    open: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender hears: the outcome with its receipt, or that the bytes are safe."""

    recorded: Recorded
    errors: tuple[RowError, ...] = ()
    notes: tuple[Note, ...] = ()
    rules: tuple[RuleCount, ...] = ()


class MemoryBody:
    """A small body, in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def open(self) -> BinaryIO:
        """A new stream at the first byte."""
        return io.BytesIO(self.data)
