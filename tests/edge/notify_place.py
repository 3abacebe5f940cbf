"""A stand-in for GOV.UK Notify on loopback, the real client, and ours."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from notifications_python_client.errors import HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from gateway.core.notices import Templates
from gateway.edge.notify import Notify, stand_in_ids
from gateway.installed import templates as installed_templates
from gateway.notify_stand_in.keys import ApiKey, new_key
from gateway.notify_stand_in.serving import StandIn, opened

TEMPLATES: Templates = installed_templates()
IDS = stand_in_ids()
WITHDRAWN = IDS["withdrawn", "en", "email"]
WITHDRAWN_LETTER = IDS["withdrawn", "en", "letter"]
VALUES: dict[str, str | bool] = {"reference": "7F3K-22QX", "contact": "0800 000 0000"}
NOWHERE = "00000000-0000-4000-8000-000000000000"
SOMEBODY = "post.room@bank.example"
ADDRESS = ("The Post Room", "Example Bank plc", "1 Made Up Street", "SW1A 2AA")
LETTER = {f"address_line_{n}": line for n, line in enumerate(ADDRESS, start=1)}


@dataclass
class Place:
    """A stand-in that serves, with keys of each kind and clocks that are moved by hand."""

    url: str = ""
    keys: dict[str, ApiKey] = field(default_factory=dict)
    moved: dt.timedelta = dt.timedelta()
    wrong: dt.timedelta = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.moved

    def wall(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.wrong

    @property
    def stand_in(self) -> StandIn:
        return self._stand_in

    @asynccontextmanager
    async def serving(self, **settings: Any) -> AsyncIterator[Place]:
        live = new_key("live")
        self.keys = {
            "live": live,
            "team": new_key("team", live.service),
            "test": new_key("test", live.service),
        }
        self._stand_in = StandIn(
            TEMPLATES,
            tuple(self.keys.values()),
            self.now,
            wall=self.wall,
            team=frozenset({SOMEBODY}),
            **settings,
        )
        async with opened(self._stand_in) as self.url:
            yield self

    async def real(
        self, work: Callable[[Any], Any], key: str = "live", url: str | None = None
    ) -> Any:
        """A call by the real client, in a thread, so that the stand-in can answer here."""

        def called() -> Any:
            client: Any = NotificationsAPIClient(self.keys[key].text, url or self.url, 5)
            try:
                return work(client)
            finally:
                client.request_session.close()

        return await asyncio.to_thread(called)

    async def refused(self, work: Callable[[Any], Any], key: str = "live") -> tuple[int, Any]:
        """How the real client tells that a call was refused."""
        with pytest.raises(HTTPError) as error:
            await self.real(work, key)
        return error.value.status_code, error.value.message


@asynccontextmanager
async def notify_at(place: Place, key: str = "live", **settings: Any) -> AsyncIterator[Notify]:
    notify = Notify(place.url, place.keys[key].text, IDS, timeout_seconds=2, **settings)
    try:
        yield notify
    finally:
        notify.close()


def post_email(to: str = SOMEBODY, **changes: Any) -> Callable[[Any], Any]:
    return lambda client: client.send_email_notification(
        **({"email_address": to, "template_id": WITHDRAWN, "personalisation": VALUES} | changes)
    )
