"""Figures put together: what is counted as it happens, and what is read when it is asked for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw

from gateway.core.request_figures import Figures, figures_of
from gateway.edge.metrics import Metrics
from gateway.store.sqlite.connection import StoreError, open_reader
from gateway.store.sqlite.requests import issued
from gateway.store.sqlite.store import Store

_COUNTED = ("asked", "answered", "open", "overdue", "escalated")


def made(store: Store) -> Metrics:
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
    metrics.families(lambda: _families(store))
    return metrics


def requests(store: Store) -> list[Figures]:
    """Figures of requests, by class and purpose."""
    return figures_of(store.requests.figures())


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


def _families(store: Store) -> list[tuple[str, str, dict[tuple[str, str], float]]]:
    found = requests(store)
    keyed = {(each.provider_class, each.purpose): each for each in found}
    told = [
        (
            f"requests_{name}",
            f"Requests {name}",
            {k: float(getattr(f, name)) for k, f in keyed.items()},
        )
        for name in _COUNTED
    ]
    days = {k: f.median_days for k, f in keyed.items() if f.median_days is not None}
    return [*told, ("requests_median_days", "Median days from asking to the answer", days)]
