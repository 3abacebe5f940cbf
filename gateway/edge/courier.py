"""Posts a small signed message to the webhook of an organisation, over TLS, once.

1. The URL is HTTPS, to a public host (`gateway.edge.destination`).
2. Its name is looked up once; if any address that comes back is not public, nothing is sent.
3. The connection goes to one of those very addresses, whatever the name says by then, with the
   name in SNI, in Host and in the certificate that is demanded.
4. The answer is its status. A redirect is not followed, and a body is not read.

A message holds no personal data: a receiver collects what it is about under mutual TLS. When to
try again is for a job to say (`gateway.core.backoff`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.core import webhook
from gateway.edge.destination import (
    Address,
    Destination,
    DestinationError,
    Network,
    destination,
    may_reach,
)
from gateway.edge.tls import client_context, public_context

# Standard Webhooks: under 20 kB, and 15 to 30 seconds for an answer.
PAYLOAD_BYTES: Final = 20_000
TOTAL_SECONDS: Final = 20.0
LOOKUP_SECONDS: Final = 5.0

# A name with more addresses than this is nobody's receiver.
ADDRESSES_MOST: Final = 32

# How much of an answer's body may lie in memory unread.
ANSWER_BYTES: Final = 4_096

# Nobody has us wait for longer by a Retry-After.
RETRY_AFTER_MOST: Final = 86_400
_SECONDS: Final = re.compile(r"[0-9]{1,9}")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took a message: the status it answered with, and when it was sent."""

    status: int
    at: dt.datetime


class Undelivered(Exception):  # noqa: N818 - an outcome, not a fault of ours
    """A message that the receiver did not take.

    `temporary` says whether trying again can help. `code` is stable: DESTINATION_REFUSED,
    ADDRESS_REFUSED, SECRET_NOT_VALID, REDIRECTED, GONE (each for good), NAME_NOT_FOUND,
    NOT_REACHED, CERTIFICATE_NOT_VALID, TIMED_OUT, ANSWER_NOT_VALID or REFUSED. `status` is the
    receiver's answer where there was one, and `retry_after` the seconds, a day at most, after which
    it wants to be asked again.
    """

    def __init__(
        self,
        code: str,
        *,
        temporary: bool,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.temporary = temporary
        self.code = code
        self.status = status
        self.retry_after = retry_after


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for a name; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Courier:
    """Delivers to webhooks; safe to share, one connection a message.

    `ca` is a PEM file of authorities to trust instead of the system's. `allow` are networks that
    count as public, for development and tests alone. `seconds` bounds a delivery as a whole.
    """

    def __init__(
        self,
        *,
        ca: Path | None = None,
        allow: Sequence[Network] = (),
        resolve: Resolve = system_addresses,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._tls = public_context() if ca is None else client_context(ca)
        self._allow = tuple(allow)
        self._resolve = resolve
        self._seconds = seconds

    def check_url(self, url: str) -> None:
        """Raise DestinationError, in plain words, where nothing could be delivered to a URL.

        For the moment of registration: its name is not looked up, since it may change.
        """
        destination(url, self._allow)

    async def deliver(
        self,
        url: str,
        secret: str,
        message_id: str,
        payload: bytes,
        now: dt.datetime,
        *,
        media_type: str = "application/json",
    ) -> Delivered:
        """Post a message of JSON once; raises Undelivered.

        `now` is an aware instant in UTC and goes into the signature. Raises ValueError where the
        payload or the message id is not one that may be sent: a mistake of ours.
        """
        if len(payload) > PAYLOAD_BYTES:
            raise ValueError(f"A message has at most {PAYLOAD_BYTES} bytes.")
        try:
            signed = webhook.headers(secret, message_id, now, payload)
        except webhook.SecretError:
            raise Undelivered("SECRET_NOT_VALID", temporary=False) from None
        try:
            place = destination(url, self._allow)
        except DestinationError:
            raise Undelivered("DESTINATION_REFUSED", temporary=False) from None
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._addresses(place)
                headers = {"Content-Type": media_type, "User-Agent": "cms-gateway"} | signed
                status, again = await self._post(place, addresses, headers, payload)
        except TimeoutError:
            raise Undelivered("TIMED_OUT", temporary=True) from None
        _judge(status, retry_after(again, now))
        return Delivered(status, now)

    async def _addresses(self, place: Destination) -> list[Address]:
        """Where the name leads now: looked up once, and refused whole if one is not public."""
        try:
            found = [ipaddress.ip_address(place.host)]
        except ValueError:
            found = await self._looked_up(place)
        if not all(may_reach(address, self._allow) for address in found):
            raise Undelivered("ADDRESS_REFUSED", temporary=False)
        return found

    async def _looked_up(self, place: Destination) -> list[Address]:
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                texts = await self._resolve(place.host, place.port)
            found = [ipaddress.ip_address(text) for text in dict.fromkeys(texts)]
        except (OSError, UnicodeError, ValueError):  # a TimeoutError is an OSError
            raise Undelivered("NAME_NOT_FOUND", temporary=True) from None
        if not 1 <= len(found) <= ADDRESSES_MOST:
            raise Undelivered("NAME_NOT_FOUND", temporary=True)
        return found

    async def _post(
        self, place: Destination, addresses: list[Address], headers: dict[str, str], payload: bytes
    ) -> tuple[int, str]:
        """Post to one of these addresses and to no other; returns the status and Retry-After."""
        pinned = _Pinned(addresses)
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            resolver=pinned,
            use_dns_cache=False,
            force_close=True,
            socket_factory=pinned.socket,
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    trust_env=False,
                    read_bufsize=ANSWER_BYTES,
                    timeout=aiohttp.ClientTimeout(total=self._seconds),
                ) as session,
                session.post(
                    place.url, data=payload, headers=headers, allow_redirects=False
                ) as answer,
            ):
                # With what it has not sent of its body, the connection is dropped.
                answer.close()
                return answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorCertificateError:
            raise Undelivered("CERTIFICATE_NOT_VALID", temporary=True) from None
        except aiohttp.ClientConnectorError:
            raise Undelivered("NOT_REACHED", temporary=True) from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Undelivered("ANSWER_NOT_VALID", temporary=True) from None


class _Pinned(AbstractResolver):
    """Answers every name with the addresses that were looked at, and opens sockets to no other."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of this delivery, whatever the family that is asked for."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def socket(self, info: Any) -> socket.socket:
        """Open a socket for one of the addresses; the last door before a connection."""
        family, kind, proto, _, peer = info
        if ipaddress.ip_address(peer[0]) not in self._addresses:
            raise OSError("not an address of this delivery")
        return socket.socket(family, kind, proto)


def retry_after(text: str, now: dt.datetime) -> int | None:
    """The seconds that a Retry-After asks for, a day at most; None for what is none (RFC 9110)."""
    if _SECONDS.fullmatch(text):
        return min(int(text), RETRY_AFTER_MOST)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        return None
    return min(max(int((at - now).total_seconds()), 0), RETRY_AFTER_MOST)


def _judge(status: int, again: int | None) -> None:
    """Raise Undelivered unless the answer says that the message was taken."""
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Undelivered("REDIRECTED", temporary=False, status=status)
    if status == 410:
        raise Undelivered("GONE", temporary=False, status=status)
    raise Undelivered("REFUSED", temporary=True, status=status, retry_after=again)
