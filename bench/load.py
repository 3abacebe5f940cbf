"""A load of HTTP requests over mutual TLS, as cheap for the sender as Python allows.

Each connection sends its next request when the answer to the last one is whole. Requests are made
beforehand, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Outcome:
    """What a load came to: requests a second, median seconds, and answers by status."""

    rate: float
    median: float
    statuses: dict[int, int] = field(default_factory=dict)


class _Connection(asyncio.Protocol):
    def __init__(
        self,
        requests: Iterator[bytes],
        done: asyncio.Future[None],
        seen: list[float],
        statuses: dict[int, int],
    ) -> None:
        self._requests = requests
        self._done = done
        self._seen = seen
        self._statuses = statuses
        self._held = b""
        self._need = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by its class
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if self._need < 0:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return
            match = _LENGTH.search(self._held, 0, end + 2)
            self._need = end + 4 + (int(match[1]) if match else 0)
        if len(self._held) >= self._need:
            self._seen.append(time.perf_counter() - self._sent)
            status = int(self._held[9:12])
            self._statuses[status] = self._statuses.get(status, 0) + 1
            self._held, self._need = b"", -1
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed in the middle"))


async def run(port: int, context: ssl.SSLContext, requests: list[bytes], clients: int) -> Outcome:
    """Send all requests over so many connections."""
    loop = asyncio.get_running_loop()
    source = iter(requests)
    seen: list[float] = []
    statuses: dict[int, int] = {}
    waits = []
    began = time.perf_counter()
    for _ in range(clients):
        done: asyncio.Future[None] = loop.create_future()
        waits.append(done)
        await loop.create_connection(
            partial(_Connection, source, done, seen, statuses),
            "localhost",
            port,
            ssl=context,
        )
    await asyncio.gather(*waits)
    seconds = time.perf_counter() - began
    return Outcome(len(requests) / seconds, statistics.median(seen), statuses)


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole POST request in bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
