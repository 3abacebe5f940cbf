"""Inboxes put together: the story, its store, and the SFTP door before it, where there is one."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import msgspec

from gateway import bulk
from gateway import inbox as story
from gateway import request as asking
from gateway.asking import Asking
from gateway.config import Settings, SettingsError
from gateway.core.identity import Caller
from gateway.core.question import NotAskable
from gateway.core.rate import RateLimit
from gateway.core.refusal import Refused
from gateway.edge import keyring
from gateway.edge.sftp.door import SshDoor
from gateway.edge.sftp.results import Results, explain
from gateway.edge.sftp.server import listening as sftp_listening
from gateway.edge.sftp.session import Room
from gateway.inbox import Inbox
from gateway.mailbox import Post
from gateway.store.sqlite.store import Store
from gateway.submission import Intake, receive


def _door(settings: Settings, intake: Intake, store: Store) -> SshDoor:
    rate = RateLimit(settings.calls_per_minute)
    return SshDoor(store.registry.ssh_keys, store.registry, intake.clock, rate)


def made(
    settings: Settings,
    ring: keyring.KeyRing,
    intake: Intake,
    store: Store,
    conclude: Callable[[str], None],
) -> Inbox:
    """The inboxes of a gateway: the same way in, behind a door that asks for an SSH key."""
    return Inbox(
        items=store.inbox,
        parts=store.bodies,
        vault=ring,
        receive=partial(receive, intake=replace(intake, door=_door(settings, intake, store))),
        conclude=conclude,
        explain=lambda refusal: explain(refusal, settings.issuer, intake.entropy(8).hex()),
        limit_bytes=settings.body_limit_bytes,
        clock=intake.clock,
        entropy=intake.entropy,
        new_id=intake.new_id,
    )


def _asked(organisation: str, folder: str, ask: Asking) -> dict[str, bytes]:
    """What is asked in a folder: a request as JSON and, where it can say it, auth.001; or a list."""
    caller = Caller(organisation, "organisation", frozenset(), "", frozenset(), "")
    try:
        if folder.startswith("bat_"):
            return {"list.csv": bulk.as_csv(bulk.listed(caller, folder, ask.desk))}
        if not folder.startswith("req_"):
            return {}
        stored = asking.found(caller, folder, ask.desk)
    except Refused:
        return {}
    told = msgspec.json.encode(asking.shown(stored, caller, ask.desk))
    found = {"request.json": msgspec.json.format(told, indent=2) + b"\n"}
    if stored.provider_class == "deposit_taker" and stored.erased is None:
        with suppress(NotAskable, Refused):
            found["request.xml"] = ask.question(stored, asking.person_of(stored, caller, ask.desk))
    return found


def post(
    settings: Settings,
    ring: keyring.KeyRing,
    store: Store,
    clock: Callable[[], dt.datetime],
    entropy: Callable[[int], bytes],
    new_id: Callable[[str], str],
) -> Post:
    """The letterbox of a gateway, for those who speak MESH."""
    return Post(
        messages=store.mailboxes,
        files=store.bodies,
        vault=ring,
        address=settings.mailbox,
        code=settings.mailbox_code,
        chunk_bytes=settings.mailbox_chunk_bytes,
        body_limit_bytes=settings.body_limit_bytes,
        clock=clock,
        entropy=entropy,
        new_id=new_id,
    )


@asynccontextmanager
async def listening(
    settings: Settings,
    box: Inbox,
    ring: keyring.KeyRing,
    intake: Intake,
    store: Store,
    ask: Asking,
) -> AsyncIterator[int | None]:
    """Serve SFTP, if the settings say so, until the block is left; gives the port."""
    found = settings.sftp
    if found is None:
        yield None
        return

    def folders(organisation: str) -> list[str]:
        # What is asked by a list is in the folder of the list.
        requests = store.requests.requests(organisation=organisation)
        asked = dict.fromkeys(each.batch or each.id for each in requests)
        return [*asked, *store.journal.with_refused_rows(organisation)]

    room = Room(
        inbox=box,
        door=_door(settings, intake, store),
        results=Results(store.journal, ring.unwrap),
        asked=lambda organisation, folder: _asked(organisation, folder, ask),
        folders=folders,
        is_folder=lambda organisation, name: (
            store.journal.request_of(organisation, name) is not None
            or store.journal.had_refused_rows(organisation, name)
        ),
    )
    host_key = keyring.host_key(found.host_keys or settings.keys)
    opened = sftp_listening(room, found.host, found.port, host_key, found.idle_seconds)
    async with AsyncExitStack() as stack:
        try:
            port, house = await stack.enter_async_context(opened)
        except OSError as error:
            where = f"{found.host}:{found.port}"
            raise SettingsError(
                f"sftp: nothing can listen on {where}: {error.strerror}."
            ) from error
        store.registry.ssh_keys.on_revoked.append(house.sweep)
        await story.resume(box)
        yield port
