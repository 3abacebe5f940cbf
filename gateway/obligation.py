"""THE OBLIGATIONS: what an organisation owes, by when, on which ground; the same for both sides.

A request is due until it is answered, late once its day has passed, then received, nil or refused.
While a question about it is open its clock stands still and nothing is late. Beside requests stand
duties that come round by themselves: a payment schedule for each month of a deduction from earnings
order, until the order ends.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from gateway.core.deadlines import Deadlines, uk_day
from gateway.core.identity import Caller
from gateway.core.request_item import Stored
from gateway.core.request_life import LATE, State

Side = Literal["organisation", "consumer"]
STANDINGS: Final = ("due", "late", "received", "nil", "refused")
_MONTHS_SHOWN: Final = 12
_PAY_OVER: Final = "DEO_PAY_OVER"


class Requests(Protocol):
    """Finds requests, and what was tied to them.

    `owed` has those that are open first, then the newest; `totals` counts all of them by how they stand on
    a day, by the rules of `standing_of`. `periods` are the months (2026-10) for which deductions were tied to an order's request, `order`
    every request about the same order, the oldest first.
    """

    def owed(
        self, side: Side, party: str, limit: int, identity: str | None = None
    ) -> list[Stored]: ...
    def totals(self, side: Side, party: str, day: dt.date) -> dict[str, int]: ...
    def periods(self, request: str) -> dict[str, str]: ...
    def of_order(self, organisation: str, order_tag: bytes) -> list[Stored]: ...


@dataclass(frozen=True, slots=True)
class Obligations:
    """What obligations are reckoned from; built once by `gateway.wiring`."""

    requests: Requests
    deadlines: Deadlines
    clock: Callable[[], dt.datetime]


def owed(caller: Caller, here: Obligations, limit: int = 1_000) -> dict[str, Any]:
    """What the caller owes, or is owed: how many stand how, and those that are open or were lately."""
    side: Side = "organisation" if caller.kind == "organisation" else "consumer"
    day = uk_day(here.clock())
    found = here.requests.owed(side, caller.party, limit, caller.only)
    round_again = list(_standing(found, day, here))
    counts = Counter(line["standing"] for line in round_again)
    if caller.only is None:
        counts.update(here.requests.totals(side, caller.party, day))
    else:
        counts.update(line["standing"] for line in _asked(found, day))
    lines = [*_asked(found, day), *round_again]
    lines.sort(key=lambda line: (line["due"], line["request"]))
    return {"day": day.isoformat(), "totals": {s: counts[s] for s in STANDINGS}, "owed": lines}


def standing_of(request: Stored, day: dt.date) -> str | None:
    """How a request stands on a day; None for one that nobody owes an answer to."""
    match request.state:
        case State.DRAFTED | State.WITHDRAWN:
            return None
        case State.REFUSED:
            return "refused"
        case State.ANSWERED:
            facts = set(request.record_types) & set(request.covered)
            return "received" if facts else "nil"
    passed = request.due < day.isoformat() and request.stopped is None
    served = request.served_on is not None
    return "late" if request.state in LATE or (passed and served) else "due"


def _asked(found: Iterable[Stored], day: dt.date) -> Iterator[dict[str, Any]]:
    for each in found:
        standing = standing_of(each, day)
        if standing is not None:
            yield {
                "request": each.id,
                "kind": each.kind,
                "organisation": each.organisation,
                "consumer": each.consumer,
                "ground": each.citation,
                "record_types": list(each.record_types),
                "due": each.due,
                "standing": standing,
                "was_late": each.lapsed_on is not None,
                "clock_stopped": each.stopped,
                "ended": each.ended,
            }


def _standing(found: Iterable[Stored], day: dt.date, here: Obligations) -> Iterator[dict[str, Any]]:
    """The schedule of each month for each order that is in force, the last twelve at most."""
    for each in found:
        if each.kind != "deo" or each.served_on is None or each.state is State.WITHDRAWN:
            continue
        ends = _end_of(each, here)
        received = here.requests.periods(each.id)
        for month in _months(dt.date.fromisoformat(each.served_on), min(day, ends or day)):
            rule = here.deadlines.due(_PAY_OVER, month, "england_wales")
            name = f"{month:%Y-%m}"
            late = rule.day < day
            yield {
                "request": each.id,
                "kind": "schedule",
                "organisation": each.organisation,
                "consumer": each.consumer,
                "ground": rule.citation,
                "record_types": ["deduction"],
                "due": rule.day.isoformat(),
                "period": name,
                "standing": "received" if name in received else "late" if late else "due",
                "was_late": received.get(name, "")[:10] > rule.day.isoformat(),
                "clock_stopped": None,
                "ended": received.get(name),
            }


def _end_of(order: Stored, here: Obligations) -> dt.date | None:
    """The day an order was discharged on, as the organisation was told."""
    if order.order_tag is None:
        return None
    for each in here.requests.of_order(order.organisation, order.order_tag):
        if each.kind == "deo_discharged" and each.served_on is not None:
            return dt.date.fromisoformat(each.served_on)
    return None


def _months(first: dt.date, last: dt.date) -> list[dt.date]:
    """The first day of each month from one day to another, the latest twelve."""
    months = []
    month = first.replace(day=1)
    while month <= last:
        months.append(month)
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return months[-_MONTHS_SHOWN:]
