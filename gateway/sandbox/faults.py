"""Faults that a party asks for, so that it can see what its own client makes of them.

busy            503 with Retry-After; nothing was taken
rate_limited    429 with Retry-After; nothing was taken
token_expired   401; a new token is needed
slow            the answer comes after so many seconds
unknown         it is done, and then 503: the outcome is not known, so the same is sent again
dropped         it is done, and the connection ends without an answer
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from gateway.core.refusal import Reason, Refused

Name = Literal["busy", "rate_limited", "token_expired", "slow", "unknown", "dropped"]
NAMES: Final = ("busy", "rate_limited", "token_expired", "slow", "unknown", "dropped")
RETRY_SECONDS: Final = 1
_WAITING: Final = 100


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, how many calls of the party it befalls, and for how long (slow)."""

    fault: Name
    times: Annotated[int, msgspec.Meta(ge=1, le=_WAITING)] = 1
    seconds: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Faults:
    """Faults that wait for the next submissions of each party."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Asked]] = {}

    def ask(self, party: str, asked: Asked) -> int:
        """Line up a fault; returns how many wait. Raises Refused(PARAMETER_NOT_VALID)."""
        waiting = self._waiting.setdefault(party, deque())
        if len(waiting) + asked.times > _WAITING:
            raise Refused(Reason.PARAMETER_NOT_VALID, f"At most {_WAITING} faults wait at a time.")
        waiting.extend([asked] * asked.times)
        return len(waiting)

    def next(self, party: str | None) -> Asked | None:
        """The fault for this call, which is then no longer waiting."""
        waiting = self._waiting.get(party or "")
        return waiting.popleft() if waiting else None


async def befall(asked: Asked, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle a request under a fault; raises Refused as the gateway itself would."""
    match asked.fault:
        case "busy":
            raise Refused(Reason.BUSY, retry_after=RETRY_SECONDS)
        case "rate_limited":
            raise Refused(Reason.RATE_LIMITED, retry_after=RETRY_SECONDS)
        case "token_expired":
            raise Refused(Reason.TOKEN_EXPIRED)
        case "slow":
            await asyncio.sleep(asked.seconds)
            return await handler(request)
        case "unknown":
            await handler(request)
            raise Refused(Reason.STORE_UNAVAILABLE, retry_after=RETRY_SECONDS)
        case "dropped":
            response = await handler(request)
            if request.transport is not None:
                request.transport.abort()
            return response
