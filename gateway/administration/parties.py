"""Adding parties and their clients, and showing them."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from gateway.administration.certificates import described
from gateway.administration.office import Office, party_of, refused
from gateway.administration.orders import SCOPES, AddClient, AddParty
from gateway.core import conformance
from gateway.core.canonical import b64u

_IDENTITY: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NAME_CHARS: Final = 200


async def add_party(order: AddParty, office: Office) -> dict[str, Any]:
    """Add an organisation with its classes, or a consumer with its feeds."""
    if not _IDENTITY.fullmatch(order.id):
        raise refused(
            "An id is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit."
        )
    if not 0 < len(order.name.strip()) <= _NAME_CHARS or not order.name.isprintable():
        raise refused(f"A name is one line of 1 to {_NAME_CHARS} characters.")
    known = set(office.law.classes if order.kind == "organisation" else office.law.feeds)
    if not order.classes or not set(order.classes) <= known:
        raise refused(_classes_told(order, known, office))
    classes = sorted(set(order.classes))
    shown = _conformance(order, office)
    day, name = office.clock().date(), order.name.strip()
    await office.registry.add_party(order.id, order.kind, name, classes, day, shown)
    return {"id": order.id, "kind": order.kind, "name": name, "classes": classes}


def _classes_told(order: AddParty, known: set[str], office: Office) -> str:
    """What may be named, and where else what was named would be right."""
    teams = set(office.law.feeds)
    if order.kind != "organisation":
        return f"Name one or more of the feeds: {', '.join(sorted(known))}."
    told = f"Name one or more of the provider classes: {', '.join(sorted(known))}."
    if teams & set(order.classes):
        told += f" A team is added with '--kind consumer': {', '.join(sorted(teams))}."
    return told


def _conformance(order: AddParty, office: Office) -> str | None:
    """The hash of the conformance certificate shown; raises Refused where it does not count."""
    if order.kind != "organisation" or order.conformance is None:
        if order.kind == "organisation" and office.conformance.required:
            raise refused(
                "A conformance certificate is needed; a sandbox gives one (--conformance)."
            )
        return None
    try:
        found = conformance.verify(order.conformance, office.conformance.keys, office.clock())
    except conformance.ConformanceError as error:
        raise refused(f"The conformance certificate does not count: {error}.") from error
    if not set(order.classes) <= set(found.classes):
        raise refused(f"The conformance certificate is for: {', '.join(found.classes)}.")
    return b64u(hashlib.sha256(order.conformance.strip().encode()).digest())


async def add_client(order: AddClient, office: Office) -> dict[str, Any]:
    """Register an OAuth client of a party."""
    party = party_of(order.party, office)
    if not _IDENTITY.fullmatch(order.id):
        raise refused(
            "A client's id is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or "
            "digit."
        )
    allowed = SCOPES[party.kind]
    if not order.scope or not set(order.scope) <= set(allowed):
        raise refused(f"A client of this {party.kind} may have: {', '.join(allowed)}.")
    try:
        office.check_keys(order.jwks)
    except ValueError as error:
        raise refused(f"The key set cannot be used: {error}.") from error
    if office.registry.client(order.id) is not None:
        raise refused("There is already a client with this id.")
    scope = sorted(set(order.scope))
    await office.registry.add_client(order.id, order.party, scope, order.jwks)
    return {"id": order.id, "party": order.party, "scope": scope}


def parties(kind: str, office: Office) -> list[dict[str, Any]]:
    """Every party of a kind."""
    return [{"kind": kind} | party for party in office.registry.parties(kind)]


def show(identity: str, office: Office) -> dict[str, Any]:
    """One party with its certificates."""
    party_of(identity, office)
    found = next(p for kind in SCOPES for p in parties(kind, office) if p["id"] == identity)
    certificates = [described(c) for c in office.registry.certificates(identity)]
    keys = [
        {name: key[name] for name in ("thumbprint", "added", "revoked")}
        for key in office.registry.ssh_keys.of(identity)
    ]
    return found | {"certificates": certificates, "ssh_keys": keys}
