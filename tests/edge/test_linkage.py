"""People matched with open requests, by Splink on DuckDB: hand-made cases, and what always holds."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.groups.person import Where, Who
from gateway.core.matching import Person, Subject, explain
from tests.edge.sample_people import (
    ALEX,
    AWAY,
    BORN,
    HOME,
    LINKAGE,
    MODEL,
    NINO,
    alex,
    one,
    verdict,
)


def weight(**levels: str) -> float:
    """The score by hand, from the model's own numbers."""
    odds = MODEL.prior.probability / (1 - MODEL.prior.probability)
    for field, name in levels.items():
        level = MODEL.level(field, name)
        odds *= level.m / level.u
    return math.log2(odds)


# --- hand-made cases ------------------------------------------------------------------------------


def test_the_score_is_the_sum_of_the_weights_of_the_model() -> None:
    match = one(ALEX, ALEX)
    assert match is not None
    expected = weight(surname="same", forenames="same", date_of_birth="same", address="same")
    assert match.score == pytest.approx(expected, abs=1e-5)
    assert match.probability == pytest.approx(2**expected / (1 + 2**expected), abs=1e-9)
    assert match.agreed == ("surname", "forenames", "date_of_birth", "address")
    assert (match.verdict, match.by, match.disagreed) == ("certain", "linkage", ())


@pytest.mark.parametrize(
    ("sent", "at", "expected", "agreed"),
    [
        # the same person, as somebody else writes it
        (Who(name="SAMPLE, ALEX JAMES", date_of_birth=BORN), HOME, "certain", "surname"),
        (Who(name="Dr Alex James Sample", date_of_birth=BORN), HOME, "certain", "forenames"),
        (alex(forenames="Alex"), HOME, "certain", "forenames:first"),
        (alex(date_of_birth=dt.date(1980, 3, 2)), HOME, "certain", "date_of_birth:swapped"),
        (alex(surname="Sampel"), HOME, "certain", "surname:nearly"),
        (ALEX, Where(lines=("High Street 10",), postcode="ab12cd"), "certain", "address"),
        (ALEX, Where(postcode="AB1 2CD"), "certain", "address:postcode"),
        (ALEX, Where(lines=("10 High Street",), town="SAMPLETON"), "certain", "address:lines"),
        # close, but not close enough to be certain
        (alex(date_of_birth=dt.date(1980, 2, 8)), HOME, "possible", "date_of_birth:digit"),
        (alex(forenames="A."), HOME, "possible", "forenames:initial"),
        (alex(forenames="James"), HOME, "possible", "forenames:shared"),
        (alex(forenames="Alexx"), HOME, "possible", "forenames:nearly"),
        (alex(surname="Sample-Other"), HOME, "possible", "surname:alike"),
        (Who(surname="Alex", forenames="Sample", date_of_birth=BORN), HOME, "possible",
         "surname:swapped"),
        (alex(surname="Married"), HOME, "possible", "forenames"),
        (alex(date_of_birth=None), HOME, "possible", "surname"),
        (ALEX, None, "possible", "date_of_birth"),
        (ALEX, AWAY, "possible", "date_of_birth"),
        # somebody else, or nobody knows who
        (Who(surname="Sample", forenames="Alex James"), None, None, ""),
        (Who(date_of_birth=BORN), None, None, ""),
        (Who(), HOME, None, ""),
        (Who(surname="Other", forenames="Robin", date_of_birth=BORN), AWAY, None, ""),
        (Who(surname="Sample", forenames="Robin", date_of_birth=dt.date(1950, 7, 9)), AWAY, None, ""),
        (Who(kind="organisation", name="Alex James Sample"), HOME, None, ""),
    ],
)  # fmt: skip
def test_one_record_and_one_request(
    sent: Who, at: Where | None, expected: str | None, agreed: str
) -> None:
    match = one(ALEX, sent, at=at)
    assert (match.verdict if match else None) == expected
    if match:
        assert agreed in match.agreed


@pytest.mark.parametrize(
    ("one_name", "other_name", "agreed"),
    [
        ("O'Neill", "ONEILL", "surname"),
        ("Mac Donald", "MacDonald", "surname"),
        ("MacDonald", "McDonald", "surname:nearly"),
        ("Smith-Jones", "SMITH JONES", "surname"),
        ("Ωmega", "ΩMEGA", "surname"),
    ],
)
def test_surnames_that_are_written_in_two_ways(one_name: str, other_name: str, agreed: str) -> None:
    match = one(alex(surname=one_name), alex(surname=other_name))
    assert match is not None
    assert match.verdict == "certain"
    assert agreed in match.agreed


def test_an_accent_is_no_difference() -> None:
    match = one(alex(forenames="Siân"), alex(forenames="SIAN"))
    assert match is not None
    assert "forenames" in match.agreed


@pytest.mark.parametrize("side", ["asked", "sent"])
def test_a_former_name_is_a_name(side: str) -> None:
    married = alex(surname="Married", former_names=("Alex Sample",))
    match = one(married, ALEX) if side == "asked" else one(ALEX, married)
    assert match is not None
    assert match.verdict == "certain"
    assert match.agreed[0] == "surname:former"


def test_twins_are_told_apart_and_one_alone_is_not_taken_for_the_other() -> None:
    robin = alex(forenames="Robin Lee")
    assert verdict(ALEX, robin) == "possible"
    found = LINKAGE.match(
        [Subject("req", ALEX, (HOME,))], [Person(1, ALEX, HOME), Person(2, robin, HOME)]
    )
    assert {match.row: match.verdict for match in found} == {1: "certain", 2: "possible"}


def test_a_father_and_a_son_of_the_same_name_are_never_certain_to_be_one() -> None:
    for born in (dt.date(1955, 11, 19), dt.date(1960, 2, 3)):
        assert verdict(ALEX, alex(date_of_birth=born)) == "possible"
    young = alex(date_of_birth=None)
    found = LINKAGE.match(
        [Subject("req", ALEX, (HOME,))], [Person(1, young, HOME), Person(2, young, HOME)]
    )
    assert {match.verdict for match in found} == {"possible"}


def test_any_address_of_the_subject_counts() -> None:
    found = LINKAGE.match([Subject("req", ALEX, (AWAY, HOME))], [Person(1, ALEX, HOME)])
    assert [match.verdict for match in found] == ["certain"]


def test_two_who_fit_as_well_are_both_only_possible() -> None:
    # One has a middle name that the request does not say.
    asked = alex(forenames="Alex")
    people = [
        Person(1, alex(forenames="Alex James"), HOME),
        Person(2, alex(forenames="Alex Lee"), HOME),
    ]
    found = LINKAGE.match([Subject("req", asked, (HOME,))], people)
    assert [match.verdict for match in found] == ["possible", "possible"]
    assert all("other_record" in match.because for match in found)


def test_accounts_of_one_person_are_all_theirs() -> None:
    found = LINKAGE.match(
        [Subject("req", ALEX, (HOME,))], [Person(row, ALEX, HOME) for row in range(5)]
    )
    assert [match.verdict for match in found] == ["certain"] * 5


# --- National Insurance numbers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (Who(nino="AA 00 00 01"), "certain"),
        (alex(nino=NINO), "certain"),
        (alex(nino=NINO, surname="Married"), "certain"),
        (alex(nino=NINO, date_of_birth=dt.date(1951, 7, 9)), "certain"),
        (Who(nino=NINO, surname="Other", date_of_birth=dt.date(1951, 7, 9)), "possible"),
        (Who(nino=NINO, surname="Other"), "possible"),
        # a valid number with a digit wrong is another person's
        (alex(nino="AA000002A"), None),
        # one that is not valid says nothing
        (alex(nino="QQ000001A"), "certain"),
        (alex(nino="AA00001"), "certain"),
    ],
)
def test_the_number_comes_first(sent: Who, expected: str | None) -> None:
    match = one(alex(nino=NINO), sent)
    assert (match.verdict if match else None) == expected
    if match and sent.nino and sent.nino.startswith("AA 00"):
        assert match.by == "nino"
        assert match.agreed[0] == "nino"


def test_a_married_name_is_told_as_an_officer_would() -> None:
    match = one(alex(nino=NINO), Who(nino=NINO, surname="Married", date_of_birth=BORN), at=None)
    assert match is not None
    assert explain(match) == (
        "Matched on National Insurance number and date of birth; surname differs."
    )


# --- properties -----------------------------------------------------------------------------------

WHOS = st.builds(
    Who,
    surname=st.sampled_from(["Sample", "Sampel", "Other", "O'Neill", None]),
    forenames=st.sampled_from(["Alex", "Alex James", "A", "Robin", None]),
    date_of_birth=st.sampled_from([BORN, dt.date(1980, 3, 2), dt.date(1955, 1, 1), None]),
    nino=st.sampled_from([None, None, "AA000001A", "AA000002", "rubbish"]),
)
PLACES = st.sampled_from([HOME, AWAY, Where(postcode="AB1 2CD"), None])
PEOPLE = st.lists(st.tuples(WHOS, PLACES), min_size=1, max_size=6)
SUBJECTS = st.lists(WHOS, min_size=1, max_size=3)
STRANGER = Person(
    999, Who(surname="Zyx", forenames="Wvu", date_of_birth=dt.date(1931, 7, 30)), AWAY
)


@given(whos=SUBJECTS, people=PEOPLE, data=st.data())
@settings(max_examples=8, deadline=None)
def test_order_does_not_matter_and_a_stranger_changes_nothing(whos, people, data) -> None:
    subjects = [Subject(f"r{at}", who, (HOME,)) for at, who in enumerate(whos)]
    rows = [Person(at, *person) for at, person in enumerate(people)]
    found = LINKAGE.match(subjects, rows)
    mixed = data.draw(st.permutations(rows)), data.draw(st.permutations(subjects))
    assert LINKAGE.match(mixed[1], mixed[0]) == found
    assert LINKAGE.match(subjects, [*rows, STRANGER]) == found
    assert all(match.agreed for match in found)
