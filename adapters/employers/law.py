"""Codes, limits and days of payment schedules, from `schemas/schedule.toml`."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from gateway.core.records import Frequency


class Period(msgspec.Struct, frozen=True):
    """A pay frequency, and how many days its period may have."""

    name: Frequency
    least_days: int
    most_days: int


class ScheduleLaw(msgspec.Struct, frozen=True):
    """What a schedule is judged by; money in pence."""

    frequencies: dict[str, Period]
    reasons: frozenset[str]
    admin_charge_pence: int
    pay_over_day: int


@cache
def schedule_law() -> ScheduleLaw:
    """The table as it is installed."""
    table: dict[str, Any] = tomllib.loads(
        (files("schemas") / "schedule.toml").read_text(encoding="utf-8"),
    )
    return ScheduleLaw(
        frequencies={
            line["code"]: Period(line["name"], *line["days"]) for line in table["frequency"]
        },
        reasons=frozenset(line["code"] for line in table["reason"]),
        admin_charge_pence=_named(table["limit"], "admin_charge")["pence"],
        pay_over_day=_named(table["day"], "pay_over")["day"],
    )


def _named(lines: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(line for line in lines if line["name"] == name)


def due_to_be_paid(deducted_on: dt.date, day: int) -> dt.date:
    """The day by which a deduction is to be paid over: that day of the month after it."""
    year, month = divmod(deducted_on.year * 12 + deducted_on.month, 12)
    return dt.date(year, month + 1, day)
