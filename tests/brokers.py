"""Real NATS servers on loopback, as docs/nats.md demands them: TLS, JetStream in files, sync always."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from certs import development
from gateway.config import JetStream
from gateway.edge import tls

SERVER = Path(sys.executable).parent / "nats-server"
PATIENCE = 30.0


def free_ports(count: int) -> list[int]:
    """Ports that are free at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass
class Broker:
    """A NATS server: started, killed by its process id, and started again on the same directory."""

    directory: Path
    pki: development.DevelopmentPki
    port: int
    name: str = "one"
    cluster: str = ""
    payload: int = 1_048_576
    extra: str = ""
    open_to: tuple[str, str] | None = None
    creds: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"tls://localhost:{self.port}"

    def settings(self, **changes: object) -> JetStream:
        """What a gateway is told about it."""
        values: dict[str, object] = {"servers": (self.url,), "ca": self.pki.server_ca}
        return JetStream(**(values | changes))  # type: ignore[arg-type]

    def start(self) -> None:
        """Start it; it is up some moments later."""
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        config.write_text(
            f'server_name: {self.name}\nlisten: "127.0.0.1:{self.port}"\n'
            f"max_payload: {self.payload}\n"
            f'tls {{ cert_file: "{self.pki.server_certificate}", '
            f'key_file: "{self.pki.server_key}" }}\n'
            f'jetstream {{ store_dir: "{self.directory / "js"}", sync_interval: always, '
            "cipher: chachapoly, key: $JS_KEY }\n"
            f"{self.extra}\n{self.cluster}\n"
        )
        self.process = subprocess.Popen(
            [SERVER, "-c", config, "-l", self.directory / "log"],
            env=os.environ | {"JS_KEY": "tests-alone-5b1c0d4e7f"},
        )

    def kill(self) -> None:
        """Kill it as a power cut would, by its id."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def forget(self) -> None:
        """Lose everything it kept."""
        shutil.rmtree(self.directory / "js")

    async def up(self) -> None:
        """Wait until JetStream answers."""
        async with asyncio.timeout(PATIENCE):
            while True:
                assert self.process is not None
                assert self.process.poll() is None, "the server did not start"
                try:
                    async with self.client() as client:
                        await client.jetstream(timeout=2).account_info()
                        return
                except (OSError, nats.errors.Error, TimeoutError, EOFError):
                    await asyncio.sleep(0.05)

    @asynccontextmanager
    async def client(self, **more: object) -> AsyncIterator[Client]:
        """A connection of the test's own."""

        async def quiet(_: Exception) -> None:
            """Nothing."""

        client = Client()
        if self.open_to is not None:
            more = {"user": self.open_to[0], "password": self.open_to[1], **more}
        if self.creds is not None:
            more = {"user_credentials": str(self.creds), **more}
        await client.connect(
            self.url, tls=tls.client_context(self.pki.server_ca), allow_reconnect=False,
            error_cb=quiet, connect_timeout=2, reconnect_time_wait=0, **more,
        )  # type: ignore[arg-type]  # fmt: skip
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def broker_in(
    directory: Path,
    pki: development.DevelopmentPki,
    *,
    payload: int = 1_048_576,
    extra: str = "",
    open_to: tuple[str, str] | None = None,
    creds: Path | None = None,
) -> AsyncIterator[Broker]:
    """A server until the block is left."""
    broker = Broker(
        directory / "nats",
        pki,
        free_ports(1)[0],
        payload=payload,
        extra=extra,
        open_to=open_to,
        creds=creds,
    )
    broker.start()
    try:
        await broker.up()
        yield broker
    finally:
        broker.kill()


@asynccontextmanager
async def cluster_in(
    directory: Path, pki: development.DevelopmentPki
) -> AsyncIterator[list[Broker]]:
    """Three servers that know each other, until the block is left."""
    ports, routes = free_ports(3), free_ports(3)
    known = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    brokers = [
        Broker(
            directory / f"nats{n}",
            pki,
            ports[n],
            name=f"n{n}",
            cluster=f'cluster {{ name: three, listen: "127.0.0.1:{routes[n]}", routes: [{known}] }}',
        )
        for n in range(3)
    ]
    for broker in brokers:
        broker.start()
    try:
        for broker in brokers:
            await broker.up()
        yield brokers
    finally:
        for broker in brokers:
            if broker.process is not None and broker.process.poll() is None:
                broker.kill()


async def everything_in(js: JetStreamContext, stream: str) -> list[tuple[dict[str, str], bytes]]:
    """Each message of a stream, in order."""
    state = (await js.stream_info(stream)).state
    found = []
    for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
        message = await js.get_msg(stream, sequence)
        found.append((message.headers or {}, message.data or b""))
    return found
