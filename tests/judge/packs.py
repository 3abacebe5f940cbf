"""The pack of a request that was never answered, made by the real writers from a real key and tree."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.canonical import b64u, canonical
from gateway.core.checkpoint import Checkpoint, parse_vkey, sign_checkpoint
from gateway.core.evidence_pack import evidence_pack, pack_entry
from gateway.core.instant import written
from gateway.core.ledger import commitment, entry
from gateway.core.merkle import Levels, leaf_hashes
from gateway.core.pack_item import Pack, PackEvent, PackNotice, PackRequest
from gateway.edge import keyring
from gateway.judge.verdict import Verdict

ORIGIN = "gateway.test/ledger"
REQUEST = "req_1"
ORGANISATION = "example-employer"
MADE_AT = dt.datetime(2026, 11, 22, 21, 30, 7, 123456, tzinfo=dt.UTC)
SALT = bytes(range(16))
DEEMED = "Interpretation Act 1978 s 7"


def when(day: int) -> str:
    return written(dt.datetime(2026, 9, 1, 9, tzinfo=dt.UTC) + dt.timedelta(days=day))


@dataclass
class Story:
    """A ledger as it grows, and what of it is about the request."""

    directory: Path
    ledger: list[bytes] = field(default_factory=list)
    events: list[PackEvent] = field(default_factory=list)
    notices: list[PackNotice] = field(default_factory=list)
    ours: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.directory.exists():
            keyring.create(self.directory)
        self.key = keyring.open_ring(self.directory, origin=ORIGIN).evidence
        self.ledger.append(entry("ledger.opened", when(0), origin=ORIGIN))

    def other(self, day: int) -> None:
        """Something that has nothing to do with the request."""
        self.ledger.append(entry("client.added", when(day), id=f"client-{len(self.ledger)}"))

    def event(self, name: str, state: str, day: int, by: str = "gateway", **more: Any) -> None:
        index = len(self.ledger)
        n = len(self.events) + 1
        told = {"id": REQUEST, "n": n, "state": state, "by": by, "notice": None} | more
        self.ledger.append(entry(f"request.{name}", when(day), **told))
        self.events.append(PackEvent(event=name, state=state, at=when(day), by=by, entry=index))
        self.ours.append(index)

    def notice(self, kind: str, day: int, text: str, **more: Any) -> str:
        index, identity = len(self.ledger), f"ntc_{len(self.notices) + 1}"
        digest = hashlib.sha256(text.encode()).digest()
        told = {"id": identity, "request": REQUEST, "content": commitment(SALT, digest)} | more
        self.ledger.append(entry("notice.sent", when(day), **told))
        self.notices.append(
            PackNotice(
                id=identity,
                kind=kind,
                form="letter",
                sent_at=when(day),
                deemed_served_on=when(day + 2)[:10],
                deemed_citation=DEEMED,
                text=text,
                status=(f"{when(day)} handed to the carrier",),
                entry=index,
                salt=SALT,
            )
        )
        self.ours.append(index)
        return identity

    def pack(self, **changes: Any) -> Pack:
        levels = Levels(leaf_hashes(self.ledger))
        checkpoint = sign_checkpoint(
            Checkpoint(ORIGIN, len(self.ledger), levels.root),
            parse_vkey(self.key.vkey),
            self.key.sign,
        )
        entries = tuple(
            pack_entry(index, self.ledger[index], levels.path(index), checkpoint)
            for index in self.ours
        )
        pack = Pack(
            request=PackRequest(
                id=REQUEST,
                kind="information",
                organisation=ORGANISATION,
                organisation_name="Example <Employer> & Söhne",
                consumer="tracing",
                purposes=("IDENTIFY_TRACE",),
                citation="SI 2008/2551 reg 4(1)",
                record_types=("employment", "address"),
                left=("address",),
                due="2026-10-01",
                history=tuple(self.events),
            ),
            notices=tuple(self.notices),
            entries=entries,
            checkpoint=checkpoint,
            vkey=self.key.vkey,
            origin=ORIGIN,
            made_at=MADE_AT,
        )
        return msgspec.structs.replace(pack, **changes)

    def bytes(self, **changes: Any) -> bytes:
        return evidence_pack(self.pack(**changes), self.key.sign)


def unanswered(directory: Path) -> Story:
    """Raised, served, acknowledged, reminded twice, overdue, escalated; nothing came."""
    story = Story(directory)
    story.event("raised", "drafted", 1, by="tracing")
    story.other(1)
    story.event("issued", "issued", 1)
    first = story.notice(
        "request", 2, "You must send information. <b>Zoë</b>\r\nReference req_1.\n"
    )
    story.event("served", "served", 4, notice=first)
    story.event("acknowledged", "acknowledged", 6, by=ORGANISATION)
    story.other(7)
    second = story.notice("reminder", 16, "First reminder.\n")
    story.event("reminded", "acknowledged", 18, notice=second)
    third = story.notice("reminder", 30, "Second reminder.\n")
    story.event("reminded", "acknowledged", 32, notice=third)
    story.event("lapsed", "overdue", 33)
    story.other(34)
    story.event("escalated", "escalated", 40)
    story.other(41)
    return story


# --- packs taken apart and put together again ---

Files = dict[str, bytes]


def files_of(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(files: Files, change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    """An archive in the very form of a pack, unless it is changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, MADE_AT.timetuple()[:6])
            info.create_system, info.external_attr = 3, 0o100644 << 16
            change(info)
            archive.writestr(info, data)
    return stream.getvalue()


def signed(story: Story, files: Files, typ: str = "cms-evidence-pack+jws", **changes: Any) -> bytes:
    """The pack of these files as the holder of the key would make it: manifest and signature anew."""
    files = {name: data for name, data in files.items() if not name.startswith("manifest.")}
    manifest = {
        "files": [
            {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in files.items()
        ],
        "made_at": "2026-11-22T21:30:07.123456Z",
        "origin": story.key.origin,
        "request": REQUEST,
    }
    data = canonical(manifest | changes)
    header = b64u(canonical({"alg": "EdDSA", "kid": story.key.kid, "typ": typ}))
    signature = b64u(story.key.sign(f"{header}.{b64u(data)}".encode()))
    return zipped(
        files | {"manifest.json": data, "manifest.sig": f"{header}..{signature}".encode()}
    )


def said(verdict: Verdict) -> str:
    assert not verdict.ok
    assert verdict.facts == ()
    return " | ".join(map(str, verdict.findings))
