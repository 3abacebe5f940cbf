"""Statements written from a few values, and what reading them gives."""

from __future__ import annotations

import datetime as dt
from xml.sax.saxutils import escape

from adapters.banks.camt import CAMT
from gateway.core.adapter import ReadContext
from gateway.core.record import Item, Note, Record, RowError
from gateway.core.stages import MemoryBody

NOW = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)
MARK = "MARKED7431"
SPACE = "urn:iso:std:iso:20022:tech:xsd:"
HEAD = "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"

ACCOUNT = (
    "<Acct><Id><IBAN>GB45EXPL00000000001234</IBAN></Id><Ownr><Nm>Alex Sample</Nm></Ownr></Acct>"
)


def money(hundredths: int) -> str:
    """An amount, without its sign."""
    return f"{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"


def way(hundredths: int) -> str:
    """Which way an amount went."""
    return f"<CdtDbtInd>{'DBIT' if hundredths < 0 else 'CRDT'}</CdtDbtInd>"


def balance(kind: str, hundredths: int, currency: str = "GBP") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{money(hundredths)}</Amt>{way(hundredths)}'
        "<Dt><Dt>2026-09-30</Dt></Dt></Bal>"
    )


def entry(
    hundredths: int, *, status: str = "<Cd>BOOK</Cd>", more: str = "", details: str = ""
) -> str:
    return (
        f'<Ntry><Amt Ccy="GBP">{money(hundredths)}</Amt>{way(hundredths)}<Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-09-12</Dt></BookgDt>{more}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(hundredths: int, **parts: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
    return f'<TxDtls><Amt Ccy="GBP">{money(hundredths)}</Amt>{way(hundredths)}{inner}</TxDtls>'


def summary(count: int, total: int) -> str:
    return f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{money(total)}</Sum></TtlNtries></TxsSummry>"


def statement(
    *parts: str, number: str = "1", account: str = ACCOUNT, ident: str = "S", name: str = "Stmt"
) -> str:
    return (
        f"<{name}><Id>{escape(ident + number)}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb>"
        f"{account}{''.join(parts)}</{name}>"
    )


def document(*statements: str, version: str = "camt.053.001.08") -> str:
    top = "BkToCstmrStmt" if "053" in version else "BkToCstmrAcctRpt"
    return (
        f'<Document xmlns="{SPACE}{version}"><{top}><GrpHdr><MsgId>M</MsgId></GrpHdr>'
        f"{''.join(statements)}</{top}></Document>"
    )


def message(*parts: str) -> str:
    """One statement alone in a Document."""
    return document(statement(*parts))


def wrapped(inner: str, defined: str = "camt.053.001.08", more: str = "") -> str:
    """A Document beside its AppHdr."""
    header = f'<AppHdr xmlns="{HEAD}"><MsgDefIdr>{defined}</MsgDefIdr>{more}</AppHdr>'
    return f'<w xmlns="urn:w">{header}{inner}</w>'


def read(content: str | bytes) -> list[Item]:
    data = content if isinstance(content, bytes) else content.encode()
    return list(CAMT.read(MemoryBody(data), ReadContext(now=NOW)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def told(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.field, item.code) for item in items if isinstance(item, RowError)]


def notes(items: list[Item]) -> list[str]:
    return [item.code for item in items if isinstance(item, Note)]
