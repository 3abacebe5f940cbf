"""Figures for Prometheus; labels hold routes, reasons and formats, never anything about a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Its name and text, and its values by their labels, which are texts.
Family = tuple[str, str, Mapping[Any, float]]


class Metrics:
    """One registry for one gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._exchanges = Counter(
            "cms_gateway_exchanges",
            "HTTP exchanges",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "cms_gateway_exchange_seconds",
            "Time to answer",
            ["route"],
            registry=self._registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
        )
        self._submissions = Counter(
            "cms_gateway_submissions",
            "Submissions by outcome",
            ["outcome", "format"],
            registry=self._registry,
        )
        self._records = Counter(
            "cms_gateway_records",
            "Records by outcome",
            ["outcome"],
            registry=self._registry,
        )
        self._accepted = self._records.labels("accepted")
        self._refused = self._records.labels("refused")
        self._outcomes: dict[tuple[str, str], Counter] = {}
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def exchange(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one HTTP exchange."""
        key = (method, route, status)
        pair = self._known.get(key)
        if pair is None:
            pair = (
                self._exchanges.labels(method, route, str(status)),
                self._seconds.labels(route),
            )
            self._known[key] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def submission(self, outcome: str, name: str, accepted: int, refused: int) -> None:
        """Count one submission and its rows."""
        child = self._outcomes.get((outcome, name))
        if child is None:
            child = self._outcomes[outcome, name] = self._submissions.labels(outcome, name)
        child.inc()
        self._accepted.inc(accepted)
        self._refused.inc(refused)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Publish a figure that is read when it is asked for."""
        Gauge(f"cms_gateway_{name}", text, registry=self._registry).set_function(read)

    def families(self, read: Callable[[], Sequence[Family]], labels: Sequence[str]) -> None:
        """Publish figures by labels, each with its name and text, read when asked for."""
        self._registry.register(_Families(read, labels))

    def render(self) -> bytes:
        """All figures, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Families(Collector):
    """Figures by labels, as they are at the moment."""

    def __init__(self, read: Callable[[], Sequence[Family]], labels: Sequence[str]) -> None:
        self._read = read
        self._labels = labels

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: what there is shows when it is asked for."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """A gauge for each figure."""
        for name, text, values in self._read():
            family = GaugeMetricFamily(f"cms_gateway_{name}", text, labels=self._labels)
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family
