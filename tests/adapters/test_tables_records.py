"""Tables and JSON lines as organisations send them: each fault is told by row, field and rule."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from adapters.syntax.lines import lines
from adapters.tables.records_csv import RECORDS_CSV
from adapters.tables.records_jsonl import RECORDS_JSONL
from gateway.core.adapter import EVERY_CLASS
from gateway.core.limits import RECORD_LINE_BYTES
from gateway.core.record import RowError
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody
from tests.adapters.record_strategies import CONTEXT, split


def read(text: str) -> Any:
    return split(list(RECORDS_CSV.read(MemoryBody(text.encode()), CONTEXT)))


def read_lines(*told: object) -> Any:
    data = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in told)
    return split(list(RECORDS_JSONL.read(MemoryBody(data.encode()), CONTEXT)))


def told(errors: list[RowError]) -> list[tuple[int, str, str]]:
    return [(error.row, error.field, error.code) for error in errors]


EARNINGS = "row_key,surname,nino,net,pay_date,employer_name\n"


def test_a_column_that_shows_its_order_is_read_by_it_and_the_outcome_says_so() -> None:
    text = EARNINGS + 'a,M,,"1,234",01/02/2026,X\nb,M,,12.50,31/01/2026,X\n'
    found, errors, notes = read(text)
    assert errors == []
    assert (found[0].pay.pay_date.isoformat(), found[0].pay.net_pence) == ("2026-02-01", 123400)
    assert {note.code for note in notes} == {"DATES_READ_AS", "MONEY_READ_AS"}
    assert not any("31/01" in note.message or "12.50" in note.message for note in notes)


@pytest.mark.parametrize(
    "rest", ["", "b,M,,,01/31/2026,X\nc,M,,,31/01/2026,X\n", "b,M,,,2026-01-31,X\n"]
)
def test_a_column_that_does_not_or_shows_both_has_its_ambiguous_cells_refused(rest: str) -> None:
    found, errors, notes = read(EARNINGS + "a,M,,,01/02/2026,X\n" + rest)
    assert told(errors) == [(2, "pay_date", "DATE_AMBIGUOUS")]
    assert len(found) == rest.count("\n")
    assert notes == []


def test_a_plain_file_is_not_gone_through_for_its_conventions() -> None:
    class Counted(MemoryBody):
        opened = 0

        def open(self) -> Any:
            self.opened += 1
            return super().open()

    plain = Counted((EARNINGS + "a,M,,1234.50,2026-01-31,X\n").encode())
    odd = Counted((EARNINGS + "a,M,,1234.50,01/02/2026,X\nb,M,,1,02/03/2026,X\n").encode())
    list(RECORDS_CSV.read(plain, CONTEXT))
    list(RECORDS_CSV.read(odd, CONTEXT))
    assert odd.opened == plain.opened + 1


def test_every_fault_of_a_row_is_told_with_its_key_and_no_value() -> None:
    found, errors, _ = read(EARNINGS + "k-1,,QQ123456C,5.9999,31/02/2026,\n\n,Marsh,,,,X\n")
    assert told(errors) == [
        (2, "nino", "NINO_NOT_VALID"),
        (2, "net", "MONEY_NOT_VALID"),
        (2, "pay_date", "DATE_NOT_VALID"),
        (2, "employer_name", "VALUE_MISSING"),
        (4, "pay_date", "VALUE_MISSING"),
    ]
    assert {error.key for error in errors} == {"k-1", None}
    assert not any("QQ12" in repr(error) or "5.9999" in repr(error) for error in errors)
    assert found == []


@pytest.mark.parametrize(
    ("header", "row", "field", "code"),
    [
        ("surname,status", "M,elsewhere", "status", "CODE_NOT_KNOWN"),
        ("surname,status,since,released", "M,released,2026-02-01,2026-01-01", "released",
         "PERIOD_REVERSED"),
        ("surname,status", "M", "row", "RAGGED_ROW"),
        ("surname,status", "M,remand,x", "row", "RAGGED_ROW"),
        ("row_key,surname,status", f"{'k' * 65},M,remand", "row_key", "KEY_NOT_VALID"),
        ("surname,status,establishment", f"M,remand,{'x' * 501}", "establishment",
         "TEXT_NOT_VALID"),
    ],
)  # fmt: skip
def test_a_custody_row_that_breaks_a_rule(header: str, row: str, field: str, code: str) -> None:
    _, errors, _ = read(f"{header}\n{row}\n")
    assert told(errors) == [(2, field, code)]


@pytest.mark.parametrize("code", ["not in custody", "NOT_IN_CUSTODY", " Not-In Custody "])
def test_codes_may_be_in_any_case_and_have_spaces(code: str) -> None:
    found, _, _ = read(f"Surname, STATUS ,date of birth\nM,{code},1988-03-14\n")
    assert found[0].custody.status == "not_in_custody"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("surname,nonsense", "column 2"),
        ("surname,employer_name,employer_name", "twice"),
        ("employer_name,start_date", "lacks"),
        ("surname,record_type", "does not name"),
    ],
)
def test_a_header_of_no_template_says_what_is_wrong_with_it(header: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read(f"{header}\nMarsh,x\n")
    assert refused.value.reason is Reason.CSV_NOT_WELL_FORMED
    assert words in refused.value.detail
    assert "nonsense" not in refused.value.detail


def test_all_three_are_for_every_class() -> None:
    assert RECORDS_CSV.provider_classes == RECORDS_JSONL.provider_classes == EVERY_CLASS


# --- JSON lines ---------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "type": "identity",
    "key": "k",
    "who": {"surname": "Marsh", "nino": "aa000017a"},
}


def test_a_bad_line_is_refused_alone_and_blank_ones_are_counted() -> None:
    found, errors, _ = read_lines(GOOD, "", "{", '{"type":"identity","type":"care"}', GOOD)
    assert [record.row for record in found] == [1, 5]
    assert found[0].who.nino == "AA000017A"
    assert told(errors) == [(3, "line", "LINE_NOT_VALID"), (4, "line", "LINE_NOT_VALID")]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"type": "nothing"}, "type", "RECORD_TYPE_NOT_KNOWN"),
        ({"type": 7}, "type", "RECORD_TYPE_NOT_KNOWN"),
        ({"key": ""}, "key", "KEY_NOT_VALID"),
        ({"row": 1}, "record", "MEMBER_NOT_KNOWN"),
        ({"who": {"secret-name": 1, "surname": "M"}}, "who", "MEMBER_NOT_KNOWN"),
        ({"who": {}}, "who.name", "VALUE_MISSING"),
        ({"who": []}, "who", "SHAPE_NOT_VALID"),
        ({"who": {"surname": 7}}, "who.surname", "SHAPE_NOT_VALID"),
        ({"who": {"surname": " "}}, "who.surname", "VALUE_MISSING"),
        ({"who": {"surname": "M", "date_of_birth": "01/02/2026"}}, "who.date_of_birth",
         "DATE_NOT_VALID"),
        ({"who": {"surname": "M", "former_names": ["x"] * 51}}, "who.former_names",
         "SHAPE_NOT_VALID"),
        ({"who": {"surname": "M", "identifiers": [{"scheme": "x"}]}}, "who.identifiers.value",
         "VALUE_MISSING"),
        ({"who": {"surname": "M", "kind": "Person"}}, "who.kind", "CODE_NOT_KNOWN"),
    ],
)  # fmt: skip
def test_a_line_that_breaks_a_rule(change: dict[str, Any], field: str, code: str) -> None:
    found, errors, _ = read_lines(GOOD | change)
    assert (found, told(errors)) == ([], [(1, field, code)])
    assert "secret-name" not in repr(errors)


@pytest.mark.parametrize("amount", [-1, True, 1.5, "1", 10**12 + 1, None])
def test_an_amount_is_whole_pence_within_its_bounds(amount: object) -> None:
    line = {"type": "mortgage", "who": {"surname": "M"}, "mortgage": {"balance_pence": amount}}
    assert told(read_lines(line)[1]) == [(1, "mortgage.balance_pence", "SHAPE_NOT_VALID")]


def test_a_line_that_is_too_long_is_passed_over_and_not_held() -> None:
    long = b"x" * (RECORD_LINE_BYTES + 1)
    body = MemoryBody(b"a\n" + long + b"\nb\n" + long)
    assert list(lines(body, RECORD_LINE_BYTES)) == [b"a", None, b"b", None]
    assert list(lines(MemoryBody(b""), 1)) == []


def test_memory_does_not_grow_with_a_table() -> None:
    def held(rows: int) -> int:
        text = EARNINGS + "".join(f"k{n},S{n},,1.00,01/02/2026,X\n" for n in range(rows))
        body = MemoryBody((text + "z,M,,1,31/01/2026,X\n").encode())
        tracemalloc.start()
        for _ in RECORDS_CSV.read(body, CONTEXT):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert held(40_000) < held(4_000) + 2_000_000
