"""The formats that sectors already produce: each reader alone, beside the bare parser of its syntax."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from lxml import etree

from adapters.banks.camt import CAMT
from adapters.banks.open_banking import OPEN_BANKING
from adapters.employers.fps import FPS
from gateway.core.adapter import Adapter, ReadContext
from gateway.core.record import Record
from gateway.core.refusal import Refused

SAMPLES = Path(__file__).resolve().parent.parent / "schemas" / "samples"
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


class File(NamedTuple):
    """A body on the disk."""

    path: Path

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        """A stream at the first byte."""
        return self.path.open("rb")


def write_xml(path: Path, sample: str, name: str, count: int) -> None:
    """The sample, with its elements of a name over and over."""
    content = (SAMPLES / sample).read_text()
    first, last = content.index(f"<{name}>"), content.rindex(f"</{name}>") + len(name) + 3
    each = content[first:last].count(f"<{name}>")
    with path.open("w") as file:
        file.write(content[:first])
        for _ in range(count // each):
            file.write(content[first:last] + "\n")
        file.write(content[last:])


def write_lines(path: Path, count: int) -> None:
    """The sample's responses, a line for each hundred of its transactions."""
    *others, moved = json.loads((SAMPLES / "open-banking.json").read_text())
    one = moved["Data"]["Transaction"][0]
    with path.open("w") as file:
        for response in others:
            file.write(json.dumps(response) + "\n")
        for begin in range(0, count, 100):
            items = [one | {"TransactionId": str(n)} for n in range(begin, begin + 100)]
            file.write(json.dumps({"Data": {"Transaction": items}}) + "\n")


def bare_xml(path: Path, name: str) -> Iterator[object]:
    """lxml's iterparse, letting go of each element."""
    for _, element in etree.iterparse(str(path), tag=f"{{*}}{name}"):
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def bare_lines(path: Path) -> Iterator[object]:
    """msgspec's decoder, line by line."""
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for line in file:
            yield from decode(line)["Data"].get("Transaction", ())


def ours(path: Path, adapter: Adapter) -> Iterator[object]:
    """Our reader; a file written over and over has not the totals and the mark of its sample."""
    try:
        for item in adapter.read(File(path), ReadContext(now=NOW)):
            if isinstance(item, Record):
                yield item
    except Refused as refused:
        if not refused.detail.startswith(("CONTROL_TOTAL_MISMATCH", "IRMARK_MISMATCH")):
            raise


def rate(rows: int, read: Callable[[], Iterator[object]]) -> float:
    """Rows a second, the best of three."""
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        assert sum(1 for _ in read()) >= rows
        best = max(best, rows / (time.perf_counter() - began))
    return best


def measure(directory: Path, count: int) -> Iterator[tuple[str, int, str, float, float]]:
    """What was read, how many rows, beside what, and the rates of ours and of the bare one."""
    for what, sample, name, adapter in (
        ("an FPS with its IRmark", "fps.xml", "Employee", FPS),
        ("a camt.053 statement", "statement.xml", "Ntry", CAMT),
    ):
        path = directory / sample
        write_xml(path, sample, name, count)
        alone = rate(count, lambda path=path, name=name: bare_xml(path, name))  # type: ignore[misc]
        own = rate(count, lambda path=path, adapter=adapter: ours(path, adapter))  # type: ignore[misc]
        yield what, count, "lxml's iterparse alone", own, alone
    path = directory / "open-banking.jsonl"
    write_lines(path, count)
    alone = rate(count, lambda: bare_lines(path))
    own = rate(count, lambda: ours(path, OPEN_BANKING))
    yield "Open Banking lines", count, "msgspec's decoder alone", own, alone
