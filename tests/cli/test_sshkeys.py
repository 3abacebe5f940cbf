"""SSH keys from the command line, beside a running gateway and without one."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from certs import development
from gateway.cli.exits import Exit
from tests.cli.conftest import Cli, config_of
from tests.conftest import House, house_in
from tests.edge.sftp_client import connected, new_key, sftp_house


def written(directory: Path, name: str = "key") -> tuple[Path, str]:
    """A fresh public key in a file, and how OpenSSH shows it."""
    key = new_key()
    path = directory / f"{name}.pub"
    path.write_bytes(key.export_public_key())
    digest = hashlib.sha256(key.public_data).digest()
    return path, "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


async def test_a_key_is_added_listed_and_revoked_by_the_name_that_openssh_shows(
    house: House, tmp_path: Path, cli: Cli
) -> None:
    config = ("--config", config_of(house, tmp_path))
    path, shown = written(tmp_path)
    added = await cli("sshkey", "add", "employer", path, *config)
    assert added.code == Exit.OK, added.err
    again = await cli("sshkey", "add", "bank", path, *config)
    assert again.code == Exit.REFUSED
    assert "employer already" in again.err
    revoked = await cli("sshkey", "revoke", "employer", shown, *config)
    assert revoked.code == Exit.OK, revoked.err
    (key,) = (await cli("sshkey", "list", "employer", "--json", *config)).json["ssh_keys"]
    assert key["thumbprint"] == added.out.strip()
    assert key["revoked"] is not None
    other = await cli("sshkey", "revoke", "bank", shown, *config)
    assert other.code == Exit.REFUSED


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-dss AAAA", "hello"])
async def test_what_is_no_public_key_is_told(
    house: House, tmp_path: Path, cli: Cli, text: str
) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    ran = await cli("sshkey", "add", "employer", path, "--config", config_of(house, tmp_path))
    assert ran.code in {Exit.USAGE, Exit.REFUSED}
    assert "Traceback" not in ran.err


async def test_the_host_key_shown_is_the_one_that_clients_see(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    async with sftp_house(tmp_path, pki, names=("employer",)) as house:
        config = ("--config", config_of(house, tmp_path))
        shown = (await cli("sshkey", "host", *config)).out.split()[1]
        path, _ = written(tmp_path)
        key = new_key()
        path.write_bytes(key.export_public_key())
        assert (await cli("sshkey", "add", "employer", path, *config)).code == Exit.OK
        async with connected(house, "employer", key) as connection:
            found = connection.get_server_host_key()
            assert found is not None
            assert base64.b64encode(found.public_data).decode() == shown


async def test_a_key_is_added_where_no_gateway_runs(
    tmp_path: Path, pki: development.DevelopmentPki, cli: Cli
) -> None:
    async with house_in(tmp_path, pki, names=("employer",)) as house:
        config = ("--config", config_of(house, tmp_path))
    path, _ = written(tmp_path)
    assert (await cli("sshkey", "add", "employer", path, *config)).code == Exit.OK
