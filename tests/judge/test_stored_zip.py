"""Archives that are not in the form of a pack are refused, whoever made them."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable

import pytest

from gateway.judge.pack import MAX_PACK_BYTES, verify_pack
from tests.judge.packs import MADE_AT, Story, files_of, said, unanswered, zipped


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return unanswered(tmp_path_factory.mktemp("ring") / "keys")


def link(info: zipfile.ZipInfo) -> None:
    if info.filename == "checkpoint":
        info.external_attr = (stat.S_IFLNK | 0o777) << 16


def packed(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_DEFLATED


def dated(info: zipfile.ZipInfo) -> None:
    info.date_time = (2025, 1, 1, 0, 0, 0)


def explained(info: zipfile.ZipInfo) -> None:
    info.comment = b"Believe me."


def extended(info: zipfile.ZipInfo) -> None:
    info.extra = b"\x01\x00\x00\x00"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (link, "'checkpoint', which is not an ordinary file"),
        (packed, "compressed"),
        (dated, "another time"),
        (explained, "in another form"),
        (extended, "in another form"),
    ],
)
def test_other_forms_of_archive_are_refused(
    story: Story, change: Callable[[zipfile.ZipInfo], None], expected: str
) -> None:
    data = zipped(files_of(story.bytes()), change)
    assert expected in said(verify_pack(data, story.key.vkey))


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "a\\x", "CHECKPOINT", "a/b/c", "a/"]
)
def test_names_that_are_paths_elsewhere_are_refused(story: Story, name: str) -> None:
    data = zipped({name: b""} | files_of(story.bytes()))
    assert "name cannot be in a pack" in said(verify_pack(data, story.key.vkey))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(story: Story) -> None:
    stream = io.BytesIO(story.bytes())
    with zipfile.ZipFile(stream, "a") as archive:
        info = zipfile.ZipInfo("checkpoint", MADE_AT.timetuple()[:6])
        info.create_system, info.external_attr = 3, 0o100644 << 16
        archive.writestr(info, b"another")
    assert "two members of the name 'checkpoint'" in said(
        verify_pack(stream.getvalue(), story.key.vkey)
    )


def test_a_bomb_is_refused_before_it_goes_off(story: Story) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("summary.html", bytes(100 * 1024 * 1024))
    assert len(stream.getvalue()) < 1024 * 1024
    assert "compressed" in said(verify_pack(stream.getvalue(), story.key.vkey))
    large = bytes(MAX_PACK_BYTES + 1)
    assert "larger than" in said(verify_pack(large, story.key.vkey))
