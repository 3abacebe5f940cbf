"""A consumer in a process of its own, hostile to itself: it reads again, and out of order.

It ends when its inbox holds the whole feed and all of it is in use; until then it is killed by its test,
at any moment, and started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from pathlib import Path

from gateway.client.api import Client
from gateway.client.events import FeedPage
from gateway.client.profile import load
from gateway.consumers.collecting import collect, take_up
from gateway.consumers.inbox import Inbox

KEY = bytes(range(32))


async def page_after(client: Client, feed: str, cursor: str, limit: int) -> FeedPage:
    """One page, from any cursor that was ever given."""
    return await anext(client.feed(feed, after=cursor, limit=limit))


async def disorder(client: Client, inbox: Inbox, chance: random.Random, seen: list[str]) -> None:
    """Take a page from anywhere before, or the page after the next one first."""
    first = await page_after(client, inbox.feed, chance.choice(seen), chance.randint(1, 9))
    second = await page_after(client, inbox.feed, first.next, chance.randint(1, 9))
    for page in (second, first, second) if chance.random() < 0.5 else (first, first):
        inbox.take(page)
        seen.append(page.next)


async def main(profile: Path, path: Path, feed: str, seed: int) -> None:
    """Live until all is collected and in use."""
    chance = random.Random(seed)
    async with Client(load(profile)) as client:
        with Inbox(path, feed, KEY, os.urandom) as inbox:
            start = await anext(client.feed(feed, first=1, limit=1))
            seen = [start.next]
            print("alive", flush=True)
            while True:
                await disorder(client, inbox, chance, seen)
                if chance.random() < 0.3:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(chance.random() / 20):
                            await collect(client, inbox, limit=chance.randint(1, 20))
                if chance.random() < 0.2:
                    await take_up(client, inbox)
                stands = await client.feed_standing(feed)
                if inbox.upto == stands.end and chance.random() < 0.2:
                    await collect(client, inbox)
                    await take_up(client, inbox)
                    return


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
