"""When to try again what could not be delivered (the schedule that Standard Webhooks suggests)."""

from __future__ import annotations

import datetime as dt
from itertools import accumulate
from typing import Final

# From one try to the next: the last comes three days after the first.
DELAYS: Final = (
    dt.timedelta(seconds=5),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
    dt.timedelta(hours=5),
    dt.timedelta(hours=10),
    dt.timedelta(hours=14),
    dt.timedelta(hours=20),
    dt.timedelta(hours=24),
)

# What failed together should not come back together; a tenth of a delay is spread enough.
JITTER: Final = 0.1

# A broker is ours to run, and is back in seconds or minutes.
_STREAM_SECONDS_MOST: Final = 60

_SINCE_FIRST: Final = tuple(accumulate(DELAYS))


def next_try(attempt: int, first_try_at: dt.datetime, jitter: float) -> dt.datetime | None:
    """When to try again after `attempt` tries; None when it is given up.

    `first_try_at` is an aware instant in UTC. `jitter` is from 0 up to 1, of the caller's chance:
    it puts the try off by up to a tenth of its delay. Each try is later than the one before.
    """
    if attempt < 1 or not 0 <= jitter <= 1:
        raise ValueError("attempt counts from 1, and jitter is from 0 to 1")
    if attempt > len(DELAYS):
        return None
    return first_try_at + _SINCE_FIRST[attempt - 1] + DELAYS[attempt - 1] * (JITTER * jitter)


def next_try_of_stream(attempt: int, now: dt.datetime, jitter: float) -> dt.datetime:
    """When to try a broker again after `attempt` tries: 1, 2, 4 ... 60 seconds, and never given up."""
    if attempt < 1 or not 0 <= jitter <= 1:
        raise ValueError("attempt counts from 1, and jitter is from 0 to 1")
    seconds = min(2 ** min(attempt - 1, 10), _STREAM_SECONDS_MOST)
    return now + dt.timedelta(seconds=seconds * (1 + JITTER * jitter))
