"""THE ASK: an information request, from a consumer to an organisation.

    1 authenticate   which consumer asks, or which organisation looks?
    2 permit         a purpose that is the consumer's, a record type the organisation may send
    3 seal           the subject's identifiers, under a key of their own
    4 enter          raised, in the ledger, without a word about the subject

A request without a purpose in law is refused here, before it can reach anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from gateway.core.duty import Law
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.groups.person import Who
from gateway.core.identifiers import IdentifierError, nino
from gateway.core.identity import Caller
from gateway.core.instant import written
from gateway.core.refusal import Reason, Refused

SCOPE: Final = "requests"
_CITATION_CHARS: Final = 200


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a consumer asks: of whom, about whom, why, for which records, and by when."""

    organisation: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    subject: Who
    due: dt.date
    reference: str | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is stored; the subject is sealed under the wrapped key."""

    id: str
    organisation: str
    consumer: str
    purposes: tuple[str, ...]
    citation: str
    record_types: tuple[str, ...]
    reference: str | None
    wrapped_key: bytes
    subject: bytes
    raised: str
    due: str


class Party(Protocol):
    """An organisation as the registry knows it."""

    @property
    def kind(self) -> str: ...
    @property
    def classes(self) -> frozenset[str]: ...


class Requests(Protocol):
    """Remembers requests; `raise_request` is durable on return, with its ledger entry."""

    def party(self, identity: str, day: dt.date) -> Party | None: ...
    async def raise_request(self, request: Stored) -> None: ...
    def requests(
        self,
        *,
        organisation: str | None = None,
        consumer: str | None = None,
        identity: str | None = None,
    ) -> list[Stored]: ...


class Vault(Protocol):
    """Wraps and unwraps the keys of subjects."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What asking is made of; built once by `gateway.wiring`."""

    requests: Requests
    vault: Vault
    law: Law
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]


async def ask(caller: Caller, asking: Asking, desk: Desk) -> Stored:
    """Raise a request; raises Refused, naming what the law does not allow."""
    if caller.kind != "consumer":
        raise Refused(Reason.NOT_PERMITTED, "Only consumers ask.")  # 1
    _permit(caller, asking, desk)  # 2
    identity, key = desk.new_id("req"), desk.entropy(32)
    subject = msgspec.json.encode(asking.subject)
    stored = Stored(
        id=identity,
        organisation=asking.organisation,
        consumer=caller.party,
        purposes=tuple(sorted(set(asking.purposes))),
        citation=asking.citation,
        record_types=tuple(sorted(set(asking.record_types))),
        reference=asking.reference,
        wrapped_key=desk.vault.wrap(key, identity.encode()),
        subject=Envelope(key, identity).seal(
            b"subject", 0, subject, desk.entropy(NONCE_BYTES)
        ),  # 3
        raised=written(desk.clock()),
        due=asking.due.isoformat(),
    )
    await desk.requests.raise_request(stored)  # 4
    return stored


def _permit(caller: Caller, asking: Asking, desk: Desk) -> None:
    day = desk.clock().date()
    allowed = {p for feed in caller.classes for p in desk.law.purposes_of(feed)}
    if not asking.purposes or not set(asking.purposes) <= allowed:
        raise Refused(
            Reason.NO_PURPOSE,
            f"Your purposes in law are: {', '.join(sorted(allowed))}.",
        )
    if not asking.citation.strip() or len(asking.citation) > _CITATION_CHARS:
        raise Refused(Reason.PARAMETER_NOT_VALID, "citation says which law obliges the answer.")
    if asking.due < day:
        raise Refused(Reason.PARAMETER_NOT_VALID, "due is a day that is still to come.")
    if asking.subject.nino is not None:
        try:
            nino(asking.subject.nino)
        except IdentifierError as error:
            raise Refused(
                Reason.PARAMETER_NOT_VALID, "subject.nino is not a National Insurance number."
            ) from error
    organisation = desk.requests.party(asking.organisation, day)
    if organisation is None or organisation.kind != "organisation":
        raise Refused(Reason.PARAMETER_NOT_VALID, "There is no such organisation.")
    may = desk.law.may_be_asked(organisation.classes, asking.purposes, day)
    wanted = set(asking.record_types)
    if not wanted or not wanted <= may:
        told = f"This organisation may be asked for: {', '.join(sorted(may))}."
        nothing = "This organisation may be asked for nothing for these purposes today."
        raise Refused(Reason.PARAMETER_NOT_VALID, told if may else nothing)


def listed(caller: Caller, desk: Desk, identity: str | None = None) -> list[dict[str, Any]]:
    """The requests a caller may see: those it raised, or those sent to it.

    Raises Refused(REQUEST_NOT_FOUND) for an id that is not among them.
    """
    mine = (
        {"organisation": caller.party}
        if caller.kind == "organisation"
        else {
            "consumer": caller.party,
        }
    )
    found = desk.requests.requests(**mine, identity=identity)
    if identity is not None and not found:
        raise Refused(Reason.REQUEST_NOT_FOUND)
    return [_shown(stored, desk) for stored in found]


def _shown(stored: Stored, desk: Desk) -> dict[str, Any]:
    key = desk.vault.unwrap(stored.wrapped_key, stored.id.encode())
    subject = Envelope(key, stored.id).open(b"subject", 0, stored.subject)
    return {
        "id": stored.id,
        "organisation": stored.organisation,
        "consumer": stored.consumer,
        "purposes": list(stored.purposes),
        "citation": stored.citation,
        "record_types": list(stored.record_types),
        "reference": stored.reference,
        "subject": msgspec.json.decode(subject),
        "raised": stored.raised,
        "due": stored.due,
    }
