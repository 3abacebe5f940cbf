"""The explicit list of our adapters, and those that outside packages add.

An outside package names its `Adapter` under the entry-point group `cms_gateway.adapters`. It is the
operator who installs it, and so declares it.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Final

from adapters.banks.auth001 import AUTH_001
from adapters.banks.auth002 import AUTH_002
from adapters.banks.camt import CAMT
from adapters.banks.open_banking import OPEN_BANKING
from adapters.employers.fps import FPS
from adapters.employers.schedule_csv import SCHEDULE_CSV
from adapters.employers.schedule_xml import SCHEDULE_XML
from adapters.government.rti_income import RTI_INCOME
from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from adapters.tables.records_xlsx import RECORDS_XLSX
from gateway.core.adapter import Adapter

OURS: Final = (
    AUTH_001,
    AUTH_002,
    SCHEDULE_CSV,
    SCHEDULE_XML,
    RTI_INCOME,
    FPS,
    CAMT,
    OPEN_BANKING,
    RECORDS_CSV,
    RECORDS_JSONL,
    RECORDS_XLSX,
)
GROUP: Final = "cms_gateway.adapters"


@cache
def every_adapter() -> tuple[Adapter, ...]:
    """Ours, then those of outside packages by name; raises ValueError if two share a name."""
    outside = [point.load() for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)]
    found = (*OURS, *outside)
    names = [adapter.name for adapter in found]
    if len(set(names)) != len(names):
        raise ValueError("two adapters have the same name")
    return found


def by_name(name: str) -> Adapter:
    """The adapter of a name; raises KeyError."""
    return {adapter.name: adapter for adapter in every_adapter()}[name]
