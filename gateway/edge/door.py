"""Who is speaking: certificate, token, client and party, which must all belong together.

If an attacker controls this module they can speak as anybody; it decides nothing about what a
caller may send or see beyond the scope of their client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gateway.core.identity import Caller, Credentials, Party
from gateway.core.rate import RateLimit
from gateway.core.refusal import Reason, Refused
from gateway.edge.client_certificate import TrustStore
from gateway.edge.oauth import jose
from gateway.edge.oauth.access_token import AccessTokens, IssuedToken
from gateway.edge.oauth.assertion import verify_assertion


class Client(Protocol):
    """What the registry knows of an OAuth client."""

    @property
    def id(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def scope(self) -> frozenset[str]: ...
    @property
    def jwks(self) -> Mapping[str, Any]: ...


class Registry(Protocol):
    """Knows parties, certificates and clients as they are now.

    `use_assertion` is durable on return and raises Refused(ASSERTION_REPLAYED) the second time,
    also when another process was first.
    """

    def party(self, identity: str, day: dt.date) -> Party | None: ...
    def holder(self, thumbprint: str) -> str | None: ...
    def is_revoked(self, thumbprint: str) -> bool: ...
    def client(self, identity: str) -> Client | None: ...
    async def use_assertion(self, client: str, jti: str, expires: int) -> None: ...


class Door:
    """Authenticates callers (`gateway.submission.Door`) and gives out access tokens."""

    def __init__(
        self,
        trust: TrustStore,
        tokens: AccessTokens,
        registry: Registry,
        clock: Callable[[], dt.datetime],
        new_id: Callable[[str], str],
        rate: RateLimit,
        wall: Callable[[], dt.datetime] | None = None,
    ) -> None:
        # Tokens come and go by the clock on the wall, also where `clock` can be moved.
        self._wall = wall or clock
        self._rate = rate
        self._trust = trust
        self._tokens = tokens
        self._registry = registry
        self._clock = clock
        self._new_id = new_id

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller:
        """The caller behind a certificate and the token bound to it; raises Refused.

        The registry is asked every time, so that a certificate or client that was withdrawn a
        moment ago is refused on an open connection too.
        """
        now = self._clock()
        thumbprint, party = self.holder(credentials, now)
        if credentials.token is None:
            raise Refused(Reason.TOKEN_MISSING)
        token = self._tokens.verify(credentials.token, thumbprint, self._wall())
        client = self._registry.client(token.client_id)
        if client is None or client.party != party.id or token.party != party.id:
            raise Refused(Reason.TOKEN_NOT_VALID, "It belongs to another party.")
        self._rate.take(client.id, now)
        granted = token.scope & client.scope
        if scope not in granted:
            raise Refused(Reason.NOT_PERMITTED, f"This needs the scope '{scope}'.")
        return Caller(party.id, party.kind, party.classes, client.id, granted, thumbprint)

    def check_certificate(self, credentials: Credentials) -> None:
        """Refuse who has no certificate of a party, or calls too often."""
        now = self._clock()
        thumbprint, _ = self.holder(credentials, now)
        self._rate.take(thumbprint, now)

    def admit_call(self, client: str, now: dt.datetime) -> None:
        """Count one call; raises Refused(RATE_LIMITED) for one too many."""
        self._rate.take(client, now)

    def holder(self, credentials: Credentials, now: dt.datetime) -> tuple[str, Party]:
        """The thumbprint of the certificate shown, and the party it was registered for."""
        if credentials.certificate is None:
            raise Refused(Reason.CERTIFICATE_MISSING)
        verified = self._trust.verify(credentials.certificate, now, credentials.chain)
        holder = self._registry.holder(verified.thumbprint)
        party = None if holder is None else self._registry.party(holder, now.date())
        if party is None:
            known = self._registry.is_revoked(verified.thumbprint)
            raise Refused(Reason.CERTIFICATE_REVOKED if known else Reason.CERTIFICATE_UNKNOWN)
        return verified.thumbprint, party

    async def token(
        self,
        credentials: Credentials,
        assertion: str,
        scope: str | None,
        issuer: str,
    ) -> IssuedToken:
        """An access token for a client that proves itself by `private_key_jwt`; raises Refused.

        RFC 7523 for the assertion; the token is bound to the connection's certificate (RFC 8705).
        """
        now = self._wall()
        thumbprint, party = self.holder(credentials, self._clock())
        claimed = verify_assertion(assertion, self._keys_of, issuer, now)
        client = self._registry.client(claimed.client_id)
        if client is None or client.party != party.id:
            raise Refused(Reason.CLIENT_NOT_VALID, "The client is not of this certificate's party.")
        wanted = client.scope if scope is None else frozenset(scope.split())
        if not wanted <= client.scope:
            raise Refused(Reason.NOT_PERMITTED, "The scope is wider than the client's.")
        await self._registry.use_assertion(
            claimed.client_id,
            claimed.jti,
            int(claimed.expires.timestamp()) + 1,
        )
        return self._tokens.issue(
            client_id=client.id,
            party=party.id,
            scope=sorted(wanted),
            thumbprint=thumbprint,
            jti=self._new_id("tok"),
            now=now,
        )

    def _keys_of(self, client: str) -> jose.Keys | None:
        found = self._registry.client(client)
        return None if found is None else jose.verification_keys(found.jwks)
