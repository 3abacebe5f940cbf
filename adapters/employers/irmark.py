"""HMRC's generic IRmark, computed while a message is read, in memory that does not grow with it.

The IRmark is the base64 of the SHA-1 of the GovTalk Body without its IRmark element, in Canonical
XML 1.0: with every namespace that is in scope at Body, and with the white space that stood around
the element. It says that the bytes are those the software sent; it is no signature.

The body is digested piece by piece, as `hardened_xml.stream` gives its elements: what stands
between two of them, then the element itself. A processing instruction inside Body is dropped while
parsing, and so makes another mark; HMRC's schemas have none.

Sources: HMRC, IRmark for Gateway Protocol Services (generic), v1.2; Canonical XML 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NamedTuple

from lxml import etree

from gateway.core.hardened_xml import new_parser
from gateway.core.refusal import Reason, Refused

# In canonical form every value stands between double quotes, and none holds another.
_START: Final = re.compile(rb'<([^ >]+)((?: [^ =]+="[^"]*")*)>')
_ATTRIBUTE: Final = re.compile(rb' [^ =]+="[^"]*"')
_DEFAULT: Final = b" xmlns="
_NAMESPACE: Final = (_DEFAULT, b" xmlns:")


class _Open(NamedTuple):
    """An element whose start was digested and whose end was not; what is in scope inside it."""

    element: etree._Element
    name: bytes
    scope: frozenset[bytes]


class IRmark:
    """The digest of one Body, from its first element to its last."""

    def __init__(self) -> None:
        # SHA-1 because HMRC's mark is one; nothing here relies on it against an attacker.
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._parser = new_parser()
        self._open: list[_Open] = []
        self._last: etree._Element | None = None

    def take(self, element: etree._Element, body: etree._Element) -> None:
        """Digest what of `body` is not yet digested, up to the end of this element.

        Every element of Body that is streamed is given here, in order, before it is let go.
        """
        around = [element]
        while around[-1] is not body:
            parent = around[-1].getparent()
            if parent is None:
                raise Refused(Reason.XML_NOT_VALID, "An element stands outside of Body.")
            around.append(parent)
        try:
            if not self._open:
                self._start(body)
            while self._last is not element:
                self._step(around)
        except etree.LxmlError:
            raise Refused(
                Reason.XML_NOT_VALID, "The body has no canonical form: a namespace is relative."
            ) from None

    def value(self) -> str:
        """The mark of what was digested."""
        return base64.b64encode(self._sha1.digest()).decode()

    def _step(self, around: list[etree._Element]) -> None:
        """Digest one start tag, one end tag or one whole element; the text before it too."""
        last = self._last
        inside = self._open[-1]
        self._text(inside.element.text if last is None else last.tail)
        after = next(iter(inside.element), None) if last is None else last.getnext()
        if after is None:
            self._sha1.update(b"</" + inside.name + b">")
            self._open.pop()
            self._last = inside.element
        elif after is not around[0] and any(after is one for one in around):
            self._start(after)
        else:
            start, rest, _ = self._canonical(after)
            self._sha1.update(start + rest)
            self._last = after

    def _start(self, element: etree._Element) -> None:
        start, _, scope = self._canonical(element)
        self._sha1.update(start)
        self._open.append(_Open(element, start[1:-1].partition(b" ")[0], scope))
        self._last = None

    def _text(self, text: str | None) -> None:
        if text:
            escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            self._sha1.update(escaped.replace("\r", "&#xD;").encode())

    def _canonical(self, element: etree._Element) -> tuple[bytes, bytes, frozenset[bytes]]:
        """An element's canonical start tag where it stands, what follows it, and its scope.

        It is written and parsed once more, because libxml2 puts only whole documents into canonical
        form faithfully. As a document it declares everything in scope: what its parent has declared
        is taken out again.
        """
        alone = etree.fromstring(etree.tostring(element, with_tail=False), self._parser)
        canonical = etree.tostring(alone, method="c14n")
        start = _START.match(canonical)
        assert start is not None
        attributes = _ATTRIBUTE.findall(start[2])
        scope = frozenset(one for one in attributes if one.startswith(_NAMESPACE))
        known = self._open[-1].scope if self._open else frozenset()
        own = [one for one in attributes if one not in known]
        undeclared = any(one.startswith(_DEFAULT) for one in known) and not any(
            one.startswith(_DEFAULT) for one in scope
        )
        head = [b"<", start[1], b' xmlns=""' if undeclared else b"", *own, b">"]
        return b"".join(head), canonical[start.end() :], scope


def cut(mark: etree._Element) -> None:
    """Take an IRmark element out, and leave the white space that stood around it."""
    before, parent = mark.getprevious(), mark.getparent()
    assert parent is not None
    if before is not None:
        before.tail = (before.tail or "") + (mark.tail or "")
    else:
        parent.text = (parent.text or "") + (mark.tail or "")
    mark.tail = None
    parent.remove(mark)
