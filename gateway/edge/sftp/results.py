"""What lies beside a file that was taken: its outcome, its row errors and its receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gateway.core.drafting import open_outcome
from gateway.core.envelope import Envelope
from gateway.core.inbox_item import Item
from gateway.core.inbox_path import ERRORS, OUTCOME, RECEIPT
from gateway.core.neutral import row_errors_csv
from gateway.core.record import RowError
from gateway.core.refusal import Refused
from gateway.core.stages import Outcome
from gateway.edge.http.problem import document
from gateway.edge.http.submissions import summary
from gateway.inbox import Inbox

_SIZES_KEPT: Final = 20_000


@dataclass(slots=True)
class Results:
    """Makes results from what is stored, each time they are read; `journal` is the store's."""

    journal: Any
    unwrap: Callable[[bytes, bytes], bytes]
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, item: Item, inbox: Inbox) -> dict[str, bytes]:
        """The results of an item, by the endings of their names; none while it is not taken."""
        if item.state != "taken":
            return {}
        if item.submission is None:
            made = _of_problem(inbox.envelope(item).open(b"problem", 0, item.problem or b""))
        else:
            made, ended = self._of_submission(item.submission, item.organisation)
            if not ended:
                return made
        if len(self.sizes) >= _SIZES_KEPT:
            self.sizes.clear()
        self.sizes[item.id] = {ending: len(data) for ending, data in made.items()}
        return made

    def sizes_of(self, item: Item, inbox: Inbox) -> dict[str, int]:
        """The sizes of the results, in bytes; remembered once they do not change any more."""
        known = self.sizes.get(item.id)
        if known is None:
            known = {ending: len(data) for ending, data in self.of(item, inbox).items()}
        return known

    def _of_submission(self, identity: str, organisation: str) -> tuple[dict[str, bytes], bool]:
        recorded = self.journal.find(identity, organisation)
        if recorded is None:
            return {}, False
        ended = recorded.state != "received"
        outcome = Outcome()
        if ended:
            wrapped, sealed = self.journal.outcome(identity)
            key = self.unwrap(wrapped, identity.encode())
            outcome = open_outcome(sealed, Envelope(key, identity))
        told = msgspec.json.encode(summary(recorded, outcome))
        made = {OUTCOME: _indented(told), RECEIPT: recorded.receipt.encode()}
        if outcome.errors:
            made[ERRORS] = row_errors_csv(outcome.errors).encode()
        return made, ended


def explain(refusal: Refused, issuer: str, instance: str) -> bytes:
    """A refusal in the words of its problem document."""
    return msgspec.json.encode(document(refusal, issuer, instance))


def _of_problem(problem: bytes) -> dict[str, bytes]:
    told = msgspec.json.decode(problem)
    made = {OUTCOME: _indented(problem)}
    if errors := msgspec.convert(told.get("errors", ()), tuple[RowError, ...]):
        made[ERRORS] = row_errors_csv(errors).encode()
    if receipt := told.get("receipt"):
        made[RECEIPT] = receipt.encode()
    return made


def _indented(data: bytes) -> bytes:
    return msgspec.json.format(data, indent=2) + b"\n"
