"""Statements with something wrong: rows that are told, and messages that are refused whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.banks.auth002 import AUTH_002
from adapters.banks.camt import CAMT
from adapters.banks.faults import RULES
from adapters.banks.sums import StatementFaults, hundredths
from gateway.core.record import RowError
from gateway.core.refusal import Reason, Refused
from tests.adapters.camt_messages import (
    ACCOUNT,
    MARK,
    balance,
    detail,
    document,
    entry,
    message,
    notes,
    read,
    records,
    statement,
    summary,
    told,
    wrapped,
)
from tests.adapters.damage import overwritten
from tests.adapters.schedule_files import survives
from tests.conftest import SAMPLES

SAMPLE = (SAMPLES / "statement.xml").read_bytes()
GOOD = entry(100, details=detail(100, RmtInf="<Ustrd>x</Ustrd>"))


def refusal(content: str | bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read(content)
    assert MARK not in str(refused.value)
    return refused.value


BAD_ENTRIES = {
    ('"GBP">1.00', '"GBP">1.005'): ("Amt", "AMOUNT_DECIMALS"),
    ('"GBP">1.00', '"JPY">1.50'): ("Amt", "AMOUNT_DECIMALS"),
    ('"GBP">1.00', '"BHD">1.234'): ("Amt", "AMOUNT_DECIMALS"),
    ('"GBP">1.00', '"GBP">-1.00'): ("Amt", "AMOUNT_NOT_VALID"),
    ('"GBP">1.00', '"GBP">1e3'): ("Amt", "AMOUNT_NOT_VALID"),
    ('"GBP">1.00', '"GBP">\u0661'): ("Amt", "AMOUNT_NOT_VALID"),
    ('"GBP">1.00', f'"GBP">{MARK}'): ("Amt", "AMOUNT_NOT_VALID"),
    ('"GBP">1.00', '"GBP">10000000000.01'): ("Amt", "AMOUNT_TOO_LARGE"),
    ('"GBP">1.00', '"GBP">'): ("Amt", "VALUE_MISSING"),
    ('<Amt Ccy="GBP">1.00</Amt>', ""): ("Amt", "VALUE_MISSING"),
    (' Ccy="GBP"', ""): ("Ccy", "VALUE_MISSING"),
    ('"GBP"', '"pounds"'): ("Ccy", "CURRENCY_NOT_VALID"),
    ("<CdtDbtInd>CRDT</CdtDbtInd>", ""): ("CdtDbtInd", "VALUE_MISSING"),
    (">CRDT<", f">{MARK}<"): ("CdtDbtInd", "CODE_NOT_KNOWN"),
    ("<Cd>BOOK</Cd>", f"<Cd>{MARK}</Cd>"): ("Sts", "CODE_NOT_KNOWN"),
    ("<Cd>BOOK</Cd>", ""): ("Sts", "VALUE_MISSING"),
    ("2026-09-12", "2026-02-30"): ("BookgDt", "DATE_NOT_VALID"),
    ("</Sts>", "</Sts><RvslInd>maybe</RvslInd>"): ("RvslInd", "CODE_NOT_KNOWN"),
    ("<Ustrd>x", "<Ustrd>\u202ex"): ("RmtInf", "TEXT_NOT_VALID"),
    ("<Ustrd>x", "<Ustrd>" + "x" * 2_001): ("RmtInf", "TEXT_NOT_VALID"),
}


@pytest.mark.parametrize("change", BAD_ENTRIES)
def test_a_bad_entry_is_told_without_its_value_and_the_others_are_accepted(
    change: tuple[str, str],
) -> None:
    assert change[0] in GOOD
    items = read(message(GOOD, GOOD.replace(*change, 1), GOOD))
    field, code = BAD_ENTRIES[change]
    expected = field if field != "BookgDt" else "Dt"
    assert told(items) == [(3, expected, code)]
    assert [one.row for one in records(items)] == [1, 2, 4]
    assert MARK not in repr([one for one in items if isinstance(one, RowError)])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("GB45", "GB46", ("IBAN", "IBAN_NOT_VALID")),
        ("<Id><IBAN>GB45EXPL00000000001234</IBAN></Id>", "", ("Id", "VALUE_MISSING")),
        ("<Ownr><Nm>Alex Sample</Nm>", "<Ownr>", ("Nm", "HOLDER_UNIDENTIFIED")),
        ("<Ownr>", "<Ccy>£</Ccy><Ownr>", ("Ccy", "CURRENCY_NOT_VALID")),
        ("Alex Sample", "Alex\u2067Sample", ("Nm", "TEXT_NOT_VALID")),
    ],
)
def test_a_bad_account_is_told_of_everything_on_it(
    old: str, new: str, expected: tuple[str, str]
) -> None:
    bad = statement(GOOD, balance("CLBD", 1), account=ACCOUNT.replace(old, new))
    items = read(document(bad, statement(GOOD, number="2")))
    assert told(items) == [(row, *expected) for row in (1, 2, 3)]
    assert [one.row for one in records(items)] == [4, 5]


def test_a_period_that_ends_before_it_begins_is_told() -> None:
    dates = (
        "<FrToDt><FrDtTm>2026-09-02T00:00:00</FrDtTm><ToDtTm>2026-09-01T00:00:00</ToDtTm></FrToDt>"
    )
    assert told(read(document(statement(GOOD, account=dates + ACCOUNT))))[0][1:] == (
        "ToDtTm", "PERIOD_REVERSED",
    )  # fmt: skip


def test_a_uk_account_number_of_thirteen_digits_is_told() -> None:
    uk = "<Id><Othr><Id>0000000000123</Id><SchmeNm><Prtry>SortCodeAccountNumber</Prtry></SchmeNm></Othr></Id>"
    items = read(document(statement(account=f"<Acct>{uk}</Acct>")))
    assert told(items) == [(1, "Othr", "ACCOUNT_NUMBER_NOT_VALID")]


def test_the_rules_of_statements_leave_those_of_answers_alone() -> None:
    assert RULES.items() <= StatementFaults.rules.items()


# --- control totals -----------------------------------------------------------------------------

PENDING = entry(7, status="<Cd>PDNG</Cd>")


@pytest.mark.parametrize(
    ("parts", "agrees"),
    [
        ((summary(2, 140), entry(100), entry(-40)), True),
        ((summary(2, 141), entry(100), entry(-40)), False),
        ((summary(3, 140), entry(100), entry(-40)), False),
        ((summary(2, 107), entry(100), PENDING), True),
        ((summary(1, 100), entry(100), PENDING), True),
        ((summary(0, 0), entry(100)), False),
        ((summary(1, 100).replace(">1<", ">-1<"), entry(100)), False),
        ((summary(1, 100).replace("1.00", "x"), entry(100)), False),
        ((summary(1, 100).replace("1.00", "1.0000"), entry(100)), True),
        ((summary(2, 999), entry(100), entry(1).replace("0.01", "?")), True),
        ((summary(3, 999), entry(100), entry(1).replace("0.01", "?")), False),
        ((summary(2, 999), entry(100), entry(1).replace("GBP", "EUR")), True),
    ],
)
def test_the_totals_are_those_of_all_entries_or_of_the_booked_ones(
    parts: tuple[str, ...], *, agrees: bool
) -> None:
    if agrees:
        assert records(read(message(*parts)))
    else:
        found = refusal(message(*parts))
        assert found.reason is Reason.FILE_RULE
        assert found.detail.startswith("CONTROL_TOTAL_MISMATCH")


@pytest.mark.parametrize(
    "net",
    [
        "<TtlNtries><TtlNetNtryAmt>0.60</TtlNetNtryAmt><CdtDbtInd>{}</CdtDbtInd></TtlNtries>",
        "<TtlNtries><TtlNetNtry><Amt>0.60</Amt><CdtDbtInd>{}</CdtDbtInd></TtlNetNtry></TtlNtries>",
    ],
)
def test_the_net_total_has_a_sign(net: str) -> None:
    def of(sign: str) -> str:
        return message(f"<TxsSummry>{net.format(sign)}</TxsSummry>", entry(40), entry(-100))

    assert records(read(of("DBIT")))
    assert refusal(of("CRDT")).reason is Reason.FILE_RULE


def test_a_statement_on_several_pages_is_not_added_up() -> None:
    pages = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    items = read(document(statement(summary(9, 9), entry(1), account=pages + ACCOUNT)))
    assert notes(items) == ["SIGNATURE_ABSENT", "STATEMENT_PAGED"]


def test_a_statement_that_is_there_twice_is_refused() -> None:
    one = statement(entry(1))
    for again in (one, one.replace("<Id>S1", "<Id>T1"), one.replace("Nb>1<", "Nb>2<")):
        assert refusal(document(one, again)).detail.startswith("STATEMENT_REPEATED")
    assert records(read(document(one, statement(entry(1), number="2"))))
    other = ACCOUNT.replace("<IBAN>GB45EXPL00000000001234</IBAN>", "<Othr><Id>7</Id></Othr>")
    assert records(read(document(one, statement(entry(1), account=other))))


# --- structure ----------------------------------------------------------------------------------

PLAIN = message(GOOD)


@pytest.mark.parametrize(
    "content",
    [
        message(GOOD).replace("camt.053.001.08", "camt.053.001.13"),
        message(GOOD).replace("camt.053.001.08", "camt.053.001.01"),
        message(GOOD).replace("camt.053.001.08", "camt.054.001.08"),
        message(GOOD).replace("BkToCstmrStmt", "BkToCstmrAcctRpt"),
        document(statement(GOOD, name="Rpt")),
        document(),
        document(statement(account="")),
        document(statement(GOOD, account="")),
        document(statement(ACCOUNT)),
        document(statement(GOOD).replace(ACCOUNT, "") .replace("</Stmt>", f"{ACCOUNT}</Stmt>")),
        message(summary(1, 100), summary(1, 100), entry(100)),
        message(f"<x>{GOOD}</x>"),
        f"<x>{PLAIN}</x>",
        wrapped(PLAIN, defined="camt.053.001.09"),
        wrapped(PLAIN + PLAIN),
        wrapped(f"<y>{PLAIN}</y>"),
        f"<z>{wrapped(PLAIN)}</z>",
        wrapped(PLAIN).replace("</AppHdr>", "</AppHdr><AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'/>"),
        "<Document xmlns='urn:x'/>",
    ],
)  # fmt: skip
def test_another_structure_or_version_is_refused_whole(content: str) -> None:
    assert refusal(content).reason is Reason.XML_NOT_VALID


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PLAIN[:-3], Reason.XML_NOT_WELL_FORMED),
        ("<!DOCTYPE x>" + PLAIN, Reason.XML_FORBIDDEN),
        (PLAIN.replace("Alex", "&x;"), Reason.XML_NOT_WELL_FORMED),
        (PLAIN.replace("Alex", "\x00"), Reason.XML_NOT_WELL_FORMED),
        (message("<d>" * 300 + "</d>" * 300), Reason.XML_NOT_WELL_FORMED),
        (message(entry(1, more="<d>" + "y" * 2_000_000 + "</d>")), Reason.XML_NOT_VALID),
    ],
)
def test_what_is_dangerous_or_too_large_is_refused(content: str, reason: Reason) -> None:
    assert refusal(content).reason is reason


# --- told apart ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (PLAIN, True),
        (wrapped(PLAIN), True),
        (PLAIN.replace("camt.053", "camt.054"), False),
        ((SAMPLES / "bank-answer.xml").read_text(), False),
        ((SAMPLES / "bank-answer-soap.xml").read_text(), False),
        ("<x><MsgNmId>camt.052.001.06</MsgNmId></x>", False),
    ],
)  # fmt: skip
def test_a_statement_is_known_by_its_namespace(content: str, *, is_one: bool) -> None:
    assert CAMT.recognises(content.encode()[:4096]) is is_one
    assert not (is_one and AUTH_002.recognises(content.encode()[:4096]))


# --- laws ---------------------------------------------------------------------------------------


@given(st.decimals(min_value=0, max_value=10**10, places=5), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_amounts_are_exact_or_errors(amount: object, currency: str) -> None:
    faults = StatementFaults()
    found = hundredths(str(amount), currency, "Amt", faults)
    step = 100 if currency == "JPY" else 1
    if found is None:
        assert faults.found == (("Amt", "AMOUNT_DECIMALS"),)
        assert amount * 100 % step  # type: ignore[operator]
    else:
        assert found == amount * 100  # type: ignore[operator]


@given(overwritten(SAMPLE))
@settings(deadline=None)
def test_bytes_overwritten_are_read_or_refused(content: bytes) -> None:
    survives(read, content)
