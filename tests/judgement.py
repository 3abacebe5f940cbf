"""The judge, called on everything a running gateway holds: its store, its export, its feeds."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path

import msgspec

from gateway.core import tiles
from gateway.core.envelope import Envelope
from gateway.core.identity import Caller
from gateway.feed import read_page
from gateway.judge.feed import verify_feed
from gateway.judge.ledger import verify_export
from gateway.judge.receipt import verify_receipt
from gateway.judge.store import verify_store
from gateway.wiring import Gateway


def export(gateway: Gateway, directory: Path) -> None:
    """Write the ledger as docs/evidence.md says an export looks."""
    evidence = gateway.store.evidence
    size, note = evidence.checkpoint()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "checkpoint").write_text(note)
    (directory / "origin.vkey").write_text(gateway.ring.evidence.vkey + "\n")
    for tile in tiles.tiles_of(size):
        path = directory / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            evidence.entries_tile(tile.index, tile.width)
            if tile.level is None
            else evidence.tile(tile.level, tile.index, tile.width),
        )


def statements(gateway: Gateway, submission: str, n: int) -> list[bytes]:
    """The statements of a block, made anew from what is sealed, by the page and not by the writer."""
    journal = gateway.store.journal
    wrapped, _ = journal.outcome(submission)
    key = gateway.ring.unwrap(wrapped, submission.encode())
    rows = gateway.store._reader.execute(
        "SELECT number FROM submission WHERE id = ?",
        (submission,),
    ).fetchall()
    frame, count = gateway.store.shelf.frame(rows[0][0], n)
    block = msgspec.msgpack.decode(Envelope(key, submission).open(b"block", n, frame[32 * count :]))
    made = []
    for kind, row_numbers, columns in block[1]:
        for at, row in enumerate(row_numbers):
            text = kind.encode() + b"\0" + str(row).encode() + b"\0"
            for name in sorted(columns):
                values, salts, _ = columns[name]
                value, salt = values[at], salts[16 * at : 16 * at + 16]
                text += name.encode() + b"\0" + hashlib.sha256(salt + value).digest()
            made.append(text)
    return made


async def judge(gateway: Gateway, directory: Path) -> None:
    """Fail unless everything the gateway holds verifies."""
    vkey, evidence = gateway.ring.evidence.vkey, gateway.store.evidence
    while evidence.checkpoint()[0] != evidence.size:  # a commit is on its way back from the disk
        await asyncio.sleep(0.005)
    verdict = verify_store(
        gateway.settings.data,
        vkey,
        lambda identity, n: statements(gateway, identity, n),
    )
    assert verdict.ok, "\n".join(map(str, verdict.findings))
    export(gateway, directory / "export")
    verdict = verify_export(directory / "export", vkey)
    assert verdict.ok, "\n".join(map(str, verdict.findings))
    for receipt, entry, early, early_entry in gateway.store._reader.execute(
        "SELECT receipt, entry, received, received_entry FROM submission",
    ):
        for jws, index in ((receipt, entry), (early, early_entry)):
            if jws is not None:
                text = gateway.store.evidence.receipt(jws, index)
                verdict = verify_receipt(text, vkey)
                assert verdict.ok, "\n".join(map(str, verdict.findings))
    feeds = frozenset(gateway.law.feeds)
    counter = gateway.asking.shelves.counter
    for feed in feeds:
        reader = Caller("judge", "consumer", feeds, "judge", frozenset({"feeds"}), "x")
        lines: list[bytes] = []
        cursor, more = None, True
        while more:
            page = await read_page(reader, feed, counter, after=cursor, limit=1_000)
            lines += page.lines
            cursor, more = page.next, page.count > 0
        verdict = verify_feed(lines, vkey)
        assert verdict.ok, "\n".join(map(str, verdict.findings))
        assert verdict.records == gateway.store.shelf.end(feed) - 1
