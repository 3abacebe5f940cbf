"""Subscriptions as the office changes them (`gateway.administration.office.Subscriptions`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from gateway.core import ledger
from gateway.core.canonical import b64u
from gateway.core.push import Push, Subscription
from gateway.store.sqlite.pushes import Act, Pushes
from gateway.store.sqlite.writer import Turn, Writer

_ENTRIES = {
    "paused": ledger.SUBSCRIPTION_PAUSED,
    "active": ledger.SUBSCRIPTION_RESUMED,
    "removed": ledger.SUBSCRIPTION_REMOVED,
}


def _digest(target: bytes | None) -> str | None:
    return None if target is None else b64u(hashlib.sha256(target).digest())


class Subscriptions:
    """Every change is a ledger entry, which has of a target the digest of what is sealed."""

    def __init__(self, writer: Writer, pushes: Pushes) -> None:
        self._writer = writer
        self.one = pushes.subscription
        self.every = pushes.subscriptions
        self.pushes = pushes.pushes
        self.end = pushes.end
        self._rewind = pushes.rewind

    async def add(self, new: Subscription) -> None:
        """Keep one that is not there yet."""

        def write(turn: Turn) -> None:
            names = Subscription.__struct_fields__
            values = [getattr(new, name) for name in names if name != "added"]
            marks = ", ".join("?" * len(names))
            turn.db.execute(
                f"INSERT INTO subscription ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
                (*values, turn.written),
            )

        def decide(turn: Turn) -> Callable[[Turn], None]:
            turn.enter(
                ledger.SUBSCRIPTION_ADDED,
                id=new.id,
                consumer=new.consumer,
                feed=new.feed,
                by=new.kind,
                target=_digest(new.target),
                after=new.since,
            )
            return write

        await self._do(new.id, decide)

    async def change(self, identity: str, wrapped_key: bytes, target: bytes) -> None:
        """Keep another target, and try what waits at once."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE subscription SET wrapped_key = ?, target = ?, rests = '' WHERE id = ?",
                (wrapped_key, target, identity),
            )
            _hurry(turn, identity)

        def decide(turn: Turn) -> Callable[[Turn], None]:
            turn.enter(ledger.SUBSCRIPTION_CHANGED, id=identity, target=_digest(target))
            return write

        await self._do(identity, decide)

    async def set_state(self, identity: str, state: str) -> None:
        """Pause, resume (`active`) or remove; with what is removed go its target and its rows."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE subscription SET state = ?, rests = '' WHERE id = ?", (state, identity)
            )
            if state == "removed":
                turn.db.execute(
                    "UPDATE subscription SET wrapped_key = NULL, target = NULL WHERE id = ?",
                    (identity,),
                )
                turn.db.execute("DELETE FROM push WHERE subscription = ?", (identity,))
            elif state == "active":
                _hurry(turn, identity)

        def decide(turn: Turn) -> Callable[[Turn], None]:
            turn.enter(_ENTRIES[state], id=identity)
            return write

        await self._do(identity, decide)

    async def rewind(self, identity: str, upto: int) -> None:
        """Go back, or on, to a record."""
        await self._rewind(identity, upto, "operator")

    async def replay(self, push: Push) -> None:
        """Have a dead row tried anew, under its own id."""

        def write(turn: Turn) -> None:
            turn.db.execute(
                "UPDATE push SET state = 'waiting', replayed = 1, tries = 0, next_try = ?, "
                "reason = NULL WHERE id = ?",
                (turn.written, push.id),
            )

        def decide(turn: Turn) -> Callable[[Turn], None]:
            turn.enter(ledger.PUSH_REPLAYED, id=push.id, subscription=push.subscription)
            return write

        await self._do(push.subscription, decide)

    async def _do(
        self, subscription: str, decide: Callable[[Turn], Callable[[Turn], None]]
    ) -> None:
        await self._writer.do(Act(subscription, decide, always=True))


def _hurry(turn: Turn, identity: str) -> None:
    turn.db.execute(
        "UPDATE push SET next_try = ? WHERE subscription = ? AND state = 'waiting'",
        (turn.written, identity),
    )
