"""Asking put together: requests, and everything that follows from one."""

from __future__ import annotations

from importlib.resources import files

from gateway.core.deadlines import Deadlines
from gateway.request import Desk
from gateway.store.sqlite.store import Store
from gateway.submission import Intake


def deadlines() -> Deadlines:
    """The table of deadlines as it is installed."""
    return Deadlines((files("schemas") / "deadlines.toml").read_bytes())


def desk(intake: Intake, store: Store) -> Desk:
    """Where requests are raised and looked at."""
    return Desk(
        requests=store.requests,
        parties=store.registry,
        vault=intake.vault,
        law=intake.law,
        deadlines=deadlines(),
        clock=intake.clock,
        entropy=intake.entropy,
        new_id=intake.new_id,
    )
