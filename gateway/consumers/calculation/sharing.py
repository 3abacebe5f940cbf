"""What each receiving parent is paid: divided by children, then less for shared care."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from gateway.consumers.calculation.book import Child
from gateway.consumers.calculation.liability import Liability
from gateway.consumers.calculation.working import WEEKLY, Working
from gateway.consumers.proposal import sterling

_SEVENTHS = 7


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """What Collect and Pay makes of an amount, in pence a week: paid in, and paid out."""

    paid_in: int
    paid_out: int


def shares(found: Liability, children: Sequence[Child], working: Working) -> dict[str, int]:
    """Pence a week for each receiving parent, by name in order."""
    parts = _divided(found.weekly, children, working)
    if found.rate == "flat" and found.by_benefit:
        return _flat_shared(parts, children, working)
    if found.rate not in {"reduced", "basic", "basic_plus"}:
        return parts
    shared = {
        parent: _less_nights(parent, amount, _of(parent, children), working)
        for parent, amount in parts.items()
    }
    least = working.law("shared.least")
    if shared != parts and sum(shared.values()) < least.value:
        working.step(
            "Not less than the least",
            f"Shared care would leave {sterling(sum(shared.values()))} a week.",
            sterling(least.value) + WEEKLY,
            least,
        )
        return _divided(int(least.value), children, working)
    return shared


def fees(amounts: Sequence[int], working: Working) -> Fees | None:
    """What Collect and Pay adds and takes, of each receiving parent's amount; None before its day."""
    payer, receiver = working.switched("fee.payer"), working.switched("fee.receiver")
    if payer is None or receiver is None:
        return None
    total = sum(amounts)
    added = taken = 0
    for amount in amounts:
        how = f"{{}}% of {sterling(amount)}. It is no part of maintenance."
        added += working.worked(
            "Collect and Pay: fee added for the payer",
            how.format(payer.value),
            payer,
            amount * payer.value,
            100,
        )
        taken += working.worked(
            "Collect and Pay: fee taken from the receiver",
            how.format(receiver.value),
            receiver,
            amount * receiver.value,
            100,
        )
    return Fees(paid_in=total + added, paid_out=total - taken)


def band(nights: int, working: Working) -> int:
    """The band of shared care that so many nights are in; 0 for none."""
    return sum(nights >= Decimal(first) for first in working.law("shared.from").values)


def _of(parent: str, children: Sequence[Child]) -> list[Child]:
    return [child for child in children if child.receiving_parent == parent]


def _divided(weekly: int, children: Sequence[Child], working: Working) -> dict[str, int]:
    """An amount by the number of children; not a penny is lost or made."""
    counts = {
        parent: len(_of(parent, children))
        for parent in sorted({child.receiving_parent for child in children})
    }
    if len(counts) == 1:
        return dict.fromkeys(counts, weekly)
    exact = {parent: divmod(weekly * count, len(children)) for parent, count in counts.items()}
    parts = {parent: whole for parent, (whole, _) in exact.items()}
    left = weekly - sum(parts.values())
    for parent in sorted(exact, key=lambda name: (-exact[name][1], name))[:left]:
        parts[parent] += 1
    told = "; ".join(
        f"{parent} {counts[parent]} of {len(children)}: {sterling(amount)}"
        for parent, amount in parts.items()
    )
    working.step(
        "Divided between receiving parents",
        f"{sterling(weekly)} by the number of qualifying children.",
        told,
        working.law("apportionment.by_child"),
    )
    return parts


def _less_nights(parent: str, amount: int, children: Sequence[Child], working: Working) -> int:
    """One receiving parent's amount less the average of the children's sevenths."""
    law, further = working.law("shared.sevenths"), working.law("shared.further")
    bands = [band(child.nights, working) for child in children]
    if not any(bands):
        return amount
    sevenths = sum((law.nth(one) for one in bands if one), Decimal(0))
    over = _SEVENTHS * len(children)
    nights = ", ".join(str(child.nights) for child in children)
    less = working.worked(
        f"Shared care, taken off for {parent}",
        f"{nights} nights a year: {sevenths.normalize():f}/{over} of {sterling(amount)}.",
        law,
        amount * sevenths,
        over,
    )
    left = amount - less
    halves = bands.count(len(law.values))
    if halves:
        left = max(left - halves * int(further.value), 0)
        working.step(
            f"Shared equally, taken off for {parent}",
            f"A further {sterling(further.value)} for each of {halves} in the last band.",
            sterling(halves * further.value) + WEEKLY,
            further,
        )
    return left


def _flat_shared(
    parts: dict[str, int], children: Sequence[Child], working: Working
) -> dict[str, int]:
    law = working.law("shared.flat_nil_from")
    found = {}
    for parent, amount in parts.items():
        most = max(child.nights for child in _of(parent, children))
        found[parent] = 0 if most >= law.value else amount
        if most >= law.value:
            working.step(
                f"Shared care at the flat rate, {parent}",
                f"{most} nights a year, from {law.value} on nothing is payable.",
                sterling(0) + WEEKLY,
                law,
            )
    return found
