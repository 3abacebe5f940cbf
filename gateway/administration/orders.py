"""What an operator may want done: each order is a value, so that it can be handed on."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, Literal

import msgspec

from gateway.core.channel import Electronic, Purpose
from gateway.core.correspondent import Kind as CorrespondentKind
from gateway.core.correspondent import Language
from gateway.core.deadlines import Nation
from gateway.core.push import Kind as PushKind

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


class PutCorrespondent(_Order, frozen=True, kw_only=True, tag="put-correspondent"):
    """Say how somebody is reached; what is left out is forgotten.

    The id of an organisation or a consumer is its party's; a parent's is the operator's choice. A
    webhook without a `secret` gets one, told in the answer and never again, unless it has one.
    """

    id: str
    kind: CorrespondentKind
    nation: Nation = "england_wales"
    language: Language = "en"
    address: tuple[str, ...] = ()
    email: str | None = None
    webhook: str | None = None
    secret: str | None = None


class Agree(_Order, frozen=True, kw_only=True, tag="agree"):
    """Keep that somebody agreed to one purpose, in one form, at the address that is known now.

    `since` is today unless it is given; `evidence` says where the agreement itself can be seen.
    """

    correspondent: str
    purpose: Purpose
    form: Electronic
    evidence: str
    since: dt.date | None = None


class EndAgreement(_Order, frozen=True, kw_only=True, tag="end-agreement"):
    """End an agreement from a day on, today unless it is given."""

    id: str
    until: dt.date | None = None


class Prefer(_Order, frozen=True, kw_only=True, tag="prefer"):
    """Keep what somebody says about post, from a day on, today unless it is given."""

    correspondent: str
    post: bool
    since: dt.date | None = None


class ShowCorrespondent(_Order, frozen=True, kw_only=True, tag="show-correspondent"):
    """How somebody is reached, what they agreed to and prefer, and what was sent to them."""

    id: str


class ListCorrespondents(_Order, frozen=True, kw_only=True, tag="list-correspondents"):
    """Those whose ids come after one, in order, a thousand at most."""

    after: str = ""


class AddSubscription(_Order, frozen=True, kw_only=True, tag="add-subscription"):
    """Push a feed of a consumer, from after a record on: to a webhook, or into a stream.

    A webhook without a `secret` gets one, told in the answer and never again. `after` is the end of
    the feed where it is None.
    """

    consumer: str
    feed: str
    kind: PushKind
    url: str | None = None
    secret: str | None = None
    after: int | None = 0


class ChangeSubscription(_Order, frozen=True, kw_only=True, tag="change-subscription"):
    """Change a webhook: its URL, or its secret.

    `rotate` puts a new secret, `secret` or one that is made, before the one that counts now, and both
    count until `retire` takes the older one away.
    """

    id: str
    url: str | None = None
    rotate: bool = False
    secret: str | None = None
    retire: bool = False


class SteerSubscription(_Order, frozen=True, kw_only=True, tag="steer-subscription"):
    """Stop a subscription for a while, go on with it, or end it."""

    id: str
    act: Literal["pause", "resume", "remove"]


class RewindSubscription(_Order, frozen=True, kw_only=True, tag="rewind-subscription"):
    """Hand over again what comes after a record."""

    id: str
    after: int


class ReplaySubscription(_Order, frozen=True, kw_only=True, tag="replay-subscription"):
    """Try what was given up anew: one push, or every one of a subscription."""

    id: str
    push: str | None = None


class ShowSubscription(_Order, frozen=True, kw_only=True, tag="show-subscription"):
    """How a subscription stands, with what is on its way and what was given up."""

    id: str


class ListSubscriptions(_Order, frozen=True, kw_only=True, tag="list-subscriptions"):
    """Every subscription, or those of a consumer."""

    consumer: str | None = None


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
    | PutCorrespondent
    | Agree
    | EndAgreement
    | Prefer
    | ShowCorrespondent
    | ListCorrespondents
    | AddSubscription
    | ChangeSubscription
    | SteerSubscription
    | RewindSubscription
    | ReplaySubscription
    | ShowSubscription
    | ListSubscriptions
)
