"""Who is speaking: what a caller shows, and what is known of them once it has been verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Party(Protocol):
    """What the registry knows of a party."""

    @property
    def id(self) -> str:
        """What it is called here."""

    @property
    def kind(self) -> str:
        """What kind of party it is, as an organisation or a consumer."""

    @property
    def classes(self) -> frozenset[str]:
        """The classes that it is of on that day."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller shows: the DER of their TLS certificate, its chain, and a token.

    The token is a bearer token; at the mailbox door it is what follows `NHSMESH`, and `mailbox` is
    the mailbox that the address names, if it names one. Over SSH it is `ssh_key` alone: the blob of
    the public key (RFC 4253 section 6.6) whose signature was verified.
    """

    certificate: bytes | None
    token: str | None
    chain: tuple[bytes, ...] = ()
    mailbox: str | None = None
    ssh_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A party whose certificate and token have been verified and belong together.

    `only` is the one request that a caller may see and answer who came with an access code.
    """

    party: str
    kind: str
    classes: frozenset[str]
    client: str
    scope: frozenset[str]
    thumbprint: str
    only: str | None = None
