"""The post room put together: what the office needs to keep addresses, and to tell of a change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from gateway import calling, carriers, installed, planning, pushing
from gateway.administration.office import PostRoom
from gateway.config import Settings
from gateway.core.channel import Form
from gateway.core.correspondent import Contact, Correspondent
from gateway.core.duty import Law
from gateway.core.notice_item import Draft
from gateway.core.notices import Value
from gateway.desk import Desk
from gateway.edge.keyring import KeyRing
from gateway.store.sqlite.store import Store

# What people agreed to, and what they prefer, is said back to them.
_PURPOSE: Final = "receipts"


def made(
    settings: Settings,
    store: Store,
    ring: KeyRing,
    law: Law,
    clock: Callable[[], dt.datetime],
    entropy: Callable[[int], bytes],
    new_id: Callable[[str], str],
) -> PostRoom:
    """The post room of a store."""
    desk = Desk(
        requests=store.requests,
        parties=store.registry,
        vault=ring,
        law=law,
        deadlines=installed.deadlines(),
        clock=clock,
        entropy=entropy,
        new_id=new_id,
    )

    def opened(person: Correspondent) -> Contact:
        return planning.open_contact(person, ring)

    def tag(correspondent: str, form: Form, address: str) -> bytes:
        return planning.address_tag(correspondent, form, address, ring)

    def word(correspondent: str, kind: str, values: Mapping[str, Value]) -> Draft:
        return calling.notice_to(correspondent, kind, _PURPOSE, values, desk)

    return PostRoom(
        people=store.correspondents,
        notices=store.notices,
        open=opened,
        tag=tag,
        word=word,
        check_url=carriers.hooks(settings).courier.check_url,
        new_id=new_id,
        subscriptions=store.subscriptions,
        streams=settings.jetstream is not None,
        open_target=lambda subscription: pushing.opened(subscription, ring),
    )
