"""Ledger entries as the judge reads them: typed, canonical, nothing missing and nothing more.

The types are those of docs/evidence.md, "The ledger". Two ways lead to the same facts. The thorough
one, `read_entry`, names what is wrong with one entry. The quick one, `read_entries`, decodes many
at once with msgspec, encodes them again in sorted order and compares the bytes. For what the types
allow (ASCII text, whole numbers up to 2^53, no fractions) that is exactly RFC 8785, at a
fraction of the cost; whatever it does not vouch for takes the thorough way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.judge.asked import NoticeSent, Told
from gateway.judge.part import Count, Entry, Hash, Part, Place, Text
from gateway.judge.strict import (
    HASH_CHARS,
    Unsound,
    bytes_from_b64u,
    canonical_object,
    instant,
)

MAX_ENTRY_BYTES: Final = 0xFFFF  # its length stands in 16 bits


class Rows(Part, frozen=True):
    """How many rows met which end."""

    accepted: Count
    refused: Count
    nil: Count


class Range(Part, frozen=True):
    """A run of a feed's sequence numbers, and the hash of what the feed may show of them."""

    first: Place
    count: Place
    view: Hash


class Opened(Entry, frozen=True, tag="ledger.opened"):
    """The ledger begins."""

    origin: Text


class Received(Entry, frozen=True, tag="submission.received"):
    """The bytes of a large file are durable."""

    submission: Text
    organisation: Text
    content: Hash
    receipt: Hash


class Accepted(Entry, frozen=True, tag="submission.accepted"):
    """An outcome with at least one record accepted."""

    submission: Text
    organisation: Text
    class_: Text = msgspec.field(name="class")
    format: Text
    request: Text | None
    purposes: tuple[Text, ...]
    content: Hash
    records: Hash
    rows: Rows
    rules: Text
    receipt: Hash


class Refused(Entry, frozen=True, tag="submission.refused"):
    """Refused whole, from a known organisation."""

    submission: Text
    organisation: Text
    reason: Text
    content: Hash | None
    receipt: Hash


class Relayed(Entry, frozen=True, tag="submission.relayed"):
    """A submission's records stand in feeds."""

    submission: Text
    feeds: dict[Text, Range]


class Amended(Entry, frozen=True, tag="submission.amended"):
    """A submission completes an earlier one, or corrects it; `open` rows are left to complete."""

    submission: Text
    by: Text
    how: Text
    open: Count | None


class Delivered(Entry, frozen=True, tag="feed.delivered"):
    """A consumer was shown a page."""

    feed: Text
    consumer: Text
    client: Text
    first: Place
    last: Count
    count: Count


class Retrieved(Entry, frozen=True, tag="feed.retrieved"):
    """A consumer acknowledged."""

    feed: Text
    consumer: Text
    client: Text
    upto: Count


class Used(Entry, frozen=True, tag="feed.used"):
    """A consumer took records into use."""

    feed: Text
    consumer: Text
    client: Text
    upto: Count


class Rejected(Entry, frozen=True, tag="feed.rejected"):
    """A consumer could not use a record, and says why with a code, and of which field."""

    feed: Text
    consumer: Text
    client: Text
    seq: Place
    submission: Text
    row: Count
    type: Text
    code: Text
    field: Text | None


class Uncollected(Entry, frozen=True, tag="feed.uncollected"):
    """A consumer has not collected in time what follows `upto`."""

    feed: Text
    consumer: Text
    upto: Count
    end: Place


class FeedPushed(Entry, frozen=True, tag="feed.pushed"):
    """A stretch of a feed was handed to a webhook, or put into a stream."""

    subscription: Text
    push: Text
    feed: Text
    consumer: Text
    first: Place
    last: Count
    count: Count


class Administered(msgspec.Struct, frozen=True, gc=False):
    """An act of administration; what changed is for people to read."""

    kind: str
    time: str


# Every entry that has a type of its own.
Typed = (
    Opened
    | Received
    | Accepted
    | Refused
    | Relayed
    | Amended
    | Delivered
    | Retrieved
    | Used
    | Rejected
    | Uncollected
    | FeedPushed
    | Told
)
Fact = Typed | Administered

ADMINISTRATION: Final = frozenset(
    {
        "organisation.added",
        "organisation.changed",
        "certificate.added",
        "certificate.revoked",
        "client.added",
        "sshkey.added",
        "sshkey.revoked",
        "consumer.added",
        "mailbox.added",
        "mailbox.removed",
        "request.matched",
        "request.erased",
        "notice.settled",
        "correspondent.changed",
        "correspondent.shown",
        "agreement.made",
        "agreement.ended",
        "preference.changed",
        "subscription.added",
        "subscription.changed",
        "subscription.paused",
        "subscription.resumed",
        "subscription.disabled",
        "subscription.rewound",
        "subscription.removed",
        "push.parked",
        "push.replayed",
        "code.exchanged",
        "key.added",
        "duties.changed",
    },
)

_DECODER: Final = msgspec.json.Decoder(Typed)
# Those with hashes; of the others only the form is to be looked at.
_HASHED: Final = frozenset({Accepted, Received, Relayed, Refused, NoticeSent})
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_INSTANTS: Final = re.compile(
    rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)*",
)
# Every entry of these kinds has a type of its own; the rest are acts of administration.
_FREQUENT: Final = re.compile(
    rb'"kind":"(?:submission\.|feed\.|notice\.sent"|request\.(?!matched"|erased"))'
)
_URL_SAFE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LAST_OF_HASH: Final = b"AEIMQUYcgkosw048"  # 43 characters hold two bits more than 32 bytes


def read_entry(data: bytes) -> Fact:
    """Read one entry; raises `Unsound`, saying what is wrong with it."""
    if len(data) > MAX_ENTRY_BYTES:
        raise Unsound("is longer than an entry can be")
    value = canonical_object(data)
    kind = value.get("kind")
    if isinstance(kind, str) and kind in ADMINISTRATION:
        if value.get("v") != 1 or isinstance(value["v"], bool):
            raise Unsound("has a version other than 1")
        if not isinstance(value.get("id"), str) or not value["id"]:
            raise Unsound("does not say what it is about: it has no id")
        return Administered(kind, instant(value.get("time")))
    try:
        fact: Fact = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise Unsound(f"is not an entry of a known kind: {ascii(str(error))[1:-1][:200]}") from None
    instant(fact.time)
    for value_of_hash in _hashes(fact):
        bytes_from_b64u(value_of_hash)
    return fact


def _hashes(fact: Fact) -> tuple[str, ...]:
    if isinstance(fact, Accepted):
        return fact.content, fact.records, fact.receipt
    if isinstance(fact, Received):
        return fact.content, fact.receipt
    if isinstance(fact, NoticeSent):
        return (fact.content,)
    if isinstance(fact, Relayed):
        return tuple(run.view for run in fact.feeds.values())
    if isinstance(fact, Refused):
        return (fact.receipt,) if fact.content is None else (fact.content, fact.receipt)
    return ()


def read_entries(entries: Sequence[bytes]) -> list[Fact | Unsound]:
    """Read many entries; in place of one that is unsound stands what is wrong with it."""
    quick = _read_quickly(entries)
    if quick is not None:
        return quick
    # acts of administration are too free in form to be read quickly: put them to one side
    frequent = [_FREQUENT.search(data) is not None for data in entries]
    quick = _read_quickly([data for data, yes in zip(entries, frequent, strict=True) if yes])
    if quick is None:
        return [_read_or_say(data) for data in entries]
    facts = iter(quick)
    return [
        next(facts) if yes else _read_or_say(data)
        for data, yes in zip(entries, frequent, strict=True)
    ]


def _read_or_say(data: bytes) -> Fact | Unsound:
    try:
        return read_entry(data)
    except Unsound as unsound:
        return unsound


def _read_quickly(entries: Sequence[bytes]) -> list[Any] | None:
    """Read entries all at once if every one of them is plainly sound, else None."""
    lines = b"\n".join([*entries, b""])
    if not lines.isascii():
        return None
    try:
        facts = _DECODER.decode_lines(lines)
    except (msgspec.DecodeError, RecursionError):
        return None
    # canonical JSON holds no line feed, so equal bytes also mean that no entry hid in another
    if len(facts) != len(entries) or _ENCODER.encode_lines(facts) != lines:
        return None
    times = [fact.time for fact in facts]
    if not _INSTANTS.fullmatch("".join(times).encode()):
        return None
    try:
        for second in {time[:19] for time in times}:
            instant(f"{second}.000000Z")
    except Unsound:
        return None
    hashes = "".join(
        [text for fact in facts if fact.__class__ in _HASHED for text in _hashes(fact)]
    )
    plain = hashes.encode()
    last = plain[HASH_CHARS - 1 :: HASH_CHARS]
    if plain.translate(None, _URL_SAFE) or last.translate(None, _LAST_OF_HASH):
        return None
    return facts
