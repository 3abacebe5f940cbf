"""Character sets: told from the whole file, and another than windows-1252 only on plain evidence."""

from __future__ import annotations

import random

import pytest

from adapters.syntax.csv_table import Table
from gateway.core.refusal import Reason, Refused
from gateway.core.stages import MemoryBody

NAMES = [("Müller", "José"), ("Núñez", "Zoë"), ("Gonçalves", "Siân"), ("Brontë", "André"),
         ("Østergård", "Åse"), ("Peña", "Mårten"), ("Lefèvre", "Hélène")]  # fmt: skip
TEXT = "a,b\n" + "".join(f"{a},{b}\n" for a, b in NAMES * 9)


@pytest.mark.parametrize(
    ("charset", "called"),
    [
        ("cp1252", "windows-1252"),
        ("mac_roman", "Mac OS Roman"),
        ("cp850", "code page 850"),
    ],
)
def test_a_set_of_single_bytes_is_told_and_the_note_says_which(charset: str, called: str) -> None:
    table = Table(MemoryBody(TEXT.encode(charset)))
    assert [tuple(cells) for cells in table.rows()] == NAMES * 9
    assert [called in note.message for note in table.notes] == [True]


def test_marks_that_are_of_no_language_speak_for_no_other_set() -> None:
    chance = random.Random(7)
    marks = [chr(number) for number in range(0xA1, 0x100)]
    for _ in range(400):
        few = [*chance.sample(marks, chance.choice((6, 12, 30))), *"abo0V"]
        words = ["".join(chance.choices(few, k=chance.randint(1, 12))) for _ in range(30)]
        lines = "\n".join(f"{word},M,AA000017A,NO_EARNINGS" for word in words)
        table = Table(MemoryBody(f"a,b,c,d\n{lines}".encode("cp1252")))
        assert [cells[0] for cells in table.rows()] == words


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_without_a_note(charset: str) -> None:
    table = Table(MemoryBody(TEXT.encode(charset)))
    assert [tuple(cells) for cells in table.rows()] == NAMES * 9
    assert list(table.notes) == []


@pytest.mark.parametrize(
    "data",
    [
        "a\n\ud800".encode("utf-16", "surrogatepass"),
        "a\n\0".encode("utf-16"),
        "a".encode("utf-16")[:-1],
        b"\xff\xfe",
        b"\xfe\xff",
    ],
)
def test_utf_16_that_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        Table(MemoryBody(data))
    assert refused.value.reason is Reason.CHARACTER_SET


def test_a_line_of_utf_16_without_end_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        Table(MemoryBody(("a\n" + "\u0a0a" * 400_000).encode("utf-16")))
    assert refused.value.reason is Reason.CSV_NOT_WELL_FORMED
