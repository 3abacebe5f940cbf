"""The envelope of everything that leaves a feed: CloudEvents 1.0, one to a line (docs/feeds.md).

An envelope says what a router needs without reading the data, and where a record came from: who sent
it and in which class, with which submission, where in the ledger, for which purposes it may be seen,
and how it is tied to a request. What can be proved of it stands in the data too; the judge compares.

Source: CloudEvents 1.0.2, JSON event format, and its `sequence` extension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

PREFIX: Final = "uk.gov.childmaintenance."
RECORD: Final = f"{PREFIX}record."
BLOCK: Final = f"{PREFIX}feed.block.v1"
PAGE: Final = f"{PREFIX}feed.page.v1"
READY: Final = f"{PREFIX}feed.ready.v1"
SEQUENCE_DIGITS: Final = 16

_ENCODE: Final = msgspec.json.Encoder().encode
# An object less its last brace, so that more members can follow.
_OPEN: Final = -1


class Tie(msgspec.Struct, frozen=True):
    """How a record is tied to a request: named by its sender, matched to it, possibly; or unasked."""

    confidence: Literal["named", "matched", "possible", "unasked"]
    request: str | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where the records of a submission come from, as their envelopes say it.

    `source` is the URL of the feed. `tie` holds for every record that `ties` does not name by its row.
    """

    source: str
    submission: str
    time: str
    organisation: str
    provider_class: str
    entry: int
    tie: Tie
    ties: Mapping[int, Tie]


def record_type(name: str) -> str:
    """The type of the events of a record type."""
    return f"{RECORD}{name}.v1"


def sequence(number: int) -> str:
    """A sequence number in the form whose order as text is its order as a number."""
    return f"{number:0{SEQUENCE_DIGITS}d}"


def event(kind: str, source: str, identity: str, data: Any, **attributes: str) -> bytes:
    """One event, whole; `identity` is unique among the events of `source`."""
    head = {"specversion": "1.0", "type": kind, "source": source, "id": identity, **attributes}
    return _ENCODE(head | {"data": data})


def opened(origin: Origin, kind: str, **attributes: str) -> bytes:
    """The bytes of an event of a submission up to where its other attributes follow."""
    head = {
        "specversion": "1.0",
        "type": kind,
        "source": origin.source,
        "subject": origin.submission,
        "time": origin.time,
        "organisation": origin.organisation,
        "organisationclass": origin.provider_class,
        # As text: a ledger grows beyond the 32 bits of a CloudEvents integer.
        "ledgerentry": str(origin.entry),
        **attributes,
    }
    return _ENCODE(head)[:_OPEN]


def tied(origin: Origin, rows: Sequence[int]) -> list[bytes]:
    """For each row, the attributes that say how its record is tied to a request."""
    usual = _tie(origin.tie)
    if not origin.ties:
        return [usual] * len(rows)
    return [_tie(origin.ties[row]) if row in origin.ties else usual for row in rows]


def _tie(tie: Tie) -> bytes:
    told: dict[str, str] = {"confidence": tie.confidence}
    if tie.request is not None:
        told["request"] = tie.request
    return b"," + _ENCODE(told)[1:_OPEN]
