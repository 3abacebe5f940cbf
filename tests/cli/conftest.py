"""Commands run as a person runs them, in a thread beside the gateway they speak to."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from gateway.cli.root import root
from gateway.client.profile import Profile, written
from gateway.edge import logs
from tests.conftest import House


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, stdin: bytes | None = None) -> Ran:
    """Run a command to its end, in this thread."""
    found = CliRunner().invoke(
        root, [str(a) for a in arguments], prog_name="cms-gateway", input=stdin
    )
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Ran(found.exit_code, found.stdout, found.stderr)


def buffered() -> dict[str, str]:
    """The environment for a process of its own, without a setting that hides held-back lines."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}


Cli = Callable[..., Awaitable[Ran]]


@pytest.fixture
def cli() -> Cli:
    """Runs a command while the gateway goes on in the test's event loop."""

    async def ran(*arguments: object, stdin: bytes | None = None) -> Ran:
        return await asyncio.to_thread(run, *arguments, stdin=stdin)

    return ran


@pytest.fixture(autouse=True)
def quiet() -> None:
    """The gateway's own log does not go to the stdout that a test looks at."""
    logs.configure(io.StringIO(), level="critical")


@pytest.fixture(autouse=True)
def nothing_left_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Where a command runs it leaves nothing, unless it was told to put it there."""
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    yield
    assert [path.name for path in here.iterdir()] == []


def profile_of(house: House, name: str, directory: Path, **changes: Any) -> Path:
    """A party's profile, as `client add` writes it."""
    party = house.parties[name]
    where = directory / name
    where.mkdir(exist_ok=True)
    key = where / "client.pem"
    key.write_bytes(
        party.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    values: dict[str, Any] = {
        "url": house.url,
        "issuer": party.issuer,
        "ca": house.pki.server_ca,
        "certificate": party.issued.certificate,
        "key": party.issued.key,
        "client": party.client,
        "client_key": key,
        "kid": "k1",
        "vkey": house.gateway.ring.evidence.vkey,
        "state": where / "uploads",
    }
    path = where / f"profile{len(list(where.glob('profile*.toml')))}.toml"
    path.write_text(written(Profile(**(values | changes))))
    return path


def key_file(house: House, directory: Path) -> Path:
    """The ledger's vkey in a file."""
    path = directory / "ledger.vkey"
    path.write_text(house.gateway.ring.evidence.vkey + "\n")
    return path


def config_of(house: House, directory: Path) -> Path:
    """The settings of a running gateway, as a file."""
    settings = house.settings
    path = directory / "config.toml"
    path.write_text(
        f'origin = "{settings.origin}"\nissuer = "{settings.issuer}"\n'
        f'data = "{settings.data}"\nkeys = "{settings.keys}"\nport = 0\n'
        f'[tls]\ncertificate = "{settings.tls.certificate}"\nkey = "{settings.tls.key}"\n'
        f'participants = "{settings.tls.participants}"\n'
        f'revocation_lists = ["{settings.tls.revocation_lists[0]}"]\n'
    )
    return path


@dataclass
class Wire:
    """A line between client and gateway: counts the bytes sent up it, and breaks when told.

    It breaks after `cut_after` bytes up, or with the first answer after `mute_after` of them.
    """

    port: int = 0
    up: int = 0
    cut_after: int | None = None
    mute_after: int | None = None
    cuts: int = 0

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A line to a port of this machine."""
    wire = Wire()

    async def carry(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        try:
            while piece := await reader.read(16 * 1024):
                if up:
                    wire.up += len(piece)
                    if wire.cut_after is not None and wire.up > wire.cut_after:
                        wire.cut_after = None
                        wire.cuts += 1
                        raise ConnectionError
                elif wire.mute_after is not None and wire.up > wire.mute_after:
                    wire.mute_after = None
                    wire.cuts += 1
                    raise ConnectionError
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        ways = [
            asyncio.create_task(carry(reader, back, up=True)),
            asyncio.create_task(carry(there, writer, up=False)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        writer.transport.abort()
        back.transport.abort()
        await asyncio.gather(*ways, return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await server.wait_closed()
