"""Scenarios of tests/scenarios as data: what is shown, on which law, and the steps in order.

The format is told in tests/scenarios/README.md. Who runs the steps, and against what, is not known here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CLOCK = re.compile(r"Clock (\d{4}-\d\d-\d\d \d\d:\d\d)")
_SENDS = re.compile(r"(\w+) sends (\w+)")
_ANSWERS = re.compile(r"(\w+) answers (\w+) with (\w+)")
_BOOK = re.compile(r"Book (\w+)")
_SAYS = re.compile(r"On (\d{4}-\d\d-\d\d) (\w+) says")


class ScenarioError(ValueError):
    """A scenario that does not keep to the format; the message names the file and the line."""


@dataclass(frozen=True)
class Clock:
    """What the gateway's clock says from here on; UTC."""

    at: dt.datetime


@dataclass(frozen=True)
class Sends:
    """An organisation of a class sends this CSV; for a consumer that asked, or unasked."""

    provider_class: str
    record_type: str
    csv: str
    consumer: str | None = None


@dataclass(frozen=True)
class Knows:
    """What a consumer's own systems know, as TOML."""

    consumer: str
    toml: str


@dataclass(frozen=True)
class Says:
    """On a day a consumer says exactly these lines, in any order."""

    consumer: str
    on: dt.date
    lines: tuple[str, ...]


Step = Clock | Sends | Knows | Says


@dataclass(frozen=True)
class Scenario:
    """One rule of the law at one point."""

    title: str
    law: str
    steps: tuple[Step, ...]


def read_scenario(path: Path) -> Scenario:
    """A scenario file; raises ScenarioError."""
    numbered = [
        (number, line.rstrip())
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if not line.lstrip().startswith("#")
    ]
    told = [(number, line) for number, line in numbered if line]
    if len(told) < 2 or not told[1][1].startswith("Law: "):
        raise ScenarioError(f"{path.name}: it begins with what is shown, then with its law")
    return Scenario(
        title=told[0][1],
        law=told[1][1].removeprefix("Law: "),
        steps=tuple(_steps(path.name, told[2:])),
    )


def _steps(name: str, told: list[tuple[int, str]]) -> Iterator[Step]:
    places = [place for place, (_, line) in enumerate(told) if not line.startswith("    ")]
    if told and places[:1] != [0]:
        raise ScenarioError(f"{name}:{told[0][0]}: these lines belong to no step")
    for place, following in zip(places, [*places[1:], len(told)], strict=True):
        number, line = told[place]
        inner = [text.removeprefix("    ") for _, text in told[place + 1 : following]]
        yield _step(f"{name}:{number}", line, inner)


def _step(where: str, line: str, inner: list[str]) -> Step:
    block = "".join(f"{text}\n" for text in inner)
    makers: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Step]]] = [
        (_CLOCK, lambda m: Clock(dt.datetime.fromisoformat(m[1]).replace(tzinfo=dt.UTC))),
        (_SENDS, lambda m: Sends(m[1], m[2], block)),
        (_ANSWERS, lambda m: Sends(m[1], m[3], block, m[2])),
        (_BOOK, lambda m: Knows(m[1], block)),
        (_SAYS, lambda m: Says(m[2], dt.date.fromisoformat(m[1]), tuple(t.strip() for t in inner))),
    ]
    for pattern, made in makers:
        if match := pattern.fullmatch(line):
            return made(match)
    raise ScenarioError(f"{where}: this is no step: {line}")
