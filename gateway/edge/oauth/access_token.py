"""Access tokens: made here, and worth something only beside the right TLS certificate.

RFC 9068 tokens, bound by `cnf` to the thumbprint of the client's certificate (RFC 8705 section 3),
signed with Ed25519. They are short-lived, so that a client which is revoked needs no list of its own.

If an attacker steals a token, they can do nothing with it: they also need the private key of the
certificate. If they have the token key, they can be any client whose certificate they also have.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.core.refusal import Reason, Refused
from gateway.edge.keyring import EvidenceKey, SigningKey
from gateway.edge.oauth import jose
from gateway.edge.oauth.jose import CLOCK_SKEW_SECONDS, NotVerified

# Long enough to send a day's files in one go, short enough that no revocation list is needed.
LIFETIME_SECONDS: Final = 600
# One entry for each client at a time, and a few more; about 1 KiB each.
CACHE_ENTRIES_MAX: Final = 8192

_TYPES: Final = frozenset({"at+jwt"})
_IDENTIFIER: Final = re.compile(r"[\x20-\x7e]{1,128}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that has been verified, on the connection it is bound to.

    `party` is its id as the registry knows it; `thumbprint` is x5t#S256.
    """

    client_id: str
    party: str
    scope: frozenset[str]
    thumbprint: str
    expires: dt.datetime
    jti: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, for the token response (RFC 6749 section 5.1); it is a secret."""

    token: str = field(repr=False)
    expires_in: int
    scope: str
    jti: str


@dataclass(frozen=True, slots=True, eq=False)
class AccessTokens:
    """Issues and verifies the tokens of one gateway; for one event loop.

    `keys` has the key that signs at its front and keys that were rotated out behind it; `issuer`
    and `audience` are the identifiers in `iss` and `aud`.
    """

    keys: Sequence[SigningKey]
    issuer: str
    audience: str
    _known: dict[str, jose.VerificationKey] = field(init=False, repr=False)
    _cache: OrderedDict[bytes, AccessToken] = field(
        init=False, repr=False, default_factory=OrderedDict
    )

    def __post_init__(self) -> None:
        known = {key.kid: jose.VerificationKey(key.kid, "EdDSA", key.public) for key in self.keys}
        object.__setattr__(self, "_known", known)

    def issue(
        self,
        *,
        client_id: str,
        party: str,
        scope: Sequence[str],
        thumbprint: str,
        jti: str,
        now: dt.datetime,
    ) -> IssuedToken:
        """Issue a token for `client_id`, bound to the certificate with `thumbprint`.

        `jti` is a fresh random id; `now` an aware time. Raises Refused NOT_PERMITTED when the
        token would allow nothing.
        """
        issued, granted = int(now.timestamp()), " ".join(sorted(set(scope)))
        if not granted:
            raise Refused(Reason.NOT_PERMITTED, "The token would have no scope.")
        key = self.keys[0]
        claims = {
            "iss": self.issuer,
            "sub": client_id,
            "aud": self.audience,
            "client_id": client_id,
            "party": party,
            "scope": granted,
            "iat": issued,
            "exp": issued + LIFETIME_SECONDS,
            "jti": jti,
            "cnf": {"x5t#S256": thumbprint},
        }
        header = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}
        return IssuedToken(jose.sign(header, claims, key.sign), LIFETIME_SECONDS, granted, jti)

    def verify(self, token: str, thumbprint: str, now: dt.datetime) -> AccessToken:
        """Verify a token that came over a connection whose certificate has `thumbprint`.

        Raises Refused: TOKEN_NOT_VALID, TOKEN_EXPIRED or TOKEN_BOUND_ELSEWHERE. The expiry and
        the binding are checked on every call; the rest is remembered by the token's digest.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._cache.get(digest)
        if known is None:
            try:
                known = self._verify(token, now.timestamp())
            except NotVerified as error:
                detail = f"The access token was refused: {error}."
                raise Refused(Reason.TOKEN_NOT_VALID, detail) from error
            self._cache[digest] = known
            if len(self._cache) > CACHE_ENTRIES_MAX:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(digest)
        if now >= known.expires:
            del self._cache[digest]
            raise Refused(Reason.TOKEN_EXPIRED)
        if not hmac.compare_digest(known.thumbprint.encode(), thumbprint.encode()):
            raise Refused(Reason.TOKEN_BOUND_ELSEWHERE)
        return known

    def forget(self) -> None:
        """Forget what was verified; call it when a client, a certificate or a key is revoked."""
        self._cache.clear()

    def _verify(self, token: str, now: float) -> AccessToken:
        claims = jose.verify(jose.parse(token), self._known, _TYPES)
        if claims.get("iss") != self.issuer or claims.get("aud") != self.audience:
            raise NotVerified("it is not for this gateway")
        issued, expires = jose.claim_seconds(claims, "iat"), jose.claim_seconds(claims, "exp")
        if issued is None or expires is None or issued > now + CLOCK_SKEW_SECONDS:
            raise NotVerified("its times do not hold")
        client_id = jose.claim_text(claims, "client_id", _IDENTIFIER)
        if claims.get("sub") != client_id:
            raise NotVerified("the claims 'sub' and 'client_id' differ")
        return AccessToken(
            client_id,
            jose.claim_text(claims, "party", _IDENTIFIER),
            frozenset(jose.claim_text(claims, "scope", _SCOPE).split(" ")),
            _bound_to(claims),
            dt.datetime.fromtimestamp(expires, dt.UTC),
            jose.claim_text(claims, "jti", _IDENTIFIER),
        )


def jwks(
    token_keys: Sequence[SigningKey], evidence: EvidenceKey | None = None
) -> dict[str, list[dict[str, str]]]:
    """Make the public key set (RFC 7517 section 5) for `/.well-known/jwks.json`.

    The evidence key, with which receipts are signed, has the `kid` of docs/evidence.md.
    """
    return {"keys": [key.jwk() for key in (*token_keys, *((evidence,) if evidence else ()))]}


def _bound_to(claims: Mapping[str, Any]) -> str:
    confirmation = claims.get("cnf")
    if not isinstance(confirmation, dict):
        raise NotVerified("it is not bound to a certificate")
    return jose.claim_text(confirmation, "x5t#S256", _THUMBPRINT)
