"""The API itself: its addresses, its answers, and the faults that can be asked of it.

rate_limited     429: too many calls in a minute; nothing is taken
day_limited      429: too many messages today; nothing is taken
broken           500; nothing is taken
broken_after     it is taken, and then 500
dropped          the connection ends without an answer; nothing is taken
dropped_after    it is taken, and then the connection ends without an answer
late             it is taken after a second
slow             it is taken, and the answer comes when nobody waits for it any more
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, get_args

import msgspec
from aiohttp import web

from gateway.core.notice_markup import html
from gateway.core.notices import Templates
from gateway.core.rate import RateLimit
from gateway.core.refusal import Refused
from gateway.edge.notify import WAYS, Way
from gateway.notify_stand_in.checking import is_uuid, read_wanted
from gateway.notify_stand_in.keys import ApiKey, authorise
from gateway.notify_stand_in.library import VERSION, Library
from gateway.notify_stand_in.messages import KEPT, SIMULATED, STATUSES, Message, Messages, Pace
from gateway.notify_stand_in.page import POLICY, page
from gateway.notify_stand_in.refusals import (
    TEAM_LETTERS,
    TEAM_ONLY,
    NotifyRefusal,
    bad_request,
    not_valid,
)

Fault = Literal[
    "rate_limited",
    "day_limited",
    "broken",
    "broken_after",
    "dropped",
    "dropped_after",
    "late",
    "slow",
]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)
FROM: Final = "gateway.stand.in@notifications.example"
BODY_BYTES: Final = 128 * 1024
PER_MINUTE: Final = 3_000
_WAITING: Final = 100
_LATE_SECONDS: Final = 1.0
_SLOW_SECONDS: Final = 30.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StandIn:
    """Notify for one service with its keys: what it was sent, and what it will do wrong next.

    `clock` gives UTC now and moves the states of messages; `wall`, where it is another, is what
    tokens are compared with. The newest `kept` messages can be looked at. `team` are the addresses to
    which a team key may send.
    """

    def __init__(
        self,
        templates: Templates,
        keys: tuple[ApiKey, ...],
        clock: Callable[[], dt.datetime],
        *,
        wall: Callable[[], dt.datetime] | None = None,
        team: frozenset[str] = frozenset(),
        pace: Pace | None = None,
        per_minute: int = PER_MINUTE,
        kept: int = KEPT,
    ) -> None:
        self._library = Library(templates)
        self._keys = keys
        self._clock = clock
        self._wall = wall or clock
        self._team = team
        self._per_minute = per_minute
        self._rate = RateLimit(per_minute)
        self._faults: deque[Fault] = deque()
        self.messages: Final = Messages(clock, pace or Pace(), kept)

    def fail_next(self, fault: Fault, times: int = 1) -> None:
        """Line a fault up for the next calls that send something; raises ValueError for too many."""
        if len(self._faults) + times > _WAITING:
            raise ValueError(f"at most {_WAITING} faults wait at a time")
        self._faults.extend([fault] * times)

    def app(self) -> web.Application:
        """The application, to be served on this machine only."""
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[_worded])
        app.add_routes(
            [
                web.post("/v2/notifications/{way:email|letter}", self._send),
                web.get("/v2/notifications", self._list),
                web.get("/v2/notifications/{id}", self._show),
                web.get("/v2/templates", self._templates),
                web.get("/v2/template/{id}", self._template),
                web.get("/v2/template/{id}/version/{version}", self._template),
                web.post("/v2/template/{id}/preview", self._preview),
                web.get("/inbox", self._inbox),
            ]
        )
        return app

    def _key(self, request: web.Request) -> ApiKey:
        return authorise(request.headers.get("Authorization"), self._keys, self._wall())

    async def _send(self, request: web.Request) -> web.StreamResponse:
        key = self._key(request)
        way: Way = "email" if request.match_info["way"] == "email" else "letter"
        wanted = read_wanted(way, await request.read())
        fault = self._faults.popleft() if self._faults else None
        await self._befall_before(fault, request, key)
        held = self._library.to_send(wanted.template, way)
        subject, body = held.filled(wanted.values)
        if key.type == "team":
            if way == "letter":
                raise NotifyRefusal(403, "BadRequestError", TEAM_LETTERS)
            if wanted.to["email_address"] not in self._team:
                raise bad_request(TEAM_ONLY)
        message = Message(
            str(uuid.uuid4()), wanted.reference, way, key.type, wanted.to, held, subject, body,
            self._clock(),
        )  # fmt: skip
        if wanted.to.get("email_address", "").lower() not in SIMULATED:
            self.messages.keep(message)
        await self._befall_after(fault, request)
        content = {"subject": subject, "body": body}
        if way == "email":
            content["from_email"] = FROM
        root = _root(request)
        answer: dict[str, Any] = {
            "id": message.id,
            "reference": message.reference,
            "content": content,
            "uri": f"{root}/v2/notifications/{message.id}",
            "template": {
                "id": held.id,
                "version": VERSION,
                "uri": f"{root}/services/{key.service}/templates/{held.id}",
            },
            "scheduled_for": None,
        }
        return web.json_response(answer, status=201)

    async def _befall_before(self, fault: Fault | None, request: web.Request, key: ApiKey) -> None:
        try:
            self._rate.take(key.text, self._wall())
        except Refused:
            fault = "rate_limited"
        match fault:
            case "rate_limited":
                raise NotifyRefusal(
                    429,
                    "RateLimitError",
                    f"Exceeded rate limit for key type {key.type.upper()} of {self._per_minute} "
                    "requests per 60 seconds",
                )
            case "day_limited":
                raise NotifyRefusal(
                    429, "TooManyRequestsError", "Exceeded send limits (250000) for today"
                )
            case "broken":
                raise NotifyRefusal(500, "Exception", "Internal server error")
            case "dropped":
                _drop(request)
            case "late":
                await asyncio.sleep(_LATE_SECONDS)

    async def _befall_after(self, fault: Fault | None, request: web.Request) -> None:
        match fault:
            case "broken_after":
                raise NotifyRefusal(500, "Exception", "Internal server error")
            case "dropped_after":
                _drop(request)
            case "slow":
                await asyncio.sleep(_SLOW_SECONDS)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        self._key(request)
        identity = request.match_info["id"]
        if not is_uuid(identity):
            raise not_valid("id is not a valid UUID")
        return web.json_response(self.messages.shown(self.messages.get(identity), _root(request)))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        key, query = self._key(request), request.query
        known = {"reference", "status", "template_type", "older_than", "include_jobs"}
        wrong = [
            f"Additional properties are not allowed ({name} was unexpected)"
            for name in query
            if name not in known
        ]
        statuses, types = query.getall("status", []), query.getall("template_type", [])
        listed = ", ".join(STATUSES)
        wrong += [
            f"status {told} is not one of [{listed}]" for told in statuses if told not in STATUSES
        ]
        wrong += [
            f"template_type {told} is not one of [sms, email, letter]"
            for told in types
            if told not in {*WAYS, "sms"}
        ]
        older = query.get("older_than")
        if older is not None and not is_uuid(older):
            wrong.append("older_than is not a valid UUID")
        if wrong:
            raise not_valid(*wrong)
        found = self.messages.page(
            key.type,
            statuses=frozenset(statuses),
            types=frozenset(types),
            reference=query.get("reference"),
            older_than=older,
        )
        root = _root(request)
        links = {"current": f"{root}{request.rel_url}"}
        if found:
            links["next"] = f"{root}{request.rel_url.update_query(older_than=found[-1].id)}"
        shown = [self.messages.shown(each, root) for each in found]
        return web.json_response({"notifications": shown, "links": links})

    async def _templates(self, request: web.Request) -> web.StreamResponse:
        self._key(request)
        way = request.query.get("type")
        if way not in {None, *WAYS, "sms"}:
            raise not_valid(f"type {way} is not one of [sms, email, letter]")
        return web.json_response({"templates": self._library.all(way)})

    async def _template(self, request: web.Request) -> web.StreamResponse:
        self._key(request)
        identity = request.match_info["id"]
        if not is_uuid(identity):
            raise not_valid("id is not a valid UUID")
        held = self._library.get(identity, request.match_info.get("version"))
        return web.json_response(held.shown())

    async def _preview(self, request: web.Request) -> web.StreamResponse:
        self._key(request)
        held = self._library.get(request.match_info["id"])
        try:
            told = msgspec.json.decode(await request.read())
            values = msgspec.convert(told.get("personalisation") or {}, dict[str, Any])
        except (msgspec.DecodeError, AttributeError):
            raise bad_request("Invalid JSON supplied in POST data") from None
        subject, body = held.filled(values)
        shown = {
            "id": held.id,
            "type": held.type,
            "version": VERSION,
            "subject": subject,
            "body": body,
        }
        shown |= {"html": html(body)} if held.type == "email" else {"postage": "second"}
        return web.json_response(shown)

    async def _inbox(self, request: web.Request) -> web.StreamResponse:
        found = self.messages.newest()
        if "application/json" in request.headers.get("Accept", ""):
            root = _root(request)
            return web.json_response([self.messages.shown(each, root) for each in found])
        told = page((each, self.messages.status(each)) for each in found)
        return web.Response(
            text=told, content_type="text/html", headers={"Content-Security-Policy": POLICY}
        )


def _root(request: web.Request) -> str:
    return str(request.url.origin())


def _drop(request: web.Request) -> None:
    """End the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


@web.middleware
async def _worded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in Notify's form."""
    try:
        return await handler(request)
    except NotifyRefusal as refusal:
        return refusal.answer()
    except web.HTTPException as error:
        return NotifyRefusal(error.status, type(error).__name__, error.reason).answer()


@asynccontextmanager
async def opened(stand_in: StandIn, port: int = 0) -> AsyncIterator[str]:
    """The stand-in, served on a loopback port until the block is left; gives its base address."""
    runner = web.AppRunner(stand_in.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
