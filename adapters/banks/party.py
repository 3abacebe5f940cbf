"""Who a party is, where, and how it is reached: from ISO 20022 party elements to our groups.

Identifiers keep the scheme they were sent in, with these exceptions:

| Scheme (Cd or Prtry) | Becomes |
|---|---|
| NINO | `who.nino`, always checked |
| NIDN or SOSE issued by the UK, HMRC or DWP | `who.nino`, always checked |
| NIDN or SOSE without an issuer, in the shape of a National Insurance number | the same |
| CMS | `who.cms_reference`, checked |
| NATI | `who.nationality` |
| a BIC of a body | an identifier in the scheme BIC |

NIDN (national identity number) and SOSE (social security number) are codes of ISO 20022's
external code list for persons; NINO and CMS are ours. Place of birth is not read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from lxml import etree
from msgspec.structs import replace

from adapters.banks.elements import day, find, find_all, text
from adapters.banks.faults import Faults
from gateway.core import identifiers
from gateway.core.groups.person import Contact, Identifier, Where, Who
from gateway.core.hardened_xml import text_of
from gateway.core.identifiers import IdentifierError

UNKNOWN_SCHEME: Final = "unspecified"

_NATIONAL: Final = frozenset({"NIDN", "SOSE"})
_UK_ISSUERS: Final = frozenset({"GB", "GBR", "UK", "HMRC", "DWP"})
_UK_COUNTRIES: Final = frozenset({None, "GB"})


def who_of(party: etree._Element, today: dt.date, faults: Faults) -> Who:
    """Return who a party element names; without OrgId it is taken for a person.

    Faults: those of the identifiers, DATE_NOT_VALID, BIRTH_DATE_IN_FUTURE, HOLDER_UNIDENTIFIED.
    """
    body = find(party, "Id/OrgId")
    if body is None:
        return person(text(party, "Nm"), find(party, "Id/PrvtId"), today, faults)
    bic = text(body, "AnyBIC") or text(body, "BIC")
    sent = [Identifier(scheme="BIC", value=bic)] if bic else []
    sent += [identifier(other) for other in find_all(body, "Othr")]
    return _who(Who(kind="organisation", name=text(party, "Nm")), sent, faults)


def person(
    name: str | None,
    identity: etree._Element | None,
    today: dt.date,
    faults: Faults,
) -> Who:
    """Return a person with this name and this PrvtId element."""
    if identity is None:
        return _who(Who(name=name), [], faults)
    born = day(identity, "DtAndPlcOfBirth/BirthDt", faults)
    if born is not None and born > today:
        faults.add("BirthDt", "BIRTH_DATE_IN_FUTURE")
    sent = [identifier(other) for other in find_all(identity, "Othr")]
    return _who(Who(name=name, date_of_birth=born), sent, faults)


def coded(sent: Identifier, faults: Faults) -> Who:
    """Return somebody of whom nothing but one identifier is known."""
    return _who(Who(), [sent], faults)


def where_of(party: etree._Element) -> Where | None:
    """Return the party's address; its country of residence where the address names no country.

    A postcode in the UK comes in its canonical form if it has one, else as it was sent: an
    address that is only nearly right still helps to find somebody.
    """
    residence = text(party, "CtryOfRes")
    address = find(party, "PstlAdr")
    if address is None:
        return Where(country=residence) if residence else None
    street = " ".join(filter(None, (text(address, "BldgNb"), text(address, "StrtNm"))))
    lines = [text(address, "Dept"), text(address, "SubDept"), street]
    lines += [text_of(line).strip() for line in find_all(address, "AdrLine")]
    country = text(address, "Ctry")
    postcode = text(address, "PstCd")
    if postcode is not None and country in _UK_COUNTRIES:
        with suppress(IdentifierError):
            postcode = identifiers.postcode(postcode)
    return Where(
        kind=text(address, "AdrTp"),
        lines=tuple(line for line in lines if line),
        town=text(address, "TwnNm"),
        region=text(address, "CtrySubDvsn"),
        postcode=postcode,
        country=country or residence,
    )


def contact_of(party: etree._Element) -> Contact | None:
    """Return the party's telephone numbers and e-mail address; a fax number is not one."""
    details = find(party, "CtctDtls")
    if details is None:
        return None
    phones = (text(details, "PhneNb"), text(details, "MobNb"))
    contact = Contact(
        phones=tuple(phone for phone in phones if phone),
        email=text(details, "EmailAdr"),
    )
    return contact if contact.phones or contact.email else None


def identifier(other: etree._Element) -> Identifier:
    """Return what an Othr element identifies by."""
    scheme = text(other, "SchmeNm/Cd") or text(other, "SchmeNm/Prtry") or UNKNOWN_SCHEME
    return Identifier(scheme=scheme, value=text(other, "Id") or "", issuer=text(other, "Issr"))


def _who(who: Who, sent: list[Identifier], faults: Faults) -> Who:
    """Put each identifier where the table above says that it belongs."""
    if who.name is None and not sent:
        faults.add("Nm", "HOLDER_UNIDENTIFIED")
    rest: list[Identifier] = []
    for one in sent:
        if _is_nino(one):
            nino = _checked(identifiers.nino, one, faults)
            if who.nino is not None and nino not in {None, who.nino}:
                faults.add(one.scheme, "NINO_CONTRADICTED")
            who = replace(who, nino=nino or who.nino)
        elif one.scheme == "CMS":
            who = replace(who, cms_reference=_checked(identifiers.cms_reference, one, faults))
        elif one.scheme == "NATI":
            who = replace(who, nationality=one.value)
        else:
            rest.append(one)
    return replace(who, identifiers=tuple(rest))


def _is_nino(sent: Identifier) -> bool:
    if sent.scheme == "NINO":
        return True
    if sent.scheme not in _NATIONAL:
        return False
    if sent.issuer is None:
        return identifiers.looks_like_nino(sent.value)
    return sent.issuer.upper() in _UK_ISSUERS


def _checked(check: Callable[[str], str], sent: Identifier, faults: Faults) -> str | None:
    try:
        return check(sent.value)
    except IdentifierError as error:
        faults.add(sent.scheme, error.code)
        return None
