"""The formats that sectors already produce, sent to a running gateway: taken whole, shown by purpose."""

from __future__ import annotations

import re

import pytest

from tests.conftest import SAMPLES, House

BANKING = ("account", "balance", "transaction")


@pytest.mark.parametrize(
    ("sample", "general", "exact", "sender", "types", "accepted", "groups"),
    [
        (
            "fps.xml",
            "application/xml",
            "application/vnd.cms-gateway.hmrc-fps+xml",
            "employer",
            ("earnings", "employment"),
            4,
            {"who", "work", "pay"},
        ),
        (
            "statement.xml",
            "text/xml",
            "application/vnd.iso20022.camt.053.001.08+xml",
            "bank",
            BANKING,
            6,
            {"who", "balance", "transaction", "case"},
        ),
        (
            "open-banking.json",
            "application/json",
            "application/vnd.cms-gateway.open-banking+json",
            "bank",
            BANKING,
            3,
            {"who", "balance", "transaction"},
        ),
    ],
)
async def test_a_sample_is_accepted_whole_and_read_back_minimised(
    house: House,
    sample: str,
    general: str,
    exact: str,
    sender: str,
    types: tuple[str, ...],
    accepted: int,
    groups: set[str],
) -> None:
    content = (SAMPLES / sample).read_bytes()
    party = house.parties[sender]
    for kind in (general, exact):
        request = await house.ask("calculation", sender, *types)
        status, answer, _ = await party.submit(content, kind, Request_Id=request)
        assert status == 201, answer
        assert answer["rows"]["refused"] == 0
        assert answer["rows"]["accepted"] >= accepted
        lines = await house.parties["calculation"].feed("calculation", limit=10_000)
        mine = [
            line["record"]
            for line in lines
            if "record" in line and line["record"]["submission"] == answer["id"]
        ]
        assert mine
        assert {name for record in mine for name in record["groups"]} <= groups


async def test_what_was_not_asked_for_is_left_out_of_a_statement_and_noted(house: House) -> None:
    request = await house.ask("calculation", "bank", "balance")
    content = (SAMPLES / "statement.xml").read_bytes()
    status, answer, _ = await house.bank.submit(content, "application/xml", Request_Id=request)
    assert status == 201, answer
    assert (answer["rows"]["accepted"], answer["rows"]["refused"]) == (2, 0)
    assert "RECORD_TYPES_LEFT_OUT" in [note["code"] for note in answer["notes"]]


async def test_another_class_may_not_send_it(house: House) -> None:
    content = (SAMPLES / "fps.xml").read_bytes()
    status, answer, _ = await house.bank.submit(content, "application/vnd.cms-gateway.hmrc-fps+xml")
    assert status == 403, answer


async def test_a_row_of_several_records_is_mended_and_none_is_counted_twice(house: House) -> None:
    unmarked = re.sub(
        rb"<IRmark.*?</IRmark>", b"", (SAMPLES / "fps.xml").read_bytes(), flags=re.DOTALL
    )
    mistaken = unmarked.replace(b"<NINO>AA000001A</NINO>", b"<NINO>QQ1</NINO>", 1)
    request = await house.ask("calculation", "employer", "earnings", "employment")
    xml = "application/xml"
    _, whole, _ = await house.employer.call("POST", "/v1/check", data=unmarked,
                                            headers={"Content-Type": xml, "Request-Id": request})  # fmt: skip
    status, first, _ = await house.employer.submit(mistaken, xml, Request_Id=request)
    assert status == 201, first
    assert first["open"] == 1
    assert first["rows"]["accepted"] < whole["rows"]["accepted"]
    status, second, _ = await house.employer.submit(unmarked, xml, Completes=first["id"])
    assert status == 201, second
    accepted = first["rows"]["accepted"] + second["rows"]["accepted"]
    assert accepted == whole["rows"]["accepted"]
    _, shown, _ = await house.employer.call("GET", f"/v1/submissions/{first['id']}")
    assert shown["open"] == 0
