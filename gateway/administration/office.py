"""What administration needs of the world, and how it refuses."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.core.channel import Electronic
from gateway.core.correspondent import Agreed, Contact, Correspondent, Preferred
from gateway.core.duty import Law
from gateway.core.mesh_token import Wraps
from gateway.core.notice_item import Draft
from gateway.core.notices import Value
from gateway.core.push import Push, Subscription, Target
from gateway.core.refusal import Reason, Refused


class Party(Protocol):
    """A party as the registry knows it on a day."""

    @property
    def kind(self) -> str:
        """`organisation` or `consumer`."""

    @property
    def classes(self) -> frozenset[str]:
        """The provider classes of an organisation, the feeds of a consumer."""


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

    def doors(self, party: str) -> frozenset[Literal["api", "sftp"]]:
        """By which doors of ours a party can come in."""


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


class Correspondents(Protocol):
    """Knows whom notices go to, and changes it; durable on return, with a ledger entry."""

    def correspondent(self, identity: str) -> Correspondent | None:
        """Somebody notices go to."""

    def correspondents(self, after: str, limit: int) -> list[Correspondent]:
        """Those whose ids come after one, in order."""

    def agreements(self, identity: str) -> list[Agreed]:
        """What somebody agreed to, ended or not, the oldest first."""

    def agreement(self, identity: str) -> tuple[str, Agreed] | None:
        """An agreement, and whose it is."""

    def preferences(self, identity: str) -> list[Preferred]:
        """What somebody said about post, in order."""

    async def put(self, found: Correspondent) -> None:
        """Add somebody, or change how they are reached."""

    async def looked_at(self, identity: str) -> None:
        """Enter that an operator was shown how somebody is reached."""

    async def agree(self, identity: str, agreed: Agreed) -> None:
        """Keep an agreement."""

    async def end(self, agreement: str, until: dt.date) -> None:
        """End an agreement from a day on."""

    async def prefer(self, identity: str, since: dt.date, *, post: bool) -> None:
        """Keep what somebody says about post."""


class Notices(Protocol):
    """Knows what was sent, and takes what is to be."""

    def sent_to(self, correspondent: str) -> dict[str, dict[str, int]]:
        """How many notices went to somebody by each form, and how many stand how."""

    async def add(self, draft: Draft) -> None:
        """Keep a notice that is to be sent; durable on return."""


class Subscriptions(Protocol):
    """Knows feeds that are pushed, and changes that; durable on return, with a ledger entry."""

    def one(self, identity: str) -> Subscription | None:
        """A subscription, those removed too."""

    def every(self, consumer: str | None = None) -> list[Subscription]:
        """Every subscription, or those of a consumer."""

    def pushes(self, subscription: str) -> list[Push]:
        """What is on its way to a subscription, or was given up."""

    def end(self, feed: str) -> int:
        """The last number that a feed gave."""

    async def add(self, new: Subscription) -> None:
        """Keep one that is not there yet."""

    async def change(self, identity: str, wrapped_key: bytes, target: bytes) -> None:
        """Keep another target."""

    async def set_state(self, identity: str, state: str) -> None:
        """Pause, resume (`active`) or remove."""

    async def rewind(self, identity: str, upto: int) -> None:
        """Go back, or on, to a record."""

    async def replay(self, push: Push) -> None:
        """Have a dead row tried anew."""


@dataclass(frozen=True, slots=True)
class PostRoom:
    """What keeps addresses, and tells people what was changed.

    `open` opens a contact; `tag` names an address without being it, for a form; `word` makes a notice
    to somebody, of a kind, for the purpose of receipts. `check_url` raises ValueError, in plain words,
    for a webhook that nothing could be delivered to. `streams` says whether there is a broker, and
    `open_target` opens where a subscription goes.
    """

    people: Correspondents
    notices: Notices
    open: Callable[[Correspondent], Contact]
    tag: Callable[[str, Electronic, str], bytes]
    word: Callable[[str, str, Mapping[str, Value]], Draft]
    check_url: Callable[[str], None]
    new_id: Callable[[str], str]
    subscriptions: Subscriptions
    streams: bool
    open_target: Callable[[Subscription], Target]


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
    post: PostRoom
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
