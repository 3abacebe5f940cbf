"""Account reports and statements: ISO 20022 camt.052 and camt.053, versions 001.02 to 001.12.

| Element | Record |
|---|---|
| Acct of a Stmt or Rpt | `account`, with its owner |
| Bal | `balance` |
| Ntry, or its TxDtls | `transaction` |

A row is a record's running number in the message, from 1. The message is read as it comes and never
held; so a signature in its header cannot be verified, which a note says. Source: ISO 20022 message
definition reports, Bank-to-Customer Cash Management.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree

from adapters.banks import signature
from adapters.banks.account import named, servicer_of, span
from adapters.banks.camt_entry import INFORMATION, balance_of, entry_of
from adapters.banks.camt_totals import Totals
from adapters.banks.elements import find, text
from adapters.banks.faults import Faults
from adapters.banks.message import SOAP, SOAP_12
from adapters.banks.party import contact_of, where_of, who_of
from adapters.banks.sums import StatementFaults, currency_of, line_of
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.groups.money import Account
from gateway.core.groups.person import Case, Who
from gateway.core.hardened_xml import PROLOG_LIMIT_BYTES, stream
from gateway.core.limits import MIB
from gateway.core.record import Item, Note, RowError
from gateway.core.records import AccountRecord, BalanceRecord, TransactionRecord
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule

# A year of a large company's account has some hundred thousand entries of about 1 kB.
LIMIT_BYTES: Final = 1024 * MIB
# What is remembered of each statement, so that none is counted twice.
STATEMENTS_LIMIT: Final = 100_000

CONTROL_TOTAL_MISMATCH: Final = Rule(
    "CONTROL_TOTAL_MISMATCH",
    "The totals in TxsSummry are not those of the entries.",
    "Check that no entry is missing or there twice, and send the message again.",
)
STATEMENT_REPEATED: Final = Rule(
    "STATEMENT_REPEATED",
    "The same statement of the same account is in the message twice.",
    "Send it once: its entries would be counted twice.",
)
STATEMENTS_TOO_MANY: Final = Rule(
    "STATEMENTS_TOO_MANY",
    f"The message has more than {STATEMENTS_LIMIT} statements.",
    "Send the statements in several messages.",
)

VERSIONS: Final = tuple(f"{number:02d}" for number in range(2, 13))
_NAMES: Final = {"camt.052": ("BkToCstmrAcctRpt", "Rpt"), "camt.053": ("BkToCstmrStmt", "Stmt")}
_DECLARED: Final = re.compile(
    rb"=[ \t\r\n]*[\"']urn:iso:std:iso:20022:tech:xsd:((camt\.05[23])\.001\.([0-9]{2}))[\"']",
)
_HEADER: Final = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:head\.001\.001\.0[1-9]\}AppHdr")
_FALSE: Final = frozenset({"false", "0"})
_IN_STATEMENT: Final = ("Acct", "Bal", "TxsSummry", "Ntry")
_IN_DOCUMENT: Final = ("Document", "GrpHdr", "Rpt", "Stmt", *_IN_STATEMENT)

SIGNATURE_NOT_READ: Final = Note(
    code="SIGNATURE_NOT_READ",
    message="The message is signed; the signature of a statement is not verified here.",
)
PAGED: Final = Note(
    code="STATEMENT_PAGED",
    message="A statement goes on in another message; its totals were not compared.",
)
# What is noted of a message, after how many.
_TOLD: Final = {
    "BALANCES_NOT_RECONCILED": "statements have entries that do not lead from their opening balance "
    "to their closing one.",
    "ENTRIES_NOT_SPLIT": "entries are told as they were booked: their details do not add up to them.",
    "ENTRIES_FOR_INFORMATION": "entries are for information only and were left out.",
}

_KNOWN: Final = re.compile(
    rb"(?:tech:xsd:|<(?:[A-Za-z_][\w.-]*:)?MsgDefIdr>\s*+)camt\.05[23]\.001\.[0-9]{2}(?![0-9])"
)
_OTHERS: Final = (b"auth.001.001.01", b"auth.002.001.01")


def read(body: Body, context: ReadContext) -> Iterator[Item]:
    """Yield the records, row errors and notes; memory does not grow with the body.

    Refuses with what `hardened_xml.stream` refuses, with XML_NOT_VALID another structure or version,
    and with FILE_RULE for what spoils the whole file.
    """
    with body.open() as source:
        version, name = _version_of(source.read(PROLOG_LIMIT_BYTES))
    message = _Message(context, version, name)
    # Of this version alone: what a supplement of another standard holds may have the same names.
    tags = [f"{message.prefix}{name}" for name in _IN_DOCUMENT]
    with body.open() as source:
        for element in stream(source, ["{*}AppHdr", *tags], limit_bytes=LIMIT_BYTES):
            yield from message.take(element)
    yield from message.end()


class _Statement(NamedTuple):
    """What the records of one statement share."""

    element: etree._Element
    account: Account
    who: Who | None
    case: Case
    faults: Faults
    totals: Totals
    is_paged: bool


class _Message:
    """What was seen of one message so far."""

    def __init__(self, context: ReadContext, version: str, name: str) -> None:
        self.prefix = f"{{urn:iso:std:iso:20022:tech:xsd:{version}}}"
        self._version, self._name = version, name
        self._today = context.now.date()
        self._rows = itertools.count(1)
        self._defined: str | None = None
        self._wrapper: etree._Element | None = None
        self._is_signed = False
        self._document: etree._Element | None = None
        self._statement: _Statement | None = None
        self._seen: set[tuple[str | None, ...]] = set()
        self._noted: dict[str, int] = {}

    def take(self, element: etree._Element) -> Iterator[Item]:
        """Take one of the streamed elements, in the order of the message."""
        if _HEADER.fullmatch(element.tag):
            self._take_header(element)
            return
        name = etree.QName(element).localname
        if self._document is None:
            self._begin(element)
        parent = element.getparent()
        if element.tag == f"{self.prefix}Document":
            if element is not self._document:
                raise _structure("there are two Documents")
            return
        top, part = _NAMES[self._name]
        within = {"GrpHdr": top, "Stmt": top, "Rpt": top}.get(name, part)
        placed = parent is not None and parent.tag == self.prefix + within
        if not placed or self._root_of(element) is not self._document:
            raise _structure(f"{name} does not stand in {within} of the Document")
        if name in _IN_STATEMENT:
            yield from self._part(element, name, parent)
        elif name != "GrpHdr":
            self._end_statement(element)

    def end(self) -> Iterator[Item]:
        """Say of the whole message what there is to say."""
        if not self._seen:
            raise _structure("there is no account report or statement with an account")
        yield SIGNATURE_NOT_READ if self._is_signed else signature.ABSENT
        if "paged" in self._noted:
            yield PAGED
        for code, words in _TOLD.items():
            if code in self._noted:
                yield Note(code=code, message=f"{self._noted[code]} {words}")

    def _take_header(self, header: etree._Element) -> None:
        if self._document is not None or self._defined is not None:
            raise _structure("AppHdr does not stand before the Document, or stands there twice")
        self._defined = text(header, "MsgDefIdr") or ""
        self._wrapper = header.getparent()
        self._is_signed = find(header, "Sgntr") is not None

    def _begin(self, element: etree._Element) -> None:
        """Judge where the Document stands, by the first element of it."""
        self._document = document = self._root_of(element)
        if document is None:
            raise _structure("there is no Document around it")
        wrapper = document.getparent()
        if wrapper is self._wrapper:
            if self._defined not in {None, self._version}:
                raise _structure("MsgDefIdr in the AppHdr names another message than the Document")
            outer = None if wrapper is None else wrapper.getparent()
            if outer is None or _is_soap_body(outer):
                return
        raise _structure("the Document stands neither alone nor beside its AppHdr")

    def _root_of(self, element: etree._Element) -> etree._Element | None:
        """The Document that an element stands in, or is."""
        found: etree._Element | None = element
        depth = 0
        while found is not None and found.tag != f"{self.prefix}Document":
            found = found.getparent()
            depth += 1
        return found if depth <= len(("Acct", "Stmt", "BkToCstmrStmt")) else None

    def _part(
        self, element: etree._Element, name: str, parent: etree._Element | None
    ) -> Iterator[Item]:
        statement = self._statement
        if name == "Acct":
            if statement is not None or parent is None:
                raise _structure("Acct stands twice in a statement")
            yield from self._account(element, parent)
        elif statement is None or statement.element is not parent:
            raise _structure(f"{name} stands before the Acct of its statement")
        elif name == "Bal":
            yield from self._balance(element, statement)
        elif name == "TxsSummry":
            if statement.totals.told:
                raise _structure("TxsSummry stands twice in a statement")
            statement.totals.tell(element)
        else:
            yield from self._entry(element, statement)

    def _account(self, element: etree._Element, parent: etree._Element) -> Iterator[Item]:
        faults = StatementFaults()
        names = named(element, faults)
        owner, keeper = find(element, "Ownr"), find(element, "Svcr")
        account = Account(
            iban=names.iban,
            sort_code=names.sort_code,
            number=names.number,
            other=names.other,
            servicer=None if keeper is None else servicer_of(keeper),
            name=line_of(text(element, "Nm"), "Nm", faults),
            currency=text(element, "Ccy") and currency_of(text(element, "Ccy"), "Ccy", faults),
            kind=line_of(text(element, "Tp/Cd") or text(element, "Tp/Prtry"), "Tp", faults),
        )
        if not any(names) and not faults.found:
            faults.add("Id", "VALUE_MISSING")
        line_of(names.other, "Othr", faults)
        line_of(None if owner is None else text(owner, "Nm"), "Nm", faults)
        who = None if owner is None else who_of(owner, self._today, faults)
        pages = "RptPgntn" if self._name == "camt.052" else "StmtPgntn"
        page = text(parent, f"{pages}/PgNb")
        start, end = span(parent, "FrToDt/FrDtTm", "FrToDt/ToDtTm", "PERIOD_REVERSED", faults)
        statement = _Statement(
            element=parent,
            account=account,
            who=who,
            case=Case(
                response=line_of(text(parent, "Id"), "Id", faults),
                period_start=start,
                period_end=end,
            ),
            faults=faults,
            totals=Totals(),
            is_paged=page not in {None, "1"} or text(parent, f"{pages}/LastPgInd") in _FALSE,
        )
        self._count(statement, text(parent, "ElctrncSeqNb"), page)
        self._statement = statement
        yield from faults.settle(
            AccountRecord(
                row=next(self._rows),
                account=account,
                who=who,
                where=None if owner is None else where_of(owner),
                contact=None if owner is None else contact_of(owner),
                case=statement.case,
            ),
        )

    def _count(self, statement: _Statement, sequence: str | None, page: str | None) -> None:
        """Refuse a statement that was there before, by its identification or its number."""
        account = statement.account
        name = account.iban or account.other or f"{account.sort_code}{account.number}"
        known = {("id", name, statement.case.response, page)}
        if sequence is not None:
            known.add(("number", name, sequence, page))
        if known & self._seen:
            raise _refused(STATEMENT_REPEATED, "ElctrncSeqNb")
        self._seen |= known
        if len(self._seen) > 2 * STATEMENTS_LIMIT:
            raise _refused(STATEMENTS_TOO_MANY, _NAMES[self._name][1])

    def _balance(self, element: etree._Element, statement: _Statement) -> Iterator[Item]:
        faults = StatementFaults(statement.faults)
        balance = balance_of(element, faults)
        row = next(self._rows)
        if balance is None or faults.found:
            yield from faults.errors(row)
            return
        statement.totals.balance(balance)
        yield BalanceRecord(
            row=row,
            account=statement.account,
            balance=balance,
            who=statement.who,
            case=statement.case,
        )

    def _entry(self, element: etree._Element, statement: _Statement) -> Iterator[Item]:
        entry = entry_of(element, statement.faults)
        statement.totals.entry(entry)
        if entry.status == INFORMATION:
            self._note("ENTRIES_FOR_INFORMATION")
            return
        if not entry.is_split:
            self._note("ENTRIES_NOT_SPLIT")
        for transaction, faults in entry.rows:
            row = next(self._rows)
            if transaction is None or faults.found:
                yield from faults.errors(row)
                continue
            yield TransactionRecord(
                row=row,
                account=statement.account,
                transaction=transaction,
                who=statement.who,
                case=statement.case,
            )

    def _end_statement(self, element: etree._Element) -> None:
        statement, self._statement = self._statement, None
        if statement is None or statement.element is not element:
            raise _structure("a statement has no Acct")
        if statement.is_paged:
            self._note("paged")
            return
        if not statement.totals.agree():
            raise _refused(CONTROL_TOTAL_MISMATCH, "TxsSummry")
        if self._name == "camt.053" and not statement.totals.reconciles():
            self._note("BALANCES_NOT_RECONCILED")

    def _note(self, code: str) -> None:
        self._noted[code] = self._noted.get(code, 0) + 1


def _version_of(head: bytes) -> tuple[str, str]:
    """The message and its version, as the first declaration of such a namespace has it."""
    found = _DECLARED.search(head)
    if found is None or found[3].decode() not in VERSIONS:
        raise _structure(
            "the Document is not camt.052 or camt.053 in a version from 001.02 to 001.12"
        )
    return found[1].decode(), found[2].decode()


def _is_soap_body(element: etree._Element) -> bool:
    envelope = element.getparent()
    return (
        envelope is not None
        and envelope.getparent() is None
        and (envelope.tag, element.tag)
        in {(f"{soap}Envelope", f"{soap}Body") for soap in (SOAP, SOAP_12)}
    )


def _structure(what: str) -> Refused:
    return Refused(Reason.XML_NOT_VALID, f"{what[0].upper()}{what[1:]}.")


def _refused(rule: Rule, field: str) -> Refused:
    error = RowError(row=0, field=field, code=rule.code, message=rule.message, fix=rule.fix)
    return Refused(Reason.FILE_RULE, f"{rule.code}: {rule.message}", errors=(error,))


def _recognises(head: bytes) -> bool:
    known = _KNOWN.search(head)
    return known is not None and not any(0 <= head.find(other) < known.start() for other in _OTHERS)


CAMT: Final = Adapter(
    name="iso20022.camt.052-053",
    title="Account report or statement (ISO 20022 camt.052 and camt.053, 001.02 to 001.12)",
    media_types=tuple(
        f"application/vnd.iso20022.{name}.001.{version}+xml"
        for name in sorted(_NAMES)
        for version in VERSIONS
    ),
    general_media_types=("application/xml", "text/xml", "application/soap+xml"),
    provider_classes=frozenset({"deposit_taker"}),
    record_types=frozenset({"account", "balance", "transaction"}),
    partial=True,
    limit_bytes=LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    mixed=True,
)
