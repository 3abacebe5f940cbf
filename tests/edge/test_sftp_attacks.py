"""What somebody with a key, or with none, may try over SSH, and is told."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from certs import development
from gateway import inbox as story
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import AddSshKey, RevokeSshKey
from gateway.config import Sftp
from gateway.core import limits
from gateway.core.refusal import Refused
from gateway.edge.sftp import server
from gateway.edge.sftp import session as sessions
from gateway.edge.sftp.door import thumbprint
from gateway.judge.store import verify_store
from tests.conftest import SAMPLES, House
from tests.edge.sftp_client import (
    connected,
    new_key,
    office_of,
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


# --- who comes in -------------------------------------------------------------------------------


async def refused_at_the_door(house: House, name: str, **options: Any) -> None:
    options = {"known_hosts": None, "agent_path": None, "config": None} | options
    with pytest.raises(asyncssh.DisconnectError):
        async with asyncssh.connect(
            "127.0.0.1", house.gateway.sftp_port or 0, username=name, **options
        ):
            pass


async def test_only_a_registered_key_of_the_organisation_opens_the_door(house: House) -> None:
    mine = await registered(house, "employer")
    for name, key in (
        ("employer", new_key()),
        ("bank", mine),
        ("nobody", mine),
        ("", mine),
        ("tracing", mine),
    ):
        await refused_at_the_door(house, name, client_keys=[key])
    async with session(house, "employer", mine) as sftp:
        assert await sftp.listdir("/") == [".", "..", "inbox"]


async def test_no_password_and_no_question_is_taken(house: House) -> None:
    await registered(house, "employer")
    await refused_at_the_door(house, "employer", client_keys=[], password="secret")
    for method in ("password", "keyboard-interactive", "hostbased", "none"):
        await refused_at_the_door(
            house, "employer", client_keys=[], password="x", preferred_auth=[method]
        )


async def test_a_consumer_has_no_inbox_and_a_weak_key_is_not_registered(house: House) -> None:
    weak = asyncssh.generate_private_key("ssh-rsa", key_size=2_048).export_public_key().decode()
    strong = new_key().export_public_key().decode()
    for party, line in (
        ("tracing", strong),
        ("employer", weak),
        ("employer", "ssh-ed25519 AAAA"),
        ("employer", strong + "\n" + strong),
        ("employer", ""),
        ("employer", "x" * 9_000),
    ):
        with pytest.raises(Refused):
            await carry_out(AddSshKey(party=party, key=line), office_of(house))
    await carry_out(AddSshKey(party="employer", key=strong.strip() + " a person"), office_of(house))
    with pytest.raises(Refused):
        await carry_out(AddSshKey(party="bank", key=strong), office_of(house))


async def revoke(house: House, name: str, key: asyncssh.SSHKey) -> None:
    named = thumbprint(key.public_data)
    await carry_out(RevokeSshKey(party=name, thumbprint=named), office_of(house))


async def test_a_revoked_key_ends_what_is_open_and_opens_nothing_more(house: House) -> None:
    key, other = await registered(house, "employer"), await registered(house, "employer")
    async with connected(house, "employer", key) as connection:
        sftp = await connection.start_sftp_client()
        file = await sftp.open("/inbox/a.csv", "wb")
        await file.write(SCHEDULE)
        await revoke(house, "employer", key)
        with pytest.raises((asyncssh.SFTPError, ConnectionError)):
            await file.close()
        await asyncio.wait_for(connection.wait_closed(), 10)
    await refused_at_the_door(house, "employer", client_keys=[key])
    _, answer, _ = await house.employer.call("GET", "/v1/submissions")
    assert answer["submissions"] == []
    async with session(house, "employer", other) as sftp:
        for _ in range(100):  # until the ended session has let go of it
            if (size := (await sftp.stat("/inbox/a.csv")).size) == len(SCHEDULE):
                break
            await asyncio.sleep(0.05)
        assert size == len(SCHEDULE)
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        assert (await outcome(sftp, "/inbox/a.csv"))["state"] == "accepted"


async def test_too_many_keys_and_too_many_connections_are_turned_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await registered(house, "employer")
    await refused_at_the_door(
        house, "employer", client_keys=[*(new_key() for _ in range(limits.SSH_KEYS_TRIED)), key]
    )
    monkeypatch.setattr(server, "SSH_CONNECTIONS_EACH", 2)
    async with session(house, "employer", key), session(house, "employer", key):
        with pytest.raises((asyncssh.Error, OSError)):
            async with session(house, "employer", key) as sftp:
                await sftp.listdir("/")
        monkeypatch.setattr(server, "SSH_CONNECTIONS", 2)
        bank = await registered(house, "bank")
        with pytest.raises((asyncssh.Error, OSError)):
            async with session(house, "bank", bank):
                pass
    async with session(house, "bank", bank) as sftp:
        assert await sftp.listdir("/")


async def test_who_says_nothing_is_sent_away(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with sftp_house(tmp_path, pki, sftp=Sftp(port=0, idle_seconds=1)) as house:
        key = await registered(house, "employer")
        async with connected(house, "employer", key) as connection:
            await connection.start_sftp_client()
            await asyncio.wait_for(connection.wait_closed(), 15)


@pytest.mark.parametrize(
    "options",
    [
        {"kex_algs": ["diffie-hellman-group14-sha1"]},
        {"kex_algs": ["ecdh-sha2-nistp256"]},
        {"encryption_algs": ["aes128-ctr"]},
        {"encryption_algs": ["3des-cbc"]},
        {"server_host_key_algs": ["ssh-rsa"]},
    ],
)
async def test_old_algorithms_are_not_spoken(house: House, options: dict[str, Any]) -> None:
    key = await registered(house, "employer")
    with pytest.raises((asyncssh.Error, OSError)):
        async with connected(house, "employer", key, **options):
            pass


async def test_the_host_key_stays_the_same_and_is_for_its_owner_alone(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    seen = set()
    for names in (("bank",), ()):
        async with sftp_house(tmp_path, pki, names=names) as house:
            if names:
                key = await registered(house, "bank")
            async with connected(house, "bank", key) as connection:
                found = connection.get_server_host_key()
                assert found is not None
                assert found.get_algorithm() == "ssh-ed25519"
                seen.add(found.public_data)
    assert len(seen) == 1
    assert (tmp_path / "keys" / "ssh-host.pem").stat().st_mode & 0o777 == 0o600


# --- what SSH can do, and this server does not ----------------------------------------------------


async def test_there_is_no_shell_no_command_and_no_forwarding(house: House) -> None:
    key = await registered(house, "employer")
    async with connected(house, "employer", key) as connection:
        for command in ("id", "scp -t /", None):
            with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ProcessError)):
                await connection.run(command, check=True)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection("/tmp/x")
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_session(asyncssh.SSHClientSession, subsystem="netconf")
        async with connection.start_sftp_client() as sftp:
            assert await sftp.listdir("/")


def test_no_method_of_the_library_reaches_the_file_system() -> None:
    mine = vars(sessions.Session)
    left = {"channel", "connection", "env", "logger", "convert_attrs", "format_longname"}
    inherited = {
        name
        for name, _ in inspect.getmembers(asyncssh.SFTPServer, callable)
        if not name.startswith("_") and name not in mine
    }
    assert inherited <= left, inherited - left


async def test_files_go_after_the_days_that_the_settings_say(house: House) -> None:
    key = await registered(house, "employer")
    box = house.gateway.inbox
    async with session(house, "employer", key) as sftp:
        await put(sftp, "/inbox/a.csv", SCHEDULE)
        await put(sftp, "/inbox/b.part", SCHEDULE)
        house.gateway.store._db.execute("UPDATE inbox SET changed = changed - 30 * 86400 - 1")
        await put(sftp, "/inbox/c.part", SCHEDULE)
        assert await story.expire(box, 31) == 0
        assert await story.expire(box, 30) == 2
        assert await sftp.listdir("/inbox") == [".", "..", "c.part"]
    _, answer, _ = await house.employer.call("GET", "/v1/submissions")
    assert len(answer["submissions"]) == 1


async def test_a_key_put_into_the_database_by_hand_is_found_by_the_judge(
    tmp_path: Path, pki: development.DevelopmentPki
) -> None:
    async with sftp_house(tmp_path, pki, judged=False) as house:
        key = await registered(house, "employer")
        await revoke(house, "employer", await registered(house, "employer"))
        where, vkey = house.settings.data, house.gateway.ring.evidence.vkey
        assert verify_store(where, vkey).ok
        db, named = house.gateway.store._db, thumbprint(key.public_data)
        for change, undo in (
            ("party = 'bank'", "party = 'employer'"),
            ("revoked = '2026-01-01'", "revoked = NULL"),
            ("blob = x'00'", None),
        ):
            db.execute(f"UPDATE ssh_key SET {change} WHERE thumbprint = ?", (named,))
            assert any("sshkey" in str(each) for each in verify_store(where, vkey).findings)
            if undo is not None:
                db.execute(f"UPDATE ssh_key SET {undo} WHERE thumbprint = ?", (named,))
                assert verify_store(where, vkey).ok
