"""What the demonstration stands on: a real gateway on a loopback port, and its parties' clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from certs import development, private_files
from gateway import config, wiring
from gateway.administration.orders import SCOPES, AddCertificate, AddParty
from gateway.cli import house, office
from gateway.cli.clients import enrol
from gateway.cli.demo.cast import Part, Question, copy_samples
from gateway.cli.exits import Exit, Stop
from gateway.client import profile as profiles
from gateway.client.answers import Outcome
from gateway.client.api import Client
from gateway.client.events import FeedPage
from gateway.config import Notices, Notify, Settings
from gateway.edge import logs
from gateway.installed import templates as installed_templates
from gateway.notify_stand_in.keys import new_key
from gateway.notify_stand_in.serving import StandIn
from gateway.notify_stand_in.serving import opened as post_opened

ORIGIN = "demo.example/ledger"


@dataclass(slots=True)
class Stage:
    """The gateway, and what the story has so far brought about."""

    directory: Path
    settings: Settings
    gateway: wiring.Gateway
    vkey: str
    stack: AsyncExitStack
    post: StandIn
    clients: dict[str, Client] = field(default_factory=dict)
    requests: dict[Question, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    pages: dict[str, list[FeedPage]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The settings' file."""
        return self.directory / "config.toml"

    @property
    def samples(self) -> Path:
        """Copies of the sample files."""
        return self.directory / "samples"

    @property
    def key_file(self) -> Path:
        """The one public key, as an auditor would have it."""
        return self.directory / house.VKEY

    @property
    def copy(self) -> Path:
        """The auditor's copy of the ledger."""
        return self.directory / "ledger-copy"

    @property
    def auditor(self) -> Path:
        """The profile of somebody who reads the ledger and is no party."""
        return self.directory / house.AUDITOR

    def profile(self, party: str) -> Path:
        """A party's profile."""
        return self.directory / "parties" / party / "profile.toml"

    def receipt(self, sample: str) -> Path:
        """Where the receipt of a sample is kept."""
        return self.directory / "receipts" / f"{sample}.tlog-proof"

    async def onboard(self, part: Part) -> None:
        """Add a party as an operator would, and connect as it would."""
        where = self.profile(part.id).parent
        added = AddParty(id=part.id, kind=part.kind, name=part.name, classes=part.classes)
        await office.order(self.config, added)
        pki = house.pki_of(self.settings)
        named = development.Party(part.kind, part.id)
        issued = development.issue(pki, named, now=wiring.clock())
        der = await asyncio.to_thread(lambda: house.der_of(issued.certificate.read_bytes()))
        await office.order(self.config, AddCertificate(party=part.id, certificate=der))
        await asyncio.to_thread(house.hand_over, pki, issued, where)
        scope = SCOPES[part.kind]
        path = await enrol(self.config, part.id, f"{part.id}-client", scope, where, None)
        client = Client(profiles.load(path))
        self.clients[part.id] = await self.stack.enter_async_context(client)


@contextlib.asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Stage]:
    """A new gateway in a directory, serving on a free loopback port."""
    logs.configure(level="error")
    path = await asyncio.to_thread(house.create, directory, port=_free_port(), origin=ORIGIN)
    settings = config.load(path)
    await asyncio.to_thread(copy_samples, directory / "samples")
    async with AsyncExitStack() as stack:
        # Letters go to a stand-in of GOV.UK Notify, on this machine.
        key = new_key()
        post = StandIn(installed_templates(), (key,), wiring.clock)
        url = await stack.enter_async_context(post_opened(post))
        key_file = directory / "notify.key"
        private_files.write_new(key_file, key.text.encode())
        notices = Notices(contact="the demonstration", notify=Notify(url=url, key=key_file))
        settings = msgspec.structs.replace(settings, notices=notices)
        gateway = await stack.enter_async_context(wiring.running(settings))
        vkey = gateway.ring.evidence.vkey
        stage = Stage(directory, settings, gateway, vkey, stack, post)
        for each in ("parties", "receipts"):
            (directory / each).mkdir()
        house.write_auditor(directory, settings.issuer, vkey)
        yield stage


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def expect(holds: object, what: str) -> None:
    """End the demonstration where something it was about to say is not so."""
    if not holds:
        message = (
            f"The demonstration stopped: {what}. Nothing it says after this could be believed."
        )
        raise Stop(message, Exit.REFUSED)
