"""Steps 4 to 6 of the way in: read, validate, seal.

Pure but for what the sink does with finished blocks, so that the same function runs on the event
loop for a small body and in a process of its own for a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from gateway.core import disclosure, merkle
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.envelope import NONCE_BYTES, Envelope, derive
from gateway.core.limits import BLOCK_RECORDS, ROW_ERRORS_KEPT
from gateway.core.receipt import Rows
from gateway.core.record import Note, Record, RowError
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import BlockRef, Reading

SALT_INFO: Final = b"cms-gateway salts v1"

Sink = Callable[[int, bytes, bytes, dict[str, int]], BlockRef]


def take(
    body: Body,
    adapter: Adapter,
    context: ReadContext,
    allowed: frozenset[str],
    envelope: Envelope,
    entropy: Callable[[int], bytes],
    sink: Sink,
) -> Reading:
    """Steps 4 to 6: read, validate and seal a body; pure but for what `sink` does with blocks.

    `allowed` are the record types that may be sent; `sink` is given the number of a block, its leaf
    hashes, its envelope and its count by type. Raises Refused when the file is refused whole.
    """
    salt_key = derive(envelope.key, SALT_INFO)
    errors: list[RowError] = []
    notes: list[Note] = []
    blocks: list[BlockRef] = []
    buffer: list[Record] = []
    refused = nil = 0
    last_refused = -1

    def seal() -> None:
        number = len(blocks)
        block, leaves = disclosure.build(buffer, number * BLOCK_RECORDS, salt_key)
        sealed = envelope.seal(b"block", number, disclosure.pack(block), entropy(NONCE_BYTES))
        types: dict[str, int] = {}
        for run in block.runs:
            types[run.type] = types.get(run.type, 0) + len(run.rows)
        blocks.append(sink(number, leaves, sealed, types))
        buffer.clear()

    for item in adapter.read(body, context):
        # Asked of the attribute: `isinstance` of a Struct's class costs as much as a digest.
        name = getattr(item, "type_name", None)
        if name is not None:
            record = cast("Record", item)
            if name not in allowed:
                item = _not_asked(record)  # noqa: PLW2901 - the record becomes its refusal
            else:
                nil += name == "nil_return"
                buffer.append(record)
                if len(buffer) == BLOCK_RECORDS:
                    seal()
                continue
        if isinstance(item, RowError):
            refused += item.row != last_refused  # a row can break several rules
            last_refused = item.row
            if refused > ROW_ERRORS_KEPT and refused > len(blocks) * BLOCK_RECORDS:
                raise _refused(
                    f"More than {ROW_ERRORS_KEPT} rows are wrong, and fewer are right.",
                    errors,
                    refused,
                )
            if len(errors) < ROW_ERRORS_KEPT:
                errors.append(item)
        elif isinstance(item, Note):
            notes.append(item)
    if buffer:
        seal()
    accepted = sum(block.count for block in blocks)
    if refused and not adapter.partial:
        raise _refused("This format is accepted whole or not at all.", errors, refused)
    if not accepted:
        raise Refused(Reason.NOTHING_ACCEPTED, errors=tuple(errors), error_count=refused)
    root = merkle.subtree_root([block.root for block in blocks])
    rows = Rows(accepted=accepted, refused=refused, nil=nil)
    return Reading(rows, root, tuple(blocks), tuple(errors), tuple(notes))


def _refused(why: str, errors: list[RowError], count: int) -> Refused:
    return Refused(Reason.FILE_RULE, why, errors=tuple(errors), error_count=count)


def in_memory(_number: int, leaves: bytes, sealed: bytes, types: dict[str, int]) -> BlockRef:
    """A sink that keeps the frame with the reference, for a body that is small."""
    count = len(leaves) // merkle.HASH_BYTES
    return BlockRef(count, disclosure.block_root(leaves), types, frame=leaves + sealed)


def _not_asked(record: Record) -> RowError:
    return RowError(
        row=record.row,
        field="type",
        code="RECORD_TYPE_NOT_ASKED",
        message="Records of this type were not asked for, or may not be sent by your class.",
        fix="Leave the record out, or name the request that asks for it.",
    )
