"""THE NOTICE: something is to be said to somebody, and goes the way the law lets it go.

    1 plan      the form, and the words (`gateway.planning`)
    2 claim     kept, before anything leaves the house: a crash never makes a second letter of it
    3 hand over to their own door, a webhook, or GOV.UK Notify
    4 enter     sent, in the ledger: by which form, on which agreement, and when it counts as served
    5 settle    what the carrier says became of it; what failed goes by post

Where there is no postal address either the notice is stuck, and somebody is told; it is never
quietly lost.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.calling import notice_to
from gateway.core.backoff import next_try
from gateway.core.carriage import Letters, NotTakenError
from gateway.core.channel import NoWayError
from gateway.core.correspondent import DOORS
from gateway.core.deadlines import Nation, uk_day
from gateway.core.envelope import NONCE_BYTES, derive
from gateway.core.instant import read, written
from gateway.core.ledger import commitment
from gateway.core.limits import NOTICES_AT_A_TIME, NOTICES_HANDED_OVER
from gateway.core.notice_item import NOTICE_SALT, Draft, Notice, Posted, Sent, Wording, text_of
from gateway.core.notices import written_day
from gateway.core.order_terms import ORDERS
from gateway.planning import MootError, Outbox, Plan, envelope_of, plan

# How long a carrier may take before somebody else takes the notice up.
_CLAIMED: Final = dt.timedelta(minutes=5)
_WEEK: Final = dt.timedelta(days=7)
# Kinds whose sending is the service of their request.
SERVING: Final = frozenset({"information_request", *(each.notice for each in ORDERS.values())})


async def dispatch(outbox: Outbox) -> int:
    """Send whatever waits and may go now; how many notices went.

    A notice that a fault of ours keeps back is put off and holds nobody else up; the fault is raised
    once all the others went.
    """
    went = 0
    faults: list[BaseException] = []
    while True:
        waiting = outbox.notices.to_send(written(outbox.clock()), NOTICES_AT_A_TIME)
        plans = []
        for notice in waiting:
            try:
                plans.append(plan(notice, outbox))  # 1
            except NoWayError:
                await outbox.notices.stick(notice.id)
            except MootError:
                await outbox.notices.settle(notice.id, "dropped", None, None)
            except Exception as fault:  # noqa: BLE001 - whatever it is, the others must go
                faults.append(fault)
                later = written(outbox.clock() + _CLAIMED)
                await outbox.notices.again(notice.id, later, notice.avoid)
        here = [each for each in plans if each.form in DOORS]
        if here:
            await outbox.notices.sent([_sent(each, None, outbox) for each in here])
        gate = asyncio.Semaphore(NOTICES_HANDED_OVER)
        carried = await asyncio.gather(
            *(_carry(each, outbox, gate) for each in plans if each.form not in DOORS),
            return_exceptions=True,
        )
        faults += [each for each in carried if isinstance(each, BaseException)]
        went += len(here) + sum(each is True for each in carried)
        if len(waiting) < NOTICES_AT_A_TIME:
            break
    if faults:
        raise faults[0]
    return went


# --- 2 claim, 3 hand over, 4 enter --------------------------------------------------------------


async def _carry(planned: Plan, outbox: Outbox, gate: asyncio.Semaphore) -> bool:
    """Hand one notice to its carrier; whether it was taken."""
    notice = planned.notice
    async with gate:
        now = outbox.clock()
        if planned.form in {"email", "post"} and outbox.letters is None:
            await outbox.notices.stick(notice.id)
            return False
        sealed = _seal(planned, outbox)
        until = written(now + _CLAIMED)
        claimed = await outbox.notices.claim(  # 2
            notice.id, notice.tries, planned.form, sealed, until, planned.code
        )
        if not claimed:
            return False  # somebody else has it
        try:
            carried = await _hand_over(planned, now, outbox)  # 3
        except NotTakenError as error:
            await _put_back(planned, error, outbox)
            return False
        await outbox.notices.sent([_sent(planned, carried, outbox, sealed)])  # 4
        return True


async def _hand_over(planned: Plan, now: dt.datetime, outbox: Outbox) -> str | None:
    notice, contact = planned.notice, planned.contact
    if planned.form == "webhook":
        told = {
            "type": "notice",
            "id": notice.id,
            "kind": notice.kind,
            "request": notice.request,
        }
        if notice.request is not None:
            told["location"] = f"{outbox.issuer}/v1/requests/{notice.request}"
        payload = msgspec.json.encode(told)
        await outbox.hooks.call(
            contact.webhook or "", contact.secret or "", notice.id, payload, now
        )
        return None
    assert outbox.letters is not None
    language = planned.wording.language or "en"
    said = (planned.kind, language, planned.values, notice.id)
    again = notice.tries > 0
    if planned.form == "email":
        return await outbox.letters.email(contact.email or "", *said, again=again)
    return await outbox.letters.letter(contact.address, *said, again=again)


async def _put_back(planned: Plan, error: NotTakenError, outbox: Outbox) -> None:
    """Try again later; by another form where this one is no use, and never more than that."""
    notice = planned.notice
    later = (
        next_try(notice.tries + 1, read(notice.made), outbox.chance()) if error.temporary else None
    )
    if later is None and planned.form == "post":
        await outbox.notices.stick(notice.id)
    elif later is None:
        avoid = " ".join(sorted({*notice.avoid.split(), planned.form}))
        await outbox.notices.again(notice.id, written(outbox.clock()), avoid)
        if planned.form == "webhook":
            await _tell_failing(planned, outbox)
    else:
        soon = outbox.clock() + dt.timedelta(seconds=5)
        await outbox.notices.again(notice.id, written(max(later, soon)), notice.avoid)


async def _tell_failing(planned: Plan, outbox: Outbox) -> None:
    """Tell somebody, once a week at most, that their webhook does not take what is sent to it."""
    now, kind = outbox.clock(), "webhook_failing"
    notice, language = planned.notice, planned.wording.language or "en"
    if outbox.notices.made_since(notice.correspondent, kind, written(now - _WEEK)):
        return
    values = {
        "webhook": urlsplit(planned.contact.webhook or "").hostname or "webhook",
        "failing_since": written_day(uk_day(read(notice.made)), language),
        "stops_on": written_day(uk_day(now), language),
    }
    await outbox.notices.add(notice_to(notice.correspondent, kind, "receipts", values, outbox))


def _seal(planned: Plan, outbox: Outbox) -> bytes:
    packed = msgspec.json.encode(planned.wording)
    return planned.envelope.seal(b"notice", 0, packed, outbox.entropy(NONCE_BYTES))


def _sent(planned: Plan, carried: str | None, outbox: Outbox, sealed: bytes | None = None) -> Sent:
    """That a notice went, with the commitment to its words that the ledger holds."""
    wording = planned.wording
    said = text_of(wording).encode()
    salt = derive(planned.envelope.key, NOTICE_SALT)
    return Sent(
        notice=planned.notice.id,
        form=planned.form,
        agreement=planned.agreement,
        sealed=sealed or _seal(planned, outbox),
        reference=carried,
        deemed_on=planned.deemed_on.isoformat(),
        deemed_by=planned.deemed_by,
        content=commitment(salt, hashlib.sha256(said).digest()),
        # A letter serves on the day on which it is posted, which its carrier tells later.
        serves=planned.notice.kind in SERVING and planned.form != "post",
        due=None if planned.due is None else planned.due.isoformat(),
    )


# --- 5 settle -----------------------------------------------------------------------------------


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


async def _fate(notice: Notice, letters: Letters, outbox: Outbox, gate: asyncio.Semaphore) -> bool:
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
    envelope = envelope_of(notice, outbox)
    said = msgspec.json.decode(envelope.open(b"notice", 0, notice.sealed), type=Wording)
    return notice_to(
        notice.correspondent, notice.kind, notice.purpose, said.values, outbox, notice.request
    )
