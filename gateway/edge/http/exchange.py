"""One exchange: its correlation id, its refusals, its headers, and one line in the log."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp
import structlog
from aiohttp import web

from gateway.access import PREFIX as PREFIX_OF_GUESTS
from gateway.core.identity import Credentials
from gateway.core.limits import BODY_IDLE_SECONDS, BODY_TOTAL_SECONDS, KIB
from gateway.core.refusal import Reason, Refused
from gateway.edge.client_certificate import client_cert_from_header, is_within
from gateway.edge.http.keys import FRONT
from gateway.edge.http.mesh_error import PREFIX, mesh_problem
from gateway.edge.http.problem import problem
from gateway.edge.tls import peer_certificate

log = structlog.get_logger("http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CORRELATION: Final = "X-Correlation-ID"
# Where a handler finds the correlation id, in the request.
EXCHANGE: Final = web.RequestKey("exchange", str)
# Hexadecimal, as UUIDs and trace ids are: it is logged, and must not be a way to log anything else.
_CORRELATION_ID: Final = re.compile(r"[0-9A-Fa-f-]{16,64}")
_JSON_BODY_BYTES: Final = 64 * KIB
_SMALL_BODY_SECONDS: Final = 10
# RFC 6750 section 2.1: b64token.
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")

ALWAYS: Final = {
    "Server": "cms-gateway",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@web.middleware
async def exchange(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Run a handler; whatever happens becomes an answer, a log line and a figure."""
    front = request.app[FRONT]
    given = request.headers.get(CORRELATION, "")
    identity = given if _CORRELATION_ID.fullmatch(given) else os.urandom(8).hex()
    request[EXCHANGE] = identity
    began = time.perf_counter()
    reason = None
    try:
        response = await handler(request)
    except Refused as refusal:
        reason = refusal.reason
        response = _told(request, refusal, identity)
    except web.HTTPException as error:
        reason = _reason_of(error)
        response = _told(request, Refused(reason), identity)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line: never a trace to the sender
        log.error("unexpected", error=type(error).__name__, exchange=identity, at=_place(error))  # noqa: TRY400 - a trace may hold data
        reason = Reason.INTERNAL
        response = _told(request, Refused(reason), identity)
    seconds = time.perf_counter() - began
    route = _route(request)
    if not response.prepared:
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        response.headers[CORRELATION] = identity
    front.metrics.exchange(request.method, route, response.status, seconds)
    log.info(
        "exchange",
        exchange=identity,
        method=request.method,
        route=route,
        status=response.status,
        reason=None if reason is None else reason.value,
        milliseconds=round(seconds * 1000, 1),
    )
    return response


def _told(request: web.Request, refusal: Refused, identity: str) -> web.Response:
    """A refusal in the words of the door it was met at."""
    if request.path.startswith(PREFIX):
        return mesh_problem(refusal, request.headers.get("Accept"), identity)
    return problem(refusal, request.app[FRONT].issuer, identity)


def _reason_of(error: web.HTTPException) -> Reason:
    by_status = {404: Reason.NOT_FOUND, 405: Reason.METHOD_NOT_ALLOWED, 413: Reason.BODY_TOO_LARGE}
    if error.status >= 500:
        return Reason.INTERNAL
    return by_status.get(error.status, Reason.PARAMETER_NOT_VALID)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unknown" if resource is None else resource.canonical


def _place(error: BaseException) -> str:
    """Module and line of where an unexpected error began; never its text, which may hold data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"


def credentials(request: web.Request) -> Credentials:
    """What the caller shows: a certificate, and a bearer token."""
    certificate, chain = _certificate(request)
    header = request.headers.get("Authorization")
    if header is None:
        return Credentials(certificate, None, chain)
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise Refused(Reason.TOKEN_NOT_VALID, "Send 'Authorization: Bearer <token>'.")
    return Credentials(certificate, match[1], chain)


def address_of(request: web.Request) -> str:
    """Where a caller is, to count calls by: of IPv6 the network, behind a proxy what the proxy says."""
    told = request.remote or ""
    if is_within(request.remote, request.app[FRONT].trusted_proxies):
        # The last one is the proxy's own word; a line before it may be the caller's.
        lines = request.headers.getall("X-Forwarded-For", [told])
        told = lines[-1].rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return request.remote or ""
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def is_guest(shown: Credentials) -> bool:
    """Whether somebody came with the session of an access code."""
    return (shown.token or "").startswith(PREFIX_OF_GUESTS)


def mesh_credentials(request: web.Request) -> Credentials:
    """What a caller of the MESH API shows: a certificate, an NHSMESH token, and which mailbox."""
    certificate, chain = _certificate(request)
    header = request.headers.get("Authorization")
    return Credentials(certificate, header, chain, request.match_info.get("mailbox"))


def _certificate(request: web.Request) -> tuple[bytes | None, tuple[bytes, ...]]:
    """The client's certificate; `Client-Cert` (RFC 9440) counts only from a configured proxy."""
    front = request.app[FRONT]
    forwarded = client_cert_from_header(request.headers, request.remote, front.trusted_proxies)
    if forwarded.ignored:
        log.warning("client_cert_header_ignored", route=_route(request))
    if forwarded.der is not None or is_within(request.remote, front.trusted_proxies):
        return forwarded.der, forwarded.chain
    return peer_certificate(request.transport), ()


async def chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes; raises Refused when it ends early or dribbles."""
    try:
        if request.content.is_eof():  # a small body that came with its headers
            yield request.content.read_nowait()
            return
        async with asyncio.timeout(BODY_TOTAL_SECONDS):
            while True:
                async with asyncio.timeout(BODY_IDLE_SECONDS):
                    chunk = await request.content.readany()
                if not chunk:
                    return
                yield chunk
    except TimeoutError as error:
        raise Refused(Reason.BODY_TOO_SLOW) from error
    except (aiohttp.ClientError, web.RequestPayloadError, ConnectionError, EOFError) as error:
        raise Refused(Reason.BODY_TRUNCATED) from error


async def small_body(request: web.Request) -> bytes:
    """A body of at most 64 KiB, whole."""
    held = bytearray()
    try:
        async with asyncio.timeout(_SMALL_BODY_SECONDS):
            async for chunk in chunks(request):
                held += chunk
                if len(held) > _JSON_BODY_BYTES:
                    limit = f"The limit here is {_JSON_BODY_BYTES} bytes."
                    raise Refused(Reason.BODY_TOO_LARGE, limit)
    except TimeoutError as error:
        raise Refused(Reason.BODY_TOO_SLOW) from error
    return bytes(held)


def whole_number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """A query parameter that is a whole number within bounds."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise Refused(Reason.PARAMETER_NOT_VALID, f"{name} is from {least} to {most}.")
    return int(text)
