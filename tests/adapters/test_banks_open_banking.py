"""Open Banking responses: what is read from them, what a row breaks, what refuses the body."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.banks import open_banking
from adapters.banks.open_banking import OPEN_BANKING
from adapters.government.rti_income import RTI_INCOME
from gateway.core.groups.group import PENCE_MOST
from gateway.core.groups.money import Account, Balance, Transaction
from gateway.core.groups.person import Contact, Identifier, Where, Who
from gateway.core.record import RowError
from gateway.core.records import (
    AccountRecord,
    Address,
    BalanceRecord,
    PartyRecord,
    TransactionRecord,
)
from gateway.core.refusal import Reason, Refused
from tests.adapters.damage import overwritten
from tests.adapters.open_banking_messages import (
    MARK,
    Json,
    account,
    amount,
    balance,
    notes,
    party,
    read,
    records,
    response,
    told,
    transaction,
)
from tests.adapters.schedule_files import survives
from tests.conftest import SAMPLES

SAMPLE = (SAMPLES / "open-banking.json").read_bytes()


def refusal(content: object) -> Refused:
    with pytest.raises(Refused) as refused:
        read(content)
    assert MARK not in str(refused.value)
    return refused.value


# --- what is read -------------------------------------------------------------------------------


def test_the_sample_ties_balances_and_transactions_to_the_account_and_its_holder() -> None:
    items = read(SAMPLE)
    held, known, other, stands, paid, taken = records(items)
    assert [record.row for record in records(items)] == [1, 2, 2, 3, 4, 5]
    who = Who(name="Alex Sample", identifiers=(Identifier(scheme="CUST", value="000012345"),))
    assert isinstance(held, AccountRecord)
    assert held.account == Account(
        iban="GB45EXPL00000000001234", sort_code="000000", number="00001234",
        servicer=Identifier(scheme="BIC", value="EXPLGB2LXXX"), name="A Sample", currency="GBP",
        status="Enabled", kind="CurrentAccount", role="UK.OBIE.Principal",
        opened=dt.date(2015, 6, 1),
    )  # fmt: skip
    assert isinstance(known, PartyRecord)
    assert (held.who, known.who) == (who, who)
    home = Where(
        kind="Residential", lines=("12 Example Street",), town="Exampleton", postcode="YY9 9YY",
        country="GB",
    )  # fmt: skip
    assert (held.where, known.where) == (home, home)
    assert known.contact == Contact(
        phones=("+44-2079460018", "+44-7700900018"), email="alex.sample@example.com"
    )
    assert isinstance(other, Address)
    assert other.where.lines == ("Flat 3", "40 Example Street")
    assert isinstance(stands, BalanceRecord)
    assert stands.who == who
    assert stands.balance == Balance(
        currency="GBP", as_of=dt.date(2026, 9, 30), kind="ClosingBooked", booked_pence=106710,
        overdraft_limit_pence=25000,
    )  # fmt: skip
    assert isinstance(paid, TransactionRecord)
    assert paid.transaction == Transaction(
        reference="EX-T-0001", direction="credit", amount_pence=133750, currency="GBP",
        booked_on=dt.date(2026, 9, 30), value_on=dt.date(2026, 9, 30), status="booked",
        code="ReceivedCreditTransfer/Salary", description="WAGES SEPTEMBER",
        counterparty="Example Bakery Limited", counterparty_account="00000000009999",
        balance_after_pence=106710,
    )  # fmt: skip
    assert isinstance(taken, TransactionRecord)
    assert (taken.transaction.direction, taken.transaction.code) == ("debit", "CPT")
    assert notes(items) == []


def test_one_response_an_array_and_lines_are_read_alike() -> None:
    parts = json.loads(SAMPLE)
    lines = "\n".join(json.dumps(one) for one in parts).encode()
    assert read(parts) == read(SAMPLE) == read(lines) == read(b"\r\n" + lines + b"\n\n")
    pretty = json.dumps(parts[0], indent=1).encode()
    assert read(pretty) == read([parts[0]]) == read(json.dumps(parts[0]).encode())


def test_an_account_told_after_its_transactions_is_known_all_the_same() -> None:
    first, last = records(
        read([response("Transaction", transaction()), response("Account", account())])
    )
    assert isinstance(first, TransactionRecord)
    assert first.account.number == "00001234"
    assert first.who == Who(name="A Sample")
    assert isinstance(last, AccountRecord)


def test_an_account_that_is_not_told_is_named_by_the_banks_own_identifier() -> None:
    (found,) = records(read(response("Balance", balance())))
    assert isinstance(found, BalanceRecord)
    assert (found.account, found.who) == (Account(other="A1"), None)


def test_a_joint_account_is_one_record_for_each_party_and_its_balance_is_in_its_name() -> None:
    both = party(), party(PartyId="P2", Name="Robin Specimen", AccountRole="UK.OBIE.SecondaryOwner")
    items = records(
        read(
            [
                response("Account", account()),
                response("Party", *both),
                response("Balance", balance()),
            ]
        )
    )
    one, two, *_, held = items
    assert isinstance(one, AccountRecord)
    assert isinstance(two, AccountRecord)
    assert [r.who and r.who.name for r in (one, two)] == ["Alex Sample", "Robin Specimen"]
    assert two.account.role == "UK.OBIE.SecondaryOwner"
    assert isinstance(held, BalanceRecord)
    assert held.who == Who(name="A Sample")


@pytest.mark.parametrize(
    ("changes", "role", "kind"),
    [
        ({}, "customer", "person"),
        ({"BeneficialOwnership": True}, "beneficial_owner", "person"),
        ({"AccountRole": "UK.OBIE.Beneficiary"}, "beneficial_owner", "person"),
        ({"LegalStructure": "UK.OBIE.PrivateLimitedCompany"}, "customer", "organisation"),
        ({"LegalStructure": "UK.OBIE.Individual"}, "customer", "person"),
    ],
)
def test_a_party_is_a_customer_or_an_owner(changes: Json, role: str, kind: str) -> None:
    (found,) = records(read(response("Party", party(**changes))))
    assert isinstance(found, PartyRecord)
    assert (found.relation.role, found.who.kind) == (role, kind)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("UK.OBIE.IBAN", "GB45 EXPL 0000 0000 0012 34"), ("GB45EXPL00000000001234", "000000", "00001234", None)),
        (("UK.OBIE.IBAN", "DE89370400440532013000"), ("DE89370400440532013000", None, None, None)),
        (("SortCodeAccountNumber", "00-00-00 00001234"), (None, "000000", "00001234", None)),
        (("UK.OBIE.PAN", "************1234"), (None, None, None, "************1234")),
    ],
)  # fmt: skip
def test_an_account_has_its_names_in_their_one_form(names: tuple[str, str], expected: Any) -> None:
    scheme, value = names
    (found,) = records(
        read(
            response("Account", account(Account=[{"SchemeName": scheme, "Identification": value}]))
        )
    )
    assert isinstance(found, AccountRecord)
    named = found.account
    assert (named.iban, named.sort_code, named.number, named.other) == expected


def test_a_roll_number_stands_beside_the_account_number() -> None:
    names = [
        {
            "SchemeName": "UK.OBIE.SortCodeAccountNumber",
            "Identification": "00000000001234",
            "SecondaryIdentification": "ROLL-7",
        }
    ]
    (found,) = records(read(response("Account", account(Account=names))))
    assert isinstance(found, AccountRecord)
    assert (found.account.number, found.account.other) == ("00001234", "ROLL-7")


def test_codes_of_version_four_are_read_as_those_of_version_three() -> None:
    later = transaction(Status="PDNG"), transaction(TransactionId="T2", Status="INFO")
    items = read([response("Account", account(AccountSubType=None, AccountTypeCode="CACC")),
                  response("Balance", balance(-7, Type="CLAV")), response("Transaction", *later)])  # fmt: skip
    held, stands, moved = records(items)
    assert isinstance(held, AccountRecord)
    assert held.account.kind == "CACC"
    assert isinstance(stands, BalanceRecord)
    assert (stands.balance.booked_pence, stands.balance.available_pence) == (None, -7)
    assert isinstance(moved, TransactionRecord)
    assert moved.transaction.status == "pending"
    assert notes(items) == ["ENTRIES_FOR_INFORMATION"]


def test_members_of_the_banks_own_and_other_resources_are_left_alone() -> None:
    items = read(
        [response("Balance", balance(Extra=MARK)), response("Beneficiary", {"Name": MARK})]
    )
    assert len(records(items)) == 1
    assert notes(items) == ["RESOURCES_NOT_READ"]
    assert MARK not in repr(items)


# --- rows ---------------------------------------------------------------------------------------

BAD_ROWS: list[tuple[str, Any, tuple[str, str]]] = [
    ("Account", account(AccountId=None), ("AccountId", "VALUE_MISSING")),
    ("Account", account(AccountId="A9", Currency="pounds"), ("Currency", "CURRENCY_NOT_VALID")),
    ("Account", account(AccountId="A9", OpeningDate="2015-02-29T00:00:00Z"), ("OpeningDate", "DATE_NOT_VALID")),
    ("Account", account(AccountId="A9", Account="x"), ("Account", "TYPE_NOT_VALID")),
    ("Account", account(AccountId="A9", Account=[{"SchemeName": "UK.OBIE.IBAN", "Identification": MARK}]), ("Identification", "IBAN_NOT_VALID")),
    ("Account", account(AccountId="A9", Account=[{"SchemeName": "UK.OBIE.SortCodeAccountNumber", "Identification": "1"}]), ("Identification", "ACCOUNT_NUMBER_NOT_VALID")),
    ("Account", account(AccountId="A9", Account=[{"SchemeName": "UK.OBIE.IBAN"}]), ("Identification", "VALUE_MISSING")),
    ("Account", MARK, ("Account", "ROW_NOT_OBJECT")),
    ("Party", party(Name=None), ("Name", "HOLDER_UNIDENTIFIED")),
    ("Party", party(Name="Alex\u202eSample"), ("Name", "TEXT_NOT_VALID")),
    ("Party", party(Name=["Alex"]), ("Name", "TEXT_NOT_VALID")),
    ("Party", party(Address=[{"AddressLine": [7]}]), ("AddressLine", "TYPE_NOT_VALID")),
    ("Party", party(Address=7), ("Address", "TYPE_NOT_VALID")),
    ("Party", party(BeneficialOwnership="yes"), ("BeneficialOwnership", "TYPE_NOT_VALID")),
    ("Balance", balance(Type=None), ("Type", "VALUE_MISSING")),
    ("Balance", balance(Amount={"Amount": "1.005", "Currency": "GBP"}), ("Amount", "AMOUNT_DECIMALS")),
    ("Balance", balance(Amount={"Amount": "1.50", "Currency": "JPY"}), ("Amount", "AMOUNT_DECIMALS")),
    ("Balance", balance(Amount={"Amount": 1.5, "Currency": "GBP"}), ("Amount", "AMOUNT_NOT_VALID")),
    ("Balance", balance(Amount={"Amount": "-1.50", "Currency": "GBP"}), ("Amount", "AMOUNT_NOT_VALID")),
    ("Balance", balance(Amount={"Amount": "10000000000.01", "Currency": "GBP"}), ("Amount", "AMOUNT_TOO_LARGE")),
    ("Balance", balance(Amount={"Currency": "GBP"}), ("Amount", "VALUE_MISSING")),
    ("Balance", balance(CreditDebitIndicator="CRDT"), ("CreditDebitIndicator", "CODE_NOT_KNOWN")),
    ("Balance", balance(CreditDebitIndicator=None), ("CreditDebitIndicator", "VALUE_MISSING")),
    ("Transaction", transaction(TransactionId="T9", Status=MARK), ("Status", "CODE_NOT_KNOWN")),
    ("Transaction", transaction(TransactionId="T9", Status=None), ("Status", "VALUE_MISSING")),
    ("Transaction", transaction(TransactionId="T9", AccountId=None), ("AccountId", "VALUE_MISSING")),
    ("Transaction", transaction(TransactionId="T9", BookingDateTime="yesterday"), ("BookingDateTime", "DATE_NOT_VALID")),
    ("Transaction", transaction(TransactionId="T9", TransactionInformation="x" * 2_001), ("TransactionInformation", "TEXT_NOT_VALID")),
    ("Transaction", transaction(), ("TransactionId", "ITEM_REPEATED")),
    ("Account", account(), ("AccountId", "ITEM_REPEATED")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "bad", "expected"), BAD_ROWS)
def test_a_bad_row_is_told_without_its_value_and_the_others_are_accepted(
    kind: str, bad: Any, expected: tuple[str, str]
) -> None:
    body = [
        response("Account", account()),
        response("Transaction", transaction()),
        response(kind, bad),
        response("Balance", balance()),
    ]
    items = read(body)
    assert told(items) == [(3, *expected)]
    assert [record.row for record in records(items)] == [1, 2, 4]
    assert MARK not in repr([one for one in items if isinstance(one, RowError)])


def test_what_is_wrong_with_an_account_is_told_of_everything_on_it() -> None:
    bad = account(
        Account=[{"SchemeName": "UK.OBIE.IBAN", "Identification": "GB46EXPL00000000001234"}]
    )
    items = read(
        [response("Account", bad), response("Balance", balance(), balance(AccountId="A2"))]
    )
    assert told(items) == [(row, "Identification", "IBAN_NOT_VALID") for row in (1, 2)]
    assert [record.row for record in records(items)] == [3]


# --- whole bodies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], Reason.JSON_NOT_VALID),
        ({}, Reason.JSON_NOT_VALID),
        ({"Data": []}, Reason.JSON_NOT_VALID),
        ([response("Balance", balance()), 7], Reason.JSON_NOT_VALID),
        ({"Data": {"Account": "x"}}, Reason.JSON_NOT_VALID),
        ({"Data": {"Transaction": {}}}, Reason.JSON_NOT_VALID),
        (7, Reason.JSON_NOT_VALID),
        (b"", Reason.JSON_NOT_WELL_FORMED),
        (b"{", Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":{}}{"Data":{}}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":{}}\n{"Data":', Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":{},"Data":{}}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":{"Account":[NaN]}}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":{"Account":["\\u0000"]}}', Reason.JSON_NOT_WELL_FORMED),
        (b'{"Data":' + b"[" * 40 + b"]" * 40 + b"}", Reason.JSON_NOT_WELL_FORMED),
        (b'\xef\xbb\xbf{"Data":{}}', Reason.CHARACTER_SET),
        (b'{"Data":{"Account":["\xff"]}}', Reason.CHARACTER_SET),
        (b'[{"Data":"' + b"x" * 9_000_000 + b'"}]', Reason.BODY_TOO_LARGE),
        (b'{"Data":{}}\n{"Data":"' + b"x" * 9_000_000 + b'"}', Reason.BODY_TOO_LARGE),
    ],
)  # fmt: skip
def test_what_is_no_response_or_dangerous_is_refused(content: object, reason: Reason) -> None:
    assert refusal(content).reason is reason


def test_the_limit_on_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_banking, "ACCOUNTS_LIMIT", 3)
    several = [account(AccountId=str(n)) for n in range(4)]
    assert len(records(read(response("Account", *several[:3])))) == 3
    assert refusal(response("Account", *several)).reason is Reason.FILE_RULE


# --- told apart, and laws -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (SAMPLE[:4096], True),
        (b' {"Links": {}, "Data": {}}', True),
        ((SAMPLES / "rti-income.json").read_bytes()[:4096], False),
        (b'{"data": {}}', False),
        (b'{"taxYears": [], "Data": {}}', False),
        (b"[[", False),
    ],
)
def test_a_response_is_known_by_its_first_member(head: bytes, *, is_one: bool) -> None:
    assert OPEN_BANKING.recognises(head) is is_one
    assert not (is_one and RTI_INCOME.recognises(head))


PENCE = st.integers(-PENCE_MOST, PENCE_MOST)


@given(st.lists(PENCE, max_size=8), st.lists(PENCE, max_size=3), st.booleans())
@settings(deadline=None)
def test_what_is_written_is_read_back(moved: list[int], stands: list[int], by_line: bool) -> None:  # noqa: FBT001
    body = [
        response("Account", account()),
        response(
            "Transaction", *(transaction(p, TransactionId=str(n)) for n, p in enumerate(moved))
        ),
        response("Balance", *map(balance, stands)),
    ]
    lines = "\n".join(map(json.dumps, body)).encode()
    found = records(read(lines if by_line else body))
    transactions = [one.transaction for one in found if isinstance(one, TransactionRecord)]
    assert [
        -t.amount_pence if t.direction == "debit" else t.amount_pence for t in transactions
    ] == moved
    assert [one.balance.booked_pence for one in found if isinstance(one, BalanceRecord)] == stands
    assert amount(5)["Amount"] == "0.05"


@given(overwritten(SAMPLE))
@settings(deadline=None)
def test_bytes_overwritten_are_read_or_refused(content: bytes) -> None:
    survives(read, content)


# What only escapes can spell is refused whole.
_LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(_LETTERS, max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_LETTERS, max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(
    st.sampled_from(
        [("Account", account), ("Party", party), ("Balance", balance), ("Transaction", transaction)]
    ),
    st.data(),
)
@settings(deadline=None)
def test_any_value_in_any_member_is_read_or_told(of: tuple[str, Any], data: st.DataObject) -> None:
    kind, make = of
    name = data.draw(
        st.sampled_from([*make(), "Address", "MerchantDetails", "Servicer", "CreditLine"])
    )
    assert read(response(kind, make(**{name: data.draw(_ANY)})))
