"""The only file that knows every other: builds a gateway from settings, and runs it."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from adapters.catalogue import every_adapter
from adapters.tables.blank import served_blank
from gateway import (
    addressing,
    asking,
    figures,
    inbox,
    inboxes,
    installed,
    returning_process,
    upload,
)
from gateway.administration.office import Conformance, Office
from gateway.archive import Bench
from gateway.asking import Asking, House
from gateway.conclusions import Conclusions
from gateway.config import Settings, SettingsError
from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import parse_vkey
from gateway.core.duty import Law
from gateway.core.rate import RateLimit
from gateway.core.receipt import TYPE, Statement, claims
from gateway.correction import Clerk
from gateway.edge import keyring, logs, tls
from gateway.edge.client_certificate import TrustStore
from gateway.edge.door import Door
from gateway.edge.http import admin
from gateway.edge.http.app import Route, application
from gateway.edge.http.connection import Runner
from gateway.edge.http.keys import Front
from gateway.edge.jobs import Jobs
from gateway.edge.mesh_door import MeshDoor
from gateway.edge.oauth.access_token import AccessTokens, jwks
from gateway.edge.oauth.jose import verification_keys
from gateway.inbox import Inbox
from gateway.reading_process import ReadingProcesses
from gateway.sealing import Seal
from gateway.store.sqlite.store import Store
from gateway.submission import Intake, receive

log = structlog.get_logger("gateway")

Clock = Callable[[], dt.datetime]


def clock() -> dt.datetime:
    """Now, in UTC; the one place that asks."""
    return dt.datetime.now(dt.UTC)


def new_id(kind: str) -> str:
    """A fresh id: its kind, then 48 bits of time and 80 of chance; ids sort by age."""
    raw = int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10)
    return f"{kind}_{base64.b32hexencode(raw)[:26].decode()}"


@dataclass(slots=True)
class Gateway:
    """A running gateway: where it listens, and what tests and the command line reach into."""

    settings: Settings
    store: Store
    ring: keyring.KeyRing
    law: Law
    trust: TrustStore
    port: int
    stopped: asyncio.Event
    inbox: Inbox
    sftp_port: int | None
    asking: Asking


@dataclass(frozen=True, slots=True)
class Annex:
    """What stands beside a gateway that is not for real: a clock, addresses, and a watch over each.

    `prepare` is called with the gateway before it listens.
    """

    clock: Clock = clock
    routes: tuple[Route, ...] = ()
    around: tuple[Middleware, ...] = ()
    prepare: Callable[[Gateway], Awaitable[None]] | None = None


_FOR_REAL: Final = Annex()


def open_store(
    settings: Settings, ring: keyring.KeyRing, the_law: Law, now: Clock = clock
) -> Store:
    """The store of these settings, with the key that signs its checkpoints and receipts."""
    evidence = ring.evidence
    header = b64u(canonical({"alg": "EdDSA", "kid": evidence.kid, "typ": TYPE}))

    def attest(statement: Statement, recorded_at: dt.datetime) -> str:
        delivery = the_law.delivery(recorded_at.date())
        body = claims(statement, settings.origin, recorded_at, delivery)
        text = f"{header}.{b64u(canonical(body))}"
        return f"{text}.{b64u(evidence.sign(text.encode()))}"

    return Store(settings.data, parse_vkey(evidence.vkey), evidence.sign, attest, now)


@asynccontextmanager
async def running(settings: Settings, annex: Annex = _FOR_REAL) -> AsyncIterator[Gateway]:
    """A gateway that listens until the block is left."""
    now = annex.clock
    ring = keyring.open_ring(settings.keys, origin=settings.origin)
    try:
        the_law = installed.law(settings.duties)
    except ValueError as error:
        raise SettingsError(f"{settings.duties}: {error}. Mend the duty table.") from error
    store = open_store(settings, ring, the_law, now)
    try:
        await store.start()
        if await store.duties.use(the_law.version, the_law.digest, the_law.texts):
            log.info("duties_changed", version=the_law.version)
        stopped = asyncio.Event()
        store.writer.on_broken.append(stopped.set)
        trust = TrustStore.load(settings.tls.participants, settings.tls.revocation_lists, now())
        intake = _intake(settings, ring, the_law, store, trust, now)
        conclusions = Conclusions(store, intake, ring.unwrap)
        house = House(ring, new_id("prc"), random.random)
        ask = asking.made(settings, intake, store, house)
        front = _front(settings, ring, intake, store, conclusions, ask)
        box = inboxes.made(settings, ring, intake, store, conclusions.begin)
        seal = Seal(store.apart, parse_vkey(ring.evidence.vkey), ring.evidence.sign)
        look = ask.figures.look
        jobs = _jobs(
            settings, store, trust, seal, conclusions, stopped, box, front.depot, now, look
        )
        app = application(front, settings.networks(settings.monitors), annex.routes, annex.around)
        gateway = Gateway(settings, store, ring, the_law, trust, 0, stopped, box, None, ask)
        if annex.prepare is not None:
            await annex.prepare(gateway)
        async with (
            admin.listening(settings.data, office(settings, store, the_law, ring, now)),
            _listening(app, settings) as port,
            inboxes.listening(settings, box, ring, intake, store, ask) as sftp_port,
        ):
            jobs.start()
            ask.start()
            conclusions.resume()
            log.info(
                "serving",
                listen=f"{settings.host}:{port}",
                origin=settings.origin,
                version=version("cms-gateway"),
            )
            try:
                gateway.port, gateway.sftp_port = port, sftp_port
                yield gateway
            finally:
                jobs.stop()
                await ask.stop()
                await inbox.stop(box)
                await upload.stop(front.depot)
                await conclusions.stop()
                intake.reader.close()
                front.returns.maker.close()
    finally:
        await store.stop()


def office(
    settings: Settings, store: Store, the_law: Law, ring: keyring.KeyRing, now: Clock = clock
) -> Office:
    """Where the orders of an operator are carried out."""
    return Office(
        registry=store.registry,
        law=the_law,
        check_keys=verification_keys,
        clock=now,
        mailboxes=store.mailboxes,
        vault=ring,
        entropy=os.urandom,
        post=addressing.made(settings, store, ring, the_law, now, os.urandom, new_id),
        conformance=Conformance(settings.conformance_keys, settings.conformance_required),
    )


def _intake(
    settings: Settings,
    ring: keyring.KeyRing,
    the_law: Law,
    store: Store,
    trust: TrustStore,
    now: Clock,
) -> Intake:
    signers = tuple(_der(path) for path in settings.signers)
    tokens = AccessTokens(ring.token_keys, settings.issuer, settings.issuer)
    rate = RateLimit(settings.calls_per_minute)
    return Intake(
        door=Door(trust, tokens, store.registry, now, new_id, rate, clock),
        vault=ring,
        journal=store.journal,
        files=store.bodies,
        reader=ReadingProcesses(store.bodies.directory, settings.processes, signers),
        law=the_law,
        formats=every_adapter(),
        signers=signers,
        body_limit_bytes=settings.body_limit_bytes,
        clock=now,
        entropy=os.urandom,
        new_id=new_id,
    )


def _front(
    settings: Settings,
    ring: keyring.KeyRing,
    intake: Intake,
    store: Store,
    later: Conclusions,
    ask: Asking,
) -> Front:
    door, now = cast("Door", intake.door), intake.clock
    return Front(
        issuer=settings.issuer,
        intake=intake,
        clerk=Clerk(store.corrections, ring, intake.law.version, now, os.urandom, new_id),
        counter=ask.shelves.counter,
        taking=ask.shelves.taking,
        mailboxes=MeshDoor(door, store.mailboxes, store.registry, ring.unwrap, clock),
        post=inboxes.post(settings, ring, store, now, os.urandom, new_id),
        desk=ask.desk,
        wicket=ask.wicket,
        guests=ask.guests,
        obligations=ask.obligations,
        binder=ask.binder,
        matches=store.matches,
        notices=store.notices,
        question=ask.question,
        answer=ask.answer,
        table=ask.table,
        close_batch=store.requests.close_batch,
        returns=returning_process.made(intake, store),
        depot=upload.Depot(store.uploads, store.bodies, ring, now, os.urandom, new_id),
        door=door,
        bench=_bench(intake, store),
        law=intake.law,
        formats=intake.formats,
        journal=store.journal,
        evidence=store.evidence,
        vkey=ring.evidence.vkey,
        jwks=jwks(ring.token_keys, ring.evidence),
        openapi=(files("schemas") / "openapi.json").read_bytes(),
        schemas={item.name: item.read_bytes() for item in (files("schemas") / "json").iterdir()},
        metrics=figures.made(store, ask.figures, now),
        trusted_proxies=settings.networks(settings.proxies),
        conclude=later.begin,
        concluded=later.wait,
        unwrap=ring.unwrap,
        ready=lambda: None if store.writer.broken is None else "The store has failed.",
        template=served_blank,
    )


def _bench(intake: Intake, store: Store) -> Bench:
    return Bench(
        door=intake.door,
        files=store.bodies,
        receive=partial(receive, intake=intake),
        limit_bytes=intake.body_limit_bytes,
        entropy=intake.entropy,
        new_id=intake.new_id,
    )


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[int]:
    context = tls.server_context(
        certificate=settings.tls.certificate,
        key=settings.tls.key,
        client_ca=settings.tls.participants,
    )
    runner = Runner(app, header_seconds=settings.header_seconds, issuer=settings.issuer)
    await runner.setup()
    try:
        site = web.TCPSite(
            runner,
            settings.host,
            settings.port,
            ssl_context=context,
            backlog=1_024,
        )
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _jobs(
    settings: Settings,
    store: Store,
    trust: TrustStore,
    seal: Seal,
    conclusions: Conclusions,
    stopped: asyncio.Event,
    box: Inbox,
    depot: upload.Depot,
    now: Clock,
    look: Callable[[], Awaitable[None]],
) -> Jobs:
    async def check_seal() -> None:
        try:
            size = await asyncio.to_thread(seal.check)
        except Exception:
            stopped.set()  # what is on disk is not what was signed: take nothing more
            raise
        log.info("sealed", size=size)

    async def expire() -> None:
        upload.expire(depot)
        for chunk in await store.mailboxes.expire(int(now().timestamp())):
            store.bodies.discard(chunk)
        before = now() - dt.timedelta(days=settings.idempotency_days)
        count = await store.registry.expire(now(), before)
        if settings.sftp is not None:
            count += await inbox.expire(box, settings.sftp.days)
        log.info("expired", count=count)

    async def resume() -> None:
        conclusions.resume()
        await inbox.resume(box)

    async def refresh() -> None:
        await asyncio.to_thread(trust.revocation.refresh, now())

    return Jobs(
        {
            "checkpoint": (check_seal, settings.seal_seconds),
            "conclusions": (resume, settings.resume_seconds),
            "expiry": (expire, 60),
            "revocation": (refresh, settings.revocation_seconds),
            "figures": (look, figures.SECONDS),
        },
    )


def _der(path: Path) -> bytes:
    text = path.read_bytes()
    if text.lstrip().startswith(b"-----BEGIN"):
        lines = [line for line in text.splitlines() if line and not line.startswith(b"-----")]
        return base64.b64decode(b"".join(lines))
    return text


async def until_stopped(gateway: Gateway) -> None:
    """Wait for SIGINT or SIGTERM, or until the gateway stops by itself for a fault."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    waits = [loop.create_task(each.wait()) for each in (asked, gateway.stopped)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def serve(settings: Settings) -> int:
    """Serve until a signal or a fault; returns the exit code."""
    logs.configure(level=settings.log_level)
    async with running(settings) as gateway:
        await until_stopped(gateway)
        return 3 if gateway.stopped.is_set() else 0
