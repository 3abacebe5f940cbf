"""Rows that come again: each counts once, and only if it was open."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tables.records_jsonl import RECORDS_JSONL
from gateway.core.adapter import ReadContext
from gateway.core.envelope import Envelope
from gateway.core.groups.person import Answer
from gateway.core.mending import TAG_BYTES, Mending, RefusedRows
from gateway.core.reading import in_memory, take
from gateway.core.record import RowError
from gateway.core.records import NilReturn
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody

KEY = bytes(range(32))
keys = st.text(min_size=1, max_size=20)


def record(row: int, key: str | None = None) -> NilReturn:
    return NilReturn(row=row, key=key, answer=Answer(code="NONE"))


def error(row: int, key: str | None = None) -> RowError:
    return RowError(row=row, key=key, field="f", code="C", message="m", fix="x")


def tags(*errors: RowError) -> bytes:
    refused = RefusedRows(KEY)
    for each in errors:
        refused.add(each)
    return refused.tags()


def test_several_errors_of_one_row_are_one_open_row():
    assert len(tags(error(3), error(3), error(4))) == 2 * TAG_BYTES


def test_names_say_nothing_without_the_key():
    other = RefusedRows(bytes(32))
    other.add(error(1, "K"))
    assert other.tags() != tags(error(1, "K"))


@given(st.sets(keys, min_size=1, max_size=30), st.data())
def test_each_open_row_counts_once_in_whatever_order_and_number(names: set[str], data):
    open_names = sorted(names)
    opened = tags(*(error(n, name) for n, name in enumerate(open_names, start=1)))
    mending = Mending(KEY, opened, rows=100, version=0)
    arriving = data.draw(st.lists(st.tuples(st.sampled_from([*open_names, "\0"]), st.booleans())))
    closed: set[str] = set()
    for row, (name, is_right) in enumerate(arriving, start=1):
        item = record(row, name) if is_right else error(row, name)
        counts = mending.counts(item)
        assert counts == (name in names and name not in closed)
        if counts and is_right:
            closed.add(name)
    left = mending.left()
    assert left == tags(*(error(1, name) for name in names - closed))
    refused_again = Mending(KEY, left, rows=100, version=1)
    assert not any(refused_again.counts(record(1, name)) for name in closed)


@given(st.sets(st.integers(1, 50), min_size=1), st.integers(1, 60))
def test_rows_without_keys_are_believed_only_in_the_same_number(rows: set[int], sent: int):
    opened = tags(*(error(row) for row in rows))
    mending = Mending(KEY, opened, rows=50, version=0)
    for row in range(1, sent + 1):
        assert mending.counts(record(row)) == (row in rows)
    if sent == 50:
        assert mending.left() == b""
    else:
        with pytest.raises(Refused) as refused:
            mending.left()
        assert refused.value.reason is Reason.FILE_RULE


def test_a_number_may_be_given_as_a_key():
    mending = Mending(KEY, tags(error(17)), rows=40, version=0)
    assert mending.counts(record(2, "row:17"))
    assert mending.left() == b""


def test_what_was_left_out_is_said():
    mending = Mending(KEY, tags(error(1, "A")), rows=2, version=0)
    assert mending.notes() == ()
    mending.counts(record(1, "B"))
    assert [note.code for note in mending.notes()] == ["ROWS_NOT_OPEN"]


def test_the_row_of_a_record_that_was_not_asked_for_keeps_its_key():
    one = Envelope(KEY, "sub_1")
    adapter = replace(RECORDS_JSONL, read=lambda *_: iter([record(2, "K")]))
    with pytest.raises(Refused) as refused:
        take(
            MemoryBody(b"x"),
            adapter,
            ReadContext(dt.datetime(2026, 11, 1, tzinfo=dt.UTC)),
            frozenset(),
            one,
            bytes,
            in_memory,
        )
    assert [told.key for told in refused.value.errors] == ["K"]  # type: ignore[attr-defined]
