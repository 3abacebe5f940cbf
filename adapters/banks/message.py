"""The business message inside what a bank sends, found, checked, and given on to be read.

1. The bytes become a tree, with everything dangerous off.
2. The message is found in it: a Document of the namespace expected, alone, or beside its AppHdr
   in a wrapper of any name, which may stand in a SOAP envelope, 1.1 or 1.2.
3. The shape of a signature is checked, whoever signed.
4. Header, document and known extensions must follow their schemas.
5. The signature is verified, and if a trusted signer made it, only what was signed is read on.

If an attacker controls the message, they can have it refused, or accepted as unsigned or as
signed by somebody not trusted, which its notes say; they cannot have anything read as signed
that the signer did not sign.

Sources: ISO 20022 head.001.001.01; SOAP 1.1, section 4; SOAP 1.2 part 1, section 5.
"""

from __future__ import annotations

import threading
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from lxml import etree

from adapters.banks import signature
from adapters.banks.elements import text
from gateway.core.adapter import Body, ReadContext
from gateway.core.hardened_xml import conform, load_schema, parse
from gateway.core.record import Note
from gateway.core.refusal import Reason, Refused

# An answer about a thousand accounts has 2 MB; a whole tree takes ten times its bytes.
LIMIT_BYTES: Final = 16 * 1024 * 1024

HEAD: Final = signature.HEAD
AUTH_001: Final = "{urn:iso:std:iso:20022:tech:xsd:auth.001.001.01}"
AUTH_002: Final = "{urn:iso:std:iso:20022:tech:xsd:auth.002.001.01}"
SUPL_027: Final = "{urn:iso:std:iso:20022:tech:xsd:supl.027.001.01}"
FIN_002: Final = "{urn:fin.002.001.03}"
FIN_012: Final = "{urn:fin.012.001.03}"
FIN_013: Final = "{urn:fin.013.001.04}"
DISPUTED: Final = "{urn:fin.disputed}"
SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
SOAP_12: Final = "{http://www.w3.org/2003/05/soap-envelope}"

_SCHEMAS: Final[dict[str, str]] = {
    HEAD: "head.001.001.01",
    AUTH_001: "auth.001.001.01",
    AUTH_002: "auth.002.001.01",
    SUPL_027: "supl.027.001.01",
    FIN_002: "fin.002.001.03",
    FIN_012: "fin.012.001.03",
    FIN_013: "fin.013.001.04",
    DISPUTED: "disputed",
}

_compiled = threading.local()


class Opened(NamedTuple):
    """A message that may be read: its Document, and what its outcome should say about it."""

    document: etree._Element
    notes: tuple[Note, ...]


class _Place(NamedTuple):
    """Where the message was found; a Document alone has neither wrapper nor header."""

    wrapper: etree._Element | None
    header: etree._Element | None
    document: etree._Element


def open_message(body: Body, context: ReadContext, namespace: str) -> Opened:
    """Return the message of this namespace, admitted by its schemas.

    Refuses with what `hardened_xml.parse` refuses, XML_NOT_VALID and SIGNATURE_NOT_VALID.
    """
    with body.open() as source:
        root = parse(source, LIMIT_BYTES)
    found = _find(root, namespace)
    sealed = None
    if found.wrapper is not None and found.header is not None:
        sealed = signature.inspect(root, found.wrapper, found.header)
        _check_header(found.header, namespace)
    _check_document(found.document, namespace)
    if sealed is None:
        return Opened(found.document, (signature.ABSENT,))
    outcome = signature.verify(sealed, context)
    if outcome.signed is not None:
        found = _find(outcome.signed, namespace)
        _check_document(found.document, namespace)
    return Opened(found.document, (outcome.note,))


def recognises(head: bytes, name: str, other: str) -> bool:
    """Tell whether a body begins as the message `name`: named, and before `other` is.

    An answer's header quotes that of the question, so the one named first counts.
    """
    at = head.find(name.encode())
    before = head.find(other.encode())
    return at >= 0 and (before < 0 or at < before)


def namespace_of(element: etree._Element) -> str:
    """Return the namespace of an element, in braces."""
    return f"{{{etree.QName(element).namespace or ''}}}"


def schema_for(namespace: str) -> etree.XMLSchema:
    """Return our schema of a message, compiled once in each thread that reads."""
    known: dict[str, Any] = vars(_compiled)
    if namespace not in known:
        folder = resources.files("schemas").joinpath("xsd").joinpath("iso20022")
        known[namespace] = load_schema(Path(str(folder)) / f"{_SCHEMAS[namespace]}.xsd")
    schema: etree.XMLSchema = known[namespace]
    return schema


def _find(root: etree._Element, namespace: str) -> _Place:
    place = root
    if root.tag in {f"{SOAP}Envelope", f"{SOAP_12}Envelope"}:
        bodies = root.findall(f"{namespace_of(root)}Body")
        if len(bodies) != 1 or len(bodies[0]) != 1:
            raise Refused(
                Reason.XML_NOT_VALID,
                "The SOAP envelope does not have one Body with one element in it.",
            )
        place = bodies[0][0]
    document = f"{namespace}Document"
    if place.tag == document:
        return _Place(None, None, place)
    if [child.tag for child in place] != [f"{HEAD}AppHdr", document]:
        raise Refused(
            Reason.XML_NOT_VALID,
            f"Line {place.sourceline}: there is no {_SCHEMAS[namespace]} Document here, "
            "alone or after its AppHdr.",
        )
    return _Place(place, place[0], place[1])


def _check_header(header: etree._Element, namespace: str) -> None:
    conform(header, schema_for(HEAD))
    if text(header, "MsgDefIdr") != _SCHEMAS[namespace]:
        raise Refused(
            Reason.XML_NOT_VALID,
            f"Line {header.sourceline}: MsgDefIdr in the AppHdr names another message than "
            "the Document is.",
        )


def _check_document(document: etree._Element, namespace: str) -> None:
    conform(document, schema_for(namespace))
    for path in (f".//{namespace}Rslt/*", f".//{namespace}Envlp/*"):
        for extension in document.iterfind(path):
            known = namespace_of(extension)
            if known in _SCHEMAS:
                conform(extension, schema_for(known))
