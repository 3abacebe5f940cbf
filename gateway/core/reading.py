"""Steps 4 to 6 of the way in: read, validate, seal.

Pure but for what the sink does with finished blocks, so that the same function runs on the event
loop for a small body and in a process of its own for a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, cast

import msgspec

from gateway.core import disclosure, merkle
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.envelope import NONCE_BYTES, Envelope, derive
from gateway.core.limits import BLOCK_RECORDS, EXAMPLE_ROWS, ROW_ERRORS_KEPT, RULES_COUNTED
from gateway.core.mending import Mending, RefusedRows, RowKeys
from gateway.core.receipt import Rows
from gateway.core.record import Item, Note, Record, RowError, RuleCount
from gateway.core.records import RECORD_TYPES, NilReturn
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import ROW_KEY_TWICE
from gateway.core.stages import BlockRef, Reading

SALT_INFO: Final = b"cms-gateway salts v1"
_SETTLING: Final = ("nil_return", "refusal")
LEFT_OUT: Final = "RECORD_TYPES_LEFT_OUT"

Sink = Callable[[int, bytes, bytes, dict[str, int]], BlockRef]


def take(
    body: Body,
    adapter: Adapter,
    context: ReadContext,
    allowed: frozenset[str],
    envelope: Envelope,
    entropy: Callable[[int], bytes],
    sink: Sink,
    mending: Mending | None = None,
) -> Reading:
    """Steps 4 to 6: read, validate and seal a body; pure but for what `sink` does with blocks.

    `allowed` are the record types that may be sent; `sink` is given the number of a block, its leaf
    hashes, its envelope and its count by type. `mending` are the open rows of an earlier submission,
    of which alone records are then taken. Raises Refused when the file is refused whole.
    """
    salt_key = derive(envelope.key, SALT_INFO)
    refusals = Refusals(envelope.key, mending)
    notes: list[Note] = []
    blocks: list[BlockRef] = []
    buffer: list[Record] = []
    nil, highest, covers = 0, 0, set[str]()

    def seal() -> None:
        number = len(blocks)
        block, leaves = disclosure.build(buffer, number * BLOCK_RECORDS, salt_key)
        sealed = envelope.seal(b"block", number, disclosure.pack(block), entropy(NONCE_BYTES))
        blocks.append(sink(number, leaves, sealed, disclosure.types_of(block)))
        buffer.clear()

    for item in _items(body, adapter, context, allowed):
        # Asked of the attribute: `isinstance` of a Struct's class costs as much as a digest.
        name = getattr(item, "type_name", None)
        if name is not None:
            record = cast("Record", item)
            if record.key is not None and not refusals.stands(record):
                item = ROW_KEY_TWICE.broken(record.row, "row_key")  # noqa: PLW2901 - as above
            elif name not in allowed:
                item = _not_asked(record)  # noqa: PLW2901 - the record becomes its refusal
            elif mending is None or mending.counts(record):
                nil += name == "nil_return"
                if name in _SETTLING:
                    covers |= _settled(cast("NilReturn", record), adapter.record_types & allowed)
                highest = max(highest, record.row)
                buffer.append(record)
                if len(buffer) == BLOCK_RECORDS:
                    seal()
                continue
        if isinstance(item, RowError):
            refusals.add(item, len(blocks) * BLOCK_RECORDS)
        elif isinstance(item, Note):
            notes.append(item)
    if buffer:
        seal()
    if mending is not None:
        notes.extend(mending.notes())
    refusals.check(blocks, notes, partial=adapter.partial)
    return Reading(
        rows=Rows(sum(block.count for block in blocks), refusals.rows, nil),
        root=merkle.subtree_root([block.root for block in blocks]),
        blocks=tuple(blocks),
        errors=tuple(refusals.errors),
        notes=tuple(notes),
        rules=refusals.rules(),
        open_rows=refusals.named.tags() if mending is None else mending.left(),
        file_rows=max(highest, refusals.highest),
        version=0 if mending is None else mending.version,
        covers=tuple(sorted(covers.union(*(block.types for block in blocks)))),
    )


def _settled(record: NilReturn, whole: frozenset[str]) -> set[str]:
    """What a nil return or a refusal settles: the record type it names, or all its format could hold.

    A name that is not a record type, as that of a message, is about the format too.
    """
    asked = record.answer.asked
    about = {asked} if asked in RECORD_TYPES else whole
    return {f"{record.type_name}:{name}" for name in about}


class Refusals:
    """The row errors of one file: the first of them, how many by rule, and the rows they are of."""

    def __init__(self, data_key: bytes, mending: Mending | None) -> None:
        self._mending = mending
        self._keys = RowKeys(data_key)
        self.errors: list[RowError] = []
        self.rows = self.highest = 0
        self.named = RefusedRows(data_key)
        self._last_row = -1
        self._rules: dict[tuple[str, str], RuleCount] = {}

    def add(self, error: RowError, accepted: int) -> None:
        """Take an error; raises Refused(FILE_RULE) where too much is wrong and less is right."""
        if error.key is not None and not self.stands(error):
            error = msgspec.structs.replace(error, key=None)  # it is known by its number
        if self._mending is not None and not self._mending.counts(error):
            return
        self.rows += error.row != self._last_row  # a row can break several rules
        self._last_row = error.row
        self.highest = max(self.highest, error.row)
        if self.rows > ROW_ERRORS_KEPT and self.rows > accepted:
            raise self.whole(f"More than {ROW_ERRORS_KEPT} rows are wrong, and fewer are right.")
        if len(self.errors) < ROW_ERRORS_KEPT:
            self.errors.append(error)
        self.named.add(error)
        name = error.code, error.field
        known = self._rules.get(name)
        if known is not None:
            shown = (*known.rows, error.row) if len(known.rows) < EXAMPLE_ROWS else known.rows
            self._rules[name] = msgspec.structs.replace(known, count=known.count + 1, rows=shown)
        elif len(self._rules) < RULES_COUNTED:
            self._rules[name] = RuleCount(
                error.code, error.field, error.message, error.fix, 1, (error.row,)
            )

    def stands(self, item: Record | RowError) -> bool:
        """Whether a row's key is its own; of a file that brings rows again, each is taken once."""
        return self._mending is not None or self._keys.stands(item)

    def check(self, blocks: list[BlockRef], notes: list[Note], *, partial: bool) -> None:
        """At the end: raises Refused for a file of which nothing, or not all, can be accepted."""
        if self.rows and not partial:
            raise self.whole("This format is accepted whole or not at all.")
        if not blocks:
            raise self.whole(_left_out(notes), Reason.NOTHING_ACCEPTED)

    def rules(self) -> tuple[RuleCount, ...]:
        """How often each rule was broken in each field, the most frequent first."""
        return tuple(sorted(self._rules.values(), key=lambda rule: (-rule.count, rule.code)))

    def whole(self, why: str, reason: Reason = Reason.FILE_RULE) -> Refused:
        """That the file is refused whole, with what is known of its rows."""
        return Refused(
            reason, why, errors=tuple(self.errors), rules=self.rules(), error_count=self.rows
        )


def in_memory(_number: int, leaves: bytes, sealed: bytes, types: dict[str, int]) -> BlockRef:
    """A sink that keeps the frame with the reference, for a body that is small."""
    count = len(leaves) // merkle.HASH_BYTES
    return BlockRef(count, disclosure.block_root(leaves), types, frame=leaves + sealed)


def _left_out(notes: list[Note]) -> str:
    return " ".join(note.message for note in notes if note.code == LEFT_OUT)


def _items(
    body: Body, adapter: Adapter, context: ReadContext, allowed: frozenset[str]
) -> Iterator[Item]:
    """What the body holds; of a mixed format only what was asked for."""
    items = adapter.read(body, context)
    return _asked(items, allowed) if adapter.mixed else items


def _asked(items: Iterator[Item], allowed: frozenset[str]) -> Iterator[Item]:
    """What a mixed message holds of the types allowed, and at the end a note of the others."""
    others: set[str] = set()
    for item in items:
        name = getattr(item, "type_name", None)
        if name is None or name in allowed:
            yield item
        else:
            others.add(name)
    if others:
        told = ", ".join(sorted(others))
        yield Note(code=LEFT_OUT, message=f"Records not asked for were left out: {told}.")


def _not_asked(record: Record) -> RowError:
    return RowError(
        row=record.row,
        key=record.key,
        field="type",
        code="RECORD_TYPE_NOT_ASKED",
        message="Records of this type were not asked for, or may not be sent by your class.",
        fix="Leave the record out, or name the request that asks for it.",
    )
