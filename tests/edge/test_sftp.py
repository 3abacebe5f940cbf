"""Files that come by SFTP: taken, refused, gone on with, and their results beside them."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from certs import development
from gateway.judge.receipt import verify_receipt
from tests.conftest import SAMPLES, House
from tests.edge.sftp_client import connected, got, outcome, put, registered, session, sftp_house
from tests.schedules import schedule

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
ROW = "E1,M,2026-10-01,2026-10-31,2026-10-30,{:012d},Surname,1.00,1.00,"
LARGE = schedule(*(ROW.format(n) for n in range(1, 3_001)))
IN_PART = SCHEDULE.replace(b"AA000017A", b"QQ1")
WRONG = SCHEDULE.replace(b"TOTAL,", b"TOTAL,9")


@pytest.fixture
async def house(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    async with sftp_house(tmp_path, pki) as opened:
        yield opened


async def submissions(house: House, name: str = "employer") -> int:
    _, answer, _ = await house.parties[name].call("GET", "/v1/submissions")
    return len(answer["submissions"])


async def test_a_file_is_taken_and_its_receipt_lies_beside_it(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/october.csv", SCHEDULE)
        found = await outcome(sftp, "/inbox/october.csv")
        assert found["state"] == "accepted"
        receipt = (await got(sftp, "/inbox/october.csv.tlog-proof")).decode()
        assert sorted(await sftp.listdir("/inbox")) == [
            ".", "..", "october.csv", "october.csv.outcome.json", "october.csv.tlog-proof",
        ]  # fmt: skip
        assert (await sftp.stat("/inbox/october.csv")).size == len(SCHEDULE)
        listed = {str(one.filename): one.attrs.size for one in await sftp.readdir("/inbox")}
        assert listed["october.csv.tlog-proof"] == len(receipt.encode())
    digest = hashlib.sha256(SCHEDULE).digest()
    verdict = verify_receipt(receipt, house.gateway.ring.evidence.vkey, digest=digest)
    assert verdict.ok
    over_http = (await house.employer.submit(SCHEDULE, "text/csv"))[1]
    assert over_http["repeat"]
    assert over_http["id"] == found["id"]
    assert house.gateway.store.shelf.end("tracing") > 1


async def test_row_errors_lie_beside_a_file_taken_in_part_and_one_refused(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/part.csv", IN_PART)
        assert (await outcome(sftp, "/inbox/part.csv"))["rows"]["refused"] == 1
        assert (await got(sftp, "/inbox/part.csv.errors.csv")).startswith(b"row,field,code")
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await put(sftp, "/inbox/wrong.csv", WRONG)
        assert "breaks a rule" in str(caught.value)
        problem = await outcome(sftp, "/inbox/wrong.csv")
        assert problem["type"].endswith("/problems/file-rule")
        assert b"TOTAL" in await got(sftp, "/inbox/wrong.csv.errors.csv")
        receipt = (await got(sftp, "/inbox/wrong.csv.tlog-proof")).decode()
        assert verify_receipt(receipt, house.gateway.ring.evidence.vkey).ok


async def test_a_large_file_is_received_first_and_read_later(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/large.csv", LARGE)
        assert (await outcome(sftp, "/inbox/large.csv"))["rows"]["accepted"] == 3_000
        await put(sftp, "/inbox/bad.csv", LARGE.replace(b"TOTAL,3000", b"TOTAL,2999"))
        assert (await outcome(sftp, "/inbox/bad.csv"))["state"] == "refused"
        assert await got(sftp, "/inbox/bad.csv.tlog-proof")


async def test_a_request_is_answered_in_its_folder(house: House) -> None:
    request = await house.ask("tracing", "bank", "account", "party", "safe_deposit_box")
    answer = (SAMPLES / "bank-answer.xml").read_bytes()
    key = await registered(house, "bank")
    async with session(house, "bank", key) as sftp:
        assert request in await sftp.listdir("/inbox")
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await put(sftp, "/inbox/answer.xml", answer)
        assert "request" in str(caught.value)
        await put(sftp, f"/inbox/{request}/answer.xml", answer)
        found = await outcome(sftp, f"/inbox/{request}/answer.xml")
        assert found["rows"]["accepted"] > 0
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await put(sftp, "/inbox/req_0/answer.xml", answer)
    other = await registered(house, "employer")
    async with session(house, "employer", other) as sftp:
        assert request not in await sftp.listdir("/inbox")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await put(sftp, f"/inbox/{request}/answer.xml", answer)


async def test_refused_rows_are_brought_again_in_the_folder_of_their_submission(
    house: House,
) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/october.csv", IN_PART)
        first = await outcome(sftp, "/inbox/october.csv")
        assert (first["rows"]["refused"], first["open"]) == (1, 1)
        assert first["id"] in await sftp.listdir("/inbox")
        await put(sftp, f"/inbox/{first['id']}/october.csv", SCHEDULE)
        second = await outcome(sftp, f"/inbox/{first['id']}/october.csv")
        assert second["rows"] == {"accepted": 1, "refused": 0, "nil": 0}
    other = await registered(house, "bank")
    async with session(house, "bank", other) as sftp:
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await put(sftp, f"/inbox/{first['id']}/october.csv", SCHEDULE)


@pytest.mark.parametrize("ending", [".part", ".tmp", ".filepart", ".PART"])
async def test_an_unfinished_name_is_taken_once_it_is_renamed(house: House, ending: str) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, f"/inbox/a.csv{ending}", SCHEDULE)
        assert await sftp.listdir("/inbox") == [".", "..", f"a.csv{ending}"]
        assert await submissions(house) == 0
        await sftp.rename(f"/inbox/a.csv{ending}", "/inbox/a.csv")
        assert (await outcome(sftp, "/inbox/a.csv"))["state"] == "accepted"
        with pytest.raises(asyncssh.SFTPFailure):
            await sftp.rename("/inbox/a.csv", "/inbox/b.csv")
        await put(sftp, f"/inbox/b.csv{ending}", IN_PART)
        with pytest.raises(asyncssh.SFTPFailure):
            await sftp.rename(f"/inbox/b.csv{ending}", "/inbox/a.csv")
        await sftp.posix_rename(f"/inbox/b.csv{ending}", "/inbox/a.csv")
        assert (await outcome(sftp, "/inbox/a.csv"))["rows"]["refused"] == 1


async def cut_off(house: House, key: asyncssh.SSHKey, path: str, data: bytes) -> None:
    """Write the beginning of a file, and lose the connection."""
    async with connected(house, "employer", key) as connection:
        sftp = await connection.start_sftp_client()
        file = await sftp.open(path, "wb")
        await file.write(data)
        connection.abort()


async def standing(house: House, key: asyncssh.SSHKey, path: str) -> int:
    """How much of a file is there, once nobody writes it any more."""
    for _ in range(100):
        if not house.gateway.store.inbox.count("employer")[1]:
            break
        async with session(house, "employer", key) as sftp:
            size = (await sftp.stat(path)).size or 0
        if size:
            return size
        await asyncio.sleep(0.05)
    return 0


async def test_a_connection_cut_is_gone_on_with_and_not_taken_before(house: House) -> None:
    key = await registered(house, "employer")
    await cut_off(house, key, "/inbox/large.csv", LARGE[:150_001])
    assert await standing(house, key, "/inbox/large.csv") == 150_001
    assert await submissions(house) == 0
    async with session(house, "employer", key) as sftp:
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await got(sftp, "/inbox/large.csv.outcome.json")
        async with sftp.open("/inbox/large.csv", "ab") as file:
            await file.write(LARGE[150_001:])
        assert (await outcome(sftp, "/inbox/large.csv"))["rows"]["accepted"] == 3_000
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await sftp.open("/inbox/large.csv", "ab")
        assert "taken already" in str(caught.value)


async def test_a_file_goes_on_at_an_offset_after_a_restart(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with sftp_house(tmp_path, pki) as house:
        key = await registered(house, "employer")
        async with session(house, "employer", key) as sftp:
            file = await sftp.open("/inbox/large.csv", "wb")
            await file.write(LARGE[:100_000])
            await file.fsync()
            await file.write(LARGE[100_000:120_000])
        # the connection ends with the session; its file was never closed
    async with (
        sftp_house(tmp_path, pki, names=()) as house,
        session(house, "employer", key) as sftp,
    ):
        size = (await sftp.stat("/inbox/large.csv")).size or 0
        assert 100_000 <= size <= 120_000
        async with sftp.open("/inbox/large.csv", "r+b") as file:
            await file.write(LARGE[size:], size)
        assert (await outcome(sftp, "/inbox/large.csv"))["rows"]["accepted"] == 3_000
        results = await sftp.listdir("/inbox")
    async with (
        sftp_house(tmp_path, pki, names=()) as house,
        session(house, "employer", key) as sftp,
    ):
        assert await sftp.listdir("/inbox") == results


async def test_a_whole_file_that_could_not_be_stored_is_taken_later(
    tmp_path: Path, pki: development.DevelopmentPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sftp_house(tmp_path, pki, judged=False) as house:
        key = await registered(house, "employer")
        journal = house.gateway.store.journal

        async def away(_: object) -> None:
            raise asyncssh.SFTPFailure("the process is gone")  # anything that is no refusal

        monkeypatch.setattr(journal, "record", away)
        async with session(house, "employer", key) as sftp:
            with pytest.raises(asyncssh.SFTPFailure):
                await put(sftp, "/inbox/a.csv", SCHEDULE)
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await got(sftp, "/inbox/a.csv.outcome.json")
        monkeypatch.undo()
    async with (
        sftp_house(tmp_path, pki, names=()) as house,
        session(house, "employer", key) as sftp,
    ):
        assert (await outcome(sftp, "/inbox/a.csv"))["state"] == "accepted"


async def test_a_file_removed_takes_its_results_along_and_a_submission_stays(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        await put(sftp, "/inbox/b.csv.part", SCHEDULE)
        for name in ("a.csv", "b.csv.part"):
            await sftp.remove(f"/inbox/{name}")
        assert await sftp.listdir("/inbox") == [".", ".."]
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.remove("/inbox/a.csv")
    assert await submissions(house) == 1


async def test_the_same_name_can_be_sent_again_with_other_content(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        first = await outcome(sftp, "/inbox/a.csv")
        await put(sftp, "/inbox/a.csv", IN_PART)
        assert (await outcome(sftp, "/inbox/a.csv"))["id"] != first["id"]
        await put(sftp, "/inbox/copy.csv", SCHEDULE)
        assert (await outcome(sftp, "/inbox/copy.csv"))["id"] == first["id"]


async def test_an_empty_file_is_not_taken_yet(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", b"")
        assert await sftp.listdir("/inbox") == [".", "..", "a.csv"]
        async with sftp.open("/inbox/a.csv", "r+b"):
            pass
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        assert (await outcome(sftp, "/inbox/a.csv"))["state"] == "accepted"


async def test_nothing_sent_by_sftp_is_in_the_clear_on_the_disk(
    house: House, tmp_path: Path
) -> None:
    key = await registered(house, "employer")
    body = LARGE.replace(b"Surname", b"Findable")
    async with session(house, "employer", key) as sftp:
        file = await sftp.open("/inbox/Findable-name.csv", "wb")
        await file.write(body[:200_000])
        await file.fsync()
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert b"Findable" not in path.read_bytes(), path
        await file.write(body[200_000:])
        await file.close()
        assert (await outcome(sftp, "/inbox/Findable-name.csv"))["rows"]["accepted"] == 3_000
        for path in tmp_path.rglob("*"):
            if path.is_file():
                assert b"Findable" not in path.read_bytes(), path
    assert not list(tmp_path.rglob("inb_*"))


@pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH is not installed")
async def test_the_client_that_everybody_has_can_send(house: House, tmp_path: Path) -> None:
    key = await registered(house, "employer")
    (tmp_path / "october.csv").write_bytes(IN_PART)
    key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    batch = (
        f"put {tmp_path}/october.csv /inbox/october.csv.part\n"
        "rename /inbox/october.csv.part /inbox/october.csv\nls -l /inbox\n"
        f"get /inbox/october.csv.* {tmp_path}/\n"
    )
    process = await asyncio.create_subprocess_exec(
        "sftp", "-b", "-", "-F", "none", "-P", str(house.gateway.sftp_port), "-i", tmp_path / "id",
        "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=no",
        "-o", f"UserKnownHostsFile={tmp_path}/known", "employer@127.0.0.1",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(batch.encode()), 60)
    assert process.returncode == 0, err
    assert b"october.csv.errors.csv" in out
    receipt = (tmp_path / "october.csv.tlog-proof").read_text()
    assert verify_receipt(receipt, house.gateway.ring.evidence.vkey).ok
