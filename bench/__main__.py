"""Everything, in one run: `make bench`. The table goes into docs/performance.md.

Each measure stands beside the bare cost of what bounds it, taken in the same run; only the ratio of
the two means anything on another machine. `--rows N` sets the size of the large files.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import adapters, formats, large, reading, small
from bench.process import served

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Measure:
    """One line of the table; `ours` and `bare` in the unit that `what` says."""

    what: str
    against: str
    ours: float
    bare: float
    goal: str

    @property
    def ratio(self) -> float:
        """Ours over the bare cost."""
        return self.ours / self.bare

    def line(self) -> str:
        """The row of the table."""
        return (
            f"| {self.what} | {figure(self.ours)} | {self.against} | {figure(self.bare)} "
            f"| **{self.ratio:.2f}** | {self.goal} |\n"
        )


def figure(value: float) -> str:
    """A figure as people read it."""
    if value >= 1_000:
        return f"{round(value, 2 - len(str(int(value))) + 1):,.0f}"
    return f"{value:.3g}"


def small_measures(directory: Path, count: int) -> list[Measure]:
    """Small submissions, at 1 and 32 clients."""
    figures = uvloop.run(small.measure(directory, count))
    bound = figures["flush"] + figures["bare_1_median"]
    return [
        Measure(
            "small submissions a second, 32 clients",
            "aiohttp over the same TLS, reading the body",
            figures["gateway_32"],
            figures["bare_32"],
            "0.5",
        ),
        Measure(
            "small submissions a second, 1 client",
            "the same",
            figures["gateway_1"],
            figures["bare_1"],
            "",
        ),
        Measure(
            "processor time of one, microseconds",
            "the same",
            figures["gateway_cpu"],
            figures["bare_cpu"],
            "",
        ),
        Measure(
            "median latency, 1 client, seconds",
            "one flush and one round trip",
            figures["gateway_1_median"],
            bound,
            "at most 2",
        ),
    ]


def large_measures(directory: Path, rows: int) -> list[Measure]:
    """A large schedule as CSV and XML, and the memory it takes."""
    found = []
    for name, kind, write, bare, goal in (
        ("CSV", "text/csv", large.write_csv, large.bare_csv, "0.5"),
        ("XML", "application/xml", large.write_xml, large.bare_xml, "0.7"),
    ):
        path = directory / f"schedule-{rows}.{name.lower()}"
        write(path, rows)
        alone = max(bare(path) for _ in range(3))
        rate, peak = uvloop.run(large.end_to_end(path, kind, directory / f"gateway-{name}"))
        found.append(
            Measure(
                f"records a second, {rows:,} rows as {name}, from the first byte to the outcome",
                "its reader into checked Structs alone",
                rate,
                alone,
                goal,
            )
        )
        little = directory / f"schedule-little.{name.lower()}"
        write(little, 10_000)
        _, before = uvloop.run(large.end_to_end(little, kind, directory / f"little-{name}"))
        found.append(
            Measure(
                f"peak memory, {rows:,} rows as {name}, MiB (all processes)",
                "at 10,000 rows",
                peak,
                before,
                "at most 1.1, and under 250",
            )
        )
    return found


def format_measures(directory: Path, rows: int) -> list[Measure]:
    """The formats that sectors already produce, read alone."""
    return [
        Measure(f"records a second read from {what}, {count:,} rows", bare, ours, alone, "")
        for what, count, bare, ours, alone in formats.measure(directory, max(1_000, rows // 50))
    ]


def reading_measures(directory: Path, rows: int) -> list[Measure]:
    """Reading back from the store that the CSV made, and starting on it."""
    with served("bench.house", directory / "gateway-CSV") as (_, told):
        pages = min(10, max(1, rows // 10_000))
        feed = max(uvloop.run(reading.read_feed(told, pages)) for _ in range(3))
    with served("bench.house", directory / "small") as (_, told):
        _, vkey = uvloop.run(reading.export(told, directory / "ledger"))
    judged, hashed = max(reading.judge(directory / "ledger", vkey) for _ in range(3))
    return [
        Measure(
            "feed, records a second, minimised and proved",
            "msgspec encoding the same alone",
            feed,
            reading.encode_alone(),
            "0.3",
        ),
        Measure(
            "`ledger verify`, entries a second",
            "SHA-256 of the same bytes twice",
            judged,
            hashed,
            "0.3",
        ),
        Measure(
            f"start-up with {rows:,} records stored, seconds",
            "with 10,000",
            reading.start_seconds(directory / "gateway-CSV"),
            reading.start_seconds(directory / "little-CSV"),
            "at most 1.2",
        ),
    ]


def adapter_measures() -> list[Measure]:
    """Each adapter beside the bare parser of its syntax."""
    found = []
    for one in adapters.READINGS:
        ours, bare = adapters.measured(one)
        what = f"records a second, read by `{one.adapter.name}`"
        found.append(Measure(what, one.against, ours, bare, one.goal))
    return found


def main() -> None:
    """Measure, print, and write the table into the page; a part of it is only printed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--count", type=int, default=16_000)
    options.add_argument("--only", choices=["adapters"])
    chosen = options.parse_args()
    if chosen.only:
        print("".join(measure.line() for measure in adapter_measures()))
        return
    with tempfile.TemporaryDirectory() as held:
        directory = Path(held)
        measures = small_measures(directory / "small", chosen.count)
        measures += large_measures(directory, chosen.rows)
        measures += format_measures(directory, chosen.rows)
        measures += reading_measures(directory, chosen.rows)
    measures += adapter_measures()
    day = dt.datetime.now(dt.UTC).date()
    table = (
        f"Measured {day} on {platform.machine()}, Python {platform.python_version()}, with "
        f"`make bench`.\n\n| Measure | ours | against | bare | ratio | goal |\n"
        "|---|--:|---|--:|--:|--:|\n" + "".join(measure.line() for measure in measures)
    )
    print(table)
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
