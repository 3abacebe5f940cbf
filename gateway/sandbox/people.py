"""Made-up people: the same seed and number always give the same person, and nobody real."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Final

_FORENAMES: Final = (
    "Alex", "Blair", "Casey", "Devon", "Ellis", "Frankie", "Gray", "Harper", "Indigo", "Jules",
    "Kit", "Lane", "Marlow", "Noor", "Oakley", "Perry", "Quinn", "Robin", "Sage", "Toby",
)  # fmt: skip
_SURNAMES: Final = (
    "Specimen", "Sample", "Example", "Placeholder", "Fictional", "Imaginary", "Invented", "Notional",
    "Pretend", "Synthetic", "Testcase", "Mockingham", "Fabricated", "Madeup", "Unreal",
)  # fmt: skip
_BORN_FROM: Final = dt.date(1955, 1, 1)
_BORN_DAYS: Final = 50 * 365


def subject(seed: int, number: int) -> dict[str, Any]:
    """A person to ask about: name, date of birth and National Insurance number."""
    chance = int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest())
    chance, forename = divmod(chance, len(_FORENAMES))
    chance, surname = divmod(chance, len(_SURNAMES))
    chance, born = divmod(chance, _BORN_DAYS)
    return {
        "forenames": _FORENAMES[forename],
        "surname": _SURNAMES[surname],
        "date_of_birth": (_BORN_FROM + dt.timedelta(days=born)).isoformat(),
        "nino": f"AA{chance % 1_000_000:06d}{'ABCD'[chance // 1_000_000 % 4]}",
    }
