"""Orders and their notices, as requests of their own kind: what they say, and what answers them.

The law of each stands in `schemas/deadlines.toml`; here is only which line of it belongs to which
kind. Amounts are pence.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Meta

from gateway.core.request_item import INFORMATION

Pence = Annotated[int, Meta(ge=0, le=10**12)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]


class DeductionFromEarnings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deduction from earnings order: the normal deduction rate for each pay period.

    SI 1992/1989 regs 8 and 10: the employer takes the one that fits the pay period.
    """

    order: Reference
    start: dt.date
    weekly_pence: Pence
    two_weekly_pence: Pence
    four_weekly_pence: Pence
    monthly_pence: Pence


class RegularDeduction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A regular deduction order: the sum, and the days it is to be taken (SI 1992/1989 reg 25B)."""

    order: Reference
    amount_pence: Pence
    first: dt.date
    every: Literal["week", "month"]
    account: Annotated[str, Meta(max_length=64)] | None = None


class LumpSumDeduction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An interim or final lump sum deduction order: the sum and the account."""

    order: Reference
    amount_pence: Pence
    account: Annotated[str, Meta(min_length=1, max_length=64)]


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """That an order has ended, and from when."""

    order: Reference
    on: dt.date


Terms = DeductionFromEarnings | RegularDeduction | LumpSumDeduction | Ending


class Kind(NamedTuple):
    """A kind of order: who gets it, what answers it, by which deadline, and its notice."""

    provider_classes: frozenset[str]
    record_type: str
    deadline: str
    notice: str
    terms: type[Terms]

    @property
    def to_bank(self) -> bool:
        """Whether the rules on service of Part 3A of SI 1992/1989 hold."""
        return self.provider_classes == _BANK


_EMPLOYER: Final = frozenset({"employer"})
_BANK: Final = frozenset({"deposit_taker"})

ORDERS: Final[dict[str, Kind]] = {
    "deo": Kind(_EMPLOYER, "order_status", "DEO_COMPLY", "deo_served", DeductionFromEarnings),
    "deo_varied": Kind(
        _EMPLOYER, "order_status", "DEO_VARIED", "deo_varied", DeductionFromEarnings
    ),
    "deo_discharged": Kind(_EMPLOYER, "order_status", "DEO_DISCHARGED", "deo_discharged", Ending),
    "rdo": Kind(_BANK, "order_answer", "RDO_REPORT", "rdo_served", RegularDeduction),
    "lsdo_interim": Kind(
        _BANK, "order_answer", "LSDO_REPORT", "lsdo_interim_served", LumpSumDeduction
    ),
    "lsdo_final": Kind(_BANK, "order_answer", "LSDO_REPORT", "lsdo_final_served", LumpSumDeduction),
    "rdo_lapsed": Kind(_BANK, "order_answer", "RDO_LAPSE_REPORT", "order_lapsed", Ending),
    "lsdo_lapsed": Kind(_BANK, "order_answer", "LSDO_LAPSE_REPORT", "order_lapsed", Ending),
}
KINDS: Final = (INFORMATION, *ORDERS)


class Tags(Protocol):
    """Makes look-up tags under a key of our own."""

    def tag(self, purpose: str, *parts: bytes) -> bytes:
        """A tag, the same for the same parts."""


def order_tag(organisation: str, order: str | None, tags: Tags) -> bytes | None:
    """How an order is found by its own reference, which is nowhere in the clear."""
    if order is None:
        return None
    plain = order.replace(" ", "").upper()
    return tags.tag("order", organisation.encode(), plain.encode())


def terms_of(kind: str, raw: object) -> Terms:
    """The terms of an order of a kind; raises msgspec.ValidationError."""
    found: Terms = msgspec.convert(raw, ORDERS[kind].terms)
    return found
