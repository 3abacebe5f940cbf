"""Feeds that are pushed: what is handed to whom, the event that announces it, and what follows a try.

A webhook is told by a thin event that there is something to collect; nothing of a person is in it. A
stream is given the pages themselves. Both are CloudEvents 1.0: a webhook's in structured mode, a
page's in binary mode (CloudEvents NATS protocol binding).
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, NamedTuple

import msgspec

from gateway.core.backoff import next_try, next_try_of_stream
from gateway.core.cursor import write_cursor
from gateway.core.envelope import Envelope
from gateway.core.feed_event import PAGE, READY, sequence

Kind = Literal["webhook", "jetstream"]
State = Literal["active", "paused", "disabled", "removed"]

EVENT_TYPE: Final = "application/cloudevents+json"

# By which the ledger names who looked, where a page went into a stream.
STREAM_CLIENT: Final = "jetstream"

# However soon or late a receiver wants to be asked again.
SOONEST: Final = dt.timedelta(seconds=5)
LATEST: Final = dt.timedelta(hours=24)

# How long a webhook is left alone after something could not be handed to it at all.
REST: Final = dt.timedelta(minutes=5)

# Why something was not handed over, in words for whoever can mend it.
WORDS: Final = {
    "DESTINATION_REFUSED": "The URL is none that is called. Change it.",
    "ADDRESS_REFUSED": "Its name leads to an address that is not on the public internet.",
    "SECRET_NOT_VALID": "Its secret cannot be used. Rotate it.",
    "REDIRECTED": "It answered with a redirect, which is never followed. Give the URL itself.",
    "GONE": "It answered 410: nobody is there any more. Change the URL, then resume.",
    "NAME_NOT_FOUND": "Its name leads nowhere.",
    "NOT_REACHED": "It could not be reached.",
    "CERTIFICATE_NOT_VALID": "Its certificate is not valid for its name, or of no known authority.",
    "TIMED_OUT": "It took too long to answer.",
    "ANSWER_NOT_VALID": "What it answered is not HTTP.",
    "REFUSED": "It answered with a status other than 2xx.",
    "NOT_ENTITLED": "The consumer has no such feed any more. Remove the subscription.",
    "NOT_SET_UP": "The settings have no [jetstream]. Enter it, and start the gateway again.",
    "NOT_PERMITTED": "The server refuses our certificate or credentials, or a subject that the log names:"
    " give this user the permissions of docs/nats.md, under its whole name.",
    "SERVER_TOO_OLD": "The server is older than 2.10, which does not know `sync_interval: always`.",
    "JETSTREAM_DISABLED": "The server runs without JetStream. Enable it for this account.",
    "REPLICAS_NOT_TO_BE_HAD": "There are fewer servers in the cluster than replicas are asked for.",
    "STREAM_REFUSED": "The server refuses the stream or its consumer as we ask for it.",
    "NOT_ACKNOWLEDGED": "The server did not acknowledge it.",
    "MOVED_ON": "Somebody else changed the stream in between.",
    "TOO_LARGE": "One record is larger than the server's max_payload. Raise it, then resume.",
}


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A feed of a consumer, pushed by one way.

    `since` is the record after which it began, `upto` the one up to which it was handed over;
    `rewinds` counts how often it was set back, `page` is the most records in one message.
    """

    id: str
    consumer: str
    feed: str
    kind: Kind
    state: State
    wrapped_key: bytes | None
    target: bytes | None
    since: int
    upto: int
    rewinds: int
    page: int
    rests: str
    added: str


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the outbox: the stretch `first` to `last` of a feed, for one subscription."""

    id: str
    subscription: str
    first: int
    last: int
    state: Literal["waiting", "dead"]
    replayed: bool
    made: str
    begun: str
    tries: int
    next_try: str
    reason: str | None

    @property
    def count(self) -> int:
        """How many records it speaks of."""
        return self.last - self.first + 1


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook: where, and the secrets that count, the newest first."""

    url: str
    secrets: tuple[str, ...]


TARGET: Final = b"target"
"""What a sealed target is, for its envelope."""


def open_target(subscription: Subscription, envelope: Envelope) -> Target:
    """Where a webhook is, and its secrets; raises EnvelopeError."""
    packed = envelope.open(TARGET, 0, subscription.target or b"")
    return msgspec.json.decode(packed, type=Target)


class Message(msgspec.Struct, frozen=True):
    """A page as it goes into a stream."""

    headers: dict[str, str]
    body: bytes

    @property
    def size(self) -> int:
        """What a server counts against its largest payload: headers and body."""
        return len(self.body) + 12 + sum(len(k) + len(v) + 4 for k, v in self.headers.items())


class Held(msgspec.Struct, frozen=True):
    """What a stream has: its last sequence number, and of its last message the id and last record.

    `message` and `last` are None where it has none; `wiped` says that what it had was taken away,
    and did not end with its age. `largest` is the most bytes of a message.
    """

    sequence: int
    message: str | None
    last: int | None
    wiped: bool
    largest: int


def ready_event(push: Push, feed: str, issuer: str) -> bytes:
    """The event that announces a stretch; the same bytes at every try."""
    cursor = write_cursor(feed, push.first - 1)
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": push.id,
            "source": f"{issuer}/v1/feeds/{feed}",
            "type": READY,
            "subject": feed,
            "time": push.made,
            "datacontenttype": "application/json",
            "sequence": sequence(push.last),
            "dataref": f"{issuer}/v1/feeds/{feed}?after={cursor}",
            "data": {
                "feed": feed,
                "first": push.first,
                "last": push.last,
                "count": push.count,
                "cursor": cursor,
            },
        }
    )


def message_id(push: Push, subscription: Subscription) -> str:
    """By which a stream knows a repeat: the same for the same stretch, until it is rewound."""
    name = f"{subscription.feed}:{push.first}-{push.last}"
    return name if subscription.rewinds == 0 else f"{name}:{subscription.rewinds}"


def page_headers(push: Push, subscription: Subscription, issuer: str) -> dict[str, str]:
    """What a page's message says of itself, beside the headers of the page."""
    return {
        "ce-specversion": "1.0",
        "ce-id": message_id(push, subscription),
        "ce-source": f"{issuer}/v1/feeds/{subscription.feed}",
        "ce-type": PAGE,
        "ce-subject": subscription.feed,
        "ce-time": push.made,
        "ce-sequence": sequence(push.last),
        "ce-first": str(push.first),
        "ce-last": str(push.last),
        "ce-count": str(push.count),
    }


def behind(held: Held, subscription: Subscription) -> int | None:
    """To which record to go back, where a stream has less than we believe; None where it has not."""
    if held.last is None:
        return subscription.since if held.wiped and subscription.upto > subscription.since else None
    return max(held.last, subscription.since) if held.last < subscription.upto else None


# --- what follows a try ---------------------------------------------------------------------------


class Later(NamedTuple):
    """It is tried again."""

    at: dt.datetime


class Dead(NamedTuple):
    """It is not tried again unless somebody says so; `disable` if nothing else is either."""

    reason: str
    disable: bool


def after_try(
    kind: Kind,
    push: Push,
    begun: dt.datetime,
    now: dt.datetime,
    jitter: float,
    *,
    code: str = "NOT_REACHED",
    temporary: bool = True,
    retry_after: int | None = None,
) -> Later | Dead:
    """What follows a try that failed; `push` counts it, `begun` is the first of its round.

    A stream is tried for ever, since what comes after must wait for it: it is dead only where no
    time can mend it, and then stands still. A webhook is given up after the last of its tries, and
    goes on with what comes after.
    """
    if kind == "jetstream":
        if not temporary:
            return Dead(code, disable=True)
        return Later(next_try_of_stream(push.tries, now, jitter))
    if not temporary:
        return Dead(code, disable=code == "GONE")
    at = next_try(push.tries, begun, jitter)
    if at is None:
        return Dead(code, disable=False)
    asked = dt.timedelta(seconds=retry_after or 0)
    return Later(max(at, now + min(max(asked, SOONEST), LATEST)))
