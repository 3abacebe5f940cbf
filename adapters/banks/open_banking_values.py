"""Values out of Open Banking members: each is of its type, or a fault of its row.

A member that is missing, null or empty is none. Members that the standard does not have are left
alone, since banks add their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from adapters.banks.elements import as_day
from adapters.banks.faults import Faults
from adapters.banks.sums import currency_of, hundredths, line_of
from gateway.core import identifiers
from gateway.core.groups.group import PENCE_MOST
from gateway.core.groups.person import Where
from gateway.core.identifiers import IdentifierError

_UK_COUNTRIES: Final = frozenset({None, "GB"})


class Money(NamedTuple):
    """An amount in hundredths of its currency; neither where there is a fault."""

    hundredths: int | None
    currency: str | None


def text(given: Mapping[str, Any], name: str, faults: Faults) -> str | None:
    """A text on one line."""
    found = given.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        faults.add(name, "TEXT_NOT_VALID")
        return None
    return line_of(found, name, faults)


def needed(given: Mapping[str, Any], name: str, faults: Faults) -> str | None:
    """As `text`, with a fault where there is none."""
    found = text(given, name, faults)
    if found is None and all(field != name for field, _ in faults.found):
        faults.add(name, "VALUE_MISSING")
    return found


def part(given: Mapping[str, Any], name: str, faults: Faults) -> dict[str, Any]:
    """An object, or an empty one where there is none."""
    found = given.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        faults.add(name, "TYPE_NOT_VALID")
        return {}
    return found


def parts(given: Mapping[str, Any], name: str, faults: Faults) -> list[dict[str, Any]]:
    """A list of objects; one object is a list of one."""
    found = given.get(name)
    if isinstance(found, dict):
        return [found]
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        faults.add(name, "TYPE_NOT_VALID")
        return []
    return found


def day(given: Mapping[str, Any], name: str, faults: Faults) -> dt.date | None:
    """The day of a date and time (RFC 3339), as it is where it was written."""
    sent = text(given, name, faults)
    found = None if sent is None else as_day(sent)
    if sent is not None and found is None:
        faults.add(name, "DATE_NOT_VALID")
    return found


def flag(given: Mapping[str, Any], name: str, faults: Faults) -> bool | None:
    """A JSON true or false."""
    found = given.get(name)
    if found is not None and not isinstance(found, bool):
        faults.add(name, "TYPE_NOT_VALID")
        return None
    return found


def money(given: Mapping[str, Any], faults: Faults, name: str = "Amount") -> Money:
    """An Amount object: a text with decimals, and its currency."""
    found = part(given, name, faults)
    currency = currency_of(text(found, "Currency", faults), "Currency", faults)
    amount = found.get("Amount")
    if amount is not None and not isinstance(amount, str):
        # A JSON number may have been a binary fraction on its way here.
        faults.add(name, "AMOUNT_NOT_VALID")
        return Money(None, currency)
    return Money(hundredths(amount, currency, name, faults), currency)


def signed(amount: int | None, direction: str | None, name: str, faults: Faults) -> int | None:
    """An amount below nought where it is a debit."""
    if amount is None or direction not in {"Credit", "Debit"}:
        if direction not in {"Credit", "Debit"}:
            faults.add(name, "CODE_NOT_KNOWN" if direction else "VALUE_MISSING")
        return None
    assert amount <= PENCE_MOST
    return -amount if direction == "Debit" else amount


def where_of(address: Mapping[str, Any], faults: Faults) -> Where | None:
    """A postal address; a UK postcode in its one form if it has one, else as it was sent."""
    lines = address.get("AddressLine")
    if isinstance(lines, str):
        lines = [lines]
    if lines is not None and (
        not isinstance(lines, list) or not all(isinstance(line, str) for line in lines)
    ):
        faults.add("AddressLine", "TYPE_NOT_VALID")
        lines = None
    street = [text(address, name, faults) for name in ("BuildingNumber", "StreetName")]
    flat = [text(address, name, faults) for name in ("Department", "SubDepartment", "BuildingName")]
    written = [line_of(line, "AddressLine", faults) for line in lines or ()]
    country = text(address, "Country", faults)
    postcode = text(address, "PostCode", faults)
    if postcode is not None and country in _UK_COUNTRIES:
        with suppress(IdentifierError):
            postcode = identifiers.postcode(postcode)
    where = Where(
        kind=text(address, "AddressType", faults),
        lines=tuple(line for line in (*flat, " ".join(filter(None, street)), *written) if line),
        town=text(address, "TownName", faults),
        region=text(address, "CountrySubDivision", faults),
        postcode=postcode,
        country=country,
    )
    return None if where == Where() else where
