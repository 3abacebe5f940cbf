"""What one statement adds up to, beside what it says of itself.

The totals of TxsSummry have to be those of the entries: of all, or of the booked ones alone, since
banks do both. Whether opening balance and entries make the closing balance is told and not demanded:
statements rightly leave out days, pages and currencies. Amounts are in hundredths.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Final

from lxml import etree

from adapters.banks.camt_entry import Entry
from adapters.banks.elements import find, text
from gateway.core.groups.money import Balance

_COUNT: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_SUM: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,17})?", re.ASCII)
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = "CLBD"
_BOOKED: Final = "BOOK"
_BAD: Final = object()


class _Sums:
    """How many entries went in and out, and how much."""

    def __init__(self) -> None:
        self.count = Counter[str]()
        self.amount = Counter[str]()

    def add(self, amount: int | None) -> None:
        """Add one entry; of one that cannot be read only that it is there."""
        self.count["all"] += 1
        if amount is not None:
            way = "in" if amount >= 0 else "out"
            self.count[way] += 1
            self.amount[way] += abs(amount)


class Totals:
    """One statement's entries, added up as they are read."""

    def __init__(self) -> None:
        self._all, self._booked = _Sums(), _Sums()
        self._currencies: set[str | None] = set()
        self._exact = True
        self._balances: dict[str | None, list[Balance]] = {}
        self.told: dict[str, object] = {}

    def balance(self, found: Balance) -> None:
        """Keep a booked balance, to compare."""
        known = self._balances.setdefault(found.kind, [])
        if len(known) < 2:  # that there are two is enough to know
            known.append(found)

    def entry(self, found: Entry) -> None:
        """Add one entry."""
        self._all.add(found.amount)
        if found.status == _BOOKED:
            self._booked.add(found.amount)
        self._currencies.add(found.currency)
        self._exact = self._exact and found.amount is not None

    def tell(self, summary: etree._Element) -> None:
        """Keep what a TxsSummry says."""
        self.told = _told(summary)

    def agree(self) -> bool:
        """Whether the sums that were told are those of the entries."""
        return any(self._fits(self.told, sums) for sums in (self._all, self._booked))

    def reconciles(self) -> bool:
        """Whether opening balance and booked entries make the closing one, where that can be said."""
        opening = next((self._balances[at] for at in _OPENING if at in self._balances), [])
        closing = self._balances.get(_CLOSING, [])
        if not self._exact or len(opening) != 1 or len(closing) != 1:
            return True
        currencies = self._currencies | {opening[0].currency, closing[0].currency}
        first, last = opening[0].booked_pence, closing[0].booked_pence
        if len(currencies) != 1 or first is None or last is None:
            return True
        return first + self._booked.amount["in"] - self._booked.amount["out"] == last

    def _fits(self, told: dict[str, object], sums: _Sums) -> bool:
        net = sums.amount["in"] - sums.amount["out"]
        own = {
            "count all": sums.count["all"],
            "count in": sums.count["in"],
            "count out": sums.count["out"],
            "sum all": sums.amount["in"] + sums.amount["out"],
            "sum in": sums.amount["in"],
            "sum out": sums.amount["out"],
            "net": net,
        }
        # A row that cannot be read is told of by itself, and sums of several currencies say nothing.
        exact = self._exact and len(self._currencies) <= 1
        return all(
            own[name] == value for name, value in told.items() if exact or name == "count all"
        )


def _told(summary: etree._Element) -> dict[str, object]:
    """What a TxsSummry says, by name; what cannot be read fits nothing."""
    told: dict[str, object] = {}
    for name, path in (("all", "TtlNtries"), ("in", "TtlCdtNtries"), ("out", "TtlDbtNtries")):
        count, amount = text(summary, f"{path}/NbOfNtries"), text(summary, f"{path}/Sum")
        if count is not None:
            told[f"count {name}"] = int(count) if _COUNT.fullmatch(count) else _BAD
        if amount is not None:
            told[f"sum {name}"] = _hundredths(amount)
    # 001.02 and 001.03 have the net sum in TtlNtries itself, later ones in an element of its own.
    for amount_at, way_at in (
        ("TtlNtries/TtlNetNtryAmt", "TtlNtries/CdtDbtInd"),
        ("TtlNtries/TtlNetNtry/Amt", "TtlNtries/TtlNetNtry/CdtDbtInd"),
    ):
        amount, way = text(summary, amount_at), text(summary, way_at)
        if amount is not None and find(summary, way_at) is not None:
            net = _hundredths(amount)
            told["net"] = -net if isinstance(net, Decimal) and way == "DBIT" else net
    return told


def _hundredths(sent: str) -> object:
    return Decimal(sent) * 100 if _SUM.fullmatch(sent) else _BAD
