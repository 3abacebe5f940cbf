"""A feed out of a JetStream stream: pages in order, verified like those over HTTP, acknowledged late.

    client = await nats.connect(url, tls=context, inbox_prefix="_INBOX_tracing")
    pages = await client.jetstream().pull_subscribe_bind("tracing", "cms-tracing-tracing")
    async for page in stream_pages(pages, vkey):
        inbox.take(page)

A page is acknowledged to the server when the next one is asked for, so that what was not finished
comes again. The stream is a copy: what is missing in it is read from the feed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import nats.errors
from nats.js.client import JetStreamContext

from gateway.client.collecting import check_page, page_of
from gateway.client.events import FeedPage

# How long the server holds a request for the next page open.
WAIT_SECONDS: Final = 30.0


async def stream_pages(
    pages: JetStreamContext.PullSubscription,
    vkey: str | None,
    *,
    follow: bool = True,
    wait_seconds: float = WAIT_SECONDS,
) -> AsyncIterator[FeedPage]:
    """Pages of a stream, each acknowledged once the caller comes for the next.

    With `vkey` each is verified first. Without `follow` it ends when nothing new comes within
    `wait_seconds`. Raises EvidenceError for a page that does not verify: it is not
    acknowledged.
    """
    while True:
        try:
            (message,) = await pages.fetch(1, timeout=wait_seconds)
        except nats.errors.TimeoutError:
            if not follow:
                return
            continue
        page = page_of(message.data, message.headers or {})
        if vkey is not None:
            check_page(page, vkey)
        yield page
        await message.ack_sync()
