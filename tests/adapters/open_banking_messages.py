"""Responses of a bank's Open Banking API, as values to change, and what reading them gives."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from adapters.banks.open_banking import OPEN_BANKING
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Note, Record, RowError
from gateway.core.stages import MemoryBody

NOW = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)
MARK = "MARKED7431"

Json = dict[str, Any]


def amount(pence: int, currency: str = "GBP") -> Json:
    return {"Amount": f"{pence // 100}.{pence % 100:02d}", "Currency": currency}


def account(**changes: Any) -> Json:
    return {
        "AccountId": "A1",
        "Currency": "GBP",
        "AccountSubType": "CurrentAccount",
        "Account": [
            {
                "SchemeName": "UK.OBIE.SortCodeAccountNumber",
                "Identification": "00000000001234",
                "Name": "A Sample",
            }
        ],
    } | changes


def balance(pence: int = 100, **changes: Any) -> Json:
    return {
        "AccountId": "A1",
        "Amount": amount(abs(pence)),
        "CreditDebitIndicator": "Debit" if pence < 0 else "Credit",
        "Type": "InterimBooked",
        "DateTime": "2026-09-30T23:59:59+01:00",
    } | changes


def transaction(pence: int = 100, **changes: Any) -> Json:
    return {
        "AccountId": "A1",
        "TransactionId": "T1",
        "Amount": amount(abs(pence)),
        "CreditDebitIndicator": "Debit" if pence < 0 else "Credit",
        "Status": "Booked",
        "BookingDateTime": "2026-09-12T11:20:00Z",
    } | changes


def party(**changes: Any) -> Json:
    return {
        "PartyId": "P1",
        "Name": "Alex Sample",
        "Relationships": {"Account": {"Related": "/accounts/A1", "Id": "A1"}},
    } | changes


def response(kind: str, *items: Any, **more: Any) -> Json:
    return {"Data": {kind: list(items)}, "Links": {"Self": "/accounts/"}, "Meta": {}} | more


def read(content: object) -> list[Item]:
    """What a body gives: bytes as they are, anything else as JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(OPEN_BANKING.read(MemoryBody(data), ReadContext(now=NOW)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def told(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.field, item.code) for item in items if isinstance(item, RowError)]


def notes(items: list[Item]) -> list[str]:
    return [item.code for item in items if isinstance(item, Note)]
