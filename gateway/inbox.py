"""THE WAY IN, BY A FOLDER: files that an organisation puts into its inbox over SFTP.

    1 begin          a name in the inbox, written by one session at a time
    2 write          sealed from the first byte; what is told to be there is durable
    3 close          the file is whole: from here on it is taken, whatever happens
    4 take           by the same way in as any other file
    5 results        beside it: what became of it, its row errors, its receipt

A file whose name ends as an unfinished one's is taken once it is given another name. A connection
that ends without closing a file leaves it as it is: its sender goes on where it stopped.

If an attacker controls this module they can lose a file that was not taken yet, or take one that its
sender did not finish; each submission is made by `gateway.submission` alone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gateway.core.adapter import Body
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller, Credentials
from gateway.core.inbox_item import Item, Items, Part, Parts, Vault
from gateway.core.inbox_path import Place, is_partial
from gateway.core.limits import (
    INBOX_AHEAD_BYTES,
    INBOX_FILES,
    INBOX_FLUSH_BYTES,
    SPOOL_CHUNK_BYTES,
    UPLOADS_OPEN,
)
from gateway.core.media import guess
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Answer, Arrival
from gateway.core.what_for import of_folder

SCOPE: Final = "submissions"
_HEAD_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Inbox:
    """What inboxes are made of; built once by `gateway.wiring`.

    `receive` is the way in, `conclude` begins the reading of a large submission, and `explain` puts
    a refusal into the words of a problem document.
    """

    items: Items
    parts: Parts
    vault: Vault
    receive: Callable[[Arrival], Awaitable[Answer]]
    conclude: Callable[[str], None]
    explain: Callable[[Refused], bytes]
    limit_bytes: int
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    busy: set[bytes] = field(default_factory=set)
    tasks: dict[str, asyncio.Task[Answer]] = field(default_factory=dict)

    def tag(self, organisation: str, folder: str, name: str) -> bytes:
        """How an item is found by its name, which is nowhere in the clear."""
        return self.vault.tag("inbox", organisation.encode(), folder.encode(), name.encode())

    def find(self, organisation: str, place: Place) -> Item | None:
        """The file at a place of this organisation's inbox."""
        return self.items.find(self.tag(organisation, place.folder, place.name or ""))

    def envelope(self, item: Item) -> Envelope:
        """What opens an item's name and bytes."""
        return Envelope(self.vault.unwrap(item.wrapped_key, item.id.encode()), item.id)

    def name(self, item: Item) -> str:
        """An item's name in the clear."""
        return self.envelope(item).open(b"name", 0, item.name).decode()

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.clock().timestamp())


# --- 1 begin ------------------------------------------------------------------------------------


async def begin(caller: Caller, key: bytes, place: Place, inbox: Inbox, *, anew: bool) -> Writing:
    """Step 1: write a file from its start (`anew`), or go on with one that is not whole.

    Raises Refused where another session writes it, or there is no room.
    """
    found = inbox.find(caller.party, place)
    tag = inbox.tag(caller.party, place.folder, place.name or "")
    if tag in inbox.busy or (found is not None and found.state == "waiting"):
        raise _told("Another session is writing this file; wait until it has ended.")
    if not anew and found is not None and found.state == "taken":
        raise _told("This file was taken already; nothing can be put behind its end.")
    inbox.parts.check_room(0)
    inbox.busy.add(tag)
    try:
        if found is None or anew:
            _check_count(caller.party, inbox, found)
            item = _new(caller, key, place, tag, inbox)
            await inbox.items.save(item)
            if found is not None:
                inbox.parts.discard(found.id)
        else:
            item = msgspec.structs.replace(found, ssh_key=key)
        return Writing(item, place.name or "", inbox)
    except BaseException:
        inbox.busy.discard(tag)
        raise


def _check_count(organisation: str, inbox: Inbox, found: Item | None) -> None:
    most, unfinished = inbox.items.count(organisation)
    if found is None and most >= INBOX_FILES:
        raise _told(f"The inbox holds {INBOX_FILES} files; remove some that are done.")
    if unfinished >= UPLOADS_OPEN and (found is None or found.state != "open"):
        raise _told(f"There are {UPLOADS_OPEN} unfinished files; finish or remove one of them.")


def _new(caller: Caller, key: bytes, place: Place, tag: bytes, inbox: Inbox) -> Item:
    identity, data_key = inbox.new_id("inb"), inbox.entropy(32)
    name = (place.name or "").encode()
    return Item(
        id=identity,
        organisation=caller.party,
        folder=place.folder,
        tag=tag,
        name=Envelope(data_key, identity).seal(b"name", 0, name, inbox.entropy(NONCE_BYTES)),
        state="open",
        size=0,
        ssh_key=key,
        submission=None,
        problem=None,
        wrapped_key=inbox.vault.wrap(data_key, identity.encode()),
        changed=inbox.now(),
    )


# --- 2 write, 3 close ---------------------------------------------------------------------------


class Writing:
    """A file being written by one session; ends with `close` or `cut`, whatever happened."""

    def __init__(self, item: Item, name: str, inbox: Inbox) -> None:
        self.item = item
        self._name = name
        self._inbox = inbox
        self._part = self._resumed()
        self._held = bytearray()
        self._ahead: dict[int, bytes] = {}
        self._ahead_bytes = 0
        self._written = False
        self.appends = False

    def _resumed(self) -> Part:
        key = self._inbox.vault.unwrap(self.item.wrapped_key, self.item.id.encode())
        return self._inbox.parts.resume(self.item.id, key, self.item.size)

    @property
    def end(self) -> int:
        """Where the next byte belongs."""
        return self._part.size + len(self._held)

    async def write(self, offset: int, data: bytes) -> None:
        """Step 2: bytes at an offset; raises Refused for a place that was written before.

        Of a file that `appends`, the end is meant whatever the offset says.

        Pieces that come a little too early wait for those before them.
        """
        offset = self.end if self.appends else offset
        if offset < self.end:
            raise _told("A file is written from its start to its end; send it anew.")
        if offset + len(data) > self._inbox.limit_bytes:
            limit = f"The limit is {self._inbox.limit_bytes} bytes."
            raise Refused(Reason.BODY_TOO_LARGE, limit)
        if offset > self.end:
            self._ahead_bytes += len(data)
            if self._ahead_bytes > INBOX_AHEAD_BYTES or offset in self._ahead:
                raise _told("A part of the file is missing before this one; send it anew.")
            self._ahead[offset] = data
            return
        self._held += data
        self._written = True
        while (next_one := self._ahead.pop(self.end, None)) is not None:
            self._ahead_bytes -= len(next_one)
            self._held += next_one
        while len(self._held) >= SPOOL_CHUNK_BYTES:
            self._part.write(bytes(self._held[:SPOOL_CHUNK_BYTES]))
            del self._held[:SPOOL_CHUNK_BYTES]
        if self._part.size - self.item.size >= INBOX_FLUSH_BYTES:
            self._inbox.parts.check_room(0)
            await self.flush()

    async def flush(self) -> None:
        """Make durable what is there, and go on."""
        await self._keep("open")
        self._part = self._resumed()

    async def _keep(self, state: str) -> None:
        if self._held:
            self._part.write(bytes(self._held))
            self._held.clear()
        await self._part.close()
        self.item = msgspec.structs.replace(
            self.item, size=self._part.size, state=state, changed=self._inbox.now()
        )
        await self._inbox.items.save(self.item)

    async def close(self) -> Answer | None:
        """Step 3: the sender says that the file is whole. Its answer, unless it is not to be taken.

        Raises Refused as the way in does; then the results say why.
        """
        try:
            if self._ahead:
                await self._keep("open")
                raise _told("A part in the middle of the file never came; send it anew.")
            whole = self._written and self.end > 0 and not is_partial(self._name)
            await self._keep("waiting" if whole else "open")
        finally:
            self._inbox.busy.discard(self.item.tag)
        return await take(self.item, self._inbox) if whole else None

    async def cut(self) -> None:
        """The session ended: what came in a row stays, to be gone on with."""
        try:
            await self._keep("open")
        finally:
            self._inbox.busy.discard(self.item.tag)


# --- 4 take -------------------------------------------------------------------------------------


async def take(item: Item, inbox: Inbox) -> Answer:
    """Step 4: a whole file takes the way in; goes on when whoever asked has gone.

    Raises Refused. For trouble of the gateway's own the file waits, and `resume` tries again.
    """
    task = inbox.tasks.get(item.id)
    if task is None:
        task = asyncio.get_running_loop().create_task(_take(item, inbox))
        inbox.tasks[item.id] = task
        task.add_done_callback(lambda done: _ended(item.id, done, inbox))
    return await asyncio.shield(task)


def _ended(identity: str, task: asyncio.Task[Answer], inbox: Inbox) -> None:
    inbox.tasks.pop(identity, None)
    if not task.cancelled():
        task.exception()  # who waits is told; where nobody does, the item says it


async def _take(item: Item, inbox: Inbox) -> Answer:
    key = inbox.vault.unwrap(item.wrapped_key, item.id.encode())
    body = inbox.parts.body(item.id, key)
    with body.open() as stream:
        media_type = guess(inbox.name(item), stream.read(_HEAD_BYTES))
    meant = of_folder(item.folder)
    arrival = Arrival(
        credentials=Credentials(None, None, ssh_key=item.ssh_key),
        content_type=media_type,
        content_encoding=None,
        content_digest=None,
        idempotency_key=None,
        request=meant.request,
        length=body.size,
        chunks=_content(body),
        completes=meant.completes,
    )
    try:
        answer = await inbox.receive(arrival)
    except Refused as refusal:
        if refusal.meaning.status < 500 and refusal.meaning.status not in {409, 429}:
            sealed = Envelope(key, item.id).seal(
                b"problem", 0, inbox.explain(refusal), inbox.entropy(NONCE_BYTES)
            )
            await _taken(item, inbox, problem=sealed)
        raise
    await _taken(item, inbox, submission=answer.recorded.id)
    if answer.recorded.state == "received":
        inbox.conclude(answer.recorded.id)
    return answer


async def _taken(
    item: Item, inbox: Inbox, *, problem: bytes | None = None, submission: str | None = None
) -> None:
    done = msgspec.structs.replace(
        item, state="taken", problem=problem, submission=submission, changed=inbox.now()
    )
    await inbox.items.save(done)
    inbox.parts.discard(item.id)


async def _content(body: Body) -> AsyncIterator[bytes]:
    with body.open() as stream:
        while piece := stream.read(SPOOL_CHUNK_BYTES):
            yield piece
            await asyncio.sleep(0)


async def resume(inbox: Inbox) -> None:
    """Take what waits: after a restart, or trouble of the gateway's own."""
    waiting = [take(item, inbox) for item in inbox.items.waiting()]
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(error, BaseException) and not isinstance(error, Refused):
            raise error


async def stop(inbox: Inbox) -> None:
    """Leave what is under way; it waits, and is taken after the next start."""
    tasks = list(inbox.tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# --- names --------------------------------------------------------------------------------------


async def rename(
    organisation: str, old: Place, new: Place, inbox: Inbox, *, replace: bool
) -> Answer | None:
    """Give an unfinished file another name; one that is not an unfinished one's takes it."""
    item = inbox.find(organisation, old)
    if item is None:
        raise Refused(Reason.NOT_FOUND)
    there = inbox.find(organisation, new)
    if item.state != "open" or item.tag in inbox.busy:
        raise _told("Only a file that is not taken yet, and is not being written, can be renamed.")
    if there is not None and (not replace or there.state == "waiting" or there.tag in inbox.busy):
        raise _told("There is a file of this name already; remove it, or choose another name.")
    name, tag = new.name or "", inbox.tag(organisation, new.folder, new.name or "")
    whole = item.size > 0 and not is_partial(name)
    sealed = inbox.envelope(item).seal(b"name", 0, name.encode(), inbox.entropy(NONCE_BYTES))
    renamed = msgspec.structs.replace(
        item,
        folder=new.folder,
        name=sealed,
        tag=tag,
        state="waiting" if whole else "open",
        changed=inbox.now(),
    )
    with _alone(inbox, item.tag, tag):
        await inbox.items.save(renamed)
        if there is not None and there.id != item.id:
            inbox.parts.discard(there.id)
    return await take(renamed, inbox) if whole else None


async def remove(organisation: str, place: Place, inbox: Inbox) -> None:
    """Take a file and its results out of the inbox; a submission stays what it is."""
    item = inbox.find(organisation, place)
    if item is None:
        raise Refused(Reason.NOT_FOUND)
    if item.tag in inbox.busy or item.state == "waiting":
        raise _told("This file is being written or taken; wait until that has ended.")
    with _alone(inbox, item.tag):
        await inbox.items.drop(item.id)
        inbox.parts.discard(item.id)


async def expire(inbox: Inbox, days: int) -> int:
    """Forget what nothing happened to for so many days; returns how many."""
    expired = inbox.items.expired(inbox.now() - days * 86_400)
    gone = [item for item in expired if item.tag not in inbox.busy]
    for item in gone:
        with _alone(inbox, item.tag):
            await inbox.items.drop(item.id)
            inbox.parts.discard(item.id)
    return len(gone)


@contextmanager
def _alone(inbox: Inbox, *tags: bytes) -> Iterator[None]:
    """Nobody writes what has one of these names, or begins to, until the block is left."""
    mine = set(tags) - inbox.busy
    inbox.busy.update(mine)
    try:
        yield
    finally:
        inbox.busy.difference_update(mine)


def _told(detail: str) -> Refused:
    return Refused(Reason.OFFSET_MISMATCH, detail)
