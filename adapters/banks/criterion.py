"""What a question was about: one criterion for each account, customer, card or transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from adapters.banks.account import named, servicer_of
from adapters.banks.elements import find, find_all, text
from adapters.banks.faults import Faults
from adapters.banks.party import who_of
from gateway.core.groups.money import Account
from gateway.core.groups.person import Who
from gateway.core.hardened_xml import text_of


class Criterion(NamedTuple):
    """Whom or which account a question was about, which messages it asked for, and its faults."""

    who: Who | None
    account: Account | None
    asked: tuple[str, ...]
    faults: Faults


def criteria(search: etree._Element, today: dt.date) -> Iterator[Criterion]:
    """Yield the criteria of a SchCrit element.

    A card is an account of the kind `card`, a transaction one of the kind `transaction`; for a
    transaction the kinds of request (DTTX, OREC) stand where the messages asked for would.
    """
    faults = Faults()
    account = find(search, "Acct")
    customer = find(search, "CstmrId")
    card = find(search, "PmtInstrm")
    if account is not None:
        yield _of_account(account, today, faults)
    elif customer is not None:
        party = find(customer, "Pty")
        assert party is not None
        asked = _texts(customer, "AuthrtyReq/Tp/MsgNmId")
        yield Criterion(who_of(party, today, faults), None, asked, faults)
    elif card is not None:
        asked = _texts(card, "AuthrtyReqTp/MsgNmId")
        yield Criterion(None, Account(other=text(card, "CardNb"), kind="card"), asked, faults)
    for transaction in find_all(search, "OrgnlTxNb"):
        about = Account(other=text(transaction, "Nb"), kind="transaction")
        yield Criterion(None, about, _texts(transaction, "Tp"), Faults())


def _of_account(criterion: etree._Element, today: dt.date, faults: Faults) -> Criterion:
    account = find(criterion, "Id")
    assert account is not None
    names = named(account, faults)
    owner = find(account, "Ownr")
    servicer = find(account, "Svcr")
    return Criterion(
        None if owner is None else who_of(owner, today, faults),
        Account(
            iban=names.iban,
            sort_code=names.sort_code,
            number=names.number,
            other=names.other,
            servicer=None if servicer is None else servicer_of(servicer),
            name=text(account, "Nm"),
            currency=text(account, "Ccy"),
            kind=text(account, "Tp/Cd") or text(account, "Tp/Prtry"),
        ),
        _texts(criterion, "AuthrtyReqTp/MsgNmId"),
        faults,
    )


def _texts(element: etree._Element, path: str) -> tuple[str, ...]:
    return tuple(text_of(found).strip() for found in find_all(element, path))
