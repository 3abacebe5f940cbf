"""What every disclosure group is, and the kinds of value that groups share.

Money is integer pence; dates are calendar dates without a zone; text is as it was sent, trimmed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

# Ten billion pounds: more than any sum that is told of one person or order, and far below what
# canonical JSON holds exactly.
PENCE_MOST: Final = 10**12

Pence = Annotated[int, msgspec.Meta(ge=0, le=PENCE_MOST)]
SignedPence = Annotated[int, msgspec.Meta(ge=-PENCE_MOST, le=PENCE_MOST)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

Frequency = Literal[
    "weekly",
    "fortnightly",
    "four_weekly",
    "monthly",
    "quarterly",
    "half_yearly",
    "annual",
    "one_off",
    "irregular",
]


class Group(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """A disclosure group: members that are always shown, or withheld, together."""
