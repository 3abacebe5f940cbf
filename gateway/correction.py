"""THE CORRECTION: what was sent before is disputed, incorrect, withdrawn or superseded.

    1 authenticate   whose submission is it?
    2 find           the submission, its rows, and who received them
    3 seal           a record for each row: which one, and what holds of it now
    4 commit         as a submission of its own, into exactly those feeds that received the record
    5 follow         which consumers have acknowledged it

A correction takes nothing away: what was sent stays provable, and the correction stands after it in
the same feeds. What a consumer acknowledges in its feed, it has acknowledged of the correction too.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.core import disclosure, drafting, merkle
from gateway.core.adapter import ReadContext
from gateway.core.correcting import CORRECTION, MEDIA_TYPE, Wording, wording
from gateway.core.disclosure import Shown, View
from gateway.core.duty_table import Ask, Grounds
from gateway.core.envelope import NONCE_BYTES, Envelope
from gateway.core.identity import Caller
from gateway.core.limits import SALT_BYTES
from gateway.core.reading import in_memory, take
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import Admitted, Amends, Draft, MemoryBody, Recorded, Spooled

SCOPE: Final = "submissions"
_GROUPS: Final = ("case", "change")
# Blocks looked through before others get their turn.
_BLOCKS_AT_A_TIME: Final = 32


@dataclass(frozen=True, slots=True)
class Sent:
    """A submission as it was recorded: what it was sent as, and which feeds received it."""

    number: int
    id: str
    state: str
    provider_class: str
    format: str
    request: Ask | None
    wrapped_key: bytes
    blocks: int
    views: dict[str, View]


class Journal(Protocol):
    """Remembers submissions; what `record` returns is durable."""

    def sent(self, organisation: str, submission: str) -> Sent | None: ...
    def frame(self, number: int, n: int) -> tuple[bytes, int]: ...
    def amendments(self, submission: str) -> list[dict[str, Any]]: ...
    async def record(self, draft: Draft) -> Recorded: ...


class Vault(Protocol):
    """Wraps and unwraps data keys, and makes look-up tags."""

    def wrap(self, data_key: bytes, aad: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Clerk:
    """What correcting is made of; built once by `gateway.wiring`. `rules` is the law's version."""

    journal: Journal
    vault: Vault
    rules: str
    clock: Callable[[], dt.datetime]
    entropy: Callable[[int], bytes]
    new_id: Callable[[str], str]


async def correct(caller: Caller, submission: str, body: bytes, clerk: Clerk) -> Recorded:
    """Correct a submission of the caller's, and tell whoever received it; raises Refused.

    The same correction twice is one, with the same receipt.
    """
    said = wording(body)
    if said.submission != submission:
        raise Refused(Reason.PARAMETER_NOT_VALID, "The body names another submission.")
    sent = find(caller, submission, clerk)  # 2
    _check_successor(caller, said, clerk)
    feeds = await receivers(sent, said, clerk)
    draft = _draft(caller, sent, said, body, feeds, clerk)  # 3
    return await clerk.journal.record(draft)  # 4


def find(caller: Caller, submission: str, clerk: Clerk) -> Sent:
    """A submission that can be corrected; raises Refused(NOT_FOUND, PARAMETER_NOT_VALID)."""
    sent = clerk.journal.sent(caller.party, submission)
    if sent is None:
        raise Refused(Reason.NOT_FOUND)
    if sent.state != "accepted" or sent.format == CORRECTION.name:
        raise Refused(
            Reason.PARAMETER_NOT_VALID, "Only a submission with accepted records is corrected."
        )
    return sent


def followed(caller: Caller, submission: str, clerk: Clerk) -> list[dict[str, Any]]:
    """Step 5: what amended a submission, and who has acknowledged it; raises Refused(NOT_FOUND)."""
    if clerk.journal.sent(caller.party, submission) is None:
        raise Refused(Reason.NOT_FOUND)
    return clerk.journal.amendments(submission)


def _check_successor(caller: Caller, said: Wording, clerk: Clerk) -> None:
    if (said.replaced_by is not None) != (said.status == "superseded"):
        raise Refused(
            Reason.PARAMETER_NOT_VALID, "replaced_by goes with the status superseded, and only so."
        )
    if said.replaced_by is None:
        return
    successor = clerk.journal.sent(caller.party, said.replaced_by)
    if successor is None or successor.state != "accepted" or said.replaced_by == said.submission:
        raise Refused(
            Reason.PARAMETER_NOT_VALID, "replaced_by names another accepted submission of yours."
        )


async def receivers(sent: Sent, said: Wording, clerk: Clerk) -> dict[str, View]:
    """The feeds that received what is corrected, each with what it may be shown of it.

    A row that holds several records is told to each feed that received any of them.
    """
    if not said.rows:
        return {feed: {"correction": _shown(view)} for feed, view in sorted(sent.views.items())}
    types = await _types_of(sent, frozenset(said.rows), clerk)
    audiences = {
        frozenset(feed for feed, view in sent.views.items() if held & view.keys())
        for held in types.values()
    }
    if len(audiences) > 1:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "These rows went to different teams; send one correction for each kind of record.",
        )
    feeds = frozenset().union(*audiences)
    return {feed: {"correction": _shown(sent.views[feed])} for feed in sorted(feeds)}


def _shown(view: View) -> Shown:
    """A correction shows itself whole, for the purposes for which the record was shown."""
    purposes = {purpose for shown in view.values() for purpose in shown.purposes}
    return Shown(_GROUPS, tuple(sorted(purposes)))


async def _types_of(sent: Sent, rows: frozenset[int], clerk: Clerk) -> dict[int, set[str]]:
    """Record types of each of some rows; raises Refused for a row that was not accepted."""
    envelope = Envelope(clerk.vault.unwrap(sent.wrapped_key, sent.id.encode()), sent.id)
    types: dict[int, set[str]] = {}
    for n in range(sent.blocks):
        frame, count = clerk.journal.frame(sent.number, n)
        sealed = frame[merkle.HASH_BYTES * count :]
        here = False
        for run in disclosure.unpack(envelope.open(b"block", n, sealed)).runs:
            for row in rows.intersection(run.rows):
                types.setdefault(row, set()).add(run.type)
                here = True
        # Records of one row follow each other, and may go on into the next block.
        if len(types) == len(rows) and not here:
            break
        if n % _BLOCKS_AT_A_TIME == _BLOCKS_AT_A_TIME - 1:
            await asyncio.sleep(0)
    left = len(rows) - len(types)
    if left:
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            f"{left} of the rows are not accepted rows of this submission.",
        )
    return types


def _draft(
    caller: Caller,
    sent: Sent,
    said: Wording,
    body: bytes,
    feeds: dict[str, View],
    clerk: Clerk,
) -> Draft:
    """The correction as a submission of its own, on the grounds of the one it corrects."""
    identity, data_key = clerk.new_id("sub"), clerk.entropy(32)
    admitted = Admitted(
        submission=identity,
        caller=caller,
        media_type=MEDIA_TYPE,
        formats=(CORRECTION,),
        encoding=None,
        digests=(),
        key=None,
        request=sent.request,
        limit_bytes=CORRECTION.limit_bytes,
    )
    digest = hashlib.sha256(body).digest()
    spooled = Spooled(admitted, MemoryBody(body), digest, data_key, clerk.clock())
    purposes = frozenset(code for view in feeds.values() for code in view["correction"].purposes)
    grounds = Grounds(sent.provider_class, CORRECTION.record_types, purposes)
    salt = clerk.entropy(SALT_BYTES)
    statement = drafting.statement_of(spooled, CORRECTION, grounds, clerk.rules, salt)
    envelope = Envelope(data_key, identity)
    reading = take(
        spooled.body,
        CORRECTION,
        ReadContext(spooled.received_at),
        CORRECTION.record_types,
        envelope,
        clerk.entropy,
        in_memory,
    )
    return Draft(
        statement=drafting.accepted(statement, reading),
        content_tag=clerk.vault.tag("correction", caller.party.encode(), digest),
        wrapped_key=clerk.vault.wrap(data_key, identity.encode()),
        body=envelope.seal(b"body", 0, body, clerk.entropy(NONCE_BYTES)),
        blocks=reading.blocks,
        views=feeds,
        amends=Amends(sent.id, said.status),
    )
