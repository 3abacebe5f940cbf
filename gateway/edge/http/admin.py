"""The operator's door to a running gateway: a Unix socket beside the database.

Who may open the socket (its owner, mode 0600) may do everything an operator may. It never leaves the
machine, so it has no TLS; its one route takes an order of `gateway.administration`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog
from aiohttp import web

from gateway.administration.carrying_out import carry_out
from gateway.administration.office import Office
from gateway.administration.orders import Order
from gateway.core.limits import KIB
from gateway.core.refusal import Reason, Refused
from gateway.edge.http.problem import problem

log = structlog.get_logger("admin")

SOCKET: Final = "admin.sock"
PATH: Final = "/orders"
_OFFICE: Final = web.AppKey("office", Office)
_ORDER: Final = msgspec.json.Decoder(Order)
# A certificate and a key set are a few KiB each.
_ORDER_BYTES: Final = 256 * KIB


@asynccontextmanager
async def listening(directory: Path, office: Office) -> AsyncIterator[None]:
    """Answer on the socket in a directory until the block is left.

    Where a socket cannot be (its path has more than about a hundred characters, or the disk does
    not hold sockets) the gateway runs without one, and says so in its log.
    """
    path = directory / SOCKET
    try:
        door = _bind(path)
    except OSError as error:
        log.warning("admin_socket_unavailable", error=type(error).__name__)
        yield
        return
    app = web.Application(client_max_size=_ORDER_BYTES)
    app[_OFFICE] = office
    app.router.add_post(PATH, _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        yield
    finally:
        await runner.cleanup()
        with suppress(FileNotFoundError):
            path.unlink()


def _bind(path: Path) -> socket.socket:
    """Bind the socket so that it is never, not for a moment, open to others.

    Whoever holds the store's lock is alone, so a socket that is there was left by a crash.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        door.bind(os.fspath(path))
    except OSError:
        door.close()
        raise
    finally:
        os.umask(before)
    return door


async def _answer(request: web.Request) -> web.Response:
    try:
        try:
            order = _ORDER.decode(await request.read())
        except msgspec.DecodeError as error:
            raise Refused(Reason.PARAMETER_NOT_VALID, f"The order cannot be read: {error}.") from (
                error
            )
        told = await carry_out(order, request.app[_OFFICE])
    except Refused as refusal:
        return problem(refusal, "", "admin")
    except Exception as error:  # noqa: BLE001 - the last line: never a trace, never silence
        log.error("unexpected", error=type(error).__name__)  # noqa: TRY400 - a trace may hold data
        return problem(Refused(Reason.INTERNAL), "", "admin")
    log.info("order_carried_out", work=type(order).__name__)
    return web.json_response(body=msgspec.json.encode(told))
