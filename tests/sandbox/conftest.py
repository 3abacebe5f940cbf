"""A sandbox on a loopback port, and somebody who has joined it by command."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.cli import house
from gateway.cli.exits import Exit
from gateway.sandbox import serving
from gateway.wiring import Gateway
from tests.cli.conftest import Cli, cli, quiet  # noqa: F401 - fixtures


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def reopened(directory: Path) -> AsyncIterator[Gateway]:
    async with serving.opened(directory / "config.toml", directory / "pki", 7) as gateway:
        yield gateway


@pytest.fixture
async def practice(tmp_path: Path) -> Path:
    directory = tmp_path / "practice"
    await asyncio.to_thread(house.create, directory, port=free_port(), origin=serving.ORIGIN)
    return directory


@pytest.fixture
async def sandbox(practice: Path) -> AsyncIterator[Gateway]:
    async with reopened(practice) as gateway:
        yield gateway


@pytest.fixture
async def joined(sandbox: Gateway, practice: Path, tmp_path: Path, cli: Cli) -> Path:  # noqa: F811
    """The profile of an employer that has joined."""
    ran = await cli(
        "sandbox", "join", f"https://localhost:{sandbox.port}", "--id", "bakery",
        "--class", "employer", "--ca", practice / "pki" / "server-ca.pem",
        "--directory", tmp_path / "bakery",
    )  # fmt: skip
    assert ran.code == Exit.OK, ran.err
    return Path(ran.out.splitlines()[-1])
