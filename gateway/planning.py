"""THE PLAN of a notice: who it is for, which way the law lets it go, and what it says.

An electronic way needs a live agreement to party, purpose, form and the very address that is known
now (SI 2009/3151 Sch 1 para 2). A preference for post beats every agreement, and where nothing covers
it a notice goes by post. Somebody who has no door of ours gets an access code with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

import msgspec

from gateway.core.access_code import fresh_code, tag_of
from gateway.core.carriage import Hooks, Letters
from gateway.core.channel import Form, Purpose, choose
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
from gateway.core.envelope import Envelope
from gateway.core.notice_item import Draft, Notice, Posted, Sent, Wording
from gateway.core.notice_values import About, Code, values_of
from gateway.core.notices import Kind, Templates, Value
from gateway.core.order_terms import ORDERS
from gateway.core.request_item import Stored
from gateway.core.request_life import ENDED, State

_WITH_CODE: Final = {
    "information_request": "information_request_with_code",
    "reminder": "reminder_with_code",
}


class MootError(Exception):
    """A notice with nothing left to say: its request is not asked any more, or is answered."""


class Notices(Protocol):
    """Remembers notices; every change is durable on return.

    `claim` gives whether the notice stood as it was found, with so many tries, and so is the caller's.
    """

    def to_send(self, now: str, limit: int) -> list[Notice]: ...
    def on_their_way(self, since: str, after: str, limit: int) -> list[Notice]: ...
    async def claim(
        self,
        notice: str,
        tries: int,
        form: str,
        sealed: bytes,
        until: str,
        code: tuple[bytes, str] | None,
    ) -> bool: ...
    async def sent(self, sent: Sequence[Sent]) -> None: ...
    async def again(self, notice: str, next_try: str, avoid: str) -> None: ...
    def made_since(self, correspondent: str, kind: str, since: str) -> bool: ...
    async def add(self, draft: Draft) -> None: ...
    async def stick(self, notice: str) -> None: ...
    async def wake(self, now: str) -> None: ...
    async def settle(
        self, notice: str, state: str, successor: Draft | None, posted: Posted | None
    ) -> None: ...


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


def plan(notice: Notice, outbox: Outbox) -> Plan:
    """By which form a notice goes now, and what it says; raises NoWayError and MootError."""
    person = outbox.correspondents.correspondent(notice.correspondent)
    contact, nation, language = _contact(person, outbox)
    now = outbox.clock()
    request = None if notice.request is None else outbox.requests.request(notice.request)
    if request is not None and _is_moot(notice, request):
        raise MootError
    form, agreement = _form(notice, contact, outbox)
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
    envelope = envelope_of(notice, outbox)
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


def _is_moot(notice: Notice, request: Stored) -> bool:
    """Whether it would ask for what is not asked any more; an order is served, answered or not."""
    if request.state is State.WITHDRAWN or request.erased is not None:
        return request.erased is not None or notice.kind != "withdrawn"
    return request.state in ENDED and notice.purpose != "orders"


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


def envelope_of(notice: Notice, outbox: Outbox) -> Envelope:
    """What opens, and seals, the words of a notice."""
    assert notice.wrapped_key is not None, "an erased notice is not sent"
    return Envelope(outbox.vault.unwrap(notice.wrapped_key, notice.id.encode()), notice.id)
