from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.rate import RateLimit
from gateway.core.refusal import Reason, Refused

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def test_as_many_as_allowed_then_a_wait_that_is_told() -> None:
    limit = RateLimit(60)
    for _ in range(60):
        limit.take("a", NOW)
    with pytest.raises(Refused) as refusal:
        limit.take("a", NOW)
    assert refusal.value.reason is Reason.RATE_LIMITED
    assert refusal.value.retry_after == 1
    limit.take("b", NOW)
    limit.take("a", NOW + dt.timedelta(seconds=1))


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    limit = RateLimit(1)
    limit.take("a", NOW)
    with pytest.raises(Refused):
        limit.take("a", NOW - dt.timedelta(days=365))


@given(st.lists(st.integers(0, 5_000), max_size=200), st.integers(1, 500))
def test_never_more_than_the_bucket_and_what_flowed_back(steps: list[int], rate: int) -> None:
    limit, now, taken, passed = RateLimit(rate), NOW, 0, 0
    for step in steps:
        passed += step
        try:
            limit.take("a", now + dt.timedelta(milliseconds=passed))
        except Refused:
            continue
        taken += 1
    assert taken <= rate + passed / 1000 * rate / 60 + 1e-6
