"""What in a record cannot be right, whatever it is needed for: ends before beginnings, days to come.

What was sent is not the consumer's to mend: it is told to whoever sent it, who may have meant
something else.
"""

from __future__ import annotations

import datetime as dt

from gateway.client.events import Event

# Pairs of members of a group of which the first cannot be after the second.
_IN_ORDER = {
    "work": (("start_date", "leave_date"),),
    "where": (("since", "until"),),
    "account": (("opened", "closed"), ("role_from", "role_to")),
    "pay": (("period_start", "period_end"),),
    "engagement": (("since", "until"),),
    "investment": (("since", "until"),),
    "statement": (("period_start", "period_end"),),
    "contribution": (("period_start", "period_end"),),
    "benefit": (("since", "until"),),
    "care": (("since", "until"),),
    "custody": (("since", "released"),),
    "supply": (("supplied_from", "supplied_to"),),
}
# Days that were, when the record was sent; a day is spared for clocks that differ.
_PAST = {"who": ("date_of_birth",), "balance": ("as_of",), "custody": ("released",)}
_SPARED = dt.timedelta(days=1)


def implausible(event: Event) -> str | None:
    """The first field that cannot be right, as in work.leave_date; None where all can."""
    latest = (event.recorded_at + _SPARED).date()
    for group, value in sorted(event.groups.items()):
        for first, last in _IN_ORDER.get(group, ()):
            if value.get(first) and value.get(last) and value[first] > value[last]:
                return f"{group}.{last}"
        for name in _PAST.get(group, ()):
            if value.get(name) and dt.date.fromisoformat(value[name]) > latest:
                return f"{group}.{name}"
    return None
