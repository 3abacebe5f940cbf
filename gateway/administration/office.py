"""What administration needs of the world, and how it refuses."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.core.duty import Law
from gateway.core.mesh_token import Wraps
from gateway.core.refusal import Reason, Refused


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
        self,
        identity: str,
        kind: str,
        name: str,
        classes: Sequence[str],
        in_force: dt.date,
        conformance: str | None = None,
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


class Mailboxes(Protocol):
    """Knows mailboxes, and changes them; durable on return, with a ledger entry."""

    def mailboxes(self) -> list[dict[str, Any]]:
        """Every mailbox, removed ones too: id, organisation, added, removed."""

    async def add_mailbox(
        self, identity: str, organisation: str, wrapped_key: bytes, secret: bytes
    ) -> None:
        """Add a mailbox that is not there yet, with its sealed secret."""

    async def remove_mailbox(self, identity: str) -> None:
        """Let nobody into a mailbox any more."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """Whose conformance certificates count: vkeys of sandboxes, and whether one is needed."""

    keys: tuple[str, ...] = ()
    required: bool = False


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
    mailboxes: Mailboxes
    vault: Wraps
    entropy: Callable[[int], bytes]
    conformance: Conformance = Conformance()
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def party_of(identity: str, office: Office) -> Party:
    """A party that is there; raises Refused."""
    found = office.registry.party(identity, office.clock().date())
    if found is None:
        raise refused(f"There is no party '{identity[:64]}'; add it with 'org add'.")
    return found


def refused(detail: str) -> Refused:
    """An order that cannot be carried out, in words for whoever gave it."""
    return Refused(Reason.PARAMETER_NOT_VALID, detail)
