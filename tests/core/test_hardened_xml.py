"""Hostile XML, case by case: refused with a reason, nothing opened, nothing fetched, no value told.

libxml2 opens files and sockets below Python, where an audit hook sees nothing. So a file that the
cases name is watched through inotify, and the address they name is a listener of our own.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.core import hardened_xml
from gateway.core.refusal import Reason, Refused
from tests.core.conftest import MARK, Read, streamed, whole

REPOSITORY = Path(__file__).parents[2]


class Watch:
    """Sees whether anything named in a document was opened, fetched or connected to."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "secret.txt"
        self.secret.write_text("SECRET")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/secret.dtd"
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify = libc.inotify_init1(os.O_NONBLOCK)
        opened = 0x20
        assert libc.inotify_add_watch(self._inotify, bytes(self.secret), opened) > 0

    def touched(self) -> list[str]:
        found = []
        try:
            self.listener.accept()[0].close()
            found.append("network")
        except BlockingIOError:
            pass
        try:
            os.read(self._inotify, 4096)
            found.append("file")
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        os.close(self._inotify)
        self.listener.close()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    if sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    made = Watch(tmp_path)
    yield made
    made.close()


AUDITED: list[str] = []
_auditing = False


def _audit(event: str, _args: object) -> None:
    if _auditing and event in {"open", "socket.connect", "urllib.Request", "subprocess.Popen"}:
        AUDITED.append(event)


sys.addaudithook(_audit)


HOSTILE: dict[str, tuple[str, Reason]] = {
    "external entity in a file": (
        '<!DOCTYPE r [<!ENTITY x SYSTEM "{file}">]><r><row>&x;</row></r>',
        Reason.XML_FORBIDDEN,
    ),
    "external entity on the network": (
        '<!DOCTYPE r [<!ENTITY x SYSTEM "{url}">]><r><row>&x;</row></r>',
        Reason.XML_FORBIDDEN,
    ),
    "external parameter entity": (
        '<!DOCTYPE r [<!ENTITY % x SYSTEM "{url}"> %x;]><r><row/></r>',
        Reason.XML_FORBIDDEN,
    ),
    "external DTD": ('<!DOCTYPE r SYSTEM "{file}"><r><row/></r>', Reason.XML_FORBIDDEN),
    "external DTD on the network": (
        '<!DOCTYPE r PUBLIC "-//x//y" "{url}"><r><row/></r>',
        Reason.XML_FORBIDDEN,
    ),
    "internal DTD without entities": (
        "<!DOCTYPE r [<!ELEMENT r ANY>]><r><row/></r>",
        Reason.XML_FORBIDDEN,
    ),
    "empty DTD": ("<!DOCTYPE r><r><row/></r>", Reason.XML_FORBIDDEN),
    "DTD after comments and instructions": (
        "<?xml version='1.0'?><!-- > --><?pi <r> ?>\n<!DOCTYPE r><r><row/></r>",
        Reason.XML_FORBIDDEN,
    ),
    "DTD after a byte-order mark": ("\ufeff<!DOCTYPE r><r><row/></r>", Reason.XML_FORBIDDEN),
    "DTD beyond the first chunk": (
        "<!--" + " " * 20_000 + "--><!DOCTYPE r><r><row/></r>",
        Reason.XML_FORBIDDEN,
    ),
    "DTD after the root": ("<r><row/></r><!DOCTYPE r>", Reason.XML_NOT_WELL_FORMED),
    "entity expansion": (
        '<!DOCTYPE r [<!ENTITY a "xxxxxxxxxx">'
        + "".join(
            f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "]><r><row>&i;</row></r>",
        Reason.XML_FORBIDDEN,
    ),
    "entity expansion in an attribute": (
        '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><r><row v="&b;"/></r>',
        Reason.XML_FORBIDDEN,
    ),
    "undeclared entity": ("<r><row>&unknown;</row></r>", Reason.XML_NOT_WELL_FORMED),
    "XInclude of a file": (
        '<r><row><include xmlns="http://www.w3.org/2001/XInclude" href="{file}"/></row></r>',
        Reason.XML_FORBIDDEN,
    ),
    "XInclude of the network": (
        '<r><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{url}"/><row/></r>',
        Reason.XML_FORBIDDEN,
    ),
    "XInclude fallback": (
        '<r><fallback xmlns="http://www.w3.org/2001/XInclude"/><row/></r>',
        Reason.XML_FORBIDDEN,
    ),
    "nesting of 10,000": (
        "<r>" + "<a>" * 10_000 + "</a>" * 10_000 + "</r>",
        Reason.XML_NOT_WELL_FORMED,
    ),
    "nesting just beyond the limit": (
        "<a>" * 257 + "</a>" * 257,
        Reason.XML_NOT_WELL_FORMED,
    ),
    "NUL": ("<r><row>\0</row></r>", Reason.XML_NOT_WELL_FORMED),
    "control character by reference": ("<r><row>&#1;</row></r>", Reason.XML_NOT_WELL_FORMED),
    "lone surrogate by reference": ("<r><row>&#xD800;</row></r>", Reason.XML_NOT_WELL_FORMED),
    "truncated in an element": ("<r><row>a</row><row>", Reason.XML_NOT_WELL_FORMED),
    "truncated in a tag": ("<r><row>a</row><ro", Reason.XML_NOT_WELL_FORMED),
    "truncated in the prolog": ("<?xml version='1.0'?><!-- ", Reason.XML_NOT_WELL_FORMED),
    "empty": ("", Reason.XML_NOT_WELL_FORMED),
    "spaces only": ("  \n ", Reason.XML_NOT_WELL_FORMED),
    "no XML": ("PK\x03\x04 a,b,c", Reason.XML_NOT_WELL_FORMED),
    "two roots": ("<r><row/></r><r><row/></r>", Reason.XML_NOT_WELL_FORMED),
    "text after the root": ("<r><row/></r>x", Reason.XML_NOT_WELL_FORMED),
    "an attribute twice": ('<r><row a="1" a="2"/></r>', Reason.XML_NOT_WELL_FORMED),
    "an attribute twice by two prefixes": (
        '<r xmlns:p="u" xmlns:q="u"><row p:a="1" q:a="2"/></r>',
        Reason.XML_NOT_WELL_FORMED,
    ),
    "undeclared prefix": ("<r><p:row/></r>", Reason.XML_NOT_WELL_FORMED),
    "a declaration twice": (
        "<?xml version='1.0'?><?xml version='1.0'?><r><row/></r>",
        Reason.XML_NOT_WELL_FORMED,
    ),
    "UTF-7": ("<?xml version='1.0' encoding='UTF-7'?><r><row/></r>", Reason.CHARACTER_SET),
    "an unknown encoding": ("<?xml version='1.0' encoding='x'?><r/>", Reason.CHARACTER_SET),
    "UTF-16 declared, UTF-8 sent": (
        "<?xml version='1.0' encoding='UTF-16'?><r><row/></r>",
        Reason.CHARACTER_SET,
    ),
    "a mark of UTF-8 and another set declared": (
        "\ufeff<?xml version='1.0' encoding='ISO-8859-1'?><r/>",
        Reason.CHARACTER_SET,
    ),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_xml_is_refused_and_touches_nothing(name: str, read: Read, watch: Watch) -> None:
    global _auditing  # noqa: PLW0603 - an audit hook cannot be taken away again
    template, reason = HOSTILE[name]
    content = template.replace("{file}", str(watch.secret)).replace("{url}", watch.url)
    AUDITED.clear()
    _auditing = True
    try:
        with pytest.raises(Refused) as refused:
            read(content.encode())
    finally:
        _auditing = False
    assert refused.value.reason is reason
    assert AUDITED == []
    assert watch.touched() == []


BYTES: dict[str, bytes] = {
    "UTF-16 with a mark": "<r><row>é</row></r>".encode("utf-16"),
    "UTF-16 without a mark": "<r><row>é</row></r>".encode("utf-16-le"),
    "UTF-16 big-endian": "<?xml version='1.0' encoding='UTF-16'?><r/>".encode("utf-16-be"),
    "UTF-32": "<r><row>é</row></r>".encode("utf-32"),
    "EBCDIC": "<?xml version='1.0'?><r/>".encode("cp037"),
    "bytes that are not UTF-8": b"<r><row>\xff\xfe</row></r>",
    "an overlong form of UTF-8": b"<r><row>\xc0\xbc</row></r>",
    "a surrogate in UTF-8": b"<r><row>\xed\xa0\x80</row></r>",
    "a high byte in US-ASCII": b"<?xml version='1.0' encoding='US-ASCII'?><r><row>\xe9</row></r>",
}


@pytest.mark.parametrize("name", sorted(BYTES))
def test_other_character_sets_are_refused(name: str, read: Read) -> None:
    with pytest.raises(Refused) as refused:
        read(BYTES[name])
    assert refused.value.reason is Reason.CHARACTER_SET


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UTF-8", "utf-8"), ("utf-8", "utf-8"), ("ISO-8859-1", "latin-1"), ("windows-1252", "cp1252")],
)
def test_the_character_sets_of_business_files_are_read(
    declared: str, codec: str, read: Read
) -> None:
    content = f"<?xml version='1.0' encoding='{declared}'?><r><row>Zoë £5</row></r>"
    assert read(content.encode(codec)) == ["Zoë £5"]


def test_a_mark_of_utf_8_is_allowed(read: Read) -> None:
    assert read("\ufeff<r><row>é</row></r>".encode()) == ["é"]


def test_the_word_doctype_is_allowed_where_it_declares_nothing(read: Read) -> None:
    content = b"<!-- <!DOCTYPE r> --><?p <!DOCTYPE r> ?><r><row><![CDATA[<!DOCTYPE r>]]></row></r>"
    assert read(content) == ["<!DOCTYPE r>"]


def test_a_schema_location_is_never_fetched(read: Read, watch: Watch) -> None:
    content = (
        '<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:x {watch.url}" '
        f'xsi:noNamespaceSchemaLocation="{watch.secret}"><row>a</row></r>'
    )
    assert read(content.encode()) == ["a"]
    assert watch.touched() == []


@pytest.mark.parametrize(
    "inside",
    ["GB4<!-- -->5", "GB<?p?>45", "<![CDATA[GB]]>45", "GB&#52;5", "<!-- a -->GB45<!-- b -->"],
)
def test_no_comment_or_instruction_cuts_a_text(inside: str, read: Read) -> None:
    assert read(f"<r><row>{inside}</row></r>".encode()) == ["GB45"]


def test_the_text_of_a_tree_made_elsewhere_is_whole_too() -> None:
    kept = etree.fromstring("<a>x<!-- c -->y<b>z</b>!<?p q?>?</a>")
    assert hardened_xml.text_of(kept) == "xyz!?"


def test_a_great_many_attributes_take_no_great_time(read: Read) -> None:
    attributes = " ".join(f'a{n}=""' for n in range(100_000))
    assert read(f"<r><row {attributes}/></r>".encode()) == [""]


@pytest.mark.parametrize("content", [f"<r><row>{MARK}</r>", f'<r><row a="{MARK}" a=""/></r>',
                                     f"<r><row>&{MARK};</row></r>", f"<r><row>{MARK}\0</row></r>"])  # fmt: skip
def test_a_refusal_never_tells_a_value(content: str, read: Read) -> None:
    with pytest.raises(Refused) as refused:
        read(content.encode())
    assert MARK not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_refusal_names_line_and_column() -> None:
    with pytest.raises(Refused) as refused:
        whole(b"<r>\n  <row>a</rows>\n</r>")
    assert refused.value.detail == "Line 2, column 16: an end tag does not match its start tag."


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read_one in (whole, streamed):
        try:
            read_one(content)
        except Refused:
            continue


@given(st.lists(st.sampled_from(
    ["<r>", "</r>", "<row>", "</row>", "<!--", "-->", "<?p", "?>", "<!DOCTYPE r", ">", "&a;", "x",
     "<![CDATA[", "]]>", " ", "<row/>"]), max_size=12))  # fmt: skip
def test_whole_and_streamed_agree(pieces: list[str]) -> None:
    outcomes = []
    for read_one in (whole, streamed):
        try:
            outcomes.append(read_one("".join(pieces).encode()))
        except Refused as refused:
            outcomes.append(refused.reason)
    assert outcomes[0] == outcomes[1]
