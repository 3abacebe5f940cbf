"""Occurrences: none twice and none left out, whatever happens to summer time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.timetable import Daily, Every, Times

DAY = dt.timedelta(days=1)


def test_daily_is_once_a_day_when_summer_time_ends() -> None:
    times = Daily(1, 30)  # 01:30 comes twice on 25 October 2026
    found = [dt.datetime(2026, 10, 23, 12, tzinfo=dt.UTC)]
    for _ in range(4):
        found.append(times.after(found[-1]))
    assert [each.isoformat() for each in found[1:]] == [
        "2026-10-24T00:30:00+00:00",
        "2026-10-25T00:30:00+00:00",
        "2026-10-26T01:30:00+00:00",
        "2026-10-27T01:30:00+00:00",
    ]


def test_daily_is_once_a_day_when_summer_time_begins() -> None:
    times = Daily(1, 30)  # 01:30 does not come on 29 March 2026
    found = [dt.datetime(2026, 3, 27, 12, tzinfo=dt.UTC)]
    for _ in range(4):
        found.append(times.after(found[-1]))
    assert [each.isoformat() for each in found[1:]] == [
        "2026-03-28T01:30:00+00:00",
        "2026-03-29T01:30:00+00:00",
        "2026-03-30T00:30:00+00:00",
        "2026-03-31T00:30:00+00:00",
    ]


@given(
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["Europe/London", "Pacific/Apia", "America/Havana", "Australia/Lord_Howe"]),
    st.datetimes(dt.datetime(2010, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
)
def test_daily_never_repeats_and_never_leaves_a_day_out(
    hour: int, minute: int, zone: str, start: dt.datetime
) -> None:
    times = Daily(hour, minute, zone)
    found = [times.after(start)]
    for _ in range(3):
        found.append(times.after(found[-1]))
    for one, two in zip([start, *found], found, strict=False):
        assert one < two <= one + DAY + dt.timedelta(hours=1)
    for one, two in pairwise(found):
        assert two - one >= DAY - dt.timedelta(hours=1)
        assert times.after(one + (two - one) / 2) == two


@given(
    st.integers(1, 10**6),
    st.datetimes(timezones=st.just(dt.UTC), max_value=dt.datetime(9000, 1, 1)),
)
def test_every_is_a_grid_that_all_processes_share(seconds: int, instant: dt.datetime) -> None:
    found = Every(seconds).after(instant)
    assert found.timestamp() % seconds == 0
    assert dt.timedelta() < found - instant <= dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "made",
    [lambda: Every(0), lambda: Daily(24, 0), lambda: Daily(6, 60), lambda: Daily(6, 0, "X/Y")],
)
def test_times_that_are_none_are_refused(made: Callable[[], Times]) -> None:
    with pytest.raises(ValueError, match=r"second|hour|minute|zone"):
        made()
