"""Receivers of webhooks: real ones, over TLS on loopback, that answer as they are told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from certs import development


@dataclass
class Receiver:
    """Keeps what it was sent; answers what stands next in `answers`, and 204 after them."""

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/cms?team=1"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.asked]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.asked]

    def will(self, *statuses: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers += [(status, named) for status in statuses]

    def verify(self, secret: str) -> list[dict[str, Any]]:
        """What was sent, verified by a library that is none of ours."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.asked]

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append((headers, await request.read()))
        await self.hold.wait()
        status, more = self.answers.pop(0) if self.answers else (204, {})
        return web.Response(status=status, headers=more)


@asynccontextmanager
async def receiving(pki: development.DevelopmentPki) -> AsyncIterator[Receiver]:
    """A receiver until the block is left."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/cms", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server_certificate, pki.server_key)
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        receiver.hold.set()
        await runner.cleanup()
