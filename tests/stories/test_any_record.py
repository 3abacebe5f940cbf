"""Any record, in each of the three formats, from organisations of different classes to the feeds."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.write_jsonl import write_jsonl
from adapters.tables.write_xlsx import write_xlsx
from gateway.core.record import Record
from gateway.core.stages import MemoryBody
from gateway.edge import tls
from tests.adapters.record_strategies import CONTEXT, split
from tests.cli.conftest import run
from tests.conftest import SAMPLES, House

FOLDER = SAMPLES / "records"
MIXED = (FOLDER / "mixed.jsonl").read_bytes()
ACCOUNTS: list[Record] = split(
    list(RECORDS_CSV.read(MemoryBody((FOLDER / "account.csv").read_bytes()), CONTEXT))
)[0]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BODIES = {
    "text/csv": (FOLDER / "account.csv").read_bytes(),
    "application/jsonl": write_jsonl(ACCOUNTS),
    XLSX: write_xlsx(ACCOUNTS),
    "application/vnd.cms-gateway.records+xlsx": write_xlsx(ACCOUNTS),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_bank_answers_with_a_table_and_tracing_sees_it(house: House, kind: str) -> None:
    request = await house.ask("tracing", "bank", "account")
    status, answer, _ = await house.bank.submit(BODIES[kind], kind, Request_Id=request)
    assert (status, answer["rows"]["accepted"]) == (201, len(ACCOUNTS))
    lines = await house.tracing.feed("tracing")
    assert sum("record" in line for line in lines) == len(ACCOUNTS)


async def test_an_employer_sends_deductions_as_a_table_unasked(house: House) -> None:
    body = (FOLDER / "deduction.csv").read_bytes()
    status, answer, _ = await house.employer.submit(body, "text/csv")
    assert (status, answer["rows"]["accepted"]) == (201, 2)


async def test_records_of_another_class_are_refused_row_by_row(house: House) -> None:
    body = write_jsonl(ACCOUNTS) + MIXED.replace(b'"key":"', b'"key":"M-')
    request = await house.ask("tracing", "bank", "account")
    status, answer, _ = await house.bank.submit(body, "application/x-ndjson", Request_Id=request)
    assert status == 201
    assert {error["code"] for error in answer["errors"]} == {"RECORD_TYPE_NOT_ASKED"}
    assert answer["rows"]["nil"] == 1


async def test_templates_are_anybodys(house: House) -> None:
    context = tls.client_context(house.pki.server_ca)
    async with aiohttp.ClientSession() as session:
        for name, wanted in (("benefit.csv", 200), ("benefit.xlsx", 200), ("nothing.csv", 404)):
            async with session.get(f"{house.url}/v1/templates/{name}", ssl=context) as response:
                assert response.status == wanted


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_a_template_is_made_once_and_checked(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"benefit.{ending}"
    assert run("template", "benefit", "--output", path).code == 0
    assert path.stat().st_size > 0
    assert run("template", "benefit", "--output", path).code == 2
    checked = run("check", path, "--json")
    assert checked.code != 0
    assert checked.json["reason"] == "nothing-accepted"


@pytest.mark.parametrize("name", ["employment.csv", "mixed.jsonl", "mixed.xlsx"])
def test_a_file_without_a_name_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "answer"
    path.write_bytes((FOLDER / name).read_bytes())
    checked = run("check", path, "--json")
    assert checked.code == 0
    assert checked.json["format"] == f"records{Path(name).suffix}.v1"
