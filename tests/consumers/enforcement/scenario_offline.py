"""Scenario files without a gateway: read, turned into events by the real adapter and the real law.

What the runner against a real gateway shows of a submission is made here by hand: each record of the
CSV in the groups that the duty table lets enforcement see, at the instant of the scenario's clock.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapters.tables.records_csv import RECORDS_CSV
from gateway.client.events import Event
from gateway.consumers.enforcement.book import Book, read_book
from gateway.consumers.enforcement.proposals import proposals
from gateway.consumers.rates import Rates
from gateway.core.adapter import ReadContext
from gateway.core.duty import Law
from gateway.core.record import Record
from gateway.core.stages import MemoryBody
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "scenarios" / "enforcement"
RATES = Rates([path.read_text("utf-8") for path in sorted((ROOT / "schemas/rates").glob("*.toml"))])
DUTIES = ROOT / "schemas" / "duties"
LAW = Law(
    (DUTIES / "law.toml").read_bytes(),
    {path.stem: path.read_bytes() for path in (DUTIES / "classes").glob("*.toml")},
)
HEAD = re.compile(
    r"Clock (?P<clock>\d{4}-\d\d-\d\d \d\d:\d\d)"
    r"|(?P<unasked>\w+) sends (?P<sent>\w+)"
    r"|(?P<asked>\w+) answers enforcement with (?P<answer>\w+)"
    r"|(?P<book>Book) enforcement"
    r"|On (?P<day>\d{4}-\d\d-\d\d) enforcement says",
)


@dataclass(frozen=True)
class Block:
    """A heading, and the lines below it without their indent."""

    head: re.Match[str]
    text: str


@dataclass(frozen=True)
class Said:
    """A day, what was expected then, and what was said."""

    day: dt.date
    expected: list[str]
    lines: list[str]
    explained: list[Any]


def parse(text: str) -> list[Block]:
    first, second, *rest = text.splitlines()
    assert first.endswith("."), "the first line says what is shown"
    assert second.startswith("Law: "), "the second says on which law it stands"
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in rest:
        if not line.strip():
            continue
        if line.startswith("    "):
            if not line[4:].startswith("#"):
                blocks[-1][1].append(line[4:])
            continue
        head = HEAD.fullmatch(line)
        assert head, f"no such line: {line}"
        blocks.append((head, []))
    return [Block(head, "\n".join(lines) + "\n") for head, lines in blocks]


def records(text: str, clock: dt.datetime) -> list[Record]:
    items = list(RECORDS_CSV.read(MemoryBody(text.encode()), ReadContext(clock)))
    assert all(isinstance(item, Record) for item in items), items
    return [item for item in items if isinstance(item, Record)]


def views(slug: str, record_type: str, day: dt.date, *, asked: bool) -> Any:
    """What enforcement is shown of a record type; asserts that the class may send it so."""
    purposes = frozenset({"COLLECT_ENFORCE"})
    if not asked:
        duties = [d for d in LAW.classes[slug].standing if record_type in d.record_types]
        assert duties, f"{slug} does not owe {record_type} unasked"
        purposes = frozenset(code for duty in duties for code in duty.purposes)
    else:
        assert record_type in LAW.may_be_asked([slug], purposes, day)
    return LAW.views(slug, purposes, day)["enforcement"][record_type].groups


def events_of(block: Block, clock: dt.datetime, first: int, submission: str) -> list[Event]:
    asked = block.head["asked"] is not None
    slug = block.head["asked"] or block.head["unasked"]
    record_type = block.head["answer"] or block.head["sent"]
    shown = views(slug, record_type, clock.date(), asked=asked)
    found = []
    for number, record in enumerate(records(block.text, clock)):
        assert record.type_name == record_type
        groups = msgspec.json.decode(msgspec.json.encode(record))
        found.append(
            Event(
                seq=first + number,
                type=record_type,
                submission=submission,
                row=record.row,
                organisation=slug,
                organisation_class=slug,
                format="records-csv",
                recorded_at=clock,
                purposes=("COLLECT_ENFORCE",),
                entry=first,
                confidence="named" if asked else "unasked",
                groups={name: value for name, value in groups.items() if name in shown},
                request="r-1" if asked else None,
            )
        )
    return found


def run(path: Path) -> list[Said]:
    clock: dt.datetime | None = None
    book = Book()
    events: list[Event] = []
    said: list[Said] = []
    for number, block in enumerate(parse(path.read_text("utf-8"))):
        head = block.head
        if head["clock"]:
            clock = dt.datetime.fromisoformat(head["clock"]).replace(tzinfo=dt.UTC)
        elif head["book"]:
            book = read_book(block.text)
        elif head["day"]:
            day = dt.date.fromisoformat(head["day"])
            found = proposals(events, book, RATES, day)
            expected = sorted(line for line in block.text.splitlines() if line)
            said.append(Said(day, expected, sorted(one.line() for one in found), found))
        else:
            assert clock is not None, "a clock comes first"
            events += events_of(block, clock, len(events) + 1, f"s-{number}")
    assert said, "nothing is expected"
    return said
