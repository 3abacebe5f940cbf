"""Client assertions: how an OAuth client proves who it is (`private_key_jwt`).

RFC 7523 section 3, as narrowed by FAPI 2.0 (section 5.3.2.1). Remembering each `jti` until it
expires, so that an assertion works once, is the store's part; `ClientAssertion` says what to keep.

If an attacker has a client's key, they can get tokens, but only on a connection with a
certificate of that client. With an assertion they overheard they can do nothing: it is for one
audience, once, for minutes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.refusal import Reason, Refused
from gateway.edge.oauth import jose
from gateway.edge.oauth.jose import CLOCK_SKEW_SECONDS, NotVerified

# An assertion is made for one request; whoever needs longer may make another. It also bounds how
# long a `jti` has to be remembered.
LIFETIME_SECONDS_MAX: Final = 300

_CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
# Shorter ones repeat; longer ones only fill the store.
_JTI: Final = re.compile(r"[\x20-\x7e]{8,128}")
# RFC 7523 has no type of its own; draft-ietf-oauth-rfc7523bis gives it the second.
_TYPES: Final = frozenset({None, "jwt", "client-authentication+jwt"})

# The keys a client has registered, by `kid`; None for a client that is not known or not active.
ClientLookup = Callable[[str], jose.Keys | None]


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """A client that has proved who it is. Accept it only if (client_id, jti) is new until `expires`."""

    client_id: str
    jti: str
    expires: dt.datetime
    kid: str


def unverified_client_id(assertion: str) -> str:
    """Return who the assertion says it is from, **not verified**: good for a look-up only.

    Raises Refused CLIENT_NOT_VALID where it does not say.
    """
    try:
        return _client_id(jose.parse(assertion).unverified_claims)
    except NotVerified as error:
        raise _refusal(error) from error


def verify_assertion(
    assertion: str,
    client_lookup: ClientLookup,
    issuer: str,
    now: dt.datetime,
    *,
    token_endpoint: str | None = None,
) -> ClientAssertion:
    """Verify a client assertion at `now`, an aware time. Raises Refused CLIENT_NOT_VALID.

    `aud` must be our issuer identifier, as one string. RFC 7523 once had clients put the URL of
    the token endpoint there, which let another server's assertion be used here and the other way
    round; FAPI 2.0 ended that. For clients that cannot be changed, `token_endpoint` may be given
    and is then accepted too, if it is exactly that.
    """
    try:
        signed = jose.parse(assertion)
        client_id = _client_id(signed.unverified_claims)
        claims = jose.verify(signed, client_lookup(client_id) or {}, _TYPES)
        _check_audience(claims, issuer, token_endpoint)
        expires = _check_times(claims, now.timestamp())
        jti = jose.claim_text(claims, "jti", _JTI)
    except NotVerified as error:
        raise _refusal(error) from error
    return ClientAssertion(
        client_id, jti, dt.datetime.fromtimestamp(expires, dt.UTC), signed.unverified_header["kid"]
    )


def _client_id(claims: Mapping[str, Any]) -> str:
    client_id = jose.claim_text(claims, "iss", _CLIENT_ID)
    if claims.get("sub") != client_id:
        raise NotVerified("the claims 'iss' and 'sub' are not the same client id")
    return client_id


def _check_audience(claims: Mapping[str, Any], issuer: str, token_endpoint: str | None) -> None:
    audience = claims.get("aud")
    # A list could name another server as well, which could then use the assertion here.
    if not isinstance(audience, str) or audience not in {issuer, token_endpoint}:
        raise NotVerified("the claim 'aud' is not the issuer identifier of this gateway, as text")


def _check_times(claims: Mapping[str, Any], now: float) -> int:
    """Check `exp`, `iat` and `nbf`; return `exp`."""
    expires = jose.claim_seconds(claims, "exp")
    if expires is None:
        raise NotVerified("the claim 'exp' is missing")
    if now >= expires:
        raise NotVerified("the assertion has expired")
    for name in ("iat", "nbf"):
        begins = jose.claim_seconds(claims, name)
        if begins is None:
            continue
        if begins > now + CLOCK_SKEW_SECONDS:
            raise NotVerified(f"the claim '{name}' is in the future")
        if begins >= expires:
            raise NotVerified(f"the claim '{name}' is not before 'exp'")
        if expires - begins > LIFETIME_SECONDS_MAX:
            raise NotVerified(f"the assertion lives longer than {LIFETIME_SECONDS_MAX} seconds")
    if expires - now > LIFETIME_SECONDS_MAX + CLOCK_SKEW_SECONDS:
        raise NotVerified(f"the assertion lives longer than {LIFETIME_SECONDS_MAX} seconds")
    return expires


def _refusal(error: NotVerified) -> Refused:
    return Refused(Reason.CLIENT_NOT_VALID, f"The client assertion was refused: {error}.")
