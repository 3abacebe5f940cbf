"""XLSX workbooks, checked before anything opens them, and read sheet by sheet.

A workbook is a ZIP of XML. Before the reader sees it, every part is unpacked within bounds, parsed
once as plain XML, and the extent of its cells is measured: a reader makes room for every cell from
the first to the last, filled or not, so two cells far apart would take all memory there is. Macros,
encrypted parts and anything that two ZIP readers could read differently are refused; links to
elsewhere are never followed, formulas never run: the value that was saved with one counts.

Sources: ECMA-376 part 1 (SpreadsheetML) and part 2 (packages); APPNOTE.TXT of the ZIP format.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from xml.parsers import expat

import python_calamine

from gateway.core.adapter import Body
from gateway.core.limits import (
    WORKBOOK_BYTES,
    WORKBOOK_CELLS,
    WORKBOOK_CELLS_FREE,
    WORKBOOK_CELLS_PER_BYTE,
    WORKBOOK_COLUMNS,
    WORKBOOK_DEPTH,
    WORKBOOK_PARTS,
    WORKBOOK_RATIO,
    WORKBOOK_SHEETS,
    WORKBOOK_UNPACKED_BYTES,
)
from gateway.core.refusal import Reason, Refused

_CHUNK_BYTES: Final = 64 * 1024
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_XML: Final = (".xml", ".rels")
_SHEET_LIST: Final = "xl/workbook.xml"
_TARGETS: Final = "xl/_rels/workbook.xml.rels"
_CELL: Final = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})", re.ASCII)
_ROWS_MOST: Final = 1_048_576
# A ratio means little for a part of a few bytes.
_SMALL_BYTES: Final = 64 * 1024
# Formulas that end in an error; a sheet with more is wrong in one way.
_ERRORS_MOST: Final = 10_000

Value = Any  # what a cell holds: text, float, int, bool, date, datetime, time or timedelta


class Sheet(NamedTuple):
    """A sheet: its name, whether its sender can see it, and where its formulas end in errors.

    The places are (row, column), counted from 0.
    """

    name: str
    visible: bool
    errors: frozenset[tuple[int, int]]


@dataclass(slots=True)
class _Extent:
    """What one part holds: how far its cells reach, and where errors are.

    `elements` is how many it may still have.
    """

    elements: int
    rows: int = 0
    columns: int = 0
    errors: set[tuple[int, int]] = field(default_factory=set)
    sheets: list[tuple[str, str]] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)


class Workbook:
    """The sheets of an XLSX body; raises Refused for what is not a workbook or is beyond bounds.

    `cells` is how many there is room for, from the first to the last of each sheet.
    """

    def __init__(self, body: Body) -> None:
        if body.size > WORKBOOK_BYTES:
            raise Refused(Reason.BODY_TOO_LARGE, f"A workbook has at most {WORKBOOK_BYTES} bytes.")
        with body.open() as stream:
            data = stream.read()
        extents = _checked(data)
        self.cells = sum(extent.rows * extent.columns for extent in extents.values())
        with _reading("it cannot be read as a workbook."):
            self._book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
            listed = self._book.sheets_metadata
        errors = _errors_by_name(extents)
        shown = python_calamine.SheetVisibleEnum.Visible
        self.sheets = tuple(
            Sheet(one.name, one.visible == shown, errors.get(one.name, frozenset()))
            for one in listed
            if one.typ == python_calamine.SheetTypeEnum.WorkSheet
        )
        if len({one.name.lower() for one in self.sheets}) != len(self.sheets):
            raise _refused("two sheets have one name.")

    def rows(self, sheet: Sheet) -> Iterator[list[Value]]:
        """The rows of a sheet from its first, each from the first column; empty cells are ''."""
        with _reading("one of its sheets cannot be read."):
            rows = self._book.get_sheet_by_name(sheet.name).iter_rows()
        while True:
            with _reading("one of its sheets cannot be read."):
                row = next(rows, None)
            if row is None:
                return
            yield row


@contextmanager
def _reading(why: str) -> Iterator[None]:
    """Turn what the reader says of a workbook it cannot read into a refusal."""
    try:
        yield
    except (python_calamine.CalamineError, OSError, ValueError, OverflowError):
        raise _refused(why) from None
    except BaseException as error:
        # The reader's own mistakes come as this, which no module exports and is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise _refused(why) from None


def _checked(data: bytes) -> dict[str, _Extent]:
    """The extents of the parts of a workbook, by name in lower case; raises Refused."""
    # Every reader finds the same directory where it ends the file and nothing stands before it.
    if not data.startswith(b"PK\x03\x04") or data[-_END_BYTES:][:4] != _END:
        raise _refused("it is not an .xlsx file.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _parts(archive, len(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError,
            NotImplementedError, RuntimeError):  # fmt: skip
        raise _refused("its packing is damaged or of an unknown kind.") from None


def _parts(archive: zipfile.ZipFile, size: int) -> dict[str, _Extent]:
    listed = archive.infolist()
    if len(listed) > WORKBOOK_PARTS:
        raise _refused(f"it has more than {WORKBOOK_PARTS} parts.")
    if archive.start_dir != size - _END_BYTES - _directory_bytes(listed):
        raise _refused("its packing can be read in two ways.")
    names = [info.filename.lower() for info in listed]
    if len(set(names)) != len(names) or any(
        info.orig_filename != info.filename or not info.filename.isprintable() for info in listed
    ):
        raise _refused("two of its parts have one name.")
    if any("vbaproject" in name for name in names):
        raise _refused("it holds macros; save it as .xlsx without them.")
    if sum(info.compress_size for info in listed) > size:
        raise _refused("its parts overlap.")
    left = WORKBOOK_UNPACKED_BYTES
    extents: dict[str, _Extent] = {}
    cells = 0
    most_cells = min(WORKBOOK_CELLS, max(WORKBOOK_CELLS_FREE, size * WORKBOOK_CELLS_PER_BYTE))
    elements = max(WORKBOOK_CELLS_FREE, size * WORKBOOK_CELLS_PER_BYTE)
    for info in listed:
        if info.flag_bits & 1 or info.compress_type not in {
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        }:
            raise _refused("it is protected by a password, or packed in an unknown way.")
        name = info.filename.lower()
        most = min(left, max(_SMALL_BYTES, info.compress_size * WORKBOOK_RATIO))
        extent = _Extent(elements)
        with archive.open(info) as stream:
            left -= _unpacked(stream, most, _Parser(extent) if name.endswith(_XML) else None)
        extents[name] = extent
        elements = extent.elements
        cells += extent.rows * extent.columns
        if cells > most_cells:
            raise _refused(
                f"its sheets reach over more than {most_cells} cells, which is too many for its "
                "size; delete the empty rows and columns behind the last that is filled."
            )
    targets = extents[_TARGETS].targets if _TARGETS in extents else {}
    if _SHEET_LIST not in extents or not targets:
        raise _refused("it is not an .xlsx file.")
    if not all(target.lower().endswith(".xml") for target in targets.values()):
        raise _refused("it refers to a part that is not XML.")
    if len(extents[_SHEET_LIST].sheets) > WORKBOOK_SHEETS:
        raise _refused(f"it has more than {WORKBOOK_SHEETS} sheets.")
    return extents


def _directory_bytes(listed: list[zipfile.ZipInfo]) -> int:
    """Size of the directory, as its entries have it (APPNOTE 4.3.12)."""
    return sum(
        46 + len(info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437"))
        + len(info.extra) + len(info.comment)
        for info in listed
    )  # fmt: skip


def _unpacked(stream: Any, most: int, parser: _Parser | None) -> int:
    """Unpack a part within its bound, and parse it if it is XML; returns its size."""
    size = 0
    while chunk := stream.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > most:
            raise Refused(Reason.DECOMPRESSION_LIMIT, "A part of the workbook expands too far.")
        if parser is not None:
            parser.feed(chunk)
    if parser is not None:
        parser.end()
    return size


class _Parser:
    """One pass over a part: well formed, without a document type, not deep, within the extent."""

    def __init__(self, extent: _Extent) -> None:
        self._extent = extent
        self._depth = 0
        self._row = self._column = -1
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes."""
        self._parse(chunk, last=False)

    def end(self) -> None:
        """The part is over."""
        self._parse(b"", last=True)

    def _parse(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError:
            raise _refused("one of its parts is not well-formed XML.") from None

    def _doctype(self, *_: Any) -> None:
        raise Refused(Reason.XML_FORBIDDEN, "A part of the workbook has a document type.")

    def _end(self, _: str) -> None:
        self._depth -= 1

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._extent.elements -= 1
        if self._extent.elements < 0:
            raise Refused(Reason.DECOMPRESSION_LIMIT, "The workbook has too much for its size.")
        if self._depth > WORKBOOK_DEPTH:
            raise _refused(f"one of its parts is nested deeper than {WORKBOOK_DEPTH}.")
        local = name.rpartition(":")[2]
        if local == "c":
            self._cell(attributes)
        elif local == "row":
            told = attributes.get("r")
            row = self._row + 1 if told is None else _whole(told) - 1
            self._row, self._column = row, -1
        elif local == "sheet":
            for key, value in attributes.items():
                if key.rpartition(":")[2] == "id" and ":" in key:
                    self._extent.sheets.append((attributes.get("name", ""), value))
        elif local == "Relationship" and attributes.get("TargetMode") != "External":
            self._extent.targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def _cell(self, attributes: dict[str, str]) -> None:
        told = attributes.get("r")
        if told is None:
            row, column = max(self._row, 0), self._column + 1
        else:
            match = _CELL.fullmatch(told)
            if match is None:
                raise _refused("the place of a cell cannot be read.")
            row, column = int(match[2]) - 1, _column(match[1])
        self._column = column
        extent = self._extent
        if row >= extent.rows:
            extent.rows = row + 1
        if column >= extent.columns:
            extent.columns = column + 1
        if extent.rows > _ROWS_MOST or extent.columns > WORKBOOK_COLUMNS:
            raise _refused(
                f"a sheet reaches beyond {_ROWS_MOST} rows or {WORKBOOK_COLUMNS} columns."
            )
        if attributes.get("t") == "e":
            extent.errors.add((row, column))
            if len(extent.errors) > _ERRORS_MOST:
                raise _refused(f"more than {_ERRORS_MOST} of its formulas end in errors.")


def _whole(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 7:
        return int(text)
    raise _refused("the number of a row cannot be read.")


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _errors_by_name(extents: dict[str, _Extent]) -> dict[str, frozenset[tuple[int, int]]]:
    """Where formulas of each sheet end in errors, by the sheet's name."""
    found: dict[str, frozenset[tuple[int, int]]] = {}
    targets = extents[_TARGETS].targets
    for name, reference in extents[_SHEET_LIST].sheets:
        target = targets.get(reference, "").lower()
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in extents:
            found[name] = frozenset(extents[part].errors)
    return found


def _refused(detail: str) -> Refused:
    return Refused(Reason.WORKBOOK_NOT_VALID, f"The workbook: {detail}")


def is_workbook(head: bytes) -> bool:
    """Whether a body begins as a ZIP archive does."""
    return head.startswith(b"PK\x03\x04")
