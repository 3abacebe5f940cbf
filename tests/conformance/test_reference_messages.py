"""Every reference message, submitted over the API to a running gateway and read back, minimised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REFERENCE, House

ISO = sorted((REFERENCE / "iso20022" / "examples").glob("*.xml"))
HMRC = [
    path
    for path in sorted((REFERENCE / "hmrc-rti-income").glob("*.json"))
    if "schema" not in path.name
]

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(),
    reason="the folder of reference messages is not beside the project",
)

BANK_TYPES = ["account", "safe_deposit_box", "party", "dispute"]
# What tracing and calculation must never be shown (schemas/duties).
NEVER = {"tracing": {"pay", "balance", "deduction"}, "calculation": {"where", "contact", "account"}}


def _records(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line["record"] for line in lines if "record" in line]


async def _read_back(house: House, consumer: str, submission: str) -> list[dict[str, Any]]:
    found = _records(await house.parties[consumer].feed(consumer, limit=10_000))
    mine = [record for record in found if record["submission"] == submission]
    for record in mine:
        assert not NEVER[consumer] & set(record["groups"]), record["type"]
        assert set(record["groups"]).isdisjoint(record["withheld"])
    return mine


@pytest.mark.parametrize("path", ISO, ids=lambda path: path.name)
async def test_an_iso_20022_message_is_accepted_and_read_back(house: House, path: Path) -> None:
    for consumer in ("tracing", "calculation"):
        types = BANK_TYPES if consumer == "tracing" else ["account"]
        request = await house.ask(consumer, "bank", *types)
        status, answer, _ = await house.bank.submit(
            path.read_bytes(),
            "application/xml",
            Request_Id=request,
        )
        if consumer == "calculation" and status != 201:
            assert answer["type"].endswith("/nothing-accepted")
            continue
        assert status == 201, answer
        assert "SIGNATURE_UNTRUSTED" in [note["code"] for note in answer["notes"]]
        shown = await _read_back(house, consumer, answer["id"])
        assert shown
        if consumer == "tracing":
            assert any("who" in record["groups"] for record in shown)


@pytest.mark.parametrize("path", HMRC, ids=lambda path: path.name)
async def test_an_hmrc_message_is_accepted_and_read_back(house: House, path: Path) -> None:
    for consumer in ("tracing", "calculation"):
        request = await house.ask(consumer, "hmrc", "earnings")
        status, answer, _ = await house.hmrc.submit(
            path.read_bytes(),
            "application/json",
            Request_Id=request,
        )
        assert status == 201, answer
        shown = await _read_back(house, consumer, answer["id"])
        assert shown
        earnings = [record for record in shown if record["type"] == "earnings"]
        if consumer == "calculation":
            assert all("pay" in record["groups"] for record in earnings)
        source = json.loads(path.read_text())
        assert len(earnings) == len(source.get("taxYears", ()))
