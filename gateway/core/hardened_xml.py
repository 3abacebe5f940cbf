"""Bytes to XML elements, with everything dangerous switched off.

This is the only module that makes XML parsers. A document type declaration is refused before any
parser sees it, so that no entity can be declared; nothing named in a document is ever opened or
fetched; the encoding is fixed before parsing. Comments and processing instructions are dropped
while parsing, so that neither can cut a text in two.

If an attacker controls the bytes, they can have them refused; they cannot reach a file or the
network, nor make memory grow beyond the limits below. A refusal names the line and the element,
never a value: libxml2's own messages may quote values and are not passed on.

Sources: XML 1.0 (fifth edition), XInclude 1.1, XML Schema 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from lxml import etree

from gateway.core.refusal import Reason, Refused

DEPTH_LIMIT: Final = 256  # libxml2's own bound when huge_tree is off; shown here to be documented
PROLOG_LIMIT_BYTES: Final = 64 * 1024  # a declaration and a licence comment fit many times over
GAP_LIMIT_BYTES: Final = 1024 * 1024  # one record of a stream; the largest real ones are near 10 kB
CHUNK_BYTES: Final = 8 * 1024  # small, because a schema error is located to a chunk

XINCLUDE: Final = "{http://www.w3.org/2001/XInclude}*"

# The character sets that business files have; each is ASCII in its lower half, on which
# the search for a document type declaration relies.
ENCODINGS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252"})

_NAMED_FINDINGS: Final = 5

_BOM_UTF8: Final = b"\xef\xbb\xbf"
# Byte-order marks and first characters of UTF-16 and UTF-32, and EBCDIC's '<?'.
_OTHER_SETS: Final = (b"\xfe\xff", b"\xff\xfe", b"\x00", b"<\x00", b"\x4c\x6f")
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_DECLARED: Final = re.compile(
    rb"<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"'>]*)[\"']",
)
_DOCTYPE: Final = b"<!DOCTYPE"

# Local names only in the plain shape that schemas use, so that no value can pose as a name.
_ELEMENT: Final = re.compile(r"Element '(?:\{[^}']*\})?([A-Za-z_][A-Za-z0-9_.-]{0,63})'")

_MALFORMED: Final = "the XML is not well formed"
_SYNTAX_WORDS: Final[dict[str, str]] = {
    "ERR_DOCUMENT_EMPTY": "there is no XML element",
    "ERR_DOCUMENT_END": "something follows the end of the root element",
    "ERR_TAG_NAME_MISMATCH": "an end tag does not match its start tag",
    "ERR_TAG_NOT_FINISHED": "the document ends inside an element",
    "ERR_ATTRIBUTE_REDEFINED": "an attribute occurs twice",
    "ERR_INVALID_CHAR": "a character is not allowed in XML",
    "ERR_UNDECLARED_ENTITY": "an entity is not one of the five that XML has",
    "ERR_RESOURCE_LIMIT": f"elements are nested deeper than {DEPTH_LIMIT}, or a text is too long",
    "NS_ERR_UNDEFINED_NAMESPACE": "a namespace prefix is not declared",
}

_SCHEMA_WORDS: Final[dict[str, str]] = {
    "SCHEMAV_ELEMENT_CONTENT": "is not expected here, or lacks a child element",
    "SCHEMAV_CVC_ELT_1": "is not the root element that the schema declares",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "is too long",
    "SCHEMAV_CVC_MINLENGTH_VALID": "is too short or empty",
    "SCHEMAV_CVC_PATTERN_VALID": "does not have the form required",
    "SCHEMAV_CVC_ENUMERATION_VALID": "is not one of the codes allowed",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "is not a value of its type",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "has too many decimal places",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "has too many digits",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "is less than allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "has an attribute that is not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "has an attribute that is not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "may not hold text",
}


_SWITCHES: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,
    "remove_pis": True,
    "collect_ids": False,
}


def parse(source: bytes | BinaryIO, limit_bytes: int) -> etree._Element:
    """Read one bounded message into a whole tree and return its root element.

    Refuses with BODY_TOO_LARGE, CHARACTER_SET, XML_FORBIDDEN or XML_NOT_WELL_FORMED.
    """
    content = source if isinstance(source, bytes) else _read_up_to(source, limit_bytes + 1)
    if len(content) > limit_bytes:
        raise _too_large(limit_bytes)
    parser = new_parser(_encoding_of(content))
    _root_offset(content)
    with _refusing():
        root = etree.fromstring(content, parser)
    info: Any = root.getroottree().docinfo
    if info.doctype:  # the second lock on that door
        raise _doctype()
    if next(root.iter(XINCLUDE), None) is not None:
        raise _xinclude()
    return root


def stream(
    source: BinaryIO,
    tags: Collection[str],
    schema: etree.XMLSchema | None = None,
    *,
    limit_bytes: int,
    gap_limit_bytes: int = GAP_LIMIT_BYTES,
) -> Iterator[etree._Element]:
    """Yield each element with one of `tags` (`{namespace}name`) when it is complete.

    After the consumer asks for the next, the element's content and everything before it are let go,
    so that memory does not grow with the body; tags must not nest in each other. With a schema, an element
    is yielded only while everything up to its end is valid; what follows may still be refused, so
    the consumer keeps nothing until the iteration has ended. libxml2 with a schema says nothing of
    a document that ends early: then the root element's tag must be among `tags`, and a consumer
    that has not seen it end refuses the document.
    Refuses as `parse` does, and with XML_NOT_VALID where the schema is broken or
    `gap_limit_bytes` pass without such an element.
    """
    content = _read_prolog(source)
    parser = etree.XMLPullParser(
        events=("end",),
        tag=[*tags, XINCLUDE],
        encoding=_encoding_of(content),
        schema=schema,
        **_SWITCHES,
    )
    total = gap = 0
    line = 1
    while content:
        total += len(content)
        if total > limit_bytes:
            raise _too_large(limit_bytes)
        gap += len(content)
        last_line = line + content.count(b"\n")
        with _refusing():
            parser.feed(content)
        _check_feed(parser, line, last_line)
        line = last_line
        for _, completed in parser.read_events():
            element: Any = completed
            if element.tag.startswith(XINCLUDE[:-1]):
                raise _xinclude()
            gap = 0
            yield element
            _release(element)
        if gap > gap_limit_bytes:
            raise Refused(
                Reason.XML_NOT_VALID,
                f"Line {line}: no record ended in the last {gap_limit_bytes} bytes.",
            )
        content = source.read(CHUNK_BYTES)
    with _refusing():
        parser.close()


def conform(element: etree._Element, schema: etree.XMLSchema) -> None:
    """Check an element against a schema; refuse with XML_NOT_VALID, naming the first findings."""
    if schema.validate(element):
        return
    log = cast("Iterable[Any]", schema.error_log)
    raise _not_valid((f"Line {entry.line}", entry) for entry in log)


def load_schema(path: Path) -> etree.XMLSchema:
    """Compile one of our own XSD files; what it includes is read from the same folder only.

    A schema keeps the errors of its last validation: it belongs to one thread.
    Raises ValueError where a file includes anything but a file of its own folder.
    """
    _check_includes(path, set())
    return etree.XMLSchema(etree.parse(str(path), new_parser()))


def new_parser(encoding: str = "UTF-8") -> etree.XMLParser:
    """Make a parser with everything dangerous off, for one thread.

    It does not refuse a document type declaration: give it only what `parse` has let through.
    """
    return etree.XMLParser(encoding=encoding, **_SWITCHES)


def text_of(element: etree._Element) -> str:
    """Return the full text content of an element, whatever comments stand inside it."""
    if len(element) == 0:
        return element.text or ""
    # `str` because lxml's strings remember their parent, and with it the whole tree.
    return "".join(str(part) for part in element.itertext())


def _check_includes(path: Path, seen: set[Path]) -> None:
    """Demand that a schema, and what it includes, names only files of its own folder.

    Checked beforehand, and not by a resolver of lxml: those are installed for the whole process
    while a thread parses, so that another thread may find its own one gone.
    """
    seen.add(path)
    root = etree.fromstring(path.read_bytes(), new_parser())
    for tag in ("include", "import", "redefine"):
        for named in root.iter(f"{{http://www.w3.org/2001/XMLSchema}}{tag}"):
            included = path.parent / named.get("schemaLocation", "")
            if included.parent != path.parent or not included.is_file():
                raise ValueError(f"{path.name} includes what is no file of its folder.")
            if included not in seen:
                _check_includes(included, seen)


def _read_up_to(source: BinaryIO, limit: int) -> bytes:
    """Read at most `limit` bytes, also from a stream that returns short reads."""
    parts: list[bytes] = []
    left = limit
    while left > 0 and (part := source.read(min(left, 1024 * 1024))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _read_prolog(source: BinaryIO) -> bytes:
    """Read until the root element begins, refusing what may not stand before it."""
    content = _read_up_to(source, CHUNK_BYTES)
    if not content:
        raise Refused(Reason.XML_NOT_WELL_FORMED, "Line 1: there is no XML element.")
    _encoding_of(content)
    while _root_offset(content) is None:
        if len(content) > PROLOG_LIMIT_BYTES:
            raise Refused(
                Reason.XML_NOT_WELL_FORMED,
                f"The root element does not begin in the first {PROLOG_LIMIT_BYTES} bytes.",
            )
        more = source.read(CHUNK_BYTES)
        if not more:
            break
        content += more
    return content


def _encoding_of(content: bytes) -> str:
    """Return the encoding to parse with: the declared one, or UTF-8 (XML 1.0, section 4.3.3)."""
    marked = content.startswith(_BOM_UTF8)
    if content.startswith(_OTHER_SETS):
        raise Refused(Reason.CHARACTER_SET, "The file is not in UTF-8.")
    declaration = _DECLARED.match(content, len(_BOM_UTF8) if marked else 0, 1024)
    if declaration is None:
        return "UTF-8"
    name = declaration[1].decode("ascii", "replace").lower()
    if name not in ENCODINGS or (marked and name != "utf-8"):
        raise Refused(
            Reason.CHARACTER_SET,
            "Line 1: the encoding declared is not UTF-8, US-ASCII, ISO-8859-1 or windows-1252, "
            "or is not the one that the file has.",
        )
    return name.upper()


def _root_offset(content: bytes) -> int | None:
    """Return where the root element begins, or nothing where that cannot be seen yet.

    Refuses a document type declaration, which can stand only before the root element (XML 1.0,
    production 22): lxml with entities off would accept it and drop an entity's text in silence.
    """
    at = len(_BOM_UTF8) if content.startswith(_BOM_UTF8) else 0
    while True:
        space = _SPACE.match(content, at)
        at = space.end() if space else at
        if content.startswith(_DOCTYPE, at):
            raise _doctype()
        if content.startswith(b"<!--", at):
            start, end = at + 4, b"-->"
        elif content.startswith(b"<?", at):
            start, end = at + 2, b"?>"
        else:
            # What is shorter than the name of a declaration could still become one.
            return at if len(content) - at > len(_DOCTYPE) else None
        found = content.find(end, start)
        if found < 0:
            return None
        at = found + len(end)


def _check_feed(parser: Any, line: int, last_line: int) -> None:
    """Refuse what libxml2 would only report at the end: schema and namespace errors."""
    entries = [entry for entry in parser.feed_error_log if entry.level >= etree.ErrorLevels.ERROR]
    if not entries:
        return
    place = f"Line {line}" if line == last_line else f"Between lines {line} and {last_line}"
    _forget_messages()
    if entries[0].domain == etree.ErrorDomains.SCHEMASV:
        raise _not_valid((place, entry) for entry in entries)
    words = _SYNTAX_WORDS.get(entries[0].type_name, _MALFORMED)
    raise Refused(Reason.XML_NOT_WELL_FORMED, f"{place}: {words}.")


def _release(element: etree._Element) -> None:
    """Let go of an element's content and of all that stands before it, at every level."""
    tail = element.tail
    element.clear()
    element.tail = tail  # whoever digests what is read has yet to see it
    node: etree._Element | None = element
    while node is not None:
        parent = node.getparent()
        if parent is not None:
            while node.getprevious() is not None:
                del parent[0]
        node = parent


def _not_valid(found: Iterable[tuple[str, Any]]) -> Refused:
    """Tell libxml2's findings in our own words: place, element, rule; one for each element."""
    told: dict[str, str] = {}
    for place, entry in found:
        named = _ELEMENT.match(str(entry.message))
        subject = f"{place}: element {named[1]}" if named else f"{place}: an element"
        words = _SCHEMA_WORDS.get(entry.type_name, "does not follow the schema")
        told.setdefault(subject, words)
    _forget_messages()
    sentences = [f"{subject} {words}." for subject, words in told.items()]
    if len(sentences) > _NAMED_FINDINGS:
        more = len(sentences) - _NAMED_FINDINGS
        sentences = [*sentences[:_NAMED_FINDINGS], f"And {more} more."]
    return Refused(Reason.XML_NOT_VALID, " ".join(sentences))


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn every exception of lxml into a refusal that holds nothing of the document."""
    try:
        yield
    except etree.XMLSyntaxError as error:
        refused = _not_well_formed(error)
    except (etree.LxmlError, ValueError):
        refused = Refused(Reason.XML_NOT_WELL_FORMED, "The XML could not be read.")
    else:
        return
    _forget_messages()
    raise refused from None


def _forget_messages() -> None:
    """Empty the list of a thread's last messages that lxml keeps: they may quote the document."""
    etree.clear_error_log()


def _not_well_formed(error: etree.XMLSyntaxError) -> Refused:
    line, column = error.position
    place = f"Line {line}, column {column}"
    kind = _kind_names().get(getattr(error, "code", 0), "")
    if kind in {"ERR_INVALID_ENCODING", "ERR_UNSUPPORTED_ENCODING", "I18N_CONV_FAILED"}:
        return Refused(
            Reason.CHARACTER_SET,
            f"{place}: the bytes are not in the character set that the file declares.",
        )
    words = _SYNTAX_WORDS.get(kind, _MALFORMED)
    return Refused(Reason.XML_NOT_WELL_FORMED, f"{place}: {words}.")


def _kind_names() -> dict[int, str]:
    kinds = vars(etree.ErrorTypes)
    return {code: name for name, code in kinds.items() if isinstance(code, int)}


def _doctype() -> Refused:
    return Refused(Reason.XML_FORBIDDEN, "There is a document type declaration (DOCTYPE).")


def _xinclude() -> Refused:
    return Refused(Reason.XML_FORBIDDEN, "There is an element of XInclude.")


def _too_large(limit_bytes: int) -> Refused:
    return Refused(Reason.BODY_TOO_LARGE, f"The XML is larger than {limit_bytes} bytes.")
