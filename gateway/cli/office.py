"""Giving an order: to the gateway that is running, or to the store where none is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import aiohttp
import apsw
import msgspec

from gateway import config, installed, wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import Order
from gateway.cli.exits import Exit, Stop, run
from gateway.client.problem import Problem, problem_of
from gateway.config import Settings
from gateway.core.refusal import Reason, Refused
from gateway.edge import keyring, logs
from gateway.edge.http.admin import PATH, SOCKET
from gateway.store.sqlite.connection import StoreError, open_reader
from gateway.store.sqlite.evidence import Evidence
from gateway.store.sqlite.tree import Tree

_SECONDS: Final = 30


async def order(path: Path, wanted: Order) -> dict[str, Any]:
    """Have an order carried out on the gateway of these settings; raises as its caller tells.

    The gateway that runs owns the store, so it is asked first, by its socket.
    """
    settings = config.load(path)
    try:
        return await _ask(settings.data / SOCKET, wanted)
    except (aiohttp.ClientConnectorError, FileNotFoundError):
        return await _do(settings, wanted)


async def _ask(socket: Path, wanted: Order) -> dict[str, Any]:
    connector = aiohttp.UnixConnector(str(socket))
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.post(f"http://gateway{PATH}", data=msgspec.json.encode(wanted)) as response,
    ):
        body = await response.read()
        if response.status >= 400:
            raise problem_of(response.status, body, None)
        found: dict[str, Any] = json.loads(body)
        return found


async def _do(settings: Settings, wanted: Order) -> dict[str, Any]:
    logs.configure(level="error")
    ring = keyring.open_ring(settings.keys, origin=settings.origin)
    law = installed.law(settings.duties)
    store = wiring.open_store(settings, ring, law)
    try:
        await store.start()
        return await carry_out(wanted, wiring.office(settings, store, law, ring))
    finally:
        await store.stop()


def give(path: Path, wanted: Order) -> dict[str, Any]:
    """As `order`, from a command."""

    async def plainly() -> dict[str, Any]:
        try:
            return await order(path, wanted)
        except (Problem, Refused) as error:
            slug = error.slug if isinstance(error, Problem) else error.reason.value
            if slug != Reason.PARAMETER_NOT_VALID.value:
                raise
            message = f"{error.detail} Nothing was changed."
            raise Stop(message, Exit.REFUSED) from error

    return run(plainly())


def evidence(settings: Settings) -> Evidence:
    """The committed ledger, for reading only; also while a gateway runs. Raises StoreError."""
    try:
        reader = open_reader(settings.data)
        return Evidence(reader, Tree(reader, reader))
    except apsw.Error as error:
        message = (
            f"There is no ledger that can be read in {settings.data}. Check 'data' in the settings."
        )
        raise StoreError(message) from error


def vkey(settings: Settings) -> str:
    """The public key of the ledger of these settings."""
    return keyring.open_ring(settings.keys, origin=settings.origin).evidence.vkey
