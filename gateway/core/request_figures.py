"""Figures of what was asked: by class and purpose, how many, how fast and how late."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from gateway.core.instant import read
from gateway.core.request_life import ENDED, LATE, State


class Row(NamedTuple):
    """A request, as far as figures go; `lapsed` if it was ever late."""

    provider_class: str
    purposes: tuple[str, ...]
    state: State
    lapsed: bool
    raised: str
    ended: str | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a class for a purpose; `median_days` from asking to the whole answer."""

    provider_class: str
    purpose: str
    asked: int
    answered: int
    refused: int
    withdrawn: int
    open: int
    overdue: int
    escalated: int
    was_late: int
    median_days: float | None


def figures_of(rows: Iterable[Row]) -> list[Figures]:
    """Figures for each class and purpose; a request for two purposes counts for both."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        for purpose in row.purposes:
            groups.setdefault((row.provider_class, purpose), []).append(row)
    return [_of(name, purpose, found) for (name, purpose), found in sorted(groups.items())]


def _of(name: str, purpose: str, rows: list[Row]) -> Figures:
    states = [row.state for row in rows]
    days = [
        (read(row.ended) - read(row.raised)) / dt.timedelta(days=1)
        for row in rows
        if row.ended is not None and row.state is State.ANSWERED
    ]
    return Figures(
        provider_class=name,
        purpose=purpose,
        asked=len(rows),
        answered=states.count(State.ANSWERED),
        refused=states.count(State.REFUSED),
        withdrawn=states.count(State.WITHDRAWN),
        open=sum(state not in ENDED for state in states),
        overdue=sum(state in LATE for state in states),
        escalated=states.count(State.ESCALATED),
        was_late=sum(row.lapsed for row in rows),
        median_days=round(statistics.median(days), 1) if days else None,
    )
