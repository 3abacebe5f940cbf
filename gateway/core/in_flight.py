"""Idempotency keys whose first request is still running (IETF idempotency-key draft, section 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.refusal import Reason, Refused


class InFlight:
    """Lets one request with a key run at a time, for each organisation."""

    def __init__(self) -> None:
        self._running: set[tuple[str, str]] = set()

    @contextmanager
    def alone(self, organisation: str, key: str | None) -> Iterator[None]:
        """Hold a key while the block runs; raises Refused(IDEMPOTENCY_KEY_IN_FLIGHT)."""
        entry = (organisation, key or "")
        if key is not None:
            if entry in self._running:
                raise Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT, retry_after=1)
            self._running.add(entry)
        try:
            yield
        finally:
            if key is not None:
                self._running.discard(entry)
