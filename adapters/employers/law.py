"""Codes, limits and days of payment schedules, from `schemas/schedule.toml`, by date."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from gateway.core.groups.group import Frequency


class Span(msgspec.Struct, frozen=True):
    """A pay frequency, and how many days its period may have."""

    name: Frequency
    least_days: int
    most_days: int


class InForce(msgspec.Struct, frozen=True):
    """A number in the law, and the day from which it is that."""

    since: dt.date
    number: int


class ScheduleLaw(msgspec.Struct, frozen=True):
    """What a schedule is judged by; the earliest number of each kind first."""

    frequencies: dict[str, Span]
    reasons: frozenset[str]
    charges: tuple[InForce, ...]
    days: tuple[InForce, ...]

    def charge_limit_pence(self, on: dt.date) -> int:
        """The most an employer may charge for a deduction on that day; 0 before the law allowed it."""
        return _at(self.charges, on) or 0

    def due_to_be_paid(self, deducted_on: dt.date) -> dt.date | None:
        """The day by which a deduction is to be paid over, in the month after it, if the law says."""
        day = _at(self.days, deducted_on)
        year, month = divmod(deducted_on.year * 12 + deducted_on.month, 12)
        if day is None or year > dt.MAXYEAR:
            return None
        return dt.date(year, month + 1, day)


@cache
def schedule_law() -> ScheduleLaw:
    """The table as it is installed."""
    return law_of((files("schemas") / "schedule.toml").read_text(encoding="utf-8"))


def law_of(text: str) -> ScheduleLaw:
    """The law that a table in TOML says."""
    table: dict[str, Any] = tomllib.loads(text)
    return ScheduleLaw(
        frequencies={
            line["code"]: Span(line["name"], *line["days"]) for line in table["frequency"]
        },
        reasons=frozenset(line["code"] for line in table["reason"]),
        charges=_dated(table["limit"], "admin_charge", "pence"),
        days=_dated(table["day"], "pay_over", "day"),
    )


def _dated(lines: list[dict[str, Any]], name: str, member: str) -> tuple[InForce, ...]:
    found = [InForce(line["in_force"], line[member]) for line in lines if line["name"] == name]
    return tuple(sorted(found, key=lambda item: item.since))


def _at(dated: tuple[InForce, ...], on: dt.date) -> int | None:
    return next((item.number for item in reversed(dated) if item.since <= on), None)
