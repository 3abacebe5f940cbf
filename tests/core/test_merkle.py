"""Merkle trees against the reference roots and proofs of Certificate Transparency, and properties.

The leaves, roots and proofs are those of the certificate-transparency project's merkle_tree_test
(github.com/google/certificate-transparency, Apache 2.0); other logs test with them too.
"""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    Levels,
    ProofError,
    TileTree,
    block_path,
    check_consistency,
    consistency_path,
    inclusion_from_tiles,
    inclusion_path,
    leaf_hash,
    leaf_hashes,
    node_hash,
    root_from_block,
    root_from_inclusion,
    subtree_root,
)

INPUTS = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSIONS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CONSISTENCIES = {
    (2, 8): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
LEAVES = leaf_hashes(INPUTS)
MANY = [hashlib.sha256(n.to_bytes(4, "big")).digest() for n in range(70_001)]

sizes = st.integers(1, 2_000)


def recursive_root(leaves):
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(recursive_root(leaves[:k]), recursive_root(leaves[k:]))


def tiles_over(leaves):
    """Return a read_tile over tiles cut from the leaves in memory."""
    rows = [leaves]
    while len(rows[-1]) >= 256:
        row = rows[-1]
        rows.append(
            [recursive_root(row[n : n + 256]) for n in range(0, len(row) // 256 * 256, 256)]
        )

    def read_tile(level, n, width):
        part = rows[level][n * 256 : n * 256 + width]
        assert len(part) == width
        assert width == 256 or n == len(rows[level]) // 256
        return b"".join(part)

    return read_tile


@pytest.mark.parametrize("size", range(9))
def test_reference_roots(size):
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    assert subtree_root(LEAVES[:size]) == ROOTS[size]
    assert Levels(LEAVES[:size]).root == ROOTS[size]
    assert frontier.root() == ROOTS[size]


@pytest.mark.parametrize(("place", "path"), INCLUSIONS.items())
def test_reference_inclusion(place, path):
    index, size = place
    assert [value.hex() for value in inclusion_path(LEAVES[:size], index)] == path


@pytest.mark.parametrize(("growth", "path"), CONSISTENCIES.items())
def test_reference_consistency(growth, path):
    old, size = growth
    assert [value.hex() for value in consistency_path(LEAVES[:size], old)] == path


def test_every_inclusion_of_every_small_tree():
    for size in range(1, 35):
        root = recursive_root(MANY[:size])
        for index in range(size):
            path = inclusion_path(MANY[:size], index)
            assert root_from_inclusion(MANY[index], index, size, path) == root
            with pytest.raises(ProofError):
                root_from_inclusion(MANY[index], index, size, [*path, MANY[0]])
            if path:
                with pytest.raises(ProofError):
                    root_from_inclusion(MANY[index], index, size, path[:-1])


def test_every_consistency_of_every_small_tree():
    roots = [recursive_root(MANY[:size]) for size in range(35)]
    for size in range(35):
        for old in range(size + 1):
            path = consistency_path(MANY[:size], old)
            check_consistency(old, size, roots[old], roots[size], path)
            with pytest.raises(ProofError):
                check_consistency(old, size, roots[old], roots[size], [*path, MANY[0]])
            with pytest.raises(ProofError):
                check_consistency(old, size, MANY[1], roots[size], path)
            if path:
                with pytest.raises(ProofError):
                    check_consistency(old, size, roots[old], MANY[1], path)
                with pytest.raises(ProofError):
                    check_consistency(old, size, roots[old], roots[size], path[:-1])


@given(sizes, st.data())
def test_a_flipped_bit_leads_elsewhere(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(MANY[:size], index)
    whole = bytearray(b"".join([MANY[index], *path]))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    leaf, *steps = [bytes(whole[at : at + 32]) for at in range(0, len(whole), 32)]
    assert root_from_inclusion(leaf, index, size, steps) != subtree_root(MANY[:size])


@given(sizes, st.data())
def test_consistency_is_broken_by_a_flipped_bit(size, data):
    old = data.draw(st.integers(1, size))
    path = consistency_path(MANY[:size], old)
    whole = bytearray(b"".join([subtree_root(MANY[:old]), subtree_root(MANY[:size]), *path]))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    old_root, root, *steps = [bytes(whole[at : at + 32]) for at in range(0, len(whole), 32)]
    with pytest.raises(ProofError):
        check_consistency(old, size, old_root, root, steps)


@given(st.lists(st.integers(0, 300), max_size=8))
def test_a_frontier_grows_in_any_steps_and_can_be_resumed(steps):
    frontier, size = Frontier(), 0
    for step in steps:
        frontier.extend(MANY[size : size + step])
        size += step
        frontier = Frontier(frontier.size, frontier.peaks)
        assert frontier.size == size
        assert frontier.root() == subtree_root(MANY[:size])


def test_a_frontier_refuses_what_cannot_be():
    with pytest.raises(ProofError):
        Frontier(3, [MANY[0]])
    with pytest.raises(ProofError):
        Frontier(1, [b"short"])
    with pytest.raises(ProofError):
        Frontier().append(b"short")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1_000, 65_535, 65_536, 70_001])
def test_paths_from_tiles(size):
    leaves = MANY[:size]
    levels = Levels(leaves)
    tree = TileTree(size, tiles_over(leaves))
    assert tree.root() == levels.root
    places = {0, 1, size // 3, size // 2, size - 2, size - 1, 65_535}
    for index in places & set(range(size)):
        assert tree.inclusion(index) == levels.path(index)
        assert inclusion_from_tiles(index, size, tiles_over(leaves)) == levels.path(index)
    for old in {0, 1, size // 2, size - 1, size, min(size, 256)}:
        path = tree.consistency(old)
        check_consistency(old, size, subtree_root(leaves[:old]), levels.root, path)


def test_a_tile_of_the_wrong_length_is_refused():
    with pytest.raises(ProofError):
        inclusion_from_tiles(0, 5, lambda _level, _n, width: bytes(32 * width - 1))


@given(st.integers(1, 1_500), st.data())
def test_block_paths_lead_to_the_root_of_the_records(size, data):
    leaves = MANY[:size]
    roots = [subtree_root(leaves[at : at + 256]) for at in range(0, size, 256)]
    n = data.draw(st.integers(0, len(roots) - 1))
    path = block_path(roots, n, size)
    block = leaves[256 * n : 256 * n + 256]
    assert root_from_block(block, n, size, path) == subtree_root(leaves)
    whole_path = inclusion_path(leaves, 256 * n)
    inside = len(inclusion_path(block, 0))
    assert path == whole_path[inside:]
    with pytest.raises(ProofError):
        root_from_block(block[:-1], n, size, path)


def test_places_that_cannot_be():
    with pytest.raises(ProofError):
        inclusion_path(LEAVES, 8)
    with pytest.raises(ProofError):
        inclusion_path([], 0)
    with pytest.raises(ProofError):
        root_from_inclusion(LEAVES[0], -1, 8, [])
    with pytest.raises(ProofError):
        root_from_inclusion(LEAVES[0], 0, 1 << 63, [])
    with pytest.raises(ProofError):
        root_from_inclusion(b"short", 0, 1, [])
    with pytest.raises(ProofError):
        check_consistency(3, 2, LEAVES[0], LEAVES[0], [])
    with pytest.raises(ProofError):
        block_path(LEAVES, 0, 256)


def test_hashes_by_hand():
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT == subtree_root([])
    assert leaf_hash(b"abc") == hashlib.sha256(b"\x00abc").digest()
    assert node_hash(b"l", b"r") == hashlib.sha256(b"\x01lr").digest()
