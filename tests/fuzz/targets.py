"""One target for each adapter of the catalogue: bytes in; items or a refusal out, and nothing else.

What a target holds: the reader yields records, row errors and notes or raises Refused, within bounded
memory, and neither recognising nor reading lets another exception out.
"""

from __future__ import annotations

import datetime as dt
import io
import random
import tracemalloc
import zipfile
from collections.abc import Iterator

from adapters.catalogue import every_adapter
from gateway.core.adapter import Adapter, ReadContext
from gateway.core.record import Note, Record, RowError
from gateway.core.refusal import Refused
from gateway.core.stages import MemoryBody
from tests.conftest import SAMPLES

CONTEXT = ReadContext(dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
ADAPTERS = {adapter.name: adapter for adapter in every_adapter()}
HEAD = 4_096
# A reader holds a piece of the body, a few rows, and what it remembers of a column.
MEMORY_BYTES = 64 * 1024 * 1024
SMALL_BYTES = 64 * 1024
_TOKENS = (b"\0", b"\xff\xfe", b'"', b",", b";", b"\t", b"\r\n", b"{", b"}", b"[", b"]", b"<", b">", b"&",
           b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"=1+1", b"01/02/2026", b"1,234", b"9" * 40, b"\xc3", b"PK\x03\x04",
           b"1048576", b"XFD1048576", b'"type":"identity"', b"-", b"\xef\xbb\xbf", b"[" * 40)  # fmt: skip


def samples_of(adapter: Adapter) -> list[bytes]:
    """The samples that an adapter recognises as its own, whole."""
    found = [path.read_bytes() for path in sorted(SAMPLES.rglob("*")) if path.is_file()]
    return [data for data in found if adapter.recognises(data[:HEAD])] or [b""]


def run(adapter: Adapter, data: bytes) -> int:
    """Read one body; the number of items. Raises AssertionError where the reader breaks its word."""
    assert adapter.recognises(data[:HEAD]) in {True, False}
    count = 0
    try:
        for item in adapter.read(MemoryBody(data), CONTEXT):
            assert isinstance(item, Record | RowError | Note), type(item)
            count += 1
    except Refused:
        pass
    return count


def measured(adapter: Adapter, data: bytes) -> int:
    """As `run`, within bounded memory; returns the most that was held, in bytes."""
    tracemalloc.start()
    try:
        run(adapter, data)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < MEMORY_BYTES, held
    return held


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A body with a few places changed, as transport, editors and attackers change them."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) + 1)
        end = min(len(found), at + chance.choice((0, 1, 1, 8, 200)))
        match chance.randrange(4):
            case 0:
                found[at:end] = chance.choice(_TOKENS)
            case 1:
                found[at:end] = chance.randbytes(end - at)
            case 2:
                found[at:at] = found[at:end] * chance.randint(1, 20)
            case _:
                del found[at:end]
    return bytes(found[:SMALL_BYTES])


def repacked(data: bytes, chance: random.Random) -> bytes:
    """A workbook with one of its parts mutated, and packed in order again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(parts))
    parts[name] = mutated(parts[name], chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return out.getvalue()


def bodies(adapter: Adapter, chance: random.Random) -> Iterator[bytes]:
    """Bodies without end: mutated samples, and sometimes nothing but chance."""
    samples = samples_of(adapter)
    while True:
        sample = chance.choice(samples)
        if sample.startswith(b"PK") and chance.randrange(4):
            yield repacked(sample, chance)
        elif chance.randrange(20):
            yield mutated(sample, chance)
        else:
            yield chance.randbytes(chance.randrange(2_000))
