"""Schemas and limits of the XML readers: what is not valid or too much is refused early."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from gateway.core import hardened_xml
from gateway.core.refusal import Reason, Refused
from tests.core.conftest import LIMIT, MARK, Read

REPOSITORY = Path(__file__).parents[2]


SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:include schemaLocation="part.xsd"/>
  <xs:element name="r"><xs:complexType><xs:sequence>
    <xs:element name="row" type="Code" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
PART = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="Code">
  <xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction>
</xs:simpleType></xs:schema>"""


@pytest.fixture
def schema(tmp_path: Path) -> etree.XMLSchema:
    (tmp_path / "main.xsd").write_text(SCHEMA)
    (tmp_path / "part.xsd").write_text(PART)
    return hardened_xml.load_schema(tmp_path / "main.xsd")


def test_what_a_schema_includes_comes_from_its_own_folder(schema: etree.XMLSchema) -> None:
    hardened_xml.conform(hardened_xml.parse(b"<r><row>abc</row></r>", LIMIT), schema)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/part.xsd", "../part.xsd", "/etc/part.xsd"])
def test_a_schema_includes_nothing_from_elsewhere(tmp_path: Path, address: str) -> None:
    (tmp_path / "main.xsd").write_text(SCHEMA.replace("part.xsd", address))
    with pytest.raises((ValueError, etree.XMLSchemaParseError)):
        hardened_xml.load_schema(tmp_path / "main.xsd")


def test_a_schema_error_names_line_element_and_rule(schema: etree.XMLSchema) -> None:
    root = hardened_xml.parse(f"<r>\n<row>{MARK}</row>\n<bad/></r>".encode(), LIMIT)
    with pytest.raises(Refused) as refused:
        hardened_xml.conform(root, schema)
    assert refused.value.reason is Reason.XML_NOT_VALID
    assert refused.value.detail == (
        "Line 2: element row is too long. "
        "Line 3: element bad is not expected here, or lacks a child element."
    )


def test_a_stream_never_yields_what_its_schema_refuses(schema: etree.XMLSchema) -> None:
    rows = ["<row>abc</row>\n"] * 2000
    rows[1500] = f"<row>{MARK}</row>\n"
    content = f"<r>{''.join(rows)}</r>".encode()
    seen: list[str] = []
    rows_read = hardened_xml.stream(io.BytesIO(content), ["row"], schema, limit_bytes=LIMIT)
    with pytest.raises(Refused) as refused:
        seen.extend(hardened_xml.text_of(row) for row in rows_read)
    assert refused.value.reason is Reason.XML_NOT_VALID
    assert 0 < len(seen) <= 1500
    assert set(seen) == {"abc"}
    assert "element row is too long" in refused.value.detail
    assert MARK not in refused.value.detail


def test_a_stream_with_a_schema_gives_all_rows(schema: etree.XMLSchema) -> None:
    content = f"<r>{'<row>abc</row>' * 5000}</r>".encode()
    rows = hardened_xml.stream(io.BytesIO(content), ["row"], schema, limit_bytes=LIMIT)
    assert sum(1 for _ in rows) == 5000


# ----------------------------------------------------------------- limits


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(read: Read) -> None:
    rows = b"<row>a</row>" * 349_524
    body = b"<r>" + rows + b" " * (LIMIT - len(rows) - 7) + b"</r>"
    assert len(body) == LIMIT
    assert len(read(body)) == 349_524
    with pytest.raises(Refused) as refused:
        read(body + b" ")
    assert refused.value.reason is Reason.BODY_TOO_LARGE


def test_a_text_beyond_ten_million_characters_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        hardened_xml.parse(b"<r>" + b"x" * 10_100_000 + b"</r>", 1 << 24)
    assert refused.value.reason is Reason.XML_NOT_WELL_FORMED


def test_nesting_up_to_the_limit_is_read(read: Read) -> None:
    depth = hardened_xml.DEPTH_LIMIT - 2
    assert read(("<a>" * depth + "<row>x</row>" + "</a>" * depth).encode()) == ["x"]


def test_a_stream_without_records_ends_early() -> None:
    content = io.BytesIO(b"<r>" + b"<a/>" * 500_000 + b"</r>")
    with pytest.raises(Refused, match="no record ended"):
        list(hardened_xml.stream(content, ["row"], limit_bytes=LIMIT))
    assert content.tell() < hardened_xml.GAP_LIMIT_BYTES + 2 * hardened_xml.CHUNK_BYTES


def test_a_prolog_without_end_ends_early() -> None:
    content = io.BytesIO(b"<!--" + b" " * 1_000_000)
    with pytest.raises(Refused) as refused:
        list(hardened_xml.stream(content, ["row"], limit_bytes=LIMIT))
    assert refused.value.reason is Reason.XML_NOT_WELL_FORMED
    assert content.tell() < 2 * hardened_xml.PROLOG_LIMIT_BYTES


STREAM_MANY = """
import io, resource, sys
from gateway.core import hardened_xml

class Rows(io.RawIOBase):
    def __init__(self, count):
        self.left, self.rest = count, b"<r>"
    def read(self, size=-1):
        while self.left and len(self.rest) < size:
            self.left -= 1
            self.rest += b"<group><row><name>A. Sample</name><pay>100.00</pay></row></group>\\n"
            if not self.left:
                self.rest += b"</r>"
        given, self.rest = self.rest[:size], self.rest[size:]
        return given

rows = hardened_xml.stream(Rows(int(sys.argv[1])), ["row"], limit_bytes=1 << 40)
assert sum(1 for row in rows if row[0].text == "A. Sample") == int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_memory_of_a_stream_does_not_grow_with_its_rows() -> None:
    def peak_kib(rows: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", STREAM_MANY, str(rows)],
            cwd=REPOSITORY, capture_output=True, check=True, text=True,
        )  # fmt: skip
        return int(done.stdout)

    assert peak_kib(100_000) - peak_kib(10_000) < 2048
