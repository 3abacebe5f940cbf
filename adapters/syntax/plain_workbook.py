"""A workbook brought down to its cells and how they look, before a library opens it for writing.

What a cell reaches for is bounded when a workbook is read (`adapters.syntax.workbook`); ranges are not:
one merged cell, link or comment may span all seventeen thousand million places of a sheet, and the
library would make each of them. So of a sheet only cells, columns, panes and drop-down lists stay, and
nothing that leads from it to another part.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

from lxml import etree

from gateway.core.refusal import Reason, Refused

_XML: Final = (".xml", ".rels")
# The only parts that may lead to others: the package's, and the workbook's to its sheets.
_RELATIONS: Final = frozenset({"_rels/.rels", "xl/_rels/workbook.xml.rels"})
_OF_A_SHEET: Final = frozenset(
    {"sheetViews", "sheetFormatPr", "cols", "sheetData", "dataValidations"}
)
_OF_THE_BOOK: Final = frozenset({"workbookPr", "sheets"})
_KEPT: Final = {"worksheet": _OF_A_SHEET, "workbook": _OF_THE_BOOK}


def plain(data: bytes, most_bytes: int) -> bytes:
    """A workbook that was checked, with its cells and their looks alone.

    Raises Refused(NOT_OFFERED) for one of more than `most_bytes` unpacked.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w") as after:
        listed = before.infolist()
        if sum(info.file_size for info in listed) > most_bytes:
            raise Refused(
                Reason.NOT_OFFERED, f"A workbook is marked up to {most_bytes} bytes of XML."
            )
        for info in listed:
            name = info.filename
            leads = name.lower().endswith(".rels")
            if name.lower().endswith(_XML) and (not leads or name in _RELATIONS):
                after.writestr(name, _part(before.read(info)))
    return out.getvalue()


def _part(data: bytes) -> bytes:
    """A part as it is, or what is kept of a sheet or of the list of sheets."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise Refused(
            Reason.NOT_OFFERED, "The workbook holds something that cannot be given back."
        ) from None
    kept = _KEPT.get(_local(root))
    if kept is None:
        return data
    for child in list(root):
        if _local(child) not in kept:
            root.remove(child)
    for rows in root.iterchildren("{*}sheetData"):
        for row in list(rows):
            if not len(row):  # a row may have a height, and nothing in it
                rows.remove(row)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _local(element: Any) -> str:
    """The name of an element without its namespace; comments and instructions have none."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
