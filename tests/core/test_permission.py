"""What may be asked: one request that may be, and each thing that makes it one that may not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.groups.person import Who
from gateway.core.identity import Caller
from gateway.core.order_terms import ORDERS
from gateway.core.permission import Allowed, Asking, permit
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused
from gateway.installed import deadlines, law

DAY = dt.date(2026, 11, 23)
TABLE, DEADLINES = law(), deadlines()
TERMS: dict[str, Any] = {"order": "DEO-1", "on": "2026-12-01"}


@dataclass(frozen=True)
class Party:
    kind: str
    classes: frozenset[str]


class Register(dict[str, Party]):
    """Who there is, on whatever day."""

    def party(self, identity: str, _day: dt.date) -> Party | None:
        return self.get(identity)


REGISTER = Register(
    bank=Party("organisation", frozenset({"deposit_taker"})),
    shop=Party("organisation", frozenset({"employer"})),
    both=Party("organisation", frozenset({"deposit_taker", "employer"})),
    nobody=Party("organisation", frozenset()),
    tracing=Party("consumer", frozenset({"tracing"})),
)


def team(feed: str) -> Caller:
    return Caller(feed, "consumer", frozenset({feed}), "client", frozenset({"requests"}), "print")


ASKED: dict[str, Any] = {
    "organisation": "bank",
    "purposes": ("IDENTIFY_TRACE",),
    "citation": "SI 2008/2551 reg 4(1)",
    "subject": Who(surname="Sample"),
    "record_types": ("account", "address"),
    "due": dt.date(2026, 12, 7),
}
ORDER: dict[str, Any] = {
    "organisation": "shop",
    "purposes": ("COLLECT_ENFORCE",),
    "citation": "CSA 1991 s31",
    "subject": Who(surname="Sample"),
    "kind": "deo_discharged",
    "terms": TERMS,
}


def may(caller: Caller, **asked: Any) -> Allowed:
    return permit(caller, Asking(**asked), REGISTER, TABLE, DEADLINES, DAY)


def test_what_the_duty_table_knows_may_be_asked() -> None:
    allowed = may(team("tracing"), **ASKED)
    assert allowed == (("account", "address"), ASKED["due"], "deposit_taker")


def test_a_draft_is_held_to_the_same_law() -> None:
    assert may(team("tracing"), **ASKED, draft=True) == may(team("tracing"), **ASKED)


def test_it_is_asked_in_the_class_that_has_it() -> None:
    found = may(team("tracing"), **ASKED | {"organisation": "both"})
    assert found.provider_class == "deposit_taker"
    found = may(
        team("tracing"), **ASKED | {"organisation": "both", "record_types": ("employment",)}
    )
    assert found.provider_class == "employer"


@pytest.mark.parametrize(
    ("change", "reason", "told"),
    [
        ({"purposes": ()}, Reason.NO_PURPOSE, "IDENTIFY_TRACE"),
        ({"purposes": ("COLLECT_ENFORCE",)}, Reason.NO_PURPOSE, "IDENTIFY_TRACE"),
        ({"purposes": ("IDENTIFY_TRACE", "CALCULATE")}, Reason.NO_PURPOSE, "IDENTIFY_TRACE"),
        ({"citation": " "}, Reason.PARAMETER_NOT_VALID, "citation"),
        ({"citation": "x" * 201}, Reason.PARAMETER_NOT_VALID, "citation"),
        ({"due": None}, Reason.PARAMETER_NOT_VALID, "due"),
        ({"due": dt.date(2026, 11, 22)}, Reason.PARAMETER_NOT_VALID, "due"),
        ({"subject": Who(nino="AA00000")}, Reason.PARAMETER_NOT_VALID, "subject.nino"),
        ({"organisation": "none"}, Reason.PARAMETER_NOT_VALID, "no such organisation"),
        ({"organisation": "tracing"}, Reason.PARAMETER_NOT_VALID, "no such organisation"),
        ({"organisation": "nobody"}, Reason.PARAMETER_NOT_VALID, "nothing"),
        ({"record_types": ()}, Reason.PARAMETER_NOT_VALID, "account"),
        ({"record_types": ("account", "employment")}, Reason.PARAMETER_NOT_VALID, "account"),
        ({"record_types": ("balance",)}, Reason.PARAMETER_NOT_VALID, "account"),
        ({"kind": "fine"}, Reason.PARAMETER_NOT_VALID, "kind is one of: information, deo"),
        ({"terms": TERMS}, Reason.PARAMETER_NOT_VALID, "terms"),
    ],
)
def test_what_makes_a_request_one_that_may_not_be_asked(
    change: dict[str, Any], reason: Reason, told: str
) -> None:
    with pytest.raises(Refused) as refusal:
        may(team("tracing"), **ASKED | change)
    assert refusal.value.reason is reason
    assert told in refusal.value.detail


def test_only_consumers_ask() -> None:
    caller = Caller("bank", "organisation", frozenset({"tracing"}), "c", frozenset(), "print")
    with pytest.raises(Refused) as refusal:
        may(caller, **ASKED)
    assert refusal.value.reason is Reason.NOT_PERMITTED


def test_what_answers_an_order_and_by_when_follows_from_the_law() -> None:
    allowed = may(team("enforcement"), **ORDER)
    due = DEADLINES.due("DEO_DISCHARGED", DAY, "england_wales").day
    assert allowed == (("order_status",), due, "employer")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"terms": None}, "are not an object"),
        ({"terms": {"order": "DEO-1"}}, "lack on."),
        ({"terms": TERMS | {"on": "soon"}}, "not valid at $.on"),
        ({"terms": TERMS | {"order": ""}}, "not valid at $.order"),
        ({"terms": TERMS | {"secret": "word"}}, "a member that does not belong in them"),
        ({"due": DAY}, "due date"),
        ({"record_types": ("order_status",)}, "leave them out"),
        ({"organisation": "bank"}, "nothing"),
        ({"kind": "deo"}, "The terms of this order"),
    ],
)
def test_what_makes_an_order_one_that_may_not_be_given(change: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refusal:
        may(team("enforcement"), **ORDER | change)
    assert refusal.value.reason is Reason.PARAMETER_NOT_VALID
    assert told in refusal.value.detail
    assert not any(word in refusal.value.detail for word in ("soon", "secret", "word"))


@pytest.mark.parametrize("kind", ORDERS)
def test_every_order_can_be_given_to_its_class_and_to_no_other(kind: str) -> None:
    terms = {
        "order": "ORDER-1",
        "on": "2026-12-01",
        "start": "2026-12-01",
        "first": "2026-12-01",
        "every": "month",
        "account": "12345678",
        **dict.fromkeys(PENCE, 1000),
    }
    wanted = ORDERS[kind]
    known = {field.name for field in msgspec.structs.fields(wanted.terms)}
    order = ORDER | {"kind": kind, "terms": {n: v for n, v in terms.items() if n in known}}
    right, wrong = ("bank", "shop") if wanted.to_bank else ("shop", "bank")
    allowed = may(team("enforcement"), **order | {"organisation": right})
    assert allowed.record_types == (wanted.record_type,)
    with pytest.raises(Refused):
        may(team("enforcement"), **order | {"organisation": wrong})


PENCE = ("weekly_pence", "two_weekly_pence", "four_weekly_pence", "monthly_pence", "amount_pence")


@given(
    st.sampled_from(["tracing", "calculation", "enforcement"]),
    st.sampled_from(sorted(REGISTER)),
    st.lists(st.sampled_from(sorted(TABLE.purposes)), max_size=3),
    st.lists(st.sampled_from(sorted(RECORD_TYPES)), max_size=3),
)
def test_nothing_is_allowed_beyond_the_purposes_and_the_class(
    feed: str, organisation: str, purposes: list[str], types: list[str]
) -> None:
    asked = ASKED | {
        "organisation": organisation,
        "purposes": tuple(purposes),
        "record_types": tuple(types),
    }
    try:
        allowed = may(team(feed), **asked)
    except Refused:
        return
    party = REGISTER[organisation]
    assert party.kind == "organisation"
    assert set(purposes) <= TABLE.purposes_of(feed)
    assert set(types) == set(allowed.record_types)
    assert set(types) <= TABLE.may_be_asked(party.classes, purposes, DAY)
    assert allowed.provider_class in party.classes
