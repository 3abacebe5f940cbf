"""A year in minutes: many organisations, ten times as many requests, a clock that is driven.

    python -m bench.year                      10,000 organisations, 100,000 requests
    python -m bench.year --organisations 200 --requests 2000

Everything is real but time, people and who is at the door: one gateway on SQLite, GOV.UK Notify's own
client against the stand-in over HTTP, access codes read from the letters it was handed. Whoever has
an account is taken to have proved who it is; certificates and tokens have tests of their own. At the
end every request must stand in a lawful state, every notice must have gone by a way that its recipient
had agreed to on that day, and the judge must find nothing in the ledger.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import hashlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop

from bench.year_cast import PURPOSES, Organisation, asked, organisations
from bench.year_check import checked
from certs import development
from gateway import access, bulk, matching, notice, reminding, request
from gateway.config import Notices, Notify, Settings, Tls
from gateway.core.canonical import b64u
from gateway.core.channel import Electronic, Purpose
from gateway.core.correspondent import Agreed, Contact, Correspondent
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller, Credentials
from gateway.core.refusal import Refused
from gateway.core.request_life import OPEN
from gateway.core.stages import Arrival
from gateway.edge import keyring, logs
from gateway.installed import templates as installed_templates
from gateway.notify_stand_in.keys import new_key
from gateway.notify_stand_in.messages import Pace
from gateway.notify_stand_in.serving import StandIn, opened
from gateway.planning import address_tag
from gateway.submission import Intake, receive
from gateway.wiring import Annex, Gateway, clock, running

FIRST: Final = dt.datetime(2027, 1, 4, 9, tzinfo=dt.UTC)
# Requests are raised in a year; then time goes on until the last of them has ended.
DAYS: Final = 365
AFTER: Final = 80
_CODE: Final = re.compile(r"\b([0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3})\b")
_PURPOSES: Final[tuple[Purpose, ...]] = ("requests", "reminders", "orders")
_FORMS: Final[dict[str, Electronic]] = {
    "api": "api", "prefers_post": "api", "sftp": "sftp", "email": "email",
}  # fmt: skip
_AT_A_TIME: Final = 64


class Clock:
    """The time of the year; it moves when it is told to."""

    def __init__(self) -> None:
        self.now = FIRST

    def __call__(self) -> dt.datetime:
        """Now."""
        return self.now


@dataclass
class AtTheDoor:
    """A door at which whoever has an account has proved who it is (`gateway.submission.Door`)."""

    gateway: Gateway
    clock: Clock

    async def authenticate(self, credentials: Credentials, scope: str) -> Caller:
        """The party that the token names."""
        party = self.gateway.store.registry.party(credentials.token or "", self.clock().date())
        assert party is not None, scope
        return Caller(party.id, party.kind, party.classes, party.id, frozenset({scope}), "x" * 43)


@dataclass
class Year:
    """The simulation: who takes part, and what is to happen on which day."""

    gateway: Gateway
    clock: Clock
    post: StandIn
    who: dict[str, Organisation]
    chance: random.Random
    intake: Intake
    agenda: dict[dt.date, list[tuple[str, str, tuple[str, ...]]]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    did: Counter[str] = field(default_factory=Counter)

    @property
    def today(self) -> dt.date:
        """The day it is."""
        return self.clock().date()

    # --- the department's side

    async def ask(self, count: int) -> None:
        """Raise so many requests, in one file of each team."""
        desk = self.gateway.asking.desk
        for consumer in PURPOSES:
            lines = []
            for name in self.chance.choices(list(self.who), k=-(-count // len(PURPOSES))):
                line = asked(self.chance, self.gateway.law, self.who[name], self.today, consumer)
                lines += [] if line is None else [msgspec.json.encode(line)]
            caller = Caller(consumer, "consumer", frozenset({consumer}), consumer, frozenset(), "")
            raised = await bulk.ask_many(caller, b"\n".join(lines), bulk.LINES[0], desk)
            assert not raised.refused, raised.refused[:1]
            self.did["asked"] += len(raised.requests)
            for made in raised.requests:
                self.plan(made["id"])

    def plan(self, identity: str) -> None:
        """What the organisation will do with a request, and on which day."""
        stored = self.gateway.store.requests.request(identity)
        assert stored is not None
        habit = self.who[stored.organisation].habit
        due = dt.date.fromisoformat(stored.due)
        soon = self.today + dt.timedelta(days=self.chance.randint(3, 9))
        types = stored.record_types
        match habit:
            case "prompt":
                self.put(soon, identity, "answer", types)
            case "nil":
                self.put(soon, identity, "nil", ())
            case "refuses":
                self.put(soon, identity, "refuse", ())
            case "in_parts":
                self.put(soon, identity, "answer", types[:1])
                self.put(due, identity, "answer", types[1:])
            case "asks_first":
                self.put(soon, identity, "question", types)
            case "late":
                self.put(
                    due + dt.timedelta(days=self.chance.randint(2, 30)), identity, "answer", types
                )
        if self.chance.random() < 0.01:
            self.put(self.today + dt.timedelta(days=2), identity, "withdraw", ())

    def put(self, day: dt.date, identity: str, what: str, types: tuple[str, ...]) -> None:
        """Write something into the agenda."""
        self.agenda.setdefault(day, []).append((identity, what, types))

    # --- the organisations' side

    def open_letters(self) -> None:
        """Read today's letters and e-mails; those without an account find an access code."""
        for message in self.post.messages.newest():
            if message.id in self.read:
                break
            self.read.add(message.id)
            found = _CODE.search(message.body)
            told = self.gateway.store.notices.one(message.reference or "")
            if found and told is not None and told.request is not None:
                self.codes[told.request] = found[1]

    async def act(self) -> None:
        """Everything that organisations do today."""
        todo = self.agenda.pop(self.today, [])
        for start in range(0, len(todo), _AT_A_TIME):
            await asyncio.gather(*(self.step(*each) for each in todo[start : start + _AT_A_TIME]))

    async def step(self, identity: str, what: str, types: tuple[str, ...]) -> None:
        """One thing that somebody does about one request, if it is still open."""
        asking, store = self.gateway.asking, self.gateway.store
        stored = store.requests.request(identity)
        assert stored is not None
        if stored.state not in OPEN:
            return
        if what == "withdraw":
            caller = Caller(stored.consumer, "consumer", frozenset(), "", frozenset(), "")
            await request.withdraw(caller, identity, asking.desk)
            self.did["withdrawn"] += 1
            return
        shown = await self.enter(stored.organisation, identity)
        if shown is None:  # the letter has not come yet
            self.put(self.today + dt.timedelta(days=1), identity, what, types)
            return
        intake = asking.guests if (shown.token or "").startswith(access.PREFIX) else self.intake
        caller = await intake.door.authenticate(shown, "requests")
        if what == "question":
            await request.query(caller, identity, "Which of two people is meant?", asking.desk)
            back = self.today + dt.timedelta(days=self.chance.randint(1, 8))
            self.put(back, identity, "explain", types)
            self.did["questions"] += 1
        elif what == "explain":
            officer = Caller(stored.consumer, "consumer", frozenset(), "", frozenset(), "")
            await request.explain(officer, identity, "The younger one.", asking.desk)
            self.put(self.today + dt.timedelta(days=2), identity, "answer", types)
        else:
            await request.acknowledge(caller, identity, asking.desk)
            await self.answer(identity, shown, intake, what, types)

    async def enter(self, organisation: str, identity: str) -> Credentials | None:
        """Come in as an organisation does: by its account, or by the code from the letter."""
        if self.who[organisation].channel in {"api", "sftp", "prefers_post"}:
            return Credentials(None, organisation)
        code = self.codes.get(identity)
        if code is None:
            return None
        wicket = self.gateway.asking.wicket
        try:
            session = await access.exchange(code, identity, wicket)
        except Refused:  # it was used before
            await access.again(self.codes.pop(identity), identity, wicket)
            self.did["codes asked for again"] += 1
            return None
        self.did["codes exchanged"] += 1
        return Credentials(None, session.token)

    async def answer(
        self, identity: str, shown: Credentials, intake: Intake, what: str, types: tuple[str, ...]
    ) -> None:
        """Send the answer, a file for each record type."""
        lines = {
            "nil": b'{"type":"nil_return","answer":{"code":"NOT_HELD"}}\n',
            "refuse": b'{"type":"refusal","answer":{"code":"DISPROPORTIONATE_QUERY"}}\n',
        }
        bodies = (
            [(_sample(name), "text/csv") for name in types]
            if what == "answer"
            else [(lines[what], "application/jsonl")]
        )
        for body, kind in bodies:
            await receive(arriving(body, kind, identity, shown), intake)
            self.did["answers"] += 1


def arriving(body: bytes, kind: str, identity: str, shown: Credentials) -> Arrival:
    """A file as it arrives."""

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    return Arrival(shown, kind, None, None, None, identity, len(body), chunks())


_SAMPLES: Final[dict[str, bytes]] = {}


def _sample(name: str) -> bytes:
    if name not in _SAMPLES:
        _SAMPLES[name] = (files("schemas") / "samples" / "records" / f"{name}.csv").read_bytes()
    return _SAMPLES[name]


async def settle_in(year: Year) -> None:
    """Let everybody in: organisations with their contacts and agreements, and the three teams."""
    store, vault = year.gateway.store, year.gateway.ring
    day = FIRST.date()
    for consumer in PURPOSES:
        await store.registry.add_party(consumer, "consumer", consumer, [consumer], day)

    async def one(who: Organisation) -> None:
        await store.registry.add_party(who.id, "organisation", who.id, [who.provider_class], day)
        if who.channel in {"api", "prefers_post"}:
            await store.registry.add_client(f"{who.id}-client", who.id, ["requests"], {"keys": []})
        if who.channel == "sftp":
            blob = f"the key of {who.id}".encode()
            thumbprint = b64u(hashlib.sha256(blob).digest())
            await store.registry.ssh_keys.add(who.id, thumbprint, blob)
        email = f"{who.id}@example.com"
        contact = Contact(address=(who.id, "1 Example Street", "SW1A 1AA"), email=email)
        key = year.intake.entropy(32)
        packed = msgspec.json.encode(contact)
        sealed = Envelope(key, who.id).seal(b"contact", 0, packed, year.intake.entropy(NONCE_BYTES))
        await store.correspondents.put(
            Correspondent(
                id=who.id, kind="organisation", nation=who.nation, language=who.language,
                wrapped_key=vault.wrap(key, who.id.encode()), contact=sealed,
            )
        )  # fmt: skip
        form = _FORMS.get(who.channel)
        for purpose in _PURPOSES:
            address = contact.address_of(form) if form else None
            if form is None or address is None:
                break
            await store.correspondents.agree(
                who.id,
                Agreed(
                    id=year.intake.new_id("agr"), purpose=purpose, form=form, since=day, until=None,
                    address=address_tag(who.id, form, address, vault), evidence="simulated",
                ),
            )  # fmt: skip
        if who.channel == "prefers_post":
            await store.correspondents.prefer(who.id, day, post=True)

    everybody = list(year.who.values())
    for start in range(0, len(everybody), 4 * _AT_A_TIME):
        await asyncio.gather(*map(one, everybody[start : start + 4 * _AT_A_TIME]))


async def live(year: Year, count: int) -> None:
    """Day after day, until every request has ended."""
    work, outbox = year.gateway.asking.clockwork, year.gateway.asking.outbox
    rest = count
    for day in range(DAYS + AFTER):
        year.clock.now = FIRST + dt.timedelta(days=day)
        await notice.settle(outbox, year.clock() - dt.timedelta(days=7))
        for step in (reminding.remind, reminding.lapse, reminding.chase, reminding.escalate):
            year.did[step.__name__] += await step(work, year.clock())
        if day < DAYS and rest > 0:
            today = -(-rest // (DAYS - day))
            await year.ask(today)
            rest -= today
        await notice.dispatch(outbox)
        year.open_letters()
        await year.act()
        if day % 30 == 0:
            print(
                f"{year.today}  asked {year.did['asked']:>7,}  answers {year.did['answers']:>7,}",
                flush=True,
            )


async def run(parties: int, requests: int, seed: int, directory: Path) -> bool:
    """The whole year; whether everything in it was lawful."""
    logs.configure(level="critical")
    pki = development.create(directory / "pki", now=FIRST)
    keyring.create(directory / "keys")
    time_of_year, key = Clock(), new_key()
    (directory / "notify.key").write_text(key.text)
    pace = Pace(posted=20 * 3600.0)
    post = StandIn(
        installed_templates(), (key,), time_of_year, wall=clock, pace=pace,
        per_minute=10**7, kept=50_000,
    )  # fmt: skip
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(opened(post))
        settings = Settings(
            origin="year.example/ledger", issuer="https://gateway.example", data=directory / "data",
            keys=directory / "keys", port=0, calls_per_minute=10**9,
            notices=Notices(contact="0800 000 0000", notify=Notify(url=url, key=directory / "notify.key")),
            tls=Tls(certificate=pki.server_certificate, key=pki.server_key,
                    participants=pki.client_ca, revocation_lists=(pki.crl,)),
        )  # fmt: skip
        annex = Annex(clock=time_of_year)
        gateway = await stack.enter_async_context(running(settings, annex))
        await gateway.asking.stop()  # what time does is done here, day by day
        who = {each.id: each for each in organisations(seed, parties)}
        chance = random.Random(seed + 1)
        intake = replace(gateway.asking.own, door=AtTheDoor(gateway, time_of_year))
        year = Year(gateway, time_of_year, post, who, chance, intake)
        await settle_in(year)
        print(
            f"{parties:,} organisations let in after {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        await live(year, requests)
        await matching.match_new(gateway.asking.table)
        lived = time.perf_counter() - began
        return checked(year.gateway, post, dict(year.did), lived)


def main() -> int:
    """Live the year and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m bench.year", description=__doc__)
    parser.add_argument("--organisations", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=2026)
    chosen: Any = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="year-") as where:
        lawful = uvloop.run(run(chosen.organisations, chosen.requests, chosen.seed, Path(where)))
    return 0 if lawful else 1


if __name__ == "__main__":
    sys.exit(main())
