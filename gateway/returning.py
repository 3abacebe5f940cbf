"""THE RETURN: what an organisation sent, given back to be mended.

    1 find     the submission, and what is kept of it
    2 open     its data key, its errors and its bytes
    3 make     a workbook with its errors marked, or the refused rows alone, off the event loop

It is the organisation's own data, shown to nobody else; nothing is written. What is made is held in
memory and never on disk.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from gateway.core.adapter import Adapter
from gateway.core.drafting import open_outcome
from gateway.core.envelope import Envelope
from gateway.core.identity import Caller
from gateway.core.limits import RETURNS_WAITING
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Kept, Outcome

SCOPE: Final = "submissions"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sent(NamedTuple):
    """A submission opened: `body` holds its bytes where they are not in a sealed file."""

    submission: str
    format: str
    received_at: dt.datetime
    data_key: bytes
    body: bytes | None


class Journal(Protocol):
    """Remembers submissions; one of another organisation is not there."""

    def kept(self, organisation: str, submission: str) -> Kept | None: ...


class Maker(Protocol):
    """Makes what is given back, in a process of its own; raises Refused."""

    async def marked(self, sent: Sent, outcome: Outcome) -> bytes: ...
    async def refused_rows(self, sent: Sent, tags: bytes) -> bytes: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Returns:
    """What giving back is made of; built once by `gateway.wiring`."""

    journal: Journal
    unwrap: Callable[[bytes, bytes], bytes]
    formats: tuple[Adapter, ...]
    maker: Maker
    waiting: int = field(default=0)


class Returned(NamedTuple):
    """A file that is given back: its media type, the ending of its name, and its bytes."""

    media_type: str
    ending: str
    data: bytes


async def marked(caller: Caller, submission: str, returns: Returns) -> Returned:
    """The workbook that was sent, with each error shown where it is.

    Raises Refused: NOT_FOUND, OUTCOME_TO_COME, CONTENT_GONE, NOT_OFFERED or BUSY.
    """
    kept, adapter = _find(caller, submission, returns)  # 1
    if adapter.mark is None:
        raise Refused(Reason.NOT_OFFERED, "It was not sent as a workbook.")
    sent = _opened(kept, submission, returns)  # 2
    outcome = open_outcome(kept.outcome, Envelope(sent.data_key, submission))
    with _Place(returns):
        data = await returns.maker.marked(sent, outcome)  # 3
    return Returned(XLSX, "xlsx", data)


async def refused_rows(caller: Caller, submission: str, returns: Returns) -> Returned:
    """The rows that are still open, as a file of the format that was sent.

    Raises Refused as `marked` does, and NOT_OPEN where there is none.
    """
    kept, adapter = _find(caller, submission, returns)  # 1
    if adapter.excerpt is None:
        raise Refused(Reason.NOT_OFFERED, "This format gives no rows back.")
    if not kept.tags:
        raise Refused(Reason.NOT_OPEN)
    sent = _opened(kept, submission, returns)  # 2
    with _Place(returns):
        data = await returns.maker.refused_rows(sent, kept.tags)  # 3
    kind = adapter.media_types[0]
    return Returned(kind, kind.rpartition("+")[2] if "+" in kind else "txt", data)


def _find(caller: Caller, submission: str, returns: Returns) -> tuple[Kept, Adapter]:
    kept = returns.journal.kept(caller.party, submission)
    if kept is None:
        raise Refused(Reason.NOT_FOUND)
    if kept.state == "received":
        raise Refused(Reason.OUTCOME_TO_COME)
    adapter = next((one for one in returns.formats if one.name == kept.format), None)
    if adapter is None:
        raise Refused(Reason.NOT_OFFERED, "Its format is not one that is given back.")
    if kept.state == "refused":
        raise Refused(Reason.CONTENT_GONE, "A file that was refused whole is not kept.")
    return kept, adapter


def _opened(kept: Kept, submission: str, returns: Returns) -> Sent:
    """A submission with its data key; one whose key was destroyed has no content any more."""
    if not kept.wrapped_key:
        raise Refused(Reason.CONTENT_GONE)
    assert kept.format is not None
    key = returns.unwrap(kept.wrapped_key, submission.encode())
    body = None
    if kept.body is not None:
        body = Envelope(key, submission).open(b"body", 0, kept.body)
    return Sent(submission, kept.format, kept.received_at, key, body)


class _Place:
    """A place in the short queue for the one maker; raises Refused(BUSY) where none is left."""

    def __init__(self, returns: Returns) -> None:
        self._returns = returns

    def __enter__(self) -> None:
        if self._returns.waiting >= RETURNS_WAITING:
            raise Refused(Reason.BUSY, retry_after=5)
        self._returns.waiting += 1

    def __exit__(self, *_: object) -> None:
        self._returns.waiting -= 1
