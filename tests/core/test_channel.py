from __future__ import annotations

import datetime as dt
from typing import get_args

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.channel import (
    ORDER,
    PURPOSES,
    TOLD,
    Agreement,
    Chosen,
    Electronic,
    Form,
    NoWayError,
    Preference,
    Purpose,
    Why,
    choose,
)

TODAY = dt.date(2026, 11, 23)
EVERYWHERE: frozenset[Form] = frozenset(get_args(Form))
LONG_AGO = dt.date(2020, 1, 1)


def agreed(
    form: Electronic = "email",
    purpose: Purpose = "requests",
    since: dt.date = LONG_AGO,
    until: dt.date | None = None,
    address: str = "a",
) -> Agreement:
    return Agreement(purpose=purpose, form=form, address=address, since=since, until=until)


def post(*, wanted: bool = True, until: dt.date | None = None) -> Preference:
    return Preference(post=wanted, since=LONG_AGO, until=until)


@pytest.mark.parametrize(
    ("agreements", "preferences", "reachable", "form", "why"),
    [
        ([], [], EVERYWHERE, "post", Why.NO_AGREEMENT),
        ([agreed()], [], EVERYWHERE, "email", Why.AGREED),
        ([agreed()], [post()], EVERYWHERE, "post", Why.PREFERS_POST),
        ([agreed()], [post(until=TODAY)], EVERYWHERE, "email", Why.AGREED),
        ([], [post(wanted=False)], EVERYWHERE, "post", Why.NO_AGREEMENT),
        # Whoever asked for post and has not ended that is sent post, whatever else they said.
        ([agreed()], [post(), post(wanted=False)], EVERYWHERE, "post", Why.PREFERS_POST),
        ([agreed(until=TODAY)], [], EVERYWHERE, "post", Why.ENDED),
        ([agreed(until=TODAY + dt.timedelta(days=1))], [], EVERYWHERE, "email", Why.AGREED),
        ([agreed(since=TODAY + dt.timedelta(days=1))], [], EVERYWHERE, "post", Why.ENDED),
        ([agreed(since=TODAY)], [], EVERYWHERE, "email", Why.AGREED),
        ([agreed(purpose="receipts")], [], EVERYWHERE, "post", Why.NOT_FOR_THIS_PURPOSE),
        ([agreed()], [], EVERYWHERE - {"email"}, "post", Why.NOT_REACHABLE),
        ([agreed(), agreed("webhook")], [], EVERYWHERE - {"webhook"}, "email", Why.AGREED),
        ([agreed(form) for form in reversed(ORDER)], [], EVERYWHERE, ORDER[0], Why.AGREED),
    ],
)
def test_the_way_of_a_request(
    agreements: list[Agreement],
    preferences: list[Preference],
    reachable: frozenset[Form],
    form: Form,
    why: Why,
) -> None:
    chosen = choose("requests", TODAY, agreements, preferences, reachable)
    assert (chosen.form, chosen.why) == (form, why)


def test_of_two_addresses_the_newest_counts() -> None:
    old, new = agreed(address="old"), agreed(address="new", since=dt.date(2026, 1, 1))
    assert choose("requests", TODAY, [old, new], [], EVERYWHERE).agreement == new
    assert choose("requests", TODAY, [new, old], [], EVERYWHERE).agreement == new


@pytest.mark.parametrize(
    ("agreements", "preferences", "why"),
    [
        ([], [], Why.NO_AGREEMENT),
        ([agreed()], [post()], Why.PREFERS_POST),
        ([agreed(until=TODAY)], [], Why.ENDED),
    ],
)
def test_a_party_that_cannot_be_reached_at_all_is_an_error_with_a_reason(
    agreements: list[Agreement], preferences: list[Preference], why: Why
) -> None:
    with pytest.raises(NoWayError, match="No postal address") as error:
        choose("requests", TODAY, agreements, preferences, EVERYWHERE - {"post"})
    assert error.value.why is why


def test_each_reason_has_its_sentence_and_each_form_its_place() -> None:
    assert set(TOLD) == set(Why)
    assert {*ORDER, "post"} == EVERYWHERE
    assert set(ORDER) == set(get_args(Electronic))


def test_no_agreement_is_to_everything_or_to_post() -> None:
    told = {"purpose": "all", "form": "email", "address": "a", "since": "2026-01-01"}
    with pytest.raises(msgspec.ValidationError, match="purpose"):
        msgspec.convert(told, Agreement)
    with pytest.raises(msgspec.ValidationError, match="form"):
        msgspec.convert(told | {"purpose": "orders", "form": "post"}, Agreement)


days = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 12))
spans = {"since": days, "until": st.none() | days}
agreement_lists = st.lists(
    st.builds(
        Agreement,
        purpose=st.sampled_from(PURPOSES),
        form=st.sampled_from(ORDER),
        address=st.sampled_from("ab"),
        **spans,
    ),
    max_size=6,
)
preference_lists = st.lists(st.builds(Preference, post=st.booleans(), **spans), max_size=3)
reaches = st.frozensets(st.sampled_from(sorted(EVERYWHERE)))


def try_to(
    purpose: Purpose,
    day: dt.date,
    agreements: list[Agreement],
    preferences: list[Preference],
    reachable: frozenset[Form],
) -> Chosen | NoWayError:
    try:
        return choose(purpose, day, agreements, preferences, reachable)
    except NoWayError as error:
        return error


@given(st.sampled_from(PURPOSES), days, agreement_lists, preference_lists, reaches)
def test_no_electronic_form_without_a_live_agreement_that_covers_it(
    purpose: Purpose,
    day: dt.date,
    agreements: list[Agreement],
    preferences: list[Preference],
    reachable: frozenset[Form],
) -> None:
    chosen = try_to(purpose, day, agreements, preferences, reachable)
    covering = [
        each
        for each in agreements
        if each.purpose == purpose
        and each.since <= day
        and (each.until is None or day < each.until)
        and each.form in reachable
    ]
    wants_post = any(
        each.post and each.since <= day and (each.until is None or day < each.until)
        for each in preferences
    )
    if isinstance(chosen, NoWayError):
        assert "post" not in reachable
        assert wants_post or not covering
    elif chosen.form == "post":
        assert "post" in reachable
        assert chosen.agreement is None
        assert wants_post or not covering
    else:
        assert not wants_post
        assert chosen.agreement in covering
        assert chosen.agreement is not None
        assert chosen.agreement.form == chosen.form


@given(st.sampled_from(PURPOSES), days, agreement_lists, preference_lists, reaches)
def test_post_wins_where_it_is_wanted(
    purpose: Purpose,
    day: dt.date,
    agreements: list[Agreement],
    preferences: list[Preference],
    reachable: frozenset[Form],
) -> None:
    wanted = [*preferences, Preference(post=True, since=day)]
    chosen = try_to(purpose, day, agreements, wanted, reachable)
    assert chosen.why is Why.PREFERS_POST
    assert isinstance(chosen, NoWayError) or chosen.form == "post"


@given(st.sampled_from(PURPOSES), days, agreement_lists, preference_lists, reaches, st.randoms())
def test_the_order_in_which_agreements_are_listed_does_not_matter(
    purpose: Purpose,
    day: dt.date,
    agreements: list[Agreement],
    preferences: list[Preference],
    reachable: frozenset[Form],
    chance: object,
) -> None:
    chosen = try_to(purpose, day, agreements, preferences, reachable)
    assume(isinstance(chosen, Chosen))
    other = list(agreements)
    chance.shuffle(other)  # type: ignore[attr-defined]
    assert try_to(purpose, day, other, preferences, reachable) == chosen
