"""E-mails and letters by GOV.UK Notify, with its own client.

The client is synchronous, so each call runs in one of a few threads, each with a client of its own.
Notify takes the same thing twice without noticing, so our reference is what tells: where it is not
known whether Notify took something, it is looked up by reference before anybody may send it again.

If an attacker controls this module they can send any notice to anybody in our name; it sees the
addresses of those it writes to, and keeps none of them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

from gateway.core.notices import KINDS, LANGUAGES, Kind, Language, Value, neutral
from gateway.core.reachable import AddressError, postal_lines
from gateway.edge.notify_trouble import (
    NotifyError,
    PermanentError,
    TemporaryError,
    Trouble,
    trouble_of,
)

Way = Literal["email", "letter"]
TemplateIds = Mapping[tuple[Kind, Language, Way], str]
State = Literal["on_its_way", "delivered", "posted", "address_failed", "failed"]

WAYS: Final[tuple[Way, ...]] = ("email", "letter")
REFERENCE_CHARACTERS: Final = 100
_STATES: Final[dict[str, State]] = {
    "created": "on_its_way",
    "sending": "on_its_way",
    "pending": "on_its_way",
    "pending-virus-check": "on_its_way",
    "accepted": "on_its_way",
    "delivered": "delivered",
    "received": "posted",
    "permanent-failure": "address_failed",
    "returned-letter": "address_failed",
    "temporary-failure": "failed",
    "technical-failure": "failed",
    "validation-failed": "failed",
    "virus-scan-failed": "failed",
    "cancelled": "failed",
}

T = TypeVar("T")

# Its package says that it is typed, and is so in part.
_NEW: Final[Any] = NotificationsAPIClient


class Accepted(msgspec.Struct, frozen=True):
    """Notify has it, under an id of its own."""

    id: str


class Status(msgspec.Struct, frozen=True):
    """What became of it, and since when (UTC). `posted` is the day on which a letter was posted."""

    state: State
    at: dt.datetime


class _Message(msgspec.Struct):
    """What we read of a message at Notify."""

    id: str
    reference: str | None
    type: str
    status: str
    created_at: str
    sent_at: str | None = None
    completed_at: str | None = None


class _Page(msgspec.Struct):
    notifications: list[_Message]


def stand_in_ids() -> dict[tuple[Kind, Language, Way], str]:
    """The ids that our templates have at the stand-in: UUIDs made of kind, language and way."""
    return {
        (kind, language, way): str(uuid5(NAMESPACE_URL, f"cms-gateway:notices/{kind}/{language}/{way}"))
        for kind in KINDS
        for language in LANGUAGES
        for way in WAYS
    }  # fmt: skip


class Notify:
    """Sends notices and says what became of them; call it from an event loop.

    `base_url` is https, or of this machine; `template_ids` names the template of each notice at
    Notify. A call waits `timeout_seconds` for a connection and for each part of the answer, and three
    times as long in all; `workers` calls run at a time. Raises ValueError for a key or an address of
    Notify that cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        template_ids: TemplateIds,
        *,
        timeout_seconds: float = 10.0,
        workers: int = 4,
    ) -> None:
        where = urlsplit(base_url)
        if where.scheme != "https" and where.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("GOV.UK Notify is spoken to by https")
        # A key ends with the ids of service and secret: two UUIDs, and the hyphen between them.
        if len(api_key) < 73:
            raise ValueError("this is no API key of GOV.UK Notify")
        self._base_url = base_url
        self._api_key = api_key
        self._template_ids = template_ids
        self._timeout = timeout_seconds
        self._places = asyncio.Semaphore(workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="notify")
        self._mine = threading.local()
        self._clients: list[Any] = []

    def close(self) -> None:
        """Take no more calls; those under way end by themselves, and nobody hears of them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            client.request_session.close()

    async def send_email(
        self,
        address: str,
        kind: Kind,
        language: Language,
        personalisation: Mapping[str, Value],
        reference: str,
        *,
        again: bool = False,
    ) -> Accepted:
        """Send a notice to an e-mail address, under our reference, which is unique to the notice.

        With `again`, it is only sent where Notify has nothing under the reference. A call that is
        cancelled may have been carried out. Raises TemporaryError, PermanentError, and NoticeError
        for a value that no notice may hold.
        """
        members = {"email_address": address}
        return await self._send(
            "email", members, kind, language, personalisation, reference, again=again
        )

    async def send_letter(
        self,
        address_lines: Sequence[str],
        kind: Kind,
        language: Language,
        personalisation: Mapping[str, Value],
        reference: str,
        *,
        again: bool = False,
    ) -> Accepted:
        """Send a notice by post to an address of three to seven lines; the rest as for an e-mail.

        The last line is a UK postcode or the name of a country.
        """
        try:
            lines = postal_lines(address_lines)
        except AddressError:
            raise PermanentError(Trouble.ADDRESS) from None
        members = {f"address_line_{number}": line for number, line in enumerate(lines, start=1)}
        return await self._send(
            "letter", members, kind, language, personalisation, reference, again=again
        )

    async def status(self, identity: str) -> Status:
        """What became of a message, by Notify's id; raises TemporaryError and PermanentError."""

        def ask(client: Any) -> Status | None:
            found = msgspec.convert(client.get_notification_by_id(identity), _Message)
            state = _STATES.get(found.status)
            since = found.completed_at or found.sent_at or found.created_at
            return None if state is None else Status(state, _instant(since))

        status = await self._call(ask)
        if status is None:
            raise PermanentError(Trouble.OTHER)
        return status

    async def find(self, reference: str, way: Way) -> Accepted | None:
        """What Notify has under a reference of ours, sent that way; it forgets after seven days."""
        page = await self._call(
            lambda client: msgspec.convert(
                client.get_all_notifications(reference=reference, template_type=way), _Page
            )
        )
        # The oldest comes last, should there ever be two.
        ids = [
            each.id
            for each in page.notifications
            if (each.reference, each.type) == (reference, way)
        ]
        return Accepted(ids[-1]) if ids else None

    async def _send(
        self,
        way: Way,
        to: dict[str, str],
        kind: Kind,
        language: Language,
        personalisation: Mapping[str, Value],
        reference: str,
        *,
        again: bool,
    ) -> Accepted:
        if not 0 < len(reference) <= REFERENCE_CHARACTERS:
            raise ValueError(f"a reference has 1 to {REFERENCE_CHARACTERS} characters")
        template = self._template_ids.get((kind, language, way))
        if template is None:
            raise PermanentError(Trouble.TEMPLATE)
        values = neutral(personalisation)
        if again:
            try:
                found = await self.find(reference, way)
            except TemporaryError as trouble:
                # Whatever was not known about the attempt before is still not known.
                raise TemporaryError(
                    trouble.trouble, trouble.retry_after, perhaps_sent=True
                ) from None
            if found is not None:
                return found

        def post(client: Any) -> Accepted:
            if way == "email":
                answer = client.send_email_notification(
                    to["email_address"], template, values, reference
                )
            else:
                answer = client.send_letter_notification(template, values | to, reference)
            return msgspec.convert(answer, Accepted)

        try:
            return await self._call(post)
        except TemporaryError as trouble:
            if not trouble.perhaps_sent:
                raise
            unknown = trouble
        try:
            found = await self.find(reference, way)
        except NotifyError:
            found = None
        if found is None:
            # It may still be on its way through Notify; only a later look can tell that it is not.
            raise unknown
        return found

    async def _call(self, work: Callable[[Any], T]) -> T:
        """Run a call in a thread; raises TemporaryError and PermanentError."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(3 * self._timeout), self._places:
                return await loop.run_in_executor(self._threads, self._in_thread, work)
        except TimeoutError:
            raise TemporaryError(Trouble.NO_ANSWER, perhaps_sent=True) from None

    def _in_thread(self, work: Callable[[Any], T]) -> T:
        client = getattr(self._mine, "client", None)
        if client is None:
            client = _NEW(self._api_key, self._base_url, self._timeout)
            # Neither a proxy nor a password of the environment's; and a message goes nowhere else.
            client.request_session.trust_env = False
            client.request_session.max_redirects = 0
            self._mine.client = client
            self._clients.append(client)
        trouble: TemporaryError | PermanentError
        try:
            return work(client)
        except APIError as error:
            trouble = trouble_of(error)
        except (msgspec.ValidationError, ValueError):
            trouble = TemporaryError(Trouble.BROKEN, perhaps_sent=True)
        # Raised here, so that it does not carry the error that holds the request, and so the address.
        raise trouble


def _instant(text: str) -> dt.datetime:
    read = dt.datetime.fromisoformat(text)
    return read.astimezone(dt.UTC) if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)
