"""The only file that knows every other: builds a gateway from settings, and runs it."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import cast

import structlog
from aiohttp import web

from adapters.catalogue import every_adapter
from adapters.tables.blank import served_blank
from gateway.administration import Office
from gateway.conclusions import Conclusions
from gateway.config import Settings
from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import Sign, VerifierKey, parse_vkey
from gateway.core.duty import Law
from gateway.core.rate import RateLimit
from gateway.core.receipt import TYPE, Statement, claims
from gateway.edge import keyring, logs, tls
from gateway.edge.client_certificate import TrustStore
from gateway.edge.door import Door
from gateway.edge.http import admin
from gateway.edge.http.app import application
from gateway.edge.http.connection import Runner
from gateway.edge.http.keys import Front
from gateway.edge.jobs import Jobs
from gateway.edge.metrics import Metrics
from gateway.edge.oauth.access_token import AccessTokens, jwks
from gateway.edge.oauth.jose import verification_keys
from gateway.feed import Counter
from gateway.reading_process import ReadingProcesses
from gateway.request import Desk
from gateway.sealing import Seal
from gateway.store.sqlite.store import Store
from gateway.submission import Intake
from gateway.upload import Depot

log = structlog.get_logger("gateway")


def clock() -> dt.datetime:
    """Now, in UTC; the one place that asks."""
    return dt.datetime.now(dt.UTC)


def new_id(kind: str) -> str:
    """A fresh id: its kind, then 48 bits of time and 80 of chance; ids sort by age."""
    raw = int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10)
    return f"{kind}_{base64.b32hexencode(raw)[:26].decode()}"


def law() -> Law:
    """The duty and routing tables as they are installed."""
    schemas = files("schemas")
    return Law(
        (schemas / "duties.toml").read_bytes(),
        (schemas / "routing.toml").read_bytes(),
    )


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


def open_store(settings: Settings, ring: keyring.KeyRing, the_law: Law) -> Store:
    """The store of these settings, with the key that signs its checkpoints and receipts."""
    evidence = ring.evidence
    header = b64u(canonical({"alg": "EdDSA", "kid": evidence.kid, "typ": TYPE}))

    def attest(statement: Statement, recorded_at: dt.datetime) -> str:
        delivery = the_law.delivery(recorded_at.date())
        body = claims(statement, settings.origin, recorded_at, delivery)
        text = f"{header}.{b64u(canonical(body))}"
        return f"{text}.{b64u(evidence.sign(text.encode()))}"

    return Store(settings.data, parse_vkey(evidence.vkey), evidence.sign, attest, clock)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway that listens until the block is left."""
    ring = keyring.open_ring(settings.keys, origin=settings.origin)
    the_law = law()
    store = open_store(settings, ring, the_law)
    try:
        await store.start()
        stopped = asyncio.Event()
        store.writer.on_broken.append(stopped.set)
        trust = TrustStore.load(settings.tls.participants, settings.tls.revocation_lists, clock())
        intake = _intake(settings, ring, the_law, store, trust)
        conclusions = Conclusions(store, intake, ring.unwrap)
        front = _front(settings, ring, intake, store, conclusions)
        key = parse_vkey(ring.evidence.vkey)
        jobs = _jobs(settings, store, trust, key, ring.evidence.sign, conclusions, stopped)
        app = application(front, settings.networks(settings.monitors))
        office = Office(store.registry, the_law, verification_keys, clock)
        async with (
            admin.listening(settings.data, office),
            _listening(app, settings) as port,
        ):
            jobs.start()
            conclusions.resume()
            log.info(
                "serving",
                listen=f"{settings.host}:{port}",
                origin=settings.origin,
                version=version("cms-gateway"),
            )
            try:
                yield Gateway(settings, store, ring, the_law, trust, port, stopped)
            finally:
                jobs.stop()
                await conclusions.stop()
                intake.reader.close()
    finally:
        await store.stop()


def _intake(
    settings: Settings, ring: keyring.KeyRing, the_law: Law, store: Store, trust: TrustStore
) -> Intake:
    signers = tuple(_der(path) for path in settings.signers)
    tokens = AccessTokens(ring.token_keys, settings.issuer, settings.issuer)
    rate = RateLimit(settings.calls_per_minute)
    return Intake(
        door=Door(trust, tokens, store.registry, clock, new_id, rate),
        vault=ring,
        journal=store.journal,
        files=store.bodies,
        reader=ReadingProcesses(store.bodies.directory, settings.processes, signers),
        law=the_law,
        formats=every_adapter(),
        signers=signers,
        body_limit_bytes=settings.body_limit_bytes,
        clock=clock,
        entropy=os.urandom,
        new_id=new_id,
    )


def _front(
    settings: Settings, ring: keyring.KeyRing, intake: Intake, store: Store, later: Conclusions
) -> Front:
    return Front(
        issuer=settings.issuer,
        intake=intake,
        counter=Counter(store.shelf, store.evidence, ring.unwrap, frozenset(intake.law.feeds)),
        desk=Desk(store.registry, ring, intake.law, clock, os.urandom, new_id),
        depot=Depot(store.uploads, store.bodies, ring, clock, os.urandom, new_id),
        door=cast("Door", intake.door),
        law=intake.law,
        formats=intake.formats,
        journal=store.journal,
        evidence=store.evidence,
        vkey=ring.evidence.vkey,
        jwks=jwks(ring.token_keys, ring.evidence),
        openapi=(files("schemas") / "openapi.json").read_bytes(),
        metrics=_metrics(store),
        trusted_proxies=settings.networks(settings.proxies),
        conclude=later.begin,
        concluded=later.wait,
        unwrap=ring.unwrap,
        ready=lambda: None if store.writer.broken is None else "The store has failed.",
        template=served_blank,
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


def _metrics(store: Store) -> Metrics:
    metrics = Metrics()
    metrics.gauge("ledger_size", "Entries in the ledger", lambda: store.evidence.size)
    metrics.gauge(
        "submissions_received",
        "Large submissions without an outcome yet",
        lambda: len(store.journal.pending()),
    )
    metrics.gauge("writer_waiting", "Work that waits for the writer", lambda: store.writer.depth)
    return metrics


def _jobs(
    settings: Settings,
    store: Store,
    trust: TrustStore,
    key: VerifierKey,
    sign: Sign,
    conclusions: Conclusions,
    stopped: asyncio.Event,
) -> Jobs:
    seal = Seal(store.evidence, key, sign)

    async def check_seal() -> None:
        try:
            size = await asyncio.to_thread(seal.check)
        except Exception:
            stopped.set()  # what is on disk is not what was signed: take nothing more
            raise
        log.info("sealed", size=size)

    async def expire() -> None:
        for upload in store.uploads.expired(int(clock().timestamp())):
            store.bodies.discard(upload)
        before = clock() - dt.timedelta(days=settings.idempotency_days)
        log.info("expired", count=await store.registry.expire(clock(), before))

    async def resume() -> None:
        conclusions.resume()

    async def refresh() -> None:
        await asyncio.to_thread(trust.revocation.refresh, clock())

    return Jobs(
        {
            "checkpoint": (check_seal, settings.seal_seconds),
            "conclusions": (resume, settings.resume_seconds),
            "expiry": (expire, 60),
            "revocation": (refresh, settings.revocation_seconds),
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
