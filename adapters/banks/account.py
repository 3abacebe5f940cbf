"""Accounts and safe-deposit boxes: from ISO 20022 elements to our groups.

An account is named by its IBAN, or otherwise. Of a GB IBAN the sort code and the account number
are given beside it. Othr is a UK sort code and account number (fourteen digits, parted or not)
under the schemes of `UK_SCHEMES`; under any other scheme it is kept as it was sent.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, NamedTuple

from lxml import etree

from adapters.banks.elements import as_day, day, find, find_all, name_of, pence, reversed_days, text
from adapters.banks.faults import Faults
from adapters.banks.party import identifier
from gateway.core import identifiers
from gateway.core.groups.money import Account, Balance
from gateway.core.groups.person import Identifier
from gateway.core.hardened_xml import text_of
from gateway.core.identifiers import IdentifierError

# The Open Banking standard's name for it, its short form, and ISO 20022's code for a national
# account number, which other countries use as well.
UK_SCHEMES: Final = frozenset({"UK.OBIE.SortCodeAccountNumber", "SortCodeAccountNumber"})
NATIONAL_SCHEME: Final = "BBAN"

# A GB IBAN's national part has the bank's four letters before the sort code.
_UK_NUMBER: Final = re.compile(r"(?:[A-Z]{4})?([0-9]{6})([0-9]{8})")
_PARTING: Final = str.maketrans("", "", " -")


class Named(NamedTuple):
    """The names that one account goes by."""

    iban: str | None = None
    sort_code: str | None = None
    number: str | None = None
    other: str | None = None


class RoleSpan(NamedTuple):
    """A role in an account or box, and from when to when it was held."""

    role: str | None
    first: dt.date | None
    last: dt.date | None


def named(account: etree._Element, faults: Faults) -> Named:
    """Return what the Id element of an account names it by.

    Faults: IBAN_NOT_VALID, ACCOUNT_NUMBER_NOT_VALID.
    """
    sent = text(account, "Id/IBAN")
    if sent is None:
        return _otherwise(account, faults)
    try:
        iban = identifiers.iban(sent)
    except IdentifierError as error:
        faults.add("IBAN", error.code)
        return Named()
    if not iban.startswith("GB"):
        return Named(iban=iban)
    return Named(iban=iban, sort_code=iban[8:14], number=iban[14:])


def _otherwise(account: etree._Element, faults: Faults) -> Named:
    sent = text(account, "Id/Othr/Id") or ""
    scheme = text(account, "Id/Othr/SchmeNm/Cd") or text(account, "Id/Othr/SchmeNm/Prtry")
    if scheme not in UK_SCHEMES and scheme != NATIONAL_SCHEME:
        return Named(other=sent)
    parts = _UK_NUMBER.fullmatch(sent.translate(_PARTING))
    if parts is not None:
        return Named(sort_code=parts[1], number=parts[2])
    if scheme in UK_SCHEMES:
        faults.add("Othr", "ACCOUNT_NUMBER_NOT_VALID")
    return Named(other=sent)


def account_of(found: etree._Element, servicer: Identifier | None, faults: Faults) -> Account:
    """Return the account of an AcctAndPties element, without any party's role in it.

    The message has no element for the opening date; by the Finnish practice it is the first
    AddtlInf that is a date. Faults: those of its names and dates.
    """
    account = find(found, "Acct")
    assert account is not None
    names = named(account, faults)
    notes = (as_day(text_of(note).strip()) for note in find_all(found, "AddtlInf"))
    opened = next((date for date in notes if date is not None), None)
    closed = day(account, "ClsgDt", faults)
    if reversed_days(opened, closed):
        faults.add("ClsgDt", "CLOSED_BEFORE_OPENED")
    return Account(
        iban=names.iban,
        sort_code=names.sort_code,
        number=names.number,
        other=names.other,
        servicer=servicer,
        name=text(account, "Nm"),
        currency=text(account, "Ccy"),
        status=text(account, "Sts"),
        kind=text(account, "Tp/Cd") or text(account, "Tp/Prtry"),
        opened=opened,
        closed=closed,
    )


def balance_of(account: etree._Element, faults: Faults) -> Balance | None:
    """Return what stands in an account and moves through it, in hundredths of its currency."""
    count = text(account, "MnthlyTxNb")
    balance = Balance(
        currency=text(account, "Ccy"),
        average_pence=pence(account, "AvrgBal", faults),
        monthly_received_pence=pence(account, "MnthlyRcvdVal", faults),
        monthly_paid_pence=pence(account, "MnthlyPmtVal", faults),
        monthly_transactions=int(count) if count else None,
    )
    return None if balance == Balance(currency=balance.currency) else balance


def role_of(role: etree._Element, faults: Faults) -> RoleSpan:
    """Return a party's role: the owner type, then the role in the scheme RLTP, parted by '/'.

    POWN stays POWN, TRUS with RLTP OWNE is TRUS/OWNE, and RLTP OWNE alone is OWNE: neither half
    says everything, and which of them a bank fills with care differs.
    """
    scheme = text(role, "OwnrTp/Prtry/SchmeNm")
    own = text(role, "OwnrTp/Prtry/Id") if scheme in {None, "RLTP"} else None
    words = [word for word in (text(role, "OwnrTp/Tp"), own) if word]
    first, last = span(role, "StartDt", "EndDt", "ROLE_DATES_REVERSED", faults)
    return RoleSpan("/".join(words) or None, first, last)


def span(
    element: etree._Element,
    first_path: str,
    last_path: str,
    code: str,
    faults: Faults,
) -> tuple[dt.date | None, dt.date | None]:
    """Return two days, with a fault of this code where the last is before the first."""
    first, last = day(element, first_path, faults), day(element, last_path, faults)
    if reversed_days(first, last):
        faults.add(name_of(last_path), code)
    return first, last


def servicer_of(institution: etree._Element) -> Identifier | None:
    """Return the institution that keeps the account, by its best identifier, else by its name."""
    bic = text(institution, "FinInstnId/BIC") or text(institution, "FinInstnId/BICFI")
    if bic is not None:
        return Identifier(scheme="BIC", value=bic)
    member = find(institution, "FinInstnId/ClrSysMmbId")
    if member is not None:
        scheme = text(member, "ClrSysId/Cd") or text(member, "ClrSysId/Prtry") or "clearing member"
        return Identifier(scheme=scheme, value=text(member, "MmbId") or "")
    other = find(institution, "FinInstnId/Othr")
    if other is not None:
        return identifier(other)
    name = text(institution, "FinInstnId/Nm")
    return Identifier(scheme="name", value=name) if name else None
