"""What was asked, and what became of it: the entries of requests and notices, and the rules they obey.

The table of what may follow what is the judge's own; it was written from docs/requests.md, not from
the gateway's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gateway.judge.part import Count, Entry, Hash, Text

Day = Annotated[str, Meta(min_length=10, max_length=10)]
Rows = Callable[..., Iterator[tuple[Any, ...]]]
Say = Callable[[str, str], None]

_UNSEEN: Final = "it is not what the ledger's entries say"


class Raised(Entry, frozen=True, tag="request.raised"):
    """A request was drafted: of whom, why, and for which records."""

    id: Text
    n: Literal[1]
    state: Literal["drafted"]
    organisation: Text
    consumer: Text
    asks: Text
    purposes: tuple[Text, ...]
    record_types: tuple[Text, ...]
    due: Day
    batch: Text | None


class Happened(Entry, frozen=True):
    """Something happened to a request; the kind says what, `state` where it then stands."""

    id: Text
    n: Count
    state: Text
    by: Text
    submission: Text | None
    notice: Text | None
    due: Day | None

    @property
    def event(self) -> str:
        """What happened."""
        return str(self.__struct_config__.tag).removeprefix("request.")


class Issued(Happened, frozen=True, tag="request.issued"):
    """It was sent on its way."""


class Served(Happened, frozen=True, tag="request.served"):
    """A notice that serves it went."""


class Acknowledged(Happened, frozen=True, tag="request.acknowledged"):
    """The organisation said that it has it."""


class Queried(Happened, frozen=True, tag="request.queried"):
    """The organisation asked what is meant; the clock stands still."""


class Explained(Happened, frozen=True, tag="request.explained"):
    """The officer answered; the clock runs again."""


class Reminded(Happened, frozen=True, tag="request.reminded"):
    """A reminder was made."""


class PartAnswered(Happened, frozen=True, tag="request.part_answered"):
    """An answer came, and not all that was asked for."""


class Answered(Happened, frozen=True, tag="request.answered"):
    """All that was asked for was answered."""


class RequestRefused(Happened, frozen=True, tag="request.refused"):
    """All that was asked for was refused, with a reason."""


class Lapsed(Happened, frozen=True, tag="request.lapsed"):
    """The day passed on which the answer was due."""


class Escalated(Happened, frozen=True, tag="request.escalated"):
    """It was handed to somebody who can do more."""


class Withdrawn(Happened, frozen=True, tag="request.withdrawn"):
    """It is asked no longer."""


class NoticeSent(Entry, frozen=True, tag="notice.sent"):
    """A notice went, in a form; `deemed` is the day on which it counts as served."""

    id: Text
    request: Text | None
    correspondent: Text
    notice: Text
    purpose: Text
    form: Literal["api", "sftp", "webhook", "email", "post"]
    agreement: Text | None
    deemed: Day
    content: Hash


Told = (
    Raised
    | Issued
    | Served
    | Acknowledged
    | Queried
    | Explained
    | Reminded
    | PartAnswered
    | Answered
    | RequestRefused
    | Lapsed
    | Escalated
    | Withdrawn
    | NoticeSent
)

# From each state, what may happen and where it then stands.
_ANSWERS: Final = (
    "part_answered>part_answered answered>answered refused>refused withdrawn>withdrawn"
)
_AGAIN: Final = "served>{0} reminded>{0} queried>{0} explained>{0}"
_LATE: Final = (
    "answered>answered refused>refused withdrawn>withdrawn part_answered>{0} acknowledged>{0} "
    "served>{0} reminded>{0}"
)
_LIFE: Final = {
    state: dict(pair.split(">") for pair in text.format(state).split())
    for state, text in {
        "drafted": "issued>issued withdrawn>withdrawn",
        "issued": f"served>served acknowledged>acknowledged queried>issued explained>issued {_ANSWERS}",
        "served": f"acknowledged>acknowledged lapsed>overdue {_ANSWERS} {_AGAIN}",
        "acknowledged": f"acknowledged>acknowledged lapsed>overdue {_ANSWERS} {_AGAIN}",
        "part_answered": f"acknowledged>part_answered lapsed>overdue {_ANSWERS} {_AGAIN}",
        "overdue": f"escalated>escalated {_LATE}",
        "escalated": _LATE,
        "answered": "part_answered>answered answered>answered refused>answered",
        "refused": "part_answered>part_answered answered>answered refused>refused",
        "withdrawn": "",
    }.items()
}
_STATES: Final = tuple(_LIFE)
_ENDED: Final = frozenset({"answered", "refused", "withdrawn"})


class Lives:
    """Follows requests from entry to entry; some hundred bytes for each."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}  # hash of the id -> events so far and state

    def raised(self, fact: Raised) -> str | None:
        """What is wrong with a request that is raised, if anything."""
        place = hash(fact.id)
        if place in self._at:
            return f"request {_shown(fact.id)} is raised a second time"
        self._at[place] = 1 << 4
        return None

    def happened(self, fact: Happened, *, whole: bool) -> str | None:
        """What is wrong with something that happened, if anything; `whole` if nothing is missing."""
        place = hash(fact.id)
        before = self._at.get(place)
        if before is None:
            return f"request {_shown(fact.id)} was never raised" if whole else None
        n, state = before >> 4, _STATES[before & 15]
        after = _LIFE[state].get(fact.event)
        if whole and fact.n != n + 1:
            return f"it is step {fact.n} of request {_shown(fact.id)}, after step {n}"
        if whole and after is None:
            return f"a request that is {state} cannot be {fact.event}"
        if whole and after != fact.state:
            return f"it leads to {_shown(fact.state)}, not to {after}"
        if fact.state in _LIFE:
            self._at[place] = fact.n << 4 | _STATES.index(fact.state)
        return None

    def about(self, fact: NoticeSent, *, whole: bool) -> str | None:
        """What is wrong with a notice, if anything."""
        if (fact.form == "post") != (fact.agreement is None):
            return "it went electronically without an agreement, or by post on one"
        if whole and fact.request is not None and hash(fact.request) not in self._at:
            return f"request {_shown(fact.request)} was never raised"
        return None


@dataclass(slots=True)
class _Stands:
    """Where a request stands by its entries: what the database must say of it."""

    asked: Raised
    n: int = 1
    state: str = "drafted"
    due: str = ""
    ended: str | None = None
    lapsed: bool = False
    stopped: bool = False

    def take(self, fact: Happened) -> None:
        """Follow one step more."""
        self.n, self.due = fact.n, fact.due or self.due
        if fact.state not in _ENDED:
            self.ended = None
        elif self.state not in _ENDED:
            self.ended = fact.time
        self.state = fact.state
        self.lapsed |= fact.event == "lapsed"
        if fact.event in {"queried", "explained"} or self.ended is not None:
            self.stopped = fact.event == "queried" and self.ended is None

    def row(self) -> tuple[Any, ...]:
        """The row as it must be, but for what no entry speaks of."""
        asked = self.asked
        return (
            asked.id, asked.organisation, asked.consumer, asked.purposes, asked.record_types,
            asked.asks, asked.batch, self.state, self.n, self.due, self.ended, self.lapsed,
            self.stopped,
        )  # fmt: skip


def check_asked(
    rows: Rows,
    told: list[tuple[int, Told]],
    administered: Iterable[Mapping[str, Any]],
    say: Say,
) -> None:
    """Compare the tables of requests and notices with their entries, each with its index.

    `administered` are the acts of administration, of which some are about requests and notices.
    """
    stands: dict[str, _Stands] = {}
    events: list[tuple[Any, ...]] = []
    for index, fact in told:
        if isinstance(fact, Raised):
            stands[fact.id] = _Stands(fact, due=fact.due)
            events.append(
                (fact.id, 1, "raised", "drafted", fact.time, fact.consumer, None, None, index)
            )
        elif isinstance(fact, Happened):
            if fact.id in stands:
                stands[fact.id].take(fact)
            about = (fact.submission, fact.notice, index)
            events.append((fact.id, fact.n, fact.event, fact.state, fact.time, fact.by, *about))
    kept = rows(
        "SELECT request, n, event, state, at, by, submission, notice, entry FROM request_event"
    )
    for odd in sorted({row[0] for row in set(kept) ^ set(events)}):
        say(f"what happened to request {odd}", _UNSEEN)
    acts = list(administered)
    erased = {act.get("id"): act.get("time") for act in acts if act["kind"] == "request.erased"}
    settled = {act.get("id"): act for act in acts if act["kind"] == "notice.settled"}
    _check_requests(rows, stands, erased, say)
    _check_notices(rows, told, settled, say)


def _check_requests(
    rows: Rows, stands: dict[str, _Stands], erased: dict[Any, Any], say: Say
) -> None:
    for row in rows(
        "SELECT id, organisation, consumer, purposes, record_types, kind, batch, state, events, due, "
        "ended, lapsed_on IS NOT NULL, stopped IS NOT NULL, erased FROM request"
    ):
        wanted = stands.pop(row[0], None)
        lists = tuple(_listed(text) for text in row[3:5])
        said = (*row[:3], *lists, *row[5:])
        if wanted is None or said != (*wanted.row(), erased.get(row[0])):
            say(f"request {row[0]}", _UNSEEN)
    for gone in stands:
        say(f"request {gone}", "the ledger speaks of it, and it is not there")


def _check_notices(
    rows: Rows, told: list[tuple[int, Told]], settled: Mapping[Any, Mapping[str, Any]], say: Say
) -> None:
    sent = set()
    for index, fact in told:
        if not isinstance(fact, NoticeSent):
            continue
        # Of a letter the day is known once it has been posted.
        fate = settled.get(fact.id, {})
        day, state = fate.get("deemed") or fact.deemed, fate.get("state", "sent")
        about = (fact.id, fact.request, fact.correspondent, fact.notice, fact.purpose)
        sent.add((*about, fact.form, fact.agreement, day, fact.time, index, state))
    kept = set(
        rows(
            "SELECT id, request, correspondent, kind, purpose, form, agreement, deemed_on, sent, "
            "entry, iif(wrapped_key IS NULL AND request IS NULL, 'erased', state) "
            "FROM notice WHERE sent IS NOT NULL"
        )
    )
    for odd in sorted({row[0] for row in kept ^ sent}):
        say(f"notice {odd}", _UNSEEN)


def _listed(text: str) -> tuple[object, ...]:
    """A list as the database holds it; one that is no list is like no entry's."""
    try:
        return tuple(msgspec.json.decode(text, type=list[object]))
    except msgspec.DecodeError:
        return (text,)


def _shown(text: str) -> str:
    return ascii(text)[:100]
