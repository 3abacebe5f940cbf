"""What an accepted submission does to the request that it answers, within the same commit."""

from __future__ import annotations

from gateway.core.limits import ANSWERS_OF_A_REQUEST
from gateway.core.mending import TAG_BYTES
from gateway.core.refusal import Reason, Refused
from gateway.core.request_life import Event, State, event_of_answer
from gateway.core.stages import Draft
from gateway.store.sqlite.request_turn import Live, live
from gateway.store.sqlite.writer import Turn


class Answering:
    """One answer: checked first, entered with the submission, then written."""

    def __init__(self, request: str, draft: Draft) -> None:
        self._request = request
        self._draft = draft
        self._live: Live | None = None

    def check(self, turn: Turn) -> None:
        """Find the request; raises Refused(REQUEST_WITHDRAWN) where it is no longer asked."""
        self._live = live(turn, self._request)
        if self._live is not None and self._live.state is State.WITHDRAWN:
            raise Refused(Reason.REQUEST_WITHDRAWN)
        if self._live is not None and self._live.events >= ANSWERS_OF_A_REQUEST:
            told = "It has been answered too often; speak to the officer who asked."
            raise Refused(Reason.REQUEST_STATE, told)

    def enter(self, turn: Turn) -> None:
        """Append the entry that says how far the request is answered now."""
        found, draft = self._live, self._draft
        if found is None or not found.can(Event.ANSWERED):
            return
        found.covered = tuple(sorted({*found.covered, *draft.covers}))
        amends = draft.amends
        rows = draft.open_rows if amends is None else amends.open_rows or b""
        event = event_of_answer(found.record_types, found.covered, open_rows=len(rows) // TAG_BYTES)
        organisation = draft.statement.sender.organisation
        found.happens(turn, event, organisation, submission=draft.statement.submission)

    def write(self, turn: Turn) -> None:
        """Write where the request stands."""
        if self._live is not None:
            self._live.write(turn)
