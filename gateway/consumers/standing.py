"""What still stands of what was sent: corrections applied, disputes told.

A `correction` comes on the same feed as the record it is about, later. What was withdrawn, was
incorrect or is superseded no longer counts; what is disputed counts, and is shown as disputed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

import msgspec

from gateway.client.events import Event

_GONE = frozenset({"withdrawn", "incorrect", "superseded"})


class _Change(msgspec.Struct):
    submission: str
    status: Literal["disputed", "incorrect", "withdrawn", "superseded"]
    row: int | None = None


class Stands(msgspec.Struct, frozen=True):
    """An event that still counts, and whether its sender says that it is disputed."""

    event: Event
    disputed: bool = False


def known_by(events: Iterable[Event], day: dt.date) -> list[Event]:
    """Those events that the gateway had recorded by the end of a day (UTC), in the order given.

    So what is said as of a day rests on nothing that came later, a correction neither.
    """
    return [event for event in events if event.recorded_at.astimezone(dt.UTC).date() <= day]


def standing(events: Iterable[Event]) -> list[Stands]:
    """Those events that still count, in the order of the feed, each once; corrections left out.

    Only the organisation that sent a record can change what stands of it, and only by what came
    later.
    """
    known = {event.seq: event for event in events}
    newest: dict[tuple[str, str, int | None], tuple[int, str]] = {}
    for seq, event in known.items():
        if event.type == "correction":
            told = msgspec.convert(event.groups["change"], _Change)
            place = (event.organisation, told.submission, told.row)
            newest[place] = max(newest.get(place, (0, "")), (seq, told.status))
    found = []
    for seq in sorted(known):
        event = known[seq]
        if event.type == "correction":
            continue
        status = _status(event, newest)
        if status not in _GONE:
            found.append(Stands(event, status == "disputed"))
    return found


def _status(event: Event, newest: dict[tuple[str, str, int | None], tuple[int, str]]) -> str:
    """What the newest correction of a record, or of the whole file it came in, says of it."""
    told = [
        newest.get((event.organisation, event.submission, row), (0, ""))
        for row in (event.row, None)
    ]
    seq, status = max(told)
    return status if seq > event.seq else ""
