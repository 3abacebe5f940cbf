"""A deadline for request headers.

aiohttp bounds how large headers may be, and how long a connection may idle between requests, but not
how long a request may take to begin: a client that sends a byte now and then would hold its
connection open for ever. Here a request must be parsed within so many seconds of its first byte, and
the first one within as many of the connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

# A connection that has nothing to say is closed; below what common proxies keep.
_KEEPALIVE_SECONDS = 75


class _Connection(RequestHandler):
    """A connection that is closed when a request takes too long to begin."""

    __slots__ = ("_deadline", "_header_seconds")

    def __init__(self, *args: Any, header_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds
        self._deadline: asyncio.TimerHandle | None = None
        make = self._request_factory

        def began(*arguments: Any) -> Any:
            self._disarm()
            return make(*arguments)  # type: ignore[misc]

        self._request_factory = began

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self._current_request is None:
            self._arm()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._header_seconds, self.force_close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(web.Server):
    """Makes such connections."""

    def __init__(self, *args: Any, header_seconds: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds

    def __call__(self) -> RequestHandler:
        return _Connection(
            self,
            loop=self._loop,
            header_seconds=self._header_seconds,
            **self._kwargs,
        )


class DeadlineServer(web.AppRunner):
    """An AppRunner whose connections have the deadline; bodies come as they were sent."""

    def __init__(self, app: web.Application, *, header_seconds: float) -> None:
        super().__init__(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            auto_decompress=False,
            lingering_time=2.0,
            shutdown_timeout=5.0,
        )
        self._header_seconds = header_seconds

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server(
            server.request_handler,
            request_factory=server.request_factory,
            header_seconds=self._header_seconds,
            **server._kwargs,  # noqa: SLF001
        )
