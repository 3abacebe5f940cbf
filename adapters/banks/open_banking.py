"""UK Open Banking, account and transaction API v3.1 and v4.0: what a bank's own API answers.

| Resource | Records |
|---|---|
| OBReadAccount | `account`, one for each party that is told of it, or one in the name it is held in |
| OBReadBalance | `balance` |
| OBReadTransaction | `transaction` |
| OBReadParty | `party`, and an `address` for each address after the first |

A row is an item's running number in the body, from 1. The body is read twice, because what an
account is and whose it is may stand behind its transactions. Source: Open Banking Limited,
Read/Write Data API specification.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from adapters.banks.faults import Faults
from adapters.banks.open_banking_body import KINDS, responses
from adapters.banks.open_banking_party import Described, Party, account_of, party_of
from adapters.banks.open_banking_values import day, money, needed, part, parts, signed, text
from adapters.banks.sums import StatementFaults
from gateway.core import identifiers
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.groups.money import Account, Balance, Transaction
from gateway.core.groups.person import Who
from gateway.core.identifiers import IdentifierError
from gateway.core.limits import MIB
from gateway.core.record import Item, Note, Record
from gateway.core.records import (
    AccountRecord,
    Address,
    BalanceRecord,
    PartyRecord,
    TransactionRecord,
)
from gateway.core.refusal import Reason, Refused

# A year of a person's accounts is some thousand transactions of half a kB.
LIMIT_BYTES: Final = 128 * MIB
# Nobody has as many; it bounds what is held while the body is read.
ACCOUNTS_LIMIT: Final = 10_000

_STATUSES: Final[dict[str | None, Any]] = {
    "Booked": "booked",
    "BOOK": "booked",
    "Pending": "pending",
    "PDNG": "pending",
    "FUTR": "pending",
    "Rejected": "rejected",
    "RJCT": "rejected",
}
INFORMATION: Final = "INFO"
_DIRECTIONS: Final[dict[str | None, Any]] = {"Credit": "credit", "Debit": "debit"}
_AVAILABLE: Final = ("Available", "OPAV", "CLAV", "ITAV", "FWAV")
_OVERDRAFTS: Final = frozenset({"Pre-Agreed", "Credit", "Emergency", "Temporary"})

NOT_READ: Final = Note(
    code="RESOURCES_NOT_READ",
    message="The body also holds resources other than accounts, balances, transactions and parties.",
)
LEFT_OUT: Final = Note(
    code="ENTRIES_FOR_INFORMATION",
    message="Transactions that are for information only were left out.",
)
_FIRST: Final = re.compile(rb'[ \t\r\n]*+(?:\[[ \t\r\n]*+)?\{[ \t\r\n]*+"(?:Data|Links|Meta)"')


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Yield the records, row errors and notes.

    Refuses with what `open_banking_body.responses` refuses, and with FILE_RULE too many accounts.
    """
    file = _File(body)
    row = 0
    for response in responses(body):
        if not response.data.keys() <= set(KINDS):
            file.notes.add(NOT_READ)
        for kind in KINDS:
            for item in response.data.get(kind, ()):
                row += 1
                faults = StatementFaults()
                if not isinstance(item, dict):
                    faults.add(kind, "ROW_NOT_OBJECT")
                    yield from faults.errors(row)
                elif kind == "Account":
                    yield from file.account(row, item)
                elif kind == "Party":
                    yield from file.party(row, party_of(item, response.account))
                elif kind == "Balance":
                    yield from file.balance(row, item, faults)
                else:
                    yield from file.transaction(row, item, faults)
    yield from sorted(file.notes, key=lambda note: note.code)


class _File:
    """What the items of a body share: its accounts and whose they are, found beforehand."""

    def __init__(self, body: Body) -> None:
        self.notes: set[Note] = set()
        self._accounts: dict[str, Described] = {}
        self._parties: dict[str, list[Party]] = {}
        self._seen: set[bytes] = set()
        count = 0
        for response in responses(body):
            for item in _objects(response.data, "Account"):
                name = text(item, "AccountId", StatementFaults())
                if name is not None:
                    self._accounts.setdefault(name, account_of(item))
                count += 1
            for item in _objects(response.data, "Party"):
                party = party_of(item, response.account)
                if party.account is not None and not party.faults.found:
                    self._parties.setdefault(party.account, []).append(party)
                count += 1
            if count > ACCOUNTS_LIMIT:
                raise Refused(
                    Reason.FILE_RULE,
                    f"The body has more than {ACCOUNTS_LIMIT} accounts and parties.",
                )

    def account(self, row: int, item: Mapping[str, Any]) -> Iterator[Item]:
        """One record for each party to the account."""
        described = account_of(item)
        name = text(item, "AccountId", StatementFaults())
        faults = StatementFaults(described.faults)
        if name is not None and not self._is_new("Account", name):
            faults.add("AccountId", "ITEM_REPEATED")
        known = self._parties.get(name or "", [])
        records: list[Record] = [
            AccountRecord(
                row=row,
                account=replace(described.account, role=party.role),
                who=party.who,
                where=party.where[0] if party.where else None,
                contact=party.contact,
            )
            for party in known
        ]
        if not known:
            who = None if described.name is None else Who(name=described.name)
            records.append(AccountRecord(row=row, account=described.account, who=who))
        yield from _settled(records, row, faults)

    def party(self, row: int, party: Party) -> Iterator[Item]:
        """The party, and each address after the first."""
        where = party.where[0] if party.where else None
        records: list[Record] = [
            PartyRecord(
                row=row, who=party.who, relation=party.relation, where=where, contact=party.contact
            ),
            *(Address(row=row, who=party.who, where=other) for other in party.where[1:]),
        ]
        yield from _settled(records, row, party.faults)

    def balance(self, row: int, item: Mapping[str, Any], faults: Faults) -> Iterator[Item]:
        """One balance."""
        account, who = self._of(item, faults)
        kind = needed(item, "Type", faults)
        amount = money(item, faults)
        direction = text(item, "CreditDebitIndicator", faults)
        pence = signed(amount.hundredths, direction, "CreditDebitIndicator", faults)
        is_available = kind is not None and kind.endswith(_AVAILABLE)
        balance = Balance(
            currency=amount.currency,
            as_of=day(item, "DateTime", faults),
            kind=kind,
            booked_pence=None if is_available else pence,
            available_pence=pence if is_available else None,
            overdraft_limit_pence=_overdraft(item, faults),
        )
        record = BalanceRecord(row=row, account=account, balance=balance, who=who)
        yield from _settled([record], row, faults)

    def transaction(self, row: int, item: Mapping[str, Any], faults: Faults) -> Iterator[Item]:
        """One transaction, unless it is for information only."""
        account, who = self._of(item, faults)
        status = needed(item, "Status", faults)
        if status == INFORMATION:
            self.notes.add(LEFT_OUT)
            return
        if status is not None and status not in _STATUSES:
            faults.add("Status", "CODE_NOT_KNOWN")
        ident = text(item, "TransactionId", faults)
        name = text(item, "AccountId", StatementFaults())
        if ident is not None and not self._is_new(f"Transaction {name}", ident):
            faults.add("TransactionId", "ITEM_REPEATED")
        amount = money(item, faults)
        direction = text(item, "CreditDebitIndicator", faults)
        signed(amount.hundredths, direction, "CreditDebitIndicator", faults)
        made = _transaction(item, amount.hundredths or 0, direction or "", faults)
        made = replace(
            made,
            reference=ident or made.reference,
            currency=amount.currency,
            status=_STATUSES.get(status),
        )
        record = TransactionRecord(row=row, account=account, transaction=made, who=who)
        yield from _settled([record], row, faults)

    def _of(self, item: Mapping[str, Any], faults: Faults) -> tuple[Account, Who | None]:
        """The account of an item, and whose it is where that is one party alone."""
        name = needed(item, "AccountId", faults)
        described = self._accounts.get(name or "")
        if described is None:
            return Account(other=name), None
        for field, code in described.faults.found:
            faults.add(field, code)
        parties = self._parties.get(name or "", [])
        if len(parties) == 1:
            return described.account, parties[0].who
        return described.account, None if described.name is None else Who(name=described.name)

    def _is_new(self, kind: str, name: str) -> bool:
        """Whether an identifier was not there before; sixteen bytes of each are remembered."""
        digest = hashlib.blake2b(f"{kind} {name}".encode(), digest_size=16).digest()
        before = len(self._seen)
        self._seen.add(digest)
        return len(self._seen) > before


def _objects(data: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (item for item in data.get(kind, ()) if isinstance(item, dict))


def _settled(records: list[Record], row: int, faults: Faults) -> Iterator[Item]:
    """The records of a row without faults, else an error for each fault."""
    yield from faults.errors(row) if faults.found else records


def _overdraft(item: Mapping[str, Any], faults: Faults) -> int | None:
    """The limit of the first overdraft or credit line; what is left of one is no limit."""
    for line in parts(item, "CreditLine", faults):
        if text(line, "Type", faults) in _OVERDRAFTS and line.get("Amount") is not None:
            return money(line, faults).hundredths
    return None


def _transaction(
    item: Mapping[str, Any], hundredths: int, direction: str, faults: Faults
) -> Transaction:
    """What a transaction says beside its amount and status."""
    standard, own = (
        part(item, name, faults)
        for name in ("BankTransactionCode", "ProprietaryBankTransactionCode")
    )
    code = "/".join(filter(None, (text(standard, name, faults) for name in ("Code", "SubCode"))))
    other = part(item, "DebtorAccount" if direction == "Credit" else "CreditorAccount", faults)
    merchant = text(part(item, "MerchantDetails", faults), "MerchantName", faults)
    after = part(item, "Balance", faults)
    balance = None
    if after:
        way = text(after, "CreditDebitIndicator", faults)
        balance = signed(money(after, faults).hundredths, way, "Balance", faults)
    return Transaction(
        reference=text(item, "TransactionReference", faults),
        direction=_DIRECTIONS.get(direction, "credit"),
        amount_pence=hundredths,
        booked_on=day(item, "BookingDateTime", faults),
        value_on=day(item, "ValueDateTime", faults),
        code=code or text(own, "Code", faults),
        description=text(item, "TransactionInformation", faults),
        counterparty=text(other, "Name", faults) or merchant,
        counterparty_account=_identification(other, faults),
        balance_after_pence=balance,
    )


def _identification(account: Mapping[str, Any], faults: Faults) -> str | None:
    """The other's account: an IBAN in its one form if it is one, else as it was sent."""
    sent = text(account, "Identification", faults)
    if sent is None or not (text(account, "SchemeName", faults) or "").endswith("IBAN"):
        return sent
    try:
        return identifiers.iban(sent)
    except IdentifierError:
        return sent


def _recognises(head: bytes) -> bool:
    return _FIRST.match(head) is not None


OPEN_BANKING: Final = Adapter(
    name="open-banking.v3.1-v4.0",
    title="Accounts, balances, transactions and parties (UK Open Banking read API, v3.1 and v4.0)",
    media_types=("application/vnd.cms-gateway.open-banking+json",),
    general_media_types=("application/json",),
    provider_classes=frozenset({"deposit_taker"}),
    record_types=frozenset({"account", "balance", "transaction", "party", "address"}),
    partial=True,
    limit_bytes=LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    mixed=True,
)
