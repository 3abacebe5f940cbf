"""Answers without facts: what is said in a call is what a file would have said, line by line."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.catalogue import every_adapter
from gateway.core.adapter import ReadContext
from gateway.core.answer_lines import (
    MEDIA_TYPE,
    Excuse,
    Nothing,
    batch_line,
    nil_lines,
    refusal_lines,
)
from gateway.core.record import Record
from gateway.core.records import NilReturn, RefusalRecord
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.request_life import Event, event_of_answer, left
from gateway.core.stages import MemoryBody
from gateway.installed import law

DAY = dt.date(2026, 11, 23)
CONTEXT = ReadContext(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC))
TABLE = law()
ASKED = ("account", "address", "identity")


def request(covered: tuple[str, ...] = (), asked: tuple[str, ...] = ASKED) -> Stored:
    return Stored(
        id="req_0CQ8A1B2C3D4E5F6G7H8I9J0KL",
        organisation="bank",
        consumer="tracing",
        purposes=("IDENTIFY_TRACE",),
        citation="SI 2008/2551 reg 4(1)",
        record_types=asked,
        reference=None,
        wrapped_key=b"",
        subject=b"",
        raised="2026-11-23T09:00:00.000000Z",
        due="2026-12-07",
        covered=covered,
    )


def read(lines: bytes) -> list[Any]:
    """Lines as the format that they are sent in reads them."""
    (reader,) = (adapter for adapter in every_adapter() if MEDIA_TYPE in adapter.media_types)
    items = list(reader.read(MemoryBody(lines), CONTEXT))
    assert all(isinstance(item, Record) for item in items), items
    return items


def covers(items: list[Any]) -> set[str]:
    return {f"{item.type_name}:{item.answer.asked}" for item in items}


def test_nothing_at_all_is_a_nil_return_for_each_record_type() -> None:
    found = read(nil_lines(request(), Nothing()))
    assert [type(item) for item in found] == [NilReturn] * 3
    assert [item.answer.asked for item in found] == list(ASKED)
    assert {item.answer.code for item in found} == {"NOT_HELD"}
    assert {item.case.reference for item in found} == {request().id}


def test_nothing_of_a_part_is_said_of_that_part() -> None:
    said = Nothing(record_types=("address",), code="NO_MATCH")
    (found,) = read(nil_lines(request(), said))
    assert (found.answer.asked, found.answer.code) == ("address", "NO_MATCH")


def test_a_refusal_says_why() -> None:
    said = Excuse(code="LEGAL_PRIVILEGE", detail="Held for a court.", record_types=("account",))
    (found,) = read(refusal_lines(request(), said, TABLE, DAY))
    assert isinstance(found, RefusalRecord)
    assert (found.answer.code, found.answer.detail) == ("LEGAL_PRIVILEGE", "Held for a court.")


def test_a_reason_that_the_law_does_not_know_is_refused_and_not_repeated() -> None:
    with pytest.raises(Refused) as refusal:
        refusal_lines(request(), Excuse(code="TOO_MUCH_WORK"), TABLE, DAY)
    assert refusal.value.reason is Reason.PARAMETER_NOT_VALID
    assert "LEGAL_PRIVILEGE" in refusal.value.detail
    assert "TOO_MUCH_WORK" not in refusal.value.detail


def test_what_was_not_asked_for_is_refused() -> None:
    with pytest.raises(Refused, match=r"Still to come are: address, identity\."):
        nil_lines(request(("account",)), Nothing(record_types=("pension",)))


def test_where_all_has_come_there_is_nothing_left_to_say() -> None:
    with pytest.raises(Refused, match="All has come"):
        nil_lines(request(ASKED), Nothing())


def test_what_is_said_again_is_the_same_to_the_byte() -> None:
    """Whoever lost the answer sends it again, and must hear of the same submission."""
    said = nil_lines(request(), Nothing())
    assert nil_lines(request(tuple(covers(read(said)))), Nothing()) == said
    excuse = Excuse(code="LEGAL_PRIVILEGE")
    refused = refusal_lines(request(), excuse, TABLE, DAY)
    again = request(tuple(covers(read(refused))))
    assert refusal_lines(again, excuse, TABLE, DAY) == refused


def test_one_line_answers_for_whoever_of_a_list_is_not_known() -> None:
    (found,) = read(batch_line("bat_1"))
    assert (found.type_name, found.answer.code) == ("nil_return", "NO_MATCH")
    assert (found.answer.asked, found.case.reference) == (None, "bat_1")


@given(
    st.lists(st.sampled_from(ASKED), max_size=3, unique=True),
    st.lists(st.sampled_from(ASKED), max_size=3, unique=True),
    st.sampled_from([None, *sorted(TABLE.excuses(DAY))]),
)
def test_an_answer_settles_what_it_names_or_all_that_is_left(
    covered: list[str], named: list[str], code: str | None
) -> None:
    stored = request(tuple(covered))
    still = left(stored.record_types, stored.covered)
    try:
        lines = (
            nil_lines(stored, Nothing(record_types=tuple(named)))
            if code is None
            else refusal_lines(stored, Excuse(code=code, record_types=tuple(named)), TABLE, DAY)
        )
    except Refused:
        assert not named
        assert not still
        return
    settled = covers(read(lines))
    assert {name.partition(":")[2] for name in settled} == set(named or still)
    if not named:
        event = event_of_answer(ASKED, {*covered, *settled}, open_rows=0)
        assert event is (Event.ANSWERED if covered or code is None else Event.REFUSED)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"code": "DISPUTED"}, Nothing),
        ({"why": "none"}, Nothing),
        ({}, Excuse),
        ({"code": "LEGAL_PRIVILEGE", "detail": "x" * 1_001}, Excuse),
    ],
)
def test_what_is_neither_is_refused(raw: dict[str, Any], kind: type[Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, kind)
