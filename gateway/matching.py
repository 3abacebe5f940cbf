"""THE MATCH: which request a record answers, where the submission as a whole does not say.

    1 read      the records of an unasked submission, or of an answer to a list
    2 name      by the request's or the order's own reference, where the record has one
    3 compare   the rest with the open requests of that organisation (`gateway.core.matching`)
    4 tie       what is certain answers its request; what is only possible waits for an officer

Nothing is guessed silently: each tie is kept with its score and the fields that agreed, is an entry
in the ledger, and can be looked at by the team that asked.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from gateway.core import disclosure, merkle
from gateway.core.adapter import Adapter, ReadContext
from gateway.core.duty import Law
from gateway.core.envelope import Envelope
from gateway.core.groups.person import Where, Who
from gateway.core.identity import Caller
from gateway.core.limits import PEOPLE_LOOKED_UP, SUBMISSIONS_MATCHED
from gateway.core.matching import Match, MatchingError, Person, explain
from gateway.core.matching import Subject as Sought
from gateway.core.order_terms import order_tag
from gateway.core.record import Record
from gateway.core.refusal import Reason, Refused
from gateway.core.request_item import Stored
from gateway.core.stages import MemoryBody
from gateway.core.subject import Subject

_WHO: Final = msgspec.json.Decoder(Who)
_WHERE: Final = msgspec.json.Decoder(Where)
# Facts that come round by themselves; they are tied to an order, and answer no question.
_ROUND: Final = "deduction"
_ORDER: Final = "deo"
_PLAIN: Final = ("records.csv.", "records.jsonl.")
_HEAD_BYTES: Final = 4_096
_PARTS: Final = ("who", "where", "case", "pay", "status", "order")


@dataclass(frozen=True, slots=True)
class Source:
    """An accepted submission that names no request, or a list of them (`batch`)."""

    number: int
    id: str
    organisation: str
    batch: str | None
    entry: int
    wrapped_key: bytes
    blocks: int


@dataclass(frozen=True, slots=True)
class Tie:
    """A record and its request, with what speaks for it; `period` is the month of a deduction."""

    row: int
    request: str
    type: str
    verdict: str
    by: str
    score: float
    agreed: tuple[str, ...]
    disagreed: tuple[str, ...]
    period: str | None = None


class Matches(Protocol):
    """Finds what is not matched yet, and keeps what was tied.

    `tie` is durable on return, with an entry for each request, and goes on after the submission: it is
    done once. A request that a certain record covers is answered by it, in the same commit.
    """

    def unmatched(self, limit: int) -> list[Source]: ...
    def frame(self, number: int, n: int) -> tuple[bytes, int]: ...
    def open_requests(self, organisation: str, batch: str | None) -> list[Stored]: ...
    def orders(self, organisation: str) -> list[Stored]: ...
    def by_order(self, tag: bytes) -> list[Stored]: ...
    async def tie(self, source: Source, ties: Sequence[Tie]) -> None: ...


class Linkage(Protocol):
    """Scores people against subjects, off the event loop; raises MatchingError."""

    def match(self, subjects: Sequence[Sought], people: Sequence[Person]) -> list[Match]: ...


class Vault(Protocol):
    """Unwraps data keys, and makes look-up tags."""

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes: ...
    def tag(self, purpose: str, *parts: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Table:
    """Where records and requests are laid side by side; built once by `gateway.wiring`.

    `subject` is all that is known of whom a request is about, `told` what its organisation is told.
    """

    matches: Matches
    linkage: Linkage
    vault: Vault
    subject: Callable[[Stored], Subject]
    told: Callable[[Stored], Subject]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Told:
    """What a record says that can tie it: its references, and whom it is about."""

    row: int
    type: str
    who: Who | None
    where: Where | None
    references: frozenset[str]
    order: str | None
    period: str | None


async def match_new(table: Table) -> int:
    """Match every submission that came since the last time; how many records were tied."""
    count = 0
    async with table.turn:
        while found := table.matches.unmatched(SUBMISSIONS_MATCHED):
            for source in found:
                ties = await _ties(source, table)
                await table.matches.tie(source, ties)
                count += len(ties)
    return count


async def _ties(source: Source, table: Table) -> list[Tie]:
    sought = table.matches.open_requests(source.organisation, source.batch)
    orders = table.matches.orders(source.organisation)
    if not sought and not orders:
        return []
    by_id = {each.id: each for each in sought}
    ties: list[Tie] = []
    left: list[Told] = []
    for n in range(source.blocks):
        for told in _records(source, n, table):  # 1
            named = _named(told, source, by_id, table)  # 2
            if named is not None:
                ties.append(named)
            elif told.who is not None:
                left.append(told)
        await asyncio.sleep(0)  # others get their turn
    for kind in sorted({told.type for told in left}):
        of_kind = [told for told in left if told.type == kind]
        fitting = orders if kind == _ROUND else [e for e in sought if kind in e.record_types]
        if fitting:
            ties += await compared(of_kind, fitting, table)  # 3
    return ties


def _named(told: Told, source: Source, sought: dict[str, Stored], table: Table) -> Tie | None:
    """A tie by a reference that only the right record has."""
    for reference in told.references:
        if reference in sought:
            return _tie(told, reference, "reference")
    if told.order is None:
        return None
    tag = order_tag(source.organisation, told.order, table.vault)
    orders = [] if tag is None else table.matches.by_order(tag)
    if told.type == _ROUND:
        orders = [each for each in orders if each.kind == _ORDER]
    else:
        orders = [each for each in orders if told.type in each.record_types]
    return _tie(told, orders[-1].id, "order") if orders else None


def _tie(told: Told, request: str, by: str) -> Tie:
    return Tie(told.row, request, told.type, "certain", by, 0.0, (by,), (), told.period)


async def compared(left: Sequence[Told], sought: Sequence[Stored], table: Table) -> list[Tie]:
    """Ties by who the records are about; one row says once whom it is about."""
    rows = {told.row: told for told in left}
    people = [
        Person(row=told.row, who=told.who, where=told.where)
        for told in rows.values()
        if told.who is not None
    ]
    subjects = []
    for each in sought:
        subject = table.subject(each)
        subjects.append(Sought(id=each.id, who=subject.who, where=subject.where))
    try:
        found = await asyncio.to_thread(table.linkage.match, subjects, people)
    except MatchingError:
        return []  # too many alike to compare: they stay untied, and can be named by reference
    return [
        Tie(
            row=match.row,
            request=match.subject,
            type=rows[match.row].type,
            verdict=match.verdict,
            by=match.by,
            score=match.score,
            agreed=match.agreed,
            disagreed=match.disagreed,
            period=rows[match.row].period,
        )
        for match in found
    ]


def _records(source: Source, n: int, table: Table) -> Iterator[Told]:
    """What the records of a block say that can tie them."""
    envelope = Envelope(table.vault.unwrap(source.wrapped_key, source.id.encode()), source.id)
    frame, count = table.matches.frame(source.number, n)
    block = disclosure.unpack(envelope.open(b"block", n, frame[merkle.HASH_BYTES * count :]))
    for run in block.runs:
        columns = {name: run.columns[name].values for name in _PARTS if name in run.columns}
        for at, row in enumerate(run.rows):
            yield told_by(run.type, row, {name: values[at] for name, values in columns.items()})


def told_by(kind: str, row: int, groups: dict[str, bytes]) -> Told:
    """What one record says that can tie it; `groups` are its disclosure groups as JSON."""
    case = _facts(groups, "case")
    who = _WHO.decode(groups["who"]) if "who" in groups else None
    told = [case, *(_facts(groups, name) for name in ("order", "status"))]
    order = next((each["order"] for each in told if each.get("order")), None)
    if order is None and kind == _ROUND and who is not None:
        order = who.cms_reference  # in a schedule it names the order of that employee
    day = _facts(groups, "pay").get("pay_date") or case.get("period_end")
    return Told(
        row=row,
        type=kind,
        who=who,
        where=_WHERE.decode(groups["where"]) if "where" in groups else None,
        references=frozenset(
            text for name in ("reference", "response") if (text := case.get(name)) is not None
        ),
        order=order,
        period=dt.date.fromisoformat(day).strftime("%Y-%m") if isinstance(day, str) else None,
    )


async def look_up(
    caller: Caller,
    body: bytes,
    media_type: str,
    formats: Sequence[Adapter],
    law: Law,
    table: Table,
    now: dt.datetime,
) -> list[dict[str, Any]]:
    """Which open requests of an organisation the people in a file of its own may be about.

    Nothing of the file is kept, and whoever is not asked about is not mentioned. Raises Refused.
    """
    if caller.kind != "organisation":
        raise Refused(Reason.NOT_PERMITTED, "Only an organisation has such a file.")
    known = tuple(each for each in formats if media_type in each.media_types)
    known = known or tuple(each for each in formats if media_type in each.general_media_types)
    known = tuple(each for each in known if each.name.startswith(_PLAIN))
    if not known:
        raise Refused(Reason.CONTENT_TYPE_UNKNOWN, "Send the people as CSV or JSON lines.")
    admissible = law.admissible(caller.classes, known, now.date())
    fitting = [each for each in admissible if each.recognises(body[:_HEAD_BYTES])]
    adapter = (fitting or list(admissible))[0]
    people = await asyncio.to_thread(_people, adapter, body, now)
    # No more is compared than what the organisation is told: it must not find out the rest by trying.
    subjects = [
        Sought(id=each.id, who=subject.who, where=subject.where)
        for each in table.matches.open_requests(caller.party, None)
        for subject in (table.told(each),)
    ]
    try:
        found = await asyncio.to_thread(table.linkage.match, subjects, people)
    except MatchingError as error:
        raise Refused(Reason.PARAMETER_NOT_VALID, str(error)) from error
    return [
        {
            "row": match.row,
            "request": match.subject,
            "verdict": match.verdict,
            "score": round(match.score, 1),
            "agreed": list(match.agreed),
            "disagreed": list(match.disagreed),
            "explanation": explain(match),
        }
        for match in found
    ]


def _people(adapter: Adapter, body: bytes, now: dt.datetime) -> list[Person]:
    """Whom the records of a file are about, each row once; raises Refused."""
    people: dict[int, Person] = {}
    for item in adapter.read(MemoryBody(body), ReadContext(now)):
        who = getattr(item, "who", None)
        if isinstance(who, Who) and isinstance(item, Record):
            where = getattr(item, "where", None)
            people.setdefault(item.row, Person(row=item.row, who=who, where=where))
        if len(people) > PEOPLE_LOOKED_UP:
            told = f"At most {PEOPLE_LOOKED_UP} people are looked up at a time."
            raise Refused(Reason.BODY_TOO_LARGE, told)
    return list(people.values())


def _facts(groups: dict[str, bytes], name: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(groups[name]) if name in groups else {}
    return found
