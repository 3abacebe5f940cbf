"""The key table is a set, in less memory, whatever the order of the keys."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import key_table
from gateway.core.key_table import KeyTable

keys = st.integers(0, 2**64 - 1) | st.integers(0, 40)


@given(st.lists(keys, max_size=200), st.integers(2, 9))
def test_it_equals_a_set(added: list[int], run: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_table, "_RUN_KEYS", run)
        table, known = KeyTable(), set()
        for key in added:
            assert table.add(key) is (key not in known)
            known.add(key)
        assert len(table) == len(known)
        assert not any(table.add(key) for key in added)


@pytest.mark.parametrize("order", ["up", "down", "any"])
def test_it_equals_a_set_of_many(order: str) -> None:
    many = list(range(0, 20_000, 2))
    if order == "down":
        many.reverse()
    elif order == "any":
        random.Random(7).shuffle(many)
    table = KeyTable()
    assert all(table.add(key) for key in many)
    assert not any(table.add(key) for key in many)
    assert all(table.add(key + 1) for key in many)
    assert len(table) == 20_000


@pytest.mark.parametrize("order", ["up", "down", "any"])
def test_no_order_of_keys_makes_it_slow_or_large(order: str) -> None:
    """Runs stay short and at least half full, so that a key costs few steps and few bytes."""
    many = list(range(30_000))
    if order == "down":
        many.reverse()
    elif order == "any":
        random.Random(7).shuffle(many)
    table = KeyTable()
    for key in many:
        table.add(key)
    lengths = [len(run) for run in table._runs]
    assert max(lengths) <= key_table._RUN_KEYS
    assert min(lengths[:-1]) >= key_table._RUN_KEYS // 2
    assert [list(run) for run in table._runs] == [sorted(run) for run in table._runs]
    assert table._ends == [run[-1] for run in table._runs[:-1]]
