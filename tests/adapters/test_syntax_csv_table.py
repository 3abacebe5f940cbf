"""Tables: what only the whole file tells, and rows that say what the csv module says."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.syntax import csv_table
from adapters.syntax.csv_table import Table
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody

REQUIRED = ("a",)
KNOWN = ("a", "b", "c")


def table(data: bytes) -> Table:
    return Table(MemoryBody(data), REQUIRED, KNOWN)


def by_the_module(data: bytes, separator: str) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    next(reader)
    return list(reader)


plain_texts = st.text(st.sampled_from("ab,;\t \r\nx'é\u2028\x0b\x0c\x1c\x85"), max_size=40)


def filled(given_rows: list[list[str]]) -> list[list[str]]:
    """Without blank rows, which the module gives without cells and a split gives as one."""
    return [cells for cells in given_rows if cells not in ([], [""])]


@given(plain_texts, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_file_without_quotes_splits_as_the_module_parses(
    text: str, separator: str, end: str
) -> None:
    # A line feed right after a carriage return would make one line end out of two.
    data = f"a{separator}b{end}x{text}".encode()
    assert filled(list(table(data).rows())) == filled(by_the_module(data, separator))


@given(st.text(st.sampled_from('ab,"\r\nx '), max_size=30))
def test_a_file_with_quotes_is_what_the_module_says(text: str) -> None:
    data = f'a,b\r\n"x",{text}'.encode()
    try:
        expected = by_the_module(data, ",")
    except csv.Error:
        with pytest.raises(Refused) as refused:
            list(table(data).rows())
        assert refused.value.reason is Reason.CSV_NOT_WELL_FORMED
    else:
        assert list(table(data).rows()) == expected


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_chunks_may_end_anywhere(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    data = "a,b\r\né,1\r\n\r\nö,2\nü,3\rx,€".encode()
    expected = list(table(data).rows())
    monkeypatch.setattr(csv_table, "_CHUNK_BYTES", chunk)
    monkeypatch.setattr(csv_table, "_CHUNK_CHARS", chunk)
    assert list(table(data).rows()) == expected
    assert list(table(data).notes) == []
    assert list(table("a\né".encode("cp1252")).rows()) == [["é"]]


@pytest.mark.parametrize("byte", [b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"])
def test_bytes_that_windows_1252_has_not_refuse_the_file(byte: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        byte.decode("cp1252")
    with pytest.raises(Refused) as refused:
        table(b"a\n" + byte)
    assert refused.value.reason is Reason.CHARACTER_SET


def test_every_other_byte_is_read_as_windows_1252() -> None:
    for number in set(range(1, 256)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}:
        data = b"a\nx\xff" + bytes([number])
        if number not in b'\r\n",':
            assert list(table(data).rows()) == [[data[2:].decode("cp1252")]]


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_a_line_of_just_the_limit_is_read_and_a_longer_one_is_not(
    monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(csv_table, "_CHUNK_BYTES", 8)
    monkeypatch.setattr(csv_table, "_LINE_BYTES", 64)
    assert len(list(table(b"a" + end + b"x" * 64 + end).rows())) == 1
    with pytest.raises(Refused) as refused:
        table(b"a" + end + b"x" * 80 + end)
    assert refused.value.reason is Reason.CSV_NOT_WELL_FORMED


@pytest.mark.parametrize(
    ("line", "separator"),
    [("a,b", ","), ("a;b", ";"), ("a\tb", "\t"), ("a", ","), ('"a";"b"', ";")],
)
def test_the_header_tells_the_separator(line: str, separator: str) -> None:
    assert list(table(f"{line}\n1{separator}2".encode()).rows()) == [["1", "2"]]


@given(st.binary(max_size=100))
def test_anything_is_a_table_or_refused(data: bytes) -> None:
    try:
        found = list(table(b"a,b\n" + data).rows())
    except Refused as refused:
        assert refused.reason in {Reason.CSV_NOT_WELL_FORMED, Reason.CHARACTER_SET}  # noqa: PT017
    else:
        assert all(isinstance(cell, str) for cells in found for cell in cells)
