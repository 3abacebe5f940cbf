"""Statements: what is read from them, whatever their version."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.banks.camt import CAMT, VERSIONS
from gateway.core.adapter import ReadContext
from gateway.core.groups.group import PENCE_MOST
from gateway.core.groups.money import Balance, Transaction
from gateway.core.groups.person import Identifier
from gateway.core.records import AccountRecord, BalanceRecord, TransactionRecord
from gateway.core.stages import MemoryBody
from tests.adapters.camt_messages import (
    ACCOUNT,
    NOW,
    balance,
    detail,
    document,
    entry,
    message,
    money,
    notes,
    read,
    records,
    statement,
    summary,
    wrapped,
)
from tests.conftest import SAMPLES

SAMPLE = (SAMPLES / "statement.xml").read_bytes()


def transactions(content: str | bytes) -> list[Transaction]:
    return [one.transaction for one in records(read(content)) if isinstance(one, TransactionRecord)]


def test_the_sample_gives_its_account_balances_and_transactions() -> None:
    items = read(SAMPLE)
    account, opening, closing, *moved = records(items)
    assert [record.row for record in records(items)] == [1, 2, 3, 4, 5, 6]
    assert isinstance(account, AccountRecord)
    assert account.account.iban == "GB45EXPL00000000001234"
    assert (account.account.sort_code, account.account.number) == ("000000", "00001234")
    assert account.account.servicer == Identifier(scheme="BIC", value="EXPLGB2LXXX")
    assert account.who is not None
    assert (account.who.name, account.who.nino) == ("Alex Sample", "AA000001A")
    assert account.where is not None
    assert account.where.postcode == "YY9 9YY"
    assert account.case is not None
    assert account.case.period_end == dt.date(2026, 9, 30)
    assert isinstance(opening, BalanceRecord)
    assert opening.balance == Balance(
        currency="GBP", as_of=dt.date(2026, 9, 1), kind="OPBD", booked_pence=-12040
    )
    assert isinstance(closing, BalanceRecord)
    assert closing.balance.booked_pence == 106710
    assert notes(items) == ["SIGNATURE_ABSENT"]
    assert all(one.who == account.who for one in moved if isinstance(one, TransactionRecord))


def test_an_entry_with_one_detail_is_one_transaction_with_its_counterparty() -> None:
    paid, *_ = transactions(SAMPLE)
    assert paid == Transaction(
        reference="BAKE-2026-09", direction="credit", amount_pence=133750, currency="GBP",
        booked_on=dt.date(2026, 9, 30), value_on=dt.date(2026, 9, 30), status="booked",
        code="PMNT/RCDT/SALA", description="WAGES SEPTEMBER",
        counterparty="Example Bakery Limited", counterparty_account="00000000009999",
    )  # fmt: skip


def test_details_that_add_up_are_a_transaction_each() -> None:
    cash = transactions(SAMPLE)[1:]
    assert [(one.reference, one.amount_pence) for one in cash] == [
        ("CASH-1", 10000),
        ("CASH-2", 5000),
    ]


@pytest.mark.parametrize(
    "details",
    [
        detail(-100) + detail(-49),
        detail(-100) + detail(-50).replace("GBP", "EUR"),
        detail(-100) + "<TxDtls/>",
        detail(-100) + detail(-50).replace("DBIT", "X"),
        detail(-100) + detail(50),
    ],
)
def test_details_that_do_not_add_up_leave_the_entry_as_it_was_booked(details: str) -> None:
    items = read(message(entry(-150, details=details)))
    (one,) = (r.transaction for r in records(items) if isinstance(r, TransactionRecord))
    assert (one.amount_pence, one.direction) == (150, "debit")
    assert "ENTRIES_NOT_SPLIT" in notes(items)


def test_details_of_both_ways_that_add_up_are_split() -> None:
    found = transactions(message(entry(-50, details=detail(-150) + detail(100))))
    assert [(one.direction, one.amount_pence) for one in found] == [("debit", 150), ("credit", 100)]


@pytest.mark.parametrize("version", [f"camt.05{n}.001.{v}" for n in (2, 3) for v in VERSIONS])
def test_every_version_is_read_alike(version: str) -> None:
    """Older ones have the status and the party plain, later ones inside an element more."""
    name = "Stmt" if "053" in version else "Rpt"
    old = int(version[-2:]) < 8
    party = "<Nm>Robin</Nm>" if old else "<Pty><Nm>Robin</Nm></Pty>"
    one = entry(
        100,
        status="BOOK" if old else "<Cd>BOOK</Cd>",
        details=detail(100, RltdPties=f"<Dbtr>{party}</Dbtr>"),
    )
    (account, found) = records(read(document(statement(one, name=name), version=version)))
    assert isinstance(account, AccountRecord)
    assert isinstance(found, TransactionRecord)
    assert (found.transaction.status, found.transaction.counterparty) == ("booked", "Robin")


def test_the_counterparty_of_a_reversal_is_the_one_of_what_is_reversed() -> None:
    parties = "<Dbtr><Nm>Payer</Nm></Dbtr><Cdtr><Nm>Payee</Nm></Cdtr>"
    for amount, reversal, other in (
        (1, "false", "Payer"), (-1, "false", "Payee"), (1, "true", "Payee"), (-1, "1", "Payer"),
    ):  # fmt: skip
        more = f"<RvslInd>{reversal}</RvslInd>"
        (one,) = transactions(
            message(entry(amount, more=more, details=detail(amount, RltdPties=parties)))
        )
        assert one.counterparty == other
        assert one.is_reversal is (reversal in {"true", "1"})


def test_available_funds_are_not_the_books() -> None:
    booked, available = (
        one.balance
        for one in records(read(message(balance("CLBD", -5), balance("CLAV", 700))))
        if isinstance(one, BalanceRecord)
    )
    assert (booked.booked_pence, booked.available_pence) == (-5, None)
    assert (available.booked_pence, available.available_pence) == (None, 700)


def test_other_currencies_keep_theirs() -> None:
    content = message(balance("CLBD", 12345, "EUR"), entry(100).replace('"GBP">1.00', '"JPY">250'))
    _, held, moved = records(read(content))
    assert isinstance(held, BalanceRecord)
    assert (held.balance.currency, held.balance.booked_pence) == ("EUR", 12345)
    assert isinstance(moved, TransactionRecord)
    assert (moved.transaction.currency, moved.transaction.amount_pence) == ("JPY", 25000)


def test_the_status_says_whether_it_was_booked_and_information_is_left_out() -> None:
    items = read(
        message(*(entry(1, status=f"<Cd>{s}</Cd>") for s in ("BOOK", "PDNG", "FUTR", "INFO")))
    )
    found = [r.transaction.status for r in records(items) if isinstance(r, TransactionRecord)]
    assert found == ["booked", "pending", "pending"]
    assert "ENTRIES_FOR_INFORMATION" in notes(items)


def test_a_uk_account_number_is_parted_and_any_other_kept() -> None:
    uk = "<Id><Othr><Id>00000000001234</Id><SchmeNm><Prtry>UK.OBIE.SortCodeAccountNumber</Prtry></SchmeNm></Othr></Id>"
    for names, expected in (
        (uk, (None, "000000", "00001234", None)),
        ("<Id><Othr><Id>ROLL-7</Id></Othr></Id>", (None, None, None, "ROLL-7")),
    ):
        (found,) = records(read(document(statement(account=f"<Acct>{names}</Acct>"))))
        assert isinstance(found, AccountRecord)
        account = found.account
        assert (account.iban, account.sort_code, account.number, account.other) == expected


@pytest.mark.parametrize(
    "soap", ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"]
)
def test_a_header_and_soap_change_nothing(soap: str) -> None:
    plain = read(message(entry(5)))
    inner = wrapped(message(entry(5)))
    assert read(inner) == plain
    assert read(f'<e:Envelope xmlns:e="{soap}"><e:Body>{inner}</e:Body></e:Envelope>') == plain
    bare = message(entry(5))
    assert read(bare.replace("<Document xmlns=", "<d:Document xmlns:d=").replace("</Doc", "</d:Doc")
                .replace("<d:Document", f'<d:Document xmlns="{bare.split(chr(34))[1]}"')) == plain  # fmt: skip


def test_a_signature_is_not_verified_and_that_is_said() -> None:
    items = read(wrapped(message(entry(5)), more="<Sgntr><x/></Sgntr>"))
    assert notes(items) == ["SIGNATURE_NOT_READ"]


def test_a_supplement_of_another_standard_is_not_read() -> None:
    extra = "<SplmtryData><Envlp><Document xmlns='urn:x'><Ntry/></Document></Envlp></SplmtryData>"
    assert read(message(entry(5).replace("</Ntry>", extra + "</Ntry>"))) == read(message(entry(5)))


@pytest.mark.parametrize("opening", [0, -700, 123])
def test_entries_lead_from_the_opening_balance_to_the_closing_one(opening: int) -> None:
    def of(closing: int, *more: str) -> list[str]:
        balances = balance("OPBD", opening), balance("CLBD", closing)
        return notes(read(message(*balances, entry(500), entry(-40), *more)))

    assert of(opening + 460) == ["SIGNATURE_ABSENT"]
    assert of(opening + 461) == ["SIGNATURE_ABSENT", "BALANCES_NOT_RECONCILED"]
    assert of(opening + 460, entry(7, status="<Cd>PDNG</Cd>")) == ["SIGNATURE_ABSENT"]
    assert of(opening, entry(7).replace("GBP", "EUR")) == ["SIGNATURE_ABSENT"]


def test_memory_does_not_grow_with_the_message() -> None:
    def peak(count: int) -> int:
        content = MemoryBody(message(*[entry(5, details=detail(5))] * count).encode())
        tracemalloc.start()
        found = sum(1 for _ in CAMT.read(content, ReadContext(now=NOW)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == count + 2
        return top

    assert peak(3_000) < peak(200) + 200_000


AMOUNTS = st.integers(-PENCE_MOST, PENCE_MOST)


@given(st.lists(st.tuples(AMOUNTS, st.lists(AMOUNTS, max_size=3)), max_size=6), AMOUNTS)
@settings(deadline=None)
def test_what_is_written_is_read_back(entries: list[tuple[int, list[int]]], opening: int) -> None:
    written: list[int] = []
    parts: list[str] = []
    for amount, split in entries:
        adds_up = len(split) > 1 and abs(sum(split)) <= PENCE_MOST
        whole = sum(split) if adds_up else amount
        parts.append(entry(whole, details="".join(map(detail, split)) if adds_up else ""))
        written += split if adds_up else [whole]
    total = sum(
        abs(sum(s)) if len(s) > 1 and abs(sum(s)) <= PENCE_MOST else abs(a) for a, s in entries
    )
    items = read(message(balance("OPBD", opening), summary(len(entries), total), *parts))
    _, held, *moved = records(items)
    assert isinstance(held, BalanceRecord)
    assert held.balance.booked_pence == opening
    found = [one.transaction for one in moved if isinstance(one, TransactionRecord)]
    assert [
        -one.amount_pence if one.direction == "debit" else one.amount_pence for one in found
    ] == written
    assert sum(Decimal(money(one.amount_pence)) for one in found) * 100 == sum(map(abs, written))


def test_the_adapter_says_who_may_send_it_and_reads_what_it_says() -> None:
    assert CAMT.provider_classes == {"deposit_taker"}
    assert {one.type_name for one in records(read(SAMPLE))} == CAMT.record_types
    assert len(CAMT.media_types) == 22
    assert ACCOUNT in message()
