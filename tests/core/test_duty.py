"""The duty table: what it says of each class, and what the gateway concludes from it."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.catalogue import every_adapter
from gateway.core.adapter import EVERY_CLASS
from gateway.core.duty import Law
from gateway.core.duty_table import Ask
from gateway.core.records import RECORD_TYPES
from gateway.core.refusal import Reason, Refused
from gateway.installed import law

DAY = dt.date(2026, 11, 23)
TABLE = law()
SLUGS = sorted(TABLE.classes)
PURPOSES = sorted(TABLE.purposes)
CLASSES = files("schemas") / "duties" / "classes"

# Every row of the classes that the law, or the department's charter and policy, name.
NAMED = {
    "applicant_pwc", "child_scotland", "nrp", "employer", "engager", "accountant", "other_carer",
    "credit_reference_agency", "deposit_taker", "gas_electricity", "local_authority",
    "prison_service", "driver_vehicle", "police", "legal_rep", "overseas_authority",
    "gov_hmrc_dwp", "mortgage_lender", "occupational_pension", "personal_pension",
    "academy_proprietor", "motor_insurers_bureau", "investment_firm",
}  # fmt: skip
INSTRUMENT_NOT_FOUND = {
    "personal_pension", "academy_proprietor", "motor_insurers_bureau", "investment_firm",
    "police", "overseas_authority",
}  # fmt: skip

# What an employer's file says of who may see an identity.
NEEDED = 'trace = ["who", "contact", "case"]\nenforce = ["who", "case"]\n'

# Record types that nobody is asked for: the gateway makes them, or they stand beside an answer.
NOT_ASKED = {"enquiry", "nil_return", "refusal", "correction"}


def texts() -> tuple[bytes, dict[str, bytes]]:
    found = {item.name.removesuffix(".toml"): item.read_bytes() for item in CLASSES.iterdir()}
    return (files("schemas") / "duties" / "law.toml").read_bytes(), found


def changed(slug: str, old: str, new: str) -> Law:
    """The table with one class file altered."""
    head, classes = texts()
    text = classes[slug].decode()
    assert old in text
    return Law(head, classes | {slug: text.replace(old, new, 1).encode()})


# --- the table itself ---------------------------------------------------------------------------


def test_every_class_that_is_named_stands_in_the_table():
    assert set(TABLE.classes) == NAMED


def test_a_class_whose_instrument_was_not_found_is_off():
    assert {slug for slug, item in TABLE.classes.items() if not item.enabled} == (
        INSTRUMENT_NOT_FOUND
    )


def test_every_record_type_can_be_asked_of_somebody():
    asked = {line.record_type for item in TABLE.classes.values() for line in item.sends}
    assert asked == set(RECORD_TYPES) - NOT_ASKED


@pytest.mark.parametrize("slug", SLUGS)
def test_every_line_is_dated_and_cited(slug: str):
    item = TABLE.classes[slug]
    assert item.citation.strip()
    assert item.ground.citation.strip()
    assert item.in_force <= DAY
    for duty in item.standing:
        assert duty.citation.strip()


@pytest.mark.parametrize(
    ("slug", "old", "new", "word"),
    [
        ("employer", '"address"', '"adress"', "adress"),
        ("employer", '"contact", "case"]', '"contract", "case"]', "contract"),
        ("employer", '["COLLECT_ENFORCE"', '["COLLECT"', "COLLECT"),
        ("child_scotland", '["IDENTIFY_TRACE"]', '["TRACE"]', "TRACE"),
        ("employer", 'record_type = "identity"', 'record_type = "address"', "twice"),
        ("employer", 'slug = "employer"', 'slug = "boss"', "boss"),
        ("employer", 'confidence = "V"', 'confidence = "Q"', "confidence"),
        ("employer", NEEDED, "", "identity: no use may see it"),
        ("employer", "enabled = true", "enabled = 1", "enabled"),
        ("employer", "in_force = 2008-10-27", 'in_force = "27 October 2008"', "in_force"),
    ],
)
def test_a_table_that_speaks_of_what_is_not_there_is_refused(
    slug: str, old: str, new: str, word: str
):
    with pytest.raises(ValueError, match=word):
        changed(slug, old, new)


def test_any_change_of_the_table_is_another_version():
    assert changed("employer", "Current or previous", "Current and previous").version != (
        TABLE.version
    )
    assert Law(*texts()).version == TABLE.version


def test_a_class_is_added_by_one_file():
    head, classes = texts()
    baker = b"""
slug = "baker"
title = "Baker of the non-resident parent"
citation = "An instrument that is made up"
confidence = "P"
in_force = 2026-01-01
enabled = true
[ground]
citation = "The same"
confidence = "P"
[[sends]]
record_type = "supply"
trace = ["who", "where", "supply"]
"""
    table = Law(head, classes | {"baker": baker})
    assert table.may_be_asked(["baker"], ["IDENTIFY_TRACE"], DAY) == {"supply"}
    view = table.views("baker", frozenset({"IDENTIFY_TRACE"}), DAY)
    assert view["tracing"]["supply"].groups == ("supply", "where", "who")


# --- what may be asked and sent -----------------------------------------------------------------


@pytest.mark.parametrize("slug", sorted(INSTRUMENT_NOT_FOUND))
def test_a_class_that_is_off_may_be_asked_nothing_and_send_nothing(slug: str):
    assert not TABLE.may_be_asked([slug], PURPOSES, DAY)
    assert not TABLE.may_send(slug, DAY)
    assert not TABLE.views(slug, frozenset(PURPOSES), DAY)
    with pytest.raises(Refused) as refused:
        TABLE.entitled({slug}, EVERY_CLASS, frozenset(RECORD_TYPES), DAY)
    assert refused.value.reason is Reason.CLASS_NOT_ENTITLED


def test_a_child_in_scotland_is_never_asked_to_identify_anybody():
    assert not TABLE.may_be_asked(["child_scotland"], ["IDENTIFY_TRACE"], DAY)
    assert TABLE.may_be_asked(["child_scotland"], ["CALCULATE"], DAY)
    assert "tracing" not in TABLE.views("child_scotland", frozenset(PURPOSES), DAY)


def test_nothing_is_asked_before_the_law_was_in_force():
    before = dt.date(2008, 10, 26)
    assert all(not TABLE.may_be_asked([slug], PURPOSES, before) for slug in SLUGS)


def test_of_two_classes_the_one_that_answers_the_request_counts():
    ask = Ask("req_1", frozenset({"COLLECT_ENFORCE"}), frozenset({"order_status"}))
    both = {"deposit_taker", "employer"}
    found = TABLE.grounds(both, EVERY_CLASS, frozenset(RECORD_TYPES), ask, DAY)
    assert found.provider_class == "employer"
    assert found.record_types == {"order_status", "enquiry", "nil_return", "refusal"}
    unasked = TABLE.grounds(both, EVERY_CLASS, frozenset(RECORD_TYPES), None, DAY)
    assert unasked.provider_class == "employer"
    assert unasked.record_types == {"deduction", "order_status", "insolvency", "nil_return"}


def test_what_nothing_obliges_is_not_taken_unasked():
    with pytest.raises(Refused) as refused:
        TABLE.grounds({"deposit_taker"}, EVERY_CLASS, frozenset(RECORD_TYPES), None, DAY)
    assert refused.value.reason is Reason.NO_PURPOSE


@pytest.mark.parametrize("adapter", every_adapter(), ids=lambda adapter: adapter.name)
def test_every_format_is_one_that_some_class_may_send(adapter):
    slugs = SLUGS if adapter.provider_classes == EVERY_CLASS else adapter.provider_classes
    assert set(slugs) <= set(SLUGS)
    assert any(adapter.record_types & TABLE.may_send(slug, DAY) for slug in slugs)


# --- who sees what ------------------------------------------------------------------------------

some_purposes = st.sets(st.sampled_from(PURPOSES), min_size=1).map(frozenset)


@given(st.sampled_from(SLUGS), some_purposes)
def test_a_feed_sees_only_what_its_use_needs_for_purposes_that_were_named(
    slug: str, purposes: frozenset[str]
):
    item = TABLE.classes[slug]
    lines = {line.record_type: line for line in item.sends}
    for feed, view in TABLE.views(slug, purposes, DAY).items():
        use = TABLE.feeds[feed].use
        for name, shown in view.items():
            assert set(shown.purposes) <= purposes - set(item.barred)
            assert {TABLE.purposes[code].use for code in shown.purposes} == {use}
            if name in lines:
                assert set(shown.groups) == set(lines[name].groups(use))
            else:
                assert name in TABLE.answers


@given(st.sampled_from(SLUGS), some_purposes)
def test_whatever_may_be_asked_is_seen_by_who_asked(slug: str, purposes: frozenset[str]):
    seen = {name for view in TABLE.views(slug, purposes, DAY).values() for name in view}
    assert TABLE.may_be_asked([slug], purposes, DAY) <= seen


@given(st.sampled_from(SLUGS), some_purposes, some_purposes)
def test_more_purposes_never_show_less(slug: str, some: frozenset[str], others: frozenset[str]):
    few, many = TABLE.views(slug, some, DAY), TABLE.views(slug, some | others, DAY)
    for feed, view in few.items():
        for name, shown in view.items():
            assert set(shown.groups) <= set(many[feed][name].groups)


def test_money_is_not_shown_to_who_traces():
    """What an account holds is not needed to find somebody (the proposed map of each class)."""
    money = {
        "pay",
        "balance",
        "transaction",
        "deduction",
        "income",
        "payment",
        "statement",
        "worth",
    }
    for slug in SLUGS:
        tracing = TABLE.views(slug, frozenset({"IDENTIFY_TRACE"}), DAY).get("tracing", {})
        for name, shown in tracing.items():
            assert not money & set(shown.groups), (slug, name)


def test_an_operator_enters_a_class_of_its_own(tmp_path: Path):
    text = (CLASSES / "academy_proprietor.toml").read_text()
    entered = text.replace("enabled = false", "enabled = true")
    (tmp_path / "academy_proprietor.toml").write_text(entered)
    own = law(tmp_path)
    assert own.may_be_asked(["academy_proprietor"], ["IDENTIFY_TRACE"], DAY)
    assert own.version != TABLE.version
