"""THE NOTICE: something is to be said to somebody, and goes the way the law lets it go.

    1 plan      who is it for, what did they agree to, what do they prefer: the form, or post
    2 word      its text, in their language; an access code where they have no account
    3 claim     kept, before anything leaves the house: a crash never makes a second letter of it
    4 hand over to their own door, a webhook, or GOV.UK Notify
    5 enter     sent, in the ledger: by which form, on which agreement, and when it counts as served
    6 settle    what the carrier says became of it; what failed goes by post

Where no agreement covers party, purpose, form and address there is post, and where there is no
postal address the notice is stuck, and somebody is told; it is never quietly lost.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import msgspec

from gateway.core.access_code import fresh_code, tag_of
from gateway.core.backoff import next_try
from gateway.core.carriage import Hooks, Letters, NotTakenError
from gateway.core.channel import Form, NoWayError, Purpose, choose
from gateway.core.correspondent import (
    DOORS,
    Agreed,
    Contact,
    Correspondent,
    Language,
    Preferred,
    as_rules,
)
from gateway.core.deadlines import Deadlines, Nation, uk_day
from gateway.core.envelope import NONCE_BYTES, Envelope, derive
from gateway.core.instant import read, written
from gateway.core.ledger import commitment
from gateway.core.limits import NOTICES_AT_A_TIME, NOTICES_HANDED_OVER
from gateway.core.notice_item import NOTICE_SALT, Draft, Notice, Posted, Sent, Wording, text_of
from gateway.core.notice_values import About, Code, values_of
from gateway.core.notices import Kind, Templates, Value
from gateway.core.order_terms import ORDERS
from gateway.core.request_item import Stored
from gateway.core.request_life import ENDED

# How long a carrier may take before somebody else takes the notice up.
_CLAIMED: Final = dt.timedelta(minutes=5)
# Kinds whose sending is the service of their request.
SERVING: Final = frozenset({"information_request", *(each.notice for each in ORDERS.values())})
_WITH_CODE: Final = {
    "information_request": "information_request_with_code",
    "reminder": "reminder_with_code",
}


class Notices(Protocol):
    """Remembers notices; every change is durable on return."""

    def to_send(self, now: str, limit: int) -> list[Notice]: ...
    def on_their_way(self, since: str, after: str, limit: int) -> list[Notice]: ...
    async def claim(
        self, notice: str, form: str, sealed: bytes, until: str, code: tuple[bytes, str] | None
    ) -> None: ...
    async def sent(self, sent: Sequence[Sent]) -> None: ...
    async def again(self, notice: str, next_try: str, avoid: str) -> None: ...
    async def stick(self, notice: str) -> None: ...
    async def settle(outbox: Outbox, since: dt.datetime) -> int:
    """Ask what became of e-mails and letters sent since then; what failed goes by post.

    A letter serves its request on the day on which it is posted, and not before. How many were
    settled.
    """
    if outbox.letters is None:
        return 0
    settled, after = 0, ""
    while found := outbox.notices.on_their_way(written(since), after, NOTICES_AT_A_TIME):
        gate = asyncio.Semaphore(NOTICES_HANDED_OVER)
        settled += sum(
            await asyncio.gather(*(_fate(each, outbox.letters, outbox, gate) for each in found))
        )
        after = found[-1].id
    return settled


async def _fate(
    notice: Notice, letters: Letters, outbox: Outbox, gate: asyncio.Semaphore
) -> bool:
    """What became of one notice, entered once it is known."""
    async with gate:
        try:
            fate, at = await letters.fate(notice.reference or "")
        except NotTakenError:
            return False  # asked again the next time
    if fate == "on_its_way":
        return False
    posted = _posted(notice, at, outbox) if fate == "delivered" else None
    successor = _successor(notice, outbox) if fate == "failed" else None
    await outbox.notices.settle(notice.id, fate, successor, posted)
    return True


def _posted(notice: Notice, at: dt.datetime, outbox: Outbox) -> Posted | None:
    """When a letter counts as served; None for what serves nothing, or did so when it was sent."""
    request = None if notice.request is None else outbox.requests.request(notice.request)
    if notice.form != "post" or notice.kind not in SERVING or request is None:
        return None
    person = outbox.correspondents.correspondent(notice.correspondent)
    nation: Nation = "england_wales" if person is None else person.nation
    order = ORDERS.get(request.kind)
    bank = order is not None and order.to_bank
    day = outbox.deadlines.deemed("post", at, order=bank, nation=nation).on
    due = None
    if order is not None and request.served_on is None:
        due = outbox.deadlines.due(order.deadline, day, nation).day.isoformat()
    return Posted(deemed_on=day.isoformat(), due=due)


def _successor(notice: Notice, outbox: Outbox) -> Draft | None:
    """The same notice once more, to go by another form; a letter that came back has none."""
    if notice.form == "post" or notice.sealed is None:
        return None
    envelope = _envelope(notice, outbox)
    said = msgspec.json.decode(envelope.open(b"notice", 0, notice.sealed), type=Wording)
    identity, key = outbox.new_id("ntc"), outbox.entropy(32)
    packed = msgspec.json.encode(Wording(values=said.values))
    return Draft(
        id=identity,
        request=notice.request,
        correspondent=notice.correspondent,
        kind=notice.kind,
        purpose=notice.purpose,
        wrapped_key=outbox.vault.wrap(key, identity.encode()),
        sealed=Envelope(key, identity).seal(b"notice", 0, packed, outbox.entropy(NONCE_BYTES)),
        next_try=written(outbox.clock()),
    )
