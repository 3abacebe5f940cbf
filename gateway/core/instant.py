"""Instants: aware UTC datetimes inside, one written form outside."""

from __future__ import annotations

import datetime as dt

UTC = dt.UTC


def written(instant: dt.datetime) -> str:
    """Write an aware instant as `2026-11-22T21:30:00.123456Z`, always with six digits.

    The fixed width makes the order of texts the order of times.
    """
    text = instant.astimezone(UTC).isoformat(timespec="microseconds")
    return text[:26] + "Z"


def read(text: str) -> dt.datetime:
    """Read the written form back; raises ValueError for any other form."""
    if len(text) != 27 or text[-1] != "Z":
        raise ValueError("an instant is written YYYY-MM-DDTHH:MM:SS.ffffffZ")
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
