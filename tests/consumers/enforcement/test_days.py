"""Days as the law counts them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.consumers.enforcement import days
from gateway.core import deadlines

anyday = st.dates(dt.date(1994, 1, 1), dt.date(2099, 12, 1))


@given(anyday, st.integers(-120, 120))
def test_months_are_counted_as_the_gateway_counts_them(day: dt.date, months: int) -> None:
    assert days.months_after(day, months) == deadlines.months_after(day, months)


@settings(deadline=None)  # the first day of a year makes its holidays
@given(anyday, st.sampled_from(["england_wales", "scotland", "northern_ireland"]))
def test_working_days_are_the_gateways(day: dt.date, nation: deadlines.Nation) -> None:
    assert days.is_working_day(day, nation) == deadlines.is_working_day(day, nation)
    found = days.working_day_on_or_after(day, nation)
    assert found == deadlines.working_day_on_or_after(day, nation)


@given(anyday)
def test_the_19th_of_the_month_after_is_there_whatever_the_day(day: dt.date) -> None:
    found = days.in_month_after(day, 19)
    assert found.day == 19
    assert 19 <= (found - day).days <= 49


@pytest.mark.parametrize("count", [1, 10**9])
def test_past_the_calendar_is_its_last_day(count: int) -> None:
    assert days.days_after(dt.date.max, count) == dt.date.max
    assert days.months_after(dt.date.max, count) == dt.date.max
