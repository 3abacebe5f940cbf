"""Puts pages of feeds into NATS JetStream, and says what is there (`gateway.delivery.Streams`).

One stream holds one feed of one consumer, in files. A message is acknowledged once the server has it,
or, in a cluster, once most of the replicas have; on the disk it is then if the server is set up as
docs/nats.md demands. Two things keep a stream in order and without a repeat: the id of a message, by
which the server passes over what it has, and the sequence number that has to be the last one, so that
whoever looked before somebody else wrote is refused.

If an attacker controls the broker they can read what passes while they do, withhold it and repeat it;
what they make up has no signature of ours, and nothing that they do there is believed here but how far
back to begin again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from gateway.core.carriage import NotTakenError
from gateway.core.push import Held, Message

log = structlog.get_logger("jetstream")

OLDEST: Final = (2, 10)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")
_NUMBER: Final = re.compile(r"[0-9]{1,16}")
# What the server says of a subject that our user may not use; it answers nothing else.
_DENIED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"')
_CONNECT_SECONDS: Final = 3
_ANSWER_SECONDS: Final = 5.0
# nats-py may wait for ever for a connection to close whose handshake failed.
_CLOSE_SECONDS: Final = 1.0
# From one hand-out of a page to the next where it was not acknowledged, the last for ever: a server
# that gives up passes over the page, and tells nobody who would have to know.
_UNTIL_ACKNOWLEDGED: Final = -1
_BACKOFF_SECONDS: Final = (30.0, 60.0, 300.0, 900.0)

_ID: Final = "Nats-Msg-Id"
_LAST_SEQUENCE: Final = "Nats-Expected-Last-Sequence"

# What a server answers (nats-server, server/errors.json).
_WRONG_LAST_SEQUENCE: Final = 10_071
_NOT_ENABLED: Final = frozenset({10_039, 10_076})
_TOO_FEW_SERVERS: Final = frozenset({10_005, 10_074})
_NO_STREAM: Final = 10_059


@dataclass(frozen=True, slots=True)
class Terms:
    """How streams are kept: by which prefix, on how many servers, for how long."""

    prefix: str
    replicas: int
    max_age: dt.timedelta
    duplicate_window: dt.timedelta


class JetStream:
    """One connection, opened when it is needed, and anew after it was lost.

    `tls` is None for a server of this machine that is spoken to in the open.
    """

    def __init__(
        self,
        servers: Sequence[str],
        terms: Terms,
        *,
        tls: ssl.SSLContext | None = None,
        credentials: Path | None = None,
    ) -> None:
        self._servers = tuple(servers)
        self._terms = terms
        self._tls = tls
        self._credentials = credentials
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._kept: set[str] = set()
        self._complaints: dict[str, float] = {}  # of the connection that is open, and when last

    async def check(self) -> None:
        """Raise NotTakenError unless there is a server that can be used."""
        async with self._asking("$JS.API.INFO") as client:
            await client.jetstream(timeout=_ANSWER_SECONDS).account_info()

    async def look(self, consumer: str, feed: str) -> Held:
        """What a stream has; it and its consumer are made where they are not there."""
        name = stream_name(self._terms.prefix, consumer, feed)
        async with self._asking(name) as client:
            info = await _told(client, f"STREAM.INFO.{name}")
            if name not in self._kept or _code(info) == _NO_STREAM:
                await self._keep(client, name, consumer, feed, there=_code(info) != _NO_STREAM)
                info = await _told(client, f"STREAM.INFO.{name}")
            state = _state(info)
            sequence, message, last = int(state["last_seq"]), None, None
            if state["messages"]:
                found = await client.jetstream(timeout=_ANSWER_SECONDS).get_msg(name, sequence)
                headers = found.headers or {}
                message, last = headers.get(_ID), last_in(headers)
            wiped = not state["messages"] and not self._aged(state)
            return Held(sequence, message, last, wiped, client.max_payload)

    async def publish(
        self, consumer: str, feed: str, message: Message, *, identity: str, after: int
    ) -> None:
        """Store one message behind a sequence number, and wait until the server says that it has."""
        subject = subject_of(self._terms.prefix, consumer, feed)
        headers = message.headers | {_ID: identity, _LAST_SEQUENCE: str(after)}
        async with self._asking(subject) as client:
            await client.jetstream().publish(
                subject,
                message.body,
                timeout=_ANSWER_SECONDS,
                stream=stream_name(self._terms.prefix, consumer, feed),
                headers=headers,
            )

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await _closed(client)

    # --- the connection ---------------------------------------------------------------------------

    @asynccontextmanager
    async def _asking(self, about: str) -> AsyncIterator[Client]:
        """The connection, and what goes wrong on it in the story's words.

        `about` is the stream or the subject: a server that does not permit one says nothing to the
        request itself, which runs out of time, and complains on the connection.
        """
        complaints: dict[str, float] = {}
        since = asyncio.get_running_loop().time()
        try:
            client = await self._connected()
            complaints = self._complaints
            yield client
        except nats.js.errors.APIError as error:
            raise NotTakenError(_word(error.err_code, error.code), temporary=True) from error
        except nats.errors.MaxPayloadError as error:
            raise NotTakenError("TOO_LARGE", temporary=False) from error
        except (nats.errors.Error, TimeoutError, OSError, EOFError) as error:
            held = self._client
            if held is not None and not held.is_connected:
                self._client = None
                self._kept.clear()
            if (denied := denied_in(complaints, since, about)) is not None:
                log.error("jetstream_not_permitted", subject=denied)  # noqa: TRY400 - no more in a trace
                await self._let_go(complaints)
                raise NotTakenError("NOT_PERMITTED", temporary=True) from error
            no_one = nats.errors.NoRespondersError | nats.js.errors.NoStreamResponseError
            code = "NOT_ACKNOWLEDGED" if isinstance(error, no_one) else "NOT_REACHED"
            raise NotTakenError(code, temporary=True) from error

    async def _let_go(self, complaints: dict[str, float]) -> None:
        """Connect anew where no answer can come: a subscription is not asked for a second time."""
        mute = any(found[1] == "subscription" for found in map(_DENIED.search, complaints) if found)
        if mute and complaints is self._complaints:
            self._kept.clear()
            await self.close()

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is not None and self._client.is_connected:
                return self._client
            await self.close()
            self._kept.clear()
            trouble = NotTakenError("NOT_REACHED", temporary=True)
            for server in self._servers:
                try:
                    self._client = await self._connect(server)
                except NotTakenError as error:
                    trouble = error
                else:
                    return self._client
            raise trouble

    async def _connect(self, server: str) -> Client:
        client = Client()
        refused: dict[str, float] = {}  # while connecting, and as long as the connection is open

        async def noted(error: Exception) -> None:
            refused[str(error).lower()] = asyncio.get_running_loop().time()

        try:
            async with asyncio.timeout(2 * _CONNECT_SECONDS):
                await client.connect(
                    server,
                    name="cms-gateway",
                    error_cb=noted,
                    allow_reconnect=False,  # when to try again is for a story to say
                    connect_timeout=_CONNECT_SECONDS,
                    reconnect_time_wait=0,
                    tls=self._tls,
                    user_credentials=None if self._credentials is None else str(self._credentials),
                )
        except (nats.errors.Error, TimeoutError, OSError, EOFError) as error:
            await _closed(client)
            told = [str(error).lower(), *refused]
            barred = any("authorization" in text or "authentication" in text for text in told)
            code = "NOT_PERMITTED" if barred else "NOT_REACHED"
            if isinstance(error, ssl.SSLCertVerificationError):
                code = "CERTIFICATE_NOT_VALID"
            raise NotTakenError(code, temporary=True) from error
        unfit = unfit_for(client._server_info)  # noqa: SLF001 - nats-py shows a part of it only
        if unfit is not None:
            await _closed(client)
            raise NotTakenError(unfit, temporary=True)
        self._complaints = refused
        log.info("jetstream_connected", version=str(client._server_info["version"]))  # noqa: SLF001 - as above
        return client

    # --- the stream -------------------------------------------------------------------------------

    async def _keep(
        self, client: Client, name: str, consumer: str, feed: str, *, there: bool
    ) -> None:
        """Make the stream and its consumer, or make them as they are to be."""
        terms, api = self._terms, client.jetstream(timeout=_ANSWER_SECONDS)
        wanted = StreamConfig(
            name=name,
            subjects=[subject_of(terms.prefix, consumer, feed)],
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            num_replicas=terms.replicas,
            max_age=terms.max_age.total_seconds(),
            duplicate_window=terms.duplicate_window.total_seconds(),
        )
        await (api.update_stream(wanted) if there else api.add_stream(wanted))
        await api.add_consumer(
            name,
            ConsumerConfig(
                durable_name=durable_name(consumer),
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_BACKOFF_SECONDS[0],
                max_deliver=_UNTIL_ACKNOWLEDGED,
                backoff=list(_BACKOFF_SECONDS),
                max_ack_pending=1,  # a page is not handed out before the one in front of it
            ),
        )
        self._kept.add(name)

    def _aged(self, state: Mapping[str, Any]) -> bool:
        """Whether an empty stream lost its messages to their age alone."""
        if not state["last_seq"]:
            return False
        first = dt.datetime.fromisoformat(str(state["last_ts"])[:19] + "+00:00")
        now = dt.datetime.fromisoformat(str(state["now"])[:19] + "+00:00")
        return now - first >= self._terms.max_age


def stream_name(prefix: str, consumer: str, feed: str) -> str:
    """The stream of a feed of a consumer, as `cms-tracing-tracing`."""
    return f"{prefix}-{_token(consumer)}-{_token(feed).replace('-', '=')}"


def subject_of(prefix: str, consumer: str, feed: str) -> str:
    """The subject of the messages in it, as `cms.feeds.tracing.tracing`."""
    return f"{prefix}.feeds.{_token(consumer)}.{_token(feed)}"


def durable_name(consumer: str) -> str:
    """The durable pull consumer that is made for a team, as `tracing`."""
    return _token(consumer)


def _token(identity: str) -> str:
    """An id without full stops, which part the tokens of a subject; no id has an equals sign."""
    return identity.replace(".", "=")


def last_in(headers: Mapping[str, str]) -> int:
    """The last record that a message says it holds; 0 where that is none of ours."""
    text = headers.get("ce-last", "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def unfit_for(info: Mapping[str, Any]) -> str | None:
    """Why a server cannot be used, by what it says of itself; None where nothing speaks against it."""
    found = _VERSION.match(str(info.get("version", "")))
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return "SERVER_TOO_OLD"
    return None if info.get("jetstream") else "JETSTREAM_DISABLED"


def denied_in(complaints: Mapping[str, float], since: float, about: str) -> str | None:
    """The subject that we may not use, and that a request about a stream or a subject needs.

    `complaints` is what the server said on the connection, and when last; `since` is when the request
    began. Where we may not hear our own inbox no request is ever answered; else it is the subject that
    counts, for several requests are under way at a time.
    """
    for text, at in complaints.items():
        found = _DENIED.search(text)
        if found is None:
            continue
        mine = f".{about.lower()}." in f".{found[2]}."
        if found[1] == "subscription" or (at >= since and mine):
            return found[2]
    return None


async def _closed(client: Client) -> None:
    """Close a connection, and wait for that no longer than makes sense."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()


async def _told(client: Client, what: str) -> dict[str, Any]:
    """What the server says; nats-py leaves out the times."""
    answer = await client.request(f"$JS.API.{what}", b"", timeout=_ANSWER_SECONDS)
    found: dict[str, Any] = json.loads(answer.data)
    return found


def _code(info: Mapping[str, Any]) -> int | None:
    return info["error"]["err_code"] if "error" in info else None


def _state(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of a stream; raises NotTakenError."""
    if "error" in info:
        error = info["error"]
        raise NotTakenError(_word(error.get("err_code"), error.get("code")), temporary=True)
    return {"now": info["ts"], **info["state"]}


def _word(err_code: int | None, code: int | None) -> str:
    if err_code == _WRONG_LAST_SEQUENCE:
        return "MOVED_ON"
    if err_code in _NOT_ENABLED:
        return "JETSTREAM_DISABLED"
    if err_code in _TOO_FEW_SERVERS:
        return "REPLICAS_NOT_TO_BE_HAD"
    return "STREAM_REFUSED" if code == 400 else "NOT_ACKNOWLEDGED"
