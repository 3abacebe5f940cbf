"""May this be asked? Pure: purpose, citation, class, record types, due date, and an order's terms.

Where the duty table does not allow it, the refusal says what it would allow.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from gateway.core.deadlines import Deadlines
from gateway.core.duty import Law
from gateway.core.groups.person import Where, Who
from gateway.core.identifiers import IdentifierError, nino
from gateway.core.identity import Caller
from gateway.core.order_terms import KINDS, ORDERS, terms_of
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import INFORMATION, Stored

_CITATION_CHARS: Final = 200
_REFERENCE_CHARS: Final = 100
_NAME_CHARS: Final = 200
_LATEST: Final = dt.timedelta(days=366)


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a consumer asks: of whom, about whom, why, for which records, and by when.

    `kind` and `terms` make it an order (`gateway.core.order_terms`), whose due date follows from its
    service. `addresses` are those known of the person. A draft reaches nobody until it is issued.
    """

    organisation: str
    purposes: tuple[str, ...]
    citation: str
    subject: Who
    record_types: tuple[str, ...] = ()
    due: dt.date | None = None
    reference: str | None = None
    kind: str = INFORMATION
    terms: dict[str, Any] | None = None
    addresses: tuple[Where, ...] = ()
    parent_asked_first: bool | None = None
    why_not: str | None = None
    draft: bool = False


class Party(Protocol):
    """An organisation as the registry knows it."""

    @property
    def kind(self) -> str: ...
    @property
    def classes(self) -> frozenset[str]: ...


class Parties(Protocol):
    """Knows who there is."""

    def party(self, identity: str, day: dt.date) -> Party | None: ...


class Allowed(NamedTuple):
    """What may be asked: for which records, by which day, and in which class of the organisation."""

    record_types: tuple[str, ...]
    due: dt.date
    provider_class: str


def permit(
    caller: Caller,
    asking: Asking,
    parties: Parties,
    law: Law,
    deadlines: Deadlines,
    day: dt.date,
) -> Allowed:
    """What may be asked on a day; raises Refused, naming what the law does not allow."""
    if caller.kind != "consumer":
        raise Refused(Reason.NOT_PERMITTED, "Only consumers ask.")
    types, due = _what(asking, deadlines, day)
    allowed = {p for feed in caller.classes for p in law.purposes_of(feed)}
    if not asking.purposes or not set(asking.purposes) <= allowed:
        raise Refused(
            Reason.NO_PURPOSE,
            f"A request names a purpose of its team: {', '.join(sorted(allowed))}.",
        )
    citation = asking.citation
    if not citation.strip() or len(citation) > _CITATION_CHARS or not citation.isprintable():
        raise _not_valid("citation says which law obliges the answer, in a line.")
    _check_texts(asking)
    if not day <= due <= day + _LATEST:
        raise _not_valid("due is a day that is still to come, within a year.")
    if asking.subject.nino is not None:
        try:
            nino(asking.subject.nino)
        except IdentifierError as error:
            raise _not_valid("subject.nino is not a National Insurance number.") from error
    party = parties.party(asking.organisation, day)
    if party is None or party.kind != "organisation":
        raise _not_valid("There is no such organisation.")
    order = ORDERS.get(asking.kind)
    classes = party.classes if order is None else party.classes & order.provider_classes
    may = law.may_be_asked(classes, asking.purposes, day)
    if not types or not set(types) <= may:
        told = f"This organisation may be asked for: {', '.join(sorted(may))}."
        nothing = "This organisation may be asked for nothing for these purposes today."
        raise _not_valid(told if may else nothing)
    fit = [c for c in classes if set(types) <= law.may_be_asked((c,), asking.purposes, day)]
    return Allowed(types, due, min(fit or classes))


def _check_texts(asking: Asking) -> None:
    """See that names and references are of a length that can be, and that somebody is meant."""
    reference = asking.reference or ""
    if len(reference) > _REFERENCE_CHARS or not reference.isprintable():
        raise _not_valid(f"reference has up to {_REFERENCE_CHARS} characters, in a line.")
    who = asking.subject
    named = (who.name, who.surname, who.forenames, who.nino, who.cms_reference, who.payroll_number)
    if not any(named) and not who.identifiers:
        raise _not_valid("subject says whom it is about: a name, or an identifier.")
    if any(len(text or "") > _NAME_CHARS for text in (*named, *who.former_names)):
        raise _not_valid(f"What stands in subject has up to {_NAME_CHARS} characters each.")


class Tags(Protocol):
    """Makes look-up tags under a key of our own."""

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        """A tag, the same for the same parts."""


def question_tag(consumer: str, asking: Asking, tags: Tags) -> bytes:
    """How it is known that the same was asked before: of whom, about whom, why and for what."""
    alike = (
        asking.organisation,
        sorted(set(asking.purposes)),
        sorted(set(asking.record_types)),
        asking.kind,
        asking.terms,
        asking.subject,
    )
    packed = msgspec.json.encode(alike, order="deterministic")
    return tags.tag("question", consumer.encode(), packed)


def still_permitted(request: Stored, parties: Parties, law: Law, day: dt.date) -> None:
    """See that what was drafted may still be asked on a day; raises Refused."""
    party = parties.party(request.organisation, day)
    classes: frozenset[str] = frozenset() if party is None else party.classes
    if not set(request.record_types) <= law.may_be_asked(classes, request.purposes, day):
        raise _not_valid("The law no longer allows this to be asked of the organisation.")
    if request.kind == INFORMATION and request.due < day.isoformat():
        raise _not_valid("The day by which the answer was needed has passed; draft it anew.")


def _what(asking: Asking, deadlines: Deadlines, day: dt.date) -> tuple[tuple[str, ...], dt.date]:
    """Record types asked for, and the day they are due by, as far as that can be said now."""
    if asking.kind not in KINDS:
        raise _not_valid(f"kind is one of: {', '.join(KINDS)}.")
    order = ORDERS.get(asking.kind)
    if order is None:
        if asking.terms is not None:
            raise _not_valid("terms go with an order; an information request has none.")
        if asking.due is None:
            raise _not_valid("due says by which day the answer is needed.")
        return tuple(sorted(set(asking.record_types))), asking.due
    try:
        terms_of(asking.kind, asking.terms)
    except msgspec.ValidationError as error:
        raise _not_valid(f"The terms of this order {_fault(error)}") from error
    if asking.due is not None or asking.record_types:
        raise _not_valid("An order's due date and its answer follow from the law; leave them out.")
    # Service fixes it; until then this is the earliest that it can be.
    return (order.record_type,), deadlines.due(order.deadline, day, "england_wales").day


def _not_valid(detail: str) -> Refused:
    return Refused(Reason.PARAMETER_NOT_VALID, detail)


def _fault(error: msgspec.ValidationError) -> str:
    """Where something is wrong, without the value that was found there."""
    text = str(error)
    if text.startswith("Object missing required field"):
        return f"lack {text.split('`')[1]}."
    if text.startswith("Object contains unknown field"):
        return "have a member that does not belong in them."
    at = text.rfind(" - at `")
    return f"are not valid at {text[at + 7 : -1]}." if at >= 0 else "are not an object."
