"""Verify a store as it lies on disk: what is kept against what was signed, with the key alone.

The steps, in order:

1. every entry: its form, its part in the story
2. every tile, and every checkpoint ever signed, against the entries
3. every submission: its entry, its receipts, the blocks that make its record tree
4. every stretch of every feed, and what it shows, against what was entered as relayed
5. who may speak, against the acts of administration that were entered
6. what was asked and what became of it, against the entries of requests and notices
7. feeds that are pushed, and what is on its way, against what was entered of them

Nothing is decrypted, so an auditor needs no secret. With `open_block`, which whoever holds the
wrapping keys can give, each record's digest is computed again from what is sealed.

Whoever controls the store can make this say no; they cannot make it say yes to anything but what
the key signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from gateway.core.merkle import BLOCK_LEAVES, HASH_BYTES, Frontier, leaf_hashes, subtree_root
from gateway.judge.asked import Happened, NoticeSent, Raised, Told, check_asked
from gateway.judge.entries import (
    Accepted,
    Administered,
    Amended,
    Delivered,
    Fact,
    FeedPushed,
    Received,
    Refused,
    Relayed,
    read_entries,
)
from gateway.judge.notes import read_checkpoint
from gateway.judge.pushed import KINDS, Pushed
from gateway.judge.receipt import Judged, check_jws
from gateway.judge.registry import check_registry
from gateway.judge.story import Story
from gateway.judge.strict import Unsound, bytes_from_b64u
from gateway.judge.verdict import Finding, Findings, Verdict, of_key
from gateway.judge.vkey import Key, read_vkey

# Gives, for a submission's id and a block number, the statement bytes of each record in the block,
# made anew from what is sealed: docs/evidence.md, "Records, groups and what is withheld".
OpenBlock = Callable[[str, int], list[bytes]]

_STEP: Final = 4_096
_RESTORE: Final = "Stop the gateway and compare with a backup: the store was altered in place."


def verify_store(
    directory: str | os.PathLike[str], vkey: str, open_block: OpenBlock | None = None
) -> Verdict:
    """Verify the store in a data directory; collects what is wrong, never raises.

    A gateway may be running: one consistent state of the database is read.
    """
    findings = Findings()
    try:
        key = read_vkey(vkey)
        db = apsw.Connection(
            str(Path(directory) / "gateway.sqlite"), flags=apsw.SQLITE_OPEN_READONLY
        )
    except Unsound as unsound:
        return of_key(unsound)
    except apsw.Error:
        fix = "Give the data directory of a gateway."
        return Verdict((Finding("the store", "there is no database to read", fix),))
    try:
        db.execute("BEGIN")
        return _Store(db, Path(directory), key, findings).verify(open_block)
    except (apsw.Error, UnicodeDecodeError) as error:
        findings.add("the store", f"it cannot be read: {type(error).__name__}", _RESTORE)
        return Verdict(findings.all())
    finally:
        db.close()


class _Store:
    """One verification of one store."""

    def __init__(self, db: apsw.Connection, directory: Path, key: Key, findings: Findings) -> None:
        self._db = db
        self._directory = directory
        self._key = key
        self._findings = findings
        self._judged: dict[str, tuple[int, Judged]] = {}
        self._relayed: dict[str, Relayed] = {}
        self._told: list[tuple[int, Told]] = []
        self._amended: list[tuple[Any, ...]] = []
        self._administered: list[dict[str, Any]] = []
        self._pushed = Pushed(self._say)
        self._sound = 0  # entries up to the last checkpoint that agreed
        self._broken = False

    def verify(self, open_block: OpenBlock | None) -> Verdict:
        """Take the steps in order."""
        size = self._check_ledger()
        submissions, records = self._check_submissions(open_block)
        self._check_feeds()
        self._check_amendments()
        check_registry(self._rows, self._administered, self._say)
        # A store that no newer gateway has opened yet has no such table.
        if list(self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'rejection'")):
            self._uptakes.compare(self._rows, self._say)
        if list(self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'request_event'")):
            check_asked(self._rows, self._told, self._administered, self._say)
        if list(self._rows("SELECT 1 FROM sqlite_schema WHERE name = 'subscription'")):
            self._pushed.check(self._rows)
        found = self._findings.all()
        facts = (("ledger", self._key.name), ("size", str(size)))
        return Verdict(
            found,
            entries=size,
            receipts=submissions,
            records=records,
            facts=() if found else facts,
        )

    def _check_amendments(self) -> None:
        """Which submission amends which is what the ledger says, no more and no less."""
        rows = self._rows(
            "SELECT by.id, amended.id, how, amendment.entry FROM amendment "
            "JOIN submission AS by ON by.number = amendment.number "
            "JOIN submission AS amended ON amended.number = amendment.submission "
            "ORDER BY amendment.entry"
        )
        if list(rows) != self._amended:
            self._say("amendments", "they are not those of the ledger's entries")

    def _rows(self, sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        yield from self._db.execute(sql, parameters)

    def _check_ledger(self) -> int:
        story = Story(self._key.name, self._findings)
        frontier, tiles = Frontier(), _Tiles(self._findings)
        notes = self._rows("SELECT size, note FROM checkpoint ORDER BY size")
        pending = next(notes, None)
        size = 0
        while entries := [
            row[0]
            for row in self._rows(
                "SELECT bytes FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                size,
                size + _STEP,
            )
        ]:
            facts = list(read_entries(entries))
            story.take(size, facts)
            self._remember(size, facts)
            for index, (entry, fact) in enumerate(zip(entries, facts, strict=True), size):
                if isinstance(fact, Delivered):
                    self._pushed.shown(fact.feed, fact.consumer, fact.client, fact.first, fact.last)
                elif isinstance(fact, FeedPushed) or (
                    isinstance(fact, Administered) and fact.kind.startswith(KINDS)
                ):
                    self._pushed.take(index, json.loads(entry))
                elif isinstance(fact, Administered):
                    self._administered.append(json.loads(entry))
            hashes = leaf_hashes(entries)
            at = 0
            while pending is not None and pending[0] <= size + len(entries):
                frontier.extend(hashes[at : pending[0] - size])
                at = pending[0] - size
                self._check_checkpoint(pending[0], pending[1], frontier.root())
                pending = next(notes, None)
            frontier.extend(hashes[at:])
            tiles.take(hashes)
            size += len(entries)
            if len(entries) < _STEP:
                break
        story.finish()
        self._uptakes = story.uptakes
        if pending is not None:
            self._say("checkpoint", f"it is of {pending[0]} entries, but {size} are stored")
        rows = self._rows("SELECT level, n, hashes FROM tile")
        tiles.compare({(row[0], row[1]): row[2] for row in rows})
        return size

    def _remember(self, first: int, facts: list[Fact | Unsound]) -> None:
        for index, fact in enumerate(facts, first):
            if isinstance(fact, Relayed):
                self._relayed[fact.submission] = fact
            elif isinstance(fact, Raised | Happened | NoticeSent):
                self._told.append((index, fact))
            elif isinstance(fact, Amended):
                self._amended.append((fact.by, fact.submission, fact.how, index))
            elif isinstance(fact, Accepted | Refused | Received):
                self._judged[f"{type(fact).__name__} {fact.submission}"] = (index, fact)

    def _check_checkpoint(self, size: int, note: str, root: bytes) -> None:
        try:
            signed = read_checkpoint(note)
            signed.check(self._key)
        except Unsound as unsound:
            self._say(f"checkpoint {size}", f"it {unsound}")
            return
        if signed.size != size:
            self._say(f"checkpoint {size}", f"it is stored as of {size}, but says {signed.size}")
        elif signed.root == root:
            self._sound = size
        elif not self._broken:  # every later root differs too, and says nothing new
            self._broken = True
            last = (
                f"entry {self._sound}"
                if self._sound == size - 1
                else (f"entries {self._sound} to {size - 1}")
            )
            self._say(last, f"altered: checkpoint {size} is not over what is stored")

    def _check_submissions(self, open_block: OpenBlock | None) -> tuple[int, int]:
        count = records = 0
        seen = set()
        for (
            number,
            identity,
            state,
            entry,
            jws,
            root,
            accepted,
            early,
            early_entry,
            *said,
        ) in self._rows(
            "SELECT number, id, state, entry, receipt, records, accepted, received, received_entry, "
            "organisation, class, format, request, recorded_at FROM submission ORDER BY number"
        ):
            count += 1
            seen.add(identity)
            fact = self._check_receipt(f"{state.title()} {identity}", identity, entry, jws)
            if early is not None:
                self._check_receipt(f"Received {identity}", identity, early_entry, early)
            if isinstance(fact, Accepted):
                told = [fact.organisation, fact.class_, fact.format, fact.request, fact.time]
                rows = (bytes_from_b64u(fact.records), fact.rows.accepted)
                if rows != (root, accepted) or told != said:
                    self._say(f"submission {identity}", "it is not what its entry says")
                records += self._check_blocks(number, identity, root, accepted, open_block)
                self._check_body(number, identity)
        for name, (index, fact) in self._judged.items():
            if name.startswith("Accepted") and fact.submission not in seen:
                self._say(f"entry {index}", f"submission {fact.submission} is not in the store")
        return count, records

    def _check_body(self, number: int, identity: str) -> None:
        rows = list(self._rows("SELECT 1 FROM body WHERE submission = ?", number))
        if not rows and not (self._directory / "bodies" / f"{identity}.body").is_file():
            self._say(f"submission {identity}", "the bytes that were sent are gone")

    def _check_receipt(self, name: str, identity: str, entry: int, jws: str) -> Judged | None:
        index, fact = self._judged.get(name, (-1, None))
        if fact is None or index != entry:
            self._say(f"submission {identity}", f"entry {entry} is not about it")
            return None
        check_jws(jws, fact, self._key, f"entry {index}", self._findings)
        return fact

    def _check_blocks(
        self, number: int, identity: str, root: bytes, accepted: int, open_block: OpenBlock | None
    ) -> int:
        roots: list[bytes] = []
        total = 0
        for n, count, stored, frame, place, length in self._rows(
            "SELECT n, count, root, frame, place, length FROM block WHERE submission = ? "
            "ORDER BY n",
            number,
        ):
            where = f"submission {identity}, block {n}"
            data = frame if frame is not None else self._frame(identity, place, length)
            leaves = data[: count * HASH_BYTES]
            hashes = [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]
            if n != len(roots) or len(hashes) != count or subtree_root(hashes) != stored:
                self._say(where, "its leaf hashes do not have the root that is stored")
            if open_block is not None:
                self._check_statements(where, open_block(identity, n), hashes)
            roots.append(stored)
            total += count
        if total != accepted or subtree_root(roots) != root:
            self._say(f"submission {identity}", "its blocks do not make the record tree it says")
        return total

    def _check_statements(self, where: str, statements: list[bytes], hashes: list[bytes]) -> None:
        made = [hashlib.sha256(b"\0" + statement).digest() for statement in statements]
        for at, leaf in enumerate(hashes):
            if at >= len(made) or made[at] != leaf:
                self._say(where, f"record {at} does not have its leaf hash")

    def _frame(self, identity: str, place: int, length: int) -> bytes:
        try:
            with (self._directory / "bodies" / f"{identity}.blocks").open("rb") as file:
                file.seek(place)
                return file.read(length)
        except OSError:
            return b""

    def _check_feeds(self) -> None:
        stretches: dict[tuple[str, str], list[tuple[int, int]]] = {}
        views = {
            number: b64u_of(hashlib.sha256(spec.encode()).digest())
            for number, spec in self._rows("SELECT id, spec FROM view")
        }
        for feed, first, count, identity, view in self._rows(
            "SELECT feed, first, count, submission.id, view FROM feed_item JOIN submission "
            "ON number = submission ORDER BY feed, first"
        ):
            stretches.setdefault((identity, feed), []).append((first, count))
            relayed = self._relayed.get(identity)
            run = None if relayed is None else relayed.feeds.get(feed)
            if run is not None and run.view != views.get(view):
                self._say(f"feed {feed}", f"it shows more or less of {identity} than was relayed")
        for identity, fact in self._relayed.items():
            for feed, run in fact.feeds.items():
                parts = stretches.pop((identity, feed), [])
                ends = [first + count for first, count in parts]
                whole = parts and [p[0] for p in parts[1:]] == ends[:-1]
                if not whole or (parts[0][0], ends[-1]) != (run.first, run.first + run.count):
                    self._say(f"feed {feed}", f"{identity} does not stand in it as was relayed")
        for identity, feed in stretches:
            self._say(f"feed {feed}", f"{identity} stands in it and was never relayed there")

    def _say(self, where: str, what: str) -> None:
        self._findings.add(where, what, _RESTORE)


def b64u_of(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _Tiles:
    """The complete tiles that the entries make, to be compared with those stored."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._rows: list[list[bytes]] = []
        self._made: dict[tuple[int, int], bytes] = {}
        self._counts: list[int] = []

    def take(self, hashes: list[bytes]) -> None:
        """Take leaf hashes, in order."""
        for leaf in hashes:
            self._push(0, leaf)

    def _push(self, level: int, item: bytes) -> None:
        if level == len(self._rows):
            self._rows.append([])
            self._counts.append(0)
        row = self._rows[level]
        row.append(item)
        if len(row) == BLOCK_LEAVES:
            self._made[level, self._counts[level]] = hashlib.sha256(b"".join(row)).digest()
            self._counts[level] += 1
            self._rows[level] = []
            self._push(level + 1, subtree_root(row))

    def compare(self, stored: dict[tuple[int, int], bytes]) -> None:
        """Name each tile that is missing, altered or not of this ledger."""
        for place in sorted(self._made.keys() | stored.keys()):
            tile = stored.get(place)
            digest = None if tile is None else hashlib.sha256(tile).digest()
            if digest != self._made.get(place):
                where = f"tile {place[0]}/{place[1]}"
                self._findings.add(where, "its hashes are not those of the entries", _RESTORE)
