"""What an evidence pack is made of: a request, its notices, and the entries that prove them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec


class PackEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the request, as the entry `request.<event>` says it.

    `at` is the entry's time, `by` the party, `entry` the entry's index.
    """

    event: str
    state: str
    at: str
    by: str
    entry: int


class PackRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, of whom, by whom, on which ground; `due` is a day.

    `left` are the record types that are not answered yet.
    """

    id: str
    kind: str
    organisation: str
    organisation_name: str
    consumer: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    left: tuple[str, ...]
    due: str
    history: tuple[PackEvent, ...]


class PackNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that was sent: the request itself, a reminder, an escalation.

    `sent_at` is an instant in its written form; `deemed_served_on` the day on which it counts as
    served, and `deemed_citation` the rule that says so, both None where it does not count. `text` is
    what was sent, `status` what carriers said of it, a line each. `salt` opens the `content` of the
    entry, where that commits to the text (docs/evidence.md, "The ledger").
    """

    id: str
    kind: str
    form: str
    sent_at: str
    deemed_served_on: str | None
    deemed_citation: str | None
    text: str
    status: tuple[str, ...]
    entry: int
    salt: bytes | None = None


class PackEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger: its index, its bytes, and the tlog-proof that holds them."""

    index: int
    data: bytes
    proof: str


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that goes into a pack; entries in the order of the ledger, under one checkpoint.

    `unsent` are notices that were made and have not gone. `subject` is None, or what may be said of
    the subject to whoever gets the pack.
    """

    request: PackRequest
    notices: tuple[PackNotice, ...]
    entries: tuple[PackEntry, ...]
    checkpoint: str
    vkey: str
    origin: str
    made_at: dt.datetime
    subject: dict[str, Any] | None = None
    unsent: tuple[str, ...] = ()


def notice_name(number: int, kind: str) -> str:
    """The file of a notice, counted from 1."""
    return f"notices/{number:02d}-{kind}.txt"


def entry_name(index: int) -> str:
    """The file of an entry."""
    return f"entries/{index:09d}.json"
