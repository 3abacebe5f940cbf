"""A question to a bank, written: ISO 20022 head.001.001.01 and auth.001.001.01 in a SOAP envelope.

The envelope has the shape of the published examples, and of what `adapters.banks.message` reads:
an AppHdr and a Document in a wrapper with an `id`, in the Body of a SOAP 1.1 envelope.

| Record type | Message asked for (MsgNmId) | Source |
|---|---|---|
| `account` | supl.027.001.01 | example queries of Finnish Customs, AuthrtyReq/Tp |
| `safe_deposit_box` | fin.002.001.03, and the extension fin.012.001.03 | the same |
| `party` | fin.013.001.04 | the same |
| `balance` | camt.052.001.08 | P: ISO 20022 account report, what stands in the account now |
| `transaction` | camt.053.001.08 | P: ISO 20022 statement, what is booked and will not change |

P is our proposal: the examples ask for neither. Nil returns, refusals and disputes come with any
answer and are never asked for; no other record type can be asked for in this message.

| Of the question | Stands in |
|---|---|
| `id` | BizMsgIdr, and InvstgtnId, which every answer repeats |
| `citation` | Prgrph; one of more than 35 characters only begins there and is whole in Dsclmr |
| `purposes`, `reference` | Dsclmr |
| `account` by IBAN, or by sort code and number | SchCrit/Acct, with the subject as its owner |
| the subject alone | SchCrit/CstmrId; former names in AddtlInf |
| a box by its reference | fin.012, beside the subject |
| `period` | InvstgtnPrd, which the schema demands; without one, the day of issue |

What a text has no room for is refused and never cut. Gender, payroll number and the parts of an
account other than its names have no element and are not sent: `left_out` names them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from lxml import etree

from adapters.banks.account import UK_SCHEMES
from adapters.banks.message import AUTH_001, FIN_012, HEAD, SOAP
from adapters.banks.party import UNKNOWN_SCHEME
from adapters.syntax.one_line import is_line
from gateway.core import identifiers
from gateway.core.groups.money import Account
from gateway.core.groups.person import Identifier, Who
from gateway.core.identifiers import IdentifierError
from gateway.core.question import ANSWERS, NotAskable, Question

WRAPPER: Final = "{urn:cms-gateway:business-message}"
WRAPPER_ID: Final = "message"
AUTHORITY: Final = "Child Maintenance Service"

MESSAGES: Final[dict[str, str]] = {
    "account": "supl.027.001.01",
    "safe_deposit_box": "fin.002.001.03",
    "party": "fin.013.001.04",
    "balance": "camt.052.001.08",
    "transaction": "camt.053.001.08",
}

_OUR_SCHEME: Final = "cms-gateway"
_BOX: Final = "safe_deposit_box"
_SORT_CODE_SCHEME: Final = "UK.OBIE.SortCodeAccountNumber"
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?")
# Characters that is_line lets pass and XML does not (XML 1.0, production 2).
_NOT_XML: Final = re.compile(r"[\ufffe\uffff]")
# The schema demands a place where a date of birth stands; the published examples say this.
_NO_CITY: Final = "not in use"
_NO_COUNTRY: Final = "XX"
# How a citation that goes on in Dsclmr ends in Prgrph.
_GOES_ON: Final = " ..."

_ACCOUNT_SENT: Final = frozenset({"iban", "sort_code", "number", "name", "currency"})

assert _SORT_CODE_SCHEME in UK_SCHEMES


def can_be_asked(record_types: Collection[str]) -> bool:
    """Tell whether a question for these record types can be put into this message."""
    wanted = set(record_types) - ANSWERS
    return bool(wanted) and wanted <= MESSAGES.keys()


def left_out(question: Question) -> tuple[str, ...]:
    """The members of a question that have no element in this message and are not sent."""
    who, account = question.subject, question.account
    named = ("gender", "payroll_number")
    found = [f"subject.{name}" for name in named if getattr(who, name) is not None]
    if account is not None:
        sent = {"kind", "other"} if account.kind == _BOX else _ACCOUNT_SENT
        found += [
            f"account.{name}"
            for name in Account.__struct_fields__
            if name not in sent and getattr(account, name) is not None
        ]
    return tuple(found)


def write(question: Question) -> bytes:
    """Write a question as an unsigned business message in UTF-8; the same for the same question.

    Raises NotAskable, naming the record types that cannot be asked for or the member that does
    not fit.
    """
    _check(question)
    envelope = etree.Element(f"{SOAP}Envelope", nsmap={"soap": SOAP[1:-1]})
    etree.SubElement(envelope, f"{SOAP}Header")
    wrapper = etree.SubElement(
        etree.SubElement(envelope, f"{SOAP}Body"),
        f"{WRAPPER}InformationRequest",
        {"id": WRAPPER_ID},
        nsmap={"msg": WRAPPER[1:-1]},
    )
    _header(question, wrapper)
    _document(question, wrapper)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _check(question: Question) -> None:
    assert question.issued_at.utcoffset() == dt.timedelta(0), "instants are in UTC"
    unknown = sorted(set(question.record_types) - ANSWERS - MESSAGES.keys())
    if unknown or not can_be_asked(question.record_types):
        raise NotAskable(
            "RECORD_TYPE_NOT_ASKABLE",
            *(unknown or ["record_types"]),
            fix=f"An ISO 20022 question can ask for: {', '.join(sorted(MESSAGES))}.",
        )
    if question.order is not None:
        raise NotAskable(
            "ORDER_NOT_ASKABLE",
            "order",
            fix="An ISO 20022 question cannot name a deduction order. Ask in another way.",
        )
    born = question.subject.date_of_birth
    if born is not None and born > question.issued_at.date():
        raise NotAskable("BIRTH_DATE_IN_FUTURE", "subject.date_of_birth", fix="Check the date.")
    if question.period is not None and question.period[1] < question.period[0]:
        raise NotAskable("PERIOD_REVERSED", "period", fix="Give the earlier date first.")


def _header(question: Question, wrapper: etree._Element) -> None:
    header = etree.SubElement(wrapper, f"{HEAD}AppHdr", nsmap={"head": HEAD[1:-1]})
    _put(header, "CharSet", "UTF-8")
    _side(_put(header, "Fr"), AUTHORITY, _OUR_SCHEME)
    organisation = _text(question.organisation, 140, "organisation")
    _side(_put(header, "To"), organisation, organisation if len(organisation) <= 35 else None)
    _put(header, "BizMsgIdr", _text(question.id, 35, "id"))
    _put(header, "MsgDefIdr", "auth.001.001.01")
    issued = question.issued_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    _put(header, "CreDt", issued)


def _side(side: etree._Element, name: str, code: str | None) -> None:
    """Name a side; its id has room for 35 characters, so a longer one is its name alone."""
    party = _put(side, "OrgId")
    _put(party, "Nm", name)
    if code is not None:
        _other(_put(party, "Id/OrgId"), Identifier(scheme=_OUR_SCHEME, value=code), "organisation")


def _document(question: Question, wrapper: etree._Element) -> None:
    document = etree.SubElement(wrapper, f"{AUTH_001}Document", nsmap={"doc": AUTH_001[1:-1]})
    opening = _put(document, "InfReqOpng")
    _put(opening, "InvstgtnId", _text(question.id, 35, "id"))
    _basis(question, _put(opening, "LglMndtBsis"))
    _put(opening, "CnfdtltySts", "true")
    if question.due is not None:
        _put(opening, "DueDt/DueDt", question.due.isoformat())
    day = question.issued_at.date()
    first, last = question.period or (day, day)
    period = _put(opening, "InvstgtnPrd/Dt")
    _put(period, "FrDt", first.isoformat())
    _put(period, "ToDt", last.isoformat())
    asked = [MESSAGES[name] for name in MESSAGES if name in question.record_types]
    search = _put(opening, "SchCrit")
    if question.account is None or question.account.kind == _BOX:
        _customer(_put(search, "CstmrId"), question.subject, asked)
    else:
        _account(_put(search, "Acct"), question.account, question.subject, asked)
    if _BOX in question.record_types:
        _extension(question, _put(opening, "SplmtryData/Envlp"))


def _basis(question: Question, basis: etree._Element) -> None:
    """Cite the power; what Prgrph has no room for stands whole in Dsclmr."""
    citation = _text(question.citation, 350, "citation")
    said = []
    if len(citation) > 35:
        room = 35 - len(_GOES_ON)
        # Whole words, unless the first alone is too long.
        head = citation[: room + 1].rpartition(" ")[0].rstrip() or citation[:room]
        said.append(f"{citation}.")
        _put(basis, "Prgrph", f"{head}{_GOES_ON}")
    else:
        _put(basis, "Prgrph", citation)
    if question.purposes:
        said.append(f"Purposes: {', '.join(question.purposes)}.")
    if question.reference is not None:
        said.append(f"Our reference: {question.reference}.")
    if said:
        _put(basis, "Dsclmr", _text(" ".join(said), 350, "citation, purposes and reference"))


def _customer(criterion: etree._Element, who: Who, asked: list[str]) -> None:
    _party(_put(criterion, "Pty"), who)
    formerly = "; ".join(who.former_names)
    for message in asked:
        request = _put(criterion, "AuthrtyReq")
        _put(request, "Tp/MsgNmId", message)
        _put(request, "InvstgtdRoles/Cd", "ALLP")
        if formerly:
            told = _text(f"Former names: {formerly}", 500, "subject.former_names")
            _put(request, "AddtlInf", told)


def _account(criterion: etree._Element, account: Account, owner: Who, asked: list[str]) -> None:
    about = _put(criterion, "Id")
    for kind, value in _names_of(account):
        if kind == "iban":
            _put(about, "Id/IBAN", value)
        else:
            other = _put(about, "Id/Othr")
            _put(other, "Id", value)
            _put(other, "SchmeNm/Prtry", _SORT_CODE_SCHEME)
    if account.currency is not None:
        if not re.fullmatch(r"[A-Z]{3}", account.currency):
            raise NotAskable("TEXT_NOT_VALID", "account.currency", fix="Give a code such as GBP.")
        _put(about, "Ccy", account.currency)
    if account.name is not None:
        _put(about, "Nm", _text(account.name, 70, "account.name"))
    if owner.former_names:
        raise NotAskable(
            "TEXT_TOO_LONG",
            "subject.former_names",
            fix="A question about an account has no room for them. Leave them out.",
        )
    _party(_put(about, "Ownr"), owner)
    _put(criterion, "InvstgtdPties/Cd", "ALLP")
    for message in asked:
        _put(criterion, "AuthrtyReqTp/MsgNmId", message)


def _names_of(account: Account) -> Iterator[tuple[str, str]]:
    """The one name that an account is asked for by: its IBAN, or sort code and number."""
    sort_code = _checked(identifiers.sort_code, account.sort_code, "account.sort_code")
    number = _checked(identifiers.account_number, account.number, "account.number")
    iban = _checked(identifiers.iban, account.iban, "account.iban")
    if iban is not None:
        own = (iban[8:14], iban[14:]) if iban.startswith("GB") else (sort_code, number)
        if sort_code not in {None, own[0]} or number not in {None, own[1]}:
            raise NotAskable(
                "ACCOUNT_CONTRADICTED",
                "account.iban",
                fix="It is another account than the sort code and number are. Leave one out.",
            )
        yield "iban", iban
    elif sort_code is not None and number is not None:
        yield "number", sort_code + number
    else:
        raise NotAskable(
            "ACCOUNT_NOT_NAMED",
            "account",
            fix="Give its IBAN, or its sort code and number.",
        )


def _extension(question: Question, envelope: etree._Element) -> None:
    """Say who asks, and which box where it is known (fin.012)."""
    document = etree.SubElement(envelope, f"{FIN_012}Document", nsmap={"fin": FIN_012[1:-1]})
    request = _put(document, "InfReqFin012")
    officials = _put(request, "AuthorityInquiry")
    _put(officials, "OfficialId", _text(question.consumer, 140, "consumer"))
    _put(officials, "OfficialSuperiorId", AUTHORITY)
    account = question.account
    if account is not None and account.kind == _BOX:
        box = _text(account.other or "", 140, "account.other")
        _put(request, "AdditionalSearchCriteria/SafetyDepositBoxId", box)


def _party(party: etree._Element, who: Who) -> None:
    """Name a person or a body by its name, date of birth and identifiers."""
    name = who.name or " ".join(filter(None, (who.forenames, who.surname))) or None
    known = list(_identifiers(who))
    if name is None and not known:
        raise NotAskable(
            "SUBJECT_UNIDENTIFIED",
            "subject",
            fix="Give a name or an identifier; a date of birth alone finds nobody.",
        )
    if name is not None:
        _put(party, "Nm", _text(name, 140, "subject.name"))
    if who.kind == "organisation":
        # Even empty: it is what tells a body from a person.
        _body(_put(party, "Id/OrgId"), known)
        return
    if who.date_of_birth is None and not known:
        return
    private = _put(party, "Id/PrvtId")
    if who.date_of_birth is not None:
        birth = _put(private, "DtAndPlcOfBirth")
        _put(birth, "BirthDt", who.date_of_birth.isoformat())
        _put(birth, "CityOfBirth", _NO_CITY)
        _put(birth, "CtryOfBirth", _NO_COUNTRY)
    for one in known:
        _other(private, one, "subject.identifiers")


def _identifiers(who: Who) -> Iterator[Identifier]:
    nino = _checked(identifiers.nino, who.nino, "subject.nino")
    if nino is not None:
        yield Identifier(scheme="NINO", value=nino)
    reference = _checked(identifiers.cms_reference, who.cms_reference, "subject.cms_reference")
    if reference is not None:
        yield Identifier(scheme="CMS", value=reference)
    if who.nationality is not None:
        yield Identifier(scheme="NATI", value=who.nationality)
    yield from who.identifiers


def _body(element: etree._Element, known: list[Identifier]) -> None:
    codes = [one for one in known if one.scheme == "BIC" and _BIC.fullmatch(one.value)][:1]
    for code in codes:
        _put(element, "AnyBIC", code.value)
    for one in known:
        if one not in codes:
            _other(element, one, "subject.identifiers")


def _other(element: etree._Element, one: Identifier, what: str) -> None:
    other = _put(element, "Othr")
    _put(other, "Id", _text(one.value, 35, what))
    if one.scheme != UNKNOWN_SCHEME:
        # NATI alone is a code of ISO 20022 that is sent here; every other scheme is in clear.
        kind = "Cd" if one.scheme == "NATI" else "Prtry"
        _put(other, f"SchmeNm/{kind}", _text(one.scheme, 35, what))
    if one.issuer is not None:
        _put(other, "Issr", _text(one.issuer, 35, what))


def _put(parent: etree._Element, path: str, text: str | None = None) -> etree._Element:
    """Add the elements of a path in the parent's namespace; the last gets the text."""
    namespace = etree.QName(parent).namespace
    for name in path.split("/"):
        parent = etree.SubElement(parent, f"{{{namespace}}}{name}")
    parent.text = text
    return parent


def _text(value: str, most: int, what: str) -> str:
    """A trimmed text that its element has room for; else NotAskable."""
    text = value.strip()
    if not text:
        raise NotAskable("TEXT_MISSING", what, fix="It is empty. Fill it in.")
    if not is_line(text, len(text)) or _NOT_XML.search(text):
        raise NotAskable(
            "TEXT_NOT_VALID",
            what,
            fix="It holds control characters or marks that turn its direction. Take them out.",
        )
    if len(text) > most:
        raise NotAskable(
            "TEXT_TOO_LONG", what, fix=f"The message has room for {most} characters. Shorten it."
        )
    return text


def _checked(check: Callable[[str], str], value: str | None, what: str) -> str | None:
    """An identifier in its canonical form; else NotAskable with its code."""
    if value is None:
        return None
    try:
        return check(value)
    except IdentifierError as error:
        raise NotAskable(error.code, what, fix="It is not valid. Check it.") from None
