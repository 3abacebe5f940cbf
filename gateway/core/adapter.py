"""What an adapter is: a frozen record of facts about a format, and one pure function that reads it.

An adapter cannot reach the network, the clock or the store: what it needs comes in as arguments.
Ours are in `adapters.catalogue`; an outside package adds its own by the entry-point group
`cms_gateway.adapters`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol

from gateway.core.record import Item, RowError, RuleCount

# What an adapter declares that an organisation of any class may use; which records it may send is
# still its class's (`gateway.core.duty`).
EVERY_CLASS: Final = frozenset({"*"})

# The rows of a file that are wrong, by their numbers, and what is wrong with each.
Wrong = Mapping[int, Sequence[RowError]]


class Body(Protocol):
    """The bytes of a submission; each `open` reads them again from the start."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def open(self) -> BinaryIO:
        """A new binary stream at the first byte."""


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a reader may know beside the bytes.

    `now` is an aware UTC instant, for the validity of certificates inside a message. `signers` are
    the DER certificates, or authorities, that the operator trusts to sign messages.
    """

    now: dt.datetime
    signers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Adapter:
    """A format: who may use it, how it is recognised, and how it is read.

    `read` yields records, row errors and notes in file order and raises
    `gateway.core.refusal.Refused` when the file has to be refused whole. `recognises` looks at the
    first bytes of a body sent under a general media type. `limit_bytes` bounds the body after
    decompression. `partial` says whether rows may be accepted beside rows refused; a row gives either
    records or errors, and those of one row come together. Who may send its
    records is for the duty table to say; `provider_classes` narrows that, or is `EVERY_CLASS`.
    `mixed` says that one message always holds several types of record, as a statement does, so that
    its sender could not leave out those that were not asked for: they are left out here, and noted.

    `excerpt`, where a format has it, gives a file of the same format with these rows alone, each
    named as `gateway.core.mending.name_of` its first error does, so that it can be mended and sent to
    complete the first. `mark` gives a workbook back with every error shown where it is.
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    general_media_types: tuple[str, ...]
    provider_classes: frozenset[str]
    record_types: frozenset[str]
    partial: bool
    limit_bytes: int
    read: Callable[[Body, ReadContext], Iterator[Item]]
    recognises: Callable[[bytes], bool]
    schema: str | None = field(default=None)
    mixed: bool = field(default=False)
    excerpt: Callable[[Body, Wrong], Iterator[bytes]] | None = field(default=None)
    mark: Callable[[Body, Sequence[RowError], Sequence[RuleCount]], bytes] | None = field(
        default=None
    )
