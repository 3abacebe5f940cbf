"""HMRC's Full Payment Submission (FPS) in its GovTalk envelope, as payroll software sends it.

The envelope is judged first: its class, its qualifier, and that its keys, the IRheader's and the
employer's own references agree. Then each Employee is read and let go. At the end the IRmark, if
there is one, has to be that of the body. There is no schema: HMRC publishes one for each tax year,
and what CMS needs stands in all of them, from 13-14 on. Sources: HMRC, RTI specification and IRmark
for Gateway Protocol Services; GovTalk envelope 2.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from adapters.employers.fps_employee import Frame, items_of
from adapters.employers.irmark import IRmark, cut
from gateway.core import identifiers, rules
from gateway.core.adapter import Adapter, Body, ReadContext
from gateway.core.hardened_xml import stream
from gateway.core.identifiers import IdentifierError
from gateway.core.limits import MIB
from gateway.core.record import Item, Note, RowError
from gateway.core.refusal import Reason, Refused
from gateway.core.rules import Rule

ENVELOPE: Final = "{http://www.govtalk.gov.uk/CM/envelope}"
# A payroll of 300,000 has about 1 GB: an employee takes three to four kB.
LIMIT_BYTES: Final = 2048 * MIB

IRMARK_MISMATCH: Final = Rule(
    "IRMARK_MISMATCH",
    "The IRmark is not that of the body: the file was changed after it was made.",
    "Send the file exactly as the payroll software made it, or without its IRmark.",
)
PAYE_REFERENCE_MISMATCH: Final = Rule(
    "PAYE_REFERENCE_MISMATCH",
    "The keys of the envelope or the IRheader name another PAYE scheme than EmpRefs.",
    "Send the file as the payroll software made it, one PAYE scheme to a file.",
)
NOT_A_SUBMISSION: Final = Rule(
    "NOT_A_SUBMISSION",
    "The envelope is not that of a Full Payment Submission.",
    "Send the FPS itself: class HMRC-PAYE-RTI-FPS, qualifier request or response.",
)

_NAMESPACE: Final = re.compile(
    r"\{http://www\.govtalk\.gov\.uk/taxation/PAYE/RTI/FullPaymentSubmission/"
    r"([0-9]{2})-([0-9]{2})/[0-9]{1,2}\}",
)
_YEARS: Final = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)
_FIRST_YEAR: Final = 13
_CLASS: Final = re.compile(r"HMRC-PAYE-RTI-FPS(?:-[A-Z]{1,10})?", re.ASCII)
_QUALIFIERS: Final = frozenset({"request", "response"})
_KEYS: Final = ("TaxOfficeNumber", "TaxOfficeReference")
_ONCE: Final = ("IRheader", "EmpRefs", "RelatedTaxYear")
_STREAMED: Final = (
    *(f"{ENVELOPE}{name}" for name in ("GovTalkMessage", "Header", "GovTalkDetails", "Body")),
    *(f"{{*}}{name}" for name in (*_ONCE, "Employee")),
)

IRMARK_ABSENT: Final = Note(code="IRMARK_ABSENT", message="The file has no IRmark.")
IRMARK_VALID: Final = Note(code="IRMARK_VALID", message="The IRmark is that of the body.")
CREDENTIALS_INCLUDED: Final = Note(
    code="CREDENTIALS_INCLUDED",
    message="The envelope holds the credentials for HMRC. They are not read, but the file is kept "
    "sealed as it came: take SenderDetails out before you send a file here.",
)
GATEWAY_TEST: Final = Note(
    code="GATEWAY_TEST",
    message="The envelope says that it was a test for HMRC (GatewayTest); it was read all the same.",
)
ELEMENTS_NOT_KNOWN: Final = "ELEMENTS_NOT_KNOWN"

# As in `schedule_xml`: possessive, so that a run of comments is tried in one way.
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
    rb"<(?:[A-Za-z_][\w.-]*:)?GovTalkMessage\s[^>]*[\"']"
    rb"http://www\.govtalk\.gov\.uk/CM/envelope[\"']",
    re.DOTALL,
)
_NAMED: Final = (b"/PAYE/RTI/FullPaymentSubmission/", b"HMRC-PAYE-RTI-FPS")


def read(body: Body, _context: ReadContext) -> Iterator[Item]:
    """Yield the records, row errors and notes; memory does not grow with the body.

    Refuses with what `hardened_xml.stream` refuses, with XML_NOT_VALID another structure, and with
    FILE_RULE for what spoils the whole file.
    """
    file = _File()
    with body.open() as source:
        for element in stream(source, _STREAMED, limit_bytes=LIMIT_BYTES):
            yield from file.take(element)
    yield from file.end()


class _File:
    """What was seen of one file so far."""

    def __init__(self) -> None:
        self._mark = IRmark()
        self._sent_mark: str | None = None
        self._prefix = ""
        self._keys: list[tuple[str, str]] = []
        self._seen: set[str] = set()
        self._references: tuple[str, str] | None = None
        self._tax_year = ""
        self._frame: Frame | None = None
        self._row = 1

    def take(self, element: etree._Element) -> Iterator[Item]:
        """Take one of the streamed elements, in the order of the file."""
        name = etree.QName(element).localname
        parent = element.getparent()
        if name == "GovTalkMessage":
            if parent is not None:
                raise _structure("GovTalkMessage is not the root element")
            return
        if name in {"Header", "GovTalkDetails"}:
            self._once(name)
            if parent is not None and parent.tag == f"{ENVELOPE}GovTalkMessage":
                yield from self._header(element)
            return
        body = _body_of(element)
        if element is not body:
            self._check_place(element, name)
            if name == "IRheader":
                self._header_of_body(element)
        if "IRheader" not in self._seen or self._sent_mark is not None:
            self._mark.take(element, body)
        if element is body:
            self._once("Body")
        elif name == "EmpRefs":
            self._take_references(element)
        elif name == "RelatedTaxYear":
            self._tax_year = _tax_year(element.text or "")
        elif name == "Employee":
            yield from self._employee(element)

    def end(self) -> Iterator[Item]:
        """Judge the whole file, once it has ended."""
        if not {"Header", "Body", "EmpRefs"} <= self._seen:
            raise _structure("Header, Body or EmpRefs is missing")
        if self._sent_mark is None:
            yield IRMARK_ABSENT
        elif self._sent_mark != self._mark.value():
            raise _refused(IRMARK_MISMATCH, "IRmark")
        else:
            yield IRMARK_VALID
        if self._frame is not None and self._frame.unknown:
            yield Note(
                code=ELEMENTS_NOT_KNOWN,
                message=f"{len(self._frame.unknown)} kinds of element are not known here, "
                "and were not read.",
            )

    def _header(self, element: etree._Element) -> Iterator[Item]:
        """Judge the envelope; nothing of SenderDetails is read but that there is something."""
        self._keys += _keys_of(element, ENVELOPE)
        if element.tag != f"{ENVELOPE}Header":
            return
        details = f"{ENVELOPE}MessageDetails/{ENVELOPE}"
        if (
            _CLASS.fullmatch(_text(element, details + "Class")) is None
            or _text(element, details + "Qualifier") not in _QUALIFIERS
        ):
            raise _refused(NOT_A_SUBMISSION, "MessageDetails")
        if _text(element, details + "GatewayTest") not in {"", "0"}:
            yield GATEWAY_TEST
        if any((value.text or "").strip() for value in element.iter(f"{ENVELOPE}Value")):
            yield CREDENTIALS_INCLUDED

    def _check_place(self, element: etree._Element, name: str) -> None:
        """Demand one namespace of a year that is known, and the places HMRC's schemas give."""
        prefix = element.tag[: -len(name)]
        if not self._prefix:
            years = _NAMESPACE.fullmatch(prefix)
            if years is None or not _follow(years[1], years[2]):
                raise _structure("the namespace is not that of an FPS from 13-14 on")
            self._prefix = prefix
        parent = element.getparent()
        within = "IRenvelope" if name == "IRheader" else "FullPaymentSubmission"
        if prefix != self._prefix or parent is None or parent.tag != f"{prefix}{within}":
            raise _structure(f"{name} does not stand in {within}, or not in its namespace")
        if name in _ONCE:
            self._once(name)

    def _once(self, name: str) -> None:
        if name in self._seen:
            raise _structure(f"{name} stands there twice")
        self._seen.add(name)

    def _header_of_body(self, header: etree._Element) -> None:
        self._keys += _keys_of(header, self._prefix)
        marks = header.findall(f"{self._prefix}IRmark")
        if len(marks) > 1:
            raise _structure("IRmark stands there twice")
        for mark in marks:
            # White space in it is the software's line breaks; an empty one is none.
            self._sent_mark = "".join((mark.text or "").split()) or None
            cut(mark)

    def _take_references(self, element: etree._Element) -> None:
        office = _text(element, f"{self._prefix}OfficeNo")
        reference = _text(element, f"{self._prefix}PayeRef")
        try:
            whole = identifiers.paye_reference(f"{office}/{reference}")
        except IdentifierError:
            raise _refused(rules.PAYE_REFERENCE_NOT_VALID, "EmpRefs") from None
        office, _, reference = whole.partition("/")
        self._references = office, reference
        own = dict(zip(_KEYS, self._references, strict=True))
        if any(own[kind] != value.upper() for kind, value in self._keys):
            raise _refused(PAYE_REFERENCE_MISMATCH, "EmpRefs")

    def _employee(self, element: etree._Element) -> Iterator[Item]:
        if self._frame is None:
            if self._references is None or "IRheader" not in self._seen:
                raise _structure("IRheader or EmpRefs does not stand before the first Employee")
            year = self._tax_year or _tax_year(self._prefix.rpartition("/")[0][-5:])
            self._frame = Frame(self._prefix, *self._references, year, set())
        for row, items in items_of(element, self._frame, self._row):
            self._row = row + 1
            yield from items


def _body_of(element: etree._Element) -> etree._Element:
    """The Body that an element stands in, which stands in the root element."""
    found: etree._Element | None = element
    while found is not None and found.tag != f"{ENVELOPE}Body":
        found = found.getparent()
    root = None if found is None else found.getparent()
    if found is None or root is None or root.getparent() is not None:
        raise _structure("an element stands outside of the Body of GovTalkMessage")
    if root.tag != f"{ENVELOPE}GovTalkMessage":
        raise _structure("GovTalkMessage is not the root element")
    return found


def _keys_of(element: etree._Element, prefix: str) -> list[tuple[str, str]]:
    """The PAYE scheme's keys; those of other kinds, and empty ones, say nothing."""
    keys = element.iterfind(f"{prefix}Keys/{prefix}Key")
    found = [(key.get("Type", ""), (key.text or "").strip()) for key in keys]
    return [(kind, value) for kind, value in found if kind in _KEYS and value]


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _tax_year(text: str) -> str:
    years = _YEARS.fullmatch(text.strip())
    if years is None or not _follow(years[1], years[2]):
        raise _structure("RelatedTaxYear is not two years that follow each other, from 13-14 on")
    return f"20{years[0]}"


def _follow(first: str, second: str) -> bool:
    return int(first) >= _FIRST_YEAR and (int(first) + 1) % 100 == int(second)


def _structure(what: str) -> Refused:
    return Refused(Reason.XML_NOT_VALID, f"{what[0].upper()}{what[1:]}.")


def _refused(rule: Rule, field: str) -> Refused:
    error = RowError(row=0, field=field, code=rule.code, message=rule.message, fix=rule.fix)
    return Refused(Reason.FILE_RULE, f"{rule.code}: {rule.message}", errors=(error,))


def _recognises(head: bytes) -> bool:
    return _PROLOG.match(head) is not None and any(name in head for name in _NAMED)


FPS: Final = Adapter(
    name="hmrc.fps",
    title="Full Payment Submission in its GovTalk envelope (HMRC, tax years from 13-14 on)",
    media_types=("application/vnd.cms-gateway.hmrc-fps+xml",),
    general_media_types=("application/xml", "text/xml"),
    provider_classes=frozenset({"employer", "occupational_pension"}),
    record_types=frozenset({"employment", "earnings", "pension", "address"}),
    partial=True,
    limit_bytes=LIMIT_BYTES,
    read=read,
    recognises=_recognises,
    mixed=True,
)
