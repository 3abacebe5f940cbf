"""Content codings undone: the same bytes come out however they are cut, and no bomb goes off."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.inflate import Inflater
from gateway.core.limits import MEMBERS_FREE, MIB, SPOOL_CHUNK_BYTES
from gateway.core.refusal import Reason, Refused

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
CODINGS = pytest.mark.parametrize("coding", ["gzip", "zstd"])


def undone(chunks: Iterable[bytes], coding: str, limit: int = 64 * MIB) -> bytes:
    inflate = Inflater(limit, coding)
    pieces = [piece for chunk in chunks for piece in inflate.feed(chunk)]
    inflate.finish()
    assert all(0 < len(piece) <= SPOOL_CHUNK_BYTES for piece in pieces)
    return b"".join(pieces)


def refused(chunks: Iterable[bytes], coding: str, limit: int = 64 * MIB) -> Reason:
    with pytest.raises(Refused) as caught:
        undone(chunks, coding, limit)
    return caught.value.reason


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(ends)]


@CODINGS
@given(
    parts=st.lists(st.binary(max_size=3_000), min_size=1, max_size=5),
    places=st.lists(st.integers(0, 4_000), max_size=8),
)
def test_members_in_a_row_come_out_whole_however_they_are_cut(
    coding: str, parts: list[bytes], places: list[int]
) -> None:
    packed = b"".join(map(PACK[coding], parts))
    assert undone(cut(packed, places), coding) == b"".join(parts)


@CODINGS
@given(data=st.binary(min_size=1, max_size=2_000), short=st.integers(1, 30))
def test_a_stream_that_ends_early_is_refused(coding: str, data: bytes, short: int) -> None:
    packed = PACK[coding](data)
    rest = packed[: max(1, len(packed) - short)]
    assert refused([rest], coding) is Reason.BODY_TRUNCATED


@CODINGS
@given(data=st.binary(max_size=500), garbage=st.binary(min_size=1, max_size=40))
def test_what_stands_behind_the_last_member_is_a_member_or_refused(
    coding: str, data: bytes, garbage: bytes
) -> None:
    magic = {
        "gzip": b"\x1f",
        "zstd": b"\x28\x50\x51\x52\x53\x54\x55\x56\x57\x58\x59\x5a\x5b\x5c\x5d\x5e\x5f",
    }
    if garbage[:1] in {bytes([byte]) for byte in magic[coding]}:
        garbage = b"\0" + garbage
    assert refused([PACK[coding](data) + garbage], coding) is Reason.BODY_TRUNCATED


@CODINGS
@given(junk=st.binary(min_size=1, max_size=5_000))
def test_junk_is_refused_and_never_crashes(coding: str, junk: bytes) -> None:
    try:
        undone([junk], coding)
    except Refused as refusal:
        assert refusal.reason in {Reason.BODY_TRUNCATED, Reason.DECOMPRESSION_LIMIT}  # noqa: PT017


@CODINGS
def test_a_bomb_is_refused_before_it_has_gone_off(coding: str) -> None:
    packed = PACK[coding](bytes(200 * MIB))
    pieces = Inflater(1 << 40, coding).feed(packed)
    out = 0
    with suppress(Refused):
        for piece in pieces:
            out += len(piece)
    assert refused([packed], coding, 1 << 40) is Reason.DECOMPRESSION_LIMIT
    assert out <= max(MIB, 100 * len(packed)) + SPOOL_CHUNK_BYTES


@CODINGS
def test_more_than_the_limit_is_refused(coding: str) -> None:
    assert refused([PACK[coding](bytes(1_001))], coding, 1_000) is Reason.DECOMPRESSION_LIMIT
    assert undone([PACK[coding](bytes(1_000))], coding, 1_000) == bytes(1_000)


@CODINGS
def test_members_without_content_cannot_go_on_for_ever(coding: str) -> None:
    empty = PACK[coding](b"")
    assert undone([empty * MEMBERS_FREE], coding) == b""
    assert refused([empty * (MEMBERS_FREE + 2)], coding) is Reason.DECOMPRESSION_LIMIT
    assert refused([SKIPPABLE * 5_000], "zstd") is Reason.DECOMPRESSION_LIMIT


def test_input_without_output_is_bounded() -> None:
    frame = b"\x50\x2a\x4d\x18" + (0xFFFFFFF0).to_bytes(4, "little")
    chunks = [frame] + [bytes(MIB)] * 4
    assert refused(chunks, "zstd", MIB) is Reason.DECOMPRESSION_LIMIT


def windowed(log: int) -> bytes:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return packer.compress(b"a row of a schedule\n" * 100) + packer.flush()


def test_a_window_of_eight_mebibytes_is_read_and_a_larger_one_refused() -> None:
    assert undone([windowed(23)], "zstd")
    assert refused([windowed(24)], "zstd") is Reason.BODY_TRUNCATED
    assert refused([windowed(27)], "zstd") is Reason.BODY_TRUNCATED


def test_a_frame_that_needs_a_dictionary_is_refused() -> None:
    samples = [b"row %d of a schedule" % n for n in range(2_000)]
    packed = zstd.compress(samples[0] * 3, zstd_dict=zstd.train_dict(samples, 1_000))
    assert refused([packed], "zstd") is Reason.BODY_TRUNCATED


def test_a_frame_whose_checksum_is_wrong_is_refused() -> None:
    flags = {zstd.CompressionParameter.checksum_flag: 1}
    packed = bytearray(zstd.compress(b"a row", options=flags))
    packed[-1] ^= 1
    assert refused([bytes(packed)], "zstd") is Reason.BODY_TRUNCATED


def test_skippable_frames_are_skipped() -> None:
    assert undone([SKIPPABLE + zstd.compress(b"row") + SKIPPABLE], "zstd") == b"row"
