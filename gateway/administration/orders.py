"""What an operator may want done: each order is a value, so that it can be handed on."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

SCOPES: Final = {
    "organisation": ("requests", "submissions"),
    "consumer": ("feeds", "requests"),
}

Kind = Literal["organisation", "consumer"]


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing an operator wants done."""


class AddParty(_Order, frozen=True, kw_only=True, tag="add-party"):
    """Add an organisation with its provider classes, or a consumer with its feeds.

    `conformance` is the certificate of a conformance run (`gateway.core.conformance`).
    """

    id: str
    kind: Kind
    name: str
    classes: tuple[str, ...]
    conformance: str | None = None


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


class AddMailbox(_Order, frozen=True, kw_only=True, tag="add-mailbox"):
    """Give an organisation a mailbox for MESH; its secrets are told in the answer, and never again."""

    id: str
    organisation: str


class RemoveMailbox(_Order, frozen=True, kw_only=True, tag="remove-mailbox"):
    """Let nobody into a mailbox any more."""

    id: str


class ListMailboxes(_Order, frozen=True, kw_only=True, tag="list-mailboxes"):
    """Every mailbox, those removed too."""


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
    | AddMailbox
    | RemoveMailbox
    | ListMailboxes
    | AddSshKey
    | RevokeSshKey
    | ListParties
    | ShowParty
)
