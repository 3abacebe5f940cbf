"""Verify pages of a feed: that each record shown is exactly what the organisation sent.

The steps, for each page (docs/evidence.md, "A feed page"):

1. each block: its entry, its leaves led up to the entry's record root, what it says of the entry
2. each record: its digest, from what is shown and what is withheld, is the leaf at its place
3. the page line: the checkpoint's signature, each block's entry included in it, the numbering

What a page line says of its feed, consumer, cursor and reading is the gateway's word, not evidence;
the ledger's `feed.delivered` is. Memory holds one page of blocks, without their records.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.merkle import (
    BLOCK_LEAVES,
    HASH_BYTES,
    ProofError,
    leaf_hash,
    root_from_block,
    root_from_inclusion,
)
from gateway.judge.entries import Accepted, read_entry
from gateway.judge.event import SEQUENCE_DIGITS, check_envelope, check_members, read_event
from gateway.judge.notes import SignedCheckpoint, read_checkpoint
from gateway.judge.strict import Unsound, bytes_from_b64u, canonical_json
from gateway.judge.verdict import Findings, Verdict, of_key, shown
from gateway.judge.vkey import Key, read_vkey

SALT_BYTES: Final = 16

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # no NUL: it parts the statement
_BLOCK: Final = frozenset(
    {"submission", "organisation", "class", "format", "request", "recorded_at", "first", "leaves",
     "path", "records", "entry", "index", "inclusion"},
)  # fmt: skip
_RECORD: Final = frozenset(
    {"seq", "submission", "leaf", "row", "type", "purposes", "groups", "withheld"},
)
_GROUP: Final = frozenset({"salt", "value"})
_PAGE: Final = frozenset(
    {"feed", "consumer", "first", "next", "more", "count", "read", "checkpoint"}
)
_AGAIN: Final = "Read the page again from the same cursor; if it persists, tell the operator."


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose leaves lead to its entry; that the ledger has the entry is still to be shown."""

    line: int
    first: int
    leaves: tuple[bytes, ...]
    purposes: frozenset[str]
    envelope: dict[str, str]
    index: int
    entry_hash: bytes
    inclusion: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page before leaves to be continued."""

    feed: str
    consumer: str
    next_seq: int
    checkpoint: SignedCheckpoint


def verify_feed(lines: Iterable[str | bytes], vkey: str) -> Verdict:
    """Verify one page or several in a row; collects what is wrong, never raises on what is read."""
    findings = Findings()
    try:
        key = read_vkey(vkey)
    except Unsound as unsound:
        return of_key(unsound)
    feed = _Feed(key, findings)
    for number, line in enumerate(lines, 1):
        if findings.full:
            break
        feed.take(number, line)
    feed.finish()
    found = findings.all()
    return Verdict(
        found,
        entries=feed.entries,
        records=feed.records,
        blocks=feed.blocks,
        pages=feed.pages,
        facts=() if found else feed.facts(),
    )


class _Feed:
    """One verification of lines as they come."""

    def __init__(self, key: Key, findings: Findings) -> None:
        self._key = key
        self._findings = findings
        self._before: Page | None = None
        self._number = 0
        self.entries = self.records = self.blocks = self.pages = 0
        self._turn_page()

    def _turn_page(self) -> None:
        self._nearest: dict[str, Block | None] = {}  # by submission; None where it was unsound
        self._on_page: list[Block] = []
        self._seqs: list[tuple[int, int]] = []  # line, number
        self._seen: set[tuple[str, int]] = set()
        self._source: str | None = None
        self._open = False

    def take(self, number: int, line: str | bytes) -> None:
        """Take one line, with or without its line feed."""
        self._number = number
        self._open = True
        where = f"line {number}"
        try:
            kind, envelope, value = read_event(line)
            if kind == "block":
                where = f"line {number}, entry {shown(value.get('index'))}"
                self._take_source(envelope)
                self._take_block(value, envelope)
            elif kind == "record":
                where = f"line {number}, record {shown(value.get('seq'))}"
                self._take_source(envelope)
                self._take_record(value, envelope)
            else:
                self._take_page(value, envelope)
        except ProofError as error:
            self._findings.add(where, f"its proof cannot be: {error}", _AGAIN)
        except Unsound as unsound:
            self._findings.add(where, f"it {unsound}", _AGAIN)

    def finish(self) -> None:
        """Note a page without its end, or that there was none."""
        if self._open or not self._number:
            what = "the page line is missing" if self._number else "there is no page"
            self._findings.add(f"line {self._number + 1}", what, _AGAIN)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Say what was shown, for people to read."""
        if self._before is None:
            return ()
        checkpoint = self._before.checkpoint
        return (
            ("ledger", self._key.name),
            ("ledger size", str(checkpoint.size)),
            ("records", str(self.records)),
        )

    def _take_source(self, envelope: dict[str, str]) -> None:
        """Check that everything on a page comes from one feed."""
        if self._source not in {None, envelope["source"]}:
            raise Unsound("comes from another source than what is above it")
        self._source = envelope["source"]

    def _take_block(self, value: dict[str, Any], envelope: dict[str, str]) -> None:
        self.blocks += 1
        submission = value.get("submission")
        if isinstance(submission, str):
            self._nearest[submission] = None
        if "entry" not in value:
            raise Unsound("has no proof: read the page again with its proofs")
        check_members(value, _BLOCK)
        entry = bytes_from_b64u(value["entry"])
        fact = read_entry(entry)
        if not isinstance(fact, Accepted):
            raise Unsound("shows an entry that is not submission.accepted")
        told = (fact.submission, fact.organisation, fact.class_, fact.format, fact.request)
        names = ("submission", "organisation", "class", "format", "request")
        wanted = dict(zip(names, told, strict=True)) | {"recorded_at": fact.time}
        differ = [name for name, text in wanted.items() if value[name] != text]
        if differ:
            raise Unsound(f"does not agree with its entry on {', '.join(differ)}")
        first, size = _whole(value, "first"), _whole(value, "records")
        if size != fact.rows.accepted:
            raise Unsound("does not have as many records as its entry says were accepted")
        if first % BLOCK_LEAVES:
            raise Unsound(f"does not begin at a multiple of {BLOCK_LEAVES}")
        leaves = _hashes(value, "leaves")
        root = root_from_block(leaves, first // BLOCK_LEAVES, size, _hashes(value, "path"))
        if root != bytes_from_b64u(fact.records):
            raise Unsound("has leaves that do not lead to the record root in its entry")
        said = {
            "subject": fact.submission,
            "time": fact.time,
            "organisation": fact.organisation,
            "organisationclass": fact.class_,
            "ledgerentry": str(_whole(value, "index")),
        }
        check_envelope(envelope, said)
        block = Block(
            self._number,
            first,
            leaves,
            frozenset(fact.purposes),
            said,
            _whole(value, "index"),
            leaf_hash(entry),
            _hashes(value, "inclusion"),
        )
        self._nearest[fact.submission] = block
        self._on_page.append(block)

    def _take_record(self, value: dict[str, Any], envelope: dict[str, str]) -> None:
        self.records += 1
        self._seqs.append((self._number, _whole(value, "seq")))
        check_members(value, _RECORD)
        submission, leaf = value["submission"], _whole(value, "leaf")
        if not isinstance(submission, str) or submission not in self._nearest:
            raise Unsound("has no block of its submission above it")
        if (submission, leaf) in self._seen:
            raise Unsound("is on the page a second time")
        self._seen.add((submission, leaf))
        statement_hash = leaf_hash(_statement(value))
        block = self._nearest[submission]
        if block is None:  # said already, at the block's line
            return
        if not block.first <= leaf < block.first + len(block.leaves):
            raise Unsound("is not in the block above it")
        if statement_hash != block.leaves[leaf - block.first]:
            raise Unsound("is not what the organisation sent: its digest is not the leaf there")
        purposes = value["purposes"]
        if not isinstance(purposes, list) or not purposes:
            raise Unsound("is shown for no purpose")
        if not all(isinstance(name, str) and name in block.purposes for name in purposes):
            raise Unsound("is shown for a purpose that its entry does not have")
        seq = _whole(value, "seq")
        said = block.envelope | {
            "id": str(seq),
            "sequence": f"{seq:0{SEQUENCE_DIGITS}d}",
            "purpose": " ".join(purposes),
        }
        check_envelope(envelope, said)
        if not envelope["type"].endswith(f".record.{value['type']}.v1"):
            raise Unsound("is of another type than its envelope says")

    def _take_page(self, value: dict[str, Any], envelope: dict[str, str]) -> None:
        """Check what holds the page together, and begin the next one whatever comes of it."""
        self.pages += 1
        blocks, seqs = self._on_page, self._seqs
        source = self._source
        self._turn_page()
        if source not in {None, envelope["source"]}:
            raise Unsound("comes from another source than what is above it")
        check_members(value, _PAGE)
        if not isinstance(value["checkpoint"], str):
            raise Unsound("has no checkpoint")
        checkpoint = read_checkpoint(value["checkpoint"])
        checkpoint.check(self._key)
        for block in blocks:
            self._check_inclusion(block, checkpoint)
        first = _whole(value, "first")
        self._check_numbers(seqs, first)
        if _whole(value, "count") != len(seqs):
            raise Unsound(f"counts {shown(value['count'])} records where there are {len(seqs)}")
        if not isinstance(value["next"], str) or not isinstance(value["more"], bool):
            raise Unsound("has no cursor, or does not say whether there is more")
        read = None if value["read"] is None and not seqs else _whole(value, "read")
        if read is not None and any(read <= block.index for block in blocks):
            raise Unsound("was read before its records were in the ledger")
        self._check_order(value, first, checkpoint)
        feed, consumer = value["feed"], value["consumer"]
        self._before = Page(feed, consumer, first + len(seqs), checkpoint)
        self.entries += len({block.index for block in blocks})

    def _check_numbers(self, seqs: list[tuple[int, int]], first: int) -> None:
        """Check that a page's records are numbered without gaps; the first that is not is named."""
        if first < 1:
            raise Unsound("begins before the first record of a feed")
        for due, (line, seq) in enumerate(seqs, first):
            if seq != due:
                what = f"it has this number where {due} is due"
                self._findings.add(f"line {line}, record {seq}", what, _AGAIN)
                return

    def _check_inclusion(self, block: Block, checkpoint: SignedCheckpoint) -> None:
        where = f"line {block.line}, entry {block.index}"
        try:
            root = root_from_inclusion(
                block.entry_hash,
                block.index,
                checkpoint.size,
                block.inclusion,
            )
        except ProofError as error:
            self._findings.add(where, f"its inclusion proof cannot be: {error}", _AGAIN)
            return
        if root != checkpoint.root:
            self._findings.add(where, "its proof leads to another root than was signed", _AGAIN)

    def _check_order(
        self,
        value: dict[str, Any],
        first: int,
        checkpoint: SignedCheckpoint,
    ) -> None:
        """Check that the page goes on where the one before it ended."""
        if not isinstance(value["feed"], str) or not isinstance(value["consumer"], str):
            raise Unsound("does not say whose feed it is")
        before = self._before
        if before is None:
            return
        if (value["feed"], value["consumer"]) != (before.feed, before.consumer):
            raise Unsound("is of another feed than the page before")
        if first != before.next_seq:
            raise Unsound(f"begins at {first} where the page before ended at {before.next_seq - 1}")
        earlier = before.checkpoint
        if checkpoint.size < earlier.size:
            raise Unsound("has a checkpoint older than that of the page before")
        if checkpoint.size == earlier.size and checkpoint.root != earlier.root:
            raise Unsound("shows another ledger than the page before: the key signed two")


def _whole(value: dict[str, Any], name: str) -> int:
    number = value.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 53:
        raise Unsound(f"has no {name} that is a whole number")
    return number


def _hashes(value: dict[str, Any], name: str) -> tuple[bytes, ...]:
    texts = value[name]
    if not isinstance(texts, list) or len(texts) > BLOCK_LEAVES:
        raise Unsound(f"has no {name} that is a list of at most {BLOCK_LEAVES}")
    return tuple(bytes_from_b64u(text, HASH_BYTES) for text in texts)


def _statement(value: dict[str, Any]) -> bytes:
    """Compute a record's statement from the groups shown and the digests of those withheld."""
    groups, withheld = value["groups"], value["withheld"]
    if not isinstance(groups, dict) or not isinstance(withheld, dict):
        raise Unsound("has no groups, or does not say what is withheld")
    if not groups.keys().isdisjoint(withheld):
        raise Unsound("both shows and withholds a group")
    digests = {name: _digest(group) for name, group in groups.items()}
    for name, text in withheld.items():
        digests[name] = bytes_from_b64u(text, HASH_BYTES)
    kind = value["type"]
    if not isinstance(kind, str) or not all(map(_NAME.fullmatch, (kind, *digests))):
        raise Unsound("has a type or a group whose name cannot be")
    parts = [f"{kind}\0{_whole(value, 'row')}\0".encode()]
    for name in sorted(digests):
        parts += (name.encode(), b"\0", digests[name])
    return b"".join(parts)


def _digest(group: object) -> bytes:
    """Compute a group's digest, SHA-256(salt || canonical JSON of its value)."""
    if not isinstance(group, dict) or group.keys() != _GROUP:
        raise Unsound("has a group that is not a salt and a value")
    if not isinstance(group["value"], dict):
        raise Unsound("has a group whose value is not an object")
    salt = bytes_from_b64u(group["salt"], SALT_BYTES)
    return hashlib.sha256(salt + canonical_json(group["value"])).digest()
