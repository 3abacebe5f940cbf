"""Feeds that are pushed: what the entries say happened, and the tables that must agree with it.

The outbox holds what is on its way and what was given up; what was handed over is in the ledger alone.
So a row is either accounted for by entries, or it is the one stretch that comes next.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Rows = Callable[..., Iterator[tuple[Any, ...]]]
Say = Callable[[str, str], None]

# Every entry that is about a subscription or a push, and those that show a page to a stream.
KINDS: Final = ("subscription.", "push.", "feed.pushed")
_SHOWN_TO: Final = "jetstream"
_STATES: Final = {
    "subscription.paused": "paused",
    "subscription.resumed": "active",
    "subscription.disabled": "disabled",
    "subscription.removed": "removed",
}
_UNSEEN: Final = "it is not what the ledger's entries say"


@dataclass(slots=True)
class _Standing:
    """A subscription, as the entries leave it."""

    consumer: str
    feed: str
    by: str
    target: str | None
    since: int
    upto: int
    state: str = "active"
    dead: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    replayed: dict[str, tuple[int, int]] = field(default_factory=dict)


class Pushed:
    """Follows the entries in order; memory grows with subscriptions and what was given up."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._all: dict[str, _Standing] = {}
        self._shown: dict[tuple[str, str], tuple[int, int]] = {}

    def shown(self, feed: str, consumer: str, client: str, first: int, last: int) -> None:
        """A page was entered as shown."""
        if client == _SHOWN_TO:
            self._shown[feed, consumer] = (first, last)

    def take(self, index: int, entry: Mapping[str, Any]) -> None:
        """Take an entry of one of the kinds."""
        kind = entry["kind"]
        about = entry["id"] if kind.startswith("subscription.") else entry.get("subscription")
        if kind == "subscription.added":
            after = entry.get("after")
            self._all[str(about)] = _Standing(
                str(entry.get("consumer")),
                str(entry.get("feed")),
                str(entry.get("by")),
                entry.get("target"),
                after if isinstance(after, int) else 0,
                after if isinstance(after, int) else 0,
            )
            return
        found = self._all.get(str(about))
        if found is None or found.state == "removed":
            self._say(f"entry {index}", "it is about a subscription that is not there")
        elif not self._moved(found, kind, entry):
            self._say(f"entry {index}", "it cannot have happened to this subscription then")

    def _moved(self, found: _Standing, kind: str, entry: Mapping[str, Any]) -> bool:
        """Follow one entry; False where it cannot be."""
        if kind == "feed.pushed":
            return self._went(found, entry)
        if kind == "push.parked":
            first, last = entry.get("first"), entry.get("last")
            if not isinstance(first, int) or not isinstance(last, int):
                return False
            found.dead[entry["id"]] = (first, last, str(entry.get("reason")))
            found.replayed.pop(entry["id"], None)
            if found.by == "webhook":
                found.upto = max(found.upto, last)
            return True
        if kind == "push.replayed":
            dead = found.dead.pop(entry["id"], None)
            if dead is not None:
                found.replayed[entry["id"]] = dead[:2]
            return dead is not None
        if kind == "subscription.changed":
            found.target = entry.get("target")
            return found.by == "webhook"
        if kind == "subscription.rewound":
            return _rewound(found, entry.get("upto"))
        found.state = _STATES.get(kind, found.state)
        if found.state == "removed":
            found.target = None
            found.dead.clear()
            found.replayed.clear()
        return kind in _STATES

    def _went(self, found: _Standing, entry: Mapping[str, Any]) -> bool:
        """A stretch was handed over; into a stream nothing goes that was not entered as shown."""
        first, last, push = entry["first"], entry["last"], entry["push"]
        replayed = found.replayed.pop(push, None)
        ours = (entry["feed"], entry["consumer"]) == (found.feed, found.consumer)
        follows = first == found.upto + 1 if replayed is None else replayed == (first, last)
        found.upto = max(found.upto, last)
        if found.by == "jetstream":
            shown = self._shown.get((found.feed, found.consumer), (1, 0))
            return ours and follows and shown[0] <= first and last <= shown[1]
        return ours and follows

    def check(self, rows: Rows) -> None:
        """Compare the tables with where the entries end."""
        kept = {
            row[0]: row[1:]
            for row in rows(
                "SELECT id, consumer, feed, kind, state, target, since, upto FROM subscription"
            )
        }
        for identity in sorted(kept.keys() | self._all.keys()):
            told, row = self._all.get(identity), kept.get(identity)
            if (
                told is None
                or row is None
                or (*row[:4], _digest(row[4]), *row[5:])
                != (
                    told.consumer,
                    told.feed,
                    told.by,
                    told.state,
                    told.target,
                    told.since,
                    told.upto,
                )
            ):
                self._say(f"subscription {identity}", _UNSEEN)
        self._check_outbox(rows)

    def _check_outbox(self, rows: Rows) -> None:
        dead, replayed, fresh = {}, {}, set()
        sql = "SELECT id, subscription, first, last, state, replayed, reason FROM push ORDER BY id"
        for identity, owner, first, last, state, again, reason in rows(sql):
            if state == "dead":
                dead[owner, identity] = (first, last, reason)
            elif again:
                replayed[owner, identity] = (first, last)
            else:
                told = self._all.get(owner)
                ends = (
                    -1 if told is None else next(rows(
                        "SELECT ifnull(max(first + count - 1), 0) FROM feed_item WHERE feed = ?",
                        told.feed,
                    ))[0]
                )  # fmt: skip
                if told is None or owner in fresh or first != told.upto + 1 or last > ends:
                    self._say(f"push {identity}", "it is not the stretch that comes next")
                fresh.add(owner)
        said_dead = {
            (owner, identity): row
            for owner, told in self._all.items()
            for identity, row in told.dead.items()
        }
        said_replayed = {
            (owner, identity): row
            for owner, told in self._all.items()
            for identity, row in told.replayed.items()
        }
        odd = {pair for pair, _ in set(dead.items()) ^ set(said_dead.items())}
        odd |= {pair for pair, _ in set(replayed.items()) ^ set(said_replayed.items())}
        for _, identity in sorted(odd):
            self._say(f"push {identity}", _UNSEEN)


def _rewound(found: _Standing, upto: object) -> bool:
    if not isinstance(upto, int):
        return False
    found.upto = upto
    if found.by == "jetstream":  # of which the stretches are one after the other
        found.dead.clear()
        found.replayed.clear()
    return True


def _digest(target: bytes | None) -> str | None:
    if target is None:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(target).digest()).decode().rstrip("=")
