"""Pushing put together: the way out, its receivers, and the job that serves it, under a lease."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from gateway import carriers, delivery
from gateway.config import Settings
from gateway.core.carriage import Hooks, NotTakenError
from gateway.core.cursor import write_cursor
from gateway.core.envelope import Envelope
from gateway.core.identity import Caller
from gateway.core.instant import read, written
from gateway.core.push import STREAM_CLIENT, Message, Push, Subscription, Target, open_target
from gateway.core.refusal import Refused
from gateway.edge.jetstream import JetStream
from gateway.edge.jobs import Ran, SharedJobs
from gateway.edge.timetable import Every
from gateway.feed import Counter, read_page, signed
from gateway.store.sqlite.store import Store
from gateway.submission import Intake

log = structlog.get_logger("gateway")

JOB: Final = "pushes"
_EVERY: Final = 5
_COMPARE_SECONDS: Final = 60
# How long nothing may happen before it is looked again; a commit is heard of at once.
_LOOK_SECONDS: Final = 5.0
_AFTER_FAILURE_SECONDS: Final = 1.0
# What comes in such quick succession goes out together.
_GATHER_SECONDS: Final = 0.02


class Unwraps(Protocol):
    """Opens what the key ring wrapped."""

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        """A key."""


@dataclass(slots=True)
class Pushing:
    """The way out, and the task that takes it as soon as something is committed."""

    way: delivery.Way
    store: Store
    jobs: SharedJobs
    streams: JetStream | None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: bool = False

    def start(self) -> None:
        """Begin; must be called on the event loop."""
        self.jobs.start()
        self._stopping = False
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch())]
        if self.streams is not None:
            self._tasks.append(loop.create_task(_look_at(self.streams)))

    async def stop(self) -> None:
        """Leave what is under way; it goes on after the next start."""
        self._stopping = True  # what waits for an event may not see that it was cancelled
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            self._tasks = []
            await self.jobs.stop()
        if self.streams is not None:
            await self.streams.close()

    async def _watch(self) -> None:
        """Hand over what is due as soon as it is, under the same lease as the job."""
        before: list[str] = []
        while not self._stopping:
            now = self.way.clock()
            due = self.store.pushes.due(written(now))
            if not due:
                before = []
                await self.store.shelf.changed(self._idle(now))
                continue
            # Whoever is due again and again, and gets nowhere, must not keep everybody busy.
            await asyncio.sleep(_AFTER_FAILURE_SECONDS if due == before else _GATHER_SECONDS)
            before = due if await self.jobs.run_now(JOB) is Ran.DONE else []
            if not before:
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    def _idle(self, now: dt.datetime) -> float:
        """For how many seconds there is nothing to do unless something is committed."""
        following = self.store.pushes.next_due(written(now))
        if following is None:
            return _LOOK_SECONDS
        return min(max((read(following) - now).total_seconds(), _GATHER_SECONDS), _LOOK_SECONDS)


def made(
    settings: Settings,
    store: Store,
    intake: Intake,
    counter: Counter,
    hooks: Hooks,
    chance: Callable[[], float],
    holder: str,
) -> Pushing:
    """Pushing, on a store; raises SettingsError. `hooks` calls webhooks, `holder` is this process."""
    vault, clock = intake.vault, intake.clock
    streams = carriers.streams(settings)

    def caller(subscription: Subscription) -> Caller:
        found = store.registry.party(subscription.consumer, clock().date())
        if found is None or subscription.feed not in found.classes:
            raise NotTakenError("NOT_ENTITLED", temporary=True)
        scope = frozenset({"feeds"})
        return Caller(found.id, found.kind, found.classes, STREAM_CLIENT, scope, "")

    def entitled(subscription: Subscription) -> None:
        caller(subscription)

    async def page(subscription: Subscription, push: Push) -> Message:
        after = write_cursor(subscription.feed, push.first - 1)
        try:
            found = await read_page(
                caller(subscription), subscription.feed, counter, after=after, limit=push.count
            )
        except Refused as refusal:
            raise NotTakenError("NOT_ENTITLED", temporary=True) from refusal
        return Message(signed(found, counter), found.content)

    way = delivery.Way(
        outbox=store.pushes,
        end=store.shelf.end,
        page=page,
        entitled=entitled,
        hooks=hooks,
        streams=streams,
        open=lambda subscription: opened(subscription, vault),
        issuer=settings.issuer,
        clock=clock,
        chance=chance,
        new_id=intake.new_id,
        tried=store.pushes.tried,
    )

    async def push(_now: dt.datetime) -> None:
        if count := await delivery.deliver_due(way):
            log.info("pushed", count=count)

    async def look(_now: dt.datetime) -> None:
        if count := await delivery.compare(way):
            log.warning("streams_refilled", count=count)

    table = {JOB: (push, Every(_EVERY))}
    if streams is not None:
        table["streams"] = (look, Every(_COMPARE_SECONDS))
    url = f"sqlite:///{settings.data / 'jobs.sqlite'}"
    jobs = SharedJobs(url, table, clock=clock, holder=f"{holder}-push")
    return Pushing(way, store, jobs, streams)


def opened(subscription: Subscription, vault: Unwraps) -> Target:
    """Where a webhook is, and its secrets."""
    key = vault.unwrap(subscription.wrapped_key or b"", subscription.id.encode())
    return open_target(subscription, Envelope(key, subscription.id))


async def _look_at(streams: JetStream) -> None:
    """Say at the start what is to be mended at the broker; nothing is lost meanwhile."""
    try:
        await streams.check()
    except NotTakenError as error:
        log.error("jetstream_unfit", reason=error.code)  # noqa: TRY400 - a trace says no more
