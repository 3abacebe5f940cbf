"""Feeds put together: where they are read, what became of them, and who has not collected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from gateway import calling, feed
from gateway.config import Settings
from gateway.core.notice_item import Draft
from gateway.core.notices import Value
from gateway.desk import Desk
from gateway.edge.keyring import KeyRing
from gateway.store.sqlite.store import Store
from gateway.uptake import Taking

# How often feeds are looked at that nobody collects.
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Shelves:
    """What reading feeds and answering for them is made of."""

    counter: feed.Counter
    taking: Taking


def made(settings: Settings, store: Store, ring: KeyRing, desk: Desk) -> Shelves:
    """Feeds, on a store and a key ring; `desk` makes the notices."""
    counter = feed.Counter(
        shelf=store.shelf,
        ledger=store.evidence,
        unwrap=ring.unwrap,
        feeds=frozenset(desk.law.feeds),
        issuer=settings.issuer,
        signer=ring.evidence,
        clock=desk.clock,
    )

    def tell(party: str, kind: str, values: Mapping[str, str]) -> Draft:
        told: dict[str, Value] = dict(values)
        if "submission" in values:
            link = f"{settings.issuer}/v1/submissions/{values['submission']}/rejections"
            return calling.notice_to(
                party, kind, "corrections", told | {"rejections_link": link}, desk
            )
        told["feed_link"] = f"{settings.issuer}/v1/feeds/{values['feed']}/status"
        return calling.notice_to(party, kind, "reminders", told, desk)

    taking = Taking(
        shelf=store.shelf,
        uptakes=store.uptakes,
        check=lambda caller, name: feed.check_reader(caller, name, counter),
        block=lambda item, source: feed.opened(item, source, counter)[0],
        tell=tell,
        uncollected=dt.timedelta(hours=settings.uncollected_hours),
        sent=desk.sent,
    )
    return Shelves(counter, taking)
