"""docs/nats.md as it stands: its certificates, its server, its gateway and its team, set up by the page."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client

from gateway import carriers, config
from gateway.cli.exits import Exit
from gateway.core.carriage import NotTakenError
from gateway.core.push import Message
from gateway.edge import tls
from tests.brokers import SERVER, free_ports
from tests.cli.conftest import run as command
from tests.conftest import ROOT
from tests.pushing import until

PAGE = (ROOT / "docs" / "nats.md").read_text()
BLOCKS = [re.sub(r"(?m)^    ", "", each) for each in re.findall(r"(?m)(?:^(?:    .*)?\n)+", PAGE)]
TEAM = "tracing"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")


def block(start: str) -> str:
    """What the page has to be copied from it."""
    (found,) = [each.strip("\n") + "\n" for each in BLOCKS if each.strip().startswith(start)]
    return found


def run(script: str, place: Path) -> None:
    path = f"{SERVER.parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(["sh", "-ec", script], cwd=place, env=os.environ | {"PATH": path},
                         capture_output=True, text=True, check=False)  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Path]:
    """A server set up by the page, but for its port and where its files are; its URL is in `url`."""
    place, port = tmp_path / "nats", free_ports(1)[0]
    place.mkdir()
    run(block("openssl req -x509"), place)
    text = block("# nats.conf").replace("0.0.0.0:4222", f"127.0.0.1:{port}")
    text = text.replace("/etc/nats", str(place)).replace("/var/lib/nats", str(place / "js"))
    (place / "nats.conf").write_text(text)
    make, check, start = block("(umask 077").splitlines()
    run(f"{make}\n{check}", place)
    assert start == check.removesuffix(" -t")
    (place / "url").write_text(f"tls://localhost:{port}")
    key = (place / "js.key").read_text().strip()
    server = subprocess.Popen(
        [SERVER, "-c", place / "nats.conf", "-l", place / "log"], env=os.environ | {"JS_KEY": key}
    )
    try:
        yield place
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()


async def collected(place: Path) -> tuple[str, bool]:
    """The id of a page that the team gets, and whether it is kept from purging its stream."""

    async def quiet(_: Exception) -> None:
        """Nothing."""

    context = tls.client_context(place / "ca.pem", place / f"{TEAM}.pem", place / f"{TEAM}.key")
    client = Client()
    await client.connect((place / "url").read_text(), tls=context, allow_reconnect=False,
                         inbox_prefix=b"_INBOX_tracing", error_cb=quiet)  # fmt: skip
    try:
        pages = await client.jetstream().pull_subscribe_bind(TEAM, "cms-tracing-tracing")
        (page,) = await pages.fetch(1, timeout=10)
        await page.ack_sync()
        try:
            await client.jetstream(timeout=1).purge_stream("cms-tracing-tracing")
        except (nats.errors.Error, TimeoutError):
            return (page.headers or {})["ce-id"], True
        return "", False
    finally:
        await client.close()


async def test_a_team_gets_its_feed_by_what_the_page_says(place: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert command("init", home).code == Exit.OK
    path = home / "config.toml"
    shutil.copytree(place, home / "nats")
    servers = re.sub(r"\[.tls:.*]", f'["{(place / "url").read_text()}"]', block("[jetstream]"))
    path.write_text(path.read_text() + servers.replace("replicas = 3", "replicas = 1"))
    streams = carriers.streams(config.load(path))
    assert streams is not None
    why = ""

    async def up() -> bool:
        nonlocal why
        try:
            await streams.check()
        except NotTakenError as error:
            why = error.code
            return why not in {"NOT_REACHED", "JETSTREAM_DISABLED"}  # it is starting
        why = ""
        return True

    await until(up)
    assert why == ""
    try:
        held = await streams.look(TEAM, TEAM)
        page = Message({"ce-id": "tracing:1-1"}, b"{}")
        await streams.publish(TEAM, TEAM, page, identity="a", after=held.sequence)
        assert (await streams.look(TEAM, TEAM)).message == "a"
    finally:
        await streams.close()
    async with asyncio.timeout(20):
        assert await collected(place) == ("tracing:1-1", True)


def test_a_team_is_added_by_what_the_page_says(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert command("init", home).code == Exit.OK
    path = home / "config.toml"
    path.write_text(path.read_text() + '[jetstream]\nservers = ["tls://localhost:4222"]\n')
    for line in block("cms-gateway org add").splitlines():
        ran = command(*shlex.split(line)[1:], "--config", path)
        assert ran.code == Exit.OK, ran.err
