from __future__ import annotations

import io
from pathlib import Path

import openpyxl

from gateway.cli.exits import Exit
from tests.cli.conftest import Cli, profile_of
from tests.conftest import House
from tests.schedules import schedule
from tests.stories.test_mending import BAD, GOOD, WORSE
from tests.stories.test_returning import workbook


async def sent(house: House, tmp_path: Path, cli: Cli, name: str, body: bytes) -> tuple[Path, str]:
    """A profile, and the id of a file that was sent with two mistakes."""
    profile, path = profile_of(house, "employer", tmp_path), tmp_path / name
    path.write_bytes(body)
    ran = await cli("submit", path, "--profile", profile, "--receipts", tmp_path)
    assert ran.code == Exit.PARTIAL, ran.err
    identity = Path(ran.out.strip()).stem
    assert f"cms-gateway submission refused {identity} --output FILE" in ran.err
    return profile, identity


async def test_refused_rows_are_fetched_mended_and_sent(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile, identity = await sent(house, tmp_path, cli, "s.csv", schedule(*GOOD, BAD, WORSE))
    output = tmp_path / "refused.csv"
    got = await cli("submission", "refused", identity, "--output", output, "--profile", profile)
    assert (got.code, got.out.strip()) == (Exit.OK, str(output))
    text = output.read_text(encoding="utf-8-sig")
    output.write_text(text.replace("WRONG-1", "000000000044").replace("WRONG-2", "000000000055"))
    again = await cli(
        "submit", output, "--completes", identity, "--profile", profile, "--receipts", tmp_path
    )
    assert again.code == Exit.OK, again.err
    shown = await cli("submission", "show", identity, "--json", "--profile", profile)
    assert shown.json["open"] == 0
    none = await cli(
        "submission", "refused", identity, "--output", tmp_path / "more.csv", "--profile", profile
    )
    assert none.code == Exit.REFUSED
    assert not (tmp_path / "more.csv").exists()


async def test_errors_come_as_a_table_or_in_the_workbook(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile, identity = await sent(house, tmp_path, cli, "s.xlsx", workbook())
    table = await cli("submission", "errors", identity, "--profile", profile)
    assert [line.rpartition(",")[2] for line in table.out.splitlines()] == [
        "row_key",
        "row:3",
        "row:4",
    ]
    listed = await cli("submission", "errors", identity, "--json", "--profile", profile)
    assert [error["row"] for error in listed.json["errors"]] == [3, 4]
    output = tmp_path / "marked.xlsx"
    marked = await cli("submission", "errors", identity, "--output", output, "--profile", profile)
    assert marked.code == Exit.OK, marked.err
    book = openpyxl.load_workbook(io.BytesIO(output.read_bytes()))
    assert book.sheetnames == ["Errors", "deduction"]
    over = await cli("submission", "errors", identity, "--output", output, "--profile", profile)
    assert over.code == Exit.USAGE
    nowhere = await cli("submission", "errors", identity, "--format", "xlsx", "--profile", profile)
    assert nowhere.code == Exit.USAGE


async def test_what_was_sent_is_listed_and_shown(house: House, tmp_path: Path, cli: Cli) -> None:
    profile, identity = await sent(house, tmp_path, cli, "s.csv", schedule(*GOOD, BAD, WORSE))
    listed = await cli("submission", "list", "--profile", profile)
    assert listed.out.splitlines()[1].startswith(f"{identity}\taccepted\t3\t2\t")
    shown = await cli("submission", "show", identity, "--profile", profile)
    assert "open      2" in shown.out
    assert "row 5" in shown.err
    unknown = await cli("submission", "show", "sub_0", "--profile", profile)
    assert unknown.code == Exit.REFUSED
