"""Accounts and parties of Open Banking: from OBReadAccount and OBReadParty to our groups.

| SchemeName ends with | Account |
|---|---|
| SortCodeAccountNumber | `sort_code` and `number`, from fourteen digits |
| IBAN | `iban`, checked; of a GB one the sort code and number too |
| anything else, and the SecondaryIdentification | `other`, as it was sent |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from adapters.banks.faults import Faults
from adapters.banks.open_banking_values import day, flag, needed, part, parts, text, where_of
from adapters.banks.sums import StatementFaults, currency_of
from gateway.core import identifiers
from gateway.core.groups.money import Account
from gateway.core.groups.person import Contact, Identifier, Relation, Where, Who
from gateway.core.identifiers import IdentifierError

_UK_NUMBER: Final = re.compile(r"([0-9]{6})([0-9]{8})", re.ASCII)
_PARTING: Final = str.maketrans("", "", " -")
_PEOPLE: Final = frozenset({"", "Individual", "Sole", "SoleTrader"})
# What says that a party owns a body rather than the account (OBExternalAccountRole1Code).
_OWNER: Final = "Beneficiary"


class Described(NamedTuple):
    """One item of OBReadAccount: the account, the name it is held in, and what is wrong with it."""

    account: Account
    name: str | None
    faults: Faults


class Party(NamedTuple):
    """One item of OBReadParty; `account` is the account it stands to, if it says so."""

    who: Who
    relation: Relation
    role: str | None
    account: str | None
    where: tuple[Where, ...]
    contact: Contact | None
    faults: Faults


def account_of(given: Mapping[str, Any]) -> Described:
    """Read one account."""
    faults = StatementFaults()
    needed(given, "AccountId", faults)
    names: dict[str, str] = {}
    holder: str | None = None
    for one in parts(given, "Account", faults):
        _identify(one, names, faults)
        holder = holder or text(one, "Name", faults)
    if not names:
        names["other"] = text(given, "AccountId", faults) or ""
    servicer = part(given, "Servicer", faults)
    keeper = text(servicer, "Identification", faults)
    sent = text(given, "Currency", faults)
    opened = day(given, "OpeningDate", faults)
    account = Account(
        iban=names.get("iban"),
        sort_code=names.get("sort_code"),
        number=names.get("number"),
        other=names.get("other"),
        servicer=None
        if keeper is None
        else Identifier(scheme=_scheme(text(servicer, "SchemeName", faults)), value=keeper),
        name=holder or text(given, "Nickname", faults),
        currency=None if sent is None else currency_of(sent, "Currency", faults),
        status=text(given, "Status", faults),
        # In v4.0 AccountTypeCode took the place of AccountSubType.
        kind=text(given, "AccountSubType", faults) or text(given, "AccountTypeCode", faults),
        opened=opened,
    )
    return Described(account, holder, faults)


def _identify(one: Mapping[str, Any], names: dict[str, str], faults: Faults) -> None:
    """Add what one identification names the account by; the first of each kind counts."""
    scheme = text(one, "SchemeName", faults) or ""
    value = needed(one, "Identification", faults)
    roll = text(one, "SecondaryIdentification", faults)
    if roll is not None:
        names.setdefault("other", roll)
    if value is None:
        return
    if scheme.endswith("SortCodeAccountNumber"):
        digits = _UK_NUMBER.fullmatch(value.translate(_PARTING))
        if digits is None:
            faults.add("Identification", "ACCOUNT_NUMBER_NOT_VALID")
            return
        names.setdefault("sort_code", digits[1])
        names.setdefault("number", digits[2])
    elif scheme.endswith("IBAN"):
        try:
            iban = identifiers.iban(value)
        except IdentifierError as error:
            faults.add("Identification", error.code)
            return
        names.setdefault("iban", iban)
        if iban.startswith("GB"):
            names.setdefault("sort_code", iban[8:14])
            names.setdefault("number", iban[14:])
    else:
        names.setdefault("other", value)


def _scheme(sent: str | None) -> str:
    """The scheme of a servicer: BIC, or as it was sent."""
    name = (sent or "unspecified").rpartition(".")[2]
    return "BIC" if name == "BICFI" else name


def party_of(given: Mapping[str, Any], account: str | None) -> Party:
    """Read one party; `account` is the account that the response's own address names."""
    faults = StatementFaults()
    name = text(given, "FullLegalName", faults) or text(given, "Name", faults)
    number = text(given, "PartyNumber", faults) or text(given, "PartyId", faults)
    if name is None and not faults.found:
        faults.add("Name", "HOLDER_UNIDENTIFIED")
    structure = (text(given, "LegalStructure", faults) or "").rpartition(".")[2]
    role = text(given, "AccountRole", faults)
    is_owner = flag(given, "BeneficialOwnership", faults) or (role or "").endswith(_OWNER)
    related = part(part(given, "Relationships", faults), "Account", faults)
    phones = tuple(filter(None, (text(given, at, faults) for at in ("Phone", "Mobile"))))
    email = text(given, "EmailAddress", faults)
    where = (where_of(address, faults) for address in parts(given, "Address", faults))
    return Party(
        who=Who(
            kind="person" if structure in _PEOPLE else "organisation",
            name=name,
            identifiers=(Identifier(scheme="CUST", value=number),) if number else (),
        ),
        relation=Relation(role="beneficial_owner" if is_owner else "customer"),
        role=role,
        account=text(related, "Id", faults) or account,
        where=tuple(one for one in where if one is not None),
        contact=Contact(phones=phones, email=email) if phones or email else None,
        faults=faults,
    )
