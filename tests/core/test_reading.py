"""Steps four to six: what of a mixed message is taken, and rows that hold several records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from gateway.core.adapter import EVERY_CLASS, Adapter, Body, ReadContext
from gateway.core.envelope import Envelope
from gateway.core.groups.person import Who
from gateway.core.groups.work import Pay, Work
from gateway.core.mending import Mending, RefusedRows
from gateway.core.reading import LEFT_OUT, in_memory, take
from gateway.core.record import Item
from gateway.core.records import Earnings, Employment
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import VALUE_MISSING
from gateway.core.stages import MemoryBody, Reading

KEY = bytes(32)
PAID, EMPLOYED = (
    [Earnings(row=row, who=Who(), pay=Pay(), work=Work()) for row in (1, 2)],
    [Employment(row=row, who=Who(), work=Work()) for row in (1, 2)],
)


def adapter(*items: Item, mixed: bool = True) -> Adapter:
    """A format whose bodies always hold these items."""

    def read(_body: Body, _context: ReadContext) -> Iterator[Item]:
        yield from items

    return Adapter(
        name="test",
        title="",
        media_types=(),
        general_media_types=(),
        provider_classes=EVERY_CLASS,
        record_types=frozenset({"earnings", "employment"}),
        partial=True,
        limit_bytes=1,
        read=read,
        recognises=lambda _: False,
        mixed=mixed,
    )


def taken(made: Adapter, *allowed: str, mending: Mending | None = None) -> Reading:
    context = ReadContext(now=dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    envelope = Envelope(KEY, "sub")
    return take(
        MemoryBody(b"x"), made, context, frozenset(allowed), envelope, bytes, in_memory, mending
    )


def test_records_not_asked_for_are_left_out_of_a_mixed_message_and_noted() -> None:
    items = (PAID[0], EMPLOYED[0], PAID[1], EMPLOYED[1])
    reading = taken(adapter(*items), "earnings")
    assert (reading.rows.accepted, reading.rows.refused) == (2, 0)
    (note,) = reading.notes
    assert note.code == LEFT_OUT
    assert "employment" in note.message
    assert taken(adapter(*items), "earnings", "employment").notes == ()


def test_of_another_message_they_are_refused_row_by_row() -> None:
    reading = taken(adapter(PAID[0], EMPLOYED[1], mixed=False), "earnings")
    assert (reading.rows.accepted, reading.rows.refused) == (1, 1)
    assert [error.code for error in reading.errors] == ["RECORD_TYPE_NOT_ASKED"]


def test_a_mixed_message_of_which_nothing_was_asked_for_is_refused_and_says_why() -> None:
    with pytest.raises(Refused) as refused:
        taken(adapter(*EMPLOYED), "earnings")
    assert refused.value.reason is Reason.NOTHING_ACCEPTED
    assert "employment" in refused.value.detail


def test_every_record_of_an_open_row_is_taken_when_it_comes_again_and_only_once() -> None:
    open_rows = RefusedRows(KEY)
    open_rows.add(VALUE_MISSING.broken(2, "x"))
    mending = Mending(KEY, open_rows.tags(), rows=2, version=1)
    both = ("earnings", "employment")
    reading = taken(adapter(PAID[0], EMPLOYED[0], PAID[1], EMPLOYED[1]), *both, mending=mending)
    assert reading.rows.accepted == 2
    assert reading.open_rows == b""
    again = Mending(KEY, reading.open_rows, rows=2, version=2)
    with pytest.raises(Refused):
        taken(adapter(PAID[0], EMPLOYED[0], PAID[1], EMPLOYED[1]), *both, mending=again)
