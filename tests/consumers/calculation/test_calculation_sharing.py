"""Shared care and several receiving parents: nothing is lost, nothing is made, and care never raises."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.consumers.calculation.book import Child
from gateway.consumers.calculation.liability import Liability
from gateway.consumers.calculation.sharing import band, fees, shares
from tests.consumers.calculation.made_up import working

amounts = st.integers(700, 60_000)
nights = st.integers(0, 366)
households = st.lists(
    st.builds(Child, receiving_parent=st.sampled_from(["a", "b", "c"]), nights=nights),
    min_size=1,
    max_size=6,
)


def basic(weekly: int) -> Liability:
    return Liability(rate="basic", weekly=weekly)


def without_nights(children: list[Child]) -> list[Child]:
    return [Child(receiving_parent=child.receiving_parent) for child in children]


@given(amounts, households)
def test_a_division_loses_and_makes_no_penny(weekly: int, children: list[Child]) -> None:
    parts = shares(basic(weekly), without_nights(children), working())
    assert sum(parts.values()) == weekly
    for parent, amount in parts.items():
        mine = sum(child.receiving_parent == parent for child in children)
        assert abs(amount - Fraction(weekly * mine, len(children))) < 1


@given(amounts, households)
def test_shared_care_never_raises_and_leaves_the_least(weekly: int, children: list[Child]) -> None:
    shared = shares(basic(weekly), children, working())
    whole = shares(basic(weekly), without_nights(children), working())
    assert shared.keys() == whole.keys()
    assert min(shared.values()) >= 0
    assert 700 <= sum(shared.values()) <= weekly


@given(amounts, nights, st.integers(0, 60))
def test_more_nights_are_never_more_maintenance(weekly: int, few: int, more: int) -> None:
    def payable(count: int) -> int:
        child = Child(receiving_parent="a", nights=min(count, 366))
        return shares(basic(weekly), [child], working())["a"]

    assert payable(few + more) <= payable(few)


@given(amounts, nights)
def test_one_child_loses_its_sevenths(weekly: int, count: int) -> None:
    found = shares(basic(weekly), [Child(receiving_parent="a", nights=count)], working())["a"]
    place = sum(count >= first for first in (52, 104, 156, 175))
    taken = int(weekly * (Fraction(0), *(Fraction(n, 7) for n in (1, 2, 3)), Fraction(1, 2))[place]
                + Fraction(1, 2))  # fmt: skip
    assert found == max(weekly - taken - (700 if place == 4 else 0), 700)
    assert band(count, working()) == place


@given(households)
def test_flat_by_income_nil_and_default_know_no_nights(children: list[Child]) -> None:
    for found in (
        Liability(rate="flat", weekly=700),
        Liability(rate="nil", weekly=0),
        Liability(rate="default", weekly=5_100),
    ):
        assert sum(shares(found, children, working()).values()) == found.weekly


@given(households)
def test_flat_by_a_benefit_is_nothing_for_who_shares_care(children: list[Child]) -> None:
    found = shares(Liability(rate="flat", weekly=700, by_benefit=True), children, working())
    for parent, amount in found.items():
        most = max(child.nights for child in children if child.receiving_parent == parent)
        assert (amount == 0) is (most >= 52)


@given(st.lists(amounts, min_size=1, max_size=3))
def test_fees_are_a_fifth_and_a_twenty_fifth(told: list[int]) -> None:
    paid = fees(told, working())
    assert abs(paid.paid_in - sum(told) * Fraction(6, 5)) <= len(told)
    assert abs(paid.paid_out - sum(told) * Fraction(24, 25)) <= len(told)
