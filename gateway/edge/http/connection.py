"""What aiohttp leaves open on a connection: a deadline for headers, and answers to what is not HTTP.

aiohttp bounds how large headers may be, and how long a connection may idle between requests, but not
how long a request may take to begin: a client that sends a byte now and then would hold its
connection open for ever. Here a request must be parsed within so many seconds of its first byte, and
the first one within as many of the connection.

What cannot be parsed gets a problem document like everything else; aiohttp's own answer would repeat
the bytes that were sent.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.core.refusal import Reason, Refused
from gateway.edge.http.exchange import ALWAYS
from gateway.edge.http.problem import problem

log = structlog.get_logger("http")

# A connection that has nothing to say is closed; below what common proxies keep.
_KEEPALIVE_SECONDS = 75


class _Connection(RequestHandler):
    """A connection that is closed when a request takes too long to begin."""

    __slots__ = ("_deadline", "_header_seconds", "_issuer")

    def __init__(self, *args: Any, header_seconds: float, issuer: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds
        self._issuer = issuer
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

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed, or failed outside every handler; then close."""
        del message
        log.warning("not_answerable", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        reason = Reason.INTERNAL if status >= 500 else Reason.PARAMETER_NOT_VALID
        detail = "" if status >= 500 else "What was sent is not a request of HTTP/1.1."
        response = problem(Refused(reason, detail), self._issuer, os.urandom(8).hex())
        response.headers.update(ALWAYS)
        response.force_close()
        return response

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._header_seconds, self.force_close)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(web.Server):
    """Makes such connections."""

    def __init__(self, *args: Any, header_seconds: float, issuer: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds
        self._issuer = issuer

    def __call__(self) -> RequestHandler:
        return _Connection(
            self,
            loop=self._loop,
            header_seconds=self._header_seconds,
            issuer=self._issuer,
            **self._kwargs,
        )


class Runner(web.AppRunner):
    """An AppRunner whose connections have the deadline; bodies come as they were sent."""

    def __init__(self, app: web.Application, *, header_seconds: float, issuer: str) -> None:
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
        self._issuer = issuer

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server(
            server.request_handler,
            request_factory=server.request_factory,
            header_seconds=self._header_seconds,
            issuer=self._issuer,
            **server._kwargs,  # noqa: SLF001
        )
