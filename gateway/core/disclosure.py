"""Blocks of records: salted digests of disclosure groups, and views that show only some of them.

A record's digest covers each of its groups by a salted digest, so that a consumer who is shown some
groups can prove them although the others are withheld. docs/evidence.md gives the bytes.

A block is kept column by column, in runs of records of one type with the same groups present. What
costs once for a run (names, order, template of a line) is not paid for each record, and a view of a
block is joined from stored bytes without decoding any record again.
"""

from __future__ import annotations

import binascii
import hashlib
import itertools
import operator
import struct
from collections.abc import Callable, Iterable, Sequence
from types import NoneType
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.core import feed_event, merkle
from gateway.core.canonical import b64u
from gateway.core.feed_event import SEQUENCE_DIGITS, Origin
from gateway.core.groups.group import Group
from gateway.core.limits import BLOCK_RECORDS, SALT_BYTES
from gateway.core.record import Record

_ENCODE_GROUP: Final = msgspec.json.Encoder(order="sorted").encode
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_DIGEST_BYTES: Final = 32
# What differs from record to record of a run: number, twice in the envelope, place in the tree, row.
_NUMBERS: Final = b',"id":"%%d","sequence":"%%0%dd","data":{"seq":%%d,"leaf":%%d,"row":%%d,' % (
    SEQUENCE_DIGITS
)
_CLASS: Final[Callable[[Record], type[Record]]] = type


class Column(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One group of every record of a run: canonical JSON values, salts and digests in a row."""

    values: list[bytes]
    salts: bytes
    digests: bytes


class Run(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Consecutive records of one type with the same groups present."""

    type: str
    rows: list[int]
    columns: dict[str, Column]


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Up to 256 records; `first` is the index of its first leaf in the record tree."""

    first: int
    runs: list[Run]

    @property
    def count(self) -> int:
        """Number of records."""
        return sum(len(run.rows) for run in self.runs)


class Shown(msgspec.Struct, frozen=True, gc=False):
    """What a feed shows of one record type: its groups, and the purposes that allow them."""

    groups: tuple[str, ...]
    purposes: tuple[str, ...]


View = dict[str, Shown]


def view_hash(view: View) -> str:
    """The `view` of a submission.relayed entry: the hash of the view's canonical JSON."""
    return b64u(hashlib.sha256(_ENCODE_GROUP(view)).digest())


_PACK: Final = msgspec.msgpack.Encoder().encode
_UNPACK: Final = msgspec.msgpack.Decoder(Block).decode


def pack(block: Block) -> bytes:
    """The stored form of a block, before it is sealed."""
    return _PACK(block)


def unpack(data: bytes) -> Block:
    """Read a stored block; raises msgspec.DecodeError."""
    return _UNPACK(data)


def build(records: Sequence[Record], first: int, salt_key: bytes) -> tuple[Block, bytes]:
    """Digest records into a block and its leaf hashes (32 bytes each, in order).

    `first` is a multiple of 256. The salts are keystream of AES-256-CTR whose counter starts at
    `first` times 2^64, so that no two blocks of a submission ever share one.
    """
    if first % BLOCK_RECORDS or not 0 < len(records) <= BLOCK_RECORDS:
        raise ValueError("a block starts at a multiple of 256 and holds 1 to 256 records")
    counter = (first << 64).to_bytes(16, "big")
    stream = Cipher(algorithms.AES(salt_key), modes.CTR(counter)).encryptor()
    runs: list[Run] = []
    leaves: list[bytes] = []
    for cls, of_type in itertools.groupby(records, _CLASS):
        members = list(of_type)
        rows = [member.row for member in members]
        columns = list(zip(*map(cls.groups_of, members), strict=True))
        # Which groups a record has shows in the types of all: NoneType where there is none.
        kinds = zip(*[map(type, column) for column in columns], strict=True)
        start = 0
        for kind, alike in itertools.groupby(kinds):
            end = start + len(list(alike))
            groups = {
                name: column[start:end]
                for name, group, column in zip(cls.group_names, kind, columns, strict=True)
                if group is not NoneType
            }
            run, hashes = _digest(cls.type_name, rows[start:end], groups, stream.update)
            runs.append(run)
            leaves += hashes
            start = end
    return Block(first, runs), b"".join(leaves)


def _digest(
    type_name: str,
    rows: list[int],
    groups: dict[str, tuple[Group, ...]],
    keystream: Callable[[bytes], bytes],
) -> tuple[Run, list[bytes]]:
    """One run: its columns and leaf hashes. Mostly done in C, since it is done for every record."""
    sha256 = hashlib.sha256
    width = SALT_BYTES * len(rows)
    stream = keystream(bytes(width * len(groups)))
    columns: dict[str, Column] = {}
    digests: list[list[bytes]] = []
    # What a leaf hash is over: 0x00 (RFC 6962) and the statement.
    leaf = b"\0%b\0%%d\0" % type_name.encode()
    for number, (name, members) in enumerate(groups.items()):
        values = _encoded(members)
        salts = stream[number * width : (number + 1) * width]
        each = struct.unpack(f"{SALT_BYTES}s" * len(rows), salts)
        hashes = [sha256(salted).digest() for salted in map(operator.add, each, values)]
        columns[name] = Column(values, salts, b"".join(hashes))
        digests.append(hashes)
        leaf += b"%b\0%%b" % name.encode()
    leaves = map(leaf.__mod__, zip(rows, *digests, strict=True))
    return Run(type_name, rows, columns), [sha256(each).digest() for each in leaves]


def _encoded(column: Sequence[Group]) -> list[bytes]:
    """Canonical JSON of each group; neighbours that are one object are encoded once."""
    if column[0] is not column[-1]:
        return list(map(_ENCODE_GROUP, column))
    values: list[bytes] = []
    last, value = None, b""
    for group in column:
        if group is not last:
            last, value = group, _ENCODE_GROUP(group)
        values.append(value)
    return values


def types_of(block: Block) -> dict[str, int]:
    """How many records of each type a block holds."""
    types: dict[str, int] = {}
    for run in block.runs:
        types[run.type] = types.get(run.type, 0) + len(run.rows)
    return types


def lines(block: Block, view: View, origin: Origin, seq: int) -> list[bytes]:
    """The events of the records of one block that a view shows, the first with the number `seq`.

    Each is a JSON object in bytes, without a line feed (docs/evidence.md, "A feed page").
    """
    out: list[bytes] = []
    leaf = block.first
    for run in block.runs:
        count = len(run.rows)
        shown = view.get(run.type)
        if shown is not None:
            out += _run_lines(run, shown, origin, seq + len(out), leaf)
        leaf += count
    return out


def _run_lines(run: Run, shown: Shown, origin: Origin, seq: int, leaf: int) -> list[bytes]:
    count = len(run.rows)
    kind, purpose = feed_event.record_type(run.type), " ".join(shown.purposes)
    told = {"submission": origin.submission, "type": run.type, "purposes": shown.purposes}
    numbers = [
        _NUMBERS % (seq + i, seq + i, seq + i, leaf + i, row) for i, row in enumerate(run.rows)
    ]
    parts: list[Iterable[bytes]] = [
        itertools.repeat(feed_event.opened(origin, kind, purpose=purpose)),
        feed_event.tied(origin, run.rows),
        numbers,
        itertools.repeat(_ENCODE_GROUP(told)[1:-1] + b',"groups":{'),
    ]
    comma = b""
    for name, column in run.columns.items():
        if name in shown.groups:
            parts.append(itertools.repeat(b'%b"%b":{"salt":"' % (comma, name.encode())))
            parts.append(_each_b64u(column.salts, SALT_BYTES, count))
            parts.append(itertools.repeat(b'","value":'))
            parts.append(column.values)
            parts.append(itertools.repeat(b"}"))
            comma = b","
    parts.append(itertools.repeat(b'},"withheld":{'))
    comma = b""
    for name, column in run.columns.items():
        if name not in shown.groups:
            parts.append(itertools.repeat(b'%b"%b":"' % (comma, name.encode())))
            parts.append(_each_b64u(column.digests, _DIGEST_BYTES, count))
            comma = b'",'
    parts.append(itertools.repeat(b'"}}}' if comma else b"}}}"))
    return list(map(b"".join, zip(*parts, strict=False)))


def _each_b64u(joined: bytes, width: int, count: int) -> list[bytes]:
    """Base64url of each `width` bytes, by one call for all of them.

    Padded with zero bytes to a multiple of three, every item encodes to whole characters, and the
    characters of the padding are cut off.
    """
    pad = bytes(-width % 3)
    spread = b"".join([joined[at : at + width] + pad for at in range(0, width * count, width)])
    text = binascii.b2a_base64(spread, newline=False).translate(_URL_SAFE)
    step = (width + len(pad)) * 4 // 3
    keep = step - len(pad)
    return [text[at : at + keep] for at in range(0, step * count, step)]


def shown_at(block: Block, view: View, nth: int) -> tuple[int, str]:
    """Row and record type of the `nth` record, from 0, that a view shows of a block.

    Raises IndexError where it shows fewer.
    """
    for run in block.runs:
        if run.type in view:
            if nth < len(run.rows):
                return run.rows[nth], run.type
            nth -= len(run.rows)
    raise IndexError(nth)


def block_line(
    origin: Origin, identity: str, members: dict[str, object], leaves: bytes = b""
) -> bytes:
    """The event of a block; `members` are all of its data but `leaves`, and not none."""
    head = feed_event.opened(origin, feed_event.BLOCK, id=identity)
    data = msgspec.json.encode(members)
    if leaves:
        texts = _each_b64u(leaves, _DIGEST_BYTES, len(leaves) // _DIGEST_BYTES)
        data = b'%b,"leaves":["%b"]}' % (data[:-1], b'","'.join(texts))
    return b'%b,"data":%b}' % (head, data)


def split(leaves: bytes) -> list[bytes]:
    """Leaf hashes, one by one."""
    return [leaves[at : at + _DIGEST_BYTES] for at in range(0, len(leaves), _DIGEST_BYTES)]


def block_root(leaves: bytes) -> bytes:
    """Root of the subtree over a block's leaf hashes."""
    return merkle.subtree_root(split(leaves))
