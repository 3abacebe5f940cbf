"""Who is speaking at the mailbox door: certificate, mailbox and token, which must belong together.

The certificate says which organisation speaks; the mailbox must be that organisation's; the token
must be proved by the mailbox's own two secrets, within two hours of our clock, and never before.

If an attacker controls this module they can speak as any organisation that has a mailbox. With a
mailbox's secrets alone, or with a certificate alone, they reach nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final, Protocol

from gateway.core.identity import Caller, Credentials
from gateway.core.mesh_token import MailboxSecret, MeshToken, open_secret, read_token
from gateway.core.refusal import Reason, Refused
from gateway.edge.door import Door
from gateway.mailbox import SCOPES

# Stands for the secrets of a mailbox that is not there: it is refused like a wrong password.
_NOBODYS: Final = MailboxSecret("0" * 32, "0" * 43)


class Mailbox(Protocol):
    """What is known of a mailbox; its secret is sealed."""

    @property
    def organisation(self) -> str:
        """Whose it is."""

    @property
    def wrapped_key(self) -> bytes:
        """The key of the secret, wrapped for the mailbox's id."""

    @property
    def secret(self) -> bytes:
        """Password and shared key, sealed."""


class Mailboxes(Protocol):
    """Knows mailboxes as they are now."""

    def mailbox(self, identity: str) -> Mailbox | None:
        """A mailbox that has not been removed."""


class Assertions(Protocol):
    """Remembers what may be used once; durable on return."""

    async def use_assertion(self, client: str, jti: str, expires: int) -> None:
        """Raise Refused(ASSERTION_REPLAYED) the second time."""


class MeshDoor:
    """Authenticates callers of the MESH API (`gateway.submission.Door`)."""

    def __init__(
        self,
        door: Door,
        mailboxes: Mailboxes,
        assertions: Assertions,
        unwrap: Callable[[bytes, bytes], bytes],
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._door = door
        self._mailboxes = mailboxes
        self._assertions = assertions
        self._unwrap = unwrap
        self._clock = clock

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller:
        """The caller behind a certificate and a MESH token; `client` is the mailbox.

        The token is used up by this. Raises Refused, in the same words for a mailbox that is not
        there, one of another organisation, and a wrong password or key.
        """
        now = self._clock()
        thumbprint, party = self._door.holder(credentials, now)
        # Before anything is paid for a token that may be made up: who knocks too often waits.
        self._door.admit_call(thumbprint, now)
        if credentials.token is None:
            raise Refused(Reason.MAILBOX_TOKEN_NOT_VALID)
        token = read_token(credentials.token)
        if credentials.mailbox is not None and credentials.mailbox != token.mailbox:
            raise Refused(Reason.MAILBOX_TOKEN_NOT_VALID)
        if not self._is_proved(token, party.id):
            raise Refused(Reason.MAILBOX_TOKEN_NOT_VALID)
        if not token.is_timely(now):
            raise Refused(
                Reason.MAILBOX_TOKEN_NOT_VALID,
                "Its timestamp is not within two hours of ours (UTC).",
            )
        try:
            await self._assertions.use_assertion(token.mailbox, token.use, token.expires + 1)
        except Refused as refusal:
            if refusal.reason is Reason.ASSERTION_REPLAYED:
                raise Refused(Reason.MAILBOX_TOKEN_USED) from refusal
            raise
        if scope not in SCOPES:
            raise Refused(Reason.NOT_PERMITTED)
        return Caller(party.id, party.kind, party.classes, token.mailbox, SCOPES, thumbprint)

    def _is_proved(self, token: MeshToken, organisation: str) -> bool:
        mailbox = self._mailboxes.mailbox(token.mailbox)
        secret = _NOBODYS
        if mailbox is not None:
            key = self._unwrap(mailbox.wrapped_key, token.mailbox.encode())
            secret = open_secret(mailbox.secret, key, token.mailbox)
        proved = token.is_proved_by(secret)
        return proved and mailbox is not None and mailbox.organisation == organisation
