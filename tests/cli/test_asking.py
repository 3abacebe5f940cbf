"""`request`, `batch` and `obligations` against a real gateway, from both sides."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.cli.exits import Exit
from tests.cli.conftest import Cli, Ran, config_of, profile_of
from tests.conftest import House
from tests.party import days_ahead

CITATION = ("--citation", "SI 2008/2551 reg 4(1)")
TRACE = ("--purpose", "IDENTIFY_TRACE", *CITATION)
PERSON = ("--surname", "Marsh", "--forenames", "Tamsin", "--nino", "AA000017A")
HEAD = "organisation,purposes,record_types,citation,due,surname,forenames,date_of_birth,nino"
DUE = days_ahead(70)
COLUMNS = "row_key,sort_code,number,account_name,surname,forenames,date_of_birth"
MARSH = "A-1,00-00-17,00000017,Miss T Marsh,Marsh,Tamsin,1988-03-14"
OKAFOR = "A-2,00-00-17,00000025,Mr D Okafor,Okafor,Daniel,1979-11-02"
TERMS = {
    "order": "DEO-17",
    "start": "2027-01-04",
    "weekly_pence": 2_500,
    "two_weekly_pence": 5_000,
    "four_weekly_pence": 10_000,
    "monthly_pence": 10_833,
}


class Desks:
    """Both sides at their command lines."""

    def __init__(self, house: House, directory: Path, cli: Cli) -> None:
        self.house, self.directory, self.cli = house, directory, cli
        self.profiles = {
            name: profile_of(house, name, directory)
            for name in ("tracing", "enforcement", "bank", "employer")
        }

    async def say(self, who: str, *words: object, code: int = Exit.OK) -> Ran:
        ran = await self.cli(*words, "--profile", self.profiles[who])
        assert ran.code == code, (ran.code, ran.out, ran.err)
        return ran

    async def asked(
        self, *more: object, organisation: str = "bank", record: str = "account"
    ) -> str:
        words = ("request", "raise", organisation, *TRACE, "--record", record)
        ran = await self.say("tracing", *words, "--due", DUE, *PERSON, *more)
        return ran.out.strip()

    async def shown(self, identity: str, who: str = "tracing") -> dict[str, Any]:
        told: dict[str, Any] = (await self.say(who, "request", "show", identity, "--json")).json
        return told


@pytest.fixture
def desks(house: House, tmp_path: Path, cli: Cli) -> Desks:
    return Desks(house, tmp_path, cli)


async def test_a_draft_is_seen_by_nobody_else_until_it_is_issued(desks: Desks) -> None:
    identity = await desks.asked("--draft")
    await desks.say("bank", "request", "show", identity, code=Exit.REFUSED)
    listed = await desks.say("tracing", "request", "list", "--state", "drafted", "--json")
    assert [each["id"] for each in listed.json["requests"]] == [identity]
    issued = await desks.say("tracing", "request", "issue", identity)
    assert f"is issued, due on {DUE}" in issued.err
    await desks.say("bank", "request", "show", identity)
    again = await desks.say("tracing", "request", "issue", identity, code=Exit.REFUSED)
    assert again.err
    gone = await desks.say("tracing", "request", "withdraw", identity, "--json")
    assert gone.json["state"] == "withdrawn"
    events = [each["event"] for each in (await desks.shown(identity))["history"]]
    assert events == ["raised", "issued", "withdrawn"]
    none = await desks.say("tracing", "request", "list", "--state", "drafted", "--json")
    assert none.json["requests"] == []


async def test_a_question_stops_the_clock_and_its_answer_starts_it_again(desks: Desks) -> None:
    identity = await desks.asked()
    taken = await desks.say("bank", "request", "acknowledge", identity)
    assert "acknowledged" in taken.err
    stopped = await desks.say("bank", "request", "ask", identity, "The joint account too?")
    assert "stands still since" in stopped.err
    twice = await desks.say("bank", "request", "ask", identity, "Well?", code=Exit.REFUSED)
    assert twice.err
    own = await desks.say("bank", "request", "answer-question", identity, "x", code=4)
    assert "Only the consumer" in own.err
    await desks.say("tracing", "request", "answer-question", identity, "Only her own.")
    told = await desks.shown(identity, "bank")
    assert told["clock_stopped"] is None
    (asked,) = told["clarifications"]
    assert (asked["question"], asked["answer"]) == ("The joint account too?", "Only her own.")
    words = await desks.say("bank", "request", "show", identity)
    assert "The joint account too?" in words.out
    assert "queried" in words.out


async def test_an_organisation_is_told_the_least_and_answers_in_parts(desks: Desks) -> None:
    identity = await desks.asked(
        "--record", "address", "--date-of-birth", "1988-03-14", "--address", "3 Example Street",
        "--address", "SW1A 1AA",
    )  # fmt: skip
    found = await desks.shown(identity)
    assert found["subject"]["nino"] == "AA000017A"
    assert found["subject"]["address"][0]["postcode"] == "SW1A 1AA"
    least = (await desks.shown(identity, "bank"))["subject"]
    assert set(least) == {"kind", "surname", "forenames", "date_of_birth"}
    part = await desks.say(
        "bank", "request", "nil", identity, "--record", "address", "--receipts", desks.directory
    )
    receipt = Path(part.out.strip())
    verified = await desks.say("bank", "receipt", "verify", receipt)
    assert "verifies" in verified.err
    told = await desks.shown(identity, "bank")
    assert (told["state"], told["still_to_come"]) == ("part_answered", ["account"])
    wrong = await desks.say(
        "bank", "request", "refuse", identity, "--code", "BUSY", code=Exit.REFUSED
    )
    assert "LEGAL_PRIVILEGE" in wrong.err
    whole = await desks.say(
        "bank", "request", "refuse", identity, "--code", "LEGAL_PRIVILEGE", "--detail",
        "Held for a client.", "--receipts", desks.directory, "--json",
    )  # fmt: skip
    assert whole.json["rows"]["accepted"] == 1
    ended = await desks.shown(identity)
    assert ended["state"] == "answered"
    assert ended["still_to_come"] == []


async def test_a_request_is_had_as_the_message_that_banks_know(desks: Desks) -> None:
    identity = await desks.asked("--date-of-birth", "1988-03-14")
    shown = await desks.say("bank", "request", "show", identity, "--format", "auth.001")
    root = etree.fromstring(shown.out.encode())
    names = {etree.QName(each).localname for each in root.iter() if isinstance(each.tag, str)}
    assert "InfReqOpng" in names
    assert identity in shown.out
    assert "AA000017A" not in shown.out
    both = ("request", "show", identity, "--format", "auth.001", "--json")
    await desks.say("bank", *both, code=Exit.USAGE)


async def test_an_order_is_raised_with_its_terms_and_owed(desks: Desks) -> None:
    words = ("request", "raise", "employer", "--purpose", "COLLECT_ENFORCE", *CITATION, *PERSON)
    more = ("--kind", "deo", "--terms", json.dumps(TERMS))
    identity = (await desks.say("enforcement", *words, *more)).out.strip()
    told = await desks.shown(identity, "employer")
    assert (told["kind"], told["terms"]) == ("deo", TERMS)
    assert told["record_types"] == ["order_status"]
    lacking = json.dumps({"order": "DEO-18"})
    refused = await desks.say(
        "enforcement", *words, "--kind", "deo", "--terms", lacking, code=Exit.REFUSED
    )
    assert "terms" in refused.err
    await desks.say("enforcement", *words, "--kind", "deo", "--terms", "[]", code=Exit.USAGE)
    await desks.say("enforcement", *words, "--kind", "deo", "--terms", "{", code=Exit.USAGE)
    owed = await desks.say("employer", "obligations", "--json")
    (line,) = owed.json["owed"]
    assert (line["request"], line["kind"], line["standing"]) == (identity, "deo", "due")
    table = await desks.say("employer", "obligations")
    assert "due 1, late 0, received 0, nil 0" in table.err
    assert table.out.splitlines()[1].split("\t")[4] == identity


async def test_a_list_is_raised_fetched_answered_by_hits_alone_and_closed(desks: Desks) -> None:
    rows = [
        f"bank,IDENTIFY_TRACE,account,SI 2008/2551 reg 4(1),{DUE},Marsh,Tamsin,1988-03-14,",
        f"bank,IDENTIFY_TRACE,account,SI 2008/2551 reg 4(1),{DUE},Okafor,Daniel,1979-11-02,",
        f"bank,IDENTIFY_TRACE,earnings,SI 2008/2551 reg 4(1),{DUE},Reyes,Ana,1990-01-01,",
    ]
    file = desks.directory / "requests.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    raised = await desks.say("tracing", "request", "bulk", file, code=Exit.PARTIAL)
    first, second = raised.out.split()
    assert "row 3:" in raised.err
    assert "may be asked for" in raised.err
    again = await desks.say("tracing", "request", "bulk", file, "--json", code=Exit.PARTIAL)
    assert again.json["repeat"] is True
    assert {each["id"] for each in again.json["requests"]} == {first, second}
    batch = next(iter(again.json["batches"]))
    listed = await desks.say("bank", "request", "list", "--batch", batch, "--json")
    assert len(listed.json["requests"]) == 2
    table = await desks.say("bank", "batch", "show", batch, "--csv")
    found = {row["reference"]: row for row in csv.DictReader(io.StringIO(table.out))}
    assert found[first]["surname"] == "Marsh"
    assert set(found) == {first, second}
    shown = await desks.say("bank", "batch", "show", batch, "--json")
    assert {each["request"] for each in shown.json["requests"]} == {first, second}
    assert "Okafor" in (await desks.say("bank", "batch", "show", batch)).out
    hits = desks.directory / "hits.csv"
    hits.write_text(f"{COLUMNS},reference\n{MARSH},{first}\n")
    sent = ("submit", hits, "--request", batch, "--type", "text/csv")
    await desks.say("bank", *sent, "--receipts", desks.directory)
    closed = await desks.say("bank", "batch", "close", batch, "--receipts", desks.directory)
    assert "Not known to us: 1 request." in closed.err
    assert Path(closed.out.strip()).exists()
    states = {each: (await desks.shown(each))["state"] for each in (first, second)}
    assert states == {first: "answered", second: "answered"}
    (match,) = (await desks.say("tracing", "request", "matches", first, "--json")).json["matches"]
    assert (match["verdict"], match["by"]) == ("certain", "reference")
    assert "certain" in (await desks.say("tracing", "request", "matches", first)).out
    totals = (await desks.say("bank", "obligations", "--json")).json["totals"]
    assert (totals["received"], totals["nil"], totals["due"]) == (1, 1, 0)


async def test_a_file_of_which_nothing_may_be_asked_is_refused(desks: Desks) -> None:
    line = {
        "organisation": "nobody",
        "purposes": ["IDENTIFY_TRACE"],
        "record_types": ["account"],
        "citation": "SI 2008/2551 reg 4(1)",
        "due": DUE,
        "subject": {"surname": "Marsh"},
    }
    file = desks.directory / "requests.jsonl"
    file.write_text(json.dumps(line) + "\n")
    ran = await desks.say("tracing", "request", "bulk", file, code=Exit.REFUSED)
    assert "row 1:" in ran.err
    assert ran.out == ""
    other = desks.directory / "requests.dat"
    other.write_text("x")
    await desks.say("tracing", "request", "bulk", other, code=Exit.USAGE)


async def test_what_is_only_possible_waits_for_an_officer(desks: Desks) -> None:
    known = f"SI 2008/2551 reg 4(1),{DUE}"
    rows = [
        f"bank,IDENTIFY_TRACE,account address,{known},Marsh,Tamsin,1988-03-14,",
        f"bank,IDENTIFY_TRACE,account address,{known},Okafor,Daniel,1979-11-02,",
        f"bank,IDENTIFY_TRACE,account address,{known},Reyes,Ana,1990-01-01,",
    ]
    listed = desks.directory / "list.csv"
    listed.write_text("\n".join([HEAD, *rows]) + "\n")
    raised = (await desks.say("tracing", "request", "bulk", listed, "--json")).json
    first, second, third = (each["id"] for each in raised["requests"])
    batch = next(iter(raised["batches"]))
    file = desks.directory / "customers.csv"
    file.write_text(f"{COLUMNS}\n{MARSH}\n{OKAFOR}\n")
    words = ("request", "look-up", file, "--type", "text/csv")
    looked = await desks.say("bank", *words, "--json")
    assert {m["request"] for m in looked.json["matches"]} == {first, second}
    assert {m["verdict"] for m in looked.json["matches"]} == {"possible"}
    assert "Possibly the same person" in (await desks.say("bank", *words)).out
    assert (await desks.shown(first))["history"][-1]["event"] == "issued"  # nothing was kept
    words = ("submit", file, "--request", batch, "--type", "text/csv")
    sent = await desks.say("bank", *words, "--receipts", desks.directory, "--json")
    closing = ("batch", "close", batch, "--receipts", desks.directory)
    closed = await desks.say("bank", *closing)
    assert "Not known to us: 1 request." in closed.err  # nobody says so of who may be known
    assert (await desks.shown(third))["state"] == "answered"
    (match,) = (await desks.say("tracing", "request", "matches", first, "--json")).json["matches"]
    assert (match["verdict"], match["submission"]) == ("possible", sent.json["id"])
    confirmed = await desks.say(
        "tracing", "request", "confirm", first, sent.json["id"], match["row"]
    )
    assert "confirmed" in confirmed.out
    told = await desks.shown(first)
    assert (told["state"], told["still_to_come"]) == ("part_answered", ["address"])
    (other,) = (await desks.say("tracing", "request", "matches", second, "--json")).json["matches"]
    place = (other["submission"], other["row"])
    rejected = await desks.say("tracing", "request", "reject", second, *place, "--json")
    assert rejected.json["matches"][0]["verdict"] == "rejected"
    await desks.say("tracing", "request", "reject", second, *place, code=Exit.REFUSED)
    assert (await desks.shown(second))["state"] == "issued"
    again = await desks.say("bank", *closing)
    assert "Not known to us: 1 request." in again.err
    assert (await desks.shown(second))["state"] == "answered"
    await desks.say("bank", "request", "matches", first, code=Exit.NOT_PERMITTED)


async def test_evidence_is_kept_once_it_verifies(desks: Desks) -> None:
    identity = await desks.asked()
    path = desks.directory / "pack.zip"
    words = ("request", "evidence", identity, "--output", path)
    kept = await desks.say("tracing", *words)
    assert kept.out.strip() == str(path)
    verified = await desks.say("tracing", "evidence", "verify", path, "--request", identity)
    assert "verifies" in verified.err
    await desks.say("tracing", *words, "--fresh", code=Exit.USAGE)  # nothing is written over
    vkey = desks.house.gateway.ring.evidence.vkey
    start, middle, end = vkey.split("+", 2)
    wrong = f"{start}+00000000+{end}" if middle != "00000000" else vkey
    other = desks.directory / "other.zip"
    desks.profiles["tracing"] = profile_of(desks.house, "tracing", desks.directory, vkey=None)
    unpinned = await desks.say(
        "tracing", "request", "evidence", identity, "--output", other, code=Exit.USAGE
    )
    assert "no key to verify with" in unpinned.err
    desks.profiles["tracing"] = profile_of(desks.house, "tracing", desks.directory, vkey=wrong)
    await desks.say("tracing", "request", "evidence", identity, "--output", other, code=Exit.USAGE)
    assert not other.exists()
    await desks.say("bank", "request", "evidence", identity, "--output", other, code=4)


async def test_figures_are_counted_beside_the_gateway_and_without(
    desks: Desks, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(desks.house, tmp_path))
    first = await desks.asked()
    await desks.asked(record="party")
    await desks.asked("--draft")
    await desks.say("bank", "request", "nil", first, "--receipts", desks.directory)
    table = await cli("request", "stats", *config)
    assert table.code == Exit.OK, table.err
    head, line = (each.split("\t") for each in table.out.splitlines())
    assert head == ["class", "purpose", "asked", "answered", "open", "overdue", "median days"]
    assert line == ["deposit_taker", "IDENTIFY_TRACE", "2", "1", "1", "0", "0.0"]
    told = await cli("request", "stats", "--json", *config)
    assert told.json["requests"][0]["was_late"] == 0
    empty = tmp_path / "empty.toml"
    text = config[1].read_text().replace(str(desks.house.settings.data), str(tmp_path / "none"))
    empty.write_text(text)
    missing = await cli("request", "stats", "--config", empty)
    assert missing.code == Exit.UNAVAILABLE
    assert "data" in missing.err
