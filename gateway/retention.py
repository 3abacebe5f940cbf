"""THE FADING: what is no longer needed goes, and what it proved stays.

The personal data of a request (whom it was about, what was asked about it, its evidence) is sealed
under a key of its own, and so is each notice; erasing is to destroy that key. The ledger keeps what
happened and when, which says nothing of anybody. How long things are kept is a line of the table of
deadlines for each kind, dated and cited.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from gateway.core.deadlines import Deadlines, uk_day
from gateway.core.limits import REQUESTS_AT_A_TIME
from gateway.core.notice_item import Draft

_REQUEST: Final = "RETAIN_REQUEST"
_NOTICE: Final = "RETAIN_NOTICE"
_CODE: Final = "RETAIN_CODE"
_WARN: Final = "CERTIFICATE_WARN"


class Fading(Protocol):
    """Erases; each is durable on return, and what cannot be erased twice is not."""

    def ended(self, before: dt.date, limit: int) -> list[str]: ...
    def told(self, before: dt.date, limit: int) -> list[str]: ...
    async def erase_requests(self, requests: Sequence[str]) -> None: ...
    async def erase_notices(self, notices: Sequence[str]) -> None: ...
    async def expire(self, now: str, codes_before: dt.date) -> int: ...
    def ending(self, day: dt.date, days: int) -> list[dict[str, Any]]: ...
    async def warned(self, thumbprint: str, days: int, notice: Draft) -> None: ...


async def fade(fading: Fading, deadlines: Deadlines, now: dt.datetime, written: str) -> int:
    """Erase what is due on a day; how many things went."""
    day = uk_day(now)
    count = 0
    while found := fading.ended(deadlines.run_out(_REQUEST, day), REQUESTS_AT_A_TIME):
        await fading.erase_requests(found)
        count += len(found)
    while found := fading.told(deadlines.run_out(_NOTICE, day), REQUESTS_AT_A_TIME):
        await fading.erase_notices(found)
        count += len(found)
    return count + await fading.expire(written, deadlines.run_out(_CODE, day))


async def warn(
    fading: Fading,
    deadlines: Deadlines,
    word: Callable[[str, str, dt.date], Draft],
    now: dt.datetime,
) -> int:
    """Warn whose certificate ends soon, once for each line of the table; how many were warned.

    `word` makes the notice for a party of a certificate's subject, and the day it ends.
    """
    day = uk_day(now)
    count = 0
    warned: set[str] = set()
    for days in sorted(deadlines.days(_WARN, day)):
        for each in fading.ending(day, days):
            if each["thumbprint"] not in warned:  # the nearest line is enough
                notice = word(each["party"], each["subject"], each["ends_on"])
                await fading.warned(each["thumbprint"], days, notice)
                warned.add(each["thumbprint"])
                count += 1
    return count
