"""Feeds that are pushed, in the database: subscriptions, and the outbox (`gateway.delivery.Outbox`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import apsw

from gateway.core import ledger
from gateway.core.limits import PUSH_PAGE_RECORDS
from gateway.core.push import Push, Subscription
from gateway.store.sqlite.connection import fetch
from gateway.store.sqlite.writer import Turn, Writer

_SUBSCRIPTION: Final = Subscription.__struct_fields__
_PUSH: Final = Push.__struct_fields__
_DUE: Final = """
SELECT id FROM subscription AS s WHERE state = 'active' AND (
    EXISTS (SELECT 1 FROM push WHERE subscription = s.id AND state = 'waiting' AND next_try <= ?1)
    OR rests <= ?1
    AND NOT EXISTS (SELECT 1 FROM push WHERE subscription = s.id AND state = 'waiting'
                    AND (s.kind = 'jetstream' OR NOT replayed))
    AND EXISTS (SELECT 1 FROM feed_item WHERE feed = s.feed AND first + count - 1 > s.upto
                AND first = (SELECT max(first) FROM feed_item WHERE feed = s.feed))
) ORDER BY id
"""
# Those of active subscriptions for which a time was set.
_NEXT: Final = """
SELECT min(at) FROM (
    SELECT min(next_try) AS at FROM push JOIN subscription AS s ON s.id = subscription
    WHERE push.state = 'waiting' AND s.state = 'active'
    UNION ALL SELECT min(rests) FROM subscription WHERE state = 'active' AND rests > ?
)
"""
_OUTSTANDING: Final = (
    "WHERE subscription = ?1 AND state = 'waiting' AND (?2 OR NOT replayed OR next_try <= ?3) "
    "ORDER BY next_try, id LIMIT 1"
)

Decide = Callable[[Turn], Callable[[Turn], None] | None]


class Pushes:
    """Every change that is told to anybody is a ledger entry; a try is none."""

    def __init__(self, writer: Writer, reader: apsw.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._counted: Counter[tuple[str, str, str]] = Counter()

    # --- reading ----------------------------------------------------------------------------------

    def subscription(self, identity: str) -> Subscription | None:
        """A subscription, those removed too."""
        found = self._subscriptions("WHERE id = ?", (identity,))
        return found[0] if found else None

    def subscriptions(self, consumer: str | None = None) -> list[Subscription]:
        """Every subscription, or those of a consumer."""
        return self._subscriptions("WHERE ?1 IS NULL OR consumer = ?1 ORDER BY id", (consumer,))

    def _subscriptions(self, where: str, parameters: tuple[Any, ...]) -> list[Subscription]:
        sql = f"SELECT {', '.join(_SUBSCRIPTION)} FROM subscription {where}"  # noqa: S608
        rows = fetch(self._reader, sql, parameters)
        return [Subscription(**dict(zip(_SUBSCRIPTION, row, strict=True))) for row in rows]

    def pushes(self, subscription: str) -> list[Push]:
        """What is on its way to a subscription, or dead, the oldest first."""
        return _pushes(self._reader, "WHERE subscription = ? ORDER BY id", (subscription,))

    def outstanding(self, subscription: Subscription, now: str) -> Push | None:
        """The row that is to be tried next; what is replayed to a webhook holds up nothing else."""
        alone = subscription.kind == "jetstream"
        found = _pushes(self._reader, _OUTSTANDING, (subscription.id, alone, now))
        return found[0] if found else None

    def due(self, now: str) -> list[str]:
        """The active subscriptions for which there is something to do."""
        return [row[0] for row in fetch(self._reader, _DUE, (now,))]

    def next_due(self, now: str) -> str | None:
        """When there is something to do next, if nothing happens before."""
        found: str | None = fetch(self._reader, _NEXT, (now,))[0][0]
        return found

    def end(self, feed: str) -> int:
        """The last number that a feed gave; 0 before the first."""
        return _last(self._reader, feed)

    def tried(self, subscription: Subscription) -> None:
        """Count a try."""
        self._counted["tried", subscription.kind, subscription.id] += 1

    def figures(self) -> list[tuple[str, str, dict[tuple[str, ...], float]]]:
        """What waits, was tried, went and is dead, by kind and subscription."""
        told: dict[str, dict[tuple[str, ...], float]] = {
            name: {} for name in ("waiting", "dead", "tried", "delivered", "behind")
        }
        for identity, kind, feed, upto, waiting, dead in fetch(
            self._reader,
            "SELECT id, kind, feed, upto, "
            "(SELECT count(*) FROM push WHERE subscription = s.id AND push.state = 'waiting'), "
            "(SELECT count(*) FROM push WHERE subscription = s.id AND push.state = 'dead') "
            "FROM subscription AS s WHERE state <> 'removed'",
        ):
            place = (kind, identity)
            told["waiting"][place], told["dead"][place] = float(waiting), float(dead)
            told["behind"][place] = float(max(self.end(feed) - upto, 0))
            for name in ("tried", "delivered"):
                told[name][place] = float(self._counted[name, kind, identity])
        words = {
            "waiting": "Pushes on their way",
            "dead": "Pushes that were given up",
            "tried": "Pushes tried since the start",
            "delivered": "Pushes delivered since the start",
            "behind": "Records of the feed not yet handed over",
        }
        return [(f"pushes_{name}", words[name], values) for name, values in told.items()]

    # --- the way out ------------------------------------------------------------------------------

    async def begin(self, push: Push) -> bool:
        """Keep a new row; False where the subscription is elsewhere by now, or has such a row."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _one(turn.db, push.subscription)
            sql = "SELECT 1 FROM push WHERE subscription = ? AND state = 'waiting' AND NOT replayed"
            if (
                found is None
                or (found.state, found.upto) != ("active", push.first - 1)
                or push.last > _last(turn.db, found.feed)
                or fetch(turn.db, sql, (push.subscription,))
            ):
                return None
            return lambda turn: _insert(turn, push)

        return await self._do(push.subscription, decide)

    async def claim(self, push: Push) -> bool:
        """Count a try; False where the row is gone, or was tried by another."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _row(turn.db, push)
            owner = _one(turn.db, push.subscription)
            if found is None or found.tries != push.tries - 1:
                return None
            if owner is None or owner.state != "active":
                return None
            return _sets(push, begun=push.begun, tries=push.tries, next_try=push.next_try)

        return await self._do(push.subscription, decide)

    async def settle(self, push: Push) -> None:
        """Move the position, enter what was pushed, and forget the row."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _one(turn.db, push.subscription)
            if found is None or _row(turn.db, push) is None:
                return None
            turn.enter(
                ledger.PUSHED,
                subscription=found.id,
                push=push.id,
                feed=found.feed,
                consumer=found.consumer,
                first=push.first,
                last=push.last,
                count=push.count,
            )

            def write(turn: Turn) -> None:
                turn.db.execute("DELETE FROM push WHERE id = ?", (push.id,))
                turn.db.execute(
                    "UPDATE subscription SET upto = max(upto, ?), rests = '' WHERE id = ?",
                    (push.last, found.id),
                )
                self._counted["delivered", found.kind, found.id] += 1

            return write

        await self._do(push.subscription, decide)

    async def postpone(self, push: Push, next_try: str, reason: str) -> None:
        """Set the next try."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            gone = _row(turn.db, push) is None
            return None if gone else _sets(push, next_try=next_try, reason=reason)

        await self._do(push.subscription, decide)

    async def park(self, push: Push, reason: str, rests: str, *, disable: bool) -> None:
        """Give a row up, and its subscription where nothing else can go either."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _one(turn.db, push.subscription)
            if found is None or _row(turn.db, push) is None:
                return None
            turn.enter(
                ledger.PUSH_PARKED,
                id=push.id,
                subscription=found.id,
                first=push.first,
                last=push.last,
                reason=reason,
            )
            if disable:
                turn.enter(ledger.SUBSCRIPTION_DISABLED, id=found.id, reason=reason)
            upto = found.upto if found.kind == "jetstream" else max(found.upto, push.last)
            state = "disabled" if disable else found.state

            def write(turn: Turn) -> None:
                turn.db.execute(
                    "UPDATE push SET state = 'dead', replayed = 0, reason = ? WHERE id = ?",
                    (reason, push.id),
                )
                turn.db.execute(
                    "UPDATE subscription SET state = ?, upto = ?, rests = ? WHERE id = ?",
                    (state, upto, rests, found.id),
                )

            return write

        await self._do(push.subscription, decide)

    async def rewind(self, identity: str, upto: int, by: str) -> None:
        """Go back, or on, to a record; what was on its way is made anew from there.

        What is replayed to a webhook, or was given up, stays: it goes its own way.
        """

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _one(turn.db, identity)
            if found is None or found.state == "removed":
                return None
            turn.enter(ledger.SUBSCRIPTION_REWOUND, id=identity, upto=upto, by=by)

            def write(turn: Turn) -> None:
                turn.db.execute(
                    "DELETE FROM push WHERE subscription = ? "
                    "AND (state = 'waiting' AND NOT replayed OR ?)",
                    (identity, found.kind == "jetstream"),
                )
                turn.db.execute(
                    "UPDATE subscription SET upto = ?, rewinds = rewinds + 1, page = ?, "
                    "rests = '' WHERE id = ?",
                    (upto, PUSH_PAGE_RECORDS if by == "operator" else found.page, identity),
                )

            return write

        await self._do(identity, decide, always=by != "stream")

    async def shorten(self, push: Push, last: int) -> None:
        """Make a row end earlier and be tried at once, and those after it as short."""

        def decide(turn: Turn) -> Callable[[Turn], None] | None:
            found = _row(turn.db, push)
            if found is None:
                return None

            def write(turn: Turn) -> None:
                _sets(push, last=last, next_try=push.begun, tries=0)(turn)
                turn.db.execute(
                    "UPDATE subscription SET page = ? WHERE id = ?",
                    (last - push.first + 1, push.subscription),
                )

            return write

        await self._do(push.subscription, decide)

    async def _do(self, subscription: str, decide: Decide, *, always: bool = False) -> bool:
        return bool(await self._writer.do(Act(subscription, decide, always=always)))


class Act:
    """A change of one subscription and its rows; `decide` looks, enters, and says what to write.

    What another act of the same group has changed is not looked at again: who is not to have his way
    `always` does nothing then, and finds things as they are the next time.
    """

    rows = 3

    def __init__(self, subscription: str, decide: Decide, *, always: bool) -> None:
        self._place = ("subscription", subscription)
        self._decide = decide
        self._always = always
        self._write: Callable[[Turn], None] | None = None

    def prepare(self, turn: Turn) -> None:
        """Look, and enter what is to be entered."""
        if self._place in turn.decided and not self._always:
            return
        self._write = self._decide(turn)
        if self._write is not None:
            turn.decided[self._place] = True

    def write(self, turn: Turn) -> None:
        """Write what was decided."""
        if self._write is not None:
            self._write(turn)

    def answer(self, _turn: Turn) -> bool:
        """Whether anything was done."""
        return self._write is not None


def _pushes(db: apsw.Connection, where: str, parameters: tuple[Any, ...]) -> list[Push]:
    sql = f"SELECT {', '.join(_PUSH)} FROM push {where}"  # noqa: S608
    found = []
    for row in fetch(db, sql, parameters):
        values = dict(zip(_PUSH, row, strict=True))
        found.append(Push(**(values | {"replayed": bool(values["replayed"])})))
    return found


def _row(db: apsw.Connection, push: Push) -> Push | None:
    """A row that still waits, as it is now."""
    found = _pushes(db, "WHERE id = ? AND state = 'waiting'", (push.id,))
    return found[0] if found else None


def _one(db: apsw.Connection, identity: str) -> Subscription | None:
    sql = f"SELECT {', '.join(_SUBSCRIPTION)} FROM subscription WHERE id = ?"  # noqa: S608
    rows = fetch(db, sql, (identity,))
    return Subscription(**dict(zip(_SUBSCRIPTION, rows[0], strict=True))) if rows else None


def _last(db: apsw.Connection, feed: str) -> int:
    sql = "SELECT first + count - 1 FROM feed_item WHERE feed = ? ORDER BY first DESC LIMIT 1"
    rows = fetch(db, sql, (feed,))
    return int(rows[0][0]) if rows else 0


def _insert(turn: Turn, push: Push) -> None:
    values = [getattr(push, name) for name in _PUSH]
    marks = ", ".join("?" * len(_PUSH))
    turn.db.execute(f"INSERT INTO push ({', '.join(_PUSH)}) VALUES ({marks})", values)  # noqa: S608


def _sets(push: Push, **changes: str | int) -> Callable[[Turn], None]:
    sql = f"UPDATE push SET {', '.join(f'{name} = ?' for name in changes)} WHERE id = ?"  # noqa: S608

    def write(turn: Turn) -> None:
        turn.db.execute(sql, (*changes.values(), push.id))

    return write
