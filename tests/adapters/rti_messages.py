"""Real-time-income messages for tests: reading one, and what came of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.government.rti_income import RTI_INCOME
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, RowError
from gateway.core.refusal import Refused
from gateway.core.stages import MemoryBody

ROOT = Path(__file__).parents[2]
CONTEXT = ReadContext(dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
MARK = "MARKED-VALUE-7431"
PAYMENT_1 = {"nationalInsuranceNumber": "AA000001A", "taxablePayInPeriod": 10}


def read(data: bytes) -> list[Item]:
    return list(RTI_INCOME.read(MemoryBody(data), CONTEXT))


def read_json(message: Any) -> list[Item]:
    return read(json.dumps(message).encode())


def one(**members: Any) -> Item:
    (item,) = read_json({"taxYears": [members]})
    return item


def error(item: Item) -> tuple[int, str, str]:
    assert isinstance(item, RowError)
    return item.row, item.field, item.code


def refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        read(data)
    return caught.value
