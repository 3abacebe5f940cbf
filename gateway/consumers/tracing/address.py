"""Which address is the best that is known, and why: points, each with its reason, none hidden.

An address gets the points of its strongest source, more for each further organisation that knows it,
and less the longer nobody has vouched for it. One that its source says was left stays in view, far
behind. Where two are close, none is called the best.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.consumers.proposal import Step
from gateway.consumers.rates import NoRateError, Rate, Rates
from gateway.consumers.tracing.sighting import Sighting

_MONTHS: Final = 12


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """An address with its points, and each step that made them; `sightings` are what knows it."""

    text: str
    points: int
    ended: dt.date | None
    seen: dt.date
    sightings: tuple[Sighting, ...]
    steps: tuple[Step, ...]


def weighed(sightings: Sequence[Sighting], rates: Rates, today: dt.date) -> list[Weighed]:
    """Every address of a person, the strongest first."""
    by_key: dict[str, list[Sighting]] = {}
    for each in sightings:
        if each.kind == "address":
            by_key.setdefault(each.key, []).append(each)
    found = [_weigh(group, rates, today) for group in by_key.values()]
    return sorted(found, key=lambda each: (-each.points, -each.seen.toordinal(), each.text))


def leads(addresses: Sequence[Weighed], rates: Rates, today: dt.date) -> bool:
    """Whether the first of some weighed addresses is current, and far enough ahead of the next."""
    if not addresses or addresses[0].ended is not None:
        return False
    lead = int(rates.at("ADDRESS_LEAD", today).value)
    return len(addresses) == 1 or addresses[0].points - addresses[1].points >= lead


def _weigh(group: list[Sighting], rates: Rates, today: dt.date) -> Weighed:
    last = max(group, key=lambda each: (each.seen, each.seq))
    weights = [(_weight(each, rates, today), each) for each in group]
    rate, strongest = max(weights, key=lambda pair: (pair[0].value, -pair[1].seq))
    steps = [_step(rate, int(rate.value), f"known to {strongest.organisation}")]
    others = sorted({each.organisation for each in group} - {strongest.organisation})
    if others:
        agrees = rates.at("ADDRESS_AGREES", today)
        points = int(agrees.value) * len(others)
        steps.append(_step(agrees, points, f"also known to {', '.join(others)}"))
    age = rates.at("ADDRESS_AGE", today)
    if old := max(0, _months(last.seen, today)) // int(age.value):
        steps.append(_step(age, -old, f"last vouched for on {last.seen}"))
    ended = _ended(group, today)
    for code, holds, how in (
        ("ADDRESS_ENDED", ended is not None, f"left on {ended}"),
        ("ADDRESS_DISPUTED", any(each.disputed for each in group), "disputed by its source"),
        (
            "ADDRESS_BY_NAME",
            all(each.tied == "name" or each.possible for each in group),
            "no number ties it to the person",
        ),
    ):
        if holds:
            taken = rates.at(code, today)
            steps.append(_step(taken, -int(taken.value), how))
    return Weighed(
        text=last.text,
        points=sum(int(step.value) for step in steps),
        ended=ended,
        seen=last.seen,
        sightings=tuple(group),
        steps=tuple(steps),
    )


def _ended(group: list[Sighting], today: dt.date) -> dt.date | None:
    """When an address was left: its latest end, unless somebody vouches for it after that."""
    ends = [each.until for each in group if each.until is not None and each.until < today]
    if not ends:
        return None
    end = max(ends)
    still = any(each.until is None and each.seen > end for each in group)
    return None if still else end


def _weight(sighting: Sighting, rates: Rates, today: dt.date) -> Rate:
    try:
        return rates.at(f"ADDRESS_WEIGHT_{sighting.organisation_class}", today)
    except NoRateError:
        return rates.at("ADDRESS_WEIGHT", today)


def _step(rate: Rate, points: int, how: str) -> Step:
    return Step(
        what=rate.title,
        how=how,
        value=f"{points:+d}",
        citation=rate.citation,
        confidence=rate.confidence,
    )


def _months(first: dt.date, last: dt.date) -> int:
    """Whole months from one day to another."""
    count = (last.year - first.year) * _MONTHS + last.month - first.month
    return count - (last.day < first.day)
