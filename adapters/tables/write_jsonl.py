"""Records as JSON lines, so that reading them gives the records back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from gateway.core.record import Record

_BUILT: Final = msgspec.to_builtins
_ENCODE: Final = msgspec.json.Encoder().encode


def write_jsonl(records: Iterable[Record]) -> bytes:
    """A line for each record, in the shape of its schema and without its row."""
    return b"".join(line(record) + b"\n" for record in records)


def line(record: Record) -> bytes:
    """One record as a line, without its line feed."""
    told = _BUILT(record)
    del told["row"]
    return _ENCODE(told)
