from __future__ import annotations

import datetime as dt
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.deadlines import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarDays,
    DeadlineError,
    Deadlines,
    Form,
    Nation,
    add_working_days,
    end_of_uk_day,
    is_working_day,
    next_working_day,
    uk_day,
    working_day_on_or_after,
)
from tests.conftest import ROOT

TEXT = (ROOT / "schemas" / "deadlines.toml").read_bytes()
TABLE = Deadlines(TEXT)
# The first day of a year in a nation asks for that year's bank holidays, which takes its time.
unhurried = settings(deadline=None)
NATIONS: tuple[Nation, ...] = get_args(Nation)
EW, SCT, NI = NATIONS

days = st.dates(dt.date(2022, 5, 26), dt.date(2099, 12, 1))
nations = st.sampled_from(NATIONS)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# --- working days ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("2027-01-01", NATIONS, "New Year's Day"),
        ("2027-01-04", (SCT,), "for 2 January, a Saturday"),
        ("2026-01-02", (SCT,), "2 January"),
        ("2027-03-17", (NI,), "St Patrick's Day"),
        ("2027-03-26", NATIONS, "Good Friday"),
        ("2027-03-29", (EW, NI), "Easter Monday"),
        ("2027-05-03", NATIONS, "early May"),
        ("2027-05-31", NATIONS, "spring"),
        ("2027-07-12", (NI,), "Battle of the Boyne"),
        ("2026-07-13", (NI,), "for 12 July, a Sunday"),
        ("2027-08-02", (SCT,), "summer, Scotland"),
        ("2027-08-30", (EW, NI), "summer"),
        ("2027-11-30", (SCT,), "St Andrew's Day"),
        ("2027-12-25", NATIONS, "Christmas Day, a Saturday"),
        ("2027-12-26", NATIONS, "a Sunday"),
        ("2027-12-27", NATIONS, "for Christmas Day"),
        ("2027-12-28", NATIONS, "for Boxing Day"),
        ("2023-05-08", NATIONS, "the coronation"),
        ("2022-09-19", NATIONS, "the state funeral"),
        ("2027-12-24", (), "Christmas Eve, a Friday"),
        ("2027-12-29", (), "a Wednesday"),
        ("2028-02-29", (), "a Tuesday"),
    ],
)
def test_bank_holidays_differ_between_the_parts_of_the_uk(
    text: str, where: tuple[Nation, ...], why: str
) -> None:
    assert {nation for nation in NATIONS if not is_working_day(day(text), nation)} == set(where)


def anonymous_gregorian_easter(year: int) -> dt.date:
    """Meeus, Astronomical Algorithms, chapter 8: nothing that the package under us uses."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, over = divmod(h + k - 7 * m + 114, 31)
    return dt.date(year, month, over + 1)


@pytest.mark.parametrize("nation", NATIONS)
def test_christmas_day_and_good_friday_are_never_working_days(nation: Nation) -> None:
    for year in range(2008, LAST_YEAR + 1):
        assert not is_working_day(dt.date(year, 12, 25), nation)
        good_friday = anonymous_gregorian_easter(year) - dt.timedelta(days=2)
        assert not is_working_day(good_friday, nation)


@unhurried
@given(days, nations)
def test_the_next_working_day_is_the_first_one_after(start: dt.date, nation: Nation) -> None:
    found = next_working_day(start, nation)
    between = range(1, (found - start).days)
    assert found > start
    assert is_working_day(found, nation)
    assert not any(is_working_day(start + dt.timedelta(days=n), nation) for n in between)
    on_or_after = working_day_on_or_after(start, nation)
    assert on_or_after == (start if is_working_day(start, nation) else found)


@unhurried
@given(days, st.integers(0, 60), nations)
def test_so_many_working_days_lie_in_between(start: dt.date, count: int, nation: Nation) -> None:
    found = add_working_days(start, count, nation)
    passed = [start + dt.timedelta(days=n) for n in range(1, (found - start).days + 1)]
    assert is_working_day(found, nation)
    if count:
        assert sum(is_working_day(each, nation) for each in passed) == count


@unhurried
@given(days, days, st.integers(0, 30), nations)
def test_counting_from_later_never_ends_earlier(
    one: dt.date, other: dt.date, count: int, nation: Nation
) -> None:
    early, late = sorted((one, other))
    assert add_working_days(early, count, nation) <= add_working_days(late, count, nation)


@pytest.mark.parametrize("count", [-1, 3_661])
def test_a_count_out_of_bounds_is_refused(count: int) -> None:
    with pytest.raises(DeadlineError):
        add_working_days(day("2027-01-01"), count, EW)


@pytest.mark.parametrize("year", [FIRST_YEAR - 1, LAST_YEAR + 1])
def test_a_year_without_known_bank_holidays_is_refused(year: int) -> None:
    with pytest.raises(DeadlineError, match="known from"):
        is_working_day(dt.date(year, 6, 1), EW)


# --- the table, each code by hand -----------------------------------------------------------------

BY_HAND = [
    ("DEO_COMPLY", "2026-12-24", EW, "2026-12-31"),
    ("DEO_COMPLY", "2028-02-26", EW, "2028-03-04"),
    ("DEO_NOT_EMPLOYED", "2026-12-24", EW, "2027-01-03"),
    ("DEO_SETUP_PROBLEM", "2027-02-20", SCT, "2027-03-02"),
    ("DEO_LEFT", "2028-02-20", EW, "2028-03-01"),
    ("DEO_CEASED", "2026-11-30", EW, "2026-12-10"),
    ("DEO_PAY_OVER", "2026-09-30", EW, "2026-10-19"),
    ("DEO_PAY_OVER", "2026-10-01", EW, "2026-11-19"),
    ("DEO_PAY_OVER", "2026-12-31", EW, "2027-01-19"),
    ("DEO_PAY_OVER", "2028-01-31", NI, "2028-02-19"),
    ("DEO_VARIED", "2026-11-23", EW, "2026-11-30"),
    ("DEO_DISCHARGED", "2026-12-24", EW, "2027-01-03"),
    ("NEW_EMPLOYER", "2026-11-23", EW, "2026-11-30"),
    ("LIABLE_PERSON_JOB", "2026-11-23", EW, "2026-11-30"),
    ("RDO_REPORT", "2027-03-22", EW, "2027-03-29"),
    ("RDO_LAPSE_REPORT", "2026-12-28", EW, "2027-01-04"),
    ("RDO_DEDUCTION", "2027-03-26", EW, "2027-03-30"),
    ("RDO_DEDUCTION", "2027-03-26", SCT, "2027-03-29"),
    ("RDO_DEDUCTION", "2027-12-25", EW, "2027-12-29"),
    ("RDO_DEDUCTION", "2027-01-01", SCT, "2027-01-05"),
    ("RDO_DEDUCTION", "2027-01-01", EW, "2027-01-04"),
    ("RDO_DEDUCTION", "2027-03-17", NI, "2027-03-18"),
    ("RDO_DEDUCTION", "2027-07-12", NI, "2027-07-13"),
    ("RDO_DEDUCTION", "2027-07-12", EW, "2027-07-12"),
    ("RDO_DEDUCTION_FAILED", "2027-03-30", EW, "2027-04-06"),
    ("RDO_REPRESENTATIONS", "2026-12-20", EW, "2027-01-03"),
    ("LSDO_REPORT", "2026-11-23", EW, "2026-11-30"),
    ("LSDO_LAPSE_REPORT", "2026-11-23", EW, "2026-11-30"),
    ("LSDO_REPRESENTATIONS", "2028-02-15", EW, "2028-02-29"),
    ("WRITE_OFF_REPRESENTATIONS", "2027-01-31", EW, "2027-03-02"),
    ("LAST_CHANCE_REPLY", "2026-11-02", EW, "2027-01-01"),
    ("NRP_ADDRESS", "2026-11-23", EW, "2026-11-30"),
    ("NRP_INCOME", "2026-11-23", EW, "2026-12-07"),
    ("INFORMATION_REQUEST", "2026-11-23", EW, "2026-12-07"),
    ("CLOCK_STOPS", "2026-11-23", "england_wales", "2026-12-21"),
    ("ESCALATE_AFTER", "2026-12-07", EW, "2026-12-21"),
    ("CODE_EXPIRES", "2026-12-07", EW, "2027-01-04"),
    ("RETAIN_REQUEST", "2026-11-30", EW, "2028-11-30"),
    ("RETAIN_REQUEST", "2028-02-29", EW, "2030-02-28"),
    ("RETAIN_NOTICE", "2026-11-02", EW, "2028-01-02"),
    ("RETAIN_NOTICE", "2026-12-31", EW, "2028-02-29"),
    ("RETAIN_CODE", "2026-12-07", EW, "2027-01-07"),
    ("RETAIN_CODE", "2027-01-31", SCT, "2027-02-28"),
    ("SERVED_POST", "2026-12-25", EW, "2026-12-25"),
    ("SERVED_ELECTRONIC", "2026-12-31", EW, "2027-01-01"),
    ("SERVED_ORDER_POST", "2026-12-25", EW, "2026-12-25"),
    ("SERVED_ORDER_ELECTRONIC", "2027-03-25", EW, "2027-03-30"),
]
LISTS = {"REMIND_BEFORE": (7, 1), "REMIND_AFTER": (1, 7), "CERTIFICATE_WARN": (60, 30, 7)}


@pytest.mark.parametrize(("code", "start", "nation", "due"), BY_HAND)
def test_what_is_due_when(code: str, start: str, nation: Nation, due: str) -> None:
    found = TABLE.due(code, day(start), nation)
    assert (found.day, found.code) == (day(due), code)
    assert found.citation


@pytest.mark.parametrize(("code", "counts"), LISTS.items())
def test_what_happens_several_times(code: str, counts: tuple[int, ...]) -> None:
    assert TABLE.days(code, day("2026-11-23")) == counts
    with pytest.raises(DeadlineError, match=code):
        TABLE.due(code, day("2026-11-23"), EW)


def test_every_code_was_counted_by_hand() -> None:
    assert {code for code, *_ in BY_HAND} | LISTS.keys() == set(TABLE.codes)


@unhurried
@given(st.sampled_from([code for code in TABLE.codes if code not in LISTS]), days, days, nations)
def test_due_is_never_before_the_event_and_grows_with_it(
    code: str, one: dt.date, other: dt.date, nation: Nation
) -> None:
    on = day("2026-11-23")
    early, late = sorted((one, other))
    first, second = (TABLE.due(code, each, nation, on).day for each in (early, late))
    assert early <= first <= second


@unhurried
@given(days, nations)
def test_what_the_law_puts_on_a_working_day_lies_on_one(start: dt.date, nation: Nation) -> None:
    for code in ("RDO_DEDUCTION", "SERVED_ORDER_ELECTRONIC"):
        assert is_working_day(TABLE.due(code, start, nation).day, nation)


def test_a_code_that_is_none_or_not_in_force_is_refused() -> None:
    with pytest.raises(DeadlineError, match="NOTHING"):
        TABLE.due("NOTHING", day("2026-11-23"), EW)
    with pytest.raises(DeadlineError, match="2018-12-19"):
        TABLE.due("RDO_REPRESENTATIONS", day("2018-12-19"), EW)
    assert TABLE.due("RDO_REPRESENTATIONS", day("2018-12-20"), EW).day == day("2019-01-03")
    with pytest.raises(DeadlineError, match="DEO_PAY_OVER"):
        TABLE.days("DEO_PAY_OVER", day("2026-11-23"))


LINE = """
[[deadline]]
code = "A"
title = "t"
citation = "c"
confidence = "P"
"""


def table(*lines: str) -> Deadlines:
    return Deadlines(('version = "1"\n' + "".join(LINE + line for line in lines)).encode())


def test_a_line_that_was_replaced_holds_until_the_day_before() -> None:
    old = 'runs = "calendar_days"\ndays = [7]\nin_force = 2020-01-01\nuntil = 2026-01-01\n'
    new = 'runs = "working_days"\ndays = [7]\nin_force = 2026-01-01\n'
    both = table(old, new)
    assert both.due("A", day("2025-12-31"), EW).day == day("2026-01-07")
    assert both.due("A", day("2026-01-01"), EW).day == day("2026-01-12")
    # The law of another day than the event's, where a rule says so.
    assert both.due("A", day("2025-12-31"), EW, on=day("2026-01-01")).day == day("2026-01-12")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['runs = "calendar_days"\ndays = []\nin_force = 2020-01-01\n'], "no days"),
        (['runs = "calendar_days"\ndays = [-1]\nin_force = 2020-01-01\n'], "0 to"),
        (['runs = "calendar_days"\ndays = [3661]\nin_force = 2020-01-01\n'], "0 to"),
        (['runs = "day_of_month"\nday = 31\nmonths = 1\nin_force = 2020-01-01\n'], "every month"),
        (['runs = "months"\nmonths = 0\nin_force = 2020-01-01\n'], "1 to"),
        (['runs = "months"\nmonths = 1201\nin_force = 2020-01-01\n'], "1 to"),
        (['runs = "moons"\ndays = [1]\nin_force = 2020-01-01\n'], "runs"),
        (['runs = "on_working_day"\ndays = [1]\nin_force = 2020-01-01\n'], "days"),
        (['runs = "on_working_day"\nin_force = 2020-01-01\nuntil = 2020-01-01\n'], "ends"),
        (['runs = "on_working_day"\nin_force = 2020-01-01\n'] * 2, "at once"),
    ],
)
def test_a_table_that_does_not_hold_together_is_refused(lines: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        table(*lines)


def test_each_line_says_what_it_is_and_how_sure() -> None:
    for code in TABLE.codes:
        rule = TABLE.rule(code, day("2026-11-23"))
        assert rule.title
        assert rule.citation
        assert (rule.confidence == "P") == rule.citation.startswith("Policy")
    assert isinstance(TABLE.rule("DEO_COMPLY", day("2026-11-23")), CalendarDays)


# --- UK days and deemed service -------------------------------------------------------------------

INSTANTS = st.datetimes(dt.datetime(2022, 6, 1), dt.datetime(2099, 1, 1), timezones=st.just(dt.UTC))


def last_sunday(year: int, month: int) -> dt.datetime:
    last = dt.datetime(year, month, 31, 1, tzinfo=dt.UTC)
    return last - dt.timedelta(days=last.isoweekday() % 7)


@given(st.datetimes(dt.datetime(2002, 1, 1), dt.datetime(2099, 1, 1), timezones=st.just(dt.UTC)))
def test_the_day_is_the_one_of_the_summer_time_act(instant: dt.datetime) -> None:
    """Summer time: from 01:00 GMT on March's last Sunday to the same in October (SI 2002/262)."""
    summer = last_sunday(instant.year, 3) <= instant < last_sunday(instant.year, 10)
    assert uk_day(instant) == (instant + dt.timedelta(hours=summer)).date()


@given(INSTANTS)
def test_a_day_ends_with_its_last_microsecond(instant: dt.datetime) -> None:
    end = end_of_uk_day(uk_day(instant))
    assert instant <= end < instant + dt.timedelta(hours=25)
    assert end.utcoffset() == dt.timedelta()
    assert uk_day(end) == uk_day(instant)
    assert uk_day(end + dt.timedelta(microseconds=1)) == uk_day(instant) + dt.timedelta(days=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("form", "sent", "order", "nation", "on", "until"),
    [
        ("post", "2027-07-01T22:30", False, EW, "2027-07-01", "2027-07-01T23:00"),
        ("post", "2027-07-01T23:30", False, EW, "2027-07-02", "2027-07-02T23:00"),
        ("post", "2027-01-01T23:30", True, SCT, "2027-01-01", "2027-01-02T00:00"),
        ("electronic", "2027-07-01T23:30", False, EW, "2027-07-03", "2027-07-03T23:00"),
        ("electronic", "2026-12-31T12:00", False, EW, "2027-01-01", "2027-01-02T00:00"),
        # The day after is the one on which summer time begins: 23 hours long.
        ("electronic", "2027-03-27T12:00", False, EW, "2027-03-28", "2027-03-28T23:00"),
        # And ends: 25 hours long.
        ("electronic", "2027-10-30T12:00", False, EW, "2027-10-31", "2027-11-01T00:00"),
        # Maundy Thursday: Good Friday and the weekend do not count, nor Easter Monday but in Scotland.
        ("electronic", "2027-03-25T12:00", True, EW, "2027-03-30", "2027-03-30T23:00"),
        ("electronic", "2027-03-25T12:00", True, SCT, "2027-03-29", "2027-03-29T23:00"),
        ("electronic", "2027-12-24T12:00", True, NI, "2027-12-29", "2027-12-30T00:00"),
        # Sent late on Thursday by UTC, which is Friday in London.
        ("electronic", "2027-07-08T23:30", True, NI, "2027-07-13", "2027-07-13T23:00"),
        ("electronic", "2027-07-08T23:30", True, EW, "2027-07-12", "2027-07-12T23:00"),
        ("electronic", "2026-12-31T12:00", True, SCT, "2027-01-05", "2027-01-06T00:00"),
    ],
)
def test_when_a_notice_counts_as_given(
    form: Form, sent: str, *, order: bool, nation: Nation, on: str, until: str
) -> None:
    served = TABLE.deemed(form, at(sent), order=order, nation=nation)
    assert served.on == day(on)
    assert served.at + dt.timedelta(microseconds=1) == at(until)
    assert served.citation


@unhurried
@given(form=st.sampled_from(get_args(Form)), sent=INSTANTS, order=st.booleans(), nation=nations)
def test_nothing_counts_as_given_before_it_was_sent(
    form: Form, sent: dt.datetime, *, order: bool, nation: Nation
) -> None:
    served = TABLE.deemed(form, sent, order=order, nation=nation)
    assert served.at >= sent
    assert uk_day(served.at) == served.on
    assert (served.on == uk_day(sent)) == (form == "post")
    assert msgspec.convert(msgspec.to_builtins(served), type(served)) == served


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(DeadlineError, match="time zone"):
        uk_day(dt.datetime(2027, 1, 1))
