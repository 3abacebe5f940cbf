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
from gateway.core.notice_item import NOTICE_SALT, Draft, Notice, Sent, Wording, text_of
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
    async def settle(self, notice: str, state: str, successor: Draft | None) -> None: ...


class Requests(Protocol):
    """Remembers requests."""

    def request(self, identity: str) -> Stored | None: ...


class Correspondents(Protocol):
    """Knows how people are reached, what they agreed to and what they prefer."""

    def correspondent(self, identity: str) -> Correspondent | None: ...
    def agreements(self, identity: str) -> list[Agreed]: ...
    def preferences(self, identity: str) -> list[Preferred]: ...


class Doors(Protocol):
    """Knows by which doors of ours a party comes in: its forms, of `api` and `sftp`."""

    def doors(self, party: str) -> frozenset[Form]: ...


class Vault(Protocol):
    """Wraps and unwraps keys, and makes look-up tags."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """What sending is made of; built once by `gateway.wiring`.

    `subject` gives what an organisation is told of the person a request is about, and `terms` those
    of an order. `letters` is None where there is no carrier of post; then it waits.
    """

    notices: Notices
    requests: Requests
    correspondents: Correspondents
    doors: Doors
    letters: Letters | None
    hooks: Hooks
    vault: Vault
    deadlines: Deadlines
    templates: Templates
    subject: Callable[[Stored], dict[str, object]]
    terms: Callable[[Stored], dict[str, object] | None]
    issuer: str
    contact: str
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]
    chance: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """A notice that may go now: to whom, by which form, on which agreement, in which words."""

    notice: Notice
    envelope: Envelope
    form: Form
    agreement: str | None
    nation: Nation
    contact: Contact
    request: Stored | None
    kind: Kind
    values: dict[str, Value]
    wording: Wording
    deemed_on: dt.date
    deemed_by: str
    due: dt.date | None
    code: tuple[bytes, str] | None


async def dispatch(outbox: Outbox) -> int:
    """Send whatever waits and may go now; how many notices went."""
    went = 0
    while True:
        waiting = outbox.notices.to_send(written(outbox.clock()), NOTICES_AT_A_TIME)
        plans = []
        for notice in waiting:
            try:
                plans.append(plan(notice, outbox))  # 1, 2
            except NoWayError:
                await outbox.notices.stick(notice.id)
        here = [each for each in plans if each.form in DOORS]
        if here:
            await outbox.notices.sent([_sent(each, None, outbox) for each in here])
        gate = asyncio.Semaphore(NOTICES_HANDED_OVER)
        carried = await asyncio.gather(
            *(_carry(each, outbox, gate) for each in plans if each.form not in DOORS)
        )
        went += len(here) + sum(carried)
        if len(waiting) < NOTICES_AT_A_TIME:
            return went


# --- 1 plan, 2 word -----------------------------------------------------------------------------


def plan(notice: Notice, outbox: Outbox) -> Plan:
    """By which form a notice goes now, and what it says; raises NoWayError."""
    person = outbox.correspondents.correspondent(notice.correspondent)
    contact, nation, language = _contact(person, outbox)
    now = outbox.clock()
    form, agreement = _form(notice, contact, outbox)
    request = None if notice.request is None else outbox.requests.request(notice.request)
    kind = cast("Kind", notice.kind)
    order = None if request is None else ORDERS.get(request.kind)
    served = outbox.deadlines.deemed(
        "post" if form == "post" else "electronic",
        now,
        order=order is not None and order.to_bank,
        nation=nation,
    )
    due = None
    if order is not None and request is not None and request.served_on is None:
        due = outbox.deadlines.due(order.deadline, served.on, nation).day
    envelope = _envelope(notice, outbox)
    before = msgspec.json.decode(envelope.open(b"notice", 0, notice.sealed or b""), type=Wording)
    code, row = None, None
    if _needs_code(notice, form, request, outbox):
        code, row = _code(request, due, before, outbox)
        kind = cast("Kind", _WITH_CODE.get(kind, kind))
    about = None
    if request is not None and request.erased is None:
        about = About(
            reference=request.id,
            law=request.citation,
            due=due or dt.date.fromisoformat(request.due),
            tell_by=outbox.deadlines.due("DEO_NOT_EMPLOYED", served.on, nation).day,
            terms=outbox.terms(request),
            subject=outbox.subject(request) if order is not None else None,
        )
    values = values_of(about, language, code, outbox.issuer, outbox.contact, by_post=form == "post")
    values |= before.values
    rendered = outbox.templates.render(kind, language, values)
    wording = Wording(
        values=before.values,
        language=language,
        subject=rendered.subject,
        body=rendered.body,
        address=contact.address_of(form),
        code=None if code is None else code.text,
    )
    return Plan(
        notice=notice,
        envelope=envelope,
        form=form,
        agreement=agreement,
        nation=nation,
        contact=contact,
        request=request,
        kind=kind,
        values=values,
        wording=wording,
        deemed_on=served.on,
        deemed_by=served.citation,
        due=due,
        code=row,
    )


def _contact(person: Correspondent | None, outbox: Outbox) -> tuple[Contact, Nation, Language]:
    """How somebody is reached; of whom nothing is known, by their own door at most."""
    if person is None:
        return Contact(), "england_wales", "en"
    return open_contact(person, outbox.vault), person.nation, person.language


def open_contact(person: Correspondent, vault: Vault) -> Contact:
    """How somebody is reached."""
    key = vault.unwrap(person.wrapped_key, person.id.encode())
    opened = Envelope(key, person.id).open(b"contact", 0, person.contact)
    return msgspec.json.decode(opened, type=Contact)


def _form(notice: Notice, contact: Contact, outbox: Outbox) -> tuple[Form, str | None]:
    """The form, and the agreement that it goes by; post where there is none."""
    avoid = set(notice.avoid.split())
    doors = outbox.doors.doors(notice.correspondent)
    held = [
        each
        for each in outbox.correspondents.agreements(notice.correspondent)
        if _covers(each, contact, notice.correspondent, outbox.vault)
    ]
    reachable: set[Form] = {"post"} if contact.address else set()
    if contact.email:
        reachable.add("email")
    if contact.webhook and contact.secret:
        reachable.add("webhook")
    chosen = choose(
        cast("Purpose", notice.purpose),
        uk_day(outbox.clock()),
        [each.as_rule() for each in held],
        as_rules(outbox.correspondents.preferences(notice.correspondent)),
        frozenset((reachable | doors) - avoid),
    )
    return chosen.form, None if chosen.agreement is None else chosen.agreement.address


def address_tag(correspondent: str, form: Form, address: str, vault: Vault) -> bytes:
    """How an agreement names the address it was made for, without holding it."""
    return vault.tag("agreed address", correspondent.encode(), form.encode(), address.encode())


def _covers(agreed: Agreed, contact: Contact, correspondent: str, vault: Vault) -> bool:
    """Whether an agreement was made for the address that is known now."""
    address = contact.address_of(agreed.form)
    return address is not None and agreed.address == address_tag(
        correspondent, agreed.form, address, vault
    )


def _needs_code(notice: Notice, form: Form, request: Stored | None, outbox: Outbox) -> bool:
    """Whether it goes to somebody who has no other way of opening the request."""
    if request is None or request.state in ENDED or form in DOORS or form == "webhook":
        return False
    return not outbox.doors.doors(notice.correspondent)


def _code(
    request: Stored | None, due: dt.date | None, before: Wording, outbox: Outbox
) -> tuple[Code, tuple[bytes, str]]:
    """An access code: the one made when this notice was claimed before, or a fresh one."""
    assert request is not None
    text = before.code or fresh_code(outbox.entropy)
    from_day = max(due or dt.date.fromisoformat(request.due), uk_day(outbox.clock()))
    expires = outbox.deadlines.due("CODE_EXPIRES", from_day, "england_wales").day
    return Code(text, expires), (tag_of(text, outbox.vault), expires.isoformat())


def _envelope(notice: Notice, outbox: Outbox) -> Envelope:
    assert notice.wrapped_key is not None, "an erased notice is not sent"
    return Envelope(outbox.vault.unwrap(notice.wrapped_key, notice.id.encode()), notice.id)


# --- 3 claim, 4 hand over, 5 enter --------------------------------------------------------------


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
        await outbox.notices.claim(notice.id, planned.form, sealed, until, planned.code)  # 3
        try:
            carried = await _hand_over(planned, now, outbox)  # 4
        except NotTakenError as error:
            await _put_back(planned, error, outbox)
            return False
        await outbox.notices.sent([_sent(planned, carried, outbox, sealed)])  # 5
        return True


async def _hand_over(planned: Plan, now: dt.datetime, outbox: Outbox) -> str | None:
    notice, contact = planned.notice, planned.contact
    if planned.form == "webhook":
        told = {
            "type": "notice",
            "id": notice.id,
            "kind": notice.kind,
            "request": notice.request,
            "location": f"{outbox.issuer}/v1/requests/{notice.request}",
        }
        payload = msgspec.json.encode(told)
        await outbox.hooks.call(
            contact.webhook or "", contact.secret or "", notice.id, payload, now
        )
        return None
    assert outbox.letters is not None
    language = cast("Language", planned.wording.language)
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
    else:
        soon = outbox.clock() + dt.timedelta(seconds=5)
        await outbox.notices.again(notice.id, written(max(later, soon)), notice.avoid)


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
        serves=planned.notice.kind in SERVING,
        due=None if planned.due is None else planned.due.isoformat(),
    )


# --- 6 settle -----------------------------------------------------------------------------------


async def settle(outbox: Outbox, since: dt.datetime) -> int:
    """Ask what became of e-mails and letters sent since then; what failed goes by post.

    How many were settled.
    """
    if outbox.letters is None:
        return 0
    settled, after = 0, ""
    while found := outbox.notices.on_their_way(written(since), after, NOTICES_AT_A_TIME):
        for notice in found:
            try:
                fate = await outbox.letters.fate(notice.reference or "")
            except NotTakenError:
                continue  # asked again the next time
            if fate != "on_its_way":
                successor = _successor(notice, outbox) if fate == "failed" else None
                await outbox.notices.settle(notice.id, fate, successor)
                settled += 1
        after = found[-1].id
    return settled


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
