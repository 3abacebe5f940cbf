"""CSV with a header line, read as a stream: separator, character set and shape, and nothing more.

The file is looked through twice: once for what only the whole file tells (its character set, whether
it has any quotes, how long its lines are), and once for its rows. What is read is UTF-8, with or
without a byte order mark, UTF-16 with one, or a set with one byte for a character
(`adapters.syntax.character_set`), which is a note on the outcome. Separators are comma, semicolon or tab, told by the header. RFC 4180 otherwise.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn, TextIO

from adapters.syntax.character_set import (
    CALLED,
    UTF_16,
    CharacterSet,
    Survey,
    marked_utf_16,
    survey_utf_16,
)
from gateway.core.adapter import Body
from gateway.core.limits import CELL_CHARS
from gateway.core.record import Note
from gateway.core.refusal import Reason, Refused

_CHUNK_BYTES: Final = 256 * 1024
_CHUNK_CHARS: Final = 64 * 1024
# A whole line is held in memory. A hundred full cells, four bytes a character, fit in this.
_LINE_BYTES: Final = 1024 * 1024
_HEADER_CHARS: Final = 16 * 1024
_SEPARATORS: Final = (",", ";", "\t")


class Table:
    """The rows of a CSV body; `header` are the column names, in lower case.

    `separator` is what stands between its cells.

    Without `known`, any names will do. Raises Refused(CHARACTER_SET or CSV_NOT_WELL_FORMED).
    """

    def __init__(
        self, body: Body, required: tuple[str, ...] = (), known: tuple[str, ...] | None = None
    ) -> None:
        self._body = body
        self._survey = _survey(body)
        with self._text("") as text:
            line = text.readline(_HEADER_CHARS)
        self.separator = max(_SEPARATORS, key=line.count)
        self.header = _header(line, self.separator, required, known)

    @property
    def notes(self) -> Iterator[Note]:
        """What was assumed."""
        characters = self._survey.characters
        if characters.assumed:
            yield Note(
                code="CHARACTER_SET_ASSUMED",
                message=f"The file is not UTF-8 and was read as {CALLED[characters.encoding]}.",
            )

    def rows(self) -> Iterator[list[str]]:
        """Every row after the header; a blank line has no cell that is not empty. Raises Refused."""
        return self._quoted_rows() if self._survey.quoted else self._plain_rows()

    def _plain_rows(self) -> Iterator[list[str]]:
        """The rows of a file without any quote: its lines, split, which no parser does as fast."""
        separator = self.separator
        number = 1
        rest = ""
        with self._text(None) as text:
            text.readline()
            while chunk := text.read(_CHUNK_CHARS):
                lines = (rest + chunk).split("\n")
                rest = lines.pop()
                for number, line in enumerate(lines, start=number + 1):  # noqa: B020
                    cells = line.split(separator)
                    if len(line) > CELL_CHARS and max(map(len, cells)) > CELL_CHARS:
                        _refuse_cell(number)
                    yield cells
        if rest:
            cells = rest.split(separator)
            if max(map(len, cells)) > CELL_CHARS:
                _refuse_cell(number + 1)
            yield cells

    def _quoted_rows(self) -> Iterator[list[str]]:
        csv.field_size_limit(CELL_CHARS)
        with self._text("") as text:
            reader = csv.reader(text, delimiter=self.separator, strict=True)
            try:
                next(reader)
                yield from reader
            except csv.Error:
                _refuse_cell(reader.line_num)

    def _text(self, newline: str | None) -> TextIO:
        return io.TextIOWrapper(
            self._body.open(), self._survey.characters.encoding, newline=newline
        )


@lru_cache(256)  # an organisation's files have one header, and most of them are small
def _header(
    line: str,
    separator: str,
    required: tuple[str, ...],
    known: tuple[str, ...] | None,
) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise _refused("Line 1: the header line cannot be read.") from None
    header = [cell.strip().lower() for cell in cells]
    while header and not header[-1]:
        header.pop()
    for number, name in enumerate(header, start=1):
        if known is not None and name not in known:
            raise _refused(f"Line 1: column {number} of the header is not one of the template's.")
    missing = [name for name in required if name not in header]
    if missing:
        raise _refused(f"Line 1: the header lacks {', '.join(missing)}.")
    if len(set(header)) != len(header):
        raise _refused("Line 1: the header names a column twice.")
    return tuple(header)


class _Survey(NamedTuple):
    """What only the whole file tells."""

    characters: CharacterSet
    quoted: bool


def _survey(body: Body) -> _Survey:
    characters = Survey()
    quoted, line_bytes, start = False, 0, b""
    with body.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            if len(start) < len(codecs.BOM_UTF16_LE):
                start += chunk[:2]
                if marked_utf_16(start):
                    return _Survey(*survey_utf_16(body, _LINE_BYTES // 4))
            if b"\0" in chunk:
                raise Refused(Reason.CHARACTER_SET, "The file holds NUL bytes; it is not text.")
            line_bytes = _line_bytes(line_bytes, chunk)
            quoted = quoted or b'"' in chunk
            characters.take(chunk)
    return _Survey(characters.end(), quoted)


def _line_bytes(before: int, chunk: bytes) -> int:
    """Length of the line that a chunk leaves unfinished; refuses one that is too long."""
    last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
    length = before + len(chunk) if last < 0 else len(chunk) - 1 - last
    if length > _LINE_BYTES:
        raise _refused(f"A line is longer than {_LINE_BYTES} bytes.")
    return length


def header_line(head: bytes) -> str:
    """The first line of a file, from its first bytes, as far as ASCII goes; for recognising it."""
    if marked_utf_16(head):
        text = head[: len(head) & ~1].decode(UTF_16, "replace")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    lines = text.splitlines()
    return lines[0] if lines else ""


def header_of(line: str) -> tuple[str, ...]:
    """The names in a header line, in lower case; none where it cannot be read."""
    try:
        return _header(line, max(_SEPARATORS, key=line.count), (), None)
    except Refused:
        return ()


def _refuse_cell(line: int) -> NoReturn:
    raise _refused(
        f"Near line {line}: a quote is not closed or stands in the wrong place, or a cell is longer "
        f"than {CELL_CHARS} characters.",
    )


def _refused(detail: str) -> Refused:
    return Refused(Reason.CSV_NOT_WELL_FORMED, detail)
