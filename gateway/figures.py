"""Figures put together: what is counted as it happens, and what is read when it is asked for."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from gateway.core.instant import read
from gateway.core.request_figures import Figures, figures_of
from gateway.edge.metrics import Family, Metrics
from gateway.store.sqlite.connection import StoreError, open_reader
from gateway.store.sqlite.requests import issued
from gateway.store.sqlite.store import Store
from gateway.uptake import Standing

# How old figures of requests may be.
SECONDS: Final = 60
_COUNTED: Final = ("asked", "answered", "open", "overdue", "escalated")


class RequestFigures:
    """Figures of requests as of the last look, which takes a while and is not taken on the loop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._found: list[Figures] = []

    async def look(self) -> None:
        """Read them anew."""
        self._found = await asyncio.to_thread(requests_in, self._directory)

    def families(self) -> list[Family]:
        """Each figure by class and purpose, with its name and text."""
        keyed = {(each.provider_class, each.purpose): each for each in self._found}
        told = [
            (
                f"requests_{name}",
                f"Requests {name}",
                {key: float(getattr(each, name)) for key, each in keyed.items()},
            )
            for name in _COUNTED
        ]
        days = {k: each.median_days for k, each in keyed.items() if each.median_days is not None}
        return [*told, ("requests_median_days", "Median days from asking to the answer", days)]


def made(store: Store, requests: RequestFigures, clock: Callable[[], dt.datetime]) -> Metrics:
    """The figures of a gateway, for Prometheus."""
    metrics = Metrics()
    metrics.gauge("ledger_size", "Entries in the ledger", lambda: store.evidence.size)
    metrics.gauge(
        "submissions_received",
        "Large submissions without an outcome yet",
        lambda: len(store.journal.pending()),
    )
    metrics.gauge("writer_waiting", "Work that waits for the writer", lambda: store.writer.depth)
    metrics.gauge("notices_waiting", "Notices still to be sent", store.notices.waiting)
    metrics.gauge("notices_stuck", "Notices that can go by no way", store.notices.stuck)
    metrics.families(requests.families, ("class", "purpose"))
    metrics.families(lags(store, clock), ("feed", "consumer"))
    metrics.families(store.pushes.figures, ("kind", "subscription"))
    return metrics


def lags(store: Store, clock: Callable[[], dt.datetime]) -> Callable[[], list[Family]]:
    """How far each consumer lags behind each of its feeds."""

    def families() -> list[Family]:
        now = clock()
        found = {(each.feed, each.consumer): each for each in store.uptakes.standings()}

        def seconds(since: str | None) -> float:
            return 0.0 if since is None else max(0.0, (now - read(since)).total_seconds())

        told: tuple[tuple[str, str, Callable[[Standing], float]], ...] = (
            ("feed_waiting", "Records not collected", lambda s: s.end - s.delivered),
            ("feed_waiting_seconds", "Age of the oldest of them", lambda s: seconds(s.oldest)),
            ("feed_unused", "Records not taken into use", lambda s: s.end - s.used),
            ("feed_unused_seconds", "Age of the oldest", lambda s: seconds(s.oldest_unused)),
            ("feed_rejected", "Records that could not be used", lambda s: s.rejected),
        )
        return [
            (name, text, {key: float(of(standing)) for key, standing in found.items()})
            for name, text, of in told
        ]

    return families


def requests_in(directory: Path) -> list[Figures]:
    """The same from the store in a directory, read beside whoever owns it; raises StoreError."""
    try:
        with closing(open_reader(directory)) as reader:
            return figures_of(issued(reader))
    except apsw.Error as error:
        message = (
            f"There is no store that can be read in {directory}. Check 'data' in the settings."
        )
        raise StoreError(message) from error
