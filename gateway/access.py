"""THE CODE FROM THE LETTER: one request opened, once, by whoever holds its access code.

    1 throttle   so many tries a minute, of one address and of all
    2 exchange   an unused code that has not expired becomes a session, and is used up; another is
                 sent to the organisation when one is asked for
    3 bind       the session sees, and answers, that request and nothing else, so many calls a minute

Only keyed hashes of codes and sessions are kept. If an attacker controls this module they can answer
any request that a code was sent for; they cannot see what was answered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from gateway.core.access_code import plain, tag_of
from gateway.core.canonical import b64u
from gateway.core.deadlines import uk_day
from gateway.core.identity import Caller, Credentials, Party
from gateway.core.instant import written
from gateway.core.limits import (
    ACCESS_CALLS,
    ACCESS_SESSION_MINUTES,
    CODES_TRIED,
    CODES_TRIED_EACH,
)
from gateway.core.rate import RateLimit
from gateway.core.refusal import Reason, Refused

PREFIX: Final = "acs_"
SCOPES: Final = frozenset({"requests", "submissions"})
_ALL: Final = "all"


class Session(NamedTuple):
    """What a code was exchanged for: a bearer token, until when it is good, and its request."""

    token: str
    expires: str
    request: str


class Opened(NamedTuple):
    """A session that holds: its request, whose that is, and the notice the code came in."""

    request: str
    organisation: str
    notice: str


class Codes(Protocol):
    """Remembers codes and sessions. `exchange` uses a code up, durably, with its entry.

    Of two that come with the same code one gets its request, the other None; so does whoever comes
    with a code that was never given, has expired by `day`, or whose request is no longer asked. `opens`
    is the request that a code was made for, used or not.
    """

    async def exchange(
        self, code: bytes, session: bytes, expires: str, day: dt.date
    ) -> str | None: ...
    def session(self, tag: bytes, now: str) -> Opened | None: ...
    def opens(self, code: bytes) -> str | None: ...


class Parties(Protocol):
    """Knows who there is."""

    def party(self, identity: str, day: dt.date) -> Party | None: ...


class Tags(Protocol):
    """Makes look-up tags."""

    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Wicket:
    """The small door in the gate; built once by `gateway.wiring`.

    `send` has a fresh code sent for a request, to where its organisation is reached, once a day.
    """

    codes: Codes
    parties: Parties
    tags: Tags
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    each: RateLimit
    everybody: RateLimit
    calls: RateLimit
    send: Callable[[str], Awaitable[None]]

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller:
        """The caller of a session, who may do two things with one request (`submission.Door`)."""
        return admitted(credentials.token or "", scope, self)


def wicket(
    codes: Codes,
    parties: Parties,
    tags: Tags,
    clock: Callable[[], dt.datetime],
    entropy: Callable[[int], bytes],
    send: Callable[[str], Awaitable[None]],
) -> Wicket:
    """A wicket with its own counts of tries and of calls."""
    each, everybody, calls = (
        RateLimit(per_minute) for per_minute in (CODES_TRIED_EACH, CODES_TRIED, ACCESS_CALLS)
    )
    return Wicket(codes, parties, tags, clock, entropy, each, everybody, calls, send)


async def exchange(text: str, address: str, here: Wicket) -> Session:
    """Use a code up; raises Refused(CODE_NOT_VALID) and Refused(RATE_LIMITED).

    What is wrong with a code is not said: unknown, used and expired are one answer.
    """
    now = here.clock()
    here.each.take(address, now)  # 1
    here.everybody.take(_ALL, now)
    code = plain(text)
    token = PREFIX + b64u(here.entropy(32))
    expires = written(now + dt.timedelta(minutes=ACCESS_SESSION_MINUTES))
    tag = tag_of(code or "0" * 16, here.tags)
    request = await here.codes.exchange(tag, _session_tag(token, here), expires, uk_day(now))  # 2
    if request is None or code is None:
        raise Refused(Reason.CODE_NOT_VALID)
    return Session(token, expires, request)


async def again(text: str, address: str, here: Wicket) -> None:
    """Have a fresh code sent, for one that was used up or has expired; raises Refused(RATE_LIMITED).

    It goes to where the organisation is reached, never to whoever asks; and whether there is such a
    code is not said.
    """
    now = here.clock()
    here.each.take(address, now)
    here.everybody.take(_ALL, now)
    code = plain(text)
    request = None if code is None else here.codes.opens(tag_of(code, here.tags))
    if request is not None:
        await here.send(request)


def admitted(token: str, scope: str, here: Wicket) -> Caller:
    """The caller of a session; raises Refused: TOKEN_EXPIRED, RATE_LIMITED or NOT_PERMITTED."""
    now = here.clock()
    found = here.codes.session(_session_tag(token, here), written(now)) if token else None
    party = None if found is None else here.parties.party(found.organisation, now.date())
    if found is None or party is None:
        raise Refused(Reason.TOKEN_EXPIRED, "Ask for a new access code; this session has ended.")
    here.calls.take(found.request, now)
    if scope not in SCOPES:
        raise Refused(Reason.NOT_PERMITTED, "An access code opens one request and nothing else.")
    print_of_notice = b64u(hashlib.sha256(found.notice.encode()).digest())
    client = f"access-code {found.notice}"
    return Caller(  # 3
        party.id, party.kind, party.classes, client, SCOPES, print_of_notice, only=found.request
    )


def _session_tag(token: str, here: Wicket) -> bytes:
    return here.tags.tag("access session", token.encode())
