"""THE WAY OUT: one row of the outbox to one receiver.

    1 claim     a stretch of the feed, counted as a try before anything leaves the house
    2 make      the page, entered in the ledger as shown; or the event, which only says so
    3 hand over to the webhook, signed, or to the stream, and its acknowledgement awaited
    4 settle    entered as pushed; only now does the position move
    5 postpone  what was not taken and may be later
    6 park      what was not taken and will not be: dead, until somebody has it replayed

A row is made of what stands in the feed beyond the subscription's position, so that nothing that was
committed can be passed over, and what comes while one row is on its way goes into the next. The
database is the record and a stream its copy: before a page goes into a stream the stream is asked what
it has. Where it has less than we believe, because somebody wiped it or put an old one in its place, the
subscription goes back to what is there; where it has the very message that is to go, because its
acknowledgement was lost or we were killed, that message is settled and not sent again.

If an attacker controls this module they can withhold, repeat and reorder what is pushed; whoever reads
the feed itself sees it whole.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec.structs import replace

from gateway.core.carriage import Hooks, NotTakenError
from gateway.core.instant import read, written
from gateway.core.limits import PUSHED_AT_A_TIME
from gateway.core.push import (
    EVENT_TYPE,
    REST,
    Held,
    Later,
    Message,
    Push,
    Subscription,
    Target,
    after_try,
    behind,
    message_id,
    page_headers,
    ready_event,
)

# How often it is looked, while something is on its way, whether something else is due.
_LOOK_SECONDS: Final = 0.1

# By when a try has ended, of which nothing is heard, where the schedule has no later one.
_CLAIMED: Final = dt.timedelta(minutes=5)


class Outbox(Protocol):
    """Remembers subscriptions and what is on its way; each change is durable on return.

    `due` names the active subscriptions for which there is something to do, `subscriptions` are all
    there are, and `outstanding` gives the row of one that is to be tried next. `begin` and `claim`
    return False where the subscription or the row is no longer as it was. `settle` moves the position
    and enters what was pushed; `park` and `rewind` are entries too. `shorten` makes a row end earlier,
    and says so for those that follow.
    """

    def due(self, now: str) -> list[str]: ...
    def subscriptions(self) -> list[Subscription]: ...
    def subscription(self, identity: str) -> Subscription | None: ...
    def outstanding(self, subscription: Subscription, now: str) -> Push | None: ...
    async def begin(self, push: Push) -> bool: ...
    async def claim(self, push: Push) -> bool: ...
    async def settle(self, push: Push) -> None: ...
    async def postpone(self, push: Push, next_try: str, reason: str) -> None: ...
    async def park(self, push: Push, reason: str, rests: str, *, disable: bool) -> None: ...
    async def rewind(self, identity: str, upto: int, by: str) -> None: ...
    async def shorten(self, push: Push, last: int) -> None: ...


class Streams(Protocol):
    """Streams of pages, one for each consumer and feed; each call raises NotTakenError.

    `look` makes the stream and its consumer where they are not there, and says what the stream has.
    `publish` returns once the server has acknowledged a message as stored behind the sequence number
    given, and not otherwise.
    """

    async def look(self, consumer: str, feed: str) -> Held: ...
    async def publish(
        self, consumer: str, feed: str, message: Message, *, identity: str, after: int
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """What the way out is made of.

    `end` is the next number that a feed will give. `page` makes the page of a stretch and enters it as
    shown; it raises NotTakenError where the consumer may not read the feed. `entitled` raises the same,
    and shows nothing. `open` opens a target. `tried` counts.
    """

    outbox: Outbox
    end: Callable[[str], int]
    page: Callable[[Subscription, Push], Awaitable[Message]]
    entitled: Callable[[Subscription], None]
    hooks: Hooks
    streams: Streams | None
    open: Callable[[Subscription], Target]
    issuer: str
    clock: Callable[[], dt.datetime]
    chance: Callable[[], float]
    new_id: Callable[[str], str]
    tried: Callable[[Subscription], None] = lambda _: None


async def deliver_due(way: Way) -> int:
    """Hand over whatever is due, to several receivers at a time; how many rows went.

    It ends when nothing is on its way and nothing is due. A fault of ours at one subscription holds up
    no other, and is raised once the others are done.
    """
    on_its_way: dict[str, asyncio.Task[int]] = {}
    faulty: dict[str, BaseException] = {}
    rested: dict[str, float] = {}  # those of which nothing went, until when they are left alone
    went = 0
    loop = asyncio.get_running_loop()
    try:
        while True:
            for identity in way.outbox.due(written(way.clock())):
                busy = identity in on_its_way or identity in faulty
                if busy or len(on_its_way) >= PUSHED_AT_A_TIME:
                    continue
                if loop.time() >= rested.get(identity, 0.0):
                    on_its_way[identity] = asyncio.create_task(_in_order(identity, way))
            if not on_its_way:
                break
            await asyncio.wait(
                on_its_way.values(), timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for identity, task in list(on_its_way.items()):
                if task.done():
                    del on_its_way[identity]
                    error = task.exception()
                    if error is not None:
                        faulty[identity] = error
                    elif task.result():
                        went += task.result()
                    else:
                        rested[identity] = loop.time() + 2 * _LOOK_SECONDS
    finally:
        for task in on_its_way.values():
            task.cancel()
        await asyncio.gather(*on_its_way.values(), return_exceptions=True)
    for error in faulty.values():
        raise error
    return went


async def _in_order(identity: str, way: Way) -> int:
    """Hand over what is due to one subscription, one row after the other."""
    went = 0
    while await deliver(identity, way):
        went += 1
    return went


async def deliver(identity: str, way: Way) -> bool:
    """Take one row of a subscription all the way; False where there is nothing to go on with now."""
    subscription = way.outbox.subscription(identity)
    if subscription is None or subscription.state != "active":
        return False
    push = await _claim(subscription, way)  # 1
    if push is None:
        return False
    way.tried(subscription)
    try:
        way.entitled(subscription)
        if subscription.kind == "webhook":
            await _announce(push, subscription, way)  # 2, 3
        elif not await _publish(push, subscription, way):  # 2, 3
            return True
    except NotTakenError as error:
        await _not_taken(push, error, subscription, way)  # 5, 6
        return False
    await way.outbox.settle(push)  # 4
    return True


async def compare(way: Way) -> int:
    """Send those back whose streams have less than we believe, though nothing new is to go into them.

    How many went back. A stream that cannot be looked at now is looked at the next time.
    """
    back = 0
    for subscription in way.outbox.subscriptions():
        idle = way.outbox.outstanding(subscription, written(way.clock())) is None
        if (subscription.kind, subscription.state) != ("jetstream", "active") or not idle:
            continue
        try:
            to = await _less(subscription, way)
        except NotTakenError:
            continue
        if to is not None:
            await way.outbox.rewind(subscription.id, to, "stream")
            back += 1
    return back


async def _less(subscription: Subscription, way: Way) -> int | None:
    if way.streams is None:
        return None
    held = await way.streams.look(subscription.consumer, subscription.feed)
    return behind(held, subscription)


# --- 1 claim --------------------------------------------------------------------------------------


async def _claim(subscription: Subscription, way: Way) -> Push | None:
    """The row to be tried now, a try further on; until its next time it is nobody else's."""
    now = way.clock()
    push = way.outbox.outstanding(subscription, written(now))
    if push is not None:
        if push.next_try > written(now):
            return None
        counted = _counted(push, push.begun if push.tries else written(now), subscription, now)
        return counted if await way.outbox.claim(counted) else None
    last = way.end(subscription.feed) - 1
    if subscription.kind == "jetstream":
        last = min(last, subscription.upto + subscription.page)
    if last <= subscription.upto:
        return None
    new = Push(
        id=way.new_id("psh"),
        subscription=subscription.id,
        first=subscription.upto + 1,
        last=last,
        state="waiting",
        replayed=False,
        made=written(now),
        begun=written(now),
        tries=0,
        next_try=written(now),
        reason=None,
    )
    counted = _counted(new, new.begun, subscription, now)
    return counted if await way.outbox.begin(counted) else None


def _counted(push: Push, begun: str, subscription: Subscription, now: dt.datetime) -> Push:
    """A row with one try more, to be tried again when it would be if nothing were heard of this one."""
    tried = replace(push, begun=begun, tries=push.tries + 1)
    following = after_try(subscription.kind, tried, read(begun), now, 0.0)
    at = following.at if isinstance(following, Later) else now + _CLAIMED
    # A receiver may take as long as this, and is not called a second time meanwhile.
    return replace(tried, next_try=written(max(at, now)))


# --- 2 make, 3 hand over --------------------------------------------------------------------------


async def _announce(push: Push, subscription: Subscription, way: Way) -> None:
    target = way.open(subscription)
    event = ready_event(push, subscription.feed, way.issuer)
    await way.hooks.call(
        target.url,
        " ".join(target.secrets),
        push.id,
        event,
        way.clock(),
        media_type=EVENT_TYPE,
    )


async def _publish(push: Push, subscription: Subscription, way: Way) -> bool:
    """Put a page into its stream; False where the subscription has to begin elsewhere instead."""
    if way.streams is None:
        raise NotTakenError("NOT_SET_UP", temporary=True)
    consumer, feed = subscription.consumer, subscription.feed
    held = await way.streams.look(consumer, feed)
    identity = message_id(push, subscription)
    if held.message == identity:
        return True  # its acknowledgement was lost, or we were killed after it
    back = behind(held, subscription)
    if back is not None:
        await way.outbox.rewind(subscription.id, back, "stream")
        return False
    page = await way.page(subscription, push)
    headers = page.headers | page_headers(push, subscription, way.issuer)
    message = Message(headers, page.body)
    if message.size > held.largest:
        if push.count == 1:
            raise NotTakenError("TOO_LARGE", temporary=False)
        await way.outbox.shorten(push, push.first + push.count // 2 - 1)
        return False
    await way.streams.publish(consumer, feed, message, identity=identity, after=held.sequence)
    return True


# --- 5 postpone, 6 park ---------------------------------------------------------------------------


async def _not_taken(
    push: Push, error: NotTakenError, subscription: Subscription, way: Way
) -> None:
    now = way.clock()
    following = after_try(
        subscription.kind,
        push,
        read(push.begun),
        now,
        way.chance(),
        code=error.code,
        temporary=error.temporary,
        retry_after=error.retry_after,
    )
    if isinstance(following, Later):
        await way.outbox.postpone(push, written(following.at), error.code)
    else:
        await way.outbox.park(
            push, following.reason, written(now + REST), disable=following.disable
        )
