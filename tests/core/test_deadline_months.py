"""Deadlines that count months: where they end, and what has run out by a day."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.deadlines import MOST_MONTHS, DeadlineError, months_after
from tests.core.test_deadlines import TABLE, day, days, table

months = st.integers(1, MOST_MONTHS)
# Months differ in their last days alone, so most of the days are some of those.
near_month_ends = st.builds(
    lambda year, month, back: dt.date(year, month, 1) - dt.timedelta(days=back),
    st.integers(2130, 2200),
    st.integers(1, 12),
    st.integers(0, 5),
)


@given(days, months)
def test_so_many_months_later_is_the_same_day_or_the_months_last(
    start: dt.date, count: int
) -> None:
    found = months_after(start, count)
    assert (found.year - start.year) * 12 + found.month - start.month == count
    is_last = (found + dt.timedelta(days=1)).day == 1
    assert found.day == start.day or (is_last and found.day < start.day)


@given(days, days, months)
def test_months_from_later_never_end_earlier(one: dt.date, other: dt.date, count: int) -> None:
    early, late = sorted((one, other))
    assert months_after(early, count) <= months_after(late, count)


@pytest.mark.parametrize(
    ("code", "on", "last"),
    [
        ("RETAIN_REQUEST", "2028-11-30", "2026-11-30"),
        ("RETAIN_REQUEST", "2030-02-28", "2028-02-29"),
        ("RETAIN_NOTICE", "2028-02-28", "2026-12-28"),
        ("RETAIN_NOTICE", "2028-02-29", "2026-12-31"),
        ("RETAIN_CODE", "2027-02-27", "2027-01-27"),
        ("RETAIN_CODE", "2027-02-28", "2027-01-31"),
        ("RETAIN_CODE", "2027-03-31", "2027-02-28"),
    ],
)
def test_what_has_run_out_by_a_day(code: str, on: str, last: str) -> None:
    assert TABLE.run_out(code, day(on)) == day(last)


@given(near_month_ends, months)
def test_what_has_run_out_goes_up_to_the_last_day_that_has(on: dt.date, count: int) -> None:
    line = f'runs = "months"\nmonths = {count}\nin_force = 2020-01-01\n'
    found = table(line).run_out("A", on)
    assert months_after(found, count) <= on
    assert months_after(found + dt.timedelta(days=1), count) > on


def test_only_months_run_out() -> None:
    with pytest.raises(DeadlineError, match="CODE_EXPIRES"):
        TABLE.run_out("CODE_EXPIRES", day("2026-11-23"))
