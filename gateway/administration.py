"""THE OFFICE: what an operator changes about who may speak, each change a ledger entry.

    1 check          the order makes sense: known classes, a certificate that is one, usable keys
    2 look           nothing is added twice, nothing is withdrawn that is not there
    3 enter          durable, with its ledger entry

An order is a value. The command line carries it out on a store of its own, or hands it to the
gateway that owns the store (`gateway.edge.http.admin`); either way it is carried out here.

If an attacker controls this module they can let anybody in; every party, certificate and client
they add still stands in the ledger.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.core import ssh_key
from gateway.core.canonical import b64u
from gateway.core.duty import Law
from gateway.core.refusal import Reason, Refused

SCOPES: Final = {
    "organisation": ("requests", "submissions"),
    "consumer": ("feeds", "requests"),
}
_IDENTITY: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NAME_CHARS: Final = 200
_URN: Final = "urn:cms-gateway:"

Kind = Literal["organisation", "consumer"]
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


# --- orders -------------------------------------------------------------------------------------


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing an operator wants done."""


class AddParty(_Order, frozen=True, kw_only=True, tag="add-party"):
    """Add an organisation with its provider classes, or a consumer with its feeds."""

    id: str
    kind: Kind
    name: str
    classes: tuple[str, ...]


class AddCertificate(_Order, frozen=True, kw_only=True, tag="add-certificate"):
    """Let a party in with a certificate, given in DER."""

    party: str
    certificate: bytes


class RevokeCertificate(_Order, frozen=True, kw_only=True, tag="revoke-certificate"):
    """Let nobody in with a certificate any more; named by its x5t#S256."""

    party: str
    thumbprint: str


class AddClient(_Order, frozen=True, kw_only=True, tag="add-client"):
    """Register an OAuth client of a party with its public keys."""

    id: str
    party: str
    scope: tuple[str, ...]
    jwks: dict[str, Any]


class AddSshKey(_Order, frozen=True, kw_only=True, tag="add-ssh-key"):
    """Let an organisation reach its inbox with an SSH key, given as a line of a .pub file."""

    party: str
    key: str


class RevokeSshKey(_Order, frozen=True, kw_only=True, tag="revoke-ssh-key"):
    """Let nobody in with an SSH key any more; named by its thumbprint."""

    party: str
    thumbprint: str


class ListParties(_Order, frozen=True, kw_only=True, tag="list-parties"):
    """Every party, or those of a kind."""

    kind: Kind | None = None


class ShowParty(_Order, frozen=True, kw_only=True, tag="show-party"):
    """One party with its certificates."""

    id: str


Order = (
    AddParty
    | AddCertificate
    | RevokeCertificate
    | AddClient
    | AddSshKey
    | RevokeSshKey
    | ListParties
    | ShowParty
)


# --- what this story needs of the world ---------------------------------------------------------


class Party(Protocol):
    """A party as the registry knows it on a day."""

    @property
    def kind(self) -> str:
        """`organisation` or `consumer`."""


class Reads(Protocol):
    """Knows parties, certificates and clients as they are now."""

    def party(self, identity: str, day: dt.date) -> Party | None:
        """A party."""

    def parties(self, kind: str) -> list[dict[str, Any]]:
        """Every party of a kind: id, name, added, classes."""

    def certificates(self, party: str) -> list[dict[str, Any]]:
        """Every certificate of a party, revoked ones too: thumbprint, der, added, revoked."""

    def client(self, identity: str) -> object | None:
        """An OAuth client."""


class Writes(Protocol):
    """Changes them; durable on return, with a ledger entry."""

    async def add_party(
        self, identity: str, kind: str, name: str, classes: Sequence[str], in_force: dt.date
    ) -> None:
        """Add a party that is not there yet."""

    async def add_certificate(self, party: str, thumbprint: str, der: bytes) -> None:
        """Register a certificate that is not there yet."""

    async def revoke_certificate(self, thumbprint: str) -> None:
        """Stop accepting a certificate."""

    async def add_client(
        self, identity: str, party: str, scope: Sequence[str], jwks: dict[str, Any]
    ) -> None:
        """Register a client that is not there yet."""


class SshKeys(Protocol):
    """Knows and changes the SSH keys of organisations."""

    def of(self, party: str | None = None) -> list[dict[str, Any]]:
        """Every key: thumbprint, party, blob, added, revoked."""

    async def add(self, party: str, thumbprint: str, blob: bytes) -> None:
        """Register a key that is not there yet; durable, with a ledger entry."""

    async def revoke(self, thumbprint: str) -> None:
        """Stop accepting a key; durable, with a ledger entry."""


class Registry(Reads, Writes, Protocol):
    """Both."""

    @property
    def ssh_keys(self) -> SshKeys:
        """The SSH keys."""


@dataclass(frozen=True, slots=True)
class Office:
    """What administration is made of. `check_keys` raises ValueError for a key set of no use.

    Orders are carried out one after the other, so that what was looked at still holds when it is
    written.
    """

    registry: Registry
    law: Law
    check_keys: Callable[[dict[str, Any]], object]
    clock: Callable[[], dt.datetime]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


# --- carrying out -------------------------------------------------------------------------------


async def carry_out(order: Order, office: Office) -> dict[str, Any]:
    """Carry out one order; what there is to say about it, as JSON can hold it. Raises Refused."""
    async with office.turn:
        match order:
            case AddParty():
                return await _add_party(order, office)
            case AddCertificate():
                return await _add_certificate(order, office)
            case RevokeCertificate():
                return await _revoke(order, office)
            case AddClient():
                return await _add_client(order, office)
            case AddSshKey():
                return await _add_ssh_key(order, office)
            case RevokeSshKey():
                return await _revoke_ssh_key(order, office)
            case ListParties(kind=kind):
                kinds = ("organisation", "consumer") if kind is None else (kind,)
                return {"parties": [p for each in kinds for p in _parties(each, office)]}
            case ShowParty(id=identity):
                return _show(identity, office)


async def _add_party(order: AddParty, office: Office) -> dict[str, Any]:
    if not _IDENTITY.fullmatch(order.id):
        raise _refused(
            "An id is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit."
        )
    if not 0 < len(order.name.strip()) <= _NAME_CHARS or not order.name.isprintable():
        raise _refused(f"A name is one line of 1 to {_NAME_CHARS} characters.")
    known = set(office.law.classes if order.kind == "organisation" else office.law.feeds)
    if not order.classes or not set(order.classes) <= known:
        what = "provider classes" if order.kind == "organisation" else "feeds"
        raise _refused(f"Name one or more of the {what}: {', '.join(sorted(known))}.")
    classes = sorted(set(order.classes))
    day = office.clock().date()
    await office.registry.add_party(order.id, order.kind, order.name.strip(), classes, day)
    return {"id": order.id, "kind": order.kind, "name": order.name.strip(), "classes": classes}


async def _add_certificate(order: AddCertificate, office: Office) -> dict[str, Any]:
    party = _party(order.party, office)
    try:
        certificate = x509.load_der_x509_certificate(order.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    except ValueError as error:
        raise _refused("The certificate cannot be read; give it in PEM or DER.") from error
    _check_purpose(certificate)
    mine = f"{_URN}{party.kind}:{order.party}"
    if any(uri.startswith(_URN) and uri != mine for uri in uris):
        raise _refused(f"The certificate names another party than {mine}.")
    thumbprint = b64u(hashlib.sha256(order.certificate).digest())
    holders = (p["id"] for kind in SCOPES for p in office.registry.parties(kind))
    for holder in holders:
        if any(c["thumbprint"] == thumbprint for c in office.registry.certificates(holder)):
            raise _refused(f"This certificate is, or was, registered for {holder} already.")
    await office.registry.add_certificate(order.party, thumbprint, order.certificate)
    return {
        "party": order.party,
        "thumbprint": thumbprint,
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _check_purpose(certificate: x509.Certificate) -> None:
    """Refuse what the door would not take: an authority, or a certificate that is no client's."""
    basic = _extension(certificate, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise _refused("This is the certificate of an authority, not of a party.")
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise _refused(
            "The certificate is not for client authentication; a server's cannot be a party's."
        )


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


async def _revoke(order: RevokeCertificate, office: Office) -> dict[str, Any]:
    _party(order.party, office)
    found = [
        c for c in office.registry.certificates(order.party) if c["thumbprint"] == order.thumbprint
    ]
    if not found:
        raise _refused(f"{order.party} has no certificate with this thumbprint.")
    if found[0]["revoked"] is None:
        await office.registry.revoke_certificate(order.thumbprint)
    return {"party": order.party, "thumbprint": order.thumbprint, "revoked": True}


async def _add_client(order: AddClient, office: Office) -> dict[str, Any]:
    party = _party(order.party, office)
    if not _IDENTITY.fullmatch(order.id):
        raise _refused(
            "A client's id is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or "
            "digit."
        )
    allowed = SCOPES[party.kind]
    if not order.scope or not set(order.scope) <= set(allowed):
        raise _refused(f"A client of this {party.kind} may have: {', '.join(allowed)}.")
    try:
        office.check_keys(order.jwks)
    except ValueError as error:
        raise _refused(f"The key set cannot be used: {error}.") from error
    if office.registry.client(order.id) is not None:
        raise _refused("There is already a client with this id.")
    scope = sorted(set(order.scope))
    await office.registry.add_client(order.id, order.party, scope, order.jwks)
    return {"id": order.id, "party": order.party, "scope": scope}


async def _add_ssh_key(order: AddSshKey, office: Office) -> dict[str, Any]:
    if _party(order.party, office).kind != "organisation":
        raise _refused("Only an organisation has an inbox; a consumer has no use for an SSH key.")
    try:
        kind, blob = ssh_key.read(order.key)
    except ssh_key.SshKeyError as error:
        raise _refused(f"The SSH key cannot be used: {error}.") from error
    thumbprint = b64u(hashlib.sha256(blob).digest())
    for key in office.registry.ssh_keys.of():
        if key["thumbprint"] == thumbprint:
            raise _refused(f"This SSH key is, or was, registered for {key['party']} already.")
    await office.registry.ssh_keys.add(order.party, thumbprint, blob)
    return {"party": order.party, "thumbprint": thumbprint, "kind": kind}


async def _revoke_ssh_key(order: RevokeSshKey, office: Office) -> dict[str, Any]:
    _party(order.party, office)
    found = [
        key
        for key in office.registry.ssh_keys.of(order.party)
        if key["thumbprint"] == order.thumbprint
    ]
    if not found:
        raise _refused(f"{order.party} has no SSH key with this thumbprint.")
    if found[0]["revoked"] is None:
        await office.registry.ssh_keys.revoke(order.thumbprint)
    return {"party": order.party, "thumbprint": order.thumbprint, "revoked": True}


def _parties(kind: str, office: Office) -> list[dict[str, Any]]:
    return [{"kind": kind} | party for party in office.registry.parties(kind)]


def _show(identity: str, office: Office) -> dict[str, Any]:
    _party(identity, office)
    found = next(p for kind in SCOPES for p in _parties(kind, office) if p["id"] == identity)
    certificates = [_described(c) for c in office.registry.certificates(identity)]
    keys = [
        {name: key[name] for name in ("thumbprint", "added", "revoked")}
        for key in office.registry.ssh_keys.of(identity)
    ]
    return found | {"certificates": certificates, "ssh_keys": keys}


def _described(certificate: dict[str, Any]) -> dict[str, Any]:
    read = x509.load_der_x509_certificate(certificate["der"])
    return {
        "thumbprint": certificate["thumbprint"],
        "serial": f"{read.serial_number:x}",
        "subject": read.subject.rfc4514_string(),
        "not_after": read.not_valid_after_utc.isoformat(),
        "added": certificate["added"],
        "revoked": certificate["revoked"],
    }


def _party(identity: str, office: Office) -> Party:
    found = office.registry.party(identity, office.clock().date())
    if found is None:
        raise _refused(f"There is no party '{identity[:64]}'; add it with 'org add'.")
    return found


def _refused(detail: str) -> Refused:
    return Refused(Reason.PARAMETER_NOT_VALID, detail)
