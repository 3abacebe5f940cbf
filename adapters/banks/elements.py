"""Values out of elements that their schema has already admitted.

Paths are local names parted by '/', without namespaces: in an admitted document every element
belongs to the namespace of its message; '*' is any element. Texts come trimmed; a text of spaces only is none.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from typing import Final

from lxml import etree

from adapters.banks.faults import Faults
from gateway.core.hardened_xml import text_of

# Canonical JSON (RFC 8785) is exact up to here, and so is every reader of a feed.
LARGEST_PENCE: Final = 2**53 - 1

# xs:date and the day of xs:dateTime; either may carry a zone, which a calendar date has not.
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T.*|Z|[+-][0-9]{2}:[0-9]{2})?")


def find(element: etree._Element, path: str) -> etree._Element | None:
    """Return the first element at the path."""
    return element.find(_anywhere(path))


def find_all(element: etree._Element, path: str) -> list[etree._Element]:
    """Return every element at the path."""
    return element.findall(_anywhere(path))


def text(element: etree._Element, path: str) -> str | None:
    """Return the trimmed text at the path, or nothing where there is none."""
    found = element.find(_anywhere(path))
    return None if found is None else text_of(found).strip() or None


def day(element: etree._Element, path: str, faults: Faults) -> dt.date | None:
    """Return the calendar date at the path; its zone or time is dropped."""
    sent = text(element, path)
    if sent is None:
        return None
    found = as_day(sent)
    if found is None:
        faults.add(name_of(path), "DATE_NOT_VALID")
    return found


def as_day(sent: str) -> dt.date | None:
    """Return the day that a text is, or nothing if it is none that a calendar here has."""
    match = _DAY.fullmatch(sent)
    try:
        return dt.date.fromisoformat(match[1]) if match else None
    except ValueError:  # years before 1, which XML Schema allows
        return None


def pence(element: etree._Element, path: str, faults: Faults) -> int | None:
    """Return an amount as an integer number of hundredths, exactly."""
    sent = text(element, path)
    if sent is None:
        return None
    hundredths = Decimal(sent) * 100  # at most 18 digits, so nothing is rounded
    if hundredths != int(hundredths):
        faults.add(name_of(path), "AMOUNT_NOT_WHOLE_PENCE")
    elif hundredths > LARGEST_PENCE:
        faults.add(name_of(path), "AMOUNT_TOO_LARGE")
    else:
        return int(hundredths)
    return None


def period(
    element: etree._Element,
    path: str,
    faults: Faults,
) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and last day of a period, given in dates or in instants."""
    found = find(element, path)
    if found is None:
        return None, None
    start = day(found, "Dt/FrDt", faults) or day(found, "DtTm/FrDtTm", faults)
    end = day(found, "Dt/ToDt", faults) or day(found, "DtTm/ToDtTm", faults)
    if reversed_days(start, end):
        faults.add(name_of(path), "PERIOD_REVERSED")
    return start, end


def reversed_days(first: dt.date | None, last: dt.date | None) -> bool:
    """Tell whether both days are known and the last is before the first."""
    return first is not None and last is not None and last < first


def name_of(path: str) -> str:
    """Return the name of the element that a path leads to."""
    return path.rpartition("/")[2]


@cache
def _anywhere(path: str) -> str:
    return "/".join(name if name == "*" else f"{{*}}{name}" for name in path.split("/"))
