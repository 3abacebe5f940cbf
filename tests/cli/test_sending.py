from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from gateway.client import api, upload
from gateway.client import profile as profiles
from gateway.client.api import Client
from gateway.client.connection import Patience
from gateway.client.problem import EvidenceError, Problem, UnreachableError
from gateway.edge import keyring
from tests.cli.conftest import Cli, key_file, profile_of, wire_to
from tests.conftest import SAMPLES, House
from tests.schedules import schedule

ROW = "E1234567,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Surname,150.00,150.00,"
QUICK = Patience(attempts=1, first_seconds=0.01)
WHOLE_BYTES = 512 * 1024
PART_BYTES = 256 * 1024


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # Files and parts of millions of bytes would make these tests slow and prove nothing more.
    monkeypatch.setattr(api, "WHOLE_BYTES", WHOLE_BYTES)
    monkeypatch.setattr(upload, "PART_BYTES", PART_BYTES)


def large(directory: Path, rows: int = 10_000) -> Path:
    """A schedule of three parts."""
    path = directory / "large.csv"
    path.write_bytes(schedule(*(ROW.format(100_000_000_000 + n) for n in range(rows))))
    assert WHOLE_BYTES < path.stat().st_size > 2 * PART_BYTES
    return path


def mistaken(directory: Path) -> Path:
    path = directory / "mistaken.csv"
    lines = (SAMPLES / "schedule.csv").read_text().splitlines()
    path.write_text("\n".join((lines[0], lines[1].replace("AA000017A", "QQ1"), "TOTAL,1,150.00\n")))
    return path


def in_part(directory: Path) -> Path:
    path = directory / "in-part.csv"
    path.write_text((SAMPLES / "schedule.csv").read_text().replace("AA000017A", "QQ1"))
    return path


def flipped(receipt: Path) -> Path:
    """The same receipt with another character near the end of the checkpoint's signature."""
    text = receipt.read_text()
    at = len(text.rstrip()) - 8
    receipt.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
    return receipt


async def test_submit_keeps_a_receipt_that_verifies(house: House, tmp_path: Path, cli: Cli) -> None:
    profile = profile_of(house, "employer", tmp_path)
    sent = await cli(
        "submit", SAMPLES / "schedule.csv", "--profile", profile, "--receipts", tmp_path / "kept"
    )
    assert sent.code == Exit.OK, sent.err
    receipt = Path(sent.out.strip())
    again = await cli(
        "submit",
        SAMPLES / "schedule.csv",
        "--profile",
        profile,
        "--receipts",
        tmp_path / "kept",
        "--json",
    )
    assert again.json["repeat"]
    assert again.json["receipt"] == str(receipt)
    key = key_file(house, tmp_path)
    original = SAMPLES / "schedule.csv"
    verified = await cli("receipt", "verify", receipt, "--key", key, "--file", original)
    assert verified.code == Exit.OK, verified.err
    assert "organisation   employer" in verified.out
    other = await cli(
        "receipt", "verify", receipt, "--key", key, "--file", SAMPLES / "bank-answer.xml"
    )
    assert other.code == Exit.REFUSED
    assert "not the one that was received" in other.err


async def test_a_flipped_bit_in_a_receipt_is_named(house: House, tmp_path: Path, cli: Cli) -> None:
    profile = profile_of(house, "employer", tmp_path)
    sent = await cli(
        "submit", SAMPLES / "schedule.csv", "--profile", profile, "--receipts", tmp_path
    )
    receipt = flipped(Path(sent.out.strip()))
    found = await cli("receipt", "verify", receipt, "--profile", profile)
    assert found.code == Exit.REFUSED
    assert "checkpoint" in found.err
    told = await cli("receipt", "verify", receipt, "--profile", profile, "--json")
    assert not told.json["verifies"]
    assert told.json["findings"][0]["where"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: SAMPLES / "schedule.csv", Exit.OK),
        (in_part, Exit.PARTIAL),
        (mistaken, Exit.REFUSED),
    ],
    ids=["accepted", "in part", "refused"],
)
async def test_submit_and_check_say_the_same(
    house: House, tmp_path: Path, cli: Cli, make: object, code: Exit
) -> None:
    file = make(tmp_path)  # type: ignore[operator]
    profile = profile_of(house, "employer", tmp_path)
    checked = await cli("check", file, "--json")
    sent = await cli("submit", file, "--profile", profile, "--receipts", tmp_path, "--json")
    assert checked.code == sent.code == code
    for name in ("state", "errors", "rows", "notes", "reason"):
        assert checked.json.get(name) == sent.json.get(name), name
    plainly = await cli("check", file)
    for error in checked.json["errors"]:
        assert error["message"] in plainly.err
        assert error["fix"] in plainly.err


async def test_check_refuses_what_the_door_refuses(tmp_path: Path, cli: Cli) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    unknown = tmp_path / "photo.png"
    unknown.write_bytes(b"\x89PNG\r\n")
    for file, reason in ((empty, "body-empty"), (unknown, "content-type-unknown")):
        found = await cli("check", file, "--json")
        assert found.code == Exit.REFUSED
        assert found.json["reason"] == reason
    other = await cli("check", SAMPLES / "schedule.csv", "--class", "deposit_taker", "--json")
    assert other.json["reason"] == "class-not-entitled"


async def test_a_bank_answers_a_request(house: House, tmp_path: Path, cli: Cli) -> None:
    identity = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    profile = profile_of(house, "bank", tmp_path)
    unasked = await cli(
        "submit", SAMPLES / "bank-answer.xml", "--profile", profile, "--receipts", tmp_path
    )
    assert unasked.code == Exit.NOT_PERMITTED, unasked.err
    sent = await cli(
        "submit",
        SAMPLES / "bank-answer.xml",
        "--profile",
        profile,
        "--request",
        identity,
        "--receipts",
        tmp_path,
    )
    assert sent.code == Exit.OK, sent.err


@pytest.mark.usefixtures("small_parts")
async def test_an_upload_that_broke_goes_on_where_it_broke(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    file = large(tmp_path)
    async with wire_to(house.gateway.port) as wire:
        wire.cut_after = PART_BYTES + PART_BYTES // 2
        path = profile_of(house, "employer", tmp_path, url=wire.url)
        async with Client(profiles.load(path), patience=QUICK) as client:
            with pytest.raises(UnreachableError):
                await client.submit(file)
        assert wire.cuts == 1
        assert list((tmp_path / "employer" / "uploads").glob("*.upload.json"))
        wire.up = 0
        sent = await cli("submit", file, "--profile", path, "--receipts", tmp_path, "--json")
        assert sent.code == Exit.OK, sent.err
        left = file.stat().st_size - PART_BYTES
        assert left * 0.5 < wire.up < left * 1.1
    assert sent.json["rows"] == {"accepted": 10_000, "refused": 0, "nil": 0}
    assert not list((tmp_path / "employer" / "uploads").glob("*.upload.json"))


async def test_a_gateway_that_is_away_is_told(
    house: House, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A person would be kept waiting for a quarter of a minute.
    hasty = partial(Patience, attempts=2, first_seconds=0.01)
    monkeypatch.setattr("gateway.cli.keeping.Patience", hasty)
    async with wire_to(house.gateway.port) as wire:
        path = profile_of(house, "employer", tmp_path, url=wire.url)
    sent = await cli("submit", SAMPLES / "schedule.csv", "--profile", path, "--receipts", tmp_path)
    assert sent.code == Exit.UNAVAILABLE
    assert "Trying again" in sent.err
    assert "does not answer" in sent.err


@pytest.mark.usefixtures("small_parts")
async def test_a_break_is_mended_without_a_person(house: House, tmp_path: Path) -> None:
    file = large(tmp_path)
    seen: list[int] = []
    async with wire_to(house.gateway.port) as wire:
        wire.cut_after = PART_BYTES + PART_BYTES // 2
        path = profile_of(house, "employer", tmp_path, url=wire.url)
        patience = Patience(attempts=4, first_seconds=0.05)
        async with Client(profiles.load(path), patience=patience) as client:
            outcome = await client.submit(file, progress=lambda done, _: seen.append(done))
        assert wire.cuts == 1
        assert wire.up < file.stat().st_size * 1.7
    assert outcome.state == "accepted"
    assert seen[-1] == file.stat().st_size


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("patient", [True, False], ids=["at once", "by the command, run again"])
async def test_an_answer_that_was_lost_is_heard_without_sending_again(
    house: House, tmp_path: Path, cli: Cli, *, patient: bool
) -> None:
    file = large(tmp_path)
    async with wire_to(house.gateway.port) as wire:
        wire.mute_after = file.stat().st_size - PART_BYTES // 8
        path = profile_of(house, "employer", tmp_path, url=wire.url)
        patience = Patience(attempts=4, first_seconds=0.05) if patient else QUICK
        async with Client(profiles.load(path), patience=patience) as client:
            if patient:
                found = await client.submit(file)
            else:
                with pytest.raises(UnreachableError):
                    await client.submit(file)
        assert wire.cuts == 1
        if not patient:
            sent = await cli("submit", file, "--profile", path, "--receipts", tmp_path, "--json")
            assert sent.code == Exit.OK, sent.err
        assert wire.up < file.stat().st_size * 1.05
        async with Client(profiles.load(path)) as client:
            (only,) = await client.submissions()
    if patient:
        assert (found.id, found.repeat) == (only.id, False)
    else:
        assert (sent.json["id"], sent.json["repeat"]) == (only.id, False)
    assert not list((tmp_path / "employer" / "uploads").glob("*.upload.json"))


@pytest.mark.usefixtures("small_parts")
async def test_a_gateway_that_is_busy_with_the_whole_is_asked_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upload.UPLOAD_WAIT_SECONDS", 0)
    monkeypatch.setattr("gateway.edge.http.uploads.UPLOAD_AGAIN_SECONDS", 0)
    path = profile_of(house, "employer", tmp_path)
    async with Client(profiles.load(path)) as client:
        assert (await client.submit(large(tmp_path))).state == "accepted"
    monkeypatch.setattr(upload, "_WHOLE_LEAST_SECONDS", -60.0)
    async with Client(profiles.load(path)) as client:
        with pytest.raises(UnreachableError, match="has the whole file"):
            await client.submit(large(tmp_path, 10_001))


async def test_a_large_file_is_refused_as_a_small_one_is(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    file = tmp_path / "large.csv"
    rows = schedule(*(ROW.format(100_000_000_000 + n) for n in range(30_000)))
    file.write_bytes(rows.replace(b"TOTAL,30000", b"TOTAL,29999"))
    profile = profile_of(house, "employer", tmp_path)
    sent = await cli("submit", file, "--profile", profile, "--receipts", tmp_path, "--json")
    checked = await cli("check", file, "--json")
    assert sent.code == checked.code == Exit.REFUSED
    assert sent.json["reason"] == checked.json["reason"]
    assert sent.json["receipt"] == str(tmp_path / f"{sent.json['id']}.tlog-proof")


async def test_who_is_not_known_is_not_permitted(house: House, tmp_path: Path, cli: Cli) -> None:
    profile = profile_of(house, "employer", tmp_path, kid="another")
    sent = await cli(
        "submit", SAMPLES / "schedule.csv", "--profile", profile, "--receipts", tmp_path
    )
    assert sent.code == Exit.NOT_PERMITTED
    consumer = profile_of(house, "bank", tmp_path, client="employer-client")
    assert (await cli("request", "list", "--profile", consumer)).code == Exit.NOT_PERMITTED


async def test_a_profile_that_is_none_is_told(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "profile.toml"
    missing = await cli("request", "list", "--profile", path)
    assert missing.code == Exit.USAGE
    assert "client add" in missing.err
    path.write_text('url = "https://localhost:1"\nport = 1\n')
    unknown = await cli("request", "list", "--profile", path)
    assert unknown.code == Exit.USAGE
    assert "port" in unknown.err


async def test_a_gateway_with_another_key_is_not_believed(house: House, tmp_path: Path) -> None:
    keyring.create(tmp_path / "other")
    other = keyring.open_ring(tmp_path / "other", origin=house.settings.origin)
    path = profile_of(house, "employer", tmp_path, vkey=other.evidence.vkey)
    async with Client(profiles.load(path)) as client:
        with pytest.raises(EvidenceError, match="key"):
            await client.submit(SAMPLES / "schedule.csv")


async def test_the_client_tells_every_row_error(house: House, tmp_path: Path) -> None:
    path = profile_of(house, "employer", tmp_path)
    async with Client(profiles.load(path)) as client:
        outcome = await client.submit(in_part(tmp_path))
        assert outcome.rows.refused == 1
        assert await client.errors(outcome.id) == outcome.errors
        assert (await client.receipt(outcome.id)) == outcome.receipt
        assert [sent.id for sent in await client.submissions()] == [outcome.id]
        with pytest.raises(Problem, match="not") as raised:
            await client.outcome("sub_00000000000000000000000000")
        assert raised.value.status == 404


async def test_a_token_is_renewed_when_the_gateway_forgets_it(house: House, tmp_path: Path) -> None:
    path = profile_of(house, "employer", tmp_path)
    async with Client(profiles.load(path)) as client:
        await client.requests()
        client._connection._token = "withdrawn.or.foreign"
        assert await client.requests() == ()


async def test_refused_rows_are_mended_and_sent_again_by_command(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile = profile_of(house, "employer", tmp_path)
    here = ("--profile", profile, "--receipts", tmp_path)
    first = await cli("submit", in_part(tmp_path), *here, "--json")
    assert first.code == Exit.PARTIAL
    assert first.json["open"] == 1
    told = await cli("submit", in_part(tmp_path), *here)
    assert f"--completes {first.json['id']}" in told.err
    second = await cli(
        "submit", SAMPLES / "schedule.csv", *here, "--completes", first.json["id"], "--json"
    )
    assert second.code == Exit.OK, second.err
    assert second.json["rows"]["accepted"] == 1
    shown = await cli("correction", "show", first.json["id"], "--profile", profile)
    assert f"{second.json['id']}\tcompletes" in shown.out


async def test_a_correction_is_sent_and_followed_by_command(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    profile = profile_of(house, "employer", tmp_path)
    here = ("--profile", profile, "--receipts", tmp_path)
    sent = await cli("submit", SAMPLES / "schedule.csv", *here, "--json")
    corrected = await cli(
        "correction", "send", sent.json["id"], "--status", "disputed", "--row", 3, *here
    )
    assert corrected.code == Exit.OK, corrected.err
    verified = await cli(
        "receipt", "verify", corrected.out.strip(), "--key", key_file(house, tmp_path)
    )
    assert verified.code == Exit.OK, verified.err
    shown = await cli("correction", "show", sent.json["id"], "--profile", profile)
    assert "disputed" in shown.out
    assert "calculation enforcement tracing" in shown.out
    wrong = await cli("correction", "send", sent.json["id"], "--status", "superseded", *here)
    assert wrong.code == Exit.REFUSED
    assert "replaced_by" in wrong.err
