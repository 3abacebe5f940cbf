"""Archives are read as they were made, or refused whole, and never believed."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.limits import ARCHIVE_MEMBERS, MIB
from gateway.core.refusal import Reason, Refused
from gateway.core.zip_archive import ZipArchive
from tests.archives import archive, listed, manifest_of, zipped

names = st.text(
    st.characters(whitelist_categories=("Lu", "Ll", "Nd"), whitelist_characters="._-"),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in {".", "..", "manifest.json"})


def read(data: bytes, limit: int = 100 * MIB) -> dict[str, bytes]:
    opened = ZipArchive(io.BytesIO(data), limit)
    for member in opened.members:
        for _ in opened.check(member):
            pass
    return {member.listed.name: b"".join(opened.read(member)) for member in opened.members}


def refused(data: bytes, limit: int = 100 * MIB) -> Refused:
    with pytest.raises(Refused) as caught:
        read(data, limit)
    return caught.value


@given(
    files=st.dictionaries(names, st.binary(max_size=300), min_size=1, max_size=8).filter(
        lambda files: len({name.casefold() for name in files}) == len(files)
    )
)
def test_what_was_put_in_comes_out(files: dict[str, bytes]) -> None:
    assert read(archive(files)) == files


@settings(max_examples=300)
@given(at=st.integers(0, 2_000), to=st.integers(0, 255), cut=st.none() | st.integers(0, 2_000))
def test_an_archive_with_a_byte_changed_or_cut_off_is_the_same_or_refused(
    at: int, to: int, cut: int | None
) -> None:
    files = {"a.csv": b"one,two\r\n" * 9, "b.csv": b"three" * 40}
    data = bytearray(archive(files))
    data[at % len(data)] = to
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that occur twice
        try:
            found = read(bytes(data[:cut]))
        except Refused:
            return
    assert found == files


@given(junk=st.binary(max_size=400))
def test_junk_is_refused(junk: bytes) -> None:
    for data in (junk, b"PK\x03\x04" + junk, junk + b"PK\x05\x06" + bytes(18)):
        assert refused(data).reason is Reason.ARCHIVE_NOT_VALID


DATA = b"a,b\r\n"
BAD_NAMES = ["../a.csv", "/a.csv", "a/../../b.csv", "..", "a//b.csv", "./a.csv", "a\\b.csv",
             "a\u202eb.csv", "a\nb.csv", " a.csv", "x" * 201, "a/" * 9 + "b", "\x7f"]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_or_hides_is_refused_in_both_places(name: str) -> None:
    in_both = zipped([(name, DATA)], manifest_of(listed(name, DATA)))
    assert refused(in_both).reason is Reason.ARCHIVE_NOT_VALID
    in_manifest = zipped([("a.csv", DATA)], manifest_of(listed(name, DATA)))
    refusal = refused(in_manifest)
    assert refusal.reason is Reason.ARCHIVE_NOT_VALID
    assert name not in refusal.detail or name in {".", ".."}


LINE = listed("a.csv", DATA)
ONE = [("a.csv", DATA)]


def without(member: str) -> dict[str, Any]:
    return {name: value for name, value in LINE.items() if name != member}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(zipped(ONE, None), id="no manifest"),
        pytest.param(zipped(ONE, b"{"), id="no JSON"),
        pytest.param(zipped(ONE, b"[]"), id="no object"),
        pytest.param(zipped(ONE, b'{"files":[],"files":[]}'), id="a name twice"),
        pytest.param(zipped(ONE, manifest_of()), id="no files"),
        pytest.param(zipped(ONE, manifest_of(LINE, LINE)), id="listed twice"),
        pytest.param(zipped([], manifest_of(LINE)), id="listed and not there"),
        pytest.param(zipped([*ONE, ("b.csv", DATA)], manifest_of(LINE)), id="there, not listed"),
        pytest.param(zipped(ONE, manifest_of(LINE | {"sha256": "0" * 63})), id="short digest"),
        pytest.param(zipped(ONE, manifest_of(LINE | {"sha256": "A" * 64})), id="capitals"),
        pytest.param(zipped(ONE, manifest_of(LINE | {"note": "x"})), id="unknown member"),
        pytest.param(zipped(ONE, manifest_of(without("media_type"))), id="no media type"),
        pytest.param(
            zipped(ONE, manifest_of(LINE | {"media_type": "Application/ZIP; a=b"})), id="zip in zip"
        ),
        pytest.param(zipped(ONE, manifest_of(LINE), zipfile.ZIP_BZIP2), id="bzip2"),
        pytest.param(zipped(ONE, manifest_of(LINE), zipfile.ZIP_LZMA), id="lzma"),
        pytest.param(b"MZ" + zipped(ONE, manifest_of(LINE)), id="something before it"),
        pytest.param(zipped(ONE, manifest_of(LINE | {"name": "manifest.json"})), id="itself"),
        pytest.param(zipped(ONE, bytes(2 * MIB), zipfile.ZIP_STORED), id="a manifest too large"),
    ],
)
def test_an_archive_and_a_manifest_that_do_not_fit_are_refused(data: bytes) -> None:
    assert refused(data).reason is Reason.ARCHIVE_NOT_VALID


def test_the_words_of_the_manifest_are_not_repeated() -> None:
    told = refused(zipped(ONE, manifest_of(LINE | {"media_type": 5, "secret-name": 1}))).detail
    assert "secret" not in told


def test_a_file_that_is_another_than_the_digest_says_is_refused() -> None:
    data = zipped(ONE, manifest_of(listed("a.csv", b"other")))
    refusal = refused(data)
    assert refusal.reason is Reason.DIGEST_MISMATCH
    assert "File 1" in refusal.detail


def test_two_names_that_differ_in_capitals_are_refused() -> None:
    files = {"a.csv": DATA, "A.CSV": DATA}
    assert refused(archive(files)).reason is Reason.ARCHIVE_NOT_VALID


def test_links_are_refused_and_folders_are_not() -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = 0o120777 << 16
    assert refused(zipped([(link, b"/etc/passwd")], manifest_of(LINE))).reason
    data = zipped([("in/", b""), ("in/a.csv", DATA)], manifest_of(LINE | {"name": "in/a.csv"}))
    assert read(data) == {"in/a.csv": DATA}


def test_what_is_encrypted_is_refused() -> None:
    data = bytearray(archive({"a.csv": DATA}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refused(bytes(data)).detail


def test_files_that_share_their_bytes_are_refused() -> None:
    """One kernel of compressed bytes that many names point at (a bomb without nesting)."""
    data = bytearray(archive({"a.csv": DATA, "b.csv": DATA}))
    last = data.rindex(b"PK\x01\x02")
    before = data.rindex(b"PK\x01\x02", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    assert "overlap" in refused(bytes(data)).detail


def test_bombs_are_refused_by_ratio_by_sum_and_by_what_really_comes() -> None:
    assert refused(archive({"a.csv": bytes(50 * MIB)})).reason is Reason.DECOMPRESSION_LIMIT
    many = {f"{n}.csv": bytes([n]) * 1_000 for n in range(11)}
    assert refused(archive(many), 10_000).reason is Reason.DECOMPRESSION_LIMIT
    data = bytearray(archive({"a.csv": bytes(100_000)}))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.rindex(mark) + at
        data[place : place + 4] = struct.pack("<I", 10)
    assert refused(bytes(data)).reason is Reason.ARCHIVE_NOT_VALID


def test_so_many_files_and_no_more() -> None:
    most = {f"{n}.csv": b"" for n in range(ARCHIVE_MEMBERS)}
    assert len(read(archive(most))) == ARCHIVE_MEMBERS
    assert refused(archive(most | {"x": b""})).reason is Reason.ARCHIVE_NOT_VALID


def test_a_directory_that_declares_a_gigabyte_is_not_read() -> None:
    data = bytearray(archive({"a.csv": DATA}) + bytes(3 * MIB))
    end = data.rindex(b"PK\x05\x06")
    tail = data[end : end + 22]
    tail[12:16] = struct.pack("<I", end + 2 * MIB)
    tail[16:20] = struct.pack("<I", 0)
    assert refused(bytes(data[: end + 2 * MIB] + tail)).reason is Reason.ARCHIVE_NOT_VALID
