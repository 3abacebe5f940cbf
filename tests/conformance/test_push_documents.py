"""What the documents tell operators and teams to do, done: permissions on a server, and the example."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import textwrap
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from certs.development import DevelopmentPki
from gateway import delivery
from gateway.core.push import WORDS
from gateway.edge import tls
from gateway.edge.jetstream import JetStream, Terms
from tests.brokers import Broker, broker_in
from tests.conftest import ROOT
from tests.pushing import FEED, pushed_in

PUSH = (ROOT / "docs" / "push.md").read_text(encoding="utf-8")
NATS = (ROOT / "docs" / "nats.md").read_text(encoding="utf-8")
TEAM = "tracing"


def permitted() -> str:
    """The users of docs/nats.md, with passwords in place of certificates, for the feed of the tests."""
    found = re.search(r"    authorization \{.*?\n    \}\n", NATS, re.DOTALL)
    assert found is not None
    text = textwrap.dedent(found[0]).replace(TEAM, FEED)
    return re.sub(r'user: "CN=(\w+)"', r'user: "\1", password: "p"', text)


def example() -> str:
    """The code of docs/push.md, with the names of the test."""
    found = re.search(r"    import asyncio, nats, nats\.errors\n.*?ack_sync\(\)\n", PUSH, re.DOTALL)
    assert found is not None
    return textwrap.dedent(found[0]).replace(TEAM, FEED)


def server(broker: Broker, user: str) -> str:
    return broker.url.replace("tls://", f"tls://{user}:p@")


async def test_a_team_reads_its_stream_by_the_example_and_may_do_nothing_else(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    async with (
        broker_in(tmp_path, pki, open_to=("gateway", "p"), extra=permitted()) as broker,
        pushed_in(tmp_path, pki, jetstream=broker.settings()) as pushed,
    ):
        terms = Terms("cms", 1, dt.timedelta(days=1), dt.timedelta(hours=1))
        context = tls.client_context(pki.server_ca)
        streams = JetStream((server(broker, "gateway"),), terms, tls=context)
        await pushed.subscribe()
        for _ in range(3):
            await pushed.submit(2)
            assert await pushed.step(streams=streams) == 1
        assert await delivery.compare(pushed.way) == 0
        taken: list[str] = []
        done = asyncio.Event()

        def take_in(lines: list[bytes], headers: dict[str, str]) -> None:
            assert lines
            taken.append(headers["Nats-Msg-Id"])
            if len(taken) == 3:
                done.set()

        names: dict[str, Any] = {"take_in": take_in}
        source = example().replace("tls://nats.example:4222", server(broker, FEED))
        exec(compile(source, "push.md", "exec"), names)
        reading = asyncio.create_task(names["main"](context))
        await asyncio.wait_for(done.wait(), 20)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert taken == [f"{FEED}:1-2", f"{FEED}:3-4", f"{FEED}:5-6"]
        await streams.close()
        client = await nats.connect(
            server(broker, FEED), tls=context, inbox_prefix=f"_INBOX_{FEED}",
            allow_reconnect=False, error_cb=_quiet,
        )  # fmt: skip
        for barred in ("STREAM.PURGE", "STREAM.DELETE", "STREAM.INFO"):
            with pytest.raises(nats.errors.TimeoutError):
                await client.request(f"$JS.API.{barred}.cms-{FEED}-{FEED}", b"", timeout=0.3)
        await client.close()


async def _quiet(_: Exception) -> None:
    """What is refused is told to us too."""


def test_the_document_has_a_remedy_for_what_a_server_can_be_found_to_be() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", NATS, re.MULTILINE))
    assert told <= WORDS.keys()
    assert {"SERVER_TOO_OLD", "JETSTREAM_DISABLED", "REPLICAS_NOT_TO_BE_HAD", "TOO_LARGE"} <= told


def test_the_document_demands_what_the_servers_of_the_tests_have() -> None:
    for demand in ("sync_interval: always", "cipher:", "key: $JS_KEY"):
        assert demand in NATS
        assert demand in (ROOT / "tests" / "brokers.py").read_text(encoding="utf-8")


def test_the_architecture_quotes_the_steps_word_for_word() -> None:
    listed = re.findall(r"^    \d .*$", (delivery.__doc__ or ""), re.MULTILINE)
    assert len(listed) == 6
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "\n".join(listed) in architecture
