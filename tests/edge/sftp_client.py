"""A real SFTP client for tests: an organisation's key, registered, and sessions made with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh

from certs import development
from gateway.administration.carrying_out import carry_out
from gateway.administration.office import Office
from gateway.administration.orders import AddSshKey
from gateway.config import Sftp
from gateway.wiring import office
from tests.conftest import House, house_in


def new_key() -> asyncssh.SSHKey:
    """A fresh Ed25519 key."""
    return asyncssh.generate_private_key("ssh-ed25519")


def office_of(house: House) -> Office:
    """Administration on a running gateway."""
    gateway = house.gateway
    return office(gateway.settings, gateway.store, gateway.law, gateway.ring)


async def registered(house: House, name: str) -> asyncssh.SSHKey:
    """A key of an organisation that the gateway knows."""
    key = new_key()
    line = key.export_public_key().decode()
    await carry_out(AddSshKey(party=name, key=line), office_of(house))
    return key


@asynccontextmanager
async def connected(
    house: House, name: str, key: asyncssh.SSHKey, **options: Any
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """An SSH connection as an organisation."""
    async with asyncssh.connect(
        "127.0.0.1",
        house.gateway.sftp_port or 0,
        username=name,
        client_keys=[key],
        known_hosts=None,
        agent_path=None,
        config=None,
        **options,
    ) as connection:
        yield connection


@asynccontextmanager
async def session(
    house: House, name: str, key: asyncssh.SSHKey
) -> AsyncIterator[asyncssh.SFTPClient]:
    """An SFTP session as an organisation."""
    async with connected(house, name, key) as connection, connection.start_sftp_client() as sftp:
        yield sftp


async def put(sftp: asyncssh.SFTPClient, path: str, data: bytes) -> None:
    """Write a file whole, and close it."""
    async with sftp.open(path, "wb") as file:
        await file.write(data)


async def got(sftp: asyncssh.SFTPClient, path: str) -> bytes:
    """Read a file."""
    async with sftp.open(path, "rb") as file:
        return bytes(await file.read())


async def outcome(sftp: asyncssh.SFTPClient, path: str, seconds: float = 20) -> dict[str, Any]:
    """What became of a file, once it is said."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        found: dict[str, Any] = json.loads(await got(sftp, f"{path}.outcome.json"))
        if found.get("state") != "received" or asyncio.get_running_loop().time() > until:
            return found
        await asyncio.sleep(0.1)


@asynccontextmanager
async def sftp_house(
    directory: Path, pki: development.DevelopmentPki, **changes: Any
) -> AsyncIterator[House]:
    """A gateway with an SFTP door."""
    values: dict[str, Any] = {"sftp": Sftp(port=0), "names": ("employer", "bank", "tracing")}
    async with house_in(directory, pki, **(values | changes)) as house:
        yield house
