"""The teams' own commands: collect, propose with reasons, show a person, count, and say what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.cli.exits import Exit
from tests.cli.conftest import Cli, profile_of
from tests.conftest import ROOT, SAMPLES, House

BOOKS = ROOT / "schemas" / "books"


async def sent(house: House) -> str:
    body = (SAMPLES / "schedule.csv").read_bytes()
    status, answer, _ = await house.employer.submit(body, "text/csv")
    assert status == 201, answer
    return str(answer["id"])


async def test_a_feed_becomes_proposals_with_reasons(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    profile = profile_of(house, "enforcement", tmp_path)
    where = ("--directory", tmp_path / "desk", "--profile", profile)
    nothing = ("--directory", tmp_path / "desc", "--book", BOOKS / "enforcement.toml")
    mistyped = await cli("consumer", "proposals", "enforcement", *nothing)
    assert mistyped.code == Exit.USAGE
    assert "There is no inbox in" in mistyped.err
    assert not (tmp_path / "desc").exists()
    first = await cli("consumer", "collect", "enforcement", *where)
    assert first.code == Exit.OK, first.err
    assert "3 new records; all up to 3 are here" in first.err
    again = await cli("consumer", "collect", "enforcement", *where, "--json")
    assert again.json == {"new": 0, "reach": 3}
    stands = await cli("feed", "status", "enforcement", "--profile", profile, "--json")
    assert (stands.json["waiting"], stands.json["unused"]) == (0, 3)
    book = ("--book", BOOKS / "enforcement.toml")
    made = await cli("consumer", "proposals", "enforcement", *where, *book, "--take-up")
    assert made.code == Exit.OK, made.err
    lines = made.out.splitlines()
    assert any(line.startswith("SHORT DEO-25 pay_day=2026-10-30") for line in lines)
    assert any(line.startswith("NO_ORDER 100000000033") for line in lines)
    explained = await cli("consumer", "proposals", "enforcement", *where, *book, "--explain")
    assert "SI 1992/1989" in explained.out
    assert "Rests on event" in explained.out
    stands = await cli("feed", "status", "enforcement", "--profile", profile)
    assert "unused" in stands.out
    as_json = await cli("consumer", "proposals", "enforcement", *where, *book, "--json")
    assert {each["code"] for each in as_json.json["proposals"]} == {
        line.split()[0] for line in lines
    }


async def test_a_person_is_shown_with_every_source(house: House, tmp_path: Path, cli: Cli) -> None:
    await house.employer.submit((SAMPLES / "schedule.csv").read_bytes(), "text/csv")
    profile = profile_of(house, "tracing", tmp_path)
    where = ("--directory", tmp_path / "desk")
    assert (await cli("consumer", "collect", "tracing", *where, "--profile", profile)).code == 0
    book = tmp_path / "book.toml"
    book.write_text('[[subject]]\nreference = "t-1"\nsurname = "Reyes"\nnino = "AA000033C"\n')
    shown = await cli("consumer", "person", "t-1", *where, "--book", book)
    assert shown.code == Exit.OK, shown.err
    assert "3 Example Street, Exampleton, SW1A 1AA" in shown.out
    assert "employer (employer)" in shown.out
    assert "BEST_ADDRESS t-1" in shown.out
    assert "+3" in shown.out
    as_json = await cli("consumer", "person", "t-1", *where, "--book", book, "--json")
    assert {each["kind"] for each in as_json.json["sightings"]} == {"address", "employer"}
    nobody = await cli("consumer", "person", "t-2", *where, "--book", book)
    assert nobody.code == Exit.USAGE
    assert "no subject t-2" in nobody.err


async def test_what_came_after_the_day_is_left_out(house: House, tmp_path: Path, cli: Cli) -> None:
    await sent(house)
    for name in ("enforcement", "tracing"):
        where = ("--directory", tmp_path / name, "--profile", profile_of(house, name, tmp_path))
        assert (await cli("consumer", "collect", name, *where)).code == Exit.OK
    early = ("--on", "2020-01-01")
    book = ("--directory", tmp_path / "enforcement", "--book", BOOKS / "enforcement.toml")
    said = await cli("consumer", "proposals", "enforcement", *book, *early, "--json")
    assert said.json == {"proposals": []}
    figures = await cli("consumer", "statistics", *book, "--on", "2026-01-01")
    assert "reported_by_employers,2025-Q4,due,0.00,pounds" in figures.out
    people = tmp_path / "book.toml"
    people.write_text('[[subject]]\nreference = "t-1"\nsurname = "Reyes"\nnino = "AA000033C"\n')
    where = ("--directory", tmp_path / "tracing", "--book", people)
    seen = await cli("consumer", "person", "t-1", *where, *early, "--json")
    assert seen.json["sightings"] == []
    assert (await cli("consumer", "person", "t-1", *where, "--json")).json["sightings"]


async def test_figures_are_printed_and_drawn(house: House, tmp_path: Path, cli: Cli) -> None:
    await sent(house)
    profile = profile_of(house, "enforcement", tmp_path)
    where = ("--directory", tmp_path / "desk")
    await cli("consumer", "collect", "enforcement", *where, "--profile", profile)
    book = ("--book", BOOKS / "enforcement.toml", "--on", "2027-01-15")
    table = await cli("consumer", "statistics", *where, *book)
    assert table.out.splitlines()[0] == "measure,quarter,kind,value,unit"
    assert "money_collected,2026-Q4,earnings_orders,342.00,pounds" in table.out
    chart = tmp_path / "chart.svg"
    drawn = await cli(
        "consumer", "statistics", *where, *book, "--measure", "money_collected", "--chart", chart
    )
    assert drawn.code == Exit.OK, drawn.err
    assert chart.read_text().startswith("<svg")
    for words in (("--chart", chart), ("--measure", "luck")):
        wrong = await cli("consumer", "statistics", *where, *book, *words)
        assert wrong.code == Exit.USAGE
    assert "Choose of money_collected" in wrong.err
    paying = await cli("consumer", "statistics", *where, *book, "--measure", "paying_parents")
    assert "paying_parents,2026-Q4,something,2,count" in paying.out
    assert "paying_parents,2026-Q4,nothing,1,count" in paying.out
    measure = ("--measure", "civil_enforcement_in_process")
    actions = await cli("consumer", "statistics", *where, *book, *measure)
    assert "civil_enforcement_in_process,2026-Q3,charging_order,1,count" in actions.out
    assert "civil_enforcement_in_process,2026-Q4,charging_order,0,count" in actions.out
    assert "civil_enforcement_in_process,2026-Q4,enforcement_agent,1,count" in actions.out


async def test_a_measure_without_rows_is_an_empty_table_and_no_chart(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile = profile_of(house, "enforcement", tmp_path)
    desk = ("--directory", tmp_path / "desk", "--profile", profile)
    assert (await cli("consumer", "collect", "enforcement", *desk)).code == Exit.OK
    chart = tmp_path / "chart.svg"
    file = tmp_path / "book.toml"
    file.write_text((BOOKS / "enforcement.toml").read_text().partition("[[action]]")[0])
    book = ("--book", file, "--on", "2027-01-15")
    measure = ("--measure", "civil_enforcement_in_process")
    where = ("--directory", tmp_path / "desk")
    made = await cli("consumer", "statistics", *where, *book, *measure, "--chart", chart)
    assert made.code == Exit.OK, made.err
    assert made.out.splitlines() == ["measure,quarter,kind,value,unit"]
    assert "There is nothing to draw of it in these quarters." in made.err
    assert not chart.exists()


async def test_what_cannot_be_used_goes_back_to_its_sender(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    identity = await sent(house)
    tracing = profile_of(house, "tracing", tmp_path)
    employer = profile_of(house, "employer", tmp_path)
    early = await cli(
        "feed", "reject", "tracing", "2", "--code", "IMPLAUSIBLE", "--profile", tracing
    )
    assert early.code == Exit.REFUSED
    await cli("feed", "read", "tracing", "--ack", "--profile", tracing)
    words = ("feed", "reject", "tracing", 2, 3, "--code", "OTHER_PERSON", "--field", "who.nino")
    rejected = await cli(*words, "--profile", tracing)
    assert rejected.code == Exit.OK, rejected.err
    assert "2 records of tracing rejected" in rejected.err
    told = await cli("submission", "rejections", identity, "--profile", employer, "--json")
    rows = told.json["rejections"]
    assert [(row["row"], row["field"], row["correct"]) for row in rows] == [
        (3, "who.nino", True), (4, "who.nino", True),
    ]  # fmt: skip
    plain = await cli("submission", "rejections", identity, "--profile", employer)
    assert "about somebody else" in plain.out
    assert "tracing" not in json.dumps(told.json)


async def test_an_inbox_without_its_key_is_not_opened(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    profile = profile_of(house, "tracing", tmp_path)
    where = ("--directory", tmp_path / "desk", "--profile", profile)
    await cli("consumer", "collect", "tracing", *where)
    other = await cli("consumer", "collect", "calculation", *where)
    assert other.code == Exit.REFUSED
    assert "the inbox of tracing" in other.err
    (tmp_path / "desk" / "inbox.key").unlink()
    missing = await cli("consumer", "collect", "tracing", *where)
    assert missing.code == Exit.USAGE
    assert "is missing" in missing.err


async def test_an_inbox_that_was_lost_is_collected_again_from_the_beginning(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    await sent(house)
    profile = profile_of(house, "enforcement", tmp_path)
    for name in ("lost", "new"):
        where = ("--directory", tmp_path / name, "--profile", profile)
        found = await cli("consumer", "collect", "enforcement", *where, "--json")
        assert found.json == {"new": 3, "reach": 3}
