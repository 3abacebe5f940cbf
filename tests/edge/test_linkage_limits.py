"""Matching under attack and at its limits: hostile values, too many, several at once."""

from __future__ import annotations

import datetime as dt
import logging
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from msgspec.structs import replace

from gateway.core.groups.person import Where, Who
from gateway.core.matching import Match, MatchingError, Model, Person, Subject
from gateway.edge import linkage
from gateway.edge.linkage import PEOPLE_MOST, SUBJECTS_MOST, Linkage
from tests.edge.sample_people import ALEX, BORN, HOME, LINKAGE, MODEL, alex, verdict

HOSTILE = [
    "'; DROP TABLE ours; --",
    "' OR '1'='1",
    "\x00\x1f\u202e",
    "{at_least} %s ? $1",
    "read_csv('passwd')",
    "\ud800\udfff",
    "Z" * 10_000,
    "a\u0300" * 5_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_anything_but_a_text(text: str) -> None:
    hostile = Who(
        surname=text, forenames=text, former_names=(text,) * 100, nino=text, date_of_birth=BORN
    )
    place = Where(lines=(text,) * 100, postcode=text, town=text)
    found = LINKAGE.match(
        [Subject(text, hostile, (place,)), Subject("alex", ALEX, (HOME,))],
        [Person(1, hostile, place), Person(2, ALEX, HOME)],
    )
    assert ("alex", 2, "certain") in {(m.subject, m.row, m.verdict) for m in found}
    assert ("alex", 1, "certain") not in {(m.subject, m.row, m.verdict) for m in found}


def test_nobody_to_match_is_no_match() -> None:
    assert LINKAGE.match([], []) == []
    assert LINKAGE.match([Subject("a", ALEX)], []) == []
    assert LINKAGE.match([], [Person(1, ALEX)]) == []


def test_more_than_the_bounds_is_refused() -> None:
    with pytest.raises(MatchingError, match="at a time"):
        LINKAGE.match([], [Person(0, ALEX)] * (PEOPLE_MOST + 1))
    with pytest.raises(MatchingError, match="at a time"):
        LINKAGE.match([Subject("", ALEX)] * (SUBJECTS_MOST + 1), [])
    with pytest.raises(MatchingError, match="twice"):
        LINKAGE.match([Subject("a", ALEX)], [Person(1, ALEX), Person(1, ALEX)])


def test_too_many_who_are_alike_are_refused_before_they_are_compared() -> None:
    began = time.perf_counter()
    with pytest.raises(MatchingError, match="alike"):
        LINKAGE.match(
            [Subject(str(at), ALEX) for at in range(1_100)],
            [Person(at, ALEX) for at in range(1_100)],
        )
    assert time.perf_counter() - began < 2


def test_a_failure_of_the_database_tells_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linkage._CLOSED, "memory_limit", "1KB")
    with pytest.raises(MatchingError) as failed:
        LINKAGE.match([Subject("a", ALEX)], [Person(1, ALEX)])
    assert "Sample" not in str(failed.value)
    assert failed.value.__suppress_context__


def test_the_database_reaches_neither_files_nor_extensions(tmp_path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    with duckdb.connect(":memory:", config=linkage._CLOSED) as connection:
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path / 'x.csv'}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'y.csv'}'",
            f"ATTACH '{tmp_path / 'z.db'}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_matching_opens_no_socket_and_logs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    caplog.set_level(logging.INFO)
    assert verdict(ALEX, ALEX) == "certain"
    assert caplog.text == ""
    assert list(tmp_path.iterdir()) == []


def test_calls_in_several_threads_know_nothing_of_each_other() -> None:
    together = threading.Barrier(4)

    def matched(name: int) -> list[Match]:
        together.wait(timeout=30)
        who = alex(forenames=f"Alex{'abcd'[name]}")
        return LINKAGE.match([Subject(f"r{name}", who, (HOME,))], [Person(name, who, HOME)])

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(matched, range(4)))
    assert [[(m.subject, m.row, m.verdict) for m in one] for one in found] == [
        [(f"r{name}", name, "certain")] for name in range(4)
    ]


def test_a_model_with_other_levels_is_refused() -> None:
    fields = [replace(MODEL.field[0], level=MODEL.field[0].level[::-1]), *MODEL.field[1:]]
    with pytest.raises(MatchingError, match="nino"):
        Linkage(Model(prior=MODEL.prior, possible=MODEL.possible, certain=MODEL.certain,
                      margin=MODEL.margin, field=tuple(fields)))  # fmt: skip


def test_ten_thousand_people_are_matched_with_a_thousand_requests_in_seconds() -> None:
    chance = random.Random(7)

    def word(syllables: int) -> str:
        return "".join(
            chance.choice("bcdfglmnprst") + chance.choice("aeiou") for _ in range(syllables)
        )

    surnames = [word(chance.randint(2, 4)) for _ in range(3_000)]
    forenames = [word(chance.randint(2, 3)) for _ in range(400)]
    people = [
        Person(
            row,
            Who(
                surname=chance.choice(surnames),
                forenames=f"{chance.choice(forenames)} {chance.choice(forenames)}",
                date_of_birth=dt.date(1950, 1, 1) + dt.timedelta(chance.randrange(18_000)),
            ),
            Where(lines=(f"{chance.randrange(200)} High Street",),
                  postcode=f"AB{chance.randrange(1, 99)} {chance.randrange(10)}AA"),
        )
        for row in range(10_000)
    ]  # fmt: skip
    asked = people[::10]
    subjects = [
        Subject(f"r{person.row}", person.who, (person.where,)) for person in asked if person.where
    ]
    began = time.perf_counter()
    found = LINKAGE.match(subjects, people)
    assert time.perf_counter() - began < 10
    certain = {(match.subject, match.row) for match in found if match.verdict == "certain"}
    assert certain == {(f"r{person.row}", person.row) for person in asked}
