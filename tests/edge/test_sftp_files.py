"""Paths and files over SFTP, as no honest client would use them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from certs import development
from gateway.core import limits
from tests.conftest import SAMPLES, House
from tests.edge.sftp_client import (
    connected,
    got,
    outcome,
    put,
    registered,
    session,
    sftp_house,
)

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()


@pytest.fixture
async def house(tmp_path: Path, pki: development.DevelopmentPki) -> AsyncIterator[House]:
    async with sftp_house(tmp_path, pki) as opened:
        yield opened


# --- paths ----------------------------------------------------------------------------------------

TRICKS: list[bytes] = [
    b"/etc/passwd",
    b"../../../../etc/passwd",
    b"/inbox/../../etc/passwd",
    b"/inbox/sub/a.csv",
    b"/a.csv",
    b"/inbox/a\\..\\b.csv",
    b"/inbox/a\x00.csv",
    b"/inbox/a\n.csv",
    b"/inbox/\xff\xfe.csv",
    "/inbox/a\u202evsc.exe".encode(),
    "/inbox/\u200bhidden.csv".encode(),
    b"/inbox/" + b"x" * 300,
    b"/" * 3_000 + b"inbox/" + b"y" * 2_000,
    b"/inbox/ a.csv",
    b"/inbox/req_../a.csv",
    b"/bank/inbox/a.csv",
    b"/inbox/a.csv.outcome.json",
    b"/inbox/a.csv.tlog-proof",
    b"/inbox/.errors.csv",
    b"/inbox",
    b"/",
    b"",
]


@pytest.mark.parametrize("path", TRICKS, ids=[repr(path[:24]) for path in TRICKS])
async def test_a_trick_of_a_path_writes_nothing_anywhere(
    house: House, tmp_path: Path, path: bytes
) -> None:
    key = await registered(house, "employer")
    before = sorted(each for each in tmp_path.rglob("*") if "bodies" in str(each))
    async with session(house, "employer", key) as sftp:
        with pytest.raises(asyncssh.SFTPError) as caught:
            await sftp.open(path, "wb")
        assert str(tmp_path) not in str(caught.value)
        with pytest.raises(asyncssh.SFTPError):
            await sftp.open(path, "rb")
        assert await sftp.listdir("/inbox") == [".", ".."]
    assert sorted(each for each in tmp_path.rglob("*") if "bodies" in str(each)) == before


async def test_two_forms_of_one_name_are_one_file(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/./x/../Cafe\u0301.csv", SCHEDULE)
        assert "Caf\u00e9.csv" in await sftp.listdir("/inbox")
        assert (await outcome(sftp, "/inbox//Caf\u00e9.csv"))["state"] == "accepted"
        assert await sftp.realpath("/inbox/../../inbox/./a") == "/inbox/a"


async def test_an_organisation_sees_nothing_of_another(house: House) -> None:
    employer, bank = await registered(house, "employer"), await registered(house, "bank")
    async with session(house, "employer", employer) as mine, session(house, "bank", bank) as theirs:
        await put(mine, "/inbox/a.csv", SCHEDULE)
        assert await theirs.listdir("/inbox") == [".", ".."]
        for ending in ("", ".outcome.json", ".tlog-proof"):
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await theirs.stat(f"/inbox/a.csv{ending}")
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await got(theirs, f"/inbox/a.csv{ending}")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await theirs.remove("/inbox/a.csv")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await theirs.rename("/inbox/a.csv", "/inbox/b.csv")


async def test_what_was_sent_is_not_given_back_and_results_are_not_written(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        with pytest.raises(asyncssh.SFTPPermissionDenied) as caught:
            await got(sftp, "/inbox/a.csv")
        assert "NAME.outcome.json" in str(caught.value)
        for ending in (".outcome.json", ".tlog-proof"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await put(sftp, f"/inbox/a.csv{ending}", b"x")
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await sftp.remove(f"/inbox/a.csv{ending}")


async def test_links_attributes_and_folders(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        for call in (
            sftp.symlink("/etc/passwd", "/inbox/b.csv"),
            sftp.link("/inbox/a.csv", "/inbox/b.csv"),
            sftp.readlink("/inbox/a.csv"),
            sftp.statvfs("/inbox"),
            sftp.truncate("/inbox/a.csv", 3),
        ):
            with pytest.raises(asyncssh.SFTPOpUnsupported):
                await call
        for call in (sftp.mkdir("/inbox/x"), sftp.mkdir("/inbox"), sftp.rmdir("/inbox")):
            with pytest.raises((asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure)):
                await call
        await sftp.utime("/inbox/a.csv", (0, 0))
        await sftp.chmod("/inbox/a.csv", 0o777)
        attrs = await sftp.stat("/inbox/a.csv")
        assert (attrs.permissions or 0) & 0o777 == 0o600
        assert (attrs.mtime or 0) > 1_000_000


# --- writing as no client does --------------------------------------------------------------------


async def test_two_writers_of_one_name_exclude_each_other(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as one, session(house, "employer", key) as two:
        file = await one.open("/inbox/a.csv", "wb")
        for mode in ("wb", "ab"):
            with pytest.raises(asyncssh.SFTPFailure) as caught:
                await two.open("/inbox/a.csv", mode)
            assert "Another session" in str(caught.value)
        with pytest.raises(asyncssh.SFTPFailure):
            await two.remove("/inbox/a.csv")
        await file.write(SCHEDULE)
        await file.close()
        assert (await outcome(two, "/inbox/a.csv"))["state"] == "accepted"


async def test_pieces_out_of_order_are_put_in_order_and_holes_are_refused(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        file = await sftp.open("/inbox/a.csv", "wb")
        for at in (200, 100, 300, 0):
            await file.write(SCHEDULE[at : at + 100 if at < 300 else None], at)
        await file.close()
        assert (await outcome(sftp, "/inbox/a.csv"))["state"] == "accepted"
        file = await sftp.open("/inbox/b.csv", "wb")
        await file.write(SCHEDULE[:10])
        with pytest.raises(asyncssh.SFTPFailure):
            await file.write(b"x", 3)
        await file.write(SCHEDULE[20:], 20)
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await file.close()
        assert "never came" in str(caught.value)
        file = await sftp.open("/inbox/c.csv", "wb")
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await file.write(b"x", 1 << 60)
        assert "larger than allowed" in str(caught.value)
        await file.close()


async def test_handles_unfinished_files_and_files_are_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        opened = [await sftp.open(f"/inbox/{n}.csv", "wb") for n in range(limits.SFTP_HANDLES - 1)]
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await sftp.open("/inbox/more.csv", "wb")
        assert "Too many" in str(caught.value)
        for file in opened:
            await file.close()
        for n in range(limits.UPLOADS_OPEN - len(opened)):
            await put(sftp, f"/inbox/{n}.part", b"x")
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await put(sftp, "/inbox/more.part", b"x")
        assert "unfinished" in str(caught.value)
        monkeypatch.setattr("gateway.inbox.INBOX_FILES", len(await sftp.listdir("/inbox")) - 2)
        with pytest.raises(asyncssh.SFTPFailure) as caught:
            await put(sftp, "/inbox/more.csv", SCHEDULE)
        assert "remove some" in str(caught.value)


async def test_a_packet_too_large_ends_the_session_and_not_the_gateway(house: House) -> None:
    key = await registered(house, "employer")
    async with connected(house, "employer", key) as connection:
        chan, _ = await connection.create_session(
            asyncssh.SSHClientSession, subsystem="sftp", encoding=None
        )
        chan.write((0x7FFFFFFF).to_bytes(4, "big") + b"\x01" * 100)
        await asyncio.wait_for(chan.wait_closed(), 10)
        async with connection.start_sftp_client() as sftp:
            assert await sftp.listdir("/")


async def test_a_folder_with_many_files_is_listed(house: House) -> None:
    key = await registered(house, "employer")
    async with session(house, "employer", key) as sftp:
        for n in range(150):
            await put(sftp, f"/inbox/{n:03d}.csv", SCHEDULE.replace(b"Marsh", b"M%d" % n))
        names = await sftp.listdir("/inbox")
        assert len(names) == 2 + 3 * 150
        assert len(set(names)) == len(names)
