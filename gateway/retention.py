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

from gateway.core import instant
from gateway.core.deadlines import Deadlines, end_of_uk_day, uk_day
from gateway.core.limits import REQUESTS_AT_A_TIME
from gateway.core.notice_item import Draft

_REQUEST: Final = "RETAIN_REQUEST"
_NOTICE: Final = "RETAIN_NOTICE"
_CODE: Final = "RETAIN_CODE"
_WARN: Final = "CERTIFICATE_WARN"


class Fading(Protocol):
    """Erases; each is durable on return, and what cannot be erased twice is not.

    `ended` and `told` find what did so by an instant in its written form. After `scrub` nothing that
    was erased is on the disk.
    """

    def ended(self, by: str, limit: int) -> list[str]: ...
    def told(self, by: str, limit: int) -> list[str]: ...
    async def erase_requests(self, requests: Sequence[str]) -> None: ...
    async def erase_notices(self, notices: Sequence[str]) -> None: ...
    async def expire(self, now: str, codes_before: dt.date) -> int: ...
    async def scrub(self) -> None: ...
    def ending(self, day: dt.date, days: int) -> list[dict[str, Any]]: ...
    async def warned(self, thumbprint: str, days: int, notice: Draft) -> None: ...


async def fade(fading: Fading, deadlines: Deadlines, now: dt.datetime, written: str) -> int:
    """Erase what is due on a day; how many things went."""
    day = uk_day(now)
    count = 0
    by = _by(_REQUEST, deadlines, day)
    while found := fading.ended(by, REQUESTS_AT_A_TIME):
        await fading.erase_requests(found)
        count += len(found)
    by = _by(_NOTICE, deadlines, day)
    while found := fading.told(by, REQUESTS_AT_A_TIME):
        await fading.erase_notices(found)
        count += len(found)
    count += await fading.expire(written, deadlines.run_out(_CODE, day))
    await fading.scrub()  # also where a run before was killed, or found somebody reading
    return count


def _by(code: str, deadlines: Deadlines, day: dt.date) -> str:
    """The last instant of the last day, in London, whose time has run out."""
    return instant.written(end_of_uk_day(deadlines.run_out(code, day)))


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
