"""Scenarios without a gateway: files go through the real adapter and table of duties into events."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapters.tables.records_csv import RECORDS_CSV
from gateway.client.events import Event
from gateway.core.adapter import ReadContext
from gateway.core.record import Note, Record, RowError
from gateway.core.stages import MemoryBody
from tests.consumers.scenario import Clock, Sends, Step

ROOT = Path(__file__).resolve().parents[2]
_DUTIES = ROOT / "schemas" / "duties"
_USE = {"tracing": "trace", "calculation": "calculate", "enforcement": "enforce"}


def events_of(steps: Sequence[Step], consumer: str) -> list[Event]:
    """What a consumer's feed would show after these steps."""
    clock = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    found: list[Event] = []
    for place, step in enumerate(steps):
        if isinstance(step, Clock):
            clock = step.at
        if isinstance(step, Sends):
            found += _events(step, consumer, clock, f"s-{place}", len(found) + 1)
    return found


def _events(
    step: Sends, consumer: str, clock: dt.datetime, submission: str, first: int
) -> Iterator[Event]:
    shown = shown_groups(step.provider_class, step.record_type, consumer)
    for place, record in enumerate(_records(step)):
        groups = {
            name: msgspec.to_builtins(getattr(record, name))
            for name in record.group_names
            if name in shown and getattr(record, name) is not None
        }
        yield Event(
            seq=first + place,
            type=step.record_type,
            submission=submission,
            row=record.row,
            organisation=step.provider_class,
            organisation_class=step.provider_class,
            format=RECORDS_CSV.name,
            recorded_at=clock,
            purposes=("DETERMINE_APPLICATION",),
            entry=first + place,
            confidence="named" if step.consumer else "unasked",
            groups=groups,
            withheld=tuple(sorted(set(record.group_names) - shown)),
        )


def _records(step: Sends) -> list[Record]:
    header, _, rows = step.csv.partition("\n")
    named = "".join(f"{step.record_type},{row}\n" for row in rows.splitlines())
    body = MemoryBody(f"record_type,{header}\n{named}".encode())
    context = ReadContext(dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
    items = list(RECORDS_CSV.read(body, context))
    broken = [item for item in items if isinstance(item, RowError)]
    assert not broken, broken
    return [item for item in items if not isinstance(item, Note | RowError)]


def shown_groups(provider_class: str, record_type: str, consumer: str) -> frozenset[str]:
    """The groups of a record of a class that a consumer may see, by the table of duties."""
    duty = _table(_DUTIES / "classes" / f"{provider_class}.toml")
    assert duty["enabled"], f"{provider_class} may not send yet"
    use = _USE[consumer]
    for sent in [*duty["sends"], *_table(_DUTIES / "law.toml")["answer"]]:
        if sent["record_type"] == record_type and use in sent:
            return frozenset(sent[use])
    raise AssertionError(f"{consumer} sees no {record_type} of {provider_class}")


def _table(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
