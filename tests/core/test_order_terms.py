"""The terms of orders: what each kind says, which law's line answers it, and how one is found again."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.notices import Kind
from gateway.core.order_terms import (
    KINDS,
    ORDERS,
    DeductionFromEarnings,
    Ending,
    LumpSumDeduction,
    RegularDeduction,
    order_tag,
    terms_of,
)
from gateway.core.request_item import INFORMATION
from gateway.installed import deadlines, law, templates

DAY = dt.date(2026, 11, 23)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/"
references = st.text(ALPHABET, min_size=1, max_size=64)
pence = st.integers(0, 10**12)
dates = st.dates()
terms = st.one_of(
    st.builds(
        DeductionFromEarnings,
        order=references,
        start=dates,
        weekly_pence=pence,
        two_weekly_pence=pence,
        four_weekly_pence=pence,
        monthly_pence=pence,
    ),
    st.builds(
        RegularDeduction,
        order=references,
        amount_pence=pence,
        first=dates,
        every=st.sampled_from(["week", "month"]),
        account=st.none() | references,
    ),
    st.builds(LumpSumDeduction, order=references, amount_pence=pence, account=references),
    st.builds(Ending, order=references, on=dates),
)


class Keyed:
    """Tags under a key of the test's own."""

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        text = b"".join(b"%d:%b" % (len(part), part) for part in (purpose.encode(), *parts))
        return hmac.digest(b"key of the test", text, hashlib.sha256)


TAGS = Keyed()


def test_a_request_for_information_is_a_kind_and_no_order() -> None:
    assert (INFORMATION, *ORDERS) == KINDS
    assert INFORMATION not in ORDERS


@pytest.mark.parametrize("kind", ORDERS)
def test_every_kind_of_order_has_its_law_its_words_and_its_answer(kind: str) -> None:
    order = ORDERS[kind]
    assert deadlines().due(order.deadline, DAY, "england_wales").day >= DAY
    assert templates().get(cast("Kind", order.notice), "en").subject
    assert order.record_type in law().may_be_asked(order.provider_classes, ["COLLECT_ENFORCE"], DAY)
    assert order.to_bank == kind.startswith(("rdo", "lsdo"))


@given(terms, st.sampled_from(sorted(ORDERS)))
def test_terms_are_read_as_they_were_written(said: object, kind: str) -> None:
    raw = msgspec.json.decode(msgspec.json.encode(said))
    if isinstance(said, ORDERS[kind].terms):
        assert terms_of(kind, raw) == said
    else:
        with pytest.raises(msgspec.ValidationError):
            terms_of(kind, raw)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_pence": -1},
        {"amount_pence": 1.5},
        {"amount_pence": "100"},
        {"amount_pence": 10**12 + 1},
        {"account": ""},
        {"account": None},
        {"order": "x" * 65},
        {"reason": "because"},
    ],
)
def test_terms_that_are_none_are_refused(change: dict[str, object]) -> None:
    right = {"order": "LSDO-1", "amount_pence": 100_000, "account": "12345678"}
    assert terms_of("lsdo_final", right)
    with pytest.raises(msgspec.ValidationError):
        terms_of("lsdo_final", right | change)


@given(references, st.data())
def test_an_order_is_found_however_its_reference_is_typed(order: str, data: st.DataObject) -> None:
    typed = "".join(
        letter.lower() if data.draw(st.booleans()) else f"{letter} " for letter in order
    )
    assert order_tag("shop", typed, TAGS) == order_tag("shop", order, TAGS)


@given(references, references)
def test_two_orders_are_two_and_each_is_its_organisations_own(one: str, other: str) -> None:
    assert (order_tag("shop", one, TAGS) == order_tag("shop", other, TAGS)) == (one == other)
    assert order_tag("shop", one, TAGS) != order_tag("bank", one, TAGS)


def test_what_is_no_order_has_no_tag() -> None:
    assert order_tag("shop", None, TAGS) is None
