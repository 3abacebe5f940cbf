"""Whom a request is about: an organisation is told one way of finding them, and no more."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.groups.person import Identifier, Where, Who
from gateway.core.subject import ADDRESS, IDENTIFIERS, Subject, least
from gateway.installed import law

TABLE = law()
BORN = dt.date(1990, 2, 28)
HOME = Where(lines=("1 Example Street",), town="Sampleton", postcode="ZZ1 1ZZ")
NUMBER_FIRST = (("nino", "surname"), ("surname", "forenames", "date_of_birth"))

words = st.none() | st.sampled_from(["", "Sample", "Alex"])
people = st.builds(
    Who,
    kind=st.sampled_from(["person", "organisation"]),
    name=words,
    surname=words,
    forenames=words,
    date_of_birth=st.none() | st.just(BORN),
    gender=words,
    nino=words,
    cms_reference=words,
    former_names=st.lists(st.just("Old"), max_size=1).map(tuple),
    payroll_number=words,
    nationality=words,
    identifiers=st.lists(st.just(Identifier(scheme="EX", value="1")), max_size=1).map(tuple),
)
subjects = st.builds(
    Subject,
    who=people,
    where=st.lists(st.just(HOME), max_size=2).map(tuple),
    parent_asked_first=st.none() | st.booleans(),
    why_not=words,
)
a_way = st.lists(st.sampled_from(sorted(IDENTIFIERS)), min_size=1, max_size=4, unique=True)
ways = st.lists(a_way, max_size=4) | st.sampled_from([TABLE.finds_by(s) for s in TABLE.classes])


def test_the_first_way_that_is_complete_is_told_and_nothing_else() -> None:
    who = Who(surname="Sample", forenames="Alex", date_of_birth=BORN, nino="AA000001A")
    subject = Subject(who=who, where=(HOME,), parent_asked_first=False, why_not="unknown address")
    told = least(subject, NUMBER_FIRST)
    assert told == {"kind": "person", "nino": "AA000001A", "surname": "Sample"}


def test_the_next_way_is_told_where_the_first_is_not_complete() -> None:
    who = Who(surname="Sample", forenames="Alex", date_of_birth=BORN)
    told = least(Subject(who=who), NUMBER_FIRST)
    assert told.keys() == {"kind", "surname", "forenames", "date_of_birth"}


def test_where_no_way_is_complete_the_one_of_which_most_is_known() -> None:
    told = least(Subject(who=Who(surname="Sample", forenames="Alex")), NUMBER_FIRST)
    assert told == {"kind": "person", "surname": "Sample", "forenames": "Alex"}


def test_an_address_is_told_as_far_as_it_is_known() -> None:
    subject = Subject(who=Who(name="Example Ltd", kind="organisation"), where=(HOME,))
    assert least(subject, [("name", ADDRESS)]) == {
        "kind": "organisation",
        "name": "Example Ltd",
        "address": [{"lines": ("1 Example Street",), "town": "Sampleton", "postcode": "ZZ1 1ZZ"}],
    }


def test_a_list_of_identifiers_that_is_empty_finds_nobody() -> None:
    told = least(Subject(who=Who(surname="Sample")), [("identifiers",), ("surname",)])
    assert told == {"kind": "person", "surname": "Sample"}


@given(subjects, ways)
def test_never_more_is_told_than_one_way_of_finding(
    subject: Subject, finds_by: list[list[str]]
) -> None:
    told = least(subject, finds_by)
    names = told.keys() - {"kind"}
    assert any(names <= set(way) for way in finds_by) or not names
    assert all(told.values())


@given(subjects, ways)
def test_no_way_is_passed_over_that_is_complete(
    subject: Subject, finds_by: list[list[str]]
) -> None:
    known = least(subject, [sorted(IDENTIFIERS)]).keys()
    names = least(subject, finds_by).keys() - {"kind"}
    complete = [set(way) for way in finds_by if set(way) <= known]
    if complete:
        assert names == complete[0]
    else:
        assert len(names) == max((len(set(way) & known) for way in finds_by), default=0)


@given(subjects)
def test_why_the_parents_were_not_asked_is_never_told(subject: Subject) -> None:
    for slug in TABLE.classes:
        told = least(subject, TABLE.finds_by(slug))
        assert told.keys() <= IDENTIFIERS | {"kind"}
        assert not {"gender", "nationality", "former_names"} & told.keys()
