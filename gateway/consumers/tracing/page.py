"""A person as one page of text: every fact with its days and its source, conflicts side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from gateway.client.events import Event
from gateway.consumers.proposal import day, explained, visible
from gateway.consumers.rates import Rates
from gateway.consumers.standing import standing
from gateway.consumers.tracing.book import Book, Subject
from gateway.consumers.tracing.proposals import proposals
from gateway.consumers.tracing.sighting import Kind, Sighting, sightings

_TITLES: Final[dict[Kind, str]] = {
    "address": "Addresses",
    "employer": "Employers",
    "account": "Accounts",
    "contact": "Ways to reach them",
    "custody": "Prisons",
    "vehicle": "Vehicles",
}
_TIED: Final = {
    "number": "by number",
    "request": "by the request it answers",
    "name": "by name and date of birth",
}
_HEADINGS: Final = ("what", "from", "to", "last known", "source", "tied", "event")


def person_page(subject: Subject, events: Sequence[Event], rates: Rates, today: dt.date) -> str:
    """Everything that is known of a person who is looked for, and what is made of it, with reasons."""
    found = sightings(subject, standing(events))
    name = " ".join(part for part in (subject.forenames, subject.surname) if part)
    lines = [f"{subject.reference}: {name}", f"as known on {today}", ""]
    for kind, title in _TITLES.items():
        facts = [each for each in found if each.kind == kind]
        if facts:
            lines += [title, *_table(facts), ""]
    if not found:
        lines += ["Nothing is known yet.", ""]
    lines += ["What is made of it", ""]
    made = proposals(events, Book((subject,)), rates, today)
    return "\n".join(lines) + "\n" + "\n".join(map(explained, made))


def _table(facts: Sequence[Sighting]) -> list[str]:
    """Facts under each other: what is the same thing stands together, the newest word first."""
    newest: dict[str, dt.date] = {}
    for each in facts:
        newest[each.key] = max(each.seen, newest.get(each.key, each.seen))
    ordered = sorted(facts, key=lambda each: (-newest[each.key].toordinal(), each.key, each.seq))
    rows = [_HEADINGS, *map(_row, ordered)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(each: Sighting) -> tuple[str, ...]:
    doubts = [
        word for word, holds in (("disputed", each.disputed), ("possibly", each.possible)) if holds
    ]
    return (
        visible(each.text),
        day(each.since),
        day(each.until),
        day(each.seen),
        f"{each.organisation} ({each.organisation_class})",
        ", ".join([_TIED[each.tied], *doubts]),
        str(each.seq),
    )
