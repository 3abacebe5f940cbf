"""The client's part about feeds: pages in order, believed only once they verify, and answered for.

    async for page in client.feed("tracing"):
        for event in page.events:
            keep(event)
        await client.acknowledge("tracing", delivered=page.next)

Where the profile pins the ledger's key, each page's signature is verified over its bytes, and each
record against the ledger. Who controls the gateway can keep records back; they cannot make up one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.client.answers import FeedStanding, RejectedRow
from gateway.client.connection import Connection
from gateway.client.events import FeedPage, Rejection
from gateway.client.problem import EvidenceError
from gateway.client.profile import Profile
from gateway.core.page_signature import NotGenuine, verify_page
from gateway.judge.feed import verify_feed
from gateway.judge.verdict import Finding, Verdict
from gateway.judge.vkey import read_vkey

WAIT_SECONDS: Final = 30
_LEAST_SECONDS: Final = 1.0  # from asking for more to asking again
_SIGNED: Final = ("Content-Type", "Content-Digest", "Signature-Input", "Signature")


class Collecting:
    """Every call about feeds; each raises Problem and UnreachableError (`Client`)."""

    profile: Profile
    _connection: Connection

    async def feed(
        self,
        name: str,
        *,
        after: str | None = None,
        first: int | None = None,
        limit: int = 1_000,
        wait_seconds: int = 0,
        follow: bool = False,
        proofs: bool = True,
    ) -> AsyncIterator[FeedPage]:
        """Pages of a feed, from a cursor, or the record of a number, or what was acknowledged last.

        Ends at the end of the feed; with `follow` it waits there for more, for ever, and leaves out
        pages without records. Raises EvidenceError for a page that does not verify, that is of
        another feed, or that does not go on where the one before it ended.
        """
        due, loop = first, asyncio.get_running_loop()
        while True:
            asked = loop.time()
            params = {"limit": str(limit), "wait": str(wait_seconds), "proofs": str(int(proofs))}
            if after is not None:
                params["after"] = after
            elif first is not None:
                params["from"] = str(first)
            reply = await self._connection.call("GET", f"/v1/feeds/{name}", params=params)
            page = page_of(reply.body, reply.headers)
            if self.profile.vkey is not None:
                check_page(page, self.profile.vkey, proofs=proofs)
            if page.feed != name or due not in {None, page.first}:
                raise wrong_page(f"it is not the page of {name} that was asked for")
            due = page.first + page.count
            if page.count or not follow:
                yield page
            after = page.next
            if not page.more or not page.count:  # without a record it leads no further
                if not follow:
                    return
                if wait_seconds and not page.count:  # somebody between us may not wait
                    await asyncio.sleep(asked + _LEAST_SECONDS - loop.time())
                wait_seconds = WAIT_SECONDS

    async def acknowledge(
        self,
        name: str,
        *,
        delivered: str | None = None,
        used: str | None = None,
        errors: Sequence[Rejection] = (),
    ) -> FeedStanding:
        """Say up to which cursor everything is safe with us, in use, and what cannot be used.

        Safe to say twice. Returns where we then stand.
        """
        said: dict[str, Any] = {"delivered": delivered, "used": used, "errors": list(errors)}
        reply = await self._connection.call(
            "POST",
            f"/v1/feeds/{name}/ack",
            headers={"Content-Type": "application/json"},
            body=msgspec.json.encode({key: value for key, value in said.items() if value}),
        )
        found: FeedStanding = reply.read(FeedStanding)
        return found

    async def feed_standing(self, name: str) -> FeedStanding:
        """Where we stand on a feed, and how far we lag behind it."""
        reply = await self._connection.call("GET", f"/v1/feeds/{name}/status")
        found: FeedStanding = reply.read(FeedStanding)
        return found

    async def rejections(self, submission: str) -> tuple[RejectedRow, ...]:
        """Rows of a submission of ours that could not be used, and what to do."""
        reply = await self._connection.call("GET", f"/v1/submissions/{submission}/rejections")
        found: dict[str, Any] = reply.read(dict[str, Any])
        return msgspec.convert(found["rejections"], tuple[RejectedRow, ...])


def check_page(page: FeedPage, vkey: str, *, proofs: bool = True) -> None:
    """Raise EvidenceError unless a page is signed by the ledger's key and, with proofs, verifies."""
    key = read_vkey(vkey)
    try:
        verify_page(page.headers, page.content, key.key_id.hex(), key.public)
    except NotGenuine as fault:
        raise wrong_page(str(fault)) from fault
    if proofs:
        verdict = verify_feed(page.lines, vkey)
        if not verdict.ok:
            raise EvidenceError("The page", verdict)


class _Told(msgspec.Struct):
    """What a page line tells that the client goes by."""

    feed: str
    first: int
    next: str
    count: int
    more: bool


class _Last(msgspec.Struct):
    """The last line of a page."""

    data: _Told


_LAST: Final = msgspec.json.Decoder(_Last)


def page_of(content: bytes, headers: Mapping[str, str]) -> FeedPage:
    """A page, out of what carried it: its bytes, and the header fields beside them.

    Raises EvidenceError for what is no page, or does not hold the records that it counts.
    """
    lines = tuple(content.removesuffix(b"\n").split(b"\n"))
    signed = {name: headers[name] for name in _SIGNED if name in headers}
    try:
        told = _LAST.decode(lines[-1]).data
        page = FeedPage(lines, signed, told.feed, told.first, told.next, told.count, told.more)
        numbers = [event.seq for event in page.events]
    except (msgspec.DecodeError, RecursionError) as fault:
        raise wrong_page("it is no page of a feed") from fault
    # Counted first: what a page only says that it counts must not fill the memory.
    counts = len(numbers) == told.count
    if not counts or numbers != list(range(told.first, told.first + told.count)):
        raise wrong_page("its records are not those that it counts")
    return page


def wrong_page(what: str) -> EvidenceError:
    """What is wrong with a page, as everything that does not verify is told."""
    finding = Finding("the page", what, "Read it again; if it persists, tell the operator.")
    return EvidenceError("The page", Verdict((finding,)))
