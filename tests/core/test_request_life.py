"""The life of a request, written out once more as a grid, and the invariants of every walk in it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.core import request_life
from gateway.core.records import RECORD_TYPES
from gateway.core.request_life import (
    ENDED,
    LATE,
    OPEN,
    WAITING,
    Event,
    NotInLifeError,
    State,
    after,
    event_of_answer,
    events,
    left,
    moved,
)
from gateway.judge import asked

# A row for each state, a column for each event but `raised`, which makes a request and never happens
# to one. A word is where it leads, `=` that the request stays where it stands, `.` that it cannot be.
GRID = """
                issued  served  acknowledged  queried  explained  reminded  part_answered  answered  refused  lapsed   escalated  withdrawn
drafted         issued  .       .             .        .          .         .              .         .        .        .          withdrawn
issued          .       served  acknowledged  =        =          .         part_answered  answered  refused  .        .          withdrawn
served          .       =       acknowledged  =        =          =         part_answered  answered  refused  overdue  .          withdrawn
acknowledged    .       =       =             =        =          =         part_answered  answered  refused  overdue  .          withdrawn
part_answered   .       =       =             =        =          =         part_answered  answered  refused  overdue  .          withdrawn
overdue         .       =       =             .        .          =         =              answered  refused  .        escalated  withdrawn
escalated       .       =       =             .        .          =         =              answered  refused  .        .          withdrawn
answered        .       .       .             .        .          .         =              =         =        .        .          .
refused         .       .       .             .        .          .         part_answered  answered  =        .        .          .
withdrawn       .       .       .             .        .          .         .              .         .        .        .          .
"""


def spelled_out() -> dict[str, dict[str, str]]:
    """The grid as state, event and where that leads."""
    head, *rows = (line.split() for line in GRID.strip().splitlines())
    return {
        state: {
            event: state if cell == "=" else cell
            for event, cell in zip(head, cells, strict=True)
            if cell != "."
        }
        for state, *cells in rows
    }


def test_the_grid_has_every_state_and_every_event() -> None:
    grid = spelled_out()
    head = GRID.split("\n")[1].split()
    assert grid.keys() == set(State)
    assert {"raised", *head} == {event.value for event in Event}


@pytest.mark.parametrize("state", State)
def test_what_can_happen_is_what_the_grid_says(state: State) -> None:
    found = {event.value: after(state, event).value for event in events(state)}
    assert found == spelled_out()[state]


@pytest.mark.parametrize("state", State)
def test_whatever_is_not_in_the_grid_cannot_happen(state: State) -> None:
    for event in set(Event) - events(state):
        with pytest.raises(NotInLifeError, match=f"{state.value} cannot be {event.value}") as no:
            after(state, event)
        assert (no.value.state, no.value.event) == (state, event)


def test_the_judge_says_the_same_in_its_own_words() -> None:
    """Two tables, neither made from the other: what one lets happen, the other does."""
    ours = {
        state.value: {event.value: then.value for event, then in row.items()}
        for state, row in request_life._TABLE.items()
    }
    assert ours == asked._LIFE
    kinds = {told.__struct_config__.tag for told in asked.Told.__args__}
    assert {f"request.{event.value}" for event in Event} == kinds - {"notice.sent"}


def test_every_state_is_drafted_open_or_ended() -> None:
    assert {State.DRAFTED} | OPEN | ENDED == set(State)
    assert not OPEN & ENDED
    assert not WAITING & LATE
    assert OPEN - {State.ISSUED} == WAITING | LATE


class Life(RuleBasedStateMachine):
    """One request, to which anything may happen that can, and of which the rest is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.DRAFTED
        self.past: list[tuple[State, Event, State]] = []

    @precondition(lambda self: events(self.state))
    @rule(data=st.data())
    def happens(self, data: Any) -> None:
        event = data.draw(st.sampled_from(sorted(events(self.state))))
        then = after(self.state, event)
        self.past.append((self.state, event, then))
        self.state = then

    @rule(data=st.data())
    def is_refused(self, data: Any) -> None:
        cannot = sorted(set(Event) - events(self.state))
        with pytest.raises(NotInLifeError):
            after(self.state, data.draw(st.sampled_from(cannot)))

    @invariant()
    def who_was_asked_was_asked_first(self) -> None:
        """Nothing happens to a draft but that it is issued, or thrown away."""
        if self.past:
            assert self.past[0][1] in {Event.ISSUED, Event.WITHDRAWN}
            assert all(event is not Event.ISSUED for _, event, _ in self.past[1:])

    @invariant()
    def only_what_waits_lapses_and_only_what_lapsed_is_escalated(self) -> None:
        for before, event, then in self.past:
            if event is Event.LAPSED:
                assert before in WAITING
            if then in LATE:
                assert any(e is Event.LAPSED for _, e, _ in self.past)

    @invariant()
    def what_is_late_stays_so_until_it_ends(self) -> None:
        for before, _, then in self.past:
            assert before not in LATE or then in LATE | ENDED

    @invariant()
    def withdrawn_is_the_end(self) -> None:
        assert all(before is not State.WITHDRAWN for before, _, _ in self.past)

    @invariant()
    def what_was_answered_stays_answered(self) -> None:
        for before, _, then in self.past:
            assert before is not State.ANSWERED or then is State.ANSWERED

    @invariant()
    def what_has_ended_is_moved_by_answers_alone(self) -> None:
        answers = {Event.PART_ANSWERED, Event.ANSWERED, Event.REFUSED}
        assert all(before not in ENDED or event in answers for before, event, _ in self.past)

    @invariant()
    def whoever_was_asked_can_answer_unless_it_was_withdrawn(self) -> None:
        if self.state not in {State.DRAFTED, State.WITHDRAWN}:
            assert {Event.PART_ANSWERED, Event.ANSWERED, Event.REFUSED} <= events(self.state)


TestLife = Life.TestCase


# --- what an answer is ----------------------------------------------------------------------------

types = st.sampled_from(sorted(RECORD_TYPES)[:6])
asked_for = st.frozensets(types, min_size=1, max_size=4)
covering = st.frozensets(
    st.builds(
        lambda kind, name: kind + name, st.sampled_from(["", "nil_return:", "refusal:"]), types
    )
)


def test_what_an_answer_is_by_example() -> None:
    both = ("account", "address")
    assert event_of_answer(both, ["account"], open_rows=0) is Event.PART_ANSWERED
    assert event_of_answer(both, both, open_rows=1) is Event.PART_ANSWERED
    assert event_of_answer(both, ["account", "nil_return:address"], open_rows=0) is Event.ANSWERED
    assert event_of_answer(both, ["account", "refusal:address"], open_rows=0) is Event.ANSWERED
    told = ["refusal:account", "refusal:address"]
    assert event_of_answer(both, told, open_rows=0) is Event.REFUSED
    assert left(both, ["account", "pension"]) == ("address",)


@given(asked_for, covering, st.integers(0, 2))
def test_all_is_answered_when_nothing_is_left_and_no_row_is_open(
    wanted: frozenset[str], covered: frozenset[str], open_rows: int
) -> None:
    event = event_of_answer(wanted, covered, open_rows=open_rows)
    assert (event is Event.PART_ANSWERED) == bool(open_rows or left(wanted, covered))
    if event is Event.REFUSED:
        assert {f"refusal:{name}" for name in wanted} <= covered


@given(asked_for, covering, covering)
def test_more_of_an_answer_never_leaves_more_to_come(
    wanted: frozenset[str], some: frozenset[str], more: frozenset[str]
) -> None:
    still = left(wanted, some | more)
    assert set(still) <= set(left(wanted, some)) <= wanted
    assert list(still) == sorted(still)
    if event_of_answer(wanted, some, open_rows=0) is Event.ANSWERED:
        assert event_of_answer(wanted, some | more, open_rows=0) is Event.ANSWERED


@given(asked_for, covering)
def test_what_was_not_asked_for_settles_nothing(
    wanted: frozenset[str], covered: frozenset[str]
) -> None:
    about = {each for each in covered if each.rpartition(":")[2] in wanted}
    assert left(wanted, covered) == left(wanted, about)
    told = (event_of_answer(wanted, each, open_rows=0) for each in (covered, about))
    assert len(set(told)) == 1


# --- the clock ------------------------------------------------------------------------------------

days = st.dates(dt.date(2022, 1, 1), dt.date(2099, 1, 1))


@given(days, days, st.integers(0, 400), st.integers(0, 400))
def test_each_day_the_clock_stood_is_given_back(
    due: dt.date, stopped: dt.date, first: int, then: int
) -> None:
    again = stopped + dt.timedelta(days=first)
    last = again + dt.timedelta(days=then)
    assert moved(due, stopped, again) - due == again - stopped
    assert moved(moved(due, stopped, again), again, last) == moved(due, stopped, last)


@given(days, days, st.integers(0, 400))
def test_a_clock_that_was_set_back_takes_nothing(due: dt.date, stopped: dt.date, back: int) -> None:
    assert moved(due, stopped, stopped - dt.timedelta(days=back)) == due
