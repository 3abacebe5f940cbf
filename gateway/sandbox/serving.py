"""Opening a sandbox: a real gateway in a directory of its own, with a clock that can be moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web

from certs import development
from gateway import config, wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import AddParty
from gateway.core.checkpoint import parse_vkey
from gateway.edge import keyring
from gateway.edge.http.app import Policy, Route
from gateway.edge.http.exchange import Handler
from gateway.sandbox.doors import Doors
from gateway.sandbox.memory import Memory

ORIGIN: Final = "sandbox.example/ledger"


@asynccontextmanager
async def opened(path: Path, pki: Path, seed: int) -> AsyncIterator[wiring.Gateway]:
    """A sandbox on the settings in a file, made before; it listens until the block is left.

    `pki` is the development PKI's directory; `seed` counts only where there is no memory yet.
    """
    settings = config.load(path)
    memory = Memory(path.parent, seed, wiring.clock)
    authority = development.open_existing(pki)
    development.renew_list(authority, now=memory.now())
    ring = keyring.open_ring(settings.keys, origin=settings.origin)
    doors = Doors(memory, authority, parse_vkey(ring.evidence.vkey), ring.evidence.sign)

    async def prepare(gateway: wiring.Gateway) -> None:
        doors.open(gateway, wiring.office(settings, gateway.store, gateway.law, ring, memory.now))
        for feed, about in gateway.law.feeds.items():
            if gateway.store.registry.party(feed, memory.now().date()) is None:
                team = AddParty(id=feed, kind="consumer", name=about.title, classes=(feed,))
                await carry_out(team, doors.office)

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await doors.around(request, handler)

    annex = wiring.Annex(memory.now, routes(doors), (watched,), prepare)
    async with wiring.running(settings, annex) as gateway:
        yield gateway


def routes(doors: Doors) -> tuple[Route, ...]:
    """The sandbox's own addresses."""
    return (
        Route("GET", "/sandbox", doors.show, Policy.PUBLIC),
        Route("POST", "/sandbox/parties", doors.join, Policy.PUBLIC),
        Route("POST", "/sandbox/parties/{id}/certificates", doors.renew, Policy.PUBLIC),
        Route("POST", "/sandbox/clock", doors.move, Policy.PARTY),
        Route("POST", "/sandbox/requests", doors.want, Policy.PARTY),
        Route("POST", "/sandbox/faults", doors.fault, Policy.PARTY),
        Route("GET", "/sandbox/conformance", doors.verdict, Policy.PARTY),
        Route("POST", "/sandbox/conformance/receipt", doors.receipt, Policy.PARTY),
        Route("POST", "/sandbox/conformance/certificate", doors.certificate, Policy.PARTY),
    )
