"""Who is speaking over SSH: a key that is registered for an organisation, and not revoked.

If an attacker controls this module they can send as any organisation; they can read what became of
files, and no file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Final, Protocol

from gateway.core.canonical import b64u
from gateway.core.identity import Caller, Credentials, Party
from gateway.core.rate import RateLimit
from gateway.core.refusal import Reason, Refused

# What a receipt names as the client: not an OAuth client, but this door (docs/evidence.md).
CLIENT: Final = "sftp"
_SCOPE: Final = frozenset({"submissions"})


class Keys(Protocol):
    """Knows SSH keys as they are now."""

    def holder(self, thumbprint: str) -> str | None: ...


class Parties(Protocol):
    """Knows parties as they are on a day."""

    def party(self, identity: str, day: dt.date) -> Party | None: ...


def thumbprint(blob: bytes) -> str:
    """What a key is known by: base64url of the SHA-256 of its blob, as OpenSSH shows it."""
    return b64u(hashlib.sha256(blob).digest())


class SshDoor:
    """Authenticates callers by the key whose signature SSH has verified (`gateway.submission.Door`)."""

    def __init__(
        self, keys: Keys, parties: Parties, clock: Callable[[], dt.datetime], rate: RateLimit
    ) -> None:
        self._keys = keys
        self._parties = parties
        self._clock = clock
        self._rate = rate

    def holder(self, blob: bytes) -> str | None:
        """The organisation whose key this is, at this moment."""
        found = self._keys.holder(thumbprint(blob))
        party = None if found is None else self._parties.party(found, self._clock().date())
        return party.id if party is not None and party.kind == "organisation" else None

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller:
        """The caller behind a key; raises Refused.

        The registry is asked every time, so that a key that was revoked a moment ago is refused on
        an open session too.
        """
        blob = credentials.ssh_key
        holder = None if blob is None else self.holder(blob)
        now = self._clock()
        party = None if holder is None else self._parties.party(holder, now.date())
        if blob is None or party is None or scope not in _SCOPE:
            raise Refused(Reason.NOT_PERMITTED, "This SSH key is not registered, or was revoked.")
        known = thumbprint(blob)
        self._rate.take(known, now)
        return Caller(party.id, party.kind, party.classes, CLIENT, _SCOPE, known)
