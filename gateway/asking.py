"""Asking put together: requests, the notices that serve them, their time, and who may answer."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from gateway import (
    access,
    calling,
    carriers,
    evidence,
    installed,
    matching,
    notice,
    planning,
    pushing,
    reminding,
    retention,
    shelving,
    uptake,
)
from gateway import request as story
from gateway.config import Settings
from gateway.core.answer_lines import MEDIA_TYPE
from gateway.core.deadlines import Deadlines
from gateway.core.groups.person import Who
from gateway.core.identity import Caller, Credentials
from gateway.core.instant import written
from gateway.core.notice_item import Draft
from gateway.core.notices import written_day
from gateway.core.request_item import Stored
from gateway.core.stages import Answer, Arrival
from gateway.desk import Desk
from gateway.edge.jobs import SharedJobs
from gateway.edge.keyring import KeyRing
from gateway.edge.linkage import Linkage
from gateway.edge.timetable import Daily, Every, Times
from gateway.figures import RequestFigures
from gateway.obligation import Obligations
from gateway.shelving import Shelves
from gateway.store.sqlite.store import Store
from gateway.submission import Intake, receive

log = structlog.get_logger("gateway")

# How far back the fate of letters and e-mails is asked for; the carrier forgets after a week.
_SETTLED_WITHIN: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class House:
    """What the roof alone may give: the key ring, a name for this process, and chance."""

    ring: KeyRing
    holder: str
    chance: Callable[[], float]


@dataclass(slots=True)
class Asking:
    """Everything that follows from asking, and the task that sends what waits; what is pushed too."""

    desk: Desk
    outbox: planning.Outbox
    clockwork: reminding.Clockwork
    wicket: access.Wicket
    table: matching.Table
    obligations: Obligations
    binder: evidence.Binder
    own: Intake
    guests: Intake
    question: Callable[[Stored, Who], bytes]
    shelves: Shelves
    jobs: SharedJobs
    figures: RequestFigures
    pushing: pushing.Pushing
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something waits to be sent, or to be matched."""
        self._wake.set()

    def start(self) -> None:
        """Begin; must be called on the event loop."""
        self.jobs.start()
        self.pushing.start()
        self._task = asyncio.get_running_loop().create_task(self._send())
        self.wake()

    async def stop(self) -> None:
        """Leave what is under way; it goes on after the next start."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await self.pushing.stop()
        await self.jobs.stop()

    async def _send(self) -> None:
        """Send and match what waits as soon as it does, under the same leases as the jobs."""
        # Who starts us may have given us a carrier, or mended what kept notices back.
        await self.outbox.notices.wake(written(self.desk.clock()))
        await self.figures.look()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.jobs.run_now("notices")
            await self.jobs.run_now("matching")

    async def answer(self, shown: Credentials, request: str, lines: bytes) -> Answer:
        """An answer without facts, taken as the file it stands for."""

        async def body() -> AsyncIterator[bytes]:
            yield lines

        arrival = Arrival(
            credentials=shown,
            content_type=MEDIA_TYPE,
            content_encoding=None,
            content_digest=None,
            idempotency_key=None,
            request=request,
            length=len(lines),
            chunks=body(),
        )
        return await receive(arrival, self.intake_of(shown))

    def intake_of(self, shown: Credentials) -> Intake:
        """The way in for a party, or for somebody who came with an access code."""
        guest = (shown.token or "").startswith(access.PREFIX)
        return self.guests if guest else self.own


def made(settings: Settings, intake: Intake, store: Store, house: House) -> Asking:
    """Asking, on a store and a way in; raises SettingsError."""
    when, vault = installed.deadlines(), intake.vault
    begun: list[Asking] = []

    def wake() -> None:
        for each in begun:
            each.wake()

    desk = _desk(intake, store, when, wake)
    outbox = _outbox(settings, desk, store, house)
    shelves = shelving.made(settings, store, house.ring, desk)
    binder = evidence.Binder(
        kept=store.requests,
        notices=store.notices,
        ledger=store.evidence,
        vault=vault,
        name=lambda party: _name(store, party, desk),
        sign=house.ring.evidence.sign,
        vkey=house.ring.evidence.vkey,
        origin=settings.origin,
        clock=intake.clock,
        entropy=intake.entropy,
    )
    clockwork = reminding.Clockwork(
        requests=store.requests,
        deadlines=when,
        word=lambda request, kind, purpose: calling.notice_of(request, kind, purpose, desk),
        pack=lambda identity: evidence.keep(identity, binder),
    )
    table = matching.Table(
        matches=store.matches,
        linkage=Linkage(installed.weights()),
        vault=vault,
        subject=lambda request: story.subject_of(request, desk),
        told=lambda request: story.subject_told(request, desk),
    )
    wicket = _wicket(store, desk)
    asking = Asking(
        desk=desk,
        outbox=outbox,
        clockwork=clockwork,
        wicket=wicket,
        table=table,
        obligations=Obligations(store.requests, when, intake.clock),
        binder=binder,
        own=intake,
        guests=replace(intake, door=wicket),
        question=carriers.questions(settings, intake.clock),
        figures=RequestFigures(settings.data),
        shelves=shelves,
        jobs=_jobs(settings, store, desk, outbox, clockwork, table, shelves.taking, house),
        pushing=pushing.made(
            settings, store, intake, shelves.counter, outbox.hooks, house.chance, house.holder
        ),
    )
    begun.append(asking)
    return asking


def _wicket(store: Store, desk: Desk) -> access.Wicket:
    return access.wicket(
        store.codes,
        store.registry,
        desk.vault,
        desk.clock,
        desk.entropy,
        lambda identity: story.call_again(identity, store.notices.last, desk),
    )


def _desk(intake: Intake, store: Store, when: Deadlines, wake: Callable[[], None]) -> Desk:
    return Desk(
        requests=store.requests,
        parties=store.registry,
        vault=intake.vault,
        law=intake.law,
        deadlines=when,
        clock=intake.clock,
        entropy=intake.entropy,
        new_id=intake.new_id,
        sent=wake,
    )


def _name(store: Store, party: str, desk: Desk) -> str:
    found = store.registry.party(party, desk.clock().date())
    return party if found is None else found.name


def _outbox(settings: Settings, desk: Desk, store: Store, house: House) -> planning.Outbox:
    organisation = Caller("", "organisation", frozenset(), "", frozenset(), "")
    return planning.Outbox(
        notices=store.notices,
        requests=store.requests,
        correspondents=store.correspondents,
        doors=store.registry,
        letters=carriers.letters(settings),
        hooks=carriers.hooks(settings),
        vault=desk.vault,
        deadlines=desk.deadlines,
        templates=installed.templates(),
        subject=lambda request: story.subject_for(request, organisation, desk),
        terms=lambda request: story.terms_of(request, desk),
        issuer=settings.issuer,
        contact=settings.notices.contact,
        clock=desk.clock,
        entropy=desk.entropy,
        new_id=desk.new_id,
        chance=house.chance,
    )


def _jobs(
    settings: Settings,
    store: Store,
    desk: Desk,
    outbox: planning.Outbox,
    clockwork: reminding.Clockwork,
    table: matching.Table,
    taking: uptake.Taking,
    house: House,
) -> SharedJobs:
    """What happens in time, in one process of all at a time."""
    stuck_before = 0

    async def send(_now: dt.datetime) -> None:
        nonlocal stuck_before
        if count := await notice.dispatch(outbox):
            log.info("notices_sent", count=count)
        stuck = store.notices.stuck()
        if stuck > stuck_before:  # somebody has to find an address
            log.warning("notices_stuck", count=stuck)
        stuck_before = stuck

    async def match(_now: dt.datetime) -> None:
        if count := await matching.match_new(table):
            log.info("records_matched", count=count)

    async def settle(now: dt.datetime) -> None:
        await notice.settle(outbox, now - _SETTLED_WITHIN)

    async def remind(now: dt.datetime) -> None:
        steps = (reminding.remind, reminding.lapse, reminding.chase, reminding.escalate)
        for step in steps:
            if count := await step(clockwork, now):
                log.info(step.__name__, count=count)
        desk.sent()  # under the lease of those who send, so that nothing goes twice

    async def warn(now: dt.datetime) -> None:
        if count := await retention.warn(store.fading, desk.deadlines, word, now):
            log.info("certificates_warned", count=count)

    def word(party: str, subject: str, ends_on: dt.date) -> Draft:
        person = store.correspondents.correspondent(party)
        day = written_day(ends_on, "en" if person is None else person.language)
        values = {"certificate": subject, "ends_on": day}
        return calling.notice_to(party, "certificate_expires", "reminders", values, desk)

    async def watch(now: dt.datetime) -> None:
        for late in await uptake.watch(taking, now):
            log.error("feed_not_collected", feed=late.feed, consumer=late.consumer)

    async def fade(now: dt.datetime) -> None:
        if count := await retention.fade(store.fading, desk.deadlines, now, written(now)):
            log.info("faded", count=count)

    table_of_jobs: dict[str, tuple[Callable[[dt.datetime], Awaitable[None]], Times]] = {
        "notices": (send, Every(30)),
        "matching": (match, Every(60)),
        "fates": (settle, Every(300)),
        "uncollected": (watch, Every(shelving.SECONDS)),
        "reminders": (remind, Daily(7, 30)),
        "certificates": (warn, Daily(8, 0)),
        "retention": (fade, Daily(3, 30)),
    }
    url = f"sqlite:///{settings.data / 'jobs.sqlite'}"
    return SharedJobs(url, table_of_jobs, clock=desk.clock, holder=house.holder)
