"""The rules of matching: what a score and its levels lead to, and how it is told."""

from __future__ import annotations

import datetime as dt
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.groups.person import Where, Who
from gateway.core.likeness import NAME_CHARS, Likeness, fold, likeness, surname_of
from gateway.core.matching import (
    FIELDS,
    Match,
    MatchingError,
    Scored,
    decide,
    explain,
    read_model,
)
from tests.conftest import ROOT

TEXT = (ROOT / "schemas" / "matching.toml").read_text(encoding="utf-8")
MODEL = read_model(TEXT)
PAGE = ROOT / "docs" / "matching.md"
CERTAIN, POSSIBLE, MARGIN = MODEL.certain.bits, MODEL.possible.bits, MODEL.margin.bits
ALIKE = {"surname": "same", "forenames": "same", "date_of_birth": "same", "address": "same"}


def named(name: str, born: int | None = 1980) -> Likeness:
    day = None if born is None else dt.date(born, 2, 3)
    return likeness(Who(name=name, date_of_birth=day), (), object())


def verdicts(*pairs: Scored, rows: dict[int, Likeness] | None = None,
             requests: dict[str, Likeness] | None = None) -> dict[tuple[str, int], Match]:  # fmt: skip
    rows = rows or {pair.row: named(f"Row {chr(65 + pair.row)}") for pair in pairs}
    requests = requests or {pair.subject: named(f"Request {pair.subject}") for pair in pairs}
    return {(one.subject, one.row): one for one in decide(pairs, requests, rows, MODEL)}


def pair(score: float, subject: str = "a", row: int = 1, **levels: str) -> Scored:
    return Scored(subject, row, score, 0.5, levels or ALIKE)


# --- the verdict ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (CERTAIN, "certain"),
        (CERTAIN - 0.001, "possible"),
        (POSSIBLE, "possible"),
        (POSSIBLE - 0.001, None),
    ],
)
def test_the_bounds_are_where_they_are_said_to_be(score: float, verdict: str | None) -> None:
    found = verdicts(pair(score))
    assert [match.verdict for match in found.values()] == ([verdict] if verdict else [])


@pytest.mark.parametrize("field", [field for field in MODEL.field if field.name != "nino"])
def test_a_level_that_is_never_certain_is_not(field) -> None:
    for level in field.level:
        (match,) = verdicts(pair(CERTAIN + 20, **(ALIKE | {field.name: level.name}))).values()
        assert (match.verdict == "certain") == level.certain
        assert match.because == (() if level.certain else ("level",))


def test_another_person_within_the_margin_leaves_both_possible() -> None:
    found = verdicts(pair(CERTAIN + 2), pair(CERTAIN + 2 - MARGIN, row=2))
    assert found["a", 1].because == ("other_record",)
    assert found["a", 1].verdict == "possible"
    apart = verdicts(pair(CERTAIN + 2), pair(CERTAIN + 1.9 - MARGIN, row=2))
    assert apart["a", 1].verdict == "certain"
    assert "other_record" in apart["a", 2].because


def test_another_request_within_the_margin_leaves_both_possible() -> None:
    found = verdicts(pair(CERTAIN + 2), pair(CERTAIN + 1, subject="b"))
    assert {match.because for match in found.values()} == {("other_request",)}


def test_rows_and_requests_of_one_person_are_no_rivals() -> None:
    same = {1: named("Alex Sample"), 2: named("Alex Sample")}
    found = verdicts(pair(CERTAIN), pair(CERTAIN, row=2), rows=same)
    assert {match.verdict for match in found.values()} == {"certain"}
    two = {"a": named("Alex Sample"), "b": named("Alex Sample")}
    found = verdicts(pair(CERTAIN), pair(CERTAIN, subject="b"), requests=two)
    assert {match.verdict for match in found.values()} == {"certain"}


def test_without_a_date_of_birth_nobody_knows_that_two_rows_are_one_person() -> None:
    unknown = {1: named("Alex Sample", None), 2: named("Alex Sample", None)}
    found = verdicts(pair(CERTAIN), pair(CERTAIN, row=2), rows=unknown)
    assert {match.verdict for match in found.values()} == {"possible"}


def test_a_row_that_has_the_number_of_another_request_is_not_certain_for_this_one() -> None:
    numbered = pair(CERTAIN + 25, subject="b", nino="same", surname="same")
    found = verdicts(pair(CERTAIN + 2), numbered)
    assert found["b", 1].verdict == "certain"
    assert found["a", 1].because == ("other_request",)


@pytest.mark.parametrize(
    ("surname", "born", "verdict"),
    [
        (None, None, "certain"),
        ("same", "same", "certain"),
        ("differs", "same", "certain"),
        ("same", "differs", "certain"),
        ("differs", "swapped", "certain"),
        ("differs", "differs", "possible"),
        ("differs", None, "possible"),
        (None, "differs", "possible"),
    ],
)
def test_a_number_is_certain_unless_all_else_speaks_against_it(
    surname: str | None, born: str | None, verdict: str
) -> None:
    known = {"surname": surname, "date_of_birth": born}
    levels = {"nino": "same"} | {name: level for name, level in known.items() if level}
    (match,) = verdicts(pair(-3.0, **levels)).values()
    assert (match.by, match.verdict) == ("nino", verdict)
    assert match.because == (() if verdict == "certain" else ("nino_contradicted",))


def test_numbers_that_differ_are_never_matched() -> None:
    assert not verdicts(pair(99.0, **(ALIKE | {"nino": "differs"})))


def test_nothing_matches_without_a_field_that_agrees() -> None:
    assert not verdicts(pair(99.0, surname="differs", forenames="differs"))
    assert not verdicts(Scored("a", 1, 99.0, 1.0, {}))


LEVELS = st.fixed_dictionaries(
    {},
    optional={f.name: st.sampled_from([level.name for level in f.level]) for f in MODEL.field},
)
PAIRS = st.builds(
    Scored,
    subject=st.sampled_from("abc"),
    row=st.integers(1, 4),
    score=st.floats(-20, 60),
    probability=st.just(0.5),
    levels=LEVELS,
)


@given(pairs=st.lists(PAIRS, unique_by=lambda one: (one.subject, one.row)), data=st.data())
def test_the_order_of_pairs_does_not_matter_and_one_more_makes_nothing_certain(pairs, data) -> None:
    rows = {row: named(f"Row {'abcde'[row]}") for row in range(1, 5)}
    requests = {name: named(f"Request {name}") for name in "abc"}
    found = decide(pairs, requests, rows, MODEL)
    mixed = data.draw(st.permutations(pairs))
    assert decide(mixed, requests, rows, MODEL) == found
    fewer = {(m.subject, m.row): m for m in decide(mixed[1:], requests, rows, MODEL)}
    for match in found:
        assert match.agreed
        explain(match)
        before = fewer.get((match.subject, match.row))
        if match.verdict == "certain" and before is not None:
            assert before.verdict == "certain"


# --- in words -------------------------------------------------------------------------------------


def test_a_match_is_explained_as_an_officer_would() -> None:
    found = verdicts(pair(30.0, nino="same", date_of_birth="same", surname="differs"))
    assert explain(found["a", 1]) == (
        "Matched on National Insurance number and date of birth; surname differs."
    )
    (match,) = verdicts(
        pair(12.0, **(ALIKE | {"forenames": "first", "address": "differs"}))
    ).values()
    assert explain(match) == (
        "Possibly the same person: it agrees on surname, first forename and date of birth; "
        "address differs. What agrees is not enough to be certain."
    )


def test_every_level_has_words() -> None:
    for field in MODEL.field:
        for level in field.level:
            nino = {"nino": "same"} if field.name != "nino" or level.name == "same" else {}
            for match in verdicts(pair(9.0, **(nino | {field.name: level.name}))).values():
                assert "_" not in explain(match)
                assert explain(match)[-1] == "."


# --- the model ------------------------------------------------------------------------------------


def test_every_number_of_the_model_has_a_basis() -> None:
    assert tuple(field.name for field in MODEL.field) == FIELDS
    for one in (MODEL.prior, MODEL.possible, MODEL.certain, MODEL.margin,
                *(level for field in MODEL.field for level in field.level)):  # fmt: skip
        assert len(one.basis) > 5


def test_closer_levels_weigh_more_and_the_last_speaks_against() -> None:
    for field in MODEL.field:
        assert field.level[-1].counts == "differs"
        assert field.level[-1].bits < 0
        assert all(level.bits >= -0.001 for level in field.level[:-1])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("m = 0.98", "m = 0.99", "do not add up"),
        ("m = 0.98", "m = 1.0", "do not add up"),
        ('name = "surname"', 'name = "shoe_size"', "fields"),
        ("probability = 0.0001", "probability = 1.0", "prior"),
        ("bits = 8.0", "bits = 30.0", "possible"),
        ("bits = 6.0", "bits = 0.0", "bounds"),
        ("[prior]", "[prior", "read"),
        ("certain = true", "", "read"),
    ],
)
def test_a_model_that_is_not_whole_is_refused(old: str, new: str, told: str) -> None:
    with pytest.raises(MatchingError, match=told):
        read_model(TEXT.replace(old, new, 1))


def weights() -> str:
    lines = ["| Field | Level | m | u | Bits | |", "|---|---|---|---|---|---|"]
    for field in MODEL.field:
        for level in field.level:
            near = f" {level.at_least}" if level.at_least else ""
            never = "" if level.certain or field.name == "nino" else "never certain"
            lines.append(
                f"| {field.title} | {level.name}{near} | {level.m:g} | {level.u:.8g} "
                f"| {level.bits:+.1f} | {never} |"
            )
    return "\n".join(lines)


def test_the_page_shows_the_model() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert weights() in page
    chance = MODEL.prior.probability
    assert f"starts at {math.log2(chance / (1 - chance)):.1f} (" in page
    assert f"from {CERTAIN:g} bits" in page
    assert f"from {POSSIBLE:g} bits" in page
    assert f"within {MARGIN:g} bits" in page


# --- what is compared -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'Neill", "ONEILL"), ("O\u2019Neill", "o neill"), ("Siân", "SIAN"), ("Smith-Jones", "smith jones"),
        ("Weiß", "WEISS"), ("Łukasz", "Lukasz"), ("Søren", "soren"), ("\uff21lex", "alex"),
        ("e\u0301lise", "Élise"),
    ],
)  # fmt: skip
def test_what_is_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(
    ("name", "surname", "names"),
    [
        ("Alex Sample", "sample", ("alex",)),
        ("Sample, Alex B.", "sample", ("alex", "b")),
        ("Mrs Mary-Jane Sample", "sample", ("mary", "jane")),
        ("Sample", "sample", ()),
        (", Alex", "alex", ()),
        ("王小明", "王小明", ()),
        ("'", None, ()),
        ("", None, ()),
    ],
)
def test_a_whole_name_is_taken_apart(
    name: str, surname: str | None, names: tuple[str, ...]
) -> None:
    found = likeness(Who(name=name), (), 1)
    assert (found.surname, found.names) == (surname, names)


def test_the_house_is_told_from_its_postcode_and_numbers() -> None:
    for lines in (("Flat 2", "10A High Street"), ("2, 10a High St",)):
        found = likeness(Who(), (Where(lines=lines, postcode="ab1 2cd"),), 1)
        assert found.houses == ("ab12cd|2-10a",)
    named_house = likeness(Who(), (Where(lines=("The Grange",), postcode="AB1 2CD"),), 1)
    assert named_house.houses == ("ab12cd|thegrange",)


@pytest.mark.parametrize("sent", ["AA000001A", "aa 00 00 01", "AA000001"])
def test_a_number_is_compared_by_what_says_who(sent: str) -> None:
    assert likeness(Who(nino=sent), (), 1).nino == "AA000001"


@pytest.mark.parametrize("sent", ["QQ123456A", "TN010180M", "' OR 1=1 --", "A" * 10_000, None])
def test_what_is_no_number_is_not_compared(sent: str | None) -> None:
    assert likeness(Who(nino=sent), (), 1).nino is None


def test_day_and_month_changed_over_have_a_key_in_common() -> None:
    one = likeness(Who(date_of_birth=dt.date(1980, 2, 3)), (), 1)
    other = likeness(Who(date_of_birth=dt.date(1980, 3, 2)), (), 2)
    assert set(one.keys) & set(other.keys)


@given(name=st.text(), surname=st.none() | st.text(), former=st.lists(st.text(), max_size=3))
def test_any_text_is_folded_into_letters_of_bounded_length(name, surname, former) -> None:
    found = likeness(Who(name=name, surname=surname, former_names=tuple(former)), (), 1)
    for part in (found.surname or "x", *found.names, *found.former):
        assert part.isalnum()
        assert len(part) <= NAME_CHARS
    assert all(re.fullmatch(r"[ndspl]:[^\x00'\"\\]*", key) for key in found.keys)


def test_a_text_of_any_length_is_cut() -> None:
    long = "Z" * 10_000
    where = Where(lines=(long,) * 100, postcode=long, town=long)
    found = likeness(Who(name=long, former_names=(long + "x",) * 100), (where,) * 1000, 1)
    assert len(repr(found)) < 5_000


def test_a_body_is_not_compared() -> None:
    assert likeness(Who(kind="organisation", name="Sample Ltd"), (), 1).keys == ()
    assert surname_of("") is None
