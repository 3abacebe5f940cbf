"""API keys, and the token that each call brings: a JWT, HS256, signed with the secret of a key."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Final, Literal

import jwt
import msgspec

from gateway.notify_stand_in.refusals import CLOCK, MALFORMED, NotifyRefusal

KeyType = Literal["live", "team", "test"]
# How far the clocks may be apart, both ways.
SECONDS_APART: Final = 30


class ApiKey(msgspec.Struct, frozen=True):
    """A key of a service: `text` is what a client is given."""

    service: str
    secret: str
    type: KeyType = "live"
    revoked: bool = False

    @property
    def text(self) -> str:
        """Name, service and secret, as Notify prints them."""
        return f"{self.type}-{self.service}-{self.secret}"


def new_key(key_type: KeyType = "live", service: str = "") -> ApiKey:
    """A key with a secret of its own, of a service or of a new one."""
    return ApiKey(service or str(uuid.uuid4()), str(uuid.uuid4()), key_type)


def read_key(text: str) -> ApiKey:
    """A key from its text; raises ValueError where it holds no two UUIDs."""
    name, service, secret = text[:-74], text[-73:-37], text[-36:]
    return ApiKey(
        str(uuid.UUID(service)),
        str(uuid.UUID(secret)),
        "team" if name == "team" else "test" if name == "test" else "live",
    )


def authorise(header: str | None, keys: Iterable[ApiKey], now: dt.datetime) -> ApiKey:
    """The key that signed the token of a call; raises NotifyRefusal in Notify's words."""
    if not header:
        raise _auth("Unauthorized: authentication token must be provided", 401)
    if header[:7].title() != "Bearer ":
        raise _auth("Unauthorized: authentication bearer scheme must be used", 401)
    token = header[7:]
    of_service = [key for key in keys if key.service == _issuer(token)]
    if not of_service:
        raise _auth("Invalid token: service not found")
    for key in of_service:
        issued = _issued_at(token, key.secret)
        if issued is None:
            continue
        if abs(issued - int(now.timestamp())) > SECONDS_APART:
            raise _auth(CLOCK)
        if key.revoked:
            raise _auth("Invalid token: API key revoked")
        return key
    raise _auth("Invalid token: API key not found")


def _issuer(token: str) -> str:
    try:
        # Read unverified, as Notify does, only to find the keys with which it is verified.
        claimed = jwt.decode(token, options={"verify_signature": False}, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise _auth(MALFORMED) from None
    if "iss" not in claimed:
        raise _auth("Invalid token: iss field not provided")
    try:
        return str(uuid.UUID(str(claimed["iss"])))
    except ValueError:
        raise _auth("Invalid token: service id is not the right data type") from None


def _issued_at(token: str, secret: str) -> int | None:
    """When a token was made, in seconds since 1970, if this secret signed it and it says so."""
    try:
        claims = jwt.decode(
            token,
            key=secret,
            algorithms=["HS256"],
            options={"verify_iat": False, "verify_exp": False, "verify_nbf": False},
        )
    except jwt.InvalidAlgorithmError:
        raise _auth("Invalid token: algorithm used is not HS256") from None
    except jwt.DecodeError:
        return None
    except jwt.InvalidTokenError:
        raise _auth(MALFORMED) from None
    issued = claims.get("iat")
    return int(issued) if isinstance(issued, int | float) else None


def _auth(message: str, status: int = 403) -> NotifyRefusal:
    return NotifyRefusal(status, "AuthError", message)
