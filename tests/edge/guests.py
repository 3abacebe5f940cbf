"""Somebody who came with an access code: no certificate, and the session of one request."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.core.access_code import fresh_code, tag_of
from gateway.edge import tls
from tests.conftest import House

LATER = "2099-12-31"
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Guest:
    """Calls a gateway with nothing but a bearer token, or without even that."""

    url: str
    session: aiohttp.ClientSession
    token: str | None = None

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> Answer:
        bearer = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(
            method, f"{self.url}{path}", headers=bearer | (headers or {}), **kwargs
        ) as response:
            raw = await response.read()
            told = json.loads(raw) if raw and response.content_type.endswith("json") else raw
            return response.status, told, dict(response.headers)

    async def exchange(self, code: str) -> Answer:
        """Exchange a code; whoever gets a session has it from now on."""
        found = await self.call("POST", "/v1/access", json={"code": code})
        if found[0] == 201:
            self.token = found[1]["access_token"]
        return found


async def code_for(house: House, request: str, expires: str = LATER) -> str:
    """A code for a request, kept as the one in the notice that serves it is kept."""
    notices = house.gateway.store.notices
    notice = notices.of_request(request)[0]
    code = fresh_code(os.urandom)
    tag = tag_of(code, house.gateway.ring)
    until = f"{LATER}T00:00:00.000000Z"
    # The gateway looks at it too, and may lay it aside in between: there is no address to send it to.
    for _ in range(10):
        await notices.again(notice.id, until, "")
        waiting = notices.one(notice.id)
        sealed = waiting.sealed or b""
        if await notices.claim(notice.id, waiting.tries, "post", sealed, until, (tag, expires)):
            return code
    raise AssertionError("the notice is never free")


@asynccontextmanager
async def stranger(house: House) -> AsyncIterator[Guest]:
    """Somebody whom the gateway knows nothing of."""
    connector = aiohttp.TCPConnector(ssl=tls.client_context(house.pki.server_ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Guest(house.url, session)


@asynccontextmanager
async def guest(house: House, request: str) -> AsyncIterator[Guest]:
    """Somebody who exchanged the code of a request."""
    async with stranger(house) as found:
        status, told, _ = await found.exchange(await code_for(house, request))
        assert (status, told["request"]) == (201, request)
        yield found
