"""The answer of a bank to an information request: ISO 20022 auth.002.001.01 and its extensions.

| Element | Record |
|---|---|
| supl.027 AcctAndPties/Role | `account`, one for each party to each account |
| fin.002 SdBoxAndPties/Role | `safe_deposit_box`, one for each party to each box |
| fin.013 LegalPersonInfo | `party`: the customer, and each beneficial owner |
| disputed DisputedEntityId | `dispute` |
| InvstgtnSts NFOU or NOAP, RspnSts NRES | `nil_return` |

A row is a record's running number in the message, from 1, whether it is accepted or not. A bank
that sent half of what it has says RspnSts PART, and the outcome then notes PARTIAL_RESPONSE.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from lxml import etree
from msgspec.structs import replace

from adapters.banks import message
from adapters.banks.account import account_of, balance_of, role_of, servicer_of, span
from adapters.banks.criterion import criteria
from adapters.banks.elements import find, find_all, period, text
from adapters.banks.faults import Faults
from adapters.banks.party import coded, contact_of, person, where_of, who_of
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.groups.money import Holding
from gateway.core.groups.person import Answer, Case, Identifier, Relation
from gateway.core.record import Item, Note
from gateway.core.records import AccountRecord, Dispute, NilReturn, PartyRecord, SafeDepositBox
from gateway.core.refusal import Reason, Refused

# No person has as many; a message beyond it is a dump of a register, not an answer.
ACCOUNTS_LIMIT: Final = 10_000

_PARTIAL: Final = Note(
    code="PARTIAL_RESPONSE",
    message="The sender says that this is a part of the answer.",
)


class _Frame(NamedTuple):
    """What the records of one message share."""

    case: Case
    today: dt.date
    rows: Iterator[int]
    search: etree._Element


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Yield the notes, records and row errors of an answer.

    Refuses with what `open_message` refuses, and with FILE_RULE where there are too many accounts
    or where the answer says NRES and yet holds a result.
    """
    opened = message.open_message(body, context, message.AUTH_002)
    answer = find(opened.document, "InfReqRspn")
    assert answer is not None
    results = find_all(answer, "RtrInd")
    no_response = text(answer, "RspnSts") == "NRES"
    _check_whole(opened.document, no_response=no_response)
    search = find(answer, "SchCrit")
    assert search is not None
    case = Case(reference=text(answer, "InvstgtnId"), response=text(answer, "RspnId"))
    frame = _Frame(case, context.now.date(), itertools.count(1), search)
    yield from opened.notes
    if text(answer, "RspnSts") == "PART":
        yield _PARTIAL
    if no_response:
        yield from _nil(Answer(code="NRES"), frame, Faults())
    for result in results:
        yield from _result(result, frame)
    for extension in find_all(answer, "SplmtryData/Envlp/*"):
        yield from _extension(extension, "Envlp", frame, Faults())


def _check_whole(document: etree._Element, *, no_response: bool) -> None:
    accounts = document.iter(
        f"{message.SUPL_027}AcctAndPties",
        f"{message.FIN_002}SdBoxAndPties",
        f"{message.FIN_013}LegalPersonInfo",
    )
    if sum(1 for _ in accounts) > ACCOUNTS_LIMIT:
        raise Refused(
            Reason.FILE_RULE,
            f"The answer has more than {ACCOUNTS_LIMIT} accounts, boxes or customers.",
        )
    if no_response and next(document.iter(f"{message.AUTH_002}Rslt"), None) is not None:
        raise Refused(
            Reason.FILE_RULE, "RspnSts says that there is no response, yet there is Rslt."
        )


def _result(result: etree._Element, frame: _Frame) -> Iterator[Item]:
    """Yield what one return indicator holds: a result, or why there is none."""
    faults = Faults()
    start, end = period(result, "RspnPrd", faults)
    frame = frame._replace(case=replace(frame.case, period_start=start, period_end=end))
    extension = find(result, "InvstgtnRslt/Rslt/*")
    if extension is not None:
        yield from _extension(extension, "Rslt", frame, faults)
        return
    status = text(result, "InvstgtnRslt/InvstgtnSts")
    assert status is not None
    if status == "FOUN":
        faults.add("InvstgtnSts", "RESULT_MISSING")
    answer = Answer(
        code=status,
        detail=text(result, "AddtlInf"),
        asked=text(result, "AuthrtyReqTp/MsgNmId"),
    )
    yield from _nil(answer, frame, faults)


def _nil(answer: Answer, frame: _Frame, faults: Faults) -> Iterator[Item]:
    """Yield that nothing is held, about the one account or person that was asked for."""
    asked = list(criteria(frame.search, frame.today))
    about = asked[0] if len(asked) == 1 else None
    if about is not None:
        faults = Faults(about.faults, faults)
    yield from faults.settle(
        NilReturn(
            row=next(frame.rows),
            answer=answer,
            who=about.who if about else None,
            account=about.account if about else None,
            case=frame.case,
        ),
    )


def _extension(
    extension: etree._Element,
    field: str,
    frame: _Frame,
    faults: Faults,
) -> Iterator[Item]:
    """Yield the records of one extension, by its namespace."""
    read_one = _EXTENSIONS.get(message.namespace_of(extension))
    if read_one is None:
        faults.add(field, "EXTENSION_UNKNOWN")
        yield from faults.errors(next(frame.rows))
        return
    own_case = text(extension, "*/InvstgtnId")
    if own_case not in {None, frame.case.reference}:
        faults.add("InvstgtnId", "CASE_MISMATCH")
    yield from read_one(extension, frame, faults)


def _accounts(document: etree._Element, frame: _Frame, shared: Faults) -> Iterator[Item]:
    keeper = find(document, "InfRspnSD1/AcctSvcrId")
    assert keeper is not None
    servicer = servicer_of(keeper)
    for found in find_all(document, "InfRspnSD1/AcctAndPties"):
        of_account = Faults(shared)
        account = account_of(found, servicer, of_account)
        held = find(found, "Acct")
        assert held is not None
        balance = balance_of(held, of_account)
        for role in find_all(found, "Role"):
            faults = Faults(of_account)
            party = find(role, "Pty")
            assert party is not None
            played = role_of(role, faults)
            yield from faults.settle(
                AccountRecord(
                    row=next(frame.rows),
                    account=replace(
                        account,
                        role=played.role,
                        role_from=played.first,
                        role_to=played.last,
                    ),
                    who=who_of(party, frame.today, faults),
                    where=where_of(party),
                    contact=contact_of(party),
                    balance=balance,
                    case=frame.case,
                ),
            )


def _boxes(document: etree._Element, frame: _Frame, shared: Faults) -> Iterator[Item]:
    keeper = find(document, "InfRspnFin002/SvcrId")
    assert keeper is not None
    servicer = servicer_of(keeper)
    for found in find_all(document, "InfRspnFin002/SdBoxAndPties"):
        of_box = Faults(shared)
        box = find(found, "SdBox")
        assert box is not None
        opened, closed = span(box, "OpngDt", "ClsgDt", "CLOSED_BEFORE_OPENED", of_box)
        for role in find_all(found, "Role"):
            faults = Faults(of_box)
            party = find(role, "Pty")
            assert party is not None
            played = role_of(role, faults)
            yield from faults.settle(
                SafeDepositBox(
                    row=next(frame.rows),
                    holding=Holding(
                        kind="safe_deposit_box",
                        reference=text(box, "Id") or "",
                        servicer=servicer,
                        role=played.role,
                        role_from=played.first,
                        role_to=played.last,
                        opened=opened,
                        closed=closed,
                    ),
                    who=who_of(party, frame.today, faults),
                    where=where_of(party),
                    case=frame.case,
                ),
            )


def _parties(document: etree._Element, frame: _Frame, shared: Faults) -> Iterator[Item]:
    for found in find_all(document, "InfRspnFin013/LegalPersonInfo"):
        of_customer = Faults(shared)
        party = find(found, "Id")
        assert party is not None
        customer = who_of(party, frame.today, of_customer)
        known = find(found, "CustomerInfo")
        owners = find_all(found, "Beneficiaries/Id")
        # Without dates and without owners, that it is named at all says it is a customer.
        if known is not None or not owners:
            faults = Faults(of_customer)
            first, last = (
                (None, None)
                if known is None
                else span(known, "OpngDt", "ClsgDt", "CLOSED_BEFORE_OPENED", faults)
            )
            relation = Relation(role="customer", role_from=first, role_to=last)
            yield from faults.settle(
                PartyRecord(row=next(frame.rows), who=customer, relation=relation, case=frame.case),
            )
        for owner in owners:
            faults = Faults(of_customer)
            first, last = span(owner, "StartDt", "EndDt", "ROLE_DATES_REVERSED", faults)
            identity = find(owner, "PrvtId")
            yield from faults.settle(
                PartyRecord(
                    row=next(frame.rows),
                    who=person(text(owner, "Nm"), identity, frame.today, faults),
                    relation=Relation(
                        role="beneficial_owner",
                        body=customer,
                        role_from=first,
                        role_to=last,
                    ),
                    case=frame.case,
                ),
            )


def _disputes(document: etree._Element, frame: _Frame, shared: Faults) -> Iterator[Item]:
    """Yield what is disputed; the institution that holds it stands as the identifier's issuer."""
    for disputed in find_all(document, "Disputed"):
        institution = text(disputed, "FinancialInstitutionId/Id")
        for entity in find_all(disputed, "DisputedEntityId"):
            faults = Faults(shared)
            sent = Identifier(
                scheme=text(entity, "Code") or "",
                value=text(entity, "Id") or "",
                issuer=institution,
            )
            yield from faults.settle(
                Dispute(row=next(frame.rows), who=coded(sent, faults), case=frame.case),
            )


_EXTENSIONS: Final[dict[str, Callable[[etree._Element, _Frame, Faults], Iterator[Item]]]] = {
    message.SUPL_027: _accounts,
    message.FIN_002: _boxes,
    message.FIN_013: _parties,
    message.DISPUTED: _disputes,
}


def _recognises(head: bytes) -> bool:
    return message.recognises(head, "auth.002.001.01", "auth.001.001.01")


AUTH_002: Final = Adapter(
    name="iso20022.auth.002.001.01",
    title="Answer about accounts, safe-deposit boxes and parties (ISO 20022 auth.002.001.01)",
    media_types=("application/vnd.iso20022.auth.002.001.01+xml",),
    general_media_types=("application/xml", "text/xml", "application/soap+xml"),
    provider_classes=frozenset({"deposit_taker"}),
    record_types=frozenset({"account", "safe_deposit_box", "party", "dispute", "nil_return"}),
    partial=True,
    limit_bytes=message.LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    schema="xsd/iso20022/auth.002.001.01.xsd",
)
