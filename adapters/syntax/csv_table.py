"""CSV with a header line, read as a stream: separator, character set and shape, and nothing more.

The file is looked through twice: once for its character set, which only the whole file tells, and
once for its rows. What is read is UTF-8 (with or without a byte order mark) or windows-1252, which is
what spreadsheets save; which of the two is a note on the outcome. Separators are comma, semicolon
or tab, told by the header. RFC 4180 otherwise.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.core.adapter import Body
from gateway.core.limits import CELL_CHARS
from gateway.core.records import Note
from gateway.core.refusal import Reason, Refused

_CHUNK_BYTES: Final = 256 * 1024
_HEADER_BYTES: Final = 16 * 1024
_SEPARATORS: Final = (",", ";", "\t")


class Table:
    """The rows of a CSV body; `header` are the column names, in lower case."""

    def __init__(self, body: Body, required: Sequence[str], known: Sequence[str]) -> None:
        self._body = body
        self.encoding = _encoding(body)
        with body.open() as binary:
            head = binary.read(_HEADER_BYTES).decode(self.encoding, "ignore")
        self._separator = _separator(head)
        self.header = self._read_header(head, required, known)

    @property
    def notes(self) -> Iterator[Note]:
        """What was assumed."""
        if self.encoding == "cp1252":
            yield Note(
                code="CHARACTER_SET_ASSUMED",
                message="The file is not UTF-8 and was read as windows-1252.",
            )

    def rows(self) -> Iterator[list[str]]:
        """Every row after the header; a blank line is an empty list. Raises Refused."""
        csv.field_size_limit(CELL_CHARS)
        with self._body.open() as binary:
            text = io.TextIOWrapper(binary, encoding=self.encoding, newline="")
            reader = csv.reader(text, delimiter=self._separator, strict=True)
            try:
                next(reader)
                yield from reader
            except csv.Error as error:
                raise Refused(
                    Reason.CSV_NOT_WELL_FORMED,
                    f"Near line {reader.line_num}: a quote is not closed or stands in the wrong "
                    f"place, or a cell is longer than {CELL_CHARS} characters.",
                ) from error

    def _read_header(self, head: str, required: Sequence[str], known: Sequence[str]) -> list[str]:
        lines = io.StringIO(head, newline="")
        try:
            cells = next(csv.reader(lines, delimiter=self._separator, strict=True))
        except (csv.Error, StopIteration) as error:
            raise Refused(
                Reason.CSV_NOT_WELL_FORMED,
                "Line 1: the header line cannot be read.",
            ) from error
        header = [cell.strip().lower() for cell in cells]
        for number, name in enumerate(header, start=1):
            if name not in known:
                raise Refused(
                    Reason.CSV_NOT_WELL_FORMED,
                    f"Line 1: column {number} of the header is not one of the template's.",
                )
        missing = [name for name in required if name not in header]
        if missing or len(set(header)) != len(header):
            what = f"lacks {', '.join(missing)}" if missing else "names a column twice"
            raise Refused(Reason.CSV_NOT_WELL_FORMED, f"Line 1: the header {what}.")
        return header


def _encoding(body: Body) -> str:
    """The character set of the whole body, as Python names it."""
    import codecs  # noqa: PLC0415

    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = True
    seen_beyond_ascii = False
    with body.open() as stream:
        first = True
        while chunk := stream.read(_CHUNK_BYTES):
            if first and chunk[:2] in {b"\xff\xfe", b"\xfe\xff"}:
                raise Refused(Reason.CHARACTER_SET, "The file is UTF-16; save it as UTF-8.")
            first = False
            if b"\0" in chunk:
                raise Refused(Reason.CHARACTER_SET, "The file holds NUL bytes; it is not text.")
            if utf8:
                try:
                    seen_beyond_ascii |= not decoder.decode(chunk).isascii()
                except UnicodeDecodeError:
                    utf8 = False
        if utf8:
            try:
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                utf8 = False
    if utf8:
        return "utf-8-sig"
    _check_windows(body)
    return "cp1252"


def _check_windows(body: Body) -> None:
    with body.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            try:
                chunk.decode("cp1252")
            except UnicodeDecodeError as error:
                raise Refused(
                    Reason.CHARACTER_SET,
                    "The file is neither UTF-8 nor windows-1252.",
                ) from error


def _separator(head: str) -> str:
    line = head.split("\n", 1)[0]
    return max(_SEPARATORS, key=line.count)
