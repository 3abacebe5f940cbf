"""Which rate, and what it comes to: exact, never falling with income, and meeting where the law has it so."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.consumers.calculation.liability import Liability, Position, liability
from tests.consumers.calculation.made_up import working

incomes = st.integers(0, 700_000)
counts = st.integers(1, 5)
others = st.integers(0, 5)

BASIC = {1: 12, 2: 16, 3: 19}
PLUS = {1: 9, 2: 12, 3: 15}
LESS = {0: 0, 1: 11, 2: 14, 3: 16}
T = {
    1: ("17", "14.1", "13.2", "12.4"),
    2: ("25", "21.2", "19.9", "18.9"),
    3: ("31", "26.4", "24.9", "23.8"),
}


def found(income: int | None, children: int = 1, others: int = 0, **members: object) -> Liability:
    position = Position(income=income, children=children, others=others, **members)  # type: ignore[arg-type]
    return liability(position, working())


def half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


def by_fractions(income: int, children: int, others: int) -> int:
    """The same law once more, in another arithmetic."""
    kids, other = min(children, 3), min(others, 3)
    if income < 700:
        return 0
    if income <= 10_000:
        return 700
    if income < 20_000:
        return half_up(700 + (income - 10_000) * Fraction(T[kids][other]) / 100)
    counted = half_up(Fraction(min(income, 300_000) * (100 - LESS[other]), 100))
    first = min(counted, 80_000)
    return half_up(Fraction(first * BASIC[kids] + (counted - first) * PLUS[kids], 100))


@given(incomes, counts, others)
def test_it_is_exact(income: int, children: int, other: int) -> None:
    assert found(income, children, other).weekly == by_fractions(income, children, other)


@given(incomes, st.integers(0, 50_000), counts, others)
def test_more_income_is_never_less_maintenance(
    income: int, more: int, children: int, other: int
) -> None:
    low, high = found(income, children, other), found(income + more, children, other)
    assert low.weekly <= high.weekly


@given(incomes, others)
def test_more_children_are_never_less_maintenance(income: int, other: int) -> None:
    amounts = [found(income, children, other).weekly for children in range(1, 6)]
    assert amounts == sorted(amounts)
    assert amounts[2] == amounts[3] == amounts[4]


@given(incomes, counts)
def test_more_other_children_are_never_more_maintenance(income: int, children: int) -> None:
    amounts = [found(income, children, other).weekly for other in range(6)]
    assert amounts == sorted(amounts, reverse=True)


@pytest.mark.parametrize("children", [1, 2, 3, 4])
@pytest.mark.parametrize("at", [10_000, 20_000, 80_000, 300_000])
def test_without_other_children_the_bands_meet(children: int, at: int) -> None:
    amounts = [found(income, children).weekly for income in range(at - 3, at + 4)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(amounts))


@pytest.mark.parametrize(("children", "other", "jump"), [(1, 1, 26), (2, 1, 28), (3, 3, 112)])
def test_with_other_children_the_basic_rate_begins_higher_than_the_reduced_rate_ends(
    children: int, other: int, jump: int
) -> None:
    """The table is rounded to tenths of a percent, and its rows for other children do not meet."""
    below, at = found(19_999, children, other).weekly, found(20_000, children, other).weekly
    assert 0 <= at - below <= jump


@pytest.mark.parametrize(
    ("income", "rate"),
    [
        (0, "nil"), (699, "nil"), (700, "flat"), (10_000, "flat"), (10_001, "reduced"),
        (19_999, "reduced"), (20_000, "basic"), (80_000, "basic"), (80_001, "basic_plus"),
        (None, "default"),
    ],
)  # fmt: skip
def test_the_rate_has_its_name(income: int | None, rate: str) -> None:
    assert found(income).rate == rate


@given(st.none() | incomes, counts, others)
def test_a_prescribed_benefit_is_flat_and_a_group_that_pays_nothing_nil(
    income: int | None, children: int, other: int
) -> None:
    benefit = found(income, children, other, award=8_000)
    assert (benefit.rate, benefit.weekly, benefit.by_benefit) == ("flat", 700, True)
    assert found(income, children, other, award=8_000, pays_nothing=True).weekly == 0


def test_a_benefit_and_income_below_the_limit_together_are_nil() -> None:
    assert found(300, award=399).rate == "nil"
    assert found(300, award=400).rate == "flat"
    assert found(None, award=0).rate == "flat"
