"""Balances and entries of a statement: from camt.052 and camt.053 elements to our groups.

An entry with several transaction details, as a batch has, is one transaction for each of them where
each has an amount in the entry's currency and these add up to the entry's; else it is one
transaction, as it was booked. The counterparty of money that came in is the debtor, of money that
went out the creditor; a reversal goes the other way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from lxml import etree

from adapters.banks.elements import day, find, find_all, text
from adapters.banks.faults import Faults
from adapters.banks.sums import StatementFaults, currency_of, hundredths, line_of
from gateway.core import identifiers
from gateway.core.groups.money import Balance, Transaction
from gateway.core.hardened_xml import text_of
from gateway.core.identifiers import IdentifierError

Direction = Literal["credit", "debit"]
Status = Literal["booked", "pending", "rejected"]

_DIRECTIONS: Final[dict[str | None, Direction]] = {"CRDT": "credit", "DBIT": "debit"}
# INFO says that nothing was or will be booked.
INFORMATION: Final = "INFO"
_STATUSES: Final[dict[str | None, Status]] = {
    "BOOK": "booked",
    "PDNG": "pending",
    "FUTR": "pending",
}
_YES_NO: Final[dict[str | None, bool | None]] = {
    None: None,
    "true": True,
    "1": True,
    "false": False,
    "0": False,
}
# Of the available funds rather than the books: opening, closing, interim and forward.
_AVAILABLE: Final = frozenset({"OPAV", "CLAV", "ITAV", "FWAV"})
# What EndToEndId holds where the payer gave none (ISO 20022 usage, EPC rulebooks).
_NOT_PROVIDED: Final = "NOTPROVIDED"


class Entry(NamedTuple):
    """One Ntry: its transactions or why it is none, and what the totals need to know of it.

    `amount` is in hundredths, signed; nothing where it could not be read.
    """

    rows: tuple[tuple[Transaction | None, Faults], ...]
    amount: int | None
    currency: str | None
    status: str | None
    is_split: bool


def balance_of(found: etree._Element, faults: Faults) -> Balance | None:
    """The balance of a Bal element; nothing, with faults, where it is none."""
    kind = text(found, "Tp/CdOrPrtry/Cd") or text(found, "Tp/CdOrPrtry/Prtry")
    kind = line_of(kind, "Tp", faults)
    amount, currency = _amount(found, "Amt", faults)
    direction = _direction(found, faults)
    on = day(found, "Dt/Dt", faults) or day(found, "Dt/DtTm", faults)
    if faults.found or amount is None:
        return None
    signed = -amount if direction == "debit" else amount
    limit = find(found, "CdtLine/Amt")
    return Balance(
        currency=currency,
        as_of=on,
        kind=kind,
        booked_pence=None if kind in _AVAILABLE else signed,
        available_pence=signed if kind in _AVAILABLE else None,
        overdraft_limit_pence=(None if limit is None else _amount(found, "CdtLine/Amt", faults)[0]),
    )


def entry_of(found: etree._Element, shared: Faults) -> Entry:
    """Read one Ntry; `shared` are the faults of its account."""
    faults = StatementFaults(shared)
    amount, currency = _amount(found, "Amt", faults)
    direction = _direction(found, faults)
    reversal = _reversal(found, faults)
    status = text(found, "Sts/Cd") or text(found, "Sts/Prtry") or text(found, "Sts")
    if status != INFORMATION and status not in _STATUSES:
        faults.add("Sts", "CODE_NOT_KNOWN" if status else "VALUE_MISSING")
    booked, valued = (
        day(found, f"{name}/Dt", faults) or day(found, f"{name}/DtTm", faults)
        for name in ("BookgDt", "ValDt")
    )
    signed = None if amount is None or direction is None else _signed(amount, direction)
    details = find_all(found, "NtryDtls/TxDtls")
    parts = _parts(details, signed, currency, direction) if len(details) > 1 else None
    if faults.found or amount is None or direction is None:
        return Entry(((None, faults),), signed, currency, status, is_split=True)
    whole = Transaction(
        reference=line_of(text(found, "AcctSvcrRef") or text(found, "NtryRef"), "NtryRef", faults),
        direction=direction,
        amount_pence=amount,
        currency=currency,
        booked_on=booked,
        value_on=valued,
        status=_STATUSES.get(status),
        is_reversal=reversal,
        code=line_of(_code(found), "BkTxCd", faults),
        description=line_of(text(found, "AddtlNtryInf"), "AddtlNtryInf", faults),
    )
    if parts is None:
        detail = details[0] if len(details) == 1 else None
        one = whole if detail is None else _detailed(whole, detail, amount, direction, faults)
        return Entry(((one, faults),), signed, currency, status, is_split=len(details) <= 1)
    rows = []
    for detail, (part, way) in zip(details, parts, strict=True):
        of_detail = StatementFaults(faults)
        rows.append((_detailed(whole, detail, part, way, of_detail), of_detail))
    return Entry(tuple(rows), signed, currency, status, is_split=True)


def _parts(
    details: list[etree._Element],
    signed: int | None,
    currency: str | None,
    direction: Direction | None,
) -> list[tuple[int, Direction]] | None:
    """The amount and way of each detail, if they add up to the entry's; else nothing."""
    parts: list[tuple[int, Direction]] = []
    for detail in details:
        path = next(
            (at for at in ("Amt", "AmtDtls/TxAmt/Amt") if find(detail, at) is not None), None
        )
        sent = text(detail, "CdtDbtInd")
        way = direction if sent is None else _DIRECTIONS.get(sent)
        tried = StatementFaults()
        part, of_part = (None, None) if path is None else _amount(detail, path, tried)
        if part is None or way is None or of_part != currency:
            return None
        parts.append((part, way))
    return parts if sum(_signed(part, way) for part, way in parts) == signed else None


def _detailed(
    whole: Transaction, detail: etree._Element, amount: int, direction: Direction, faults: Faults
) -> Transaction:
    """The entry as one of its details tells it."""
    other = "Dbtr" if (direction == "credit") is not (whole.is_reversal is True) else "Cdtr"
    party = f"RltdPties/{other}"
    name = text(detail, f"{party}/Nm") or text(detail, f"{party}/Pty/Nm")
    told = [text_of(one) for one in find_all(detail, "RmtInf/Ustrd")]
    told += [text_of(one) for one in find_all(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
    remitted = line_of(" ".join(told), "RmtInf", faults)
    added = line_of(text(detail, "AddtlTxInf"), "AddtlTxInf", faults)
    return Transaction(
        reference=line_of(next(_references(detail), None), "Refs", faults) or whole.reference,
        direction=direction,
        amount_pence=amount,
        currency=whole.currency,
        booked_on=whole.booked_on,
        value_on=whole.value_on,
        status=whole.status,
        is_reversal=whole.is_reversal,
        code=line_of(_code(detail), "BkTxCd", faults) or whole.code,
        description=remitted or added or whole.description,
        counterparty=line_of(name, "Nm", faults),
        counterparty_account=line_of(_account(detail, f"RltdPties/{other}Acct/Id"), "Id", faults),
    )


def _references(detail: etree._Element) -> Iterator[str]:
    for name in ("AcctSvcrRef", "TxId", "EndToEndId", "InstrId"):
        sent = text(detail, f"Refs/{name}")
        if sent is not None and sent != _NOT_PROVIDED:
            yield sent


def _account(detail: etree._Element, path: str) -> str | None:
    """The other's account: an IBAN in its one form if it is one, else as it was sent."""
    sent = text(detail, f"{path}/IBAN") or text(detail, f"{path}/Othr/Id")
    if sent is not None:
        with suppress(IdentifierError):
            return identifiers.iban(sent)
    return sent


def _code(element: etree._Element) -> str | None:
    """The bank transaction code: domain, family and sub-family parted by '/', or the bank's own."""
    domain = [text(element, f"BkTxCd/Domn/{at}") for at in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")]
    return "/".join(filter(None, domain)) or text(element, "BkTxCd/Prtry/Cd")


def _amount(element: etree._Element, path: str, faults: Faults) -> tuple[int | None, str | None]:
    found = find(element, path)
    if found is None:
        faults.add(path.rpartition("/")[2], "VALUE_MISSING")
        return None, None
    currency = currency_of(found.get("Ccy"), "Ccy", faults)
    return hundredths(text_of(found).strip(), currency, "Amt", faults), currency


def _direction(element: etree._Element, faults: Faults) -> Direction | None:
    sent = text(element, "CdtDbtInd")
    if sent not in _DIRECTIONS:
        faults.add("CdtDbtInd", "CODE_NOT_KNOWN" if sent else "VALUE_MISSING")
        return None
    return _DIRECTIONS[sent]


def _reversal(element: etree._Element, faults: Faults) -> bool | None:
    sent = text(element, "RvslInd")
    if sent not in _YES_NO:
        faults.add("RvslInd", "CODE_NOT_KNOWN")
        return None
    return _YES_NO[sent]


def _signed(amount: int, direction: Direction) -> int:
    return amount if direction == "credit" else -amount
