"""THE ASK: an information request, from draft to answered, refused, withdrawn or escalated.

    1 authenticate   which consumer asks, or which organisation looks?
    2 permit         a purpose that is the consumer's, a record type the organisation may send
    3 seal           the subject's identifiers, under a key of their own
    4 enter          raised, and issued, in the ledger, without a word about the subject
    5 serve          by a notice (`gateway.notice`), which says that it waits
    6 live           acknowledged, asked about, answered: each step by the table of
                     `gateway.core.request_life`, each an entry

A request without a purpose in law is refused here, before it can reach anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec

from gateway.calling import calling_for, notice_of
from gateway.core.deadlines import uk_day
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.groups.person import Where, Who
from gateway.core.identity import Caller
from gateway.core.instant import read, written
from gateway.core.limits import CLARIFICATIONS
from gateway.core.order_terms import order_tag
from gateway.core.permission import Asking, permit, question_tag, still_permitted
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.request_life import ENDED, OPEN, Event, State, left
from gateway.core.subject import Subject, least
from gateway.desk import Desk

SCOPE: Final = "requests"
_TEXT_CHARS: Final = 4_000
_SOMEBODY: Final = Caller("", "organisation", frozenset(), "", frozenset(), "")


# --- asking -------------------------------------------------------------------------------------


async def ask(caller: Caller, asking: Asking, desk: Desk) -> Stored:
    """Raise a request; raises Refused, naming what the law does not allow."""
    stored = drafted(caller, asking, desk)  # 2, 3
    notices = () if asking.draft else (calling_for(stored, desk),)
    await desk.requests.raise_requests((stored,), notices)  # 4
    desk.sent()  # 5
    return stored


def drafted(caller: Caller, asking: Asking, desk: Desk, batch: str | None = None) -> Stored:
    """A request as it would be stored, if it may be asked; raises Refused."""
    day = uk_day(desk.clock())
    allowed = permit(caller, asking, desk.parties, desk.law, desk.deadlines, day)  # 2
    identity, key = desk.new_id("req"), desk.entropy(32)
    envelope = Envelope(key, identity)
    subject = Subject(
        who=asking.subject,
        where=asking.addresses,
        parent_asked_first=asking.parent_asked_first,
        why_not=asking.why_not,
    )

    def sealed(kind: bytes, value: object) -> bytes:
        return envelope.seal(kind, 0, msgspec.json.encode(value), desk.entropy(NONCE_BYTES))

    return Stored(
        id=identity,
        organisation=asking.organisation,
        consumer=caller.party,
        purposes=tuple(sorted(set(asking.purposes))),
        citation=asking.citation,
        record_types=allowed.record_types,
        reference=asking.reference,
        wrapped_key=desk.vault.wrap(key, identity.encode()),
        subject=sealed(b"subject", subject),  # 3
        raised=written(desk.clock()),
        due=allowed.due.isoformat(),
        kind=asking.kind,
        state=State.DRAFTED if asking.draft else State.ISSUED,
        events=1 if asking.draft else 2,
        provider_class=allowed.provider_class,
        batch=batch,
        terms=None if asking.terms is None else sealed(b"terms", asking.terms),
        question=question_tag(caller.party, asking, desk.vault),
        order_tag=order_tag(asking.organisation, (asking.terms or {}).get("order"), desk.vault),
    )


async def call_again(identity: str, last: Callable[[str], str | None], desk: Desk) -> None:
    """Send a request that waits once more, with what opens it; once a day, `last` says when it was.

    The request is read first: a notice that was made since then has moved it on, or is the last.
    """
    rows = desk.requests.requests(identity=identity)
    if not rows or rows[0].state not in OPEN:
        return
    made, day_ago = last(identity), written(desk.clock() - dt.timedelta(days=1))
    if made is not None and made > day_ago:
        return
    notice = notice_of(rows[0], "reminder", "reminders", desk)
    seen = rows[0].events
    with suppress(Refused):  # not served yet, or it moved on: that is not said either
        await desk.requests.step(identity, Event.REMINDED, "gateway", notices=(notice,), since=seen)
        desk.sent()


# --- the consumer's steps -----------------------------------------------------------------------


async def issue(caller: Caller, identity: str, desk: Desk) -> Stored:
    """Send a draft on its way; raises Refused."""
    request = _raised_by(caller, identity, desk)
    still_permitted(request, desk.parties, desk.law, uk_day(desk.clock()))
    found = await desk.requests.step(
        identity,
        Event.ISSUED,
        caller.party,
        notices=(calling_for(request, desk),),
        seen=request.state,
    )
    desk.sent()
    return found


async def withdraw(caller: Caller, identity: str, desk: Desk) -> Stored:
    """Ask no longer; whoever was asked is told. Raises Refused."""
    request = _raised_by(caller, identity, desk)
    told = request.state is not State.DRAFTED
    notices = (notice_of(request, "withdrawn", "requests", desk),) if told else ()
    found = await desk.requests.step(
        identity, Event.WITHDRAWN, caller.party, notices=notices, seen=request.state
    )
    desk.sent()
    return found


async def explain(caller: Caller, identity: str, text: str, desk: Desk) -> Stored:
    """Answer the organisation's open question; its clock runs again. Raises Refused."""
    request = _raised_by(caller, identity, desk)
    n = len(desk.requests.clarifications(identity))
    sealed = _sealed_text(request, b"answer", n, text, desk)
    notice = notice_of(request, "clarification_answered", "requests", desk)
    day = uk_day(desk.clock())
    await desk.requests.explain(identity, caller.party, n, sealed, day, notice)
    desk.sent()
    return _raised_by(caller, identity, desk)


def _raised_by(caller: Caller, identity: str, desk: Desk) -> Stored:
    if caller.kind != "consumer":
        raise Refused(Reason.NOT_PERMITTED, "Only the consumer that asked can do this.")
    return found(caller, identity, desk)


# --- the organisation's steps -------------------------------------------------------------------


async def acknowledge(caller: Caller, identity: str, desk: Desk) -> Stored:
    """Say that a request has arrived and is in hand; saying it again changes nothing."""
    request = asked_of(caller, identity, desk)
    done = {each.event for each in desk.requests.history(identity)}
    if request.state in ENDED or Event.ACKNOWLEDGED in done:
        return request
    return await desk.requests.step(identity, Event.ACKNOWLEDGED, caller.party)


async def query(caller: Caller, identity: str, text: str, desk: Desk) -> Stored:
    """Ask the officer what is meant; the clock stands still until there is an answer.

    Who has had as many days so as the table of deadlines gives may still ask, and time runs on.
    """
    request = asked_of(caller, identity, desk)
    before = desk.requests.clarifications(identity)
    day = uk_day(desk.clock())
    if len(before) >= CLARIFICATIONS:
        told = f"There were {CLARIFICATIONS} questions already; speak to the officer."
        raise Refused(Reason.REQUEST_STATE, told)
    if request.due < day.isoformat():
        raise Refused(
            Reason.REQUEST_STATE, "Its day has passed; answer it, or speak to the officer."
        )
    n = len(before) + 1
    stood = sum(
        (uk_day(read(each.answered)) - uk_day(read(each.asked))).days
        for each in before
        if each.answered is not None
    )
    stops = stood < desk.deadlines.days("CLOCK_STOPS", day)[0]
    sealed = _sealed_text(request, b"question", n, text, desk)
    await desk.requests.ask(identity, caller.party, n, sealed, day, stops=stops)
    return asked_of(caller, identity, desk)


def asked_of(caller: Caller, identity: str, desk: Desk) -> Stored:
    """A request that was sent to the caller; raises Refused."""
    if caller.kind != "organisation":
        raise Refused(Reason.NOT_PERMITTED, "Only the organisation that is asked can do this.")
    return found(caller, identity, desk)


def _sealed_text(request: Stored, kind: bytes, n: int, text: str, desk: Desk) -> bytes:
    if not text.strip() or len(text) > _TEXT_CHARS:
        raise Refused(Reason.PARAMETER_NOT_VALID, f"text has from 1 to {_TEXT_CHARS} characters.")
    return envelope_of(request, desk).seal(kind, n, text.encode(), desk.entropy(NONCE_BYTES))


# --- looking ------------------------------------------------------------------------------------


def found(caller: Caller, identity: str, desk: Desk) -> Stored:
    """A request the caller raised, or that was sent to it; raises Refused(REQUEST_NOT_FOUND)."""
    rows = desk.requests.requests(**_of(caller), identity=identity)
    if not rows or caller.only not in {None, identity}:
        raise Refused(Reason.REQUEST_NOT_FOUND)
    return rows[0]


def listed(
    caller: Caller,
    desk: Desk,
    *,
    states: Iterable[str] = (),
    batch: str | None = None,
    before: str | None = None,
    limit: int = 1_000,
) -> list[dict[str, Any]]:
    """The requests a caller may see, newest first: those it raised, or those sent to it."""
    rows = desk.requests.requests(
        **_of(caller), identity=caller.only, states=states, batch=batch, before=before, limit=limit
    )
    return [shown(stored, caller, desk) for stored in rows]


def shown(stored: Stored, caller: Caller, desk: Desk) -> dict[str, Any]:
    """A request as a caller sees it; an organisation is told no more of a person than it needs."""
    told: dict[str, Any] = {
        "id": stored.id,
        "kind": stored.kind,
        "state": stored.state.value,
        "organisation": stored.organisation,
        "consumer": stored.consumer,
        "purposes": list(stored.purposes),
        "citation": stored.citation,
        "record_types": list(stored.record_types),
        "still_to_come": [] if stored.state in ENDED else left(stored.record_types, stored.covered),
        "reference": stored.reference,
        "batch": stored.batch,
        "raised": stored.raised,
        "served_on": stored.served_on,
        "due": stored.due,
        "clock_stopped": stored.stopped,
        "ended": stored.ended,
        "subject": None,
        "terms": None,
    }
    if stored.erased is not None:
        return told
    told["subject"] = subject_for(stored, caller, desk)
    told["terms"] = terms_of(stored, desk)
    return told


def in_full(stored: Stored, caller: Caller, desk: Desk) -> dict[str, Any]:
    """A request with what happened to it, and what was asked about it."""
    told = shown(stored, caller, desk)
    told["history"] = [
        {"event": each.event.value, "state": each.state.value, "at": each.at, "entry": each.entry}
        | {name: value for name in ("submission", "notice") if (value := getattr(each, name))}
        for each in desk.requests.history(stored.id)
    ]
    told["clarifications"] = []
    if stored.erased is None:
        envelope = envelope_of(stored, desk)
        told["clarifications"] = [
            {
                "asked": each.asked,
                "question": envelope.open(b"question", each.n, each.question).decode(),
                "answered": each.answered,
                "answer": None
                if each.answer is None
                else envelope.open(b"answer", each.n, each.answer).decode(),
            }
            for each in desk.requests.clarifications(stored.id)
        ]
    return told


def subject_of(stored: Stored, desk: Desk) -> Subject:
    """Whom a request is about, with all that is known."""
    sealed = envelope_of(stored, desk).open(b"subject", 0, stored.subject)
    if stored.events == 0:  # raised before requests had a life
        return Subject(who=msgspec.json.decode(sealed, type=Who))
    return msgspec.json.decode(sealed, type=Subject)


def terms_of(stored: Stored, desk: Desk) -> dict[str, Any] | None:
    """The terms of an order; None for a request that is none."""
    if stored.terms is None:
        return None
    found: dict[str, Any] = msgspec.json.decode(
        envelope_of(stored, desk).open(b"terms", 0, stored.terms)
    )
    return found


def subject_for(stored: Stored, caller: Caller, desk: Desk) -> dict[str, Any]:
    """Whom a request is about, in the words the caller needs: everything, or the least."""
    subject = subject_of(stored, desk)
    if caller.kind == "consumer" or stored.provider_class is None:
        whole: dict[str, Any] = msgspec.to_builtins(subject.who)
        known = {name: value for name, value in whole.items() if value}
        if subject.where:
            known["address"] = [
                {name: value for name, value in place.items() if value}
                for place in msgspec.to_builtins(subject.where)
            ]
        return known
    return least(subject, desk.law.finds_by(stored.provider_class))


def subject_told(stored: Stored, desk: Desk) -> Subject:
    """Whom a request is about, as far as its organisation is told."""
    told = subject_for(stored, _SOMEBODY, desk)
    where = msgspec.convert(told.pop("address", []), tuple[Where, ...])
    return Subject(who=msgspec.convert(told, Who), where=where)


def person_of(stored: Stored, caller: Caller, desk: Desk) -> Who:
    """Whom a request is about, without where they live: a message asks by who somebody is."""
    told = subject_for(stored, caller, desk)
    return msgspec.convert({n: v for n, v in told.items() if n != "address"}, Who)


def envelope_of(stored: Stored, desk: Desk) -> Envelope:
    """What opens the sealed parts of a request."""
    return Envelope(desk.vault.unwrap(stored.wrapped_key, stored.id.encode()), stored.id)


def _of(caller: Caller) -> dict[str, Any]:
    return {"organisation" if caller.kind == "organisation" else "consumer": caller.party}
