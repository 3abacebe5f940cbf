"""Rates, thresholds and days of the law, as dated and cited data (`schemas/rates`).

A line that changes is closed with `until`, the last day it held, and its successor stands below it
with the same code. Nothing here knows what a rate is for.
"""

from __future__ import annotations

import datetime as dt
import itertools
import tomllib
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Literal

import msgspec

from gateway.consumers.proposal import Confidence

Unit = Literal[
    "pence", "pence_a_week", "pence_a_year", "percent", "fraction", "days", "months", "nights",
    "weeks", "day_of_month", "switch", "count",
]  # fmt: skip


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value of the law, or a row of them (as for one, two, three or more children).

    `values` are exact decimals in the unit; a switch is 0 or 1. `in_force` and `until` are the first
    and the last day.
    """

    code: str
    title: str
    unit: Unit
    values: tuple[str, ...]
    citation: str
    confidence: Confidence
    in_force: dt.date
    until: dt.date | None = None
    note: str | None = None

    @property
    def value(self) -> Decimal:
        """The one value of a rate that has one."""
        (only,) = self.values
        return Decimal(only)

    def nth(self, count: int) -> Decimal:
        """The value for `count` of something, from 1; the last is for that many and more."""
        return Decimal(self.values[min(count, len(self.values)) - 1])

    def holds(self, on: dt.date) -> bool:
        """Whether it is the law on a day."""
        return self.in_force <= on and (self.until is None or on <= self.until)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    rate: tuple[Rate, ...]


class NoRateError(LookupError):
    """The tables have no such rate on that day; the message names both."""

    def __init__(self, code: str, on: dt.date) -> None:
        super().__init__(f"there is no {code} on {on}")
        self.code = code
        self.on = on


class Rates:
    """Every rate of some tables, found by code and day; immutable.

    `tables` are the texts of TOML files. Raises ValueError, naming the code, for a value that is no
    decimal, and for two lines of one code that hold on the same day.
    """

    def __init__(self, tables: Iterable[str]) -> None:
        self._by_code: dict[str, list[Rate]] = {}
        for text in tables:
            for rate in msgspec.convert(tomllib.loads(text), _Table).rate:
                _check(rate)
                self._by_code.setdefault(rate.code, []).append(rate)
        for code, lines in self._by_code.items():
            lines.sort(key=lambda rate: rate.in_force)
            for earlier, later in itertools.pairwise(lines):
                if earlier.until is None or earlier.until >= later.in_force:
                    raise ValueError(f"{code}: two lines hold on {later.in_force}")

    def at(self, code: str, on: dt.date) -> Rate:
        """The line of a code that holds on a day; raises NoRateError."""
        for rate in self._by_code.get(code, ()):
            if rate.holds(on):
                return rate
        raise NoRateError(code, on)


def _check(rate: Rate) -> None:
    if not rate.values:
        raise ValueError(f"{rate.code}: it has no value")
    for text in rate.values:
        try:
            finite = Decimal(text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            raise ValueError(f"{rate.code}: {text!r} is not a decimal")
    if rate.until is not None and rate.until < rate.in_force:
        raise ValueError(f"{rate.code}: it ends before it begins")


def installed() -> Rates:
    """The rates as they are installed, from every file in `schemas/rates`."""
    tables = (files("schemas") / "rates").iterdir()
    return Rates([table.read_text("utf-8") for table in tables if table.name.endswith(".toml")])
