"""Who takes part in the simulated year: organisations, how they are reached and how they behave.

Everything is drawn from one seed, so that a year can be lived again.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.correspondent import Language
from gateway.core.deadlines import Nation
from gateway.core.duty import Law

# How an organisation is reached, and how many in a hundred are reached so.
CHANNELS: Final = {"api": 55, "sftp": 5, "email": 15, "post": 20, "prefers_post": 5}
# What it does when it is asked, and how many in a hundred do that.
HABITS: Final = {
    "prompt": 62,
    "nil": 12,
    "in_parts": 6,
    "asks_first": 5,
    "late": 8,
    "refuses": 2,
    "silent": 5,
}
CLASSES: Final = ("employer", "deposit_taker", "occupational_pension", "mortgage_lender", "engager")
PURPOSES: Final = {
    "tracing": "IDENTIFY_TRACE",
    "calculation": "DETERMINE_APPLICATION",
    "enforcement": "COLLECT_ENFORCE",
}
NATIONS: Final[tuple[Nation, ...]] = (
    "england_wales",
    "england_wales",
    "england_wales",
    "scotland",
    "northern_ireland",
)
_SURNAMES: Final = ("Specimen", "Sample", "Example", "Fictional", "Invented", "Notional", "Pretend")
_FORENAMES: Final = ("Alex", "Blair", "Casey", "Devon", "Ellis", "Frankie", "Gray", "Harper")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One that is asked."""

    id: str
    provider_class: str
    channel: str
    habit: str
    nation: Nation
    language: Language


def organisations(seed: int, count: int) -> list[Organisation]:
    """So many organisations."""
    chance = random.Random(seed)
    return [
        Organisation(
            id=f"org-{number:05d}",
            provider_class=chance.choice(CLASSES),
            channel=_drawn(chance, CHANNELS),
            habit=_drawn(chance, HABITS),
            nation=chance.choice(NATIONS),
            language="cy" if chance.random() < 0.03 else "en",
        )
        for number in range(count)
    ]


def _drawn(chance: random.Random, shares: dict[str, int]) -> str:
    return chance.choices(tuple(shares), tuple(shares.values()))[0]


def asked(
    chance: random.Random, law: Law, of: Organisation, day: dt.date, consumer: str
) -> dict[str, Any] | None:
    """What a team asks of an organisation on a day, as a line of a file; None if it may ask nothing."""
    may = sorted(law.may_be_asked((of.provider_class,), (PURPOSES[consumer],), day))
    if not may:
        return None
    return {
        "organisation": of.id,
        "purposes": [PURPOSES[consumer]],
        "citation": "SI 2008/2551 reg 4(1)",
        "record_types": sorted(chance.sample(may, min(len(may), chance.randint(1, 2)))),
        "due": (day + dt.timedelta(days=chance.randint(10, 35))).isoformat(),
        "subject": {
            "surname": chance.choice(_SURNAMES),
            "forenames": chance.choice(_FORENAMES),
            "date_of_birth": f"{chance.randint(1960, 2004)}-{chance.randint(1, 12):02d}-11",
            "nino": f"AA{chance.randrange(10**6):06d}{chance.choice('ABCD')}",
        },
    }
