"""A gateway that asks: its clock can be moved, its post goes to a stand-in for GOV.UK Notify."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from certs import development
from gateway.config import Notices, Notify
from gateway.core.correspondent import Agreed, Contact, Correspondent
from gateway.core.deadlines import uk_day
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Credentials
from gateway.core.notice_item import Notice, Wording
from gateway.edge.jobs import Ran
from gateway.installed import templates as installed_templates
from gateway.notify_stand_in.keys import new_key
from gateway.notify_stand_in.messages import Message
from gateway.notify_stand_in.serving import StandIn, opened
from gateway.planning import address_tag
from gateway.wiring import Annex, clock
from tests.conftest import House, house_in

TEMPLATES = installed_templates()
NAMES = ("bank", "employer", "tracing", "enforcement")
LINES = "application/x-ndjson"
ADDRESS = ("The Post Room", "Example Bank plc", "1 Made Up Street", "SW1A 2AA")
EMAIL = "post.room@bank.example"
LONDON = ZoneInfo("Europe/London")
MARSH = {
    "surname": "Marsh",
    "forenames": "Tamsin",
    "date_of_birth": "1988-03-14",
    "nino": "AA000017A",
}


class Clock:
    """The time on the wall, and as far ahead of it as a test wants; it never stands still.

    It begins a day ahead, so that every hour of its day is one at which the certificates are valid.
    """

    def __init__(self) -> None:
        self.ahead = dt.timedelta(days=1)

    def __call__(self) -> dt.datetime:
        return clock() + self.ahead

    def to(self, instant: dt.datetime) -> None:
        self.ahead = instant - clock()

    @property
    def day(self) -> dt.date:
        return uk_day(self())


def at(day: dt.date, hour: int = 12, minute: int = 0) -> dt.datetime:
    """An instant by the clocks of London."""
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON)


@dataclass
class Story:
    """A house, its clock, and everything that tests of asking do with them."""

    house: House
    time: Clock
    post: StandIn | None
    pki: development.DevelopmentPki

    @property
    def asking(self) -> Any:
        return self.house.gateway.asking

    @property
    def store(self) -> Any:
        return self.house.gateway.store

    @property
    def vkey(self) -> str:
        return self.house.gateway.ring.evidence.vkey

    # --- time

    def to(self, instant: dt.datetime) -> None:
        """Move the clock, and let the authority give out a list of revocations for that day."""
        self.time.to(instant)
        now = self.time()
        development._write_crl(self.pki, now)
        self.house.gateway.trust.revocation.refresh(now)

    def on(self, days: int, hour: int = 12, minute: int = 0) -> dt.date:
        """Move the clock so many days on, to an hour in London; the day it then is."""
        self.to(at(self.time.day + dt.timedelta(days=days), hour, minute))
        return self.time.day

    async def run(self, *names: str) -> None:
        """Run jobs to their end, after whatever of them is under way."""
        for name in names:
            while (ran := await self.asking.jobs.run_now(name)) is Ran.ELSEWHERE:
                await asyncio.sleep(0.005)
            assert ran is Ran.DONE, name

    async def quiet(self) -> None:
        """Let what goes on by itself come to its end, unless it was stopped."""
        if self.asking._task is None:
            return
        for name in ("notices", "matching"):
            while await self.asking.jobs.run_now(name) is Ran.ELSEWHERE:
                await asyncio.sleep(0.005)

    async def outcome(self, name: str, submission: str) -> Any:
        """What became of a large submission, once it has been read."""
        path = f"/v1/submissions/{submission}"
        while True:
            _, found, _ = await self.house.parties[name].call("GET", path, params={"wait": 5})
            if found["state"] != "received":
                return found
            await asyncio.sleep(0.05)

    async def sent(self) -> None:
        """Let everything go that waits to be sent."""
        await self.run("notices")

    # --- people

    async def reached(
        self,
        identity: str,
        *,
        address: tuple[str, ...] = (),
        email: str | None = None,
        webhook: str | None = None,
        secret: str | None = None,
        nation: str = "england_wales",
        language: str = "en",
    ) -> None:
        """Say how somebody is reached."""
        ring, key = self.house.gateway.ring, os.urandom(32)
        contact = Contact(address=address, email=email, webhook=webhook, secret=secret)
        packed = msgspec.json.encode(contact)
        person = Correspondent(
            id=identity,
            kind="organisation",
            nation=nation,  # type: ignore[arg-type]
            language=language,  # type: ignore[arg-type]
            wrapped_key=ring.wrap(key, identity.encode()),
            contact=Envelope(key, identity).seal(b"contact", 0, packed, os.urandom(NONCE_BYTES)),
        )
        await self.store.correspondents.put(person)

    async def agrees(
        self,
        identity: str,
        form: str,
        address: str | None = None,
        *,
        purpose: str = "requests",
        since: dt.date | None = None,
    ) -> str:
        """An agreement to a form at an address, for a purpose; its id."""
        ring = self.house.gateway.ring
        number = len(self.store.correspondents.agreements(identity)) + 1
        agreed = Agreed(
            id=f"agr_{identity}_{number}",
            purpose=purpose,  # type: ignore[arg-type]
            form=form,  # type: ignore[arg-type]
            address=address_tag(identity, form, address or form, ring),  # type: ignore[arg-type]
            since=since or self.time.day,
            until=None,
            evidence="signed form",
        )
        await self.store.correspondents.agree(identity, agreed)
        return agreed.id

    async def connected(self, *identities: str, nation: str = "england_wales") -> None:
        """Organisations that have agreed to be sent everything by their own door."""
        for identity in identities:
            await self.reached(identity, address=ADDRESS, nation=nation)
            for purpose in ("requests", "orders", "reminders"):
                await self.agrees(identity, "api", purpose=purpose)

    async def shown(self, name: str) -> Credentials:
        """What a party shows when it comes in."""
        party = self.house.parties[name]
        der = development.x509.load_pem_x509_certificate(party.issued.certificate.read_bytes())
        encoding = development.serialization.Encoding.DER
        return Credentials(der.public_bytes(encoding), await party.token())

    # --- requests

    async def ask(self, consumer: str, organisation: str, *types: str, **more: Any) -> str:
        """Raise a request about Tamsin Marsh, due in thirty days, and let its notice go."""
        due = (self.time.day + dt.timedelta(days=30)).isoformat()
        told = {"subject": MARSH, "due": due} | more
        request = await self.house.ask(consumer, organisation, *types, **told)
        await self.quiet()
        return request

    async def order(self, kind: str, organisation: str, terms: dict[str, Any]) -> str:
        """Make an order, which has no due day of its own."""
        body = {
            "organisation": organisation,
            "purposes": ["COLLECT_ENFORCE"],
            "citation": "CSA 1991 s31",
            "subject": MARSH,
            "kind": kind,
            "terms": terms,
        }
        status, told, _ = await self.house.enforcement.call("POST", "/v1/requests", json=body)
        assert status == 201, told
        await self.quiet()
        return str(told["id"])

    async def do(self, name: str, request: str, step: str, **body: Any) -> tuple[int, Any]:
        """Take a step of a request, as a party, and let its notices go; the status, and the answer."""
        path = f"/v1/requests/{request}/{step}"
        status, told, _ = await self.house.parties[name].call("POST", path, json=body)
        await self.quiet()
        return status, told

    async def look(self, name: str, request: str) -> Any:
        """A request as a party sees it."""
        status, told, _ = await self.house.parties[name].call("GET", f"/v1/requests/{request}")
        assert status == 200, told
        return told

    def state(self, request: str) -> str:
        return str(self.stored(request).state)

    def stored(self, request: str) -> Any:
        return self.store.requests.request(request)

    def events(self, request: str) -> list[str]:
        return [each.event.value for each in self.store.requests.history(request)]

    async def send(
        self, name: str, body: bytes, media_type: str = LINES, **headers: str
    ) -> dict[str, Any]:
        """A submission that is taken."""
        status, told, _ = await self.house.parties[name].submit(body, media_type, **headers)
        assert status in {200, 201, 202}, told
        return dict(told)

    # --- notices

    def notices(self, request: str) -> list[Notice]:
        return list(self.store.notices.of_request(request))

    def words(self, notice: Notice) -> Wording:
        """What a notice says, opened."""
        assert notice.wrapped_key is not None
        key = self.house.gateway.ring.unwrap(notice.wrapped_key, notice.id.encode())
        opened_words = Envelope(key, notice.id).open(b"notice", 0, notice.sealed or b"")
        return msgspec.json.decode(opened_words, type=Wording)

    def key_of(self, notice: Notice) -> bytes:
        assert notice.wrapped_key is not None
        return self.house.gateway.ring.unwrap(notice.wrapped_key, notice.id.encode())

    @property
    def posted(self) -> list[Message]:
        """Every letter and e-mail at the stand-in, the newest first."""
        assert self.post is not None
        return self.post.messages.newest()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Entries of a kind, in order."""
        evidence = self.store.evidence
        told = [json.loads(entry) for entry in evidence.entries(0, evidence.size)]
        return [entry for entry in told if entry["kind"] == kind]


@asynccontextmanager
async def story_in(
    directory: Path,
    pki: development.DevelopmentPki,
    *,
    time: Clock | None = None,
    post: StandIn | None = None,
    names: tuple[str, ...] = NAMES,
    judged: bool = True,
    contact: str = "0800 000 0000",
    **changes: Any,
) -> AsyncIterator[Story]:
    """A gateway that asks, until the block is left; letters go to `post` if it is served there."""
    time = time or Clock()
    notices = Notices(
        contact=contact,
        webhook_ca=pki.server_ca,
        webhook_networks=(str(ipaddress.ip_network("127.0.0.1/32")),),
    )
    async with AsyncExitStack() as stack:
        if post is not None:
            url = await stack.enter_async_context(opened(post))
            key = directory / "notify.key"
            key.write_text(post._keys[0].text)
            notices = msgspec.structs.replace(notices, notify=Notify(url=url, key=key))
        house = await stack.enter_async_context(
            house_in(
                directory,
                pki,
                names=names,
                judged=judged,
                annex=Annex(clock=time),
                notices=notices,
                **changes,
            )
        )
        story = Story(house, time, post, pki)
        yield story
        await story.quiet()


def stand_in(time: Clock, **settings: Any) -> StandIn:
    """GOV.UK Notify by the clock of a test, with a live key."""
    return StandIn(TEMPLATES, (new_key("live"),), time, wall=clock, **settings)


def lines(*records: dict[str, Any]) -> bytes:
    """Records as JSON lines."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def identity(**who: str) -> dict[str, Any]:
    """An identity record about Tamsin Marsh, or somebody else."""
    return {"type": "identity", "who": {**MARSH, **who}}


def address_of(**who: str) -> dict[str, Any]:
    """An address record about Tamsin Marsh, or somebody else."""
    where = {"lines": ["3 Example Street"], "town": "Exampleton", "postcode": "SW1A 1AA"}
    return {"type": "address", "who": {**MARSH, **who}, "where": where}
