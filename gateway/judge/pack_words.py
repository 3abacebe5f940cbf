"""What the files of an evidence pack say, typed, and whether they say the same as the ledger.

Nothing here is believed before `gateway.judge.pack` has checked digests, signature and proofs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gateway.judge.entries import MAX_ENTRY_BYTES
from gateway.judge.strict import Unsound, canonical_object, instant
from gateway.judge.verdict import shown

_MAX_ITEMS: Final = 2_000

Text = Annotated[str, Meta(max_length=10_000)]
Named = Annotated[str, Meta(min_length=1, max_length=1_000)]
Index = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Kind = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{0,39}\Z")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a file."""


class Listed(Part, frozen=True):
    """A file as the manifest names it."""

    name: Named
    size: Index
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Manifest(Part, frozen=True):
    """`manifest.json`."""

    files: Annotated[tuple[Listed, ...], Meta(max_length=2 * _MAX_ITEMS)]
    made_at: Named
    origin: Named
    request: Named


class Organisation(Part, frozen=True):
    """Whom it was asked of."""

    id: Named
    name: Text


class Happened(Part, frozen=True):
    """One thing that happened to the request."""

    event: Kind
    state: Named
    at: Named
    by: Text
    entry: Index


class Request(Part, frozen=True):
    """What was asked."""

    id: Named
    kind: Named
    organisation: Organisation
    consumer: Named
    purposes: tuple[Text, ...]
    citation: Text
    record_types: tuple[Text, ...]
    left: tuple[Text, ...]
    due: Named
    history: Annotated[tuple[Happened, ...], Meta(min_length=1, max_length=_MAX_ITEMS)]


class Notice(Part, frozen=True):
    """A notice that was sent."""

    id: Named
    kind: Kind
    form: Named
    sent_at: Named
    deemed_served_on: Named | None
    deemed_citation: Named | None
    status: tuple[Text, ...]
    entry: Index
    salt: Named | None
    file: Named


class Told(Part, frozen=True):
    """`request.json`."""

    v: Literal[1]
    made_at: Named
    origin: Named
    request: Request
    notices: Annotated[tuple[Notice, ...], Meta(max_length=_MAX_ITEMS)]
    unsent: Annotated[tuple[Named, ...], Meta(max_length=_MAX_ITEMS)]
    subject: dict[str, Any] | None

    @property
    def named(self) -> list[int]:
        """The entries that it names, in their order."""
        found = {each.entry for each in self.request.history}
        return sorted(found | {notice.entry for notice in self.notices})


def listed(manifest: Mapping[str, Any]) -> tuple[Listed, ...]:
    """The files that a manifest names; raises `Unsound` where its form is not the one form."""
    try:
        found = msgspec.convert(manifest, Manifest)
    except msgspec.ValidationError as error:
        raise Unsound(f"is not in the form of a manifest: {_said(error)}") from None
    instant(found.made_at)
    return found.files


def told_in(data: bytes) -> Told:
    """Read `request.json`; raises `Unsound` where its form is not the one form."""
    try:
        told = msgspec.convert(canonical_object(data), Told)
    except msgspec.ValidationError as error:
        raise Unsound(f"is not in the form of a request: {_said(error)}") from None
    if len(told.named) != len(told.request.history) + len(told.notices):
        raise Unsound("names one entry for two things")
    instant(told.made_at)
    _day(told.request.due)
    for notice in told.notices:
        if (notice.deemed_served_on is None) != (notice.deemed_citation is None):
            raise Unsound("has a notice that counts as served by no rule, or a rule without a day")
        if notice.deemed_served_on is not None:
            _day(notice.deemed_served_on)
    return told


def _said(error: msgspec.ValidationError) -> str:
    return ascii(str(error))[1:-1][:200]


def _day(text: str) -> None:
    try:
        if dt.date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    raise Unsound("has a day that is not written YYYY-MM-DD")


def entry_of(data: bytes) -> dict[str, Any]:
    """Read an entry of any kind; raises `Unsound`."""
    if len(data) > MAX_ENTRY_BYTES:
        raise Unsound("is longer than an entry can be")
    entry = canonical_object(data)
    if (
        entry.get("v") != 1
        or isinstance(entry["v"], bool)
        or not isinstance(entry.get("kind"), str)
    ):
        raise Unsound("is not an entry of version 1 with a kind")
    instant(entry.get("time"))
    return entry


def what_differs(told: Told, entries: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Compare each event and notice with its entry: where, and what is wrong.

    Entries that are not there were found to be missing already.
    """
    request = told.request
    for event in request.history:
        wanted = {"kind": f"request.{event.event}", "id": request.id, "time": event.at}
        maybe = {"state": event.state, "by": event.by}
        yield from _differences(event.entry, entries, wanted, maybe)
    for notice in told.notices:
        wanted = {"kind": "notice.sent", "id": notice.id, "request": request.id}
        entry = entries.get(notice.entry, {})
        wanted["sent_at" if "sent_at" in entry else "time"] = notice.sent_at
        yield from _differences(notice.entry, entries, wanted, {})
    yield from _left_out(told, entries)


def _differences(
    index: int,
    entries: Mapping[int, Mapping[str, Any]],
    wanted: dict[str, str],
    maybe: dict[str, str],
) -> Iterator[tuple[str, str]]:
    entry = entries.get(index)
    if entry is None:
        return
    said = wanted | {name: value for name, value in maybe.items() if name in entry}
    for name, value in said.items():
        if entry.get(name) != value:
            found = shown(entry.get(name))
            yield f"entry {index}", f"its {name} is {found}, where the pack says {shown(value)}"


def _left_out(told: Told, entries: Mapping[int, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Find events that are missing between others, and notices that an event names."""
    places = [event.entry for event in told.request.history]
    if places != sorted(places):
        yield "request.json", "its events are not in the order of the ledger"
    history = [entries[place] for place in places if place in entries]
    numbers = [entry["n"] for entry in history if isinstance(entry.get("n"), int)]
    for before, after in pairwise(numbers):
        if after != before + 1:
            what = f"it goes from event {shown(before)} of the request to event {shown(after)}"
            yield "request.json", what
    if numbers and numbers[0] > 1:
        yield "request.json", f"it begins with event {shown(numbers[0])} of the request"
    notices = {notice.id for notice in told.notices}
    for entry in history:
        named = entry.get("notice")
        # A reminder may not have gone yet; what served the request has.
        known = notices if entry.get("kind") == "request.served" else notices | {*told.unsent}
        if named is not None and (not isinstance(named, str) or named not in known):
            yield "request.json", f"it leaves out notice {shown(named)}, which an event names"
