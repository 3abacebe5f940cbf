"""Collecting a feed into an inbox: take, acknowledge, say what cannot be used.

    1 read         a page, which the client has verified
    2 keep         all of it, in one transaction
    3 answer       it is in our hands; and what cannot be used, with the reason
    4 take up      the caller makes of it what it will, and then says that it is in use

Killed between any two steps, it begins again at the first that was not done.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.client.api import Client
from gateway.client.events import Rejection
from gateway.consumers.inbox import Inbox
from gateway.consumers.plausible import implausible

Told = Callable[[int, int], None]
# The gateway takes so many at a time.
_REJECTIONS = 256


async def collect(
    client: Client,
    inbox: Inbox,
    *,
    follow: bool = False,
    limit: int = 1_000,
    told: Told | None = None,
) -> int:
    """Bring an inbox up to the end of its feed; returns how many events are new.

    With `follow` it never ends. `told` is called after each page with how many of it were new, and
    how far the inbox now reaches. Raises what the client raises, and InboxError.
    """
    count = 0
    await _answer(client, inbox)  # what a process that was killed did not come to
    # Whatever the gateway thinks we have, it is the inbox that knows.
    pages = client.feed(inbox.feed, first=inbox.reach + 1, limit=limit, follow=follow)
    async for page in pages:  # 1
        new = inbox.take(page)  # 2
        count += new
        await _answer(client, inbox)  # 3
        if told is not None:
            told(new, inbox.reach)
    return count


async def _answer(client: Client, inbox: Inbox) -> None:
    cursor, upto = inbox.cursor, inbox.upto
    if cursor is None or upto <= inbox.answered:
        return
    errors = [
        Rejection(event.seq, "IMPLAUSIBLE", field)
        for event in inbox.events(inbox.answered + 1, upto + 1)
        if (field := implausible(event)) is not None
    ]
    await client.acknowledge(inbox.feed, delivered=cursor, errors=errors[:_REJECTIONS])
    for at in range(_REJECTIONS, len(errors), _REJECTIONS):
        await client.acknowledge(inbox.feed, errors=errors[at : at + _REJECTIONS])
    inbox.answer(upto)


async def take_up(client: Client, inbox: Inbox, upto: str | None = None) -> None:
    """Say that what the inbox holds without gaps is in use: all of it, or up to a cursor.

    Where something else may collect meanwhile, the cursor is that from before the events were read.
    """
    if (cursor := inbox.cursor) is not None:
        await client.acknowledge(inbox.feed, delivered=cursor, used=upto or cursor)
