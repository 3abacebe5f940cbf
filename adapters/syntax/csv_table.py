"""CSV with a header line, read as a stream: separator, character set and shape, and nothing more.

The file is looked through twice: once for what only the whole file tells (its character set, whether
it has any quotes, how long its lines are), and once for its rows. What is read is UTF-8, with or
without a byte order mark, or windows-1252, which is what spreadsheets save; the latter is a note on
the outcome. Separators are comma, semicolon or tab, told by the header. RFC 4180 otherwise.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn, TextIO

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
_WINDOWS: Final = "cp1252"
# The bytes to which windows-1252 gives no character.
_NOT_WINDOWS: Final = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


class Table:
    """The rows of a CSV body; `header` are the column names, in lower case.

    Raises Refused(CHARACTER_SET or CSV_NOT_WELL_FORMED).
    """

    def __init__(self, body: Body, required: tuple[str, ...], known: tuple[str, ...]) -> None:
        self._body = body
        self._survey = _survey(body)
        with self._text("") as text:
            line = text.readline(_HEADER_CHARS)
        self._separator = max(_SEPARATORS, key=line.count)
        self.header = _header(line, self._separator, required, known)

    @property
    def notes(self) -> Iterator[Note]:
        """What was assumed."""
        if self._survey.encoding == _WINDOWS:
            yield Note(
                code="CHARACTER_SET_ASSUMED",
                message="The file is not UTF-8 and was read as windows-1252.",
            )

    def rows(self) -> Iterator[list[str]]:
        """Every row after the header; a blank line has no cell that is not empty. Raises Refused."""
        return self._quoted_rows() if self._survey.quoted else self._plain_rows()

    def _plain_rows(self) -> Iterator[list[str]]:
        """The rows of a file without any quote: its lines, split, which no parser does as fast."""
        separator = self._separator
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
            reader = csv.reader(text, delimiter=self._separator, strict=True)
            try:
                next(reader)
                yield from reader
            except csv.Error:
                _refuse_cell(reader.line_num)

    def _text(self, newline: str | None) -> TextIO:
        return io.TextIOWrapper(self._body.open(), self._survey.encoding, newline=newline)


@lru_cache(256)  # an organisation's files have one header, and most of them are small
def _header(
    line: str,
    separator: str,
    required: tuple[str, ...],
    known: tuple[str, ...],
) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True))
    except (csv.Error, StopIteration):
        raise _refused("Line 1: the header line cannot be read.") from None
    header = [cell.strip().lower() for cell in cells]
    while header and not header[-1]:
        header.pop()
    for number, name in enumerate(header, start=1):
        if name not in known:
            raise _refused(f"Line 1: column {number} of the header is not one of the template's.")
    missing = [name for name in required if name not in header]
    if missing:
        raise _refused(f"Line 1: the header lacks {', '.join(missing)}.")
    if len(set(header)) != len(header):
        raise _refused("Line 1: the header names a column twice.")
    return tuple(header)


class _Survey(NamedTuple):
    """What only the whole file tells; the encoding is as Python names it."""

    encoding: str
    quoted: bool


def _survey(body: Body) -> _Survey:
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, windows, quoted = True, True, False
    start, line_bytes, inside = b"", 0, False
    with body.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            start = start or chunk[:2]
            if start[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                raise Refused(Reason.CHARACTER_SET, "The file is UTF-16; save it as UTF-8.")
            if b"\0" in chunk:
                raise Refused(Reason.CHARACTER_SET, "The file holds NUL bytes; it is not text.")
            line_bytes = _line_bytes(line_bytes, chunk)
            quoted = quoted or b'"' in chunk
            # `inside` says that the last chunk ended inside a character.
            if utf8 and (inside or not chunk.isascii()):
                utf8, inside = _decodes(decoder, chunk)
            windows = windows and not any(byte in chunk for byte in _NOT_WINDOWS)
            if not (utf8 or windows):
                break
    if utf8 and not inside:
        return _Survey("utf-8-sig", quoted)
    if not windows:
        raise Refused(Reason.CHARACTER_SET, "The file is neither UTF-8 nor windows-1252.")
    return _Survey(_WINDOWS, quoted)


def _line_bytes(before: int, chunk: bytes) -> int:
    """Length of the line that a chunk leaves unfinished; refuses one that is too long."""
    last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
    length = before + len(chunk) if last < 0 else len(chunk) - 1 - last
    if length > _LINE_BYTES:
        raise _refused(f"A line is longer than {_LINE_BYTES} bytes.")
    return length


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> tuple[bool, bool]:
    """Whether a chunk is UTF-8 so far, and whether it ends inside a character."""
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False, False
    return True, bool(decoder.getstate()[0])


def _refuse_cell(line: int) -> NoReturn:
    raise _refused(
        f"Near line {line}: a quote is not closed or stands in the wrong place, or a cell is longer "
        f"than {CELL_CHARS} characters.",
    )


def _refused(detail: str) -> Refused:
    return Refused(Reason.CSV_NOT_WELL_FORMED, detail)
