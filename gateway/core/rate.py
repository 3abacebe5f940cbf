"""How fast one client may ask: a token bucket for each, in bounded memory."""

from __future__ import annotations

import datetime as dt
import math
from collections import OrderedDict
from typing import Final

from gateway.core.refusal import Reason, Refused

_CLIENTS_REMEMBERED: Final = 10_000


class RateLimit:
    """Each client has `per_minute` tokens at most, and gets them back evenly over a minute."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._buckets: OrderedDict[str, tuple[float, dt.datetime]] = OrderedDict()

    def take(self, client: str, now: dt.datetime) -> None:
        """Spend one token; raises Refused(RATE_LIMITED), with the seconds until there is one."""
        left, before = self._buckets.pop(client, (self._most, now))
        # A clock that was set back gives nothing and takes nothing.
        back = max(0.0, (now - before).total_seconds()) * self._per_second
        left = min(self._most, left + back)
        spent = left >= 1.0
        self._buckets[client] = (left - 1.0 if spent else left, now)
        if len(self._buckets) > _CLIENTS_REMEMBERED:
            self._buckets.popitem(last=False)
        if not spent:
            wait = math.ceil((1.0 - left) / self._per_second)
            raise Refused(Reason.RATE_LIMITED, retry_after=max(1, wait))
