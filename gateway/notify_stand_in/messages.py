"""What was sent, and what becomes of it as time goes on."""

from __future__ import annotations

import datetime as dt
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.edge.notify import Way
from gateway.notify_stand_in.keys import KeyType
from gateway.notify_stand_in.library import VERSION, Held
from gateway.notify_stand_in.refusals import not_found

PAGE: Final = 250
KEPT: Final = 1_000

# Taken and answered like any other, and then forgotten: nothing is kept and nothing is sent.
SIMULATED: Final = frozenset(
    f"simulate-delivered{number}@notifications.service.gov.uk" for number in ("", "-2", "-3")
)
# Sent and kept, and then not delivered.
FAILING: Final = {
    "perm-fail@simulator.notify": "permanent-failure",
    "temp-fail@simulator.notify": "temporary-failure",
}
STATUSES: Final = (
    "cancelled", "created", "sending", "sent", "delivered", "pending", "failed",
    "technical-failure", "temporary-failure", "permanent-failure", "pending-virus-check",
    "validation-failed", "virus-scan-failed", "returned-letter", "accepted", "received",
)  # fmt: skip


class Pace(msgspec.Struct, frozen=True):
    """After how many seconds an e-mail is sent and delivered, and a letter is posted."""

    sent: float = 1.0
    delivered: float = 5.0
    posted: float = 60.0


class Message(msgspec.Struct, frozen=True):
    """An e-mail or a letter; `to` has the members of its address by Notify's names."""

    id: str
    reference: str | None
    type: Way
    key: KeyType
    to: dict[str, str]
    template: Held
    subject: str
    body: str
    created_at: dt.datetime

    def status(self, now: dt.datetime, pace: Pace) -> str:
        """What Notify calls its state at an instant."""
        passed = (now - self.created_at).total_seconds()
        if self.type == "letter":
            return "accepted" if passed < pace.posted else "received"
        if passed < pace.sent:
            return "created"
        if passed < pace.delivered:
            return "sending"
        return FAILING.get(self.to["email_address"].lower(), "delivered")

    def shown(self, now: dt.datetime, pace: Pace, root: str) -> dict[str, Any]:
        """The message as the API shows it; `root` is where the API is."""
        passed = (now - self.created_at).total_seconds()
        done = pace.posted if self.type == "letter" else pace.delivered
        lines = {f"line_{n}": self.to.get(f"address_line_{n}") for n in range(1, 8)}
        return {
            "id": self.id,
            "reference": self.reference,
            "email_address": self.to.get("email_address"),
            "phone_number": None,
            **lines,
            "postcode": None,
            "postage": "second" if self.type == "letter" else None,
            "type": self.type,
            "status": self.status(now, pace),
            "template": {
                "id": self.template.id,
                "version": VERSION,
                "uri": f"{root}/v2/template/{self.template.id}/version/{VERSION}",
            },
            "body": self.body,
            "subject": self.subject,
            "created_at": _written(self.created_at, 0.0),
            "created_by_name": None,
            "sent_at": _written(self.created_at, pace.sent) if passed >= pace.sent else None,
            "completed_at": _written(self.created_at, done) if passed >= done else None,
            "scheduled_for": None,
            "one_click_unsubscribe_url": None,
            "is_cost_data_ready": True,
            "cost_in_pounds": 0.0,
            "cost_details": {},
        }


def _written(instant: dt.datetime, seconds: float) -> str:
    moved = instant + dt.timedelta(seconds=seconds)
    return moved.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Messages:
    """The newest messages, in memory; `taken` counts those of each way that there ever were."""

    def __init__(self, clock: Callable[[], dt.datetime], pace: Pace, kept: int = KEPT) -> None:
        self._clock = clock
        self._pace = pace
        self._kept = kept
        self._held: OrderedDict[str, Message] = OrderedDict()
        self.taken: Final[Counter[Way]] = Counter()

    def keep(self, message: Message) -> None:
        """Keep a message; the oldest goes where there is no room."""
        self._held[message.id] = message
        self.taken[message.type] += 1
        while len(self._held) > self._kept:
            self._held.popitem(last=False)

    def newest(self) -> list[Message]:
        """Every message, the newest first."""
        return list(reversed(self._held.values()))

    def status(self, message: Message) -> str:
        """The state of a message now."""
        return message.status(self._clock(), self._pace)

    def shown(self, message: Message, root: str) -> dict[str, Any]:
        """A message as the API shows it now."""
        return message.shown(self._clock(), self._pace, root)

    def get(self, identity: str) -> Message:
        """A message; raises NotifyRefusal where there is none of that id."""
        held = self._held.get(identity)
        if held is None:
            raise not_found()
        return held

    def page(
        self,
        key: KeyType,
        *,
        statuses: frozenset[str],
        types: frozenset[str],
        reference: str | None,
        older_than: str | None,
    ) -> list[Message]:
        """One page of what was sent with a kind of key, the newest first; empty sets let all pass."""
        found = self.newest()
        if older_than is not None:
            places = [number for number, each in enumerate(found) if each.id == older_than]
            found = found[places[0] + 1 :] if places else []
        fitting = (
            each
            for each in found
            if each.key == key
            and (not statuses or self.status(each) in statuses)
            and (not types or each.type in types)
            and reference in {None, each.reference}
        )
        return [each for each, _ in zip(fitting, range(PAGE), strict=False)]
