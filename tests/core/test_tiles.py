"""Tile paths and entry bundles, with the examples of c2sp.org/tlog-tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tiles import (
    MAX_INDEX,
    Tile,
    TileError,
    decode_entries,
    encode_entries,
    parse_path,
    tile_width,
    tiles_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(None, 67, 8), "tile/entries/067.p/8"),
        (Tile(3, 1000, 255), "tile/3/x001/000.p/255"),
        (Tile(0, 999), "tile/0/999"),
    ],
)
def test_paths(tile, path):
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/0/x000/067", "tile/0/001/067", "tile/0/x001", "tile/0/x001/x067", "/tile/0/000",
        "tile/0/000/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/",
        "tile/entry/000", "tile/0/../000", "tile/0/000\n", "tile/0/\u0660\u0660\u0660",
        "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/000.p/7/7", "checkpoint",
    ],
)  # fmt: skip
def test_other_spellings_are_refused(path):
    with pytest.raises(TileError):
        parse_path(path)


@given(
    st.none() | st.integers(0, 63),
    st.integers(0, MAX_INDEX - 1),
    st.integers(1, 256),
)
def test_every_path_reads_back(level, index, width):
    tile = Tile(level, index, width)
    assert parse_path(tile.path) == tile


@given(st.text(alphabet="tile/entries0123456789x.p", max_size=40))
def test_a_path_has_one_spelling(path):
    try:
        tile = parse_path(path)
    except TileError:
        return
    assert tile.path == path


def test_the_tiles_of_the_specifications_example():
    tiles = [tile for tile in tiles_of(70_000) if tile.level is not None]
    assert len([tile for tile in tiles if tile.level == 0 and tile.width == 256]) == 273
    assert [tile for tile in tiles if tile.width < 256] == [
        Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1),
    ]  # fmt: skip
    assert next(tile for tile in tiles if tile.level == 1) == Tile(1, 0, 256)
    assert list(tiles_of(256)) == [Tile(None, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


def test_widths():
    assert tile_width(0, 0, 256) == 256
    assert tile_width(0, 1, 256) == 0
    assert tile_width(None, 1, 257) == 1
    assert tile_width(1, 0, 255) == 0
    assert tile_width(1, 0, 513) == 2


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entries_read_back(entries):
    bundle = encode_entries(entries)
    assert decode_entries(bundle, len(entries)) == entries
    with pytest.raises(TileError):
        decode_entries(bundle + b"\x00", len(entries))
    with pytest.raises(TileError):
        decode_entries(bundle, len(entries) + 1)
    if bundle:
        with pytest.raises(TileError):
            decode_entries(bundle[:-1], len(entries))


def test_an_entry_is_bounded_by_its_length_field():
    assert decode_entries(encode_entries([bytes(65_535)]), 1) == [bytes(65_535)]
    with pytest.raises(TileError):
        encode_entries([bytes(65_536)])
